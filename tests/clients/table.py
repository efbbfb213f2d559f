"""Every cell: which client, with which kind of key, in which situation, calls what; and what it must report.

The exchange's answers are those of docs/binance.md: -2015 is 401 on /api and on the WebSocket API and 400
on /sapi, where a key that is not known is -2008 (statuses REPORTED, the texts CONFIRMED except -2008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

KINDS = ("hmac", "ed25519", "rsa")
ACCOUNT = "/api/v3/account"
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"

ACCEPTED = "accepted"
NOT_LISTED = "address-not-listed"
WRONG_SECRET = "wrong-secret"
UNKNOWN_KEY = "unknown-key"
DELETED_KEY = "deleted-key"
STALE = "stale-timestamp"
SITUATIONS = (ACCEPTED, NOT_LISTED, WRONG_SECRET, UNKNOWN_KEY, DELETED_KEY, STALE)

PATHS: Mapping[str, str] = {
    "account": ACCOUNT,
    "restrictions": RESTRICTIONS,
    "order": "/api/v3/order/test",
    "ws_account": "/ws-api/v3#account.status",
}
"""By call, the path under which the exchange writes it into its log."""


@dataclass(frozen=True)
class Answer:
    """What the exchange says; code 0 is success."""

    status: int
    code: int


FINE = Answer(200, 0)
BY_SITUATION: Mapping[str, tuple[Answer, Answer]] = {
    ACCEPTED: (FINE, FINE),
    NOT_LISTED: (Answer(401, -2015), Answer(400, -2015)),
    WRONG_SECRET: (Answer(400, -1022), Answer(400, -1022)),
    UNKNOWN_KEY: (Answer(401, -2015), Answer(400, -2008)),
    DELETED_KEY: (Answer(401, -2015), Answer(400, -2008)),
    STALE: (Answer(400, -1021), Answer(400, -1021)),
}
"""The answer on /api and on the WebSocket API, and the one on /sapi."""


@dataclass(frozen=True)
class Told:
    """A refusal as the client tells it to its user: its exception's name, and what that carries."""

    error: str
    status: int | None
    code: int


def by_python_binance(answer: Answer, _call: str) -> Told:
    return Told("BinanceAPIException", answer.status, answer.code)


def by_ccxt(answer: Answer, _call: str) -> Told:
    # It keeps the HTTP status to itself, and knows -2008 as an AuthenticationError only where the URL
    # starts with the real host.
    special = {-1021: "InvalidNonce", -2008: "ExchangeError"}
    return Told(special.get(answer.code, "AuthenticationError"), None, answer.code)


def by_binance_connector(answer: Answer, call: str) -> Told:
    return Told("HandedOut" if call == "ws_account" else "ClientError", answer.status, answer.code)


def by_binance_sdk_spot(answer: Answer, call: str) -> Told:
    # The type of the exception stands for the HTTP status.
    if call == "ws_account":
        return Told("HandedOut", None, answer.code)
    return Told({400: "BadRequestError", 401: "UnauthorizedError"}[answer.status], None, answer.code)


TELLERS: Mapping[str, Callable[[Answer, str], Told]] = {
    "python-binance": by_python_binance,
    "ccxt": by_ccxt,
    "binance-connector": by_binance_connector,
    "binance-sdk-spot": by_binance_sdk_spot,
}

ASYMMETRIC = ("ed25519", "rsa")
CANNOT: Mapping[tuple[str, str, str], str] = {
    ("binance-connector", kind, "ws_account"): "its WebSocket API client signs with an HMAC secret only"
    for kind in ASYMMETRIC
}
"""By client, kind of key and call: why this client cannot make it."""


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    client: str
    kind: str
    situation: str
    call: str

    @property
    def answer(self) -> Answer:
        """What the exchange must say."""
        return BY_SITUATION[self.situation][self.call == "restrictions"]

    @property
    def told(self) -> Told | None:
        """What the client must report; None where it is accepted."""
        return None if self.answer == FINE else TELLERS[self.client](self.answer, self.call)

    @property
    def cannot(self) -> str | None:
        """Why this client cannot make the call, if it cannot."""
        return CANNOT.get((self.client, self.kind, self.call))

    def __str__(self) -> str:
        return "-".join((self.client, self.kind, self.situation, self.call))


CELLS = tuple(Cell(*names) for names in product(TELLERS, KINDS, SITUATIONS, PATHS))
