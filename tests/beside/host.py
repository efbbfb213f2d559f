"""A host on which everything is real but the exchange: the keyring, the journal, the wizard and each command a process.

The exchange is the embedded one as a process of its own, named in the settings as the site of the environment `bench`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands.conftest import HERE, SHAPES, Bench
from tests.secret_service import secret_service
from tests.terminal.harness import Terminal
from wizard.core import settings
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.custody.keyring import open_keyring
from wizard.rehearsal.simulated_page import NewKey

REPOSITORY = Path(__file__).parents[2]
LONGEST_COMMAND = 60.0
"""Seconds; one takes about one."""
EXEC = ("exec", "bench", "--", "printenv", "BINANCE_API_KEY")
API = "import os, sys, wizard; sys.stdout.write(wizard.current_credentials('bench').api_key.reveal())"


@dataclass(frozen=True)
class Ran:
    """One command, from its start to its end."""

    arguments: tuple[str, ...]
    begun: float
    ended: float
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Host:
    """One login with its keyring, its environment `bench` and the exchange that this is on."""

    bench: Bench
    login: dict[str, str]

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, **self.login, "PYTHONPATH": str(REPOSITORY)}

    def run(self, *arguments: str) -> Ran:
        """Run `key-wizard` with these arguments to its end."""
        return self._run((sys.executable, "-m", "wizard", *arguments), arguments)

    def key_from_exec(self) -> str:
        """Return the API key that a program is given by `exec`."""
        ran = self.run(*EXEC)
        assert ran.code == 0, ran
        assert not ran.err or " is HMAC." in ran.err, ran  # what changes for a bot with a key of another kind
        return ran.out.strip()

    def key_from_api(self) -> str:
        """Return the API key that a Python program reads by itself."""
        ran = self._run((sys.executable, "-c", API), ("current_credentials",))
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.out

    def make_key(self, kind: KeyKind = KeyKind.HMAC, public_key: str = "") -> NewKey:
        """Create a key on the exchange's page."""
        made = self.bench.simulated_page.create(
            "new", kind, HERE, public_key=public_key, enableSpotAndMarginTrading=True
        )
        return asyncio.run(made)

    def delete_key(self, api_key: str) -> None:
        """Delete a key on the exchange's page."""
        for key in asyncio.run(self.bench.simulated_page.keys()):
            if key.api_key.reveal() == api_key:
                asyncio.run(self.bench.simulated_page.delete(key.api_key))

    def save_list(self, api_key: str, text: str = HERE) -> None:
        """Save a list for a key on the exchange's page."""
        asyncio.run(self.bench.simulated_page.set_whitelist(Secret(api_key), text))

    def open_terminal(self, arguments: Sequence[str]) -> Terminal:
        """Open `key-wizard` on a terminal that can do nothing."""
        environ = {**os.environ, **self.environ, "TERM": "dumb"}
        return Terminal([sys.executable, "-m", "wizard", *arguments], env=environ, cwd=REPOSITORY)

    def living_keys(self) -> set[str]:
        """Return the keys that the exchange accepts."""
        return {key.api_key.reveal() for key in asyncio.run(self.bench.simulated_page.keys()) if key.state == "active"}

    def _run(self, argv: Sequence[str], arguments: tuple[str, ...]) -> Ran:
        begun = time.monotonic()
        done = subprocess.run(
            argv,
            cwd=REPOSITORY,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        return Ran(arguments, begun, time.monotonic(), done.returncode, done.stdout, done.stderr)


@contextmanager
def host_with_a_key() -> Iterator[tuple[Host, str]]:
    """Yield a host whose environment has a key in use, and that API key."""
    argv = [sys.executable, "-m", "wizard", "exchange", "--port", "0", "--json"]
    with (
        secret_service("unlocked") as login,
        subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=REPOSITORY) as exchange,
    ):
        try:
            assert exchange.stdout is not None
            said = json.loads(exchange.stdout.readline())
            own = {name: login[name] for name in ("DBUS_SESSION_BUS_ADDRESS",)}
            bench = Bench(said["base_url"], said["desk_url"], settings.paths())
            bench.paths.create()
            # One address plays all hosts of the exchange, so the probe asks all of them.
            websockets = "ws" + bench.base_url.removeprefix("http")
            bench.configure(f'websocket_api_url = "{websockets}/ws-api/v3"\nstream_url = "{websockets}/ws"\n')
            bench.use(*SHAPES)
            host = Host(bench, own)
            store = asyncio.run(open_keyring(environ=host.environ))
            yield host, bench.put_in_use(store).api_key.reveal()
        finally:
            exchange.terminate()


def torn_files(session: int) -> list[str]:
    """Return the files of the journal that a process of this session has open and that were deleted."""
    torn = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                torn += [file for file in map(_opened, (process / "fd").iterdir()) if file.endswith(" (deleted)")]
        except (ProcessLookupError, FileNotFoundError):
            continue  # it has ended meanwhile
        except PermissionError:
            continue  # the wizard lets root alone look into it
    return [file for file in torn if "journal.sqlite3" in file]


def _opened(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""  # closed meanwhile
