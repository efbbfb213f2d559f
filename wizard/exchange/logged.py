"""What the exchange answered last, as a bot's log has it: an error line, a traceback, a JSON body, a web page. Pure.

The text comes from anywhere. It is searched by expressions whose repetitions are bounded. Nothing of it is shown but
codes, statuses, an address, and the exchange's own words without what could be a key.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from wizard.core.key_shape import without_keys
from wizard.exchange.diagnosis import Surface
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.responses import RawAnswer, interpret

_CODES = re.compile(
    # {"code":-2015 · \"code\": 0 · APIError(code=-1021) · API Error [-2015] · (401, -2015, 'Invalid…
    r"(?:code|error)[^\w-]{1,8}(?P<code>-[1-9]\d{3,4}|0)(?![\d.])"
    r"|\((?:(?P<first>[45]\d\d), )?(?P<second>-[1-9]\d{3,4}), ?['\"]"
    # HTTP status is 451 · HTTP Error 403: · HTTP/1.1 429 · "status":401
    r"|(?:HTTP(?:/[\d.]{1,3})?|status)(?:[ _-](?:status|code|error))?(?: is)?[^\w-]{1,8}(?P<named>[45]\d\d)(?!\d)"
    # 418 Client Error · 403 Forbidden · 451  { · 403, message=
    r"|(?<![\d.:,-])(?P<bare>[45]\d\d)(?=,? {1,2}(?:[{<]|message=|Client Error|Server Error|Error\b|Forbidden|I'm a tea"
    r"|Too Many|Unavailable|Bad Gateway|Service|Gateway|Internal))",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"[\\\"',:\s)\]]{0,8}(?:(?:msg|message)[\\\"'\s]{0,4}[:=][\\\"'\s]{0,4})?([^\n]{0,300})(?!\S)", re.IGNORECASE
)
_PIECE = re.compile(r"(?=[\w+/-]*[A-Za-z])(?=[\w+/-]*\d)[\w+/-]{12,}", re.ASCII)
"""What may be of a token, or of a key in groups: the exchange's own words are shorter, or have no digits."""
_END = re.compile(r"\\?[\"']\s{0,4}[},)]")
_SPEAKING = frozenset({403, 418, 429, 451})
"""Statuses that mean something without a code; so do those of the server's faults."""
_OTHER_PROTOCOL = range(-32768, -31999)
"""The codes of JSON-RPC."""
_BEFORE, _AFTER = 200, 1500
"""Characters around a code or status that belong to it: a page of a firewall has about a thousand."""
_SURFACES: Mapping[str, Surface] = {"fapi": "fapi", "/sapi/": "sapi", "ws-api": "websocket", "/api/": "api"}


@dataclass(frozen=True, slots=True)
class LoggedError:
    """The last error of a log."""

    error: ExchangeError
    shown: str
    """Its code and status, where the log has them: `-2015, HTTP 401`."""
    status: int | None
    """The HTTP status, where the log has it."""
    line: int
    surface: Surface | None
    """Which surface was called, where the log names it."""
    others: Mapping[str, int]
    """How often each other code or status stands there."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A code, or a status alone."""

    start: int
    end: int
    code: int | None
    status: int

    @property
    def label(self) -> str:
        return str(self.code) if self.code else f"HTTP {self.status}" if self.status else ""


def find_last_error(text: str, now: float) -> LoggedError | None:
    """Return the last error of the exchange in a text; `now`, in seconds, is for a ban that ends at a moment."""
    marks = _marks(text)
    for index in range(len(marks) - 1, -1, -1):
        mark = marks[index]
        around = text[max(0, mark.start - _BEFORE) : mark.end + _AFTER]
        body = around if mark.code is None else json.dumps({"code": mark.code, "msg": _message(text, mark.end)})
        found = interpret(RawAnswer(mark.status, "", body.encode("utf-8", "replace")), _scrub, now)
        if not isinstance(found, ExchangeError) or found.kind is ErrorKind.UNREADABLE_ANSWER:
            continue
        near = text[max(0, mark.start - _BEFORE) : mark.end + _BEFORE].lower()
        surface = next((each for path, each in _SURFACES.items() if path in near), None)
        others = Counter(each.label for each in marks[:index] if each.label)
        line = text.count("\n", 0, mark.start) + 1
        shown = ", ".join(filter(None, (str(mark.code or ""), f"HTTP {mark.status}" if mark.status else "")))
        return LoggedError(found, shown or "no code", mark.status or None, line, surface, others)
    return None


def _marks(text: str) -> list[_Mark]:
    """Return the codes, each with the status just before it, and the statuses alone that are the exchange's."""
    marks, status, is_named = list[_Mark](), _Mark(0, -_AFTER, None, 0), "binance" in text.lower()
    for found in _CODES.finditer(text):
        start, end = found.span()
        distance = start - status.end
        if code := found["code"] or found["second"]:
            if int(code) in _OTHER_PROTOCOL:
                continue
            is_near = distance < _BEFORE and "\n" not in text[status.end : start].replace("{\n", "")
            if is_near and marks and marks[-1] is status:
                marks.pop()
            marks.append(_Mark(start, end, int(code), int(found["first"] or (status.status if is_near else 0))))
            continue
        number = int(found["named"] or found["bare"])
        if number == status.status and distance < _AFTER:
            status = _Mark(status.start, end, None, number)
            if marks and marks[-1].start == status.start:
                marks[-1] = status
            continue
        status = _Mark(start, end, None, number)
        if number not in _SPEAKING and number < 500:
            continue
        if not is_named or "binance" in text[max(0, start - _AFTER) : end + _AFTER].lower():
            marks.append(status)
    return marks


def _scrub(message: str) -> str:
    return without_keys(_PIECE.sub("…", message))


def _message(text: str, start: int) -> str:
    found = _MESSAGE.match(text, start)
    return _END.split(found[1])[0] if found else ""
