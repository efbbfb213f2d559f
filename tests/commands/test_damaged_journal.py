"""A journal that is damaged somewhere is told in words by whatever reads it, and stays as it is.

A sample of the places is tried, and four times as many by .ci/run. Those of a whole file:
KEY_WIZARD_DAMAGED_BYTES=all (hours); a number tries so many of each kind.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.conftest import Command, Said
from tests.egress_notes import note_egress
from tests.examples import examples
from wizard.core import settings
from wizard.core.credentials import KeyKind, KeyName
from wizard.core.errors import WizardError
from wizard.core.settings import Paths
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.rotation.current_credentials import current_key
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal
from wizard.rotation.model import Mode, Step
from wizard.rotation.state_machine import Move, Transition

# Read now: each test starts with a scrubbed environment.
AMOUNT = os.environ.get("KEY_WIZARD_DAMAGED_BYTES", str(examples(25)))
HERE = "203.0.113.42"
READERS = {
    "status": ("status", "--json"),
    "history": ("history", "--json"),
    "doctor": ("doctor", "--only", "files", "--json"),
    "whitelist": ("whitelist", "--env", "bench", "--json", HERE),
}


@pytest.fixture
def paths(clean_environment: Path) -> Paths:
    paths = settings.paths()
    paths.create()
    paths.config_file.write_text('[environments.bench]\nsite = "testnet"\n[environments.other]\nsite = "demo"\n')
    return paths


def fill(paths: Paths) -> Journal:
    """Leave a journal with something in every table; the newest of it is in the write-ahead log alone."""
    first = Journal(open_database(paths.journal), lambda: 1000.0)
    rotation = first.begin_rotation("bench", Mode.SET_UP)
    note_egress(first, "bench", {HERE: ["a", "b"], "203.0.113.9": ["c"]}, "agreed-with-dissent", "direct")
    first.note_whitelist(rotation, f"{HERE},198.51.100.0/24", {HERE: "office", "198.51.100.0/24": "bots"})
    put(first, "bench", "old", Slot.CURRENT)
    put(first, "other", "else", Slot.CURRENT)
    first.mark_proven(first.keys("bench")[0], HERE, {"enableReading": True})
    certificate = {"environment": "bench", "rotation": 1, "started_at": 1.0, "finished_at": 2.0, "egress": HERE}
    names = {"current": {"fingerprint": "ab" * 6, "last_four": "AbC9"}, "legacy": None, "grade": None}
    rest = {"current_store": "memory", "whitelist": HERE, "proof": "", "does_not_prove": "", "overlap_seconds": 0.0}
    first.finish(
        Transition(rotation, Move.FINISH, Step.DONE), "stored", "rotation.certified", {**certificate, **names, **rest}
    )
    first.close()

    journal = Journal(open_database(paths.journal), lambda: 2000.0)
    rotation = journal.begin_rotation("bench", Mode.ROTATE)
    journal.note_whitelist(rotation, HERE, {HERE: "home"})
    put(journal, "bench", "new", Slot.PENDING)
    journal.promote(Transition(rotation, Move.SWITCH, Step.RETIRE), "key-wizard:bench:new")
    poll = {"at": 3.0, "legacy_accepted": True, "legacy_code": None, "control_accepted": True, "from_address": HERE}
    poll |= {"legacy_said": "", "control_said": ""}
    journal.record(journal.open_rotation("bench"), "legacy.polled", poll)
    return journal


def put(journal: Journal, environment: str, name: str, slot: Slot) -> None:
    item, key = f"key-wizard:{environment}:{name}", KeyName(name, "AbC9")
    record = KeyRecord(environment, key, KeyKind.HMAC, slot, Holding.ANNOUNCED, item, "memory", "memory", 1.0)
    journal.announce_key(record)
    journal.confirm_key(record)


@pytest.fixture
def killed(paths: Paths) -> dict[str, bytes]:
    """What a wizard left that was killed: the journal and its write-ahead log."""
    with closing(fill(paths)):
        return {suffix: Path(f"{paths.journal}{suffix}").read_bytes() for suffix in ("", "-wal")}


@pytest.fixture
def closed(paths: Paths) -> dict[str, bytes]:
    """What a wizard left that was closed: the journal alone."""
    fill(paths).close()
    return {"": paths.journal.read_bytes()}


def put_back(paths: Paths, files: dict[str, bytes]) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{paths.journal}{suffix}").unlink(missing_ok=True)
    for suffix, data in files.items():
        Path(f"{paths.journal}{suffix}").write_bytes(data)


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def clear(data: bytes, place: int) -> bytes:
    return data[:place] + bytes(16) + data[place + 16 :]


def cut(data: bytes, place: int) -> bytes:
    return data[:place]


def places(data: bytes) -> Iterator[int]:
    """Return where the file is damaged: all places, or the ones that every run takes."""
    if AMOUNT == "all":
        yield from range(len(data))
    else:
        yield from random.Random(11).sample(range(100), 10)  # the header
        yield from random.Random(7).sample(range(100, len(data)), int(AMOUNT))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("damage", [flip, clear, cut], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("left", ["closed", "killed", "killed-log"])
def test_a_journal_damaged_at_any_place_is_told_in_words_and_left_as_it_is(
    paths: Paths,
    command: Command,
    left: str,
    damage: Callable[[bytes, int], bytes],
    request: pytest.FixtureRequest,
) -> None:
    whole: dict[str, bytes] = request.getfixturevalue(left.removesuffix("-log"))
    suffix = "-wal" if left == "killed-log" else ""
    told = 0
    for place in places(whole[suffix]):
        damaged = {**whole, suffix: damage(whole[suffix], place)}
        put_back(paths, damaged)
        said = {name: command(*words) for name, words in READERS.items()}
        for name, each in said.items():
            assert each.code != 70, f"{damage.__name__} at {place}: {name} says {each.err}"
            told += each.code != 0
        is_used(paths)
        assert paths.journal.read_bytes() == damaged[""], f"{damage.__name__} at {place}: a reader changed the journal"
        if said["doctor"].code == 0:
            assert is_whole(paths), f"{damage.__name__} at {place}: the doctor found nothing"
        is_opened(paths)
    assert told, "no damage was ever found"


def is_used(paths: Paths) -> None:
    """Read as `exec`, `check` and the library do."""
    try:
        current_key("bench", paths)
    except WizardError as error:
        assert all(error.sentences())


def is_opened(paths: Paths) -> None:
    """Open to write and go through what a wizard does at start and at the end of a rotation."""
    try:
        with closing(Journal(open_database(paths.journal), lambda: 3000.0)) as journal:
            journal.check()
            rotation = journal.open_rotation("bench")
            if rotation is not None:
                journal.record(rotation, "some.event", {"at": 4.0})
                for event in journal.events(rotation):
                    json.dumps(event.detail)
                journal.finish(Transition(rotation, Move.FINISH, Step.DONE), "stored")
    except WizardError as error:
        assert all(error.sentences())


def is_whole(paths: Paths) -> bool:
    with closing(sqlite3.connect(f"file:{paths.journal}?mode=ro", uri=True)) as raw:
        return raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


POLL = "UPDATE events SET detail = json_set(detail"
CHOICE = "UPDATE events SET kind = 'egress.chosen', detail ="
NONSENSE = {
    "a step that there is not": "UPDATE rotations SET step = 'nowhere' WHERE finished_at IS NULL",
    "a step of another mode": "UPDATE rotations SET mode = 'set-up' WHERE finished_at IS NULL",
    "a time that is a text": "UPDATE keys SET stored_at = 'yesterday'",
    "a time beyond all calendars": "UPDATE keys SET stored_at = 9e300",
    "a time that is infinite": "UPDATE rotations SET started_at = 9e999",
    "a time before 1970": "UPDATE keys SET stored_at = -9e9",
    "bytes in the place of a text": "UPDATE keys SET last_four = x'00ff'",
    "a text that is no UTF-8": "UPDATE keys SET store = CAST(x'ff' AS TEXT)",
    "a kind that there is not": "UPDATE keys SET kind = 'dsa'",
    "a slot that there is not": "UPDATE keys SET slot = 'top' WHERE slot = 'current'",
    "a version that is a text": "UPDATE keys SET version = 'one'",
    "a list that is none": "UPDATE keys SET whitelist = 'everybody'",
    "an event that is no JSON": "UPDATE events SET detail = '{'",
    "an event that is another JSON": "UPDATE events SET detail = '[]'",
    "an event of bytes": "UPDATE events SET detail = x'7b7d'",
    "an event without a time": "UPDATE events SET at = 'once'",
    "an event without what its kind needs": "UPDATE events SET detail = '{}' WHERE kind = 'legacy.polled'",
    "an event of a wrong type": "UPDATE events SET detail = '{\"fingerprint\": 1}' WHERE kind = 'key.accepted'",
    "an event nested too deep": f"UPDATE events SET detail = '{'[' * 100_000}' WHERE kind = 'rotation.begun'",
    "a poll beyond all calendars": f"{POLL}, '$.at', 9e99) WHERE kind = 'legacy.polled'",
    "a poll with a pause that is a text": f"{POLL}, '$.retry_after', 'soon') WHERE kind = 'legacy.polled'",
    "an address that the exchange did not name": f"{CHOICE} '{{\"exchange\": {{}}}}' WHERE kind = 'key.stored'",
    "an owner that is no text": f"{CHOICE} '{{\"203.0.113.9\": [3]}}' WHERE kind = 'key.stored'",
    "an address that is none": "UPDATE egress_observations SET address = 'localhost'",
    "an agreement that there is not": "UPDATE egress_observations SET state = 'maybe'",
    "a label of nothing": "UPDATE labels SET network = '' WHERE label = 'bots'",
    "no identity": "DELETE FROM journal",
    "no table": "DROP TABLE keys",
    "a missing column": "ALTER TABLE rotations RENAME COLUMN step TO stage",
    "a missing column of events": "ALTER TABLE events RENAME COLUMN detail TO told",
}
NULLS = [
    *(("rotations", column) for column in ("environment", "mode", "step", "started_at", "outcome")),
    *(("keys", column) for column in ("fingerprint", "kind", "slot", "holding", "item", "stored_at", "whitelist")),
    *(("events", column) for column in ("at", "kind", "detail")),
    *(("egress_observations", column) for column in ("at", "address", "state", "operators", "route")),
    *(("whitelists", "text"), ("labels", "label"), ("journal", "id")),
]
NONSENSE |= {f"no {column} of {table}": f"UPDATE {table} SET {column} = NULL" for table, column in NULLS}


@pytest.mark.parametrize("statement", NONSENSE.values(), ids=[name.replace(" ", "-") for name in NONSENSE])
def test_a_row_that_makes_no_sense_is_told_in_words(
    paths: Paths, command: Command, closed: dict[str, bytes], statement: str
) -> None:
    alter(paths, statement)
    said = command("doctor", "--only", "files", "--json")
    assert (said.code, said.check("Records")["outcome"]) == (1, "failed")
    for words in READERS.values():
        said = command(*words)
        assert said.code != 70, said.err
    is_used(paths)
    is_opened(paths)


@pytest.mark.parametrize("table", ["rotations", "keys"])
def test_what_status_needs_and_cannot_understand_is_never_left_out(
    paths: Paths, command: Command, closed: dict[str, bytes], table: str
) -> None:
    column = {"rotations": "step", "keys": "holding"}[table]
    alter(paths, f"UPDATE {table} SET {column} = 'gone'")
    said = command("status")
    assert (said.code, said.out) == (1, "")
    assert_in_words(said, paths)
    with pytest.raises(WizardError):
        current_key("bench", paths) if table == "keys" else open_and_check(paths)


def open_and_check(paths: Paths) -> None:
    with closing(Journal(open_database(paths.journal), lambda: 0.0)) as journal:
        journal.check()


def assert_in_words(said: Said, paths: Paths) -> None:
    """What happened, why, and what to do next."""
    first, why, advice = said.err.splitlines()[:3]
    assert str(paths.journal) in first
    assert why.strip()
    assert f"Move {paths.journal}* to another directory" in advice


def alter(paths: Paths, statement: str) -> None:
    """Alter the journal as no wizard does."""
    with closing(sqlite3.connect(paths.journal, isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '')")
        raw.execute("PRAGMA writable_schema = RESET")
        raw.execute(statement)
