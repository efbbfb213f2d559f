"""`key-wizard --job`: a job that cannot begin is refused before a screen or a line opens."""

from __future__ import annotations

import pytest

from tests.commands.conftest import Bench, Command
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode
from wizard.rotation.state_machine import Facts, Move, transition


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The jobs that a face was opened with; it stands in for the screens."""
    jobs: list[object] = []

    def open_face(_environments: object, *, job: object, **_: object) -> int:
        jobs.append(job)
        return 0

    monkeypatch.setattr("wizard.cli.open_wizard", lambda environments, _, **given: open_face(environments, **given))
    return jobs


@pytest.mark.parametrize(
    ("job", "said"),
    [("create", "A key is in use already"), ("import", "A key is in use already")],
)
def test_a_job_that_does_not_fit_the_key_in_use_is_refused(
    bench: Bench, command: Command, opened: list[object], job: str, said: str
) -> None:
    bench.put_in_use(MemoryStore())
    ended = command("--env", "bench", "--job", job)
    assert (ended.code, opened) == (2, [])
    assert said in ended.err


@pytest.mark.parametrize("job", ["replace", "whitelist", "leaked"])
def test_a_job_that_needs_a_key_is_refused_without_one(
    bench: Bench, command: Command, opened: list[object], job: str
) -> None:
    ended = command("--env", "bench", "--job", job, "--plain")
    assert (ended.code, opened) == (2, [])
    assert "No key is in use yet" in ended.err
    assert "import" in ended.err


def test_an_open_job_is_resumed_and_another_one_refused_by_its_name(
    bench: Bench, command: Command, opened: list[object]
) -> None:
    bench.put_in_use(MemoryStore())
    with bench.journal() as journal:
        begun = journal.begin_rotation("bench", Mode.WHITELIST)
        taken = transition(begun, Move.NEXT, Facts())
        assert taken
        journal.move(taken)
    assert command("--env", "bench", "--job", "whitelist").code == 0
    assert opened == [Mode.WHITELIST]
    ended = command("--env", "bench", "--job", "replace")
    assert (ended.code, len(opened)) == (2, 1)
    assert "It is whitelist, and it stands at Whitelist." in ended.err
    assert "Resume it" in ended.err


def test_without_a_name_the_only_environment_is_meant_and_of_several_none(
    bench: Bench, command: Command, opened: list[object]
) -> None:
    bench.put_in_use(MemoryStore())
    assert command("--job", "replace").code == 0
    bench.configure('[environments.other]\nsite = "testnet"\n')
    ended = command("--job", "replace")
    assert (ended.code, opened) == (2, [Mode.ROTATE])
    assert "key-wizard --env NAME --job replace" in ended.err


def test_a_job_that_does_not_exist_is_refused_with_those_that_do(command: Command) -> None:
    ended = command("--job", "rotate")
    assert ended.code == 2
    assert "'replace', 'create', 'import', 'whitelist', 'leaked'" in ended.err
