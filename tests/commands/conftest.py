"""Commands against the real embedded exchange, which runs in a thread of its own; settings in a home of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema.protocols
import pytest

from tests.secret_service import secret_service
from wizard.cli import COMMANDS, run
from wizard.core import settings
from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.safety import Inherited
from wizard.core.settings import Paths
from wizard.custody.keyring import KeyringStore, open_keyring
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore, Store
from wizard.custody.vault import Vault
from wizard.egress.services import load_services
from wizard.exchange.signing import generate_ed25519
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal

HERE = "203.0.113.42"
"""What the embedded exchange sees of 127.0.0.1."""
SHAPES = ("plain", "json", "trace")


SCHEMAS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "schemas.json").read_text("utf-8"))


def _strict(schema: Any) -> Any:
    """Return a schema that has no place for a field that the published one does not name."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {**closed, **{name: _strict(each) for name, each in schema.items()}}


@cache
def _validator(name: str) -> jsonschema.protocols.Validator:
    """Return what compares with one schema. Whether the schema itself is one takes longer than all comparisons."""
    schema = {"$ref": f"#/$defs/{name}", "$defs": _strict(SCHEMAS["$defs"])}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check_schema(command: str, told: Mapping[str, Any]) -> None:
    """Compare what a command printed with docs/schemas.json, field by field; `error` is the schema of all that fail."""
    name = "error" if isinstance(told.get("error"), dict) else {"egress": "egress_command"}.get(command, command)
    _validator(name).validate(told)


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str
    command: str = field(default="", compare=False)

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout, which is all that is there."""
        told = json.loads(self.out)
        assert isinstance(told, dict)
        check_schema(self.command, told)
        return told

    def check(self, subject: str) -> dict[str, Any]:
        """The one finding about a subject."""
        (found,) = (check for check in self.json["checks"] if check["subject"] == subject)
        assert isinstance(found, dict)
        return found


class Command:
    """Runs `key-wizard` in this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *arguments: str) -> Said:
        self._capfd.readouterr()
        try:
            code = run(arguments, Inherited(dict(os.environ), umask=0o022, core_limit=0))
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        finally:
            # `exec` of what cannot be executed leaves it so that the next broken pipe would end this process.
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        return Said(code, *self._capfd.readouterr(), next((each for each in arguments if each in COMMANDS), ""))


@dataclass(frozen=True)
class Bench:
    """The embedded exchange, and settings whose one environment `bench` is on it."""

    base_url: str
    desk_url: str
    paths: Paths

    @property
    def simulated_page(self) -> SimulatedPage:
        return SimulatedPage(self.desk_url)

    def fault(self, **faults: object) -> None:
        """Plant faults in front of the exchange."""
        httpx.put(f"{self.desk_url}/faults", json=faults, trust_env=False).raise_for_status()

    def echo(self, shape: str, body: str) -> None:
        """Let one echo service say something else, once."""
        self.fault(answers=[{"path": f"/echo/{shape}", "times": 1, "status": 200, "body": body}])

    def use(self, *shapes: str) -> None:
        """Let these echo services be asked and no others."""
        shipped = "".join(f"[{service.name}]\nenabled = false\n" for service in load_services(None))
        own = (
            f'[echo-{shape}]\noperator = "operator {shape}"\nurl = "{self.base_url}/echo/{shape}"\nparser = "{shape}"\n'
            for shape in shapes
        )
        self.paths.services_file.write_text(shipped + "".join(own))

    def configure(self, text: str = "", base_url: str = "") -> None:
        """Write the settings: `bench`, and what `text` adds."""
        self.paths.config_file.write_text(
            f'[environments.bench]\nsite = "custom"\nbase_url = "{base_url or self.base_url}"\n'
            f'tolerated_ranges = ["documentation"]\n{text}'
        )

    def put_in_use(
        self,
        store: Store,
        *,
        kind: KeyKind = KeyKind.HMAC,
        whitelist: str = HERE,
        is_restricted: bool = True,
        clock: Clock = time.time,
        slot: Slot = Slot.CURRENT,
    ) -> Credentials:
        """Make a key at the desk and store it as the current one of `bench`, or into another slot."""
        return asyncio.run(self._put_in_use(store, kind, whitelist if is_restricted else None, whitelist, clock, slot))

    def switch(self, store: Store, *, kind: KeyKind = KeyKind.HMAC) -> Credentials:
        """Make one more key and store it as the current one; the one before is retired."""
        credentials = self.put_in_use(store, kind=kind, slot=Slot.PENDING)
        self.make_current(credentials)
        return credentials

    def make_current(self, credentials: Credentials) -> None:
        """Write into the journal that stored credentials are the ones in use, in one transaction as a switch does."""
        with self.journal() as journal, journal._database.transaction() as write:
            write.execute("UPDATE keys SET slot = ? WHERE slot = ?", (Slot.RETIRED, Slot.CURRENT))
            mine = (Slot.CURRENT, credentials.name.fingerprint)
            write.execute("UPDATE keys SET slot = ? WHERE fingerprint = ?", mine)

    async def _put_in_use(
        self, store: Store, kind: KeyKind, accepted: Any, whitelist: str, clock: Clock, slot: Slot
    ) -> Credentials:
        pair = generate_ed25519()
        public = {"public_key": pair.public_pem} if kind is KeyKind.ED25519 else {}
        made = await self.simulated_page.create("in use", kind, accepted, **public)
        credentials = Credentials(kind, made.api_key, pair.private_pem if public else made.secret)
        with self.journal(clock) as journal:
            await Vault("bench", journal, store, clock).put(credentials, slot, whitelist=whitelist)
        return credentials

    @contextmanager
    def journal(self, clock: Clock = time.time) -> Iterator[Journal]:
        self.paths.create()
        journal = Journal(open_database(self.paths.journal), clock)
        yield journal
        journal.close()


@pytest.fixture(scope="session")
def loop_elsewhere() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in another thread: what is served there answers while a command blocks this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def addresses(loop_elsewhere: asyncio.AbstractEventLoop) -> Iterator[Addresses]:
    """A served embedded exchange."""

    def elsewhere(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop_elsewhere).result(20)

    serving = serve(EmbeddedExchange())
    yield elsewhere(serving.__aenter__())
    elsewhere(serving.__aexit__(None, None, None))


@pytest.fixture
def bench(addresses: Addresses, clean_environment: Path) -> Bench:
    paths = settings.paths(os.environ)
    assert paths.config.is_relative_to(clean_environment)
    paths.create()
    bench = Bench(addresses.base_url, addresses.desk_url, paths)
    bench.configure()
    bench.use(*SHAPES)
    return bench


@pytest.fixture
def dead_url() -> Iterator[str]:
    """A base URL where nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], clean_environment: Path) -> Command:
    return Command(capfd)


@pytest.fixture(scope="session")
def unlocked_login() -> Iterator[dict[str, str]]:
    with secret_service("unlocked") as environ:
        yield environ


@pytest.fixture
def keyring(unlocked_login: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """The real keyring of this login, made known to this process and its children."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", unlocked_login["DBUS_SESSION_BUS_ADDRESS"])
    return asyncio.run(open_keyring(environ=os.environ))


class FakeKeyring(MemoryStore):
    """Stands in for a keyring that can be used: no daemon, no worker."""

    label = "GNOME Keyring, collection login, unlocked"
    place = KeyringStore.place
    by_hand = KeyringStore.by_hand
    durable = True
    remark = doubt = ""


@pytest.fixture
def fake_keyring(monkeypatch: pytest.MonkeyPatch) -> Store:
    """What the commands find in the keyring's place; for tests that are not about the keyring."""
    store = FakeKeyring()

    async def open_fake(**_: object) -> Store:
        return store

    monkeypatch.setattr("wizard.custody.keyring.open_keyring", open_fake)
    return store


@pytest.fixture
def memory() -> MemoryStore:
    """A store that the commands do not see: they find a key in the journal and no keyring."""
    return MemoryStore()
