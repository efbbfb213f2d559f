"""A sub-account on the embedded exchange, by a clock that only pauses move, with a reader beside every call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from starlette.types import Receive, Scope, Send

from tests.rotation.conftest import HERE, OpenStore, World
from tests.rotation.test_sub_account_keys import Account
from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.errors import Exit
from wizard.core.settings import Paths
from wizard.core.unattended import RotationPolicy
from wizard.custody.records import Holding, Slot, credentials_of
from wizard.exchange.sub_accounts import Pacer
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rehearsal.simulator.keys import ApiKey
from wizard.rehearsal.simulator.state import LogEntry
from wizard.rotation.context import Pace
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Journal, open_journal
from wizard.rotation.model import Event
from wizard.rotation.sub_account_keys import CREATING
from wizard.rotation.unattended import RunResult, UnattendedRun

MASTER = "master"
DAY = 86_400.0
BLOCK = IPv4Network("203.0.113.0/24")
POLICY = RotationPolicy(every=30 * DAY, grace=600.0, allowed=(BLOCK,))
KEYS, KEYS_V2 = "/sapi/v1/sub-account/subAccountApi", "/sapi/v2/sub-account/subAccountApi"
RESTRICTION, RESTRICT = f"{KEYS}/ipRestriction", f"{KEYS_V2}/ipRestriction"
REMOVE, ACCOUNTS = f"{RESTRICTION}/ipList", "/sapi/v1/sub-account/list"
PATIENCE = 20.0
"""Seconds for a call: nothing but a planted silence takes so long."""


class Call(NamedTuple):
    """A signed call of a sequence: the `number`th of its kind, counted from 0."""

    method: str
    path: str
    number: int

    def fault(self, **what: object) -> dict[str, object]:
        """Return the fault that meets this call and no other."""
        return {"method": self.method, "path": self.path, "skip": self.number, "times": 1, **what}


class SimulatedClock:
    """Stands still but for pauses. Exchange and program have the same one."""

    def __init__(self, now: float) -> None:
        self.now, self.paused = now, 0.0

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        self.paused += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass
class Lab:
    """An exchange in this process, hosts of sub-accounts on it, and what a reader saw beside every call."""

    world: World
    exchange: EmbeddedExchange
    clock: SimulatedClock
    emails: tuple[str, ...]
    policy: RotationPolicy = POLICY
    pace: Pace = field(default_factory=lambda: Pace(call=PATIENCE, egress=PATIENCE))
    lost: list[str] = field(default_factory=list)
    """Moments at which no working key was stored."""
    ever: dict[str, ApiKey] = field(default_factory=dict)
    """Every key of a sub-account that ever lived, by its API key."""
    looks: int = 0
    pacer: Pacer | None = None
    wall: Clock | None = None
    """The program's own clock, where it is not the exchange's."""
    hosts: frozenset[str] = frozenset({HERE})
    """The addresses of which one has to be on the list of the key in use."""
    running: str = ""
    """The environment of the run that is under way: the reader looks at that one, and at all between two runs."""
    first: int = 0
    """How many signed calls there were when the faults were changed last."""
    _journal: Journal | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the exchange does. The reader looks before and after every request."""
        if scope["type"] != "http" or scope["path"].startswith(("/desk", "/echo")):
            await self.exchange(scope, receive, send)
            return
        await self.look(f"before {scope['path']}")
        try:
            await self.exchange(scope, receive, send)
        finally:
            await self.look(f"after {scope['path']}")

    @property
    def keys(self) -> list[ApiKey]:
        """The keys of the sub-accounts that live, as the exchange has them, also where it does not list them."""
        now = self.clock()
        return [key for key in self.exchange.state.keys.values() if key.account and key.works_until > now]

    async def look(self, when: str) -> None:
        """Read the key in use as a bot does, by journal and store, and see whether the exchange would accept it."""
        self.ever |= {key.api_key: key for key in self.keys}
        if not self.emails or not self.world.paths.journal.exists():
            return
        self.looks += 1
        for name in [self.running] if self.running else self.names:
            found = await self.current(name)
            key = self.exchange.state.keys.get(found.api_key.reveal()) if found else None
            if key is None or not self._accepts(key):
                self.lost.append(f"{name} {when}")

    def _accepts(self, key: ApiKey) -> bool:
        now, hosts = self.clock(), map(IPv4Network, self.hosts)
        is_listed = key.whitelist is not None and any(host in key.whitelist for host in hosts)
        return key.enabled and key.works_from <= now < key.works_until and is_listed

    @property
    def journal(self) -> Journal:
        """The journal as a reader beside the program has it open."""
        self._journal = self._journal or open_journal(self.world.paths, self.clock)
        return self._journal

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    @property
    def names(self) -> list[str]:
        """The environments."""
        return [f"bot-{number}" for number in range(1, len(self.emails) + 1)]

    def email(self, name: str) -> str:
        return self.emails[int(name.removeprefix("bot-")) - 1]

    async def current(self, name: str) -> Credentials | None:
        record = self.journal.key_in(name, Slot.CURRENT)
        return credentials_of(record, await self.world.store.read(record.item), "memory") if record else None

    @asynccontextmanager
    async def flow(self, name: str = "bot-1", **parts: Any) -> AsyncIterator[Flow]:
        """Open the flow of an environment as a run does."""
        clock = self.wall or self.clock
        times: dict[str, Any] = {"clock": clock, "pause": self.clock.pause, "stopwatch": self.clock}
        given = {"pace": self.pace, "policy": self.policy, "pacer": self.pacer, **times, **parts}
        async with self.world.flow(name=name, email=self.email(name), **given) as flow:
            yield flow

    async def begin(self, whitelist: str = HERE, *permissions: str, master: str = HERE) -> None:
        """Make the master account's key and a key in use for each sub-account; then let them grow old."""
        emails, self.emails = self.emails, ()
        account = Account(self.world)
        for number, email in enumerate(emails):
            self.emails = emails
            async with self.flow(f"bot-{number + 1}") as flow:
                self.emails = ()
                await account.request("POST", "/desk/sub-accounts", email=email)
                if not number:
                    await account.store(flow, MASTER, await account.make(MASTER, master, account=None))
                if whitelist:
                    made = await account.make("in use", whitelist, *permissions, account=email)
                    await account.store(flow, f"bot-{number + 1}", made, whitelist)
        self.emails = emails
        self.clock.now += 40 * DAY
        self.ever = {key.api_key: key for key in self.keys}

    async def run(self, name: str = "bot-1", *, may_wait: bool = True) -> RunResult:
        """Let one unattended run do what is due."""
        self.running = name
        try:
            async with self.flow(name) as flow:
                return await UnattendedRun(flow, False, False, may_wait, lambda _: None).run()
        finally:
            self.running = ""

    async def finish(self, runs: int, name: str = "bot-1") -> list[RunResult]:
        """Let run after run go on, an hour apart, until one ends well or there were so many; return all."""
        results: list[RunResult] = []
        while len(results) < runs and not any(one.exit is Exit.FINE for one in results):
            results.append(await self.run(name))
            await self.look("after a run")
            self.clock.now += 3600.0
        return results

    async def move(self, public: str) -> None:
        """Let this host have another address."""
        self.hosts |= {public}
        await Account(self.world).request("PUT", "/desk/nat", **{"127.0.0.1": public})

    async def fault(self, **faults: object) -> None:
        self.first = len(self.exchange.state.log)
        await self.world.fault(**faults)

    async def log(self) -> list[dict[str, Any]]:
        """Return the signed calls as the desk lists them, the oldest first."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            rows: list[dict[str, Any]] = (await client.get(f"{self.world.base_url}/desk/log")).json()
        return rows

    async def calls(self) -> list[Call]:
        """Return the signed calls since the last change of faults, each numbered among its kind."""
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for row in (await self.log())[self.first :]:
            kind = (row["method"], row["path"])
            if row["method"]:
                found.append(Call(*kind, seen[kind]))
            seen[kind] += 1
        return found

    def events(self, kind: str, name: str = "bot-1") -> list[Event]:
        return [event for event in self.journal.events(kind=kind) if event.detail["environment"] == name]

    async def wrong(self, name: str = "bot-1", *, made: int = 2) -> list[str]:
        """Return what is not as it has to be after a whole rotation, as sentences; nothing where all is well.

        The key in use is the only one of its sub-account. `made` keys were made at most. The journal knows each, or
        the name that it was announced with.
        """
        found = [f"no working key: {', '.join(self.lost[:3])}"] * bool(self.lost)
        current, email = await self.current(name), self.email(name)
        if current is None or not await self.world.accepts(current, self.clock):
            found.append("the key in use is not accepted")
        used = current.api_key.reveal() if current else ""
        alive = [key.api_key for key in self.keys if key.account == email]
        if alive != [used]:
            found.append(f"alive are {[one[-4:] for one in alive]}, in use is {used[-4:]}")
        records = self.journal.keys(name)
        known = {record.name.last_four for record in records}
        announced = {str(event.detail["api_name"]) for event in self.events(CREATING, name)}
        ever = [key for key in self.ever.values() if key.account == email]
        unknown = [key.api_key[-4:] for key in ever if key.api_key[-4:] not in known and key.label not in announced]
        found += [f"nobody knows {one}" for one in unknown]
        if len(ever) - 1 > made:
            found.append(f"{len(ever) - 1} keys were made")
        stored = [record.slot for record in records if record.holding is not Holding.PURGED]
        if stored != [Slot.CURRENT]:
            found.append(f"stored are {stored}")
        return found


def weights(rows: Collection[LogEntry | dict[str, Any]]) -> int:
    """Return the largest weight on one path, whatever the method, within any 60 s."""
    times: dict[str, list[float]] = {}
    for row in rows:
        about = row if isinstance(row, dict) else {"path": row.path, "time": row.time}
        if "/sub-account/subAccountApi" in about["path"]:
            times.setdefault(about["path"], []).append(about["time"] / 1000)
    return max((3000 * sum(begun <= at < begun + 60 for at in on) for on in times.values() for begun in on), default=0)


@asynccontextmanager
async def lab(
    path: Path, accounts: int = 1, *, begins: float = 1_800_000_000.0, store: Any = None, **parts: Any
) -> AsyncIterator[Lab]:
    """Serve an exchange of its own with so many sub-accounts; `begins` is in seconds since 1970."""
    clock = SimulatedClock(begins)
    emails = tuple(f"bot+{number}@example.com" for number in range(1, accounts + 1))
    world = World("", SimulatedPage(""), Paths(path / "config", path / "state"), store or OpenStore())
    made = Lab(world, EmbeddedExchange(clock=clock, passes_after=0.0), clock, emails, **parts)
    async with serve(made) as addresses:
        world.base_url, world.simulated_page = addresses.base_url, SimulatedPage(addresses.desk_url)
        try:
            yield made
        finally:
            made.close()
