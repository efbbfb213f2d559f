"""What the exchange told, as values: time, permissions, account. Pure readers of its JSON.

A reader takes the documented types and nothing else: a field of another type makes the answer
unreadable, never a guess. Fields that the SDK calls optional may be missing and are then None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wizard.exchange.answers import Json
from wizard.exchange.errors import AnswerUnreadable, Flaw

_PERMISSION = re.compile(r"(?:enable|permits)[A-Za-z]{1,60}")
_MILLISECONDS = range(10**12, 10**13)
"""2001 to 2286: a time outside is no time."""
_MICROSECONDS = range(10**15, 10**16)
_WHOLE = range(-(2**63), 2**63)
"""The exchange's numbers are LONG."""
_MIDDLE_OF_A_MILLISECOND = 0.5


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one call took."""

    round_trip_ms: float


@dataclass(frozen=True, slots=True)
class WebSocketSession:
    """What one conversation with the WebSocket API showed."""

    account: Account
    has_logged_on: bool
    """Whether `session.logon` was asked and accepted: it is for Ed25519 keys only (CONFIRMED, web-socket-api.md)."""
    milliseconds: float
    """From the opening of the connection to the last answer."""


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The exchange's clock, and when it was asked."""

    epoch_ms: float
    """Milliseconds since 1970. An answer in whole milliseconds is read as the middle of that one."""
    round_trip_ms: float
    sent_at: float
    """This host's clock when the question left, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class ApiRestrictions:
    """What one key may do (`GET /sapi/v1/account/apiRestrictions`, CONFIRMED). It does not hold the IP list."""

    ip_restricted: bool | None
    """Whether the key works from listed addresses only; None when the exchange does not say."""
    created_ms: int | None
    """When the key was created, in milliseconds since 1970."""
    permissions: Mapping[str, bool]
    """All `enable…` and `permits…` flags that were told, by the exchange's names."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is (`GET /api/v3/account`, CONFIRMED)."""

    uid: int | None
    """The account's number: the same for two keys of one account."""
    can_trade: bool
    """Whether the account may trade. What the key may do is another question."""


def read_server_time(answer: Json, round_trip_ms: float, sent_at: float) -> ServerTime:
    """Read `{"serverTime": …}`, in milliseconds or microseconds.

    Raises:
        AnswerUnreadable: it is not a time.
    """
    told = _whole(answer, "serverTime") or 0
    if told in _MICROSECONDS:
        return ServerTime(told / 1000, round_trip_ms, sent_at)
    if told in _MILLISECONDS:
        return ServerTime(told + _MIDDLE_OF_A_MILLISECOND, round_trip_ms, sent_at)
    raise AnswerUnreadable(Flaw.SHAPE, detail="serverTime")


def read_api_restrictions(answer: Json) -> ApiRestrictions:
    """Read the restrictions of a key.

    Raises:
        AnswerUnreadable: a field has another type, or the answer tells nothing that a key may do.
    """
    names = sorted(name for name in answer if _PERMISSION.fullmatch(name))
    flags = {name: told for name in names if (told := _flag(answer, name)) is not None}
    restricted, created = _flag(answer, "ipRestrict"), _whole(answer, "createTime")
    if not flags:
        raise AnswerUnreadable(Flaw.SHAPE, detail="enableReading")
    return ApiRestrictions(
        ip_restricted=restricted,
        # `in` would look at each number of the range for what is none.
        created_ms=created if created is not None and created in _MILLISECONDS else None,
        permissions=MappingProxyType(flags),
    )


def read_futures_balances(answer: list[object]) -> int:
    """Return how many assets `GET /fapi/v3/balance` lists. What they are worth is nobody's business here.

    Raises:
        AnswerUnreadable: it is no list of objects.
    """
    if not all(isinstance(entry, dict) for entry in answer):
        raise AnswerUnreadable(Flaw.SHAPE, detail="balance")
    return len(answer)


def read_account(answer: Json) -> Account:
    """Read whose account it is.

    Raises:
        AnswerUnreadable: a field has another type, or `canTrade` is missing.
    """
    can_trade = _flag(answer, "canTrade")
    if can_trade is None:
        raise AnswerUnreadable(Flaw.SHAPE, detail="canTrade")
    return Account(uid=_whole(answer, "uid"), can_trade=can_trade)


def _flag(answer: Json, name: str) -> bool | None:
    value = answer.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise AnswerUnreadable(Flaw.SHAPE, detail=name)


def _whole(answer: Json, name: str) -> int | None:
    value = answer.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value in _WHOLE):
        return value
    raise AnswerUnreadable(Flaw.SHAPE, detail=name)
