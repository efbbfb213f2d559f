"""What `status` says of an environment, from the records alone."""

from __future__ import annotations

import pytest

from tests.commands.conftest import HERE, Bench, Command
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode


def test_the_key_its_age_and_from_where_it_was_proven(bench: Bench, memory: MemoryStore, command: Command) -> None:
    credentials = bench.put_in_use(memory)
    with bench.journal() as journal:
        key = journal.key_in("bench", Slot.CURRENT)
        assert key is not None
        journal.mark_proven(key, HERE)
    said = command("status")
    assert said.code == 0
    assert f"{credentials.name}, stored 0 s ago, proven 0 s ago from {HERE}, next: replace" in said.out
    (shown,) = command("status", "--json").json["environments"]
    assert (shown["next"], shown["current"]["proven_from"]) == ("replace", HERE)


@pytest.mark.parametrize(
    ("whitelist", "mode", "says", "code"),
    [
        ("", None, "next: change the whitelist", 0),
        (HERE, None, "next: replace", 0),
        (HERE, Mode.ROTATE, "next: resume replace at Egress IP", 3),
    ],
)
def test_the_likeliest_job_is_named(
    bench: Bench, memory: MemoryStore, command: Command, whitelist: str, mode: Mode | None, says: str, code: int
) -> None:
    bench.put_in_use(memory, whitelist=whitelist, is_restricted=bool(whitelist))
    if mode:
        with bench.journal() as journal:
            journal.begin_rotation("bench", mode)
    said = command("status")
    assert says in said.out
    assert said.code == code


def test_without_a_key_it_is_set_up(bench: Bench, command: Command) -> None:
    assert "no key, next: set up" in command("status").out


def test_a_legacy_key_that_is_not_proven_dead_is_exit_4(bench: Bench, memory: MemoryStore, command: Command) -> None:
    legacy = bench.put_in_use(memory, slot=Slot.LEGACY)
    bench.put_in_use(memory)
    said = command("status")
    assert said.code == 4
    assert f"legacy key {legacy.name} is not proven dead" in said.out


def test_keys_never_used_are_named_and_exit_4(bench: Bench, memory: MemoryStore, command: Command) -> None:
    bench.put_in_use(memory)
    forgotten = [bench.put_in_use(memory, slot=Slot.UNUSED) for _ in range(2)]
    said = command("status")
    assert said.code == 4
    for key in forgotten:
        assert f"unused key {key.name} is not proven dead" in said.out
    assert "next: retire" in said.out
    (shown,) = command("status", "--json").json["environments"]
    assert [key["last_four"] for key in shown["unused"]] == [key.name.last_four for key in forgotten]
