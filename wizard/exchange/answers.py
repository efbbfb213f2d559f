"""What came back over HTTP, read as the exchange's JSON or as a typed failure. Pure.

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

from wizard.addresses import read_ipv4
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
from wizard.text import printable

Json = dict[str, object]
Scrub = Callable[[str], str]
"""Takes the key and the signature of the request out of a text, should the answer repeat them."""

TOO_MANY_REQUESTS = -1003

_REQUEST_IP = re.compile(r"request ip:\s*([0-9.]{7,15})(?![0-9A-Fa-f:.])", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,9}")
_LOWEST_CODE = -1_000_000


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One HTTP answer, its body read up to the limit."""

    status: int
    retry_after: str
    """The `Retry-After` header, or nothing."""
    body: bytes | None
    """None when it was longer than the limit."""


def interpret(answer: RawAnswer, scrub: Scrub) -> Json | ExchangeError:
    """Return the JSON object of a success, or what the answer means instead.

    Args:
        answer: The answer as it came.
        scrub: See `Scrub`.
    """
    told = _decode(answer.body or b"")
    code = _code(told)
    message = _message(told, scrub)
    if answer.status in (418, 429) or code == TOO_MANY_REQUESTS:
        return SlowDown(_seconds(answer.retry_after), answer.status, code)
    if answer.status >= 500:
        return ServerFault(answer.status, code)
    if answer.status == 451 or "restricted location" in message:
        return LocationRestricted()
    if code is not None:
        return Refused(code, printable(message), answer.status, request_ip(message))
    return _without_code(answer, told)


def request_ip(message: str) -> IPv4Address | None:
    """Return the address in `…, request ip: 203.0.113.42`, the caller as the exchange saw it (REPORTED)."""
    found = _REQUEST_IP.search(message)
    return read_ipv4(found[1].rstrip(".")) if found else None


def _without_code(answer: RawAnswer, told: object) -> Json | ExchangeError:
    if answer.status == 403:
        return FirewallBlocked()
    if 300 <= answer.status < 400:
        return AnswerUnreadable(Flaw.REDIRECT, answer.status)
    if answer.status != 200:
        return AnswerUnreadable(Flaw.STATUS, answer.status)
    if answer.body is None:
        return AnswerUnreadable(Flaw.TOO_LONG)
    if isinstance(told, dict):
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


def _seconds(header: str) -> float | None:
    return float(header) if _SECONDS.fullmatch(header.strip()) else None
