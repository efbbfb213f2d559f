"""Opens the flow of one environment: lock, journal, store, trial, recovery.

One writer per environment, also between processes; the second is told who holds it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from wizard.core import files
from wizard.core.clock import Clock, utc
from wizard.core.errors import FileError, WizardError
from wizard.core.settings import Environment, Paths
from wizard.custody.backends import what_does_not_fit
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store, try_out
from wizard.custody.vault import Vault
from wizard.egress.services import EchoService, load_services
from wizard.exchange.sub_accounts import Pacer
from wizard.rotation.context import Context, Pace, Pause
from wizard.rotation.findings import STORAGE
from wizard.rotation.flow import Flow, Preflight
from wizard.rotation.journal import open_journal
from wizard.rotation.model import Finding, Outcome

_LARGEST_NOTE = 4096
_CHECKED = 1_000
"""Rows of each table: many jobs. `doctor` looks at all."""


@contextmanager
def sole_writer(file: Path, environment: str, clock: Clock) -> Iterator[None]:
    """Hold the environment's lock until this process ends, however it ends; a `WizardError` where another holds it."""
    lock = FileLock(file, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise _busy(file, environment) from None
    except OSError as error:
        raise WizardError(
            f"The wizard cannot make sure that no other wizard works on {environment}",
            why=f"The lock {file} cannot be made. The system said: {error.strerror}.",
            advice="Nothing was changed. Make its directory writable for you. If the lock is a link, delete it.",
            code="environment.lock",
        ) from None
    try:
        signature = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": clock()})
        with suppress(OSError):  # a courtesy: the lock holds without it
            files.tidy(_note(file))  # what killed wizards left
            files.replace(_note(file), signature.encode("ascii"))
        yield
    finally:
        lock.release()


def _note(file: Path) -> Path:
    # Beside the lock: Windows does not let a second process read a locked file.
    return file.with_suffix(".holder")


def _busy(file: Path, environment: str) -> WizardError:
    what, why = f"Another wizard is working on {environment}", "It left no note of who it is."
    advice = "Finish or close that one first. Nothing is lost by closing it."
    with suppress(FileError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        note = json.loads(files.read(_note(file), _LARGEST_NOTE)[0])
        process, host, since = int(note["pid"]), note["host"], utc(float(note["since"]))
        why = f"Process {process} on {host} has held it since {since}."
        if host == socket.gethostname() and process > 1:  # sshd may take hours to notice that a line is dead
            advice += f" If you lost the connection to it, run:\nkill {process}"
    return WizardError(what, why=why, advice=advice, code="environment.busy")


@asynccontextmanager
async def open_flow(
    environment: Environment,
    paths: Paths,
    open_store: Callable[[], Awaitable[Store]],
    *,
    services: tuple[EchoService, ...] | None = None,
    environ: Mapping[str, str] = os.environ,
    clock: Clock = time.time,
    pause: Pause = asyncio.sleep,
    stopwatch: Clock = time.perf_counter,
    pace: Pace | None = None,
    pacer: Pacer | None = None,
) -> AsyncIterator[Flow]:
    """Take the environment for this process alone, try its store, settle what was left.

    Raises `WizardError` where another wizard has the environment, the journal is damaged or cannot be opened, or the
    store cannot be used; each with its remedy.
    """
    paths.create()
    with sole_writer(paths.lock(environment.name), environment.name, clock):
        store = await open_store()
        journal = open_journal(paths, clock)
        try:
            journal.check(newest=_CHECKED)
            storage = await _try(store, f"{journal.id}.{environment.name}.", clock)
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
                pacer=pacer,
            )
            missing, unknown_items = await vault.missing(), tuple[str, ...]()
            with suppress(CustodyError):  # an offer only; whoever asks for them is told
                unknown_items = await vault.unknown_items()
            flow = Flow(context, Preflight(environment.name, storage, recovered, missing, unknown_items))
            await flow.settle()
            yield flow
        finally:
            journal.close()


async def _try(store: Store, owner: str, clock: Clock) -> Finding:
    await try_out(store, owner)
    limits = what_does_not_fit(store.backend)
    return Finding(
        subject=STORAGE,
        outcome=Outcome.WARNING if store.doubt else Outcome.PASSED,
        observed=f"A test value was written to {store.label}, read back, compared and deleted. {limits}".rstrip(),
        at=clock(),
        does_not_prove=store.doubt,
    )
