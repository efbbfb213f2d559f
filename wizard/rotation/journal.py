"""The journal: a secret-free record from which every rotation resumes.

Every write to the keyring is announced here first and confirmed after; a crash in between leaves
a key that is `announced` or `purging`, and `wizard.custody.vault` settles it on the next start.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from wizard.core.clock import Clock
from wizard.core.credentials import KeyName
from wizard.core.errors import WizardError
from wizard.core.settings import Environment, Paths
from wizard.core.sites import Site
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.rotation import rows
from wizard.rotation.database import Database, Transaction, open_database, read_database
from wizard.rotation.model import JOB_NAMES, TITLES, Event, Mode, RotationRecord, Step
from wizard.rotation.state_machine import JOBS, Transition

if TYPE_CHECKING:
    from wizard.egress.history import Observation

WIZARD = "wizard"
"""Asked an egress detection for the rotation at hand; a command that asks says its own name."""
THE_EXCHANGE = "exchange"
"""In the place of who asked: the exchange itself named the address, beside any detection."""
OTHER_HOSTS = "hosts"
"""In the place of who asked: such an observation is of another host, never of this one."""
OVER_SSH = "ssh "
"""The route of such an observation begins with it, and the host's name follows."""
MOST_SIGHTINGS = 2_000
"""Of a history. An hourly run makes so many in 80 days, and each page that shows them reads them anew."""
LIST_CHANGED = "key.whitelist-changed"
"""The event that the current key got another list; `before` is the one that it had, empty where that was not known."""
REVERTED = "key.reverted"
"""The event that a switch was undone: the legacy key is the current one again."""
_COLUMNS = ("environment", "kind", "slot", "item", "store", "backend", "stored_at", "version", "whitelist")
"""Of a key's row: what is written as the record says it."""
_KEPT = f"holding <> '{Holding.PURGED}'"
"""As the index of such keys has it."""
_IDENTITY = "SELECT (SELECT id FROM journal) AS id"


@dataclass(frozen=True, slots=True)
class Overview:
    """One environment at a glance."""

    environment: Environment
    current: KeyRecord | None
    legacy: KeyRecord | None
    unused: tuple[KeyRecord, ...]
    """See `Journal.unused`."""
    open_rotation: RotationRecord | None
    unlisted: str = ""
    """This host's address as it was seen last, where the list of the current key lacks it: the key is refused then.
    Where that list is not known: where it is not the address that the key was accepted from last."""

    @property
    def next_step(self) -> str:
        """The likeliest job here, in a few words."""
        if self.open_rotation:
            return f"resume {JOB_NAMES[self.open_rotation.mode]} at {TITLES[self.open_rotation.step]}"
        if self.current is None:
            return "set up"
        if self.unlisted or not self.current.whitelist:
            return "change the whitelist"
        return "retire" if self.legacy or self.unused else "replace"


class Journal:
    """What happened in all environments. Each method that writes is one durable transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def close(self) -> None:
        """Close the file; every write was durable already."""
        self._database.close()

    def check(self, newest: int = -1) -> None:
        """Look at the file and at its rows; a `WizardError` where it cannot be read, or is damaged.

        How many rows of each table, the `newest` ones: who is about to write need not wait for years of finished jobs.
        Which keys are stored and which jobs are open is compared in any case.
        """
        self._database.check(*(("keys", "rotations") if newest >= 0 else ()))
        for parse, query in _ROWS.items():
            self._database.select(parse, f"{query} LIMIT ?", newest)

    @property
    def id(self) -> str:
        """Tells this journal's keyring items from another journal's."""
        (found,) = self._database.select(_id, _IDENTITY)
        return found

    # --- rotations -----------------------------------------------------------------------------

    def open_rotation(self, environment: str) -> RotationRecord | None:
        """Return the rotation that can be resumed."""
        query = "SELECT * FROM rotations WHERE environment = ? AND finished_at IS NULL"
        return next(iter(self._database.select(rows.rotation, query, environment)), None)

    def rotations(self, environment: str, last: int = -1) -> tuple[RotationRecord, ...]:
        """Return all rotations of an environment, the oldest first, or the `last` ones."""
        query = "SELECT * FROM rotations WHERE environment = ? ORDER BY number DESC LIMIT ?"
        return tuple(reversed(self._database.select(rows.rotation, query, environment, last)))

    def overview(self, environments: Iterable[Environment]) -> tuple[Overview, ...]:
        """Return each environment at a glance."""
        return tuple(map(self._overview, environments))

    def _overview(self, environment: Environment) -> Overview:
        name = environment.name
        current, legacy = (self.key_in(name, slot) for slot in (Slot.CURRENT, Slot.LEGACY))
        seen = self._newest(name, "asked_by NOT IN (?, ?)", OTHER_HOSTS, THE_EXCHANGE) if current else ()
        verdict = _verdict(seen) if seen else None
        address = verdict and verdict.address
        unlisted = str(address) if current and address and not _is_covered(current, address) else ""
        return Overview(environment, current, legacy, self.unused(name), self.open_rotation(name), unlisted)

    def begin_rotation(self, environment: str, mode: Mode) -> RotationRecord:
        """Open a rotation at the first step of its job; there is at most one open rotation per environment."""
        with self._database.transaction() as write:
            begun = {"environment": environment, "mode": mode}
            number = write.insert("rotations", **begun, step=JOBS[mode].steps[0], started_at=self._clock())
            self._append(write, number, "rotation.begun", begun)
        record = self.open_rotation(environment)
        assert record is not None  # noqa: S101 - it was inserted in the transaction above
        return record

    def move(self, taken: Transition) -> None:
        """Remember that the rotation stands at another step."""
        with self._database.transaction() as write:
            self._go(write, taken, "rotation.moved")

    def _go(self, write: Transaction, taken: Transition, kind: str, **detail: object) -> None:
        write.update("rotations", ("number", taken.rotation.number), step=taken.to)
        self._append(write, taken.rotation.number, kind, {**detail, "step": taken.to})

    def finish(
        self, taken: Transition, outcome: str, kind: str = "", detail: Mapping[str, object] | None = None
    ) -> None:
        """Close the rotation, together with a last event of its own; it is not resumed any more."""
        rotation = taken.rotation
        with self._database.transaction() as write:
            closed = {"step": Step.DONE, "finished_at": self._clock(), "outcome": outcome}
            write.update("rotations", ("number", rotation.number), **closed)
            if kind:
                self._append(write, rotation.number, kind, detail or {})
            self._append(write, rotation.number, "rotation.finished", {"outcome": outcome})

    # --- keys ----------------------------------------------------------------------------------

    def keys(self, environment: str, fingerprint: str = "") -> tuple[KeyRecord, ...]:
        """Return all keys of an environment, or each version of one, the oldest first."""
        query = "SELECT * FROM keys WHERE environment = ? ORDER BY rowid"
        if not fingerprint:
            return tuple(self._database.select(rows.key, query, environment))
        query = "SELECT * FROM keys WHERE environment = ? AND fingerprint = ? ORDER BY rowid"
        return tuple(self._database.select(rows.key, query, environment, fingerprint))

    def kept_keys(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return the keys whose items are or may be in the place of the credentials, the oldest first."""
        query = f"SELECT * FROM keys WHERE environment = ? AND {_KEPT} ORDER BY rowid"  # noqa: S608
        return tuple(self._database.select(rows.key, query, environment))

    def last_retired(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return the key that was retired last, or none."""
        query = "SELECT * FROM keys WHERE environment = ? AND slot = ? ORDER BY rowid DESC LIMIT 1"
        return tuple(self._database.select(rows.key, query, environment, Slot.RETIRED))

    def key_in(self, environment: str, slot: Slot) -> KeyRecord | None:
        """Return the key that was put into a slot last, by the order of writing, and is stored as far as is known."""
        held = (key for key in reversed(self.kept_keys(environment)) if key.slot is slot)
        return next((key for key in held if key.holding is Holding.STORED or slot is Slot.LEGACY), None)

    def unused(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return the keys that were entered, never used, and are not settled yet, the oldest first.

        What may be a secret is not named by its end.
        """
        stored = [key for key in self.kept_keys(environment) if key.holding is Holding.STORED]
        newest = {key.name.fingerprint: key for key in stored}  # it may be entered once more, and be used
        idle = [key for key in stored if newest[key.name.fingerprint].slot is key.slot is Slot.UNUSED]
        if not idle:
            return ()
        from wizard.rotation.unused_keys import best_of_each  # noqa: PLC0415 - loads the exchange's part

        best = best_of_each(self, idle).values()
        return tuple(self._unused(key) for key in idle if key in best)

    def _unused(self, key: KeyRecord) -> KeyRecord:
        from wizard.rotation.unused_keys import answers, may_be_secret  # noqa: PLC0415

        fingerprint = key.name.fingerprint
        is_hidden = may_be_secret(key.kind, answers(self, fingerprint))
        return replace(key, name=KeyName(fingerprint, "")) if is_hidden else key

    def environments_with(self, fingerprint: str) -> tuple[str, ...]:
        """Return where an API key is or was stored: a key is never shared between environments."""
        query = f"SELECT DISTINCT environment FROM keys WHERE fingerprint = ? AND {_KEPT}"  # noqa: S608
        return tuple(self._database.select(lambda row: rows.text(row, "environment"), query, fingerprint))

    def announce_key(self, record: KeyRecord) -> None:
        """Say that its item is about to be written to the keyring."""
        with self._database.transaction() as write:
            kept = {name: getattr(record, name) for name in _COLUMNS}
            write.insert("keys", **kept, **asdict(record.name), holding=Holding.ANNOUNCED)
            self._append_key(write, "key.announced", record)

    def confirm_key(self, record: KeyRecord) -> None:
        """Say that its item was read back from the keyring and is the one that was written."""
        self._change_key(record, "key.stored", {}, holding=Holding.STORED)

    def forget_key(self, record: KeyRecord, reason: str) -> None:
        """Remove a key whose announced item never reached the keyring."""
        with self._database.transaction() as write:
            write.execute("DELETE FROM keys WHERE item = ?", (record.item,))
            self._append_key(write, "key.forgotten", record, reason=reason)

    def note_answer(
        self, record: KeyRecord, site: Site, address: str, *, accepted: bool, code: int | None = None
    ) -> None:
        """Keep what the exchange said to a key that was entered: accepted, or refused with this code."""
        said = {"accepted": accepted, "code": code, "is_on_sapi": site.has_sapi, "address": address, "site": site.name}
        said["item"] = record.item
        with self._database.transaction() as write:
            self._append_key(write, "key.answered", record, **said)

    def mark_proven(
        self, record: KeyRecord, address: str, permissions: Mapping[str, bool] | None = None, *, site: str = ""
    ) -> None:
        """Remember that the exchange `site` accepted this key now: the settings may name another one later.

        `address` is the egress address, empty where it was not observed; `permissions` is None where it said none.
        """
        seen = {"proven_from": address}
        if permissions is not None:
            seen["permissions"] = json.dumps(dict(permissions), sort_keys=True)
        self._change_key(record, "key.accepted", {"address": address, "site": site}, proven_at=self._clock(), **seen)

    def promote(self, taken: Transition, item: str, unused: Iterable[str] = ()) -> None:
        """Make `current` the `legacy`, the pending key `item` the `current` one, those in `unused` that, and move on.

        All of it is one transaction: there is no moment with a promoted key and a rotation that does not know of it.
        Raises `WizardError` where `item` is not a stored pending key, or a legacy key is still there.
        """
        rotation = taken.rotation
        pending = next((key for key in self.kept_keys(rotation.environment) if key.item == item), None)
        current = self.key_in(rotation.environment, Slot.CURRENT)
        if pending is None or pending.slot is not Slot.PENDING or pending.holding is not Holding.STORED:
            raise _not_promotable("There is no stored new key to switch to", "Enter the new key again.")
        if current and self.key_in(rotation.environment, Slot.LEGACY):
            raise _not_promotable("A legacy key of an earlier job is still there", "Retire it first. Resume that job.")
        with self._database.transaction() as write:
            if current:
                write.update("keys", ("item", current.item), slot=Slot.LEGACY)
            write.update("keys", ("item", item), slot=Slot.CURRENT, whitelist=self.whitelist_of(rotation))
            self._set_aside(write, rotation.environment, unused)
            self._go(write, taken, "key.promoted", **_about(pending))

    def revert(self, taken: Transition) -> None:
        """Undo a promotion in one transaction; a `WizardError` where there is no legacy key to go back to."""
        environment = taken.rotation.environment
        current, legacy = (self.key_in(environment, slot) for slot in (Slot.CURRENT, Slot.LEGACY))
        if current is None or legacy is None or legacy.holding is not Holding.STORED:
            raise _not_promotable("There is no legacy key to go back to", "Enter a new key instead.")
        with self._database.transaction() as write:
            write.update("keys", ("item", current.item), slot=Slot.PENDING)
            write.update("keys", ("item", legacy.item), slot=Slot.CURRENT)
            self._go(write, taken, REVERTED, **_about(legacy))

    def set_aside(self, environment: str, items: Iterable[str]) -> None:
        """Say that these keys were entered, are not used, and may live; also each that was entered more than once."""
        with self._database.transaction() as write:
            self._set_aside(write, environment, items)

    def _set_aside(self, write: Transaction, environment: str, items: Iterable[str]) -> None:
        keys, chosen = self.kept_keys(environment), set(items)
        names = {key.name.fingerprint for key in keys if key.item in chosen}
        for key in keys:
            if key.name.fingerprint in names and key.slot is Slot.PENDING:
                write.update("keys", ("item", key.item), slot=Slot.UNUSED)

    def record_whitelist(self, taken: Transition, current: KeyRecord) -> None:
        """Make the list that was composed in this rotation the one of the current key, and move on."""
        with self._database.transaction() as write:
            write.update("keys", ("item", current.item), whitelist=self.whitelist_of(taken.rotation))
            self._go(write, taken, LIST_CHANGED, **_about(current), before=current.whitelist)

    def announce_purge(self, record: KeyRecord, reason: str) -> None:
        """Say that its item is about to be deleted from the keyring, and why that is right."""
        self._change_key(record, "key.purging", {"reason": reason}, holding=Holding.PURGING)

    def confirm_purge(self, record: KeyRecord) -> None:
        """Say that its item was read back as absent; the key is retired, or was never in use."""
        was_legacy = record.slot is Slot.LEGACY
        self._change_key(
            record,
            "key.purged",
            {},
            # What was never proven may be a secret that was pasted into the wrong field: its end is not kept.
            last_four=record.name.last_four if record.proven_at or was_legacy else "",
            slot=Slot.RETIRED if was_legacy else Slot.DISCARDED,
            holding=Holding.PURGED,
            retired_at=self._clock(),
        )

    def hide_last_four(self, record: KeyRecord) -> None:
        """Blank the last four characters: what was taken for an API key turned out to be a secret."""
        with self._database.transaction() as write:
            write.update("keys", ("item", record.item), last_four="")

    def _change_key(self, record: KeyRecord, event: str, detail: Mapping[str, object], **columns: object) -> None:
        with self._database.transaction() as write:
            write.update("keys", ("item", record.item), **columns)
            self._append_key(write, event, record, **detail)

    # --- observations --------------------------------------------------------------------------

    def note_egress(self, environment: str, verdict: EgressVerdict, route: str, *, asked_by: str = WIZARD) -> None:
        """Keep what one detection over a route saw of this host, also that it saw none; `asked_by` may be a command."""
        detection = {"environment": environment, "at": self._clock(), "state": verdict.state, "route": route}
        seen = {str(address): who for address, who in verdict.operators.items()} or {"": ()}
        with self._database.transaction() as write:
            (last,) = write.execute("SELECT coalesce(max(detection), 0) FROM egress_observations").fetchone()
            detection |= {"detection": last + 1, "asked_by": asked_by}
            for address, who in seen.items():
                # A comma within a name would make two voices of one.
                operators = ",".join(name.replace(",", " ") for name in who)
                write.insert("egress_observations", **detection, address=address, operators=operators)

    def last_verdict(self, environment: str, *, route: str = "", since: float = 0.0) -> EgressVerdict | None:
        """Return what the wizard's newest detection saw of this host; None before the first one.

        One over another route than `route` (empty for any) does not count, nor one before `since`, as far as the clock
        has not been set back.
        """
        seen = self._newest(environment, "asked_by = ?", WIZARD)
        if not seen or (route and seen[0].route != route) or seen[0].at < since <= self._clock():
            return None
        return _verdict(seen)

    def _newest(self, environment: str, asked_by: str, *who: str) -> Sequence[rows.Sighting]:
        """Return the rows of the newest detection; `asked_by` is the condition that it meets."""
        return self._database.select(
            rows.sighting,
            "SELECT * FROM egress_observations WHERE environment = ? AND detection ="  # noqa: S608 - no value stands in it
            f" (SELECT max(detection) FROM egress_observations WHERE environment = ? AND {asked_by}) ORDER BY rowid",
            *(environment, environment, *who),
        )

    def last_seen(self, environment: str, route: str | None) -> dict[str, float]:
        """Return each address with when it was seen last over a route of this host; None for those of other hosts."""
        asked_by = "asked_by = ?" if route is None else "route = ? AND asked_by IN (?, ?)"
        by = (OTHER_HOSTS,) if route is None else (route, WIZARD, THE_EXCHANGE)
        found = self._database.select(
            lambda row: (str(rows.address(row, "address") or ""), rows.moment(row, "at")),
            "SELECT address, at, max(detection) FROM egress_observations"  # noqa: S608 - no value stands in it
            f" WHERE environment = ? AND {asked_by} GROUP BY address",
            *(environment, *by),
        )
        return dict(found)

    def addresses_of_hosts(self, environment: str) -> dict[str, IPv4Address]:
        """Return the other hosts that were asked by their names, each with the address that it agreed on last."""
        seen = self._database.select(
            rows.sighting,
            "SELECT * FROM egress_observations WHERE environment = ? AND asked_by = ? ORDER BY detection, rowid DESC",
            *(environment, OTHER_HOSTS),
        )
        agreed = (EgressState.AGREED, EgressState.AGREED_WITH_DISSENT)
        last = {one.route.removeprefix(OVER_SSH): one for one in seen}
        return {host: one.address for host, one in last.items() if one.address and one.state in agreed}

    def egress_history(self, environment: str, route: str) -> tuple[Observation, ...]:
        """Return the newest detections over a route, the oldest first, whoever asked."""
        from wizard.egress.history import Observation  # noqa: PLC0415 - loaded when it is needed

        seen = self._database.select(
            rows.sighting,
            "SELECT * FROM egress_observations WHERE environment = ? AND route = ? AND asked_by <> ?"
            " ORDER BY rowid DESC LIMIT ?",
            *(environment, route, THE_EXCHANGE, MOST_SIGHTINGS),
        )
        detections = ([*group] for _, group in groupby(reversed(seen), key=attrgetter("detection")))
        return tuple(
            Observation(each[0].at, each[0].state, tuple(one.address for one in each if one.address))
            for each in detections
        )

    def note_whitelist(self, rotation: RotationRecord, text: str, labels: Mapping[str, str] | None = None) -> None:
        """Keep the list composed in this rotation, separated by commas; entries without a label keep what they had."""
        with self._database.transaction() as write:
            write.insert("whitelists", rotation=rotation.number, at=self._clock(), text=text)
            for network, label in (labels or {}).items():
                write.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", (rotation.environment, network, label))
            self._append(write, rotation.number, "whitelist.composed", {"text": text})

    def labels(self, environment: str) -> dict[IPv4Network, str]:
        """Return the labels that were typed, by entry; an empty one was removed by hand."""
        query = "SELECT network, label FROM labels WHERE environment = ?"
        return dict(self._database.select(rows.label, query, environment))

    def other_lists(self, environment: str) -> dict[str, tuple[IPv4Network, ...]]:
        """Return the other environments with the lists of their current keys."""
        found = self._database.select(
            lambda row: (rows.text(row, "environment"), networks_of(rows.whitelist(row, "whitelist"))),
            "SELECT environment, whitelist FROM keys WHERE environment <> ? AND slot = ? AND holding = ?"  # noqa: S608
            f" AND {_KEPT} AND whitelist <> '' ORDER BY environment",
            *(environment, Slot.CURRENT, Holding.STORED),
        )
        return dict(found)

    def list_in_use(self, environment: str) -> tuple[IPv4Network, ...]:
        """Return the list of the current key, which was proven before it came there, else the one proven last."""
        current = self.key_in(environment, Slot.CURRENT)
        if current:
            return networks_of(current.whitelist)
        lists = self._database.select(
            lambda row: rows.whitelist(row, "whitelist"),
            "SELECT whitelist FROM keys WHERE environment = ? AND proven_at IS NOT NULL AND slot NOT IN (?, ?)"
            " AND whitelist <> '' ORDER BY proven_at DESC, rowid DESC LIMIT 1",
            *(environment, Slot.PENDING, Slot.UNUSED),
        )
        return networks_of(lists[0]) if lists else ()

    def observed_addresses(self) -> tuple[IPv4Address, ...]:
        """Return every egress address that was ever observed, of this host and of others that were asked."""
        query = "SELECT DISTINCT address FROM egress_observations WHERE address <> ''"
        return tuple(filter(None, self._database.select(lambda row: rows.address(row, "address"), query)))

    def whitelist_of(self, rotation: RotationRecord) -> str:
        """Return the list composed last in this rotation, or nothing."""
        query = "SELECT text FROM whitelists WHERE rotation = ? ORDER BY rowid DESC LIMIT 1"
        return next(iter(self._database.select(_composed, query, rotation.number)), "")

    # --- events --------------------------------------------------------------------------------

    def record(self, rotation: RotationRecord | None, kind: str, detail: Mapping[str, object]) -> None:
        """Append one event. `detail` must be JSON and must hold no secret."""
        with self._database.transaction() as write:
            self._append(write, rotation.number if rotation else None, kind, detail)

    def events(
        self,
        rotation: RotationRecord | None = None,
        kind: str | None = None,
        *,
        about: str = "",
        environment: str = "",
        last: int = -1,
    ) -> tuple[Event, ...]:
        """Return the events of one rotation or of all, of one kind or of all, the oldest first, or the `last` ones.

        `about` is the fingerprint of a key whose events are wanted alone, `environment` what their details name.
        """
        wanted: dict[str, object] = {"rotation = ?": rotation.number} if rotation else {}
        wanted |= {"kind = ?": kind} if kind else {}
        wanted |= {"instr(detail, ?)": about} if about else {}
        wanted |= {"json_extract(detail, '$.environment') = ?": environment} if environment else {}
        where = " AND ".join(wanted) or "true"
        query = f"SELECT * FROM events WHERE {where} ORDER BY number DESC LIMIT ?"  # noqa: S608
        found = reversed(self._database.select(rows.event, query, *wanted.values(), last))
        return tuple(event for event in found if not about or event.detail.get("fingerprint") == about)

    def unended(self, environment: str, kind: str, ends: Sequence[str], name: str) -> tuple[Event, ...]:
        """Return the events of a kind without a later word about what their detail calls `name`, the oldest first."""
        named = f"json_extract(detail, '$.{name}')"
        marks = ", ".join("?" for _ in ends)
        query = (
            f"SELECT * FROM events WHERE kind = ? AND json_extract(detail, '$.environment') = ?"  # noqa: S608 - no value
            f" AND {named} NOT IN (SELECT coalesce({named}, '') FROM events WHERE kind IN ({marks})) ORDER BY number"
        )
        return tuple(self._database.select(rows.event, query, kind, environment, *ends))

    def _append_key(self, write: Transaction, kind: str, record: KeyRecord, **detail: object) -> None:
        rotation = self.open_rotation(record.environment)
        self._append(write, rotation.number if rotation else None, kind, {**_about(record), **detail})

    def _append(self, write: Transaction, rotation: int | None, kind: str, detail: Mapping[str, object]) -> None:
        written = json.dumps(detail, sort_keys=True)
        write.insert("events", at=self._clock(), rotation=rotation, kind=kind, detail=written)


def open_journal(paths: Paths, clock: Clock = time.time) -> Journal:
    """Open the journal of all environments to write to it; a `WizardError` where it cannot be opened."""
    paths.create()
    return Journal(open_database(paths.journal), clock)


@contextmanager
def read_journal(paths: Paths) -> Iterator[Journal]:
    """Read the journal as it is now, an empty one where there is none; a `WizardError` where it cannot be read.

    Nothing is written, no lock is taken, no keyring opened, and no HTTP library loaded.
    """
    with closing(Journal(read_database(paths.journal), time.time)) as journal:
        yield journal


def networks_of(text: str) -> tuple[IPv4Network, ...]:
    """Return the networks in a list as the journal keeps it."""
    return tuple(map(IPv4Network, text.split(","))) if text else ()


def _verdict(seen: Sequence[rows.Sighting]) -> EgressVerdict:
    """Return what the rows of one detection come to."""
    return EgressVerdict(seen[0].state, {one.address: one.operators for one in seen if one.address})


def _is_covered(key: KeyRecord, address: IPv4Address) -> bool:
    """Whether a key should be accepted from an address, by its list, and by where it was accepted from last."""
    known = networks_of(key.whitelist)
    is_listed = any(address in block for block in known) if known else not key.proven_from
    return is_listed or str(address) == key.proven_from


def _about(record: KeyRecord) -> dict[str, object]:
    return {"environment": record.environment, "fingerprint": record.name.fingerprint}


def _not_promotable(what: str, advice: str) -> WizardError:
    """The slots do not allow it."""
    return WizardError(what, advice=advice, code="rotation.not-promotable")


_id = partial(rows.text, column="id")
_composed = partial(rows.whitelist, column="text")
_ROWS: dict[Callable[[sqlite3.Row], object], str] = {
    _id: _IDENTITY,
    rows.rotation: "SELECT * FROM rotations ORDER BY rowid DESC",
    rows.key: "SELECT * FROM keys ORDER BY rowid DESC",
    rows.event: "SELECT * FROM events ORDER BY rowid DESC",
    rows.sighting: "SELECT * FROM egress_observations ORDER BY rowid DESC",
    rows.label: "SELECT * FROM labels ORDER BY rowid DESC",
    _composed: "SELECT * FROM whitelists ORDER BY rowid DESC",
}
"""What makes sense of the rows of each table, and what finds them, the newest first."""
