"""A rehearsal: an environment of its own whose exchange is the embedded one.

Its journal and its settings lie apart from the real ones, its keyring items carry its own name.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.rules import Rules
from wizard.core.settings import ANY_SOURCE, Environment, Paths, SubAccountSettings
from wizard.core.sites import Site
from wizard.custody.errors import CustodyError, ItemOccupiedError, KeptElsewhereError
from wizard.custody.keyring import open_keyring
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import MemoryStore, Store
from wizard.custody.vault import remove_item
from wizard.egress.services import EchoService, Parser
from wizard.net.route import decide_route
from wizard.rehearsal.process import ExchangeProcess, recall, remember, start_exchange
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH, Scenario
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.context import Pace, Pause
from wizard.rotation.database import read_database
from wizard.rotation.exchange_calls import ask, circumstances, open_exchange
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Journal, read_journal
from wizard.rotation.opening import open_flow, sole_writer

NAME = "rehearsal"
MOST_AT_ONCE = 9
"""Rehearsals beside each other. More than that are forgotten ones."""

STRANGER = "127.0.0.66"
"""The loopback address of somebody whom no whitelist names. The embedded exchange sees 192.0.2.66."""
EMAIL = "bot-1@example.com"
"""The sub-account's."""
PACE = Pace(
    call=5.0, egress=4.0, between_passes=0.1, between_polls=1.0, between_questions=1.0, patience=120.0, listing=4.0
)
"""The embedded exchange is near and bears being asked often."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything a client of the flow needs to rehearse."""

    environment: Environment
    paths: Paths
    services: tuple[EchoService, ...]
    simulated_page: SimulatedPage
    store: Store
    store_problem: str
    """Why credentials are held in memory only; empty when the keyring is used."""
    scenario: Scenario
    """What goes wrong. A rehearsal that was left open keeps its own, whatever is asked for."""

    async def open_store(self) -> Store:
        """Return the store that was decided on when the rehearsal began."""
        return self.store

    @asynccontextmanager
    async def flow(self, *, clock: Clock = time.time, pause: Pause = asyncio.sleep) -> AsyncIterator[Flow]:
        """Open the flow with a key in use, made on the simulated page where there is none yet."""
        async with open_flow(
            self.environment,
            self.paths,
            self.open_store,
            services=self.services,
            clock=clock,
            pause=pause,
            pace=PACE,
        ) as flow:
            if flow.rotation is None and flow.current is None:
                await self._put_key_in_use(flow)
            yield flow

    async def _put_key_in_use(self, flow: Flow) -> None:
        report = await flow.egress.detect()
        whitelist = ",".join(map(str, report.verdict.addresses))
        if account := self.environment.sub_account:
            await self._put_master_key(flow, account.master.name, whitelist)
        made = await self.simulated_page.create("in use", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True)
        with Credentials(KeyKind.HMAC, made.api_key, made.secret) as credentials:
            await flow.context.vault.put(credentials, Slot.CURRENT, whitelist=whitelist)
            await self._call_as_stranger(credentials)
            if self.scenario.moves_host_later:
                await _use_once(flow, credentials)

    async def _put_master_key(self, flow: Flow, master: str, whitelist: str) -> None:
        vault, page = replace(flow.context.vault, environment=master), self.simulated_page
        with suppress(WizardError):  # an earlier start was cut short after it
            await page.open_account()
        made = await page.of_master().create("master", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True)
        with Credentials(KeyKind.HMAC, made.api_key, made.secret) as credentials:
            await vault.put(credentials, Slot.CURRENT, whitelist=whitelist)

    async def _call_as_stranger(self, credentials: Credentials) -> None:
        """Leave one call of somebody who copied the key in the activity history, refused for its address.

        Where a host has no such loopback address, there is none to find.
        """
        elsewhere = replace(self.environment, source_address=STRANGER)
        async with open_exchange(elsewhere.site, decide_route(elsewhere, {}), timeout=PACE.call) as client:
            await ask(client, credentials, circumstances(elsewhere.site))


async def _use_once(flow: Flow, credentials: Credentials) -> None:
    """Have the key in use accepted, as it was before its host moved; then look where this host is."""
    context, current = flow.context, flow.current
    async with context.exchange() as client:
        answer = await ask(client, credentials, context.circumstances(current))
    if current and answer.restrictions:
        may = answer.restrictions.permissions
        context.journal.mark_proven(current, context.egress, may, site=context.environment.site.name)
    await flow.egress.detect()


@asynccontextmanager
async def rehearse(
    paths: Paths,
    *,
    source_address: str = ANY_SOURCE,
    scenario: Scenario = SMOOTH,
    passes_after: float = PASSES_AFTER,
) -> AsyncIterator[Rehearsal]:
    """Begin a rehearsal, or go on with the one that was left open, which keeps its scenario.

    When the rehearsal is over the embedded exchange is ended, and its keys leave the keyring: they exist nowhere any
    more. While a rotation is open both stay, so that it can be resumed. `source_address` is the loopback address to
    call from, `passes_after` the seconds until a fault that passes by itself is over. Raises `WizardError` where the
    exchange does not start or files cannot be written, and at the end where a key is still in the keyring.
    """
    # Before anything is looked at: a second rehearsal must not end the exchange of the first.
    with _free_place(paths) as own:
        store, problem = await _keyring_or_memory()
        exchange = await _find_or_start(own, store, scenario, passes_after)
        scenario = SCENARIOS.get(exchange.scenario, SMOOTH)
        environment = Environment(
            name=_name(own),
            site=embedded_site(exchange.base_url),
            rules=Rules(tolerated_ranges=frozenset({"documentation"})),
            source_address=source_address,
            is_rehearsal=True,
        )
        email = EMAIL if scenario.is_sub_account else None
        if email:
            master = replace(environment, name=_master(own))
            environment = replace(environment, sub_account=SubAccountSettings(email, master))
        services = tuple(
            EchoService(f"echo-{shape}", f"service {shape}", f"{exchange.base_url}/echo/{shape}", shape, "embedded")
            for shape in Parser
        )
        try:
            page = SimulatedPage(exchange.desk_url, email)
            yield Rehearsal(environment, own, services, page, store, problem, scenario)
        finally:
            if not (store.durable and _is_open(own)):
                await exchange.end()
                _note(own).unlink(missing_ok=True)
                await _clear(own, own.journal, store)


def embedded_site(base_url: str, name: str = "embedded exchange") -> Site:
    """Return all hosts of an embedded exchange: one server on loopback plays them."""
    websockets = "ws" + base_url.removeprefix("http")
    return Site(
        name,
        base_url,
        key_page="",
        websocket_api_url=f"{websockets}/ws-api/v3",
        stream_url=f"{websockets}/ws",
        futures_url=base_url,
    )


async def _keyring_or_memory() -> tuple[Store, str]:
    try:
        return await open_keyring(), ""
    except CustodyError as error:
        return MemoryStore(), " ".join(error.sentences())


@contextmanager
def _free_place(paths: Paths) -> Iterator[Paths]:
    """Take a folder that no rehearsal in another terminal has; one in which something was left goes first."""
    places = [paths.within(NAME if number == 1 else f"{NAME}-{number}") for number in range(1, MOST_AT_ONCE + 1)]
    places.sort(key=lambda own: not any(own.state.glob("*.sqlite3")))
    with ExitStack() as stack:
        for own in places:
            own.create()
            try:
                stack.enter_context(sole_writer(own.state / "session.lock", _name(own), time.time))
            except WizardError as error:
                if error.code != "environment.busy" or own is places[-1]:
                    raise
            else:
                yield own
                return


def _name(own: Paths) -> str:
    """Return the name of the environment, which is its folder's: two rehearsals never share a stored key."""
    return own.state.name


def _master(own: Paths) -> str:
    """Return the name of the environment that has the master account's key."""
    return f"{_name(own)}-master"


async def _find_or_start(own: Paths, store: Store, scenario: Scenario, passes_after: float) -> ExchangeProcess:
    known = recall(_note(own))
    if known and await known.answers():
        # Only an open rotation binds a rehearsal to the scenario that it began with.
        if store.durable and (known.scenario == scenario.name or _is_open(own)):
            return known
        await known.end()
    for journal in own.state.glob("*.sqlite3"):
        try:
            await _clear(own, journal, store)
        except CustodyError:
            if journal == own.journal:  # out of the way: the next rehearsal tries again
                journal.rename(journal.with_stem(f"left-{secrets.token_hex(4)}"))
    process = await start_exchange(scenario, passes_after)
    remember(process, _note(own))
    return process


async def _clear(own: Paths, file: Path, store: Store) -> None:
    """Remove the keys of a rehearsal that has ended, then its journal; that stays where CustodyError is raised."""
    with closing(Journal(read_database(file), time.time)) as journal:
        for record in (*journal.keys(_name(own)), *journal.keys(_master(own))):
            if record.holding is not Holding.PURGED:
                await _remove(record, store, journal.id)
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()


async def _remove(record: KeyRecord, store: Store, owner: str) -> None:
    """Remove one key, or raise CustodyError: it is still where it was stored."""
    if record.backend == store.backend:
        with suppress(ItemOccupiedError):  # the name is somebody else's by now
            await remove_item(store, record.item, owner)
    elif record.backend != MemoryStore.backend:
        raise KeptElsewhereError(
            f"A key of a rehearsal is still in {record.store}",
            why="That place is not open now.",
            advice="The key opens nothing. The next rehearsal that can open that place removes it.",
        )


def _is_open(own: Paths) -> bool:
    with read_journal(own) as journal:
        return journal.open_rotation(_name(own)) is not None


def _note(own: Paths) -> Path:
    return own.state / "exchange.json"
