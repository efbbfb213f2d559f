"""A login without a session bus: the wizard starts its own, and nothing of it is left afterwards."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

from tests.secret_service import NAME, bare_environ, require_daemons
from wizard.custody.custodian import Custodian
from wizard.custody.errors import BusNotStarted, KeyringUnusable, Remedy
from wizard.secret import Secret
from wizard.settings import Custody

pytestmark = pytest.mark.keyring
ROOT = Path(__file__).parents[2]
SERVICE = Path("/usr/share/dbus-1/services/org.freedesktop.secrets.service")


@pytest.fixture
def home() -> Iterator[Path]:
    require_daemons()
    if not SERVICE.exists():
        pytest.skip("the bus cannot start a keyring here")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="kw-") as directory:
        yield Path(directory)


def custodian(home: Path) -> Custodian:
    return Custodian(Custody(), home / "vault", home / "config.toml", {**bare_environ(home), "DISPLAY": ":99"})


async def problem_of(asked: Custodian) -> KeyringUnusable:
    with pytest.raises(KeyringUnusable) as caught:
        await asked.open()
    return caught.value


def processes(asked: Custodian) -> list[Path]:
    """The bus and the keyring on it, as directories in /proc."""
    bus = asked._own_bus
    assert bus is not None
    with open_dbus_connection(bus.address) as connection:
        (keyring,) = Proxy(message_bus, connection).GetConnectionUnixProcessID(NAME)
    return [Path(f"/proc/{pid}") for pid in (bus._process.pid, keyring)]


def gone(found: list[Path]) -> bool:
    expires = time.monotonic() + 10
    while any(map(is_alive, found)) and time.monotonic() < expires:
        time.sleep(0.02)
    return not any(map(is_alive, found))


def is_alive(process: Path) -> bool:
    try:
        return ") Z " not in (process / "stat").read_text()
    except OSError:
        return False


async def test_the_keyring_is_made_on_it_ends_with_it_and_opens_on_the_next_one(home: Path) -> None:
    asked = custodian(home)
    problem = await problem_of(asked)
    assert (problem.state, asked.can_start_bus(problem)) == ("no-bus-address", True)
    await asked.start_bus()
    problem = await problem_of(asked)
    assert (problem.remedy, asked.can_start_bus(problem)) == (Remedy.CREATE, False)
    await asked.help(Remedy.CREATE, Secret("chosen here"))
    store = await asked.open()
    assert store.label == "GNOME keyring, collection login, unlocked"
    await store.write("s", "u", Secret("kept"))
    running, directory = processes(asked), Path(asked._environ["XDG_RUNTIME_DIR"])
    assert b"DISPLAY" not in (running[0] / "environ").read_bytes()
    asked.close()
    assert gone(running)
    assert not directory.exists()
    again = custodian(home)
    await again.start_bus()
    assert (await problem_of(again)).remedy is Remedy.UNLOCK
    await again.help(Remedy.UNLOCK, Secret("chosen here"))
    assert await (await again.open()).read("s", "u") == Secret("kept")
    again.close()


_WIZARD = """
import asyncio, sys, time
from pathlib import Path
from tests.keyring.test_own_bus import custodian, problem_of, processes

async def main():
    asked = custodian(Path(sys.argv[1]))
    await asked.start_bus()
    await problem_of(asked)
    print(*processes(asked), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_nothing_of_it_outlives_a_wizard_that_is_killed(home: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WIZARD, str(home)),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(home)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    running = [Path(word) for word in (await process.stdout.readline()).decode().split()]
    assert len(running) == 2
    assert all(map(is_alive, running))
    process.kill()
    await process.wait()
    assert gone(running)


async def test_a_bus_that_cannot_be_started_is_told_and_everything_is_as_it_was(home: Path) -> None:
    asked = Custodian(Custody(), home / "vault", home / "config.toml", {"PATH": "/nonexistent", "HOME": str(home)})
    with pytest.raises(BusNotStarted, match="cannot be started"):
        await asked.start_bus()
    assert (await problem_of(asked)).state == "no-bus-address"
    asked.close()
