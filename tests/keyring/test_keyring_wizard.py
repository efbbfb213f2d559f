"""The wizard in a real terminal over a Secret Service on a private bus."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from jeepney.io.blocking import open_dbus_connection
from secretstorage import Collection

from tests.canaries import leaked
from tests.commands.conftest import Bench
from tests.secret_service import PrivateBus, bare_environ, require_daemons
from tests.terminal.harness import Terminal
from tests.terminal.keys import ENTER, ESCAPE, ctrl
from tests.terminal.walk import Walk
from wizard.core import settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.custody.keyring_errors import BUS_COMMAND
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore
from wizard.custody.vault import Vault
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage

pytestmark = pytest.mark.keyring
ROOT = Path(__file__).parents[2]
SERVICE = Path("/usr/share/dbus-1/services/org.freedesktop.secrets.service")
AT_ONCE = 8.0
"""Seconds, on a busy machine; the deadlines that would be waited for otherwise have 10."""


@pytest.fixture
def prompting(own_bus: PrivateBus) -> Iterator[PrivateBus]:
    """A bus whose Secret Service is locked and never answers the password, as a dialog that nobody sees."""
    program = [sys.executable, str(Path(__file__).with_name("fake_secret_service.py")), "gnome-keyring-d"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=own_bus.environ) as mock:
        assert mock.stdout is not None
        assert mock.stdout.readline() == b"READY\n"
        try:
            yield own_bus
            assert mock.poll() is None, "a prompt was run"
        finally:
            mock.kill()


@contextmanager
def wizard(bus: PrivateBus, *arguments: str, size: tuple[int, int] = (80, 24), **more: str) -> Iterator[Walk]:
    env = {**bus.environ, "KEY_WIZARD_HOME": str(bus.directory / "home"), "PYTHONPATH": str(ROOT), **more}
    with Terminal([sys.executable, "-m", "wizard", *arguments], env=env, size=size, cwd=bus.directory) as terminal:
        yield Walk(terminal)


def try_password(walk: Walk) -> None:
    walk.press(ENTER)
    walk.see("Type the password of GNOME Keyring")
    walk.press("never mind" + ENTER)
    walk.see("Opening…")


def test_a_keyring_that_prompts_for_ever_leaves_the_wizard_usable_its_wait_cancelled_and_quitting_free(
    prompting: PrivateBus,
) -> None:
    with wizard(prompting, "--env", "production") as walk:
        walk.see("The keyring is locked", "enter Unlock the keyring")
        try_password(walk)
        begun = time.monotonic()
        walk.press(ESCAPE)
        walk.terminal.wait_until(lambda screen: "Type the password" not in screen, "the dialog is closed")
        walk.press("v")
        walk.see("How to get a keyring here")
        walk.press(ESCAPE)
        walk.terminal.wait_until(lambda screen: "How to get" not in screen.partition("── Where")[0], "it is closed")
        try_password(walk)
        walk.press(ctrl("q"))
        walk.see("Quit Key Wizard?")
        walk.press(ENTER)
        assert walk.terminal.wait() == 5
        assert time.monotonic() - begun < AT_ONCE
        assert walk.terminal.is_restored()
        assert b"never mind" not in walk.terminal.drawn


@pytest.mark.slow
def test_in_line_mode_the_same_wait_is_stopped_by_ctrl_c(prompting: PrivateBus) -> None:
    with wizard(prompting, "--plain", "--env", "production") as walk:
        walk.see("The keyring is locked", "What next?")
        walk.press("unlock" + ENTER)
        walk.see("Password, typing is not shown")
        walk.press("never mind" + ENTER)
        walk.see("Opening, at most")
        walk.terminal.settle()
        begun = time.monotonic()
        walk.press(ctrl("c"))
        walk.see("Stopped waiting")
        assert time.monotonic() - begun < AT_ONCE
        # A hidden question drops what was typed before it stood there.
        walk.see("Stopped waiting. Password, typing is not shown")
        walk.press("quit" + ENTER)
        walk.terminal.wait()
        assert b"never mind" not in walk.terminal.drawn


def test_check_on_a_terminal_runs_no_prompt_of_a_locked_keyring(prompting: PrivateBus) -> None:
    home = prompting.directory / "home"
    home.mkdir(mode=0o700)
    bench = Bench("http://127.0.0.1:9", "", settings.paths({"KEY_WIZARD_HOME": str(home)}))
    bench.paths.create()
    bench.configure()
    bench.use()
    key = Credentials(KeyKind.HMAC, Secret("k" * 64), Secret("s" * 64))
    with bench.journal() as journal:
        asyncio.run(Vault("bench", journal, MemoryStore(), time.time).put(key, Slot.CURRENT))
    with wizard(prompting, "check", "bench") as walk:
        begun = time.monotonic()
        assert walk.terminal.wait() == 5
        assert time.monotonic() - begun < AT_ONCE
        assert b"The keyring is locked" in walk.terminal.raw


@pytest.fixture
def login() -> Iterator[dict[str, str]]:
    """A login without a session bus, on a system whose buses can start GNOME Keyring."""
    require_daemons()
    if not SERVICE.exists():
        pytest.skip("the bus cannot start a keyring here")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="kw-") as home:
        environ = bare_environ(Path(home))
        yield {**environ, "PATH": f"{Path(sys.executable).parent}:{environ['PATH']}", "KEY_WIZARD_HOME": home}


def processes_of(login: dict[str, str]) -> list[str]:
    """The command lines of what still runs in the login."""
    mark = f"HOME={login['HOME']}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.slow
def test_the_advised_command_opens_the_wizard_with_a_bus_that_draws_nothing_and_ends_with_it(
    login: dict[str, str],
) -> None:
    with Terminal(["sh", "-c", BUS_COMMAND], env=login, cwd=login["HOME"]) as terminal:
        walk = Walk(terminal)
        walk.see("enter Create a keyring")
        walk.press(ENTER)
        walk.see("Choose its password")
        walk.press("chosen here" + ENTER + "chosen here" + ENTER)
        walk.see("production", "GNOME Keyring, collection login, unlocked")
        assert any("gnome-keyring-daemon" in command for command in processes_of(login))
        assert walk.leave() == 0
        assert b"dbus-daemon[" not in terminal.drawn
        assert b"control socket" not in terminal.drawn
    expires = time.monotonic() + 10
    while (left := processes_of(login)) and time.monotonic() < expires:
        time.sleep(0.05)
    assert left == []


@pytest.fixture
def exchange(own_bus: PrivateBus) -> Iterator[dict[str, str]]:
    """The embedded exchange as a process of its own, named in the settings as the site of one environment."""
    argv = [sys.executable, "-m", "wizard", "exchange", "--port", "0", "--json"]
    env = {**own_bus.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=env, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            said: dict[str, str] = json.loads(server.stdout.readline())
            config = own_bus.directory / "home" / "config" / "config.toml"
            config.parent.mkdir(parents=True)
            config.write_text(f'[environments.bot]\nsite = "custom"\nbase_url = "{said["base_url"]}"\n')
            yield said
        finally:
            server.terminate()


async def key_in_use(exchange: dict[str, str], file: Path) -> NewKey:
    simulated_page = SimulatedPage(exchange["desk_url"])
    made = await simulated_page.create("in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True)
    file.write_text(f"export BINANCE_API_KEY='{made.api_key.reveal()}'\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    file.chmod(0o600)
    return made


@pytest.mark.slow
async def test_a_key_in_use_is_adopted_from_its_file_into_a_real_keyring_by_keyboard(
    own_bus: PrivateBus, exchange: dict[str, str]
) -> None:
    own_bus.start_keyring(unlock=True)
    file = own_bus.directory / ".env"
    made = await key_in_use(exchange, file)
    with wizard(own_bus, size=(60, 20), PWD=str(own_bus.directory)) as walk:
        walk.see("enter Import it")
        walk.press(ENTER)
        walk.see(f"…{made.api_key.last_four()} is in", "Save and probe")
        walk.terminal.wait_until(lambda screen: screen.count("64 characters") >= 2, "two filled fields")
        walk.press(ENTER)
        walk.see("The key works from here", f"{file.name}, lines 1, 2")
        walk.press(ENTER)
        walk.see("is stored and works from here", "in GNOME Keyring", "Left for you")
        assert walk.leave() == 0
        for value in (made.api_key.reveal(), made.secret.reveal()):
            assert leaked(value, walk.terminal.drawn) == []
    with open_dbus_connection(own_bus.environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
        items = [item.get_label() for item in Collection(connection).get_all_items()]
    assert [item for item in items if f"key-wizard:bot:{made.api_key.fingerprint()}" in item] == items
    assert made.secret.reveal() in file.read_text(), "the file is left as it is"
