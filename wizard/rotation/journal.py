"""The journal: a secret-free record from which every rotation resumes.

Every write to the keyring is announced here first and confirmed after; a crash in between leaves
a key that is `announced` or `purging`, and `wizard.custody.vault` settles it on the next start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import groupby
from operator import attrgetter

from wizard.core.clock import Clock
from wizard.core.credentials import KeyKind, KeyName
from wizard.core.errors import WizardError
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.egress.history import Observation
from wizard.rotation.database import Database, Write
from wizard.rotation.model import STEPS, Event, Mode, RotationRecord, Step
from wizard.rotation.rows import address, moment, moment_if_any, number, text, whitelist

WIZARD = "wizard"
"""Asked an egress detection for the rotation at hand; a command that asks says its own name."""

THE_EXCHANGE = "exchange"
"""In the place of who asked: the exchange itself named the address, beside any detection."""

OTHER_HOSTS = "hosts"
"""In the place of who asked: such an observation is of another host, never of this one."""


_IDENTITY = "SELECT (SELECT id FROM journal) AS id"


class NotPromotable(WizardError):
    """The slots do not allow a promotion."""


class Journal:
    """What happened in all environments. Each method that writes is one durable transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def close(self) -> None:
        """Close the file; every write was durable already."""
        self._database.close()

    def check(self) -> None:
        """Look at the file as a whole and at every row but the events, whether all is as it should be.

        Raises:
            wizard.rotation.database.JournalUnusable: it cannot be read, or is damaged.
        """
        self._database.check()
        for parse, query in _ALL_ROWS.items():
            self._database.select(parse, query)

    @property
    def id(self) -> str:
        """Tells this journal's keyring items from another journal's."""
        (found,) = self._database.select(_id, _IDENTITY)
        return found

    # --- rotations -----------------------------------------------------------------------------

    def open_rotation(self, environment: str) -> RotationRecord | None:
        """Return the rotation that can be resumed."""
        return next((rotation for rotation in self.rotations(environment) if rotation.is_open), None)

    def rotations(self, environment: str) -> tuple[RotationRecord, ...]:
        """Return all rotations of an environment, the oldest first."""
        query = "SELECT * FROM rotations WHERE environment = ? ORDER BY number"
        return tuple(self._database.select(_rotation, query, environment))

    def begin_rotation(self, environment: str, mode: Mode, step: Step) -> RotationRecord:
        """Open a rotation; there is at most one open rotation per environment."""
        with self._database.transaction() as write:
            cursor = write(
                "INSERT INTO rotations (environment, mode, step, started_at) VALUES (?, ?, ?, ?)",
                (environment, mode, step, self._clock()),
            )
            self._database.append(
                self._clock(), cursor.lastrowid, "rotation.begun", {"environment": environment, "mode": mode}
            )
        record = self.open_rotation(environment)
        assert record is not None  # noqa: S101 - it was inserted in the transaction above
        return record

    def move(self, rotation: RotationRecord, step: Step) -> None:
        """Remember that the rotation stands at `step`."""
        with self._database.transaction() as write:
            write("UPDATE rotations SET step = ? WHERE number = ?", (step, rotation.number))
            self._database.append(self._clock(), rotation.number, "rotation.moved", {"step": step})

    def finish(
        self, rotation: RotationRecord, outcome: str, kind: str = "", detail: Mapping[str, object] | None = None
    ) -> None:
        """Close the rotation, together with a last event of its own; it is not resumed any more."""
        with self._database.transaction() as write:
            write(
                "UPDATE rotations SET step = ?, finished_at = ?, outcome = ? WHERE number = ?",
                (Step.DONE, self._clock(), outcome, rotation.number),
            )
            if kind:
                self._database.append(self._clock(), rotation.number, kind, detail or {})
            self._database.append(self._clock(), rotation.number, "rotation.finished", {"outcome": outcome})

    # --- keys ----------------------------------------------------------------------------------

    def keys(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return all keys of an environment, the oldest first."""
        return tuple(
            self._database.select(_key, "SELECT * FROM keys WHERE environment = ? ORDER BY rowid", environment)
        )

    def key_in(self, environment: str, slot: Slot) -> KeyRecord | None:
        """Return the key that was put into a slot last and is in the keyring, as far as is known.

        Rows are taken in the order in which they were written: the clock may have been set back.
        """
        held = (key for key in reversed(self.keys(environment)) if key.slot is slot)
        return next((key for key in held if key.holding is Holding.STORED or slot is Slot.LEGACY), None)

    def environments_with(self, fingerprint: str) -> tuple[str, ...]:
        """Return where an API key is or was stored: a key is never shared between environments."""
        query = "SELECT DISTINCT environment FROM keys WHERE fingerprint = ? AND holding <> ?"
        return tuple(self._database.select(lambda row: text(row, "environment"), query, fingerprint, Holding.PURGED))

    def announce_key(self, record: KeyRecord) -> None:
        """Say that its item is about to be written to the keyring."""
        with self._database.transaction() as write:
            write(
                "INSERT INTO keys (environment, fingerprint, last_four, kind, slot, holding, item, store,"
                " backend, stored_at, version, whitelist) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.environment,
                    record.name.fingerprint,
                    record.name.last_four,
                    record.kind,
                    record.slot,
                    Holding.ANNOUNCED,
                    record.item,
                    record.store,
                    record.backend,
                    record.stored_at,
                    record.version,
                    record.whitelist,
                ),
            )
            self._append_key("key.announced", record)

    def confirm_key(self, record: KeyRecord) -> None:
        """Say that its item was read back from the keyring and is the one that was written."""
        self._set_holding(record, Holding.STORED, "key.stored")

    def forget_key(self, record: KeyRecord, reason: str) -> None:
        """Remove a key whose announced item never reached the keyring."""
        with self._database.transaction() as write:
            write("DELETE FROM keys WHERE item = ?", (record.item,))
            self._append_key("key.forgotten", record, reason=reason)

    def mark_proven(self, record: KeyRecord, address: str) -> None:
        """Remember that the exchange accepted this key now, from the egress address `address`."""
        with self._database.transaction() as write:
            write("UPDATE keys SET proven_at = ? WHERE item = ?", (self._clock(), record.item))
            self._append_key("key.accepted", record, address=address)

    def promote(self, rotation: RotationRecord, item: str, step: Step) -> None:
        """Make `current` the `legacy` and the pending key `item` the `current` one, and move on to `step`.

        All of it is one transaction: there is no moment with a promoted key and a rotation that
        does not know of it.

        Raises:
            NotPromotable: `item` is not a stored pending key, or a legacy key is still there.
        """
        pending = next((key for key in self.keys(rotation.environment) if key.item == item), None)
        current = self.key_in(rotation.environment, Slot.CURRENT)
        if pending is None or pending.slot is not Slot.PENDING or pending.holding is not Holding.STORED:
            raise NotPromotable("There is no stored pending key to promote", advice="Enter the new key again.")
        if current and self.key_in(rotation.environment, Slot.LEGACY):
            raise NotPromotable(
                "A legacy key of an earlier rotation is still there", advice="Retire it first: resume that rotation."
            )
        with self._database.transaction() as write:
            if current:
                self._set_slot(write, current, Slot.LEGACY)
            self._set_slot(write, pending, Slot.CURRENT)
            write("UPDATE keys SET whitelist = ? WHERE item = ?", (self.whitelist_of(rotation), item))
            write("UPDATE rotations SET step = ? WHERE number = ?", (step, rotation.number))
            self._append_key("key.promoted", pending, step=step)

    def revert(self, rotation: RotationRecord, step: Step) -> None:
        """Undo a promotion: the legacy key is the current one again, the other one pending; one transaction.

        Raises:
            NotPromotable: there is no legacy key to go back to.
        """
        current, legacy = (self.key_in(rotation.environment, slot) for slot in (Slot.CURRENT, Slot.LEGACY))
        if current is None or legacy is None or legacy.holding is not Holding.STORED:
            raise NotPromotable("There is no legacy key to go back to", advice="Enter a new key instead.")
        with self._database.transaction() as write:
            self._set_slot(write, current, Slot.PENDING)
            self._set_slot(write, legacy, Slot.CURRENT)
            write("UPDATE rotations SET step = ? WHERE number = ?", (step, rotation.number))
            self._append_key("key.reverted", legacy, step=step)

    def announce_purge(self, record: KeyRecord, reason: str) -> None:
        """Say that its item is about to be deleted from the keyring, and why that is right."""
        self._set_holding(record, Holding.PURGING, "key.purging", reason=reason)

    def confirm_purge(self, record: KeyRecord) -> None:
        """Say that its item was read back as absent; the key is retired, or was never in use."""
        slot = Slot.RETIRED if record.slot is Slot.LEGACY else Slot.DISCARDED
        # What was never proven may be a secret that was pasted into the wrong field: its end is not kept.
        last_four = record.name.last_four if record.proven_at or record.slot is Slot.LEGACY else ""
        with self._database.transaction() as write:
            write(
                "UPDATE keys SET last_four = ?, slot = ?, holding = ?, retired_at = ? WHERE item = ?",
                (last_four, slot, Holding.PURGED, self._clock(), record.item),
            )
            self._append_key("key.purged", record)

    def hide_last_four(self, record: KeyRecord) -> None:
        """Blank the last four characters: what was taken for an API key turned out to be a secret."""
        with self._database.transaction() as write:
            write("UPDATE keys SET last_four = '' WHERE item = ?", (record.item,))

    def _set_holding(self, record: KeyRecord, holding: Holding, event: str, **detail: object) -> None:
        with self._database.transaction() as write:
            write("UPDATE keys SET holding = ? WHERE item = ?", (holding, record.item))
            self._append_key(event, record, **detail)

    def _set_slot(self, write: Write, record: KeyRecord, slot: Slot) -> None:
        write("UPDATE keys SET slot = ? WHERE item = ?", (slot, record.item))

    # --- observations --------------------------------------------------------------------------

    def note_egress(
        self,
        environment: str,
        operators: Mapping[str, Sequence[str]],
        state: str,
        route: str,
        *,
        asked_by: str = WIZARD,
    ) -> None:
        """Keep what one detection saw of this host's egress addresses, also that it saw none.

        Args:
            environment: By whose settings the route was decided.
            operators: Who saw each address, the one with most operators first.
            state: How far they agree.
            route: The way out, without credentials.
            asked_by: Who wanted to know: the wizard, or a command.
        """
        at = self._clock()
        with self._database.transaction() as write:
            (last,) = write("SELECT coalesce(max(detection), 0) FROM egress_observations").fetchone()
            for address, who in (operators or {"": ()}).items():
                write(
                    "INSERT INTO egress_observations (detection, environment, at, address, state, operators, route,"
                    " asked_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (last + 1, environment, at, address, state, _joined(who), route, asked_by),
                )

    def last_verdict(self, environment: str, *, route: str = "", since: float = 0.0) -> EgressVerdict | None:
        """Return what the wizard's newest detection saw of this host; None before the first one.

        Args:
            environment: By whose settings the route was decided.
            route: The way out that counts; a detection over another one shows nothing of it. Empty for any.
            since: A detection before this moment does not count, as far as the clock has not been set back behind it.
        """
        seen = self._database.select(
            _sight,
            "SELECT * FROM egress_observations WHERE environment = ? AND detection ="
            " (SELECT max(detection) FROM egress_observations WHERE environment = ? AND asked_by = ?) ORDER BY rowid",
            *(environment, environment, WIZARD),
        )
        if not seen or (route and seen[0].route != route) or seen[0].at < since <= self._clock():
            return None
        operators = {one.address: one.operators for one in seen if one.address}
        return EgressVerdict(seen[0].state, operators, is_settled=True)

    def last_seen(self, environment: str, route: str | None) -> dict[str, float]:
        """Return each address with when it was seen last, in seconds since 1970.

        Args:
            environment: By whose settings it was asked.
            route: The way out over which the wizard or the exchange saw it of this host; None for other hosts.
        """
        asked_by = "asked_by = ?" if route is None else "route = ? AND asked_by IN (?, ?)"
        by = (OTHER_HOSTS,) if route is None else (route, WIZARD, THE_EXCHANGE)
        rows = self._database.select(
            lambda row: (str(address(row, "address") or ""), moment(row, "at")),
            "SELECT address, at, max(detection) FROM egress_observations"  # noqa: S608 - no value stands in it
            f" WHERE environment = ? AND {asked_by} GROUP BY address",
            *(environment, *by),
        )
        return dict(rows)

    def egress_history(self, environment: str, route: str) -> tuple[Observation, ...]:
        """Return every detection over a route, the oldest first, whoever asked."""
        seen = self._database.select(
            _sight,
            "SELECT * FROM egress_observations WHERE environment = ? AND route = ? AND asked_by <> ? ORDER BY rowid",
            *(environment, route, THE_EXCHANGE),
        )
        detections = (list(group) for _, group in groupby(seen, key=attrgetter("detection")))
        return tuple(map(_observation, detections))

    def note_whitelist(self, rotation: RotationRecord, text: str, labels: Mapping[str, str] | None = None) -> None:
        """Keep the list that was composed in this rotation, separated by commas, and whose its entries are.

        Args:
            rotation: The open rotation.
            text: The list as pasted.
            labels: Labels of this environment by entry. One that is not named keeps what it had.
        """
        with self._database.transaction() as write:
            write(
                "INSERT INTO whitelists (rotation, at, text) VALUES (?, ?, ?)", (rotation.number, self._clock(), text)
            )
            for network, label in (labels or {}).items():
                write("INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", (rotation.environment, network, label))
            self._database.append(self._clock(), rotation.number, "whitelist.composed", {"text": text})

    def labels(self, environment: str) -> dict[str, str]:
        """Return the labels of an environment by entry."""
        query = "SELECT network, label FROM labels WHERE environment = ?"
        return dict(self._database.select(_label, query, environment))

    def other_lists(self, environment: str) -> tuple[tuple[str, str], ...]:
        """Return the other environments with the lists of their current keys."""
        rows = self._database.select(
            lambda row: (text(row, "environment"), whitelist(row, "whitelist")),
            "SELECT environment, whitelist FROM keys WHERE environment <> ? AND slot = ? AND holding = ?"
            " AND whitelist <> '' ORDER BY environment",
            *(environment, Slot.CURRENT, Holding.STORED),
        )
        return tuple(rows)

    def proven_whitelist(self, environment: str) -> str:
        """Return the list of the key that was accepted last, those that wait left out; nothing where there is none."""
        lists = self._database.select(
            lambda row: whitelist(row, "whitelist"),
            "SELECT whitelist FROM keys WHERE environment = ? AND proven_at IS NOT NULL AND slot <> ?"
            " AND whitelist <> '' ORDER BY proven_at DESC, rowid DESC LIMIT 1",
            *(environment, Slot.PENDING),
        )
        return next(iter(lists), "")

    def observed_addresses(self) -> tuple[str, ...]:
        """Return every egress address that was ever observed, of this host and of others that were asked."""
        query = "SELECT DISTINCT address FROM egress_observations WHERE address <> ''"
        return tuple(self._database.select(lambda row: str(address(row, "address")), query))

    def whitelist_of(self, rotation: RotationRecord) -> str:
        """Return the list composed last in this rotation, or nothing."""
        query = "SELECT text FROM whitelists WHERE rotation = ? ORDER BY rowid DESC LIMIT 1"
        return next(iter(self._database.select(_composed, query, rotation.number)), "")

    # --- events --------------------------------------------------------------------------------

    def record(self, rotation: RotationRecord | None, kind: str, detail: Mapping[str, object]) -> None:
        """Append one event. `detail` must be JSON and must hold no secret."""
        with self._database.transaction():
            self._database.append(self._clock(), rotation.number if rotation else None, kind, detail)

    def events(self, rotation: RotationRecord | None = None, kind: str | None = None) -> tuple[Event, ...]:
        """Return the events of one rotation or of all, of one kind or of all."""
        return tuple(self._database.events(rotation.number if rotation else None, kind))

    def intact_events(self) -> tuple[Event, ...]:
        """Return all events that are as they were written."""
        return tuple(self._database.intact_events())

    def newest_event(self, rotation: RotationRecord, kind: str) -> Event | None:
        """Return the newest event of a kind in one rotation."""
        return self._database.newest_event(rotation.number, kind)

    def first_altered_event(self) -> int | None:
        """Return the number of the first event that does not follow from the one before it, if any."""
        return self._database.first_altered_event()

    def _append_key(self, kind: str, record: KeyRecord, **detail: object) -> None:
        rotation = self.open_rotation(record.environment)
        described = {"environment": record.environment, "fingerprint": record.name.fingerprint, **detail}
        self._database.append(self._clock(), rotation.number if rotation else None, kind, described)


def _rotation(row: sqlite3.Row) -> RotationRecord:
    mode, step = Mode(text(row, "mode")), Step(text(row, "step"))
    if step not in STEPS[mode]:
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


def _joined(operators: Sequence[str]) -> str:
    """One text for all names; a comma within a name would make two voices of one."""
    return ",".join(name.replace(",", " ") for name in operators)


@dataclass(frozen=True, slots=True)
class _Sight:
    """One address that a detection saw, or that it saw none."""

    detection: int
    at: float
    address: IPv4Address | None
    state: EgressState
    operators: tuple[str, ...]
    route: str


def _sight(row: sqlite3.Row) -> _Sight:
    return _Sight(
        detection=number(row, "detection"),
        at=moment(row, "at"),
        address=address(row, "address"),
        state=EgressState(text(row, "state")),
        operators=tuple(text(row, "operators").split(",")),
        route=text(row, "route"),
    )


def _observation(seen: Sequence[_Sight]) -> Observation:
    return Observation(seen[0].at, seen[0].state, tuple(one.address for one in seen if one.address))


def _key(row: sqlite3.Row) -> KeyRecord:
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
        retired_at=moment_if_any(row, "retired_at"),
        whitelist=whitelist(row, "whitelist"),
    )


def _id(row: sqlite3.Row) -> str:
    return text(row, "id")


def _label(row: sqlite3.Row) -> tuple[str, str]:
    return str(IPv4Network(text(row, "network"))), text(row, "label")


def _composed(row: sqlite3.Row) -> str:
    return whitelist(row, "text")


_ALL_ROWS: dict[Callable[[sqlite3.Row], object], str] = {
    _id: _IDENTITY,
    _rotation: "SELECT * FROM rotations",
    _key: "SELECT * FROM keys",
    _sight: "SELECT * FROM egress_observations",
    _label: "SELECT * FROM labels",
    _composed: "SELECT * FROM whitelists",
}
"""What makes sense of the rows of each table, and what finds them all. The events have their hashes instead."""
