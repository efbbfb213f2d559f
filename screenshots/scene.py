"""The stage for the pictures: the real flow and the real embedded exchange, with time standing still.

What would differ from run to run is held: the clock, round-trip times, key material, the order in
which operators answer. The keyring is a stand-in that says what a desktop's keyring says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.rules import Rules
from wizard.core.secret import Secret
from wizard.core.settings import Custody, Environment, Paths, Place
from wizard.custody.custodian import Custodian
from wizard.custody.encrypted_file import EncryptedFileStore
from wizard.custody.keyring import KeyringStore
from wizard.custody.keyring_errors import GNOME, Service, unusable_service
from wizard.custody.keyring_worker.protocol import ServiceState
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore, Store
from wizard.egress.services import EchoService, Parser
from wizard.exchange.signing import public_pem
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve
from wizard.rotation.context import Pace
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Overview, open_journal
from wizard.rotation.opening import open_flow
from wizard.rotation.steps.credentials import MADE_HERE

AGE = 41 * 86400
"""How long the key in use has been in use, in seconds."""
START = 1_795_365_501.0 - AGE
"""2026-11-22 16:38:21 UTC, less that."""
PRIVATE_PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
"""An example key of RFC 8410, section 10.3's form (RFC 8032, section 7.1, test 1): nobody uses it."""
NAME = "rehearsal"
_OPERATORS = {Parser.TRACE: "Cloudflare", Parser.PLAIN: "Amazon", Parser.JSON: "ipify"}
FOREVER = 3600.0


class StillClock:
    """Wall-clock time that moves only when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class StillStopwatch:
    """Every task measures the same: 3 ms from one look to the next."""

    def __init__(self) -> None:
        self._reading: ContextVar[float] = ContextVar("reading", default=0.0)

    def __call__(self) -> float:
        reading = self._reading.get() + 0.003
        self._reading.set(reading)
        return reading


class PictureKeyring(MemoryStore):
    """Stands in for a desktop's keyring."""

    label = "GNOME keyring, collection login, unlocked"
    place = KeyringStore.place
    by_hand = KeyringStore.by_hand
    durable = True
    remark = doubt = ""


class PictureFile(MemoryStore):
    """Stands in for an encrypted file that is open."""

    place = EncryptedFileStore.place
    label = f"{place} ~/.local/state/key-wizard/credentials.vault"
    by_hand = EncryptedFileStore.by_hand
    durable = True
    remark, doubt = "in an encrypted file", ""


class PictureCustodian(Custodian):
    """Stands in for a host whose place of credentials is in some state."""

    def __init__(self, directory: Path, state: ServiceState, place: Place = Place.KEYRING) -> None:
        super().__init__(Custody(place), directory / "credentials.vault", directory / "config.toml", {})
        self._state = state
        self._store = PictureFile()

    async def open(self) -> Store:
        """Say what the real one says."""
        if self.custody.place is Place.ENCRYPTED_FILE:
            return self._store
        if self._state is ServiceState.READY:
            return PictureKeyring()
        raise unusable_service(Service(self._state, GNOME, "login"))


class Gate:
    """A pause that lasts until it is opened: polls happen when the picture wants them."""

    def __init__(self) -> None:
        self._open = asyncio.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        if seconds >= 1:
            await self._open.acquire()

    def open(self) -> None:
        """Let one pause end."""
        self._open.release()


class PictureWorld:
    """One environment on a running embedded exchange."""

    place = KeyringStore.place
    about = ("This is a rehearsal. It touches nobody's money.",)

    def __init__(self, addresses: Addresses, line: Line, directory: Path) -> None:
        self.line = line
        self.base_url = addresses.base_url
        self.clock = StillClock()
        self.gate = Gate()
        self.page = self.simulated_page = SimulatedPage(addresses.desk_url)
        self.paths = Paths(directory / "config", directory / "state")
        self.store = PictureKeyring()
        self.environment = Environment(
            NAME,
            embedded_site(addresses.base_url),
            Rules(tolerated_ranges=frozenset({"documentation"})),
            hosts=("bot-1", "trader@bot-2"),
            is_rehearsal=True,
        )
        self.environ: dict[str, str] = {"PATH": "/nonexistent"}  # no ssh: a picture calls nobody
        self.custodian: Custodian | None = None
        self.has_key_in_use = True

    async def open(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is held."""

    def overviews(self) -> tuple[Overview, ...]:
        """Return the one environment."""
        journal = open_journal(self.paths, self.clock)
        try:
            return journal.overview((self.environment,))
        finally:
            journal.close()

    def flow(self, environment: Environment) -> AbstractAsyncContextManager[Flow]:
        """Open it, with a key in use and a key pair that waits."""
        return self._flow(environment)

    @asynccontextmanager
    async def _flow(self, environment: Environment) -> AsyncIterator[Flow]:
        base_url = environment.site.rest_url
        services = tuple(
            EchoService(f"echo-{shape}", _OPERATORS[shape], f"{base_url}/echo/{shape}", shape) for shape in Parser
        )
        async with open_flow(
            environment,
            self.paths,
            self._open_store,
            services=services,
            environ=self.environ,
            clock=self.clock,
            pause=self.gate,
            stopwatch=StillStopwatch(),
            pace=Pace(between_passes=0.1),
        ) as flow:
            if self.has_key_in_use and flow.current is None:
                await self._put_keys(flow)
            yield flow

    async def _open_store(self) -> Store:
        return await self.custodian.open() if self.custodian else self.store

    async def _put_keys(self, flow: Flow) -> None:
        if account := self.environment.sub_account:
            await self.page.open_account()
            master = await self.page.of_master().create(
                "master", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
            )
            vault = replace(flow.context.vault, environment=account.master.name)
            await vault.put(Credentials(KeyKind.HMAC, master.api_key, master.secret), Slot.CURRENT)
        made = await self.page.create("in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True)
        in_use = Credentials(KeyKind.HMAC, made.api_key, made.secret)
        await flow.context.vault.put(in_use, Slot.CURRENT, whitelist="203.0.113.42")
        self.clock.now += AGE

    async def put_pair(self, flow: Flow) -> None:
        """Put a key pair into the keyring that is the same in every run."""
        private = Secret(PRIVATE_PEM)
        # A draft is found by the public half that its label names.
        label = Secret(f"{MADE_HERE} {Secret(public_pem(private)).fingerprint()}")
        await flow.context.vault.put(Credentials(KeyKind.ED25519, label, private), Slot.DRAFT)


class Line:
    """The way to the exchange: echo services answer in one order, and what is held gives no answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.delays = {"/echo/trace": 0.0, "/echo/plain": 0.15, "/echo/json": 5.0}
        self.held: tuple[str, ...] = ()
        """The beginnings of paths."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        delay = FOREVER if path.startswith(self.held) else self.delays.get(path, 0.0)
        if delay:
            request = await receive()
            if await _is_left(receive, delay):
                return
            receive = _repeating(request)
        await self._app(scope, receive, send)


async def _is_left(receive: Receive, seconds: float) -> bool:
    """Wait; return early, and True, when the client does not wait any more: the server could not end before."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def _repeating(message: Message) -> Receive:
    async def receive() -> Message:
        return message

    return receive


@asynccontextmanager
async def stage(directory: Path) -> AsyncIterator[PictureWorld]:
    """Serve an embedded exchange whose clock is the pictures' own."""
    clock = StillClock()
    line = Line(EmbeddedExchange(clock=clock, seed=42))
    async with serve(line) as addresses:
        world = PictureWorld(addresses, line, directory)
        world.clock = clock
        yield world
