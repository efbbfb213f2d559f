"""A flow on the real embedded exchange, with credentials in memory and no waiting."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path

import httpx
import pytest

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.rules import Rules
from wizard.core.secret import Secret
from wizard.core.settings import Bot, Environment, OpenBao, Paths, SubAccountSettings
from wizard.core.sites import Site
from wizard.core.targets import Target
from wizard.core.unattended import KeyPolicy, RotationPolicy
from wizard.custody.records import Slot, decode_item
from wizard.custody.store import MemoryStore
from wizard.egress.services import EchoService, Parser
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.sub_accounts import Pacer
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.context import Pace, Pause
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode
from wizard.rotation.opening import open_flow

HERE = "203.0.113.42"
"""What the embedded exchange sees of 127.0.0.1."""
ELSEWHERE = "203.0.113.77"
"""What it sees of 127.0.0.2."""


async def no_pause(_seconds: float) -> None:
    """Wait for nothing."""


class OpenStore(MemoryStore):
    """A store into which a test may look: which items it holds, and what is in them."""

    def __init__(self) -> None:
        super().__init__()
        self.services: list[str] = []

    async def write(self, name: str, value: Secret) -> None:
        await super().write(name, value)
        if name not in self.services:
            self.services.append(name)

    async def delete(self, name: str) -> None:
        await super().delete(name)
        if name in self.services:
            self.services.remove(name)

    async def credentials(self) -> list[Credentials]:
        """Return what the items hold."""
        return [decode_item(found) for service in self.services if (found := await self.read(service))]


@dataclass
class World:
    """An exchange that runs, a store that outlives flows, and a way to open flows one after the other."""

    base_url: str
    simulated_page: SimulatedPage
    paths: Paths
    store: OpenStore
    has_sapi: bool = True
    hosts: tuple[str, ...] = ()
    bots: tuple[Bot, ...] = ()
    targets: tuple[Target, ...] = ()
    openbao: OpenBao | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    name: str = "bench site"

    @property
    def site(self) -> Site:
        """All hosts of the exchange."""
        return replace(embedded_site(self.base_url, self.name), has_sapi=self.has_sapi)

    @asynccontextmanager
    async def flow(
        self,
        source_address: str = "0.0.0.0",
        name: str = "bench",
        *,
        clock: Clock = time.time,
        pause: Pause = no_pause,
        stopwatch: Clock = time.perf_counter,
        is_deaf: bool = False,
        email: str = "",
        pace: Pace | None = None,
        pacer: Pacer | None = None,
        policy: RotationPolicy | None = None,
        key_policy: KeyPolicy | None = None,
        whitelist: Mapping[IPv4Network, str] | None = None,
    ) -> AsyncIterator[Flow]:
        """Open a flow; a deaf one hears of no echo service what its address is.

        With an `email` its keys are those of a sub-account, managed with the key of the environment `master`.
        """
        environment = Environment(
            name=name,
            sub_account=SubAccountSettings(email, Environment("master", self.site)) if email else None,
            rotation=policy or RotationPolicy(),
            policy=key_policy or KeyPolicy(),
            whitelist=whitelist or {},
            site=self.site,
            rules=Rules(tolerated_ranges=frozenset({"documentation"})),
            source_address=source_address,
            hosts=self.hosts,
            bots=self.bots,
            targets=self.targets,
            openbao=self.openbao,
        )
        echo = "http://127.0.0.1:9" if is_deaf else f"{self.base_url}/echo"
        services = tuple(
            EchoService(f"echo-{shape}", f"operator {shape}", f"{echo}/{shape}", shape) for shape in Parser
        )

        async def open_store() -> MemoryStore:
            return self.store

        async with open_flow(
            environment,
            self.paths,
            open_store,
            services=services,
            environ=self.environ,
            clock=clock,
            pause=pause,
            stopwatch=stopwatch,
            pace=pace or Pace(call=20, egress=20),
            pacer=pacer,
        ) as flow:
            yield flow

    async def plant(self, path: str, body: object, *, times: int = 1, status: int = 200) -> None:
        """Let the exchange answer the next `times` requests to `path` with `body`."""
        await self.fault(answers=[{"path": path, "body": body, "times": times, "status": status}])

    async def fault(self, **faults: object) -> None:
        """Let these things be wrong, and nothing else."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            told = await client.put(f"{self.base_url}/desk/faults", json=faults)
        assert told.is_success, told.text

    async def accepts(self, credentials: Credentials, clock: Clock = time.time) -> bool:
        """Return whether the exchange accepts a signed call with `credentials` from here."""
        async with ExchangeClient(self.site, httpx.AsyncHTTPTransport(verify=False), clock=clock) as client:
            try:
                await client.api_restrictions(credentials)
            except ExchangeError as error:
                if error.kind is not ErrorKind.REFUSED:
                    raise
                return False
            return True

    async def put_key_in_use(self, flow: Flow, whitelist: str = HERE, **permissions: bool) -> NewKey:
        """Make a key at the desk and store it as the current one."""
        granted = permissions or {"enableSpotAndMarginTrading": True}
        made = await self.simulated_page.create("in use", KeyKind.HMAC, whitelist, **granted)
        credentials = Credentials(KeyKind.HMAC, made.api_key, made.secret)
        await flow.context.vault.put(credentials, Slot.CURRENT, whitelist=whitelist)
        return made

    async def make_key(self, whitelist: str = HERE, **permissions: bool) -> NewKey:
        """Make an HMAC key at the desk."""
        granted = permissions or {"enableSpotAndMarginTrading": True}
        return await self.simulated_page.create("new", KeyKind.HMAC, whitelist, **granted)

    async def to_probe(self, flow: Flow, new: NewKey | None = None) -> NewKey:
        """Walk a rotation as far as the probe."""
        await flow.begin(Mode.ROTATE if flow.current else Mode.SET_UP)
        await flow.egress.detect()
        flow.advance(flow.context.rotation.step)
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(flow.context.rotation.step)
        made = new or await self.make_key()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(flow.context.rotation.step)
        return made

    async def to_retire(self, flow: Flow) -> NewKey:
        """Walk a rotation as far as the retirement; return the key that was in use."""
        old = await self.put_key_in_use(flow)
        await self.to_probe(flow)
        await flow.complete(await flow.probe.run())
        return old

    async def kill(self, flow: Flow) -> None:
        """Poll three times."""
        for _ in range(3):
            await flow.retire.poll()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with serve(EmbeddedExchange()) as addresses:
        paths = Paths(tmp_path / "config", tmp_path / "state")
        yield World(addresses.base_url, SimulatedPage(addresses.desk_url), paths, OpenStore())
