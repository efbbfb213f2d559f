"""Other commands run and end while a wizard is open: what it writes reaches them, and is there after a SIGKILL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands.conftest import Bench
from wizard.custody.store import Store

REPOSITORY = Path(__file__).parents[2]
PRINT_KEY = (sys.executable, "-c", "import os; print(os.environ['BINANCE_API_KEY'])")
BESIDE = {
    "status": ("-m", "wizard", "status"),
    "check": ("-m", "wizard", "check", "bench"),
    "exec": ("-m", "wizard", "exec", "bench", "--", *PRINT_KEY),
    "doctor": ("-m", "wizard", "doctor", "--only", "files"),
    "history": ("-m", "wizard", "history"),
    "library": ("-c", "import wizard; print(wizard.current_credentials('bench').api_key.reveal())"),
}
pytestmark = pytest.mark.keyring


class WizardAtWork:
    """A process that has `bench` open."""

    def __init__(self, bench: Bench, environ: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "tests.commands.wizard_at_work", bench.desk_url]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def step(self) -> str:
        """Return where the rotation stands, once the wizard has said so."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def do(self, word: str) -> str:
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)
        return self.step()

    def open_files(self) -> set[str]:
        """Return the files of the journal that the wizard has open, as the system names them."""
        links = Path(f"/proc/{self._process.pid}/fd").iterdir()
        return {target.rpartition("/")[2] for link in links if "journal" in (target := str(link.readlink()))}

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def wizard_at_work(bench: Bench) -> Iterator[WizardAtWork]:
    wizard = WizardAtWork(bench)
    try:
        yield wizard
    finally:
        wizard.kill()


def run(name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *BESIDE[name]]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def run_all(*names: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run each command from its start to its end."""
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(names, pool.map(run, names), strict=True))


WHOLE = {"journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux says which open files were deleted")
def test_what_runs_and_ends_beside_a_wizard_takes_nothing_away_from_it(bench: Bench, keyring: Store) -> None:
    old = bench.put_in_use(keyring)
    with wizard_at_work(bench) as wizard:
        assert wizard.step() == "None"
        assert wizard.do("begin") == "credentials"
        said = run_all(*BESIDE)
        assert wizard.open_files() == WHOLE
        assert {name: done.returncode for name, done in said.items()} == {**dict.fromkeys(BESIDE, 0), "status": 3}
        assert "resume replace at Credentials" in said["status"].stdout
        assert "open at credentials" in said["history"].stdout
        assert key_of(said) == {old.api_key.reveal()}

        assert wizard.do("store") == "probe"
        assert wizard.do("switch") == "retire"
        said = run_all("status", "check", "exec", "library")
        assert wizard.open_files() == WHOLE
        assert said["status"].returncode == 4
        (new,) = key_of(said)
        assert new != old.api_key.reveal()
        assert f"{new[-4:]} " in said["check"].stdout
        assert wizard.do("look") == "retire"
        wizard.kill()

    with wizard_at_work(bench) as wizard:
        assert wizard.step() == "retire"
        assert run("exec").stdout.strip() == new


def key_of(said: dict[str, subprocess.CompletedProcess[str]]) -> set[str]:
    """Return the API keys that were handed out."""
    return {said["exec"].stdout.strip(), said["library"].stdout.strip()}
