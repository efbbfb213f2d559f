"""Every command in surroundings that make no sense: words and an exit code, never an internal error.

What a process is given (streams, arguments, locale) is given to real ones; all else is tried in this process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, Command, Said
from tests.tiers import slow
from wizard.core.settings import Paths
from wizard.custody.store import MemoryStore

ROOT = Path(__file__).parents[2]
LOCAL = (
    *(("--plain",), ("status",), ("status", "--json"), ("history",), ("history", "bench", "--json")),
    *(("check", "bench"), ("check", "bench", "--json"), ("exec", "bench", "--", "true"), ("storage", "bench")),
    *(
        ("storage", "--passphrase"),
        ("whitelist", "8.8.8.8"),
        ("whitelist", "8.8.8.8", "--env", "bench"),
        ("egress", "--json"),
    ),
    *(("rehearse", "--plain"), ("rehearse", "--auto", "--json")),
)
"""Each ends before it asks anybody, where there are no directories or no settings."""


def assert_words(said: Said, *, is_fine: bool = False) -> None:
    told = said.out + said.err
    assert said.code != 70, told
    assert "Internal error" not in told
    assert "Traceback" not in told
    assert is_fine or said.code != 0
    if said.code not in (0, 2):
        _, what, rest = said.err.partition("key-wizard: ")
        assert what
        assert len(rest.strip().splitlines()) >= 3, "what, why and advice"
    assert told.replace("\n", "").replace("\t", "").isprintable()


def no_such_user(home: Path) -> str:
    return "~nobody-of-that-name/x"


def a_file(home: Path) -> str:
    home.write_text("")
    return str(home)


def open_to_all(home: Path) -> str:
    home.mkdir()
    home.chmod(0o777)
    return str(home)


def the_root(home: Path) -> str:
    return "/"


def in_a_file(home: Path) -> str:
    home.write_text("")
    return str(home / "below")


def too_long(home: Path) -> str:
    home.mkdir()
    return str(home / ("x" * 300))


def links_in_a_circle(home: Path) -> str:
    home.symlink_to(home)
    return str(home)


def in_a_deleted_directory(home: Path) -> str:
    home.mkdir()
    os.chdir(home)
    home.rmdir()
    return "below"


@pytest.mark.parametrize(
    "make",
    [
        no_such_user,
        a_file,
        open_to_all,
        the_root,
        in_a_file,
        too_long,
        links_in_a_circle,
        in_a_deleted_directory,
    ],
)
def test_a_home_that_cannot_be_used_is_told_by_every_command(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY_WIZARD_HOME", make(tmp_path / "home"))
    for arguments in LOCAL:
        said = command(*arguments)
        assert_words(said)
        assert "KEY_WIZARD_HOME" in said.err or "chmod go-w" in said.err
    # The doctor's own areas may be fine.
    assert_words(command("doctor", "--only", "files"))


@pytest.mark.parametrize(
    "text",
    [
        "[environments.bench\n",
        "[environments.bench]\nproxy = 5\n",
        '[environments.bench]\nsite = "custom"\nbase_url = "https://h:99999"\n',
        "[rules]\nmax_entries = " + "9" * 5000 + "\n",
        "[custody]\ndeadline = nan\n",
        "x = " + "[" * 5000,
        "# \udcff\n",
    ],
)
def test_settings_that_make_no_sense_are_told_by_every_command(command: Command, paths: Paths, text: str) -> None:
    paths.config_file.write_bytes(text.encode("utf-8", "surrogateescape"))
    for arguments in LOCAL:
        if arguments[0] in ("history", "rehearse"):  # these read no settings
            continue
        said = command(*arguments)
        assert_words(said)
        assert "config.toml" in said.err
        assert "line " in said.err.lower()
    for area in ("files", "network", "clock", "keyring"):
        assert "line " in (told := command("doctor", "--only", area)).out.lower() or area in ("network", "clock")
        assert told.code not in (0, 70)


@pytest.fixture
def paths(command: Command, clean_environment: Path) -> Paths:
    own = Paths(clean_environment / "key-wizard" / "config", clean_environment / "key-wizard" / "state")
    own.create()
    return own


@pytest.mark.parametrize(
    "body",
    [
        '{"serverTime": ' + "9" * 400 + "}",
        '{"serverTime": ' + "9" * 5000 + "}",
        '{"serverTime": Infinity, "ip": NaN}',
        '{"serverTime": 1e400, "ip": 1e400}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '"' + "\\ud800" * 100 + '"',
        "\x00\x1b]52;c;AAAA\x07",
    ],
    ids=lambda body: body[:30].replace("\x00", ""),
)
def test_whatever_is_answered_ends_in_words(bench: Bench, command: Command, body: str) -> None:
    paths = ("/echo/plain", "/echo/json", "/echo/trace", "/api/v3/time", "/api/v3/ping")
    for arguments in (("egress", "--json"), ("check", "bench", "--json"), ("doctor", "--only", "clock")):
        bench.fault(answers=[{"path": path, "times": 30, "status": 200, "body": body} for path in paths])
        said = command(*arguments)
        assert said.code not in (0, 70), said.err
        assert "Internal error" not in said.err
        assert said.err.replace("\n", "").isprintable()


STREAMS = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full")
NOT_UTF_8 = "$'\\xff\\xfe'"
HUGE = "9" * 5000
SURROUNDINGS = (
    *(f"{name} {stream}" for name in ("status", "whitelist 8.8.8.8", "--plain", "") for stream in STREAMS),
    *(f"{name} >/dev/full" for name in ("history --json", "--help", "--version", "exchange --idle-limit 0.1 --json")),
    *(f"{name} {NOT_UTF_8}" for name in ("whitelist", "check", "--env", "egress --hosts", "history", "storage")),
    *(f"exchange --idle-limit 0.1 --port={port}" for port in ("99999", "-1", "9" * 400, HUGE, "1e3")),
    *(f"exchange --port 0 --idle-limit={limit}" for limit in ("nan", "-1", "inf", "1e400", HUGE)),
    *(f"check bench --max-age={age}" for age in ("nan", "-1", "inf", "1e400", HUGE)),
)
LINES = ("status", "whitelist 8.8.8.8 10.0.0.1", "doctor --only terminal", "--plain", "", "--help")
LOCALES = ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "PYTHONIOENCODING=ascii", "LC_ALL=xx_YY.no-such", "-u TERM")


def outcome(line: str, environ: str = "") -> tuple[str, int, str]:
    shell = f"env {environ} {sys.executable} -P -m wizard {line}"
    done = subprocess.run(
        ["bash", "-c", shell], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False, cwd=ROOT
    )
    return f"{environ} {line[:80]}", done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.slow
@pytest.mark.timeout(900)  # some eighty processes
@pytest.mark.parametrize("of", [5, *slow(1)])
def test_no_process_ends_by_an_internal_error_whatever_it_is_given(paths: Paths, of: int) -> None:
    """One of so many is tried."""
    paths.config_file.write_text('[environments.bench]\nsite = "custom"\nbase_url = "http://127.0.0.1:9"\n')
    started = [(line, "") for line in SURROUNDINGS] + [(line, locale) for line in LINES for locale in LOCALES]
    with ThreadPoolExecutor(4) as pool:
        ended = [*pool.map(lambda each: outcome(*each), started[::of])]
    is_wrong = re.compile("Internal error|Traceback").search
    assert [each for each in ended if each[1] in (70, 120) or each[1] < 0 or is_wrong(each[2])] == []


def test_a_sign_that_the_encoding_lacks_is_written_as_another(bench: Bench, memory: MemoryStore) -> None:
    last_four = bench.put_in_use(memory).name.last_four
    _, code, told = outcome("status", "PYTHONIOENCODING=ascii")
    assert code == 0
    assert f"?{last_four}, stored" in told
    prints = r"from wizard.__main__ import main; main(); print('\u2713 \u20260L94 \udcff')"
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", prints, "status"], capture_output=True, env=environ, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"? ?0L94 ?")
