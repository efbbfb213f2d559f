"""The methods of the WebSocket API; those that REST has too are answered by the same functions behind the same gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wizard.rehearsal.exchange import public, signed
from wizard.rehearsal.exchange.calls import Call
from wizard.rehearsal.exchange.gate import admit, usable_key
from wizard.rehearsal.exchange.keys import READING, KeyKind
from wizard.rehearsal.exchange.refusals import (
    ILLEGAL_CHARACTERS,
    KEY_KIND_UNSUPPORTED,
    KEY_REJECTED,
    UNAUTHORIZED,
    Refused,
)
from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.websocket_api.session import Session

Answer = Callable[[State, Session, Call], object]
"""Returns the `result` of a 200, or raises `Refused`."""

_KIND_NAMES = {KeyKind.HMAC: "HMAC_SHA256", KeyKind.RSA: "RSA"}
_NUMBER = "^[0-9]{1,9}$"


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table."""

    name: str
    weight: int
    answer: Answer
    is_signed: bool = False
    """It needs a key, and is written to the activity log."""
    takes_session: bool = True
    """A session that is logged on vouches for it; otherwise it must carry a key and a signature of its own."""


def _log_on(state: State, session: Session, call: Call) -> object:
    key = admit(state, call, READING)
    if key.kind is not KeyKind.ED25519:
        raise Refused(KEY_KIND_UNSUPPORTED, _KIND_NAMES[key.kind])
    session.log_on(key.api_key, state.server_time())
    return session.status(state.server_time())


def _status(state: State, session: Session, _call: Call) -> object:
    return session.status(state.server_time())


def _log_out(state: State, session: Session, _call: Call) -> object:
    session.log_out()
    return session.status(state.server_time())


def _subscriptions(_state: State, session: Session, _call: Call) -> object:
    return [{"subscriptionId": each.id} for each in session.subscriptions]


def _subscribe(state: State, session: Session, call: Call) -> object:
    if session.api_key is None:
        raise Refused(UNAUTHORIZED)
    if READING not in usable_key(state, call).permissions:
        raise Refused(KEY_REJECTED)
    return {"subscriptionId": session.subscribe(is_of_session=True)}


def _subscribe_signed(state: State, session: Session, call: Call) -> object:
    admit(state, call, READING)
    return {"subscriptionId": session.subscribe(is_of_session=False)}


def _unsubscribe(_state: State, session: Session, call: Call) -> object:
    written = call.parameters.get("subscriptionId")
    if written and not (written.isascii() and written.isdigit() and len(written) < 10):
        raise Refused(ILLEGAL_CHARACTERS, "subscriptionId", _NUMBER)
    session.unsubscribe(int(written) if written else None)
    return {}


def _as_rest(name: str, method: str, path: str) -> Method:
    endpoints = (*public.ENDPOINTS, *signed.ENDPOINTS)
    endpoint = next(each for each in endpoints if (each.method, each.path) == (method, path))

    def answer(state: State, _session: Session, call: Call) -> object:
        return endpoint.answer(state, call)

    return Method(name, endpoint.weight, answer, endpoint.is_signed)


METHODS = {
    method.name: method
    for method in (
        _as_rest("ping", "GET", "/api/v3/ping"),
        _as_rest("time", "GET", "/api/v3/time"),
        _as_rest("exchangeInfo", "GET", "/api/v3/exchangeInfo"),
        _as_rest("account.status", "GET", "/api/v3/account"),
        _as_rest("order.test", "POST", "/api/v3/order/test"),
        Method("session.logon", 2, _log_on, is_signed=True, takes_session=False),
        Method("session.status", 2, _status),
        Method("session.logout", 2, _log_out),
        Method("session.subscriptions", 2, _subscriptions),
        Method("userDataStream.subscribe", 2, _subscribe),
        Method("userDataStream.subscribe.signature", 2, _subscribe_signed, is_signed=True, takes_session=False),
        Method("userDataStream.unsubscribe", 2, _unsubscribe),
    )
}
