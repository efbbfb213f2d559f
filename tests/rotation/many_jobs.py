"""Thousands of finished jobs, written through the journal itself, in one transaction of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.egress_notes import note_egress
from wizard.core.credentials import KeyKind, KeyName
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.rotation.database import Database, Transaction, open_database
from wizard.rotation.journal import Journal
from wizard.rotation.model import Mode, Step
from wizard.rotation.state_machine import Move, Transition

HERE = "203.0.113.42"
HOUR = 3600.0
MAY = {"enableReading": True, "enableSpotAndMarginTrading": True}
REPORT: dict[str, Any] = {
    **{"job": "rotate", "started_at": 1.0, "finished_at": 2.0, "egress": HERE, "whitelist": HERE, "legacy": None},
    **{"grade": None, "current_store": "memory", "proof": "", "does_not_prove": "", "overlap_seconds": 0.0},
}
POLL: dict[str, Any] = {
    **{"legacy_accepted": False, "legacy_code": -2008, "control_accepted": True, "from_address": HERE},
    **{"legacy_said": "Binance refuses the key", "control_said": "Binance accepts the key", "is_on_sapi": True},
}


class WithinOne(Database):
    """A journal's file while one transaction is open: those of the journal are within it."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        yield Transaction(self._connection)


def write_jobs(file: Path, count: int, name: str, until: float, *, leaves_key: bool = False) -> None:
    """Write so many replacements of a sub-account's key, an hour apart; the last one ends at `until`.

    Each has the events of a real one. The last key is purged too, or is left as the one in use.
    """
    now = until - count * HOUR
    with closing(open_database(file)) as database, database.transaction():
        journal, old = Journal(WithinOne(database._connection, file), lambda: now), None
        for number in range(count):
            now += HOUR
            old = _write_job(journal, name, f"{number:012x}", now, old)
        if old and not leaves_key:
            journal.announce_purge(old, "the test needs no key in use")
            journal.confirm_purge(old)


def _write_job(journal: Journal, name: str, fingerprint: str, now: float, old: KeyRecord | None) -> KeyRecord:
    job = journal.begin_rotation(name, Mode.ROTATE)
    note_egress(journal, name, {HERE: ["operator a", "operator b", "operator c"]}, "agreed", "directly")
    for step in (Step.WHITELIST, Step.CREDENTIALS, Step.PROBE):
        journal.move(Transition(job, Move.NEXT, step))
    journal.note_whitelist(job, HERE)
    about = {"environment": name, "api_name": f"key-wizard {fingerprint}"}
    journal.record(job, "sub-account.creating", {**about, "email": "bot+1@example.com", "public": "P" * 60})
    item, key = f"key-wizard:{name}:{fingerprint}", KeyName(fingerprint, fingerprint[-4:])
    kept: tuple[Any, ...] = (KeyKind.ED25519, Slot.PENDING, Holding.ANNOUNCED, item, "memory", "memory", now, 1)
    made = KeyRecord(name, key, *kept, whitelist=HERE)
    journal.announce_key(made)
    journal.confirm_key(made)
    journal.record(job, "sub-account.created", {**about, "fingerprint": fingerprint})
    journal.mark_proven(made, HERE, MAY, site="bench site")
    journal.promote(Transition(job, Move.SWITCH, Step.RETIRE), item)
    journal.record(job, "rotate.handed-over", {"environment": name})
    for number in range(5 if old else 0):
        journal.record(job, "legacy.polled", {**POLL, "at": now, "is_first": not number, "is_spaced": True})
    if legacy := journal.key_in(name, Slot.LEGACY):
        journal.announce_purge(legacy, "proven dead")
        journal.confirm_purge(legacy)
    report = {**REPORT, "environment": name, "rotation": job.number, "current": asdict(key)}
    journal.finish(Transition(job, Move.FINISH, Step.DONE), "proven", "rotation.certified", report)
    return made
