"""A throw-away Secret Service on a bus of its own, for tests.

It runs a dbus-daemon that can start nothing by itself (so no second keyring and no dialog) and a
gnome-keyring-daemon, all their data below one temporary directory. No user's keyring is ever reached:
the environment handed out is made from nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from jeepney import DBusAddress, DBusErrorResponse, MatchRule, Properties, message_bus
from jeepney.io.blocking import DBusConnection, Proxy, open_dbus_connection

REQUIRED = "KEY_WIZARD_REQUIRE_KEYRING"
"""Set to 1, tests fail where they would be skipped for want of the daemons."""
_IS_REQUIRED = os.environ.get(REQUIRED) == "1"  # read now: each test starts with a scrubbed environment
PASSWORD = "correct horse"
NAME = "org.freedesktop.secrets"
LONGEST_SOCKET_PATH = 107
PATIENCE = 20.0
STARTS = 3
_ROOT = Path(__file__).parents[1]

Mode = Literal["unlocked", "locked", "empty", "unencrypted", "hung", "none"]
"""unlocked: a default collection `login`, open. locked: the same, locked. empty: no collection.
unencrypted: a default collection `login` with an empty password.
hung: unlocked, but the daemon is stopped. none: a bus without a Secret Service."""

PLAIN_COLLECTION = """[keyring]
display-name=login
ctime=0
mtime=0
lock-on-idle=false
lock-after=false
"""
"""How GNOME keyring itself writes a collection that has an empty password; seen with 42.1."""

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>{services}
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy>
</busconfig>"""


@contextmanager
def secret_service(mode: Mode = "unlocked") -> Iterator[dict[str, str]]:
    """Yield the environment variables of a login whose keyring is as `mode` says."""
    with private_bus() as bus:
        if mode == "unencrypted":
            bus.leave_unencrypted_collection()
        if mode != "none":
            bus.start_keyring(unlock=mode not in {"empty", "unencrypted"})
        if mode == "locked":
            bus.kill_keyring()
            bus.start_keyring(unlock=False)
        if mode == "hung":
            bus.stop_keyring()
        yield bus.environ


@contextmanager
def private_bus(services: dict[str, str] | None = None) -> Iterator[PrivateBus]:
    """Yield a running bus without a keyring.

    Args:
        services: Names that the bus can start, each with its command line.
    """
    require_daemons()
    with ExitStack() as at_end:
        directory = Path(tempfile.mkdtemp(prefix="kw-", dir=_short_directory()))
        at_end.callback(shutil.rmtree, directory)
        bus = PrivateBus(directory, services or {})
        at_end.callback(bus.close)
        bus.start()
        yield bus


@asynccontextmanager
async def fake_service(bus: PrivateBus, program: str, *arguments: str) -> AsyncIterator[Process]:
    """Run a stand-in for a Secret Service, a program of tests/keyring, on the bus as long as the block runs."""
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_ROOT / "tests" / "keyring" / program), *arguments),
        stdout=asyncio.subprocess.PIPE,
        env=bus.environ,
    )
    try:
        assert service.stdout is not None
        assert await service.stdout.readline() == b"READY\n"
        yield service
    finally:
        with suppress(ProcessLookupError):
            service.kill()
        await service.wait()


def require_daemons() -> None:
    """Skip the test where the daemons are not installed, or fail it where they are required."""
    missing = [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (Debian: apt-get install dbus gnome-keyring)"
        if _IS_REQUIRED:
            pytest.fail(f"{REQUIRED}=1, but {reason}")
        pytest.skip(reason)


def bare_environ(home: Path) -> dict[str, str]:
    """Return the environment of a login without a bus, whose directories all lie below `home`."""
    directories = {
        "XDG_DATA_HOME": "data",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_RUNTIME_DIR": "run",
    }
    for name in directories.values():
        (home / name).mkdir(mode=0o700, exist_ok=True)
    passed_on = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    return {
        **passed_on,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        **{variable: str(home / name) for variable, name in directories.items()},
    }


class PrivateBus:
    """One dbus-daemon, and at most one gnome-keyring-daemon on it. It ends exactly what it started."""

    def __init__(self, directory: Path, services: dict[str, str]) -> None:
        self.directory = directory
        self.socket = directory / "bus"
        assert len(str(self.socket)) <= LONGEST_SOCKET_PATH
        self.environ = {**bare_environ(directory), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.socket}"}
        self.bus: subprocess.Popen[bytes] | None = None
        self.keyring: subprocess.Popen[bytes] | None = None
        self._adopted: int | None = None
        self._log = directory / "daemons.log"
        self._write_configuration(services)

    def start(self) -> None:
        """Start the bus; return once it accepts connections."""
        ready, tell = os.pipe()
        config = f"--config-file={self.directory / 'bus.conf'}"
        self.bus = self._start(
            "dbus-daemon", config, "--nofork", "--nopidfile", f"--print-address={tell}", hand_on=tell
        )
        os.close(tell)
        with os.fdopen(ready, "rb") as address:
            assert address.readline(), self._log.read_text()

    def start_keyring(self, *, unlock: bool) -> None:
        """Start the keyring; return once it owns its name, and its collection is open if `unlock` says so.

        gnome-keyring 42.1 can abort when it is asked while it starts (an assertion of GLib's GDBusConnection): it is
        started again then.
        """
        with open_dbus_connection(self.environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            rule = MatchRule(type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged")
            rule.add_arg_condition(0, NAME)
            Proxy(message_bus, connection).AddMatch(rule)
            with connection.filter(rule) as changes:
                assert any(self._has_started(connection, changes, unlock) for _ in range(STARTS)), self._log.read_text()

    def _has_started(self, connection: DBusConnection, changes: deque[Any], unlock: bool) -> bool:
        arguments = ["--foreground", "--components=secrets", *(["--unlock"] if unlock else [])]
        keyring = self._start("gnome-keyring-daemon", *arguments, text=PASSWORD if unlock else "")
        self.keyring = keyring
        connection.recv_until_filtered(changes, timeout=PATIENCE)
        _wait_until(lambda: keyring.poll() is not None or not (unlock and _is_locked(connection)), self._log)
        return keyring.poll() is None

    def leave_unencrypted_collection(self) -> Path:
        """Put a collection with an empty password where the keyring will find it; return its file."""
        directory = Path(self.environ["XDG_DATA_HOME"], "keyrings")
        directory.mkdir(mode=0o700)
        (directory / "default").write_text("login")
        file = directory / "login.keyring"
        file.write_text(PLAIN_COLLECTION)
        return file

    def make_default_collection(self, name: str) -> None:
        """Make one more collection, open, and have the keyring store into it from now on."""
        code = (
            "from contextlib import closing\n"
            "from wizard.custody.keyring_worker import secret_service as own\n"
            "with closing(own.Bus(5.0)) as bus:\n"
            f" label, master = {{own._LABEL: ('s', {name!r})}}, own._encrypted(bus, {PASSWORD!r})\n"
            " gnome = own._service(bus, own._GNOME_INTERNAL)\n"
            " (path,) = gnome.call('CreateWithMasterPassword', 'a{sv}(oayays)', label, master)\n"
            " own._service(bus).call('SetAlias', 'so', 'default', path)\n"
        )
        subprocess.run([sys.executable, "-c", code], env=self.environ, cwd=_ROOT, check=True, timeout=PATIENCE)

    def stop_keyring(self) -> None:
        """Stop the keyring without ending it: it owns its name and answers nothing."""
        assert self.keyring is not None
        self.keyring.send_signal(signal.SIGSTOP)

    def continue_keyring(self) -> None:
        """Let a stopped keyring answer again."""
        assert self.keyring is not None
        self.keyring.send_signal(signal.SIGCONT)

    def kill_keyring(self) -> None:
        """Kill the keyring, as a crash would; return once its bus name is free."""
        assert self.keyring is not None
        self.keyring.kill()
        self.keyring.wait()
        with open_dbus_connection(self.environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            _wait_until(lambda: not Proxy(message_bus, connection).NameHasOwner(NAME)[0], self._log)

    def adopt_keyring(self) -> None:
        """Wait for a keyring that a command under test has started on this bus, and end it with this bus."""
        with open_dbus_connection(self.environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            proxy = Proxy(message_bus, connection)
            _wait_until(lambda: proxy.NameHasOwner(NAME)[0] and not _is_locked(connection), self._log)
            self._adopted = os.pidfd_open(proxy.GetConnectionUnixProcessID(NAME)[0])

    def close(self) -> None:
        """End all daemons."""
        if self._adopted is not None:
            signal.pidfd_send_signal(self._adopted, signal.SIGKILL)
            os.close(self._adopted)
        for process in (self.keyring, self.bus):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def _write_configuration(self, services: dict[str, str]) -> None:
        for name, command in services.items():
            (self.directory / f"{name}.service").write_text(f"[D-BUS Service]\nName={name}\nExec={command}\n")
        places = f"<servicedir>{self.directory}</servicedir>" if services else ""
        (self.directory / "bus.conf").write_text(_CONFIG.format(socket=self.socket, services=places))

    def _start(self, *command: str, text: str = "", hand_on: int | None = None) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self.environ,
                start_new_session=True,
                pass_fds=() if hand_on is None else (hand_on,),
            )
        assert process.stdin is not None
        process.stdin.write(text.encode())  # a line break after it would be part of the password
        process.stdin.close()
        return process


def _is_locked(connection: object) -> bool:
    collection = DBusAddress("/org/freedesktop/secrets/aliases/default", NAME, "org.freedesktop.Secret.Collection")
    try:
        return bool(Proxy(Properties(collection), connection, timeout=PATIENCE).get("Locked")[0][1])
    except DBusErrorResponse:
        return True


def _wait_until(is_so: Callable[[], bool], log: Path) -> None:
    expires = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < expires, log.read_text()
        time.sleep(0.01)


def _short_directory() -> str:
    usual = tempfile.gettempdir()
    return usual if len(usual) <= LONGEST_SOCKET_PATH - len("/kw-xxxxxxxx/run/keyring/control") else "/tmp"
