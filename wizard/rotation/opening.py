"""Opens the flow of one environment: lock, journal, store, canary, recovery."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from wizard.clock import Clock
from wizard.custody.canary import canary
from wizard.custody.capacity import what_does_not_fit
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store
from wizard.custody.vault import Vault
from wizard.egress.services import EchoService, load_services
from wizard.rotation.context import Context, Pace, Pause
from wizard.rotation.database import open_database
from wizard.rotation.findings import STORAGE
from wizard.rotation.flow import Flow, Preflight
from wizard.rotation.journal import Journal
from wizard.rotation.lock import sole_writer
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.safekeeping import Safekeeping
from wizard.settings import Environment, Paths

StoreOpener = Callable[[], Awaitable[Store]]


def open_journal(paths: Paths, clock: Clock = time.time) -> Journal:
    """Open the journal of all environments.

    Raises:
        wizard.errors.WizardError: it cannot be opened.
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
    """Take the environment for this process alone, try its store with a canary, settle what was left.

    Raises:
        wizard.errors.WizardError: another wizard has the environment, the journal is damaged or cannot be
            opened, or the store cannot be used; each with its remedy.
    """
    paths.create()
    with sole_writer(paths.lock(environment.name), environment.name, clock):
        store = await open_store()
        journal = open_journal(paths, clock)
        try:
            journal.check()
            storage = await _try(store, clock)
            keeping = Safekeeping(environment.name, journal, Vault(store, environment.name, clock, journal.id), clock)
            recovered = await keeping.recover()
            context = Context(
                environment=environment,
                journal=journal,
                keeping=keeping,
                services=load_services(paths.services_file) if services is None else services,
                environ=environ,
                clock=clock,
                pause=pause,
                stopwatch=stopwatch,
                pace=pace or Pace(),
            )
            missing, strays = await asyncio.gather(keeping.missing(), _strays(keeping))
            flow = Flow(context, Preflight(environment.name, storage, recovered, missing, strays))
            await flow.settle()
            yield flow
        finally:
            journal.close()


async def _strays(keeping: Safekeeping) -> tuple[str, ...]:
    try:
        return await keeping.strays()
    except CustodyError:
        return ()  # an offer only; whoever asks for them is told


async def _try(store: Store, clock: Clock) -> Finding:
    await canary(store)
    limits = what_does_not_fit(store.backend)
    return Finding(
        subject=STORAGE,
        outcome=Outcome.WARNING if store.doubt else Outcome.PASSED,
        observed=f"A canary was written to {store.label}, read back, compared and deleted. {limits}".rstrip(),
        at=clock(),
        does_not_prove=store.doubt,
    )
