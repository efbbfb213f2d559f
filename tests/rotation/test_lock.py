"""The lock of an environment and its holder's note, in a directory in which somebody planted other things."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.raises import raises_code
from wizard.core.errors import WizardError
from wizard.rotation.opening import sole_writer


def now() -> float:
    return 1_795_000_000.0


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim"
    file.write_text("precious")
    file.chmod(0o644)
    return file


def test_a_link_in_the_place_of_the_note_is_replaced_and_its_target_left_alone(tmp_path: Path, victim: Path) -> None:
    note = tmp_path / "a.holder"
    note.symlink_to(victim)
    with sole_writer(tmp_path / "a.lock", "a", now):
        pass
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o644)
    assert not note.is_symlink()
    assert json.loads(note.read_text())["pid"] == os.getpid()
    assert note.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_a_link_or_a_directory_is_told_and_its_target_left_alone(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link.lock").symlink_to(victim)
    (tmp_path / "directory.lock").mkdir()
    for name in ("link", "directory"):
        with pytest.raises(WizardError) as caught, sole_writer(tmp_path / f"{name}.lock", "a", now):
            pytest.fail("nobody holds the lock")
        assert caught.value.why
        assert caught.value.advice
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o644)


@pytest.mark.parametrize(
    "note",
    [
        '{"pid": 1, "host": "h", "since": Infinity}',
        '{"pid": 1, "host": "h", "since": 1e400}',
        '{"pid": ' + "9" * 5000 + ', "host": "h", "since": 1}',
        "[" * 4000,
        "[]",
        "x" * 100_000,
    ],
)
def test_whatever_the_note_says_the_second_wizard_is_told_that_there_is_a_first(tmp_path: Path, note: str) -> None:
    with sole_writer(tmp_path / "a.lock", "a", now):
        (tmp_path / "a.holder").write_text(note)
        with raises_code("environment.busy"), sole_writer(tmp_path / "a.lock", "a", now):
            pass


def test_a_pipe_in_the_place_of_the_note_holds_nobody_up(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "a.lock", "a", now):
        (tmp_path / "a.holder").unlink()
        os.mkfifo(tmp_path / "a.holder")
        with raises_code("environment.busy"), sole_writer(tmp_path / "a.lock", "a", now):
            pass
