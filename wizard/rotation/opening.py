"""Opens the flow of one environment: lock, journal, store, trial, recovery."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from wizard.core.clock import Clock
from wizard.core.settings import Environment, Paths
from wizard.custody.backends import what_does_not_fit
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store, try_out
from wizard.custody.vault import Vault
from wizard.egress.services import EchoService, load_services
from wizard.rotation.context import Context, Pace, Pause
from wizard.rotation.database import open_database
from wizard.rotation.findings import STORAGE
from wizard.rotation.flow import Flow, Preflight
from wizard.rotation.journal import Journal
from wizard.rotation.lock import sole_writer
from wizard.rotation.model import Finding, Outcome

StoreOpener = Callable[[], Awaitable[Store]]


def open_journal(paths: Paths, clock: Clock = time.time) -> Journal:
    """Open the journal of all environments.

    Raises:
        wizard.core.errors.WizardError: it cannot be opened.
    """
    paths.create()
    return Journal(open_database(paths.journal), clock)


@asynccontextmanager
async def open_flow(
    environment: Environment,
    paths: Paths,
    open_store: StoreOpener,
    *,
    services: tuple[EchoService, ...] | None = None,
    environ: Mapping[str, str] = os.environ,
    clock: Clock = time.time,
    pause: Pause = asyncio.sleep,
    stopwatch: Clock = time.perf_counter,
    pace: Pace | None = None,
) -> AsyncIterator[Flow]:
    """Take the environment for this process alone, try its store, settle what was left.

    Raises:
        wizard.core.errors.WizardError: another wizard has the environment, the journal is damaged or cannot be
            opened, or the store cannot be used; each with its remedy.
    """
    paths.create()
    with sole_writer(paths.lock(environment.name), environment.name, clock):
        store = await open_store()
        journal = open_journal(paths, clock)
        try:
            journal.check()
            storage = await _try(store, clock)
            vault = Vault(environment.name, journal, store, clock)
            recovered = await vault.recover()
            context = Context(
                environment=environment,
                journal=journal,
                vault=vault,
                services=load_services(paths.services_file) if services is None else services,
                environ=environ,
                clock=clock,
                pause=pause,
                stopwatch=stopwatch,
                pace=pace or Pace(),
            )
            missing, strays = await vault.missing(), await _strays(vault)
            flow = Flow(context, Preflight(environment.name, storage, recovered, missing, strays))
            await flow.settle()
            yield flow
        finally:
            journal.close()


async def _strays(vault: Vault) -> tuple[str, ...]:
    try:
        return await vault.strays()
    except CustodyError:
        return ()  # an offer only; whoever asks for them is told


async def _try(store: Store, clock: Clock) -> Finding:
    await try_out(store)
    limits = what_does_not_fit(store.backend)
    return Finding(
        subject=STORAGE,
        outcome=Outcome.WARNING if store.doubt else Outcome.PASSED,
        observed=f"A canary was written to {store.label}, read back, compared and deleted. {limits}".rstrip(),
        at=clock(),
        does_not_prove=store.doubt,
    )
