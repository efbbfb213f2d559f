"""From rows of the journal to records. A damaged file can hold anything where the schema says what it should be.

Each function raises ValueError, LookupError, TypeError or RecursionError for a row that makes no sense.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from wizard.core.credentials import KeyKind, KeyName
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.agreement import EgressState
from wizard.rotation.model import Event, Mode, RotationRecord, Step
from wizard.rotation.state_machine import JOBS

if TYPE_CHECKING:
    from wizard.egress.selection import ExchangeAddress

_LAST_MOMENT = 253402300800.0
"""The end of the year 9999, in seconds since 1970."""


def text(row: sqlite3.Row, column: str) -> str:
    """Return a text."""
    value = row[column]
    if not isinstance(value, str):
        raise _nonsense(column)
    return value


def number(row: sqlite3.Row, column: str) -> int:
    """Return a whole number that counts something."""
    value = row[column]
    if not isinstance(value, int) or value < 0:
        raise _nonsense(column)
    return value


def moment(row: sqlite3.Row, column: str) -> float:
    """Return a moment, in seconds since 1970."""
    value = row[column]
    if not isinstance(value, float) or not (math.isfinite(value) and 0 <= value < _LAST_MOMENT):
        raise _nonsense(column)
    return value


def moment_if_any(row: sqlite3.Row, column: str) -> float | None:
    """Return a moment, or None."""
    return None if row[column] is None else moment(row, column)


def address(row: sqlite3.Row, column: str) -> IPv4Address | None:
    """Return an address, or None where none was seen."""
    return IPv4Address(text(row, column)) if row[column] != "" else None


def whitelist(row: sqlite3.Row, column: str) -> str:
    """Return a list as it was kept, separated by commas; it may be empty."""
    kept = text(row, column)
    for entry in kept.split(",") if kept else ():
        IPv4Network(entry)
    return kept


def rotation(row: sqlite3.Row) -> RotationRecord:
    """Return a rotation; its step is one of its mode."""
    mode, step = Mode(text(row, "mode")), Step(text(row, "step"))
    if step not in JOBS[mode].steps:
        raise ValueError(f"There is no step {step} in the mode {mode}")
    return RotationRecord(
        number=number(row, "number"),
        environment=text(row, "environment"),
        mode=mode,
        step=step,
        started_at=moment(row, "started_at"),
        finished_at=moment_if_any(row, "finished_at"),
        outcome=text(row, "outcome"),
    )


def key(row: sqlite3.Row) -> KeyRecord:
    """Return what is known of a key."""
    return KeyRecord(
        environment=text(row, "environment"),
        name=KeyName(text(row, "fingerprint"), text(row, "last_four")),
        kind=KeyKind(text(row, "kind")),
        slot=Slot(text(row, "slot")),
        holding=Holding(text(row, "holding")),
        item=text(row, "item"),
        store=text(row, "store"),
        backend=text(row, "backend"),
        stored_at=moment(row, "stored_at"),
        version=number(row, "version"),
        proven_at=moment_if_any(row, "proven_at"),
        whitelist=whitelist(row, "whitelist"),
        proven_from=str(address(row, "proven_from") or ""),
        permissions=_permissions(row),
    )


def _permissions(row: sqlite3.Row) -> Mapping[str, bool] | None:
    kept = text(row, "permissions")
    told = json.loads(kept) if kept else None
    if kept and not (isinstance(told, dict) and all(map(_FLAG, told.values()))):
        raise _nonsense("permissions")
    return told


@dataclass(frozen=True, slots=True)
class Sighting:
    """One address that a detection saw, or that it saw none."""

    detection: int
    at: float
    address: IPv4Address | None
    state: EgressState
    operators: tuple[str, ...]
    route: str


def sighting(row: sqlite3.Row) -> Sighting:
    """Return what one row of a detection saw."""
    return Sighting(
        detection=number(row, "detection"),
        at=moment(row, "at"),
        address=address(row, "address"),
        state=EgressState(text(row, "state")),
        operators=tuple(text(row, "operators").split(",")),
        route=text(row, "route"),
    )


def label(row: sqlite3.Row) -> tuple[IPv4Network, str]:
    """Return an entry of a whitelist with whose it is."""
    return IPv4Network(text(row, "network")), text(row, "label")


_Check = Callable[[object], bool]
_TEXT: _Check = lambda value: isinstance(value, str)  # noqa: E731 - one of a table
_TEXTS: _Check = lambda value: isinstance(value, list) and all(map(_TEXT, value))  # noqa: E731
_FLAG: _Check = lambda value: isinstance(value, bool)  # noqa: E731
_CODE: _Check = lambda value: value is None or isinstance(value, int)  # noqa: E731
_SECONDS: _Check = lambda value: isinstance(value, int | float) and 0 <= value < _LAST_MOMENT  # noqa: E731
_SEEN: Mapping[str, _Check] = {"address": _TEXT, "site": _TEXT}
_POLL: Mapping[str, _Check] = {
    **dict.fromkeys(("legacy_said", "control_said", "from_address"), _TEXT),
    **dict.fromkeys(
        ("legacy_accepted", "control_accepted", "is_on_sapi", "is_first", "is_spaced", "is_covered"), _FLAG
    ),
    **dict.fromkeys(("at", "retry_after"), _SECONDS),
    "legacy_code": _CODE,
}
_DETAILS: Mapping[str, Mapping[str, _Check]] = {
    "rotation.begun": {"environment": _TEXT},
    "hosts.proven": {"hosts": _TEXTS},
    "key.accepted": {"fingerprint": _TEXT, **_SEEN},
    "key.purging": {"fingerprint": _TEXT, "reason": _TEXT},
    "key.whitelist-changed": {"before": _TEXT},
    "key.read-from": {"environment": _TEXT, "path": _TEXT},
    "key.answered": {"fingerprint": _TEXT, "accepted": _FLAG, "code": _CODE, "is_on_sapi": _FLAG, **_SEEN},
    "unused.missing": {"fingerprint": _TEXT},
    "unused.settled": dict.fromkeys(("fingerprint", "last_four", "end", "proof"), _TEXT),
    "legacy.polled": _POLL,
    "unused.polled": {"fingerprint": _TEXT, **_POLL},
}
"""What later steps rely on, by the kind of the event."""
_LATER = frozenset({"from_address", "is_on_sapi", "is_first", "is_spaced", "is_covered", "retry_after", "site"})
"""What an older version did not write."""


def event(row: sqlite3.Row) -> Event:
    """Return an event with its detail, which holds what its kind needs."""
    kind, detail = text(row, "kind"), json.loads(text(row, "detail"))
    if not isinstance(detail, dict):
        raise _nonsense("detail")
    checks = _DETAILS.get(kind, {}).items()
    if not all(fits(detail[name]) for name, fits in checks if name in detail or name not in _LATER):
        raise _nonsense("detail")
    if kind == "egress.chosen":
        choice(detail)
    of_rotation = None if row["rotation"] is None else number(row, "rotation")
    return Event(number(row, "number"), moment(row, "at"), of_rotation, kind, detail)


def choice(detail: Mapping[str, Any]) -> tuple[str, dict[IPv4Address, str], ExchangeAddress | None]:
    """Return the route, the addresses that were decided about, each with whose it is, and what the exchange said."""
    owners = {IPv4Address(name): owner for name, owner in detail.items() if name not in ("exchange", "route")}
    route, told, named = detail.get("route", ""), detail.get("exchange"), None
    if told is not None:
        from wizard.egress.selection import ExchangeAddress  # noqa: PLC0415 - home needs none

        address = IPv4Address(told["address"])
        beside, seen = (frozenset(map(IPv4Address, told.get(name, ()))) for name in ("beside", "seen"))
        named = ExchangeAddress(address, beside, told["instead"], seen)
    if not all(map(_TEXT, (route, *owners.values()))) or (named and not _FLAG(named.is_instead)):
        raise _nonsense("detail")
    return route, owners, named


def _nonsense(column: str) -> ValueError:
    return ValueError(f"the column {column} holds something else than it should")
