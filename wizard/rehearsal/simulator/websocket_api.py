"""The WebSocket API (web-socket-api.md): frames in, one answer each, in their order.

The methods that REST has too are answered by the same functions behind the same checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.rehearsal.simulator import refusals, rest
from wizard.rehearsal.simulator.authentication import admit, usable_key
from wizard.rehearsal.simulator.calls import Call, Frame, read_frame
from wizard.rehearsal.simulator.faults import CannedAnswer
from wizard.rehearsal.simulator.keys import READING, PageKeyKind
from wizard.rehearsal.simulator.refusals import RequestError, Surface
from wizard.rehearsal.simulator.state import SUCCESS, ExchangeState

PATH = "/ws-api/v3"
CONNECTION_WEIGHT = 2
_MALFORMED_WEIGHT = 1
_ERROR = 400
_KIND_NAMES = {PageKeyKind.HMAC: "HMAC_SHA256", PageKeyKind.RSA: "RSA"}


@dataclass(slots=True)
class ConnectionState:
    """What one connection remembers: who logged on, since when, and how often it subscribed to user data."""

    connected_since: int
    """Microseconds since 1970, by the exchange's clock; so is `authorized_since`."""
    returns_rate_limits: bool
    time_unit: str
    api_key: str | None = field(default=None, repr=False)
    authorized_since: int | None = None
    subscriptions: int = 0

    def status(self, server_time: int) -> dict[str, object]:
        """Return what `session.status` says; `server_time` is in microseconds."""
        unit = 1 if self.time_unit.upper() == "MICROSECOND" else 1000
        return {
            "apiKey": self.api_key,
            "authorizedSince": None if self.authorized_since is None else self.authorized_since // unit,
            "connectedSince": self.connected_since // unit,
            "returnRateLimits": self.returns_rate_limits,
            "serverTime": server_time // unit,
            "userDataStream": self.subscriptions > 0,
        }


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table."""

    name: str
    weight: int
    answer: Callable[[ExchangeState, ConnectionState, Call], object]
    """Returns the `result` of a 200, or raises `RequestError`."""
    is_signed: bool = False
    """It needs a key, and is written to the activity log."""
    takes_session: bool = True
    """A session that is logged on vouches for it; otherwise it must carry a key and a signature of its own."""


def _log_on(state: ExchangeState, session: ConnectionState, call: Call) -> object:
    key = admit(state, call, READING)
    if key.kind is not PageKeyKind.ED25519:
        raise RequestError(refusals.KEY_KIND_UNSUPPORTED, _KIND_NAMES[key.kind])
    session.api_key, session.authorized_since = key.api_key, state.server_time()
    return session.status(state.server_time())


def _subscribe(state: ExchangeState, session: ConnectionState, call: Call) -> object:
    admit(state, call, READING)
    session.subscriptions += 1
    return {"subscriptionId": session.subscriptions - 1}


def _as_rest(name: str, path: str) -> Method:
    endpoint = next(each for each in rest.ENDPOINTS if (each.method, each.path) == ("GET", path))

    def answer(state: ExchangeState, _session: ConnectionState, call: Call) -> object:
        return endpoint.answer(state, call)

    return Method(name, endpoint.weight, answer, endpoint.is_signed)


METHODS = {
    method.name: method
    for method in (
        _as_rest("ping", "/api/v3/ping"),
        _as_rest("time", "/api/v3/time"),
        _as_rest("exchangeInfo", "/api/v3/exchangeInfo"),
        _as_rest("account.status", "/api/v3/account"),
        Method("session.logon", 2, _log_on, is_signed=True, takes_session=False),
        Method("session.status", 2, lambda state, session, _call: session.status(state.server_time())),
        Method("userDataStream.subscribe.signature", 2, _subscribe, is_signed=True),
    )
}


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """What is sent back, without the id of the frame that it answers."""

    status: int
    content: object
    """The `result` of a 200; otherwise the `error`."""
    is_revocation: bool = False
    """The session was revoked: that answers no frame (`id: null`)."""

    def text(self, frame: Frame, rate_limits: object) -> str:
        """Return the answer as JSON; `rate_limits` is left out where it is None."""
        answered = None if self.is_revocation else frame.id
        name = "result" if self.status < _ERROR else "error"
        limits = {} if rate_limits is None else {"rateLimits": rate_limits}
        return json.dumps({"id": answered, "status": self.status, name: self.content, **limits})


def routes(state: ExchangeState) -> list[WebSocketRoute]:
    """Return the route of the WebSocket API."""

    async def serve(socket: WebSocket) -> None:
        try:
            state.meter.charge(_ip(state, socket), CONNECTION_WEIGHT)
        except RequestError as refused:
            status, body = refused.answer(Surface.WEBSOCKET_API, _ip(state, socket))
            await socket.send_denial_response(JSONResponse(body, status, refused.headers))
            return
        await socket.accept()
        session = ConnectionState(
            connected_since=state.server_time(),
            returns_rate_limits=socket.query_params.get("returnRateLimits", "true").lower() != "false",
            time_unit=socket.query_params.get("timeUnit", ""),
        )
        with suppress(WebSocketDisconnect):
            await _converse(state, session, socket)

    return [WebSocketRoute(PATH, serve)]


def _ip(state: ExchangeState, socket: WebSocket) -> str:
    """Looked up for each frame, as on REST: the NAT table may have been replaced while the connection was open."""
    return state.public_address(socket.client.host if socket.client else "")


async def _converse(state: ExchangeState, session: ConnectionState, socket: WebSocket) -> None:
    while (message := await socket.receive())["type"] == "websocket.receive":
        frame = read_frame(message.get("text"))
        await state.faults.slow_down()
        canned = state.take_canned(f"{PATH}#{frame.method}")
        answer = _canned_answer(canned) if canned else _answer(state, session, _ip(state, socket), frame)
        wish = frame.parameters.get("returnRateLimits")  # goes before the connection's
        shows_limits = wish == "true" if wish in ("true", "false") else session.returns_rate_limits
        limits = state.meter.rate_limits(_ip(state, socket)) if shows_limits else None
        await socket.send_text(answer.text(frame, limits))


def _canned_answer(canned: CannedAnswer) -> FrameAnswer:
    """Return a planted answer; what is no error object is the message of one."""
    if canned.status < _ERROR or isinstance(canned.body, dict):
        return FrameAnswer(canned.status, canned.body)
    unknown = refusals.UNKNOWN_ERROR
    return FrameAnswer(canned.status, {"code": unknown.code, "msg": str(canned.body) or unknown.text})


def _answer(state: ExchangeState, session: ConnectionState, ip: str, frame: Frame) -> FrameAnswer:
    """Judge one frame, carry it out and write it down."""
    method = METHODS.get(frame.method)
    call = _call(session, ip, frame, method)
    try:
        answer, code = FrameAnswer(200, _carry_out(state, session, call, frame, method)), SUCCESS
    except RequestError as refused:
        is_revoked = call.is_logged_on and session.api_key is None
        code = refused.refusal.code
        answer = FrameAnswer(refused.refusal.status, _error(state, refused, call), is_revoked)
    except Exception:  # a defect of this exchange; the connection goes on, as Binance's does after a 5XX
        code = refusals.UNKNOWN_ERROR.code
        answer = FrameAnswer(refusals.UNKNOWN_ERROR.status, {"code": code, "msg": refusals.UNKNOWN_ERROR.text})
    if answer.is_revocation or (method and method.is_signed):
        state.write_log(call.api_key, ip, call.path, answer.status, code)
    return answer


def _carry_out(
    state: ExchangeState, session: ConnectionState, call: Call, frame: Frame, method: Method | None
) -> object:
    state.meter.charge(call.ip, method.weight if method else _MALFORMED_WEIGHT)
    if frame.problem:
        raise frame.problem
    if method is None:
        raise RequestError(refusals.UNSUPPORTED)
    if call.is_logged_on and not _is_still_good(state, call):
        session.api_key = session.authorized_since = None
        raise RequestError(refusals.KEY_REJECTED)
    if method.is_signed and not call.api_key:
        raise RequestError(refusals.MISSING, "apiKey")
    return method.answer(state, session, call)


def _call(session: ConnectionState, ip: str, frame: Frame, method: Method | None) -> Call:
    path, named, parameters = f"{PATH}#{frame.method}", frame.parameters.get("apiKey"), frame.parameters
    call = Call(Surface.WEBSOCKET_API, path, ip, named, session.time_unit, parameters)
    # A frame that names a key of its own is judged by that one.
    names_key = "apiKey" in parameters.values
    if session.api_key is None or names_key or (method and not method.takes_session):
        return call
    return replace(call, api_key=session.api_key, is_logged_on=True)


def _is_still_good(state: ExchangeState, call: Call) -> bool:
    # "IP address is not whitelisted, API key was deleted, API key doesn't have correct permissions, etc"
    try:
        return READING in usable_key(state, call).permissions
    except RequestError:
        return False


def _error(state: ExchangeState, refused: RequestError, call: Call) -> dict[str, object]:
    error = refused.answer(call.surface, call.ip)[1]
    if refused.retry_after is None:
        return error
    now = state.server_time()
    times = {"serverTime": now // 1000, "retryAfter": (now + round(refused.retry_after * 1_000_000)) // 1000}
    return {**error, "data": times}
