"""Every test starts from an environment that holds nothing of the person who runs it."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from itertools import count
from pathlib import Path

import httpx._transports.default as _httpx_clients
import pytest
from xdist.remote import Producer
from xdist.scheduler import WorkStealingScheduling

import tests.examples  # noqa: F401 - before any test module chooses its examples
from tests.unwiped import Unwiped

# Else every program that a test starts compiles all that it imports: three quarters of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A run in the background of a script inherits these as ignored, and so would the programs that tests send them to.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _handler)

_PREFIXES = ("SSL_", "TEXTUAL", "KEYRING_PROPERTY_", "SSH_", "XDG_", "KEY_WIZARD_")
_NAMES = {
    "PYTHON_KEYRING_BACKEND",
    "DBUS_SESSION_BUS_ADDRESS",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLORTERM",
    "ESCDELAY",
    "COLUMNS",
    "LINES",
    "TERM",
}

_LONGEST_NAME = 50
_HOMES = count()

# The journals that tests write are flushed to the disk at each step; a disk in memory makes that twenty times as fast.
_IN_MEMORY = Path("/dev/shm")
_LEAST_ROOM = 1 << 30
"""Bytes."""


def _has_room(directory: Path) -> bool:
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        return False
    held = os.statvfs(directory)
    return held.f_bavail * held.f_frsize >= _LEAST_ROOM and not held.f_flag & os.ST_NOEXEC


if _has_room(_IN_MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))

# httpcore looks for it whenever it takes a lock. Where it is not installed, the whole path is searched each time.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# Else each client that a test opens reads the public authorities anew, which takes 20 ms.
_httpx_clients.create_ssl_context = cache(_httpx_clients.create_ssl_context)


def _is_scrubbed(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES) or name.upper().endswith("_PROXY")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long texts by their argument: keys are made anew in each process, and all need the same names."""
    return argname if isinstance(val, str) and len(val) > _LONGEST_NAME else None


def pytest_xdist_auto_num_workers() -> int:
    """Return for `-n auto` one process more than there are cores: half of the time, the tests wait for programs."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> WorkStealingScheduling | None:
    """Let a worker without tests take those of another one: long tests lie together."""
    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the report of each test say which reports of users it stands for, and give whole forms an hour each."""
    for item in items:
        if item.get_closest_marker("whole"):
            item.add_marker(pytest.mark.timeout(3600), append=False)
        item.user_properties += [("field", mark.args[:2]) for mark in item.iter_markers("field")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print of each kind of report how many there are, their cases, and how many were right."""
    kinds: dict[str, list[tuple[int, bool]]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == "field":
                    kinds.setdefault(value[1], []).append((value[0], outcome == "passed"))
    for kind, rows in sorted(kinds.items()):
        counts = len({number for number, _ in rows}), len(rows), sum(is_right for _, is_right in rows)
        terminalreporter.write_line("{:<14} {:>3} reports {:>4} cases {:>4} right".format(kind, *counts))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Remove proxies, certificates, buses and the like; give the test a home of its own, and return it."""
    for name in filter(_is_scrubbed, list(os.environ)):
        monkeypatch.delenv(name)
    # Not `mktemp`, which looks at the homes of all tests before.
    home = tmp_path_factory.getbasetemp() / f"home{next(_HOMES)}"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KEY_WIZARD_HOME", str(home / "key-wizard"))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    return home


@pytest.fixture
def unwiped(monkeypatch: pytest.MonkeyPatch) -> Unwiped:
    """Watch which secrets are let go without having been overwritten."""
    return Unwiped(monkeypatch)
