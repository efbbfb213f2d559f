"""The methods of the WebSocket API; those that REST has too are answered by the same functions behind the same checks.

What one connection remembers: who logged on, since when, and what it subscribed to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wizard.rehearsal.simulator import public, signed
from wizard.rehearsal.simulator.authentication import admit, usable_key
from wizard.rehearsal.simulator.calls import Call
from wizard.rehearsal.simulator.keys import READING, PageKeyKind
from wizard.rehearsal.simulator.refusals import (
    ILLEGAL_CHARACTERS,
    KEY_KIND_UNSUPPORTED,
    KEY_REJECTED,
    UNAUTHORIZED,
    RequestError,
)
from wizard.rehearsal.simulator.state import ExchangeState


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription to a user data stream."""

    id: int
    is_of_session: bool
    """Made with the session's key, so that it ends with the log-on."""


@dataclass(slots=True)
class Session:
    """The state of one connection; no two share one."""

    connected_since: int
    """Microseconds since 1970, by the exchange's clock; so are the others."""
    returns_rate_limits: bool
    time_unit: str
    api_key: str | None = field(default=None, repr=False)
    authorized_since: int | None = None
    subscriptions: tuple[Subscription, ...] = ()
    subscribed_ever: int = 0

    def log_on(self, api_key: str, now: int) -> None:
        """Let `api_key` vouch for the requests to come."""
        self.api_key, self.authorized_since = api_key, now

    def log_out(self) -> None:
        """Forget the key, and what was subscribed to in its name."""
        self.api_key = self.authorized_since = None
        self.subscriptions = tuple(each for each in self.subscriptions if not each.is_of_session)

    def subscribe(self, *, is_of_session: bool) -> int:
        """Add a subscription and return its number, which no other of this connection ever has."""
        number = self.subscribed_ever
        self.subscribed_ever += 1
        self.subscriptions = (*self.subscriptions, Subscription(number, is_of_session))
        return number

    def unsubscribe(self, number: int | None) -> None:
        """End one subscription, or all."""
        self.subscriptions = tuple(each for each in self.subscriptions if number not in (None, each.id))

    def status(self, server_time: int) -> dict[str, object]:
        """Return what `session.status` tells; `server_time` is in microseconds."""
        unit = 1 if self.time_unit.upper() == "MICROSECOND" else 1000
        return {
            "apiKey": self.api_key,
            "authorizedSince": None if self.authorized_since is None else self.authorized_since // unit,
            "connectedSince": self.connected_since // unit,
            "returnRateLimits": self.returns_rate_limits,
            "serverTime": server_time // unit,
            "userDataStream": bool(self.subscriptions),
        }


Answer = Callable[[ExchangeState, Session, Call], object]
"""Returns the `result` of a 200, or raises `RequestError`."""

_KIND_NAMES = {PageKeyKind.HMAC: "HMAC_SHA256", PageKeyKind.RSA: "RSA"}
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


def _log_on(state: ExchangeState, session: Session, call: Call) -> object:
    key = admit(state, call, READING)
    if key.kind is not PageKeyKind.ED25519:
        raise RequestError(KEY_KIND_UNSUPPORTED, _KIND_NAMES[key.kind])
    session.log_on(key.api_key, state.server_time())
    return session.status(state.server_time())


def _status(state: ExchangeState, session: Session, _call: Call) -> object:
    return session.status(state.server_time())


def _log_out(state: ExchangeState, session: Session, _call: Call) -> object:
    session.log_out()
    return session.status(state.server_time())


def _subscriptions(_state: ExchangeState, session: Session, _call: Call) -> object:
    return [{"subscriptionId": each.id} for each in session.subscriptions]


def _subscribe(state: ExchangeState, session: Session, call: Call) -> object:
    if session.api_key is None:
        raise RequestError(UNAUTHORIZED)
    if READING not in usable_key(state, call).permissions:
        raise RequestError(KEY_REJECTED)
    return {"subscriptionId": session.subscribe(is_of_session=True)}


def _subscribe_signed(state: ExchangeState, session: Session, call: Call) -> object:
    admit(state, call, READING)
    return {"subscriptionId": session.subscribe(is_of_session=call.is_logged_on)}


def _unsubscribe(_state: ExchangeState, session: Session, call: Call) -> object:
    written = call.parameters.get("subscriptionId")
    if written and not (written.isascii() and written.isdigit() and len(written) < 10):
        raise RequestError(ILLEGAL_CHARACTERS, "subscriptionId", _NUMBER)
    session.unsubscribe(int(written) if written else None)
    return {}


def _as_rest(name: str, method: str, path: str) -> Method:
    endpoints = (*public.ENDPOINTS, *signed.ENDPOINTS)
    endpoint = next(each for each in endpoints if (each.method, each.path) == (method, path))

    def answer(state: ExchangeState, _session: Session, call: Call) -> object:
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
        Method("userDataStream.subscribe.signature", 2, _subscribe_signed, is_signed=True),
        Method("userDataStream.unsubscribe", 2, _unsubscribe),
    )
}
