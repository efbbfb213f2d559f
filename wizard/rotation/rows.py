"""What a row of the journal must hold: a damaged file can hold anything where the schema says what it should be."""

from __future__ import annotations

import math
import sqlite3
from ipaddress import IPv4Address, IPv4Network

_LAST_MOMENT = 253402300800.0
"""The end of the year 9999, in seconds since 1970."""


def text(row: sqlite3.Row, column: str) -> str:
    """Return a text.

    Raises:
        ValueError: it is something else.
    """
    value = row[column]
    if not isinstance(value, str):
        raise _nonsense(column)
    return value


def number(row: sqlite3.Row, column: str) -> int:
    """Return a whole number that counts something.

    Raises:
        ValueError: it is something else.
    """
    value = row[column]
    if not isinstance(value, int) or value < 0:
        raise _nonsense(column)
    return value


def moment(row: sqlite3.Row, column: str) -> float:
    """Return a moment, in seconds since 1970.

    Raises:
        ValueError: it is something else.
    """
    value = row[column]
    if not isinstance(value, float) or not (math.isfinite(value) and 0 <= value < _LAST_MOMENT):
        raise _nonsense(column)
    return value


def moment_if_any(row: sqlite3.Row, column: str) -> float | None:
    """Return a moment, or None.

    Raises:
        ValueError: it is something else.
    """
    return None if row[column] is None else moment(row, column)


def address(row: sqlite3.Row, column: str) -> IPv4Address | None:
    """Return an address, or None where none was seen.

    Raises:
        ValueError: it is something else.
    """
    return IPv4Address(text(row, column)) if row[column] != "" else None


def whitelist(row: sqlite3.Row, column: str) -> str:
    """Return a list as it was kept, separated by commas; it may be empty.

    Raises:
        ValueError: it is something else.
    """
    kept = text(row, column)
    for entry in kept.split(",") if kept else ():
        IPv4Network(entry)
    return kept


def _nonsense(column: str) -> ValueError:
    return ValueError(f"the column {column} holds something else than it should")
