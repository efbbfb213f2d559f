"""One connection to the WebSocket API: frames in, one answer each, in their order.

From one request to one answer; everything but the socket.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.core.text import printable
from wizard.rehearsal.simulator.authentication import usable_key
from wizard.rehearsal.simulator.calls import Call
from wizard.rehearsal.simulator.faults import CannedAnswer
from wizard.rehearsal.simulator.keys import READING
from wizard.rehearsal.simulator.refusals import (
    BANNED,
    KEY_REJECTED,
    MISSING,
    UNKNOWN_ERROR,
    UNSUPPORTED,
    RequestError,
    Surface,
)
from wizard.rehearsal.simulator.state import SUCCESS, ExchangeState, LogEntry
from wizard.rehearsal.simulator.websocket_frames import Request, read_request
from wizard.rehearsal.simulator.websocket_methods import METHODS, Method, Session

PATH = "/ws-api/v3"
_MALFORMED_WEIGHT = 1
_ERROR = 400


class _SessionRevokedError(RequestError):
    """The key that vouched for the session may not be used any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, without the request's id."""

    status: int
    content: object
    """The `result` of a 200; otherwise the `error`."""
    is_of_session: bool = False
    """It tells that the session was revoked, so that it answers no request (`id: null`)."""

    def frame(self, request: Request, rate_limits: object) -> dict[str, object]:
        """Return the JSON of the answer; `rate_limits` is left out where it is None."""
        request_id = None if self.is_of_session else request.id
        field = "result" if self.status < _ERROR else "error"
        limits = {} if rate_limits is None else {"rateLimits": rate_limits}
        return {"id": request_id, "status": self.status, field: self.content, **limits}


def path_of(request: Request) -> str:
    """Return the request's path as faults and the log name it."""
    return f"{PATH}#{request.method}"


def shows_rate_limits(session: Session, request: Request) -> bool:
    """Return whether the answer tells the weight that was used: the request's wish goes before the connection's."""
    wish = request.parameters.get("returnRateLimits")
    return wish == "true" if wish in ("true", "false") else session.returns_rate_limits


def canned_answer(canned: CannedAnswer) -> Answer:
    """Return a planted answer; what is no error object is told as the message of one."""
    if canned.status < _ERROR or isinstance(canned.body, dict):
        return Answer(canned.status, canned.body)
    return Answer(canned.status, {"code": UNKNOWN_ERROR.code, "msg": str(canned.body) or UNKNOWN_ERROR.text})


def answer(state: ExchangeState, session: Session, ip: str, request: Request) -> Answer:
    """Judge one request and carry it out."""
    method = METHODS.get(request.method)
    call = _call(session, ip, request, method)
    answered, code = _judged(state, session, call, request, method)
    if (method and method.is_signed) or answered.is_of_session:
        state.log.add(LogEntry(state.now_ms(), printable(call.api_key, 64), ip, call.path, answered.status, code))
    return answered


def _judged(
    state: ExchangeState, session: Session, call: Call, request: Request, method: Method | None
) -> tuple[Answer, int]:
    try:
        return Answer(200, _carry_out(state, session, call, request, method)), SUCCESS
    except RequestError as refused:
        error = _error(state, refused, call)
        return Answer(refused.refusal.status, error, isinstance(refused, _SessionRevokedError)), refused.refusal.code
    except Exception:  # a defect of this exchange; the connection goes on, as Binance's does after a 5XX
        return Answer(UNKNOWN_ERROR.status, {"code": UNKNOWN_ERROR.code, "msg": UNKNOWN_ERROR.text}), UNKNOWN_ERROR.code


def _carry_out(state: ExchangeState, session: Session, call: Call, request: Request, method: Method | None) -> object:
    state.meter.charge(call.ip, method.weight if method else _MALFORMED_WEIGHT)
    if request.problem:
        raise request.problem
    if method is None:
        raise RequestError(UNSUPPORTED)
    if call.is_logged_on and not _is_still_good(state, call):
        session.log_out()
        raise _SessionRevokedError(KEY_REJECTED)
    if method.is_signed and not call.api_key:
        raise RequestError(MISSING, "apiKey")
    return method.answer(state, session, call)


def _call(session: Session, ip: str, request: Request, method: Method | None) -> Call:
    call = Call(
        surface=Surface.WEBSOCKET_API,
        path=path_of(request),
        ip=ip,
        api_key=request.parameters.get("apiKey"),
        time_unit=session.time_unit,
        parameters=request.parameters,
    )
    # A request that names a key of its own is judged by that one.
    is_vouched_for = session.api_key is not None and "apiKey" not in request.parameters.values
    if session.api_key is None or not is_vouched_for or (method and not method.takes_session):
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


CONNECTION_WEIGHT = 2
POLICY_VIOLATION = 1008


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
        with suppress(WebSocketDisconnect):
            await _converse(state, _session(state, socket), socket)

    return [WebSocketRoute(PATH, serve)]


def _session(state: ExchangeState, socket: WebSocket) -> Session:
    return Session(
        connected_since=state.server_time(),
        returns_rate_limits=socket.query_params.get("returnRateLimits", "true").lower() != "false",
        time_unit=socket.query_params.get("timeUnit", ""),
    )


def _ip(state: ExchangeState, socket: WebSocket) -> str:
    """Looked up for each request, as on REST: the NAT table may have been replaced while the connection was open."""
    return state.public_address(socket.client.host if socket.client else "")


async def _converse(state: ExchangeState, session: Session, socket: WebSocket) -> None:
    while (message := await socket.receive())["type"] == "websocket.receive":
        request = read_request(message.get("text"))
        answered = await _answered(state, session, socket, request)
        limits = state.meter.rate_limits(_ip(state, socket)) if shows_rate_limits(session, request) else None
        await socket.send_text(json.dumps(answered.frame(request, limits)))
        if answered.status == BANNED.status:
            await socket.close(POLICY_VIOLATION)  # "an automated IP ban and you will be disconnected"
            return


async def _answered(state: ExchangeState, session: Session, socket: WebSocket, request: Request) -> Answer:
    await state.faults.slow_down()
    canned = state.take_canned(path_of(request))
    return canned_answer(canned) if canned else answer(state, session, _ip(state, socket), request)
