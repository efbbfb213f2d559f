"""What came back over HTTP or a WebSocket, read as Binance's JSON, or as the failure that it is. Pure.

The JSON code decides before the HTTP status does. The text of an answer that could not be read is not kept. A field of
another type than the documented one is an `ExchangeError` (unreadable answer), never a guess; one that the SDK calls
optional may be missing and is then None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import NoReturn

from wizard.core.addresses import read_ipv4
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.exchange import errors
from wizard.exchange.errors import ExchangeError, Flaw, unreadable

Json = dict[str, object]
Scrub = Callable[[str], str]
"""Takes the key and the signature of the request out of a text, should the answer repeat them."""
TOO_MANY_REQUESTS = -1003
_REQUEST_IP = re.compile(r"request ip:\s*([0-9A-Fa-f:.]{2,45})(?![0-9A-Fa-f:.%])", re.IGNORECASE)
_BANNED_UNTIL = re.compile(r"banned until ([0-9]{13})(?![0-9])", re.IGNORECASE)
"""The end of a ban in the words of -1003, in milliseconds since 1970 (CONFIRMED, errors.md)."""
_BLOCKED_COUNTRY = re.compile(
    rb"block access from your country|country or region(?: your IP address is in)? (?:is |has been )?banned"
    rb"|banned the country or region|restricted location|not available in your (?:country|region|location)"
    rb"|error(?: code:?)? 1009",
    re.IGNORECASE,
)
"""What a network in front of the exchange may say on its page for 403. CloudFront's words are REPORTED (python-binance
1413). The others are likely wordings, Cloudflare's of its error 1009 among them, and nobody saw them here."""
_PERMISSION = re.compile(r"(?:enable|permits)[A-Za-z]{1,60}")
_STATUSES = range(100, 600)
_MILLISECONDS = range(10**12, 10**13)
"""Since 1970, from 2001 to 2286: a time outside is no time."""
_MICROSECONDS = range(10**15, 10**16)
_WHOLE = range(-(2**63), 2**63)
"""The exchange's numbers are LONG."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One HTTP answer, its body read up to the limit."""

    status: int
    retry_after: str
    """The `Retry-After` header, or nothing."""
    body: bytes | None
    """None when it was longer than the limit."""
    uid_weight: str = ""
    """The `X-SAPI-USED-UID-WEIGHT-1M` header, or nothing."""


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
    trading_until_ms: int | None = None
    """When spot and margin trading with the key ends, in milliseconds since 1970: `tradingAuthorityExpirationTime`
    stands in older documents only (CONFIRMED). None where the exchange does not say."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is (`GET /api/v3/account`, CONFIRMED)."""

    uid: int | None
    """The account's number: the same for two keys of one account."""
    can_trade: bool
    """Whether the account may trade. What the key may do is another question."""


def interpret(answer: RawAnswer, scrub: Scrub, now: float) -> Json | list[object] | ExchangeError:
    """Return a success as JSON, or what the answer means instead; `now` in seconds, as a ban may end at a moment."""
    if 300 <= answer.status < 400:
        return unreadable(Flaw.REDIRECT, answer.status)
    told = decode(answer.body or b"")
    if failure := _failure(answer.status, told, _seconds(answer.retry_after), scrub, now):
        return failure
    if answer.status == 403:
        is_country = _BLOCKED_COUNTRY.search(answer.body or b"")
        return errors.location_restricted() if is_country else errors.firewall_blocked()
    if answer.status != 200:
        return unreadable(Flaw.STATUS, answer.status)
    if isinstance(told, (dict, list)):
        return told
    return unreadable(Flaw.TOO_LONG if answer.body is None else Flaw.NOT_JSON if told is None else Flaw.SHAPE)


def interpret_message(message: bytes, ident: str, scrub: Scrub, now: float) -> Json | ExchangeError | None:
    """Return what one message of the WebSocket API says to the request `ident`; None where it is about another.

    An error with the id `null` counts too: so Binance revokes a session whose key is not allowed any more (CONFIRMED,
    docs/binance.md). `now` is this host's clock, in seconds: `retryAfter` is a moment, not a length of time.
    """
    told = decode(message)
    if not isinstance(told, dict):
        return unreadable(Flaw.NOT_JSON if told is None else Flaw.SHAPE)
    if told.get("id") != ident and not (told.get("id") is None and "error" in told):
        return None
    status, error = told.get("status"), told.get("error")
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        return unreadable(Flaw.SHAPE, field="status")
    data = error.get("data") if isinstance(error, dict) else None
    retry_after = _seconds_until(data.get("retryAfter") if isinstance(data, dict) else None, now)
    if failure := _failure(status, error, retry_after, scrub, now):
        return failure
    result = told.get("result")
    if status != 200:
        return unreadable(Flaw.STATUS, status)
    return result if isinstance(result, dict) else unreadable(Flaw.SHAPE, field="result")


def _failure(status: int, told: object, retry_after: float | None, scrub: Scrub, now: float) -> ExchangeError | None:
    """Return what an answer with the error object `told` means; None where it is none of the exchange's failures."""
    error = told if isinstance(told, dict) else {}
    code, message = _code(error.get("code")), error.get("msg")
    message = scrub(message) if isinstance(message, str) else ""
    if status in (418, 429) or code == TOO_MANY_REQUESTS:
        ban = _BANNED_UNTIL.search(message)
        left = _seconds_until(int(ban[1]), now) if ban else None
        until = int(ban[1]) / 1000 if ban and left is not None else None
        # The header needs no clock of this host.
        return errors.slow_down(left if retry_after is None else retry_after, status, code, until=until)
    if status >= 500:
        return errors.server_fault(status, code)
    if status == 451 or "restricted location" in message:
        return errors.location_restricted()
    if code is not None:
        return errors.refused(code, printable(message), status, request_ip(message))
    return None


def request_ip(message: str) -> IPv4Address | IPv6Address | None:
    """Return the address in `…, request ip: 203.0.113.42`, the caller as the exchange saw it (REPORTED)."""
    found = _REQUEST_IP.search(message)
    text = found[1].rstrip(".") if found else ""
    if ":" not in text:
        return read_ipv4(text)
    with suppress(ValueError):
        address = IPv6Address(text)
        return address.ipv4_mapped or address
    return None


def decode(body: bytes) -> object:
    """Return the JSON value, or None for `null` and for what is no JSON. API keys and secrets in it are `Secret`s."""
    try:
        return json.loads(body, parse_constant=_refuse, object_hook=_conceal)
    except (ValueError, RecursionError):
        return None


def _conceal(answer: Json) -> Json:
    """Keep keys and secrets out of the frames that read an answer."""
    return {
        name: Secret(told) if isinstance(told, str) and name.lower().endswith(("apikey", "secretkey")) else told
        for name, told in answer.items()
    }


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _code(code: object) -> int | None:
    return code if isinstance(code, int) and -1_000_000 < code < 0 else None


def _seconds_until(moment: object, now: float) -> float | None:
    if not isinstance(moment, int) or isinstance(moment, bool) or moment not in _MILLISECONDS:
        return None
    return max(0.0, moment / 1000 - now)


def _seconds(header: str) -> float | None:
    found = re.fullmatch(r"[ \t]*([0-9]{1,9})[ \t]*", header)
    return float(found[1]) if found else None


def read_server_time(answer: Json | list[object], round_trip_ms: float, sent_at: float) -> ServerTime:
    """Read `{"serverTime": …}`, in milliseconds or microseconds."""
    told = _whole(read_object(answer), "serverTime") or 0
    if told in _MICROSECONDS:
        return ServerTime(told / 1000, round_trip_ms, sent_at)
    if told in _MILLISECONDS:
        return ServerTime(told + 0.5, round_trip_ms, sent_at)
    raise unreadable(Flaw.SHAPE, field="serverTime")


def read_api_restrictions(answer: Json | list[object]) -> ApiRestrictions:
    """Read the restrictions of a key; an answer that tells nothing it may do is unreadable too."""
    answer = read_object(answer)
    names = sorted(name for name in answer if _PERMISSION.fullmatch(name))
    flags = {name: told for name in names if (told := _flag(answer, name)) is not None}
    restricted = _flag(answer, "ipRestrict")
    created, trading_until = _moment(answer, "createTime"), _moment(answer, "tradingAuthorityExpirationTime")
    if not flags:
        raise unreadable(Flaw.SHAPE, field="enableReading")
    return ApiRestrictions(restricted, created, MappingProxyType(flags), trading_until)


def read_futures_balances(answer: Json | list[object]) -> int:
    """Return how many assets `GET /fapi/v3/balance` lists. What they are worth is nobody's business here."""
    if isinstance(answer, list) and all(isinstance(entry, dict) for entry in answer):
        return len(answer)
    raise unreadable(Flaw.SHAPE, field="balance")


def read_account(answer: Json | list[object]) -> Account:
    """Read whose account it is; `canTrade` must be there."""
    answer = read_object(answer)
    can_trade = _flag(answer, "canTrade")
    if can_trade is None:
        raise unreadable(Flaw.SHAPE, field="canTrade")
    return Account(uid=_whole(answer, "uid"), can_trade=can_trade)


def read_object(answer: object) -> Json:
    """Return what has to be an object."""
    if isinstance(answer, dict):
        return answer
    raise unreadable(Flaw.SHAPE)


def _flag(answer: Json, name: str) -> bool | None:
    value = answer.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise unreadable(Flaw.SHAPE, field=name)


def _moment(answer: Json, name: str) -> int | None:
    told = _whole(answer, name)
    # `in` would look at each number of the range for what is none.
    return told if told is not None and told in _MILLISECONDS else None


def _whole(answer: Json, name: str) -> int | None:
    value = answer.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value in _WHOLE):
        return value
    raise unreadable(Flaw.SHAPE, field=name)
