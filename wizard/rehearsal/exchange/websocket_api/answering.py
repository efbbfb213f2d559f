"""From one request to one answer; everything but the socket."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wizard.rehearsal.exchange.activity import SUCCESS, LogEntry
from wizard.rehearsal.exchange.calls import Call
from wizard.rehearsal.exchange.faults import CannedAnswer
from wizard.rehearsal.exchange.gate import usable_key
from wizard.rehearsal.exchange.keys import READING
from wizard.rehearsal.exchange.refusals import KEY_REJECTED, MISSING, UNKNOWN_ERROR, UNSUPPORTED, Refused, Surface
from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.websocket_api.frames import Request
from wizard.rehearsal.exchange.websocket_api.methods import METHODS, Method
from wizard.rehearsal.exchange.websocket_api.session import Session
from wizard.text import printable

PATH = "/ws-api/v3"
_MALFORMED_WEIGHT = 1
_ERROR = 400


class _SessionRevoked(Refused):
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


def answer(state: State, session: Session, ip: str, request: Request) -> Answer:
    """Judge one request and carry it out."""
    method = METHODS.get(request.method)
    call = _call(session, ip, request, method)
    answered, code = _judged(state, session, call, request, method)
    if (method and method.is_signed) or answered.is_of_session:
        state.log.add(LogEntry(state.now_ms(), printable(call.api_key, 64), ip, call.path, answered.status, code))
    return answered


def _judged(state: State, session: Session, call: Call, request: Request, method: Method | None) -> tuple[Answer, int]:
    try:
        return Answer(200, _carry_out(state, session, call, request, method)), SUCCESS
    except Refused as refused:
        error = _error(state, refused, call)
        return Answer(refused.refusal.status, error, isinstance(refused, _SessionRevoked)), refused.refusal.code
    except Exception:  # a defect of this exchange; the connection goes on, as Binance's does after a 5XX
        return Answer(UNKNOWN_ERROR.status, {"code": UNKNOWN_ERROR.code, "msg": UNKNOWN_ERROR.text}), UNKNOWN_ERROR.code


def _carry_out(state: State, session: Session, call: Call, request: Request, method: Method | None) -> object:
    state.meter.charge(call.ip, method.weight if method else _MALFORMED_WEIGHT)
    if request.problem:
        raise request.problem
    if method is None:
        raise Refused(UNSUPPORTED)
    if call.is_logged_on and not _is_still_good(state, call):
        session.log_out()
        raise _SessionRevoked(KEY_REJECTED)
    if method.is_signed and not call.api_key:
        raise Refused(MISSING, "apiKey")
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


def _is_still_good(state: State, call: Call) -> bool:
    # "IP address is not whitelisted, API key was deleted, API key doesn't have correct permissions, etc"
    try:
        return READING in usable_key(state, call).permissions
    except Refused:
        return False


def _error(state: State, refused: Refused, call: Call) -> dict[str, object]:
    error = refused.answer(call.surface, call.ip)[1]
    if refused.retry_after is None:
        return error
    now = state.server_time()
    times = {"serverTime": now // 1000, "retryAfter": (now + round(refused.retry_after * 1_000_000)) // 1000}
    return {**error, "data": times}
