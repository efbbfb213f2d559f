"""A journal that cannot be used for another reason than damage: every command says so, and changes nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.conftest import Command
from tests.commands.test_damaged_journal import READERS, fill, paths
from tests.ordinary_user import ORDINARY, as_ordinary, only_root, ordinary_python
from tests.raises import raises_code
from tests.small_disk import fill_up, small_disk
from wizard.core.settings import Paths
from wizard.rotation.current_credentials import current_key
from wizard.rotation.database import SCHEMA_VERSION, open_database
from wizard.rotation.journal import Journal

__all__ = ["paths"]
ROOT = Path(__file__).parents[2]
COMMANDS = {
    **READERS,
    "check": ("check", "bench"),
    "exec": ("exec", "bench", "--", "true"),
    "line mode": ("--plain", "--env", "bench"),
}
TARGET = "target.sqlite3"


def link(file: Path) -> None:
    target = file.rename(file.with_name(TARGET))
    target.chmod(0o644)
    file.symlink_to(target)


def dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir(mode=0o755)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def text(file: Path) -> None:
    file.write_text("my shopping list\n" * 100)


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


SAID = {
    link: "It is a symbolic link.",
    dangling_link: "It is a symbolic link.",
    directory: "It is not an ordinary file.",
    pipe: "It is not an ordinary file.",
    text: "file is not a database",
    newer: "This version knows",
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("make", SAID, ids=lambda make: make.__name__)
def test_what_is_there_in_the_place_of_a_journal_is_told_and_kept(
    paths: Paths, command: Command, make: Callable[[Path], None], name: str
) -> None:
    fill(paths).close()
    make(paths.journal)
    before = listed(paths.state)
    said = command(*COMMANDS[name])
    assert said.code == 1, said.err
    assert SAID[make] in said.out + said.err
    assert "Internal error" not in said.out + said.err
    assert {file: what for file, what in listed(paths.state).items() if file in before} == before


def listed(directory: Path) -> dict[str, object]:
    return {
        file.name: (stat.filemode(file.lstat().st_mode), file.read_bytes() if file.is_file() else None)
        for file in directory.iterdir()
        if file.suffix not in {".lock", ".holder"}
    }


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Paths, Run]]:
    """A journal of an ordinary user, and what runs a command as this user."""
    with ordinary_python() as python, tempfile.TemporaryDirectory(dir="/tmp") as home:
        own = Paths(Path(home) / "config", Path(home) / "state")
        own.create()
        own.config_file.write_text('[environments.bench]\nsite = "testnet"\n')
        fill(own).close()
        for file in (Path(home), *Path(home).rglob("*")):
            os.chown(file, ORDINARY, ORDINARY)

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                as_ordinary(python, "-m", "wizard", *words),
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "HOME": home, "KEY_WIZARD_HOME": home, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        yield own, run


@pytest.mark.slow
@only_root
def test_a_journal_that_may_only_be_read_is_read(ordinary: tuple[Paths, Run]) -> None:
    own, run = ordinary
    try:
        for mode, of_directory in ((0o400, 0o700), (0o400, 0o500)):
            own.journal.chmod(mode)
            own.state.chmod(of_directory)
            assert run("status").returncode == 4
            assert "open at retire" in run("history").stdout
            assert "The file is whole" in run("doctor", "--only", "files").stdout
            exec_ = run("exec", "bench", "--", "true")  # goes on to the keyring, which there is none of
            assert exec_.returncode == 5, exec_.stderr
    finally:
        own.state.chmod(0o700)


@only_root
def test_a_journal_of_somebody_else_is_told_with_what_to_do(ordinary: tuple[Paths, Run]) -> None:
    own, run = ordinary
    os.chown(own.journal, 0, 0)
    own.journal.chmod(0o600)
    for name in ("status", "exec", "line mode"):
        said = run(*COMMANDS[name])
        assert said.returncode == 1, f"{name}: {said.stderr}"
        assert "Make this file and its directory readable and writable for you" in said.stdout + said.stderr


def test_on_a_full_disk_everything_is_still_read_and_what_is_not_written_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(2) as place:
        own = Paths(place / "config", place / "state")
        own.create()
        own.config_file.write_text('[environments.bench]\nsite = "testnet"\n')
        fill(own).close()
        monkeypatch.setenv("KEY_WIZARD_HOME", str(place))
        ballast = fill_up(place)
        assert command("status").code == 4
        assert "open at retire" in command("history").out
        assert command("doctor", "--only", "files").code == 0
        assert current_key("bench", own).name.fingerprint == "new"

        ballast.unlink()
        with closing(Journal(open_database(own.journal), lambda: 5.0)) as journal:
            rotation = journal.open_rotation("bench")
            ballast = fill_up(place)
            with raises_code("journal.unusable", match="cannot be written") as full:
                for _ in range(100):
                    journal.record(rotation, "x", {"long": "x" * 50_000})
            assert "Free some space" in full.value.advice
            written = len(journal.events(rotation))
            ballast.unlink()
            journal.record(rotation, "y", {})
            assert len(journal.events(rotation)) == written + 1
            journal.check()
