"""What came back over HTTP or a WebSocket, read as the exchange's JSON or as a typed failure. Pure.

The JSON code decides before the HTTP status does; the content type is not looked at. Nothing here
keeps the text of an answer that could not be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NoReturn

from wizard.core.addresses import read_ipv4
from wizard.core.text import printable
from wizard.exchange.errors import (
    AnswerUnreadable,
    ExchangeError,
    FirewallBlocked,
    Flaw,
    LocationRestricted,
    Refused,
    ServerFault,
    SlowDown,
)

Json = dict[str, object]
Scrub = Callable[[str], str]
"""Takes the key and the signature of the request out of a text, should the answer repeat them."""

TOO_MANY_REQUESTS = -1003

_REQUEST_IP = re.compile(r"request ip:\s*([0-9.]{7,15})(?![0-9A-Fa-f:.])", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}")
_LOWEST_CODE = -1_000_000
_STATUSES = range(100, 600)
_MOMENTS = range(10**12, 10**13)
"""Milliseconds since 1970, from 2001 to 2286."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One HTTP answer, its body read up to the limit."""

    status: int
    retry_after: str
    """The `Retry-After` header, or nothing."""
    body: bytes | None
    """None when it was longer than the limit."""


def interpret(answer: RawAnswer, scrub: Scrub) -> Json | list[object] | ExchangeError:
    """Return the JSON object or list of a success, or what the answer means instead.

    Args:
        answer: The answer as it came.
        scrub: See `Scrub`.
    """
    if 300 <= answer.status < 400:
        return AnswerUnreadable(Flaw.REDIRECT, answer.status)
    told = _decode(answer.body or b"")
    failure = _failure(answer.status, _error_of(told, scrub), _seconds(answer.retry_after))
    return failure or _without_code(answer, told)


def interpret_message(message: bytes, ident: str, scrub: Scrub, now: float) -> Json | ExchangeError | None:
    """Return what one message of the WebSocket API says to the request `ident`; None where it is about another.

    Args:
        message: The message as it came.
        ident: The request's `id`. An error with the id `null` counts too: so the exchange revokes a
            session whose key is not allowed any more (CONFIRMED, docs/binance.md).
        scrub: See `Scrub`.
        now: This host's clock, in seconds: `retryAfter` is a moment, not a length of time.
    """
    told = _decode(message)
    if not isinstance(told, dict):
        return AnswerUnreadable(Flaw.NOT_JSON if told is None else Flaw.SHAPE)
    if told.get("id") != ident and not (told.get("id") is None and "error" in told):
        return None
    status, error = told.get("status"), told.get("error")
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        return AnswerUnreadable(Flaw.SHAPE, detail="status")
    failure = _failure(status, _error_of(error, scrub), _retry_after(error, now))
    if failure:
        return failure
    result = told.get("result")
    if status != 200:
        return AnswerUnreadable(Flaw.STATUS, status)
    return result if isinstance(result, dict) else AnswerUnreadable(Flaw.SHAPE, detail="result")


@dataclass(frozen=True, slots=True)
class _Error:
    """The exchange's own words for a refusal."""

    code: int | None
    message: str


def _error_of(told: object, scrub: Scrub) -> _Error:
    return _Error(_code(told), _message(told, scrub))


def _failure(status: int, error: _Error, retry_after: float | None) -> ExchangeError | None:
    if status in (418, 429) or error.code == TOO_MANY_REQUESTS:
        return SlowDown(retry_after, status, error.code)
    if status >= 500:
        return ServerFault(status, error.code)
    if status == 451 or "restricted location" in error.message:
        return LocationRestricted()
    if error.code is not None:
        return Refused(error.code, printable(error.message), status, request_ip(error.message))
    return None


def request_ip(message: str) -> IPv4Address | None:
    """Return the address in `…, request ip: 203.0.113.42`, the caller as the exchange saw it (REPORTED)."""
    found = _REQUEST_IP.search(message)
    return read_ipv4(found[1].rstrip(".")) if found else None


def _without_code(answer: RawAnswer, told: object) -> Json | list[object] | ExchangeError:
    if answer.status == 403:
        return FirewallBlocked()
    if answer.status != 200:
        return AnswerUnreadable(Flaw.STATUS, answer.status)
    if answer.body is None:
        return AnswerUnreadable(Flaw.TOO_LONG)
    if isinstance(told, (dict, list)):
        return told
    return AnswerUnreadable(Flaw.NOT_JSON if told is None else Flaw.SHAPE)


def _decode(body: bytes) -> object:
    """Return the JSON value, or None for `null` and for what is no JSON."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _code(told: object) -> int | None:
    code = told.get("code") if isinstance(told, dict) else None
    return code if isinstance(code, int) and _LOWEST_CODE < code < 0 else None


def _message(told: object, scrub: Scrub) -> str:
    message = told.get("msg") if isinstance(told, dict) else None
    return scrub(message) if isinstance(message, str) else ""


def _retry_after(error: object, now: float) -> float | None:
    data = error.get("data") if isinstance(error, dict) else None
    moment = data.get("retryAfter") if isinstance(data, dict) else None
    if not isinstance(moment, int) or isinstance(moment, bool) or moment not in _MOMENTS:
        return None
    return max(0.0, moment / 1000 - now)


def _seconds(header: str) -> float | None:
    digits = header.strip(" \t")
    return float(digits) if _SECONDS.fullmatch(digits) else None
