"""The journal: durable, private, append-only, and one slot for one key."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.egress_notes import note_egress
from tests.raises import raises_code
from wizard.core.credentials import KeyKind, KeyName
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.rotation import database
from wizard.rotation.database import MIGRATIONS, SCHEMA_VERSION, open_database, read_database
from wizard.rotation.journal import Journal
from wizard.rotation.model import Event, Mode, RotationRecord, Step
from wizard.rotation.state_machine import Move, Transition


def record(fingerprint: str, slot: Slot, at: float = 1.0) -> KeyRecord:
    return KeyRecord(
        "bench",
        KeyName(fingerprint, "AbC9"),
        KeyKind.HMAC,
        slot,
        Holding.ANNOUNCED,
        f"key-wizard:bench:{fingerprint}",
        "memory",
        "memory",
        at,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    with closing(Journal(open_database(file), lambda: 100.0)) as journal:
        yield journal


def stored(journal: Journal, fingerprint: str, slot: Slot, at: float = 1.0) -> KeyRecord:
    key = record(fingerprint, slot, at)
    journal.announce_key(key)
    journal.confirm_key(key)
    return key


def rotation(journal: Journal) -> RotationRecord:
    return journal.open_rotation("bench") or journal.begin_rotation("bench", Mode.ROTATE)


def switch(journal: Journal) -> Transition:
    return Transition(rotation(journal), Move.SWITCH, Step.RETIRE)


def test_the_file_is_readable_by_its_owner_only(journal: Journal, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_rotation_is_resumed_at_its_step_by_the_next_process(journal: Journal, file: Path) -> None:
    rotation = journal.begin_rotation("bench", Mode.ROTATE)
    journal.move(Transition(rotation, Move.NEXT, Step.CREDENTIALS))
    with closing(Journal(open_database(file), lambda: 200.0)) as next_process:
        again = next_process.open_rotation("bench")
    assert again is not None
    assert (again.step, again.mode, again.started_at) == (Step.CREDENTIALS, Mode.ROTATE, 100.0)


def test_an_environment_has_one_open_rotation_at_most(journal: Journal) -> None:
    journal.begin_rotation("bench", Mode.ROTATE)
    with raises_code("journal.unusable", match="cannot be written"):
        journal.begin_rotation("bench", Mode.ROTATE)
    assert journal.begin_rotation("other", Mode.ROTATE).environment == "other"


def test_promotion_moves_both_slots_in_one_transaction(journal: Journal) -> None:
    stored(journal, "old", Slot.CURRENT)
    stored(journal, "new", Slot.PENDING)
    journal.promote(switch(journal), "key-wizard:bench:new")
    slots = {key.name.fingerprint: key.slot for key in journal.keys("bench")}
    assert slots == {"old": Slot.LEGACY, "new": Slot.CURRENT}


def test_an_announced_key_that_was_never_confirmed_is_not_promoted(journal: Journal) -> None:
    stored(journal, "old", Slot.CURRENT)
    journal.announce_key(record("new", Slot.PENDING))
    with raises_code("rotation.not-promotable", match="no stored new key"):
        journal.promote(switch(journal), "key-wizard:bench:new")
    current = journal.key_in("bench", Slot.CURRENT)
    assert current is not None
    assert current.name.fingerprint == "old"


def test_a_second_promotion_waits_for_the_legacy_key_to_die(journal: Journal) -> None:
    for fingerprint, slot in (("older", Slot.LEGACY), ("old", Slot.CURRENT), ("new", Slot.PENDING)):
        stored(journal, fingerprint, slot)
    with raises_code("rotation.not-promotable", match="legacy key"):
        journal.promote(switch(journal), "key-wizard:bench:new")
    assert {key.name.fingerprint: key.slot for key in journal.keys("bench")}["old"] is Slot.CURRENT


def test_the_slots_of_two_environments_do_not_meet(journal: Journal) -> None:
    stored(journal, "old", Slot.CURRENT)
    assert journal.key_in("production", Slot.CURRENT) is None


def test_events_cannot_be_changed_or_deleted(journal: Journal, file: Path) -> None:
    journal.begin_rotation("bench", Mode.ROTATE)
    with sqlite3.connect(file) as raw:
        for statement in ("UPDATE events SET detail = '{}'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(statement)
    raw.close()


def test_a_journal_of_a_newer_version_is_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    before = file.read_bytes()
    with raises_code("journal.newer", match="newer version"):
        open_database(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_journal_is_told_and_kept(file: Path) -> None:
    file.write_bytes(b"my shopping list, " * 100)
    with raises_code("journal.unusable") as caught:
        open_database(file)
    assert "Nothing was changed" in caught.value.advice
    assert file.read_bytes().startswith(b"my shopping list")
    assert file not in {link.resolve() for link in Path("/proc/self/fd").iterdir()}


def newest(journal: Journal) -> list[str]:
    seen = journal.last_verdict("bench")
    return [*map(str, seen.addresses)] if seen else []


def test_all_addresses_of_the_newest_detection_are_remembered(journal: Journal) -> None:
    note_egress(journal, "bench", {"203.0.113.1": ["a", "b"]}, "agreed", "direct")
    later = Journal(journal._database, lambda: 200.0)
    note_egress(later, "bench", {"203.0.113.2": ["a"], "203.0.113.3": ["a"]}, "pool", "direct")
    assert newest(later) == ["203.0.113.2", "203.0.113.3"]


def test_what_a_command_saw_does_not_count_for_the_rotation_at_hand(journal: Journal) -> None:
    note_egress(journal, "bench", {"203.0.113.1": ["a", "b"]}, "agreed", "direct")
    note_egress(journal, "bench", {"203.0.113.9": ["a", "b"]}, "agreed", "direct", asked_by="check")
    assert newest(journal) == ["203.0.113.1"]


def test_every_detection_of_a_route_is_kept_whoever_asked(journal: Journal) -> None:
    note_egress(journal, "bench", {"203.0.113.1": ["a", "b"]}, "agreed", "direct")
    note_egress(journal, "bench", {}, "unknown", "direct", asked_by="check")
    note_egress(journal, "bench", {"203.0.113.8": ["a", "b"]}, "agreed", "proxy http://p:1")
    note_egress(journal, "other", {"203.0.113.7": ["a", "b"]}, "agreed", "direct")
    note_egress(journal, "bench", {"203.0.113.2": ["a"], "203.0.113.3": ["a"]}, "pool", "direct", asked_by="egress")
    history = journal.egress_history("bench", "direct")
    assert [(seen.state.value, [*map(str, seen.addresses)]) for seen in history] == [
        ("agreed", ["203.0.113.1"]),
        ("unknown", []),
        ("pool", ["203.0.113.2", "203.0.113.3"]),
    ]


def test_a_journal_of_the_first_version_is_brought_up_to_date_with_all_it_holds(file: Path) -> None:
    first_of_all(file)
    with sqlite3.connect(file) as raw:
        raw.execute(
            "INSERT INTO rotations (environment, mode, step, started_at) VALUES ('bench', 'rotate', 'probe', 7)"
        )
        raw.execute("INSERT INTO egress_observations VALUES (4, 'bench', 7, '203.0.113.1', 'agreed', 'a,b', 'direct')")
        raw.execute("INSERT INTO events VALUES (3, 7, 1, 'rotation.moved', '{\"step\": \"probe\"}', '', 'ab')")
        (identity,) = raw.execute("SELECT id FROM journal").fetchone()
    raw.close()
    with closing(Journal(open_database(file), lambda: 100.0)) as journal:
        resumed = journal.open_rotation("bench")
        assert resumed is not None
        assert (journal.id, resumed.step, newest(journal)) == (identity, Step.PROBE, ["203.0.113.1"])
        assert journal.events(resumed) == (Event(3, 7.0, 1, "rotation.moved", {"step": "probe"}),)
        journal.check()
    with sqlite3.connect(file) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    raw.close()


def test_a_migration_that_fails_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_of_all(file)
    broken = "ALTER TABLE rotations ADD COLUMN mood TEXT;\nSELECT * FROM nowhere;\n"
    monkeypatch.setattr(database, "MIGRATIONS", (MIGRATIONS[0], broken))
    with raises_code("journal.unusable", match="cannot be opened"):
        open_database(file)
    with sqlite3.connect(file) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
        assert "mood" not in {column for _, column, *_ in raw.execute("PRAGMA table_info(rotations)")}
    raw.close()


@pytest.mark.parametrize("number", range(20))
def test_wizards_that_open_an_old_journal_at_once_all_find_it_up_to_date(file: Path, number: int) -> None:
    first_of_all(file)
    with ThreadPoolExecutor(8) as pool:
        opened = [pool.submit(lambda: open_database(file).close()) for _ in range(8)]
    assert [each.exception() for each in opened] == [None] * 8


def test_wizards_that_make_a_journal_at_once_make_one(file: Path) -> None:
    def make(_: int) -> str:
        with closing(Journal(open_database(file), lambda: 1.0)) as journal:
            return journal.id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(40)))) == 1
    assert [*file.parent.iterdir()] == [file]


def test_the_migrations_are_numbered_without_a_gap() -> None:
    files = sorted((Path(database.__file__).parent / "migrations").glob("*.sql"))
    assert [int(file.name.split("_")[0]) for file in files] == list(range(1, len(MIGRATIONS) + 1))


def first_of_all(file: Path) -> None:
    """Leave a journal as the first version wrote it."""
    raw = sqlite3.connect(file)
    raw.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1; PRAGMA journal_mode = WAL;")
    raw.close()


class TestReading:
    """Whoever reads changes nothing, whatever the journal is like."""

    @pytest.fixture(autouse=True)
    def fill(self, file: Path) -> None:
        first_of_all(file)
        with closing(Journal(open_database(file), lambda: 7.0)) as journal:
            stored(journal, "old", Slot.CURRENT)

    @staticmethod
    def current(file: Path) -> str:
        with closing(Journal(read_database(file), lambda: 0.0)) as journal:
            key = journal.key_in("bench", Slot.CURRENT)
        return key.name.fingerprint if key else ""

    def test_a_closed_journal_is_read_and_not_written(self, file: Path) -> None:
        before = file.read_bytes()
        assert self.current(file) == "old"
        with closing(Journal(read_database(file), lambda: 0.0)) as journal, raises_code("journal.unusable"):
            journal.begin_rotation("bench", Mode.ROTATE)
        assert file.read_bytes() == before

    def test_one_that_is_not_there_is_empty_and_is_not_made(self, tmp_path: Path) -> None:
        assert self.current(tmp_path / "nowhere" / "journal.sqlite3") == ""
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize("left", ["", "-wal"])
    def test_one_of_which_only_a_part_is_left_is_told_and_not_begun_anew(self, file: Path, left: str) -> None:
        with closing(Journal(open_database(file), lambda: 9.0)) as journal:
            stored(journal, "new", Slot.PENDING)
            log = Path(f"{file}-wal").read_bytes()
        for path in file.parent.iterdir():
            path.unlink()
        Path(f"{file}{left}").write_bytes(log if left else b"")
        for opening in (open_database, read_database):
            with raises_code("journal.damaged", match="are damaged"):
                opening(file)
        assert [(path, path.read_bytes()) for path in file.parent.iterdir()] == [
            (Path(f"{file}{left}"), log if left else b"")
        ]

    def test_all_that_is_read_is_of_one_moment(self, file: Path) -> None:
        with closing(Journal(open_database(file), lambda: 9.0)) as journal:
            stored(journal, "new", Slot.PENDING)
            with closing(Journal(read_database(file), lambda: 0.0)) as reader:
                assert reader.open_rotation("bench") is None
                journal.promote(switch(journal), "key-wizard:bench:new")
                current = reader.key_in("bench", Slot.CURRENT)
                assert current is not None
                assert current.name.fingerprint == "old"
            assert self.current(file) == "new"

    def test_one_of_the_first_version_is_read_as_if_it_were_up_to_date_and_stays_as_it_is(self, tmp_path: Path) -> None:
        old = tmp_path / "old.sqlite3"
        first_of_all(old)
        with sqlite3.connect(old) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute(
                "INSERT INTO egress_observations VALUES (4, 'bench', 7, '203.0.113.1', 'agreed', 'a', 'direct')"
            )
        raw.close()
        before = old.read_bytes()
        with closing(Journal(read_database(old), lambda: 0.0)) as journal:
            assert newest(journal) == ["203.0.113.1"]
            assert journal.labels("bench") == {}
        assert old.read_bytes() == before

    def test_what_a_writer_left_in_the_log_is_read(self, file: Path, tmp_path: Path) -> None:
        copied = tmp_path / "killed" / file.name
        copied.parent.mkdir()
        with closing(Journal(open_database(file), lambda: 9.0)) as journal:
            stored(journal, "new", Slot.PENDING)
            journal.promote(switch(journal), "key-wizard:bench:new")
            for suffix in ("", "-wal"):
                shutil.copy(f"{file}{suffix}", f"{copied}{suffix}")
        assert self.current(copied) == "new"

    def test_an_open_writer_keeps_its_files_whatever_reads_beside_it_in_the_same_process(self, file: Path) -> None:
        with closing(Journal(open_database(file), lambda: 9.0)):
            before = descriptors(file)
            for _ in range(20):
                assert self.current(file) == "old"
                open_database(file).close()
            assert len(descriptors(file)) <= len(before) + 2  # SQLite keeps one to read and one to write, for the next
            child = "import sys, pathlib; from wizard.rotation.database import open_database as o;"
            subprocess.run([sys.executable, "-c", f"{child} o(pathlib.Path(sys.argv[1])).close()", file], check=True)
            assert not [name for name in descriptors(file) if "(deleted)" in name]

    @pytest.mark.parametrize("kind", ["link", "dangling link", "directory"])
    def test_what_is_no_ordinary_file_is_neither_followed_nor_changed(self, file: Path, kind: str) -> None:
        target = file.with_name("target")
        file.rename(target)
        target.chmod(0o644)
        if kind == "directory":
            file.mkdir(mode=0o755)
        else:
            file.symlink_to(target if kind == "link" else file.with_name("nowhere"))
        before = target.read_bytes()
        for opening in (open_database, read_database):
            with raises_code("journal.unusable", match="cannot be used") as caught:
                opening(file)
            assert "Nothing was changed" in caught.value.advice
        assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (before, 0o644)
        assert kind != "directory" or stat.S_IMODE(file.stat().st_mode) == 0o755
        assert not file.with_name("nowhere").exists()


def descriptors(file: Path) -> list[str]:
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [name for name in links if name.startswith(str(file))]


def test_what_any_wizard_writes_is_read_at_once(journal: Journal, file: Path) -> None:
    with closing(Journal(open_database(file), lambda: 100.0)) as other:
        seen = [len(journal.events())]
        for writer in (journal, other, journal, other):
            writer.record(None, "noted", {})
            seen.append(len(journal.events()))
    assert seen == [0, 1, 2, 3, 4]
