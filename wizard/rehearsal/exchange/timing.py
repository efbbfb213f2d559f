"""The timestamp rule: `timestamp < serverTime + 1s && serverTime - timestamp <= recvWindow`.

CONFIRMED, binance-spot-api-docs rest-api.md, timing security. Everything is counted in whole
microseconds, because timestamps may be given in them.
"""

from __future__ import annotations

import re
from decimal import Decimal

from wizard.rehearsal.exchange.parameters import Parameters
from wizard.rehearsal.exchange.refusals import (
    AHEAD_OF_SERVER,
    BAD_WINDOW,
    EMPTY,
    ILLEGAL_CHARACTERS,
    MISSING,
    OUTSIDE_WINDOW,
    Refused,
)

MICROSECONDS = 1_000_000
DEFAULT_WINDOW = "5000"
MAX_WINDOW = 60_000
AHEAD_LIMIT = 1 * MICROSECONDS
FIRST_MICROSECOND_TIMESTAMP = 10**14
"""From here on a timestamp counts microseconds: as milliseconds it would be the year 5138."""
_TIMESTAMP = "^[0-9]{1,20}$"
_WINDOW = r"^[0-9]{1,10}(\.[0-9]{1,3})?$"
"""Milliseconds, up to three decimals (CONFIRMED). The pattern that the exchange itself shows is UNKNOWN."""


def check_timing(parameters: Parameters, server_time: int) -> None:
    """Return when the request is in time; `server_time` is in microseconds since 1970.

    Raises:
        Refused: the timestamp is missing, malformed, too old or too far ahead, or the window too wide.
    """
    window = _window(parameters)
    timestamp = _timestamp(parameters)
    if timestamp >= server_time + AHEAD_LIMIT:
        raise Refused(AHEAD_OF_SERVER)
    if server_time - timestamp > window:
        raise Refused(OUTSIDE_WINDOW)


def _timestamp(parameters: Parameters) -> int:
    text = parameters.get("timestamp")
    if not text:
        raise Refused(MISSING, "timestamp")
    if not re.fullmatch(_TIMESTAMP, text):
        raise Refused(ILLEGAL_CHARACTERS, "timestamp", _TIMESTAMP)
    number = int(text)
    return number if number >= FIRST_MICROSECOND_TIMESTAMP else number * 1000


def _window(parameters: Parameters) -> Decimal:
    text = parameters.values.get("recvWindow", DEFAULT_WINDOW)
    if not text:
        raise Refused(EMPTY, "recvWindow")
    if not re.fullmatch(_WINDOW, text):
        raise Refused(ILLEGAL_CHARACTERS, "recvWindow", _WINDOW)
    window = Decimal(text)
    if window > MAX_WINDOW:
        raise Refused(BAD_WINDOW)
    return window * 1000
