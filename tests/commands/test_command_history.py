from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from tests.commands.conftest import HERE, Bench, Command
from tests.rotation.conftest import World
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode


@pytest.fixture
def rotated(bench: Bench) -> Bench:
    """A bench with one rotation that was certified, and one that is open."""
    asyncio.run(rotate(bench))
    return bench


async def rotate(bench: Bench) -> None:
    world = World(bench.base_url, bench.simulated_page, bench.paths, MemoryStore())
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await bench.simulated_page.delete(old.api_key)
        await world.kill(flow)
        await flow.purge()
        await flow.begin(Mode.ROTATE)


def alter(bench: Bench, kind: str, detail: str) -> int:
    """Change an event behind the journal's back, and return its number."""
    with closing(sqlite3.connect(bench.paths.journal)) as connection, connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        (number,) = connection.execute("SELECT max(number) FROM events WHERE kind = ?", (kind,)).fetchone()
        connection.execute("UPDATE events SET detail = ? WHERE number = ?", (detail, number))
    return int(number)


def test_a_rotation_is_told_with_its_certificate(rotated: Bench, command: Command) -> None:
    said = command("history", "--json")
    assert (said.code, said.err) == (0, "")
    done, begun = said.json["rotations"]
    assert (done["environment"], done["mode"], done["outcome"]) == ("bench", "rotate", "proven")
    certificate = done["certificate"]
    assert (certificate["grade"], certificate["whitelist"], certificate["egress"]) == ("proven", HERE, HERE)
    assert certificate["current"]["fingerprint"] != certificate["legacy"]["fingerprint"]
    assert (begun["finished_at"], begun["certificate"]) == (None, None)


def test_people_read_the_same_on_stdout(rotated: Bench, command: Command) -> None:
    said = command("history", "bench")
    assert (said.code, said.err) == (0, "")
    assert "#1 bench, replace" in said.out
    assert "Binance no longer knows the legacy key" in said.out
    assert "open at egress" in said.out


def test_the_history_outlives_the_environment_s_settings(rotated: Bench, command: Command) -> None:
    rotated.paths.config_file.write_text('[environments.other]\nsite = "demo"\n')
    assert len(command("history", "--json").json["rotations"]) == 2
    assert len(command("history", "bench", "--json").json["rotations"]) == 2
    assert command("history", "other", "--json").json["rotations"] == []
    assert command("history", "nowhere").code == 2


def test_a_certificate_that_is_not_complete_is_not_shown_as_one(rotated: Bench, command: Command) -> None:
    alter(rotated, "rotation.certified", '{"grade": "proven"}')
    said = command("history", "--json")
    assert (said.code, said.json["rotations"][0]["certificate"]) == (0, None)


@pytest.mark.parametrize(("field", "value"), [("finished_at", 9e99), ("overlap_seconds", "long"), ("whitelist", 3)])
def test_a_certificate_with_something_else_in_a_field_is_not_shown_as_one(
    rotated: Bench, command: Command, field: str, value: object
) -> None:
    certificate = command("history", "--json").json["rotations"][0]["certificate"]
    alter(rotated, "rotation.certified", json.dumps({**certificate, field: value}))
    said = command("history", "--json")
    assert (said.code, said.json["rotations"][0]["certificate"]) == (0, None)
    assert command("history").code == 0


@pytest.mark.parametrize("detail", ["[]", "not JSON"])
def test_a_damaged_event_is_told(rotated: Bench, command: Command, detail: str) -> None:
    alter(rotated, "rotation.certified", detail)
    said = command("history", "--json")
    assert (said.code, said.json["error"]["what"] in said.err) == (1, True)
    assert f"The wizard's records {rotated.paths.journal} are damaged" in said.err


def test_an_empty_journal_has_no_history(bench: Bench, command: Command) -> None:
    assert command("history", "--json").json["rotations"] == []
    said = command("history")
    assert (said.code, said.out, said.err) == (0, "Nothing was done here yet.\n", "")


def test_a_damaged_journal_is_told_and_kept(rotated: Bench, command: Command) -> None:
    whole = rotated.paths.journal.read_bytes()
    damaged = whole[:4096] + b"\xff" * (len(whole) - 4096)
    rotated.paths.journal.write_bytes(damaged)
    said = command("history")
    assert (said.code, said.out) == (1, "")
    assert f"The wizard's records {rotated.paths.journal} cannot be read" in said.err
    assert rotated.paths.journal.read_bytes() == damaged
