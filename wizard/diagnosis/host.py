"""The terminal and the place of the credentials of this host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wizard.core.clock import Clock
from wizard.core.terminal import Stream, inspect_terminal
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store, try_out
from wizard.diagnosis.notes import note, of_error
from wizard.rotation.findings import STORAGE
from wizard.rotation.model import Finding, Outcome


@dataclass(frozen=True, slots=True)
class PlaceFinding(Finding):
    """What was found about the place of the credentials."""

    state: str = ""
    """`ready`, or a stable word for what is wrong: `locked`, `no-bus-address`, `backend-null`, …"""
    backend: str = ""
    """What is used: the class path of keyring's backend, or `encrypted-file`; empty where nothing can be."""


def terminal(environ: Mapping[str, str], stdin: Stream | None, stderr: Stream | None, clock: Clock) -> Finding:
    """Say whether full screens can be drawn. Where they cannot, everything else still works."""
    report = inspect_terminal(environ, stdin, stderr)
    if problem := report.problem():
        return of_error("Terminal", Outcome.WARNING, problem, clock)
    size = f"{report.columns}x{report.lines}" if report.columns and report.lines else "size not told"
    return note("Terminal", Outcome.PASSED, f"Full screens can be drawn: {report.term}, {size}.", clock)


async def storage(open_store: Callable[[], Awaitable[Store]], clock: Clock) -> PlaceFinding:
    """Try the place of the credentials with a throw-away value."""
    try:
        store = await open_store()
        seconds = await try_out(store)
    except CustodyError as error:
        told = of_error(STORAGE, Outcome.FAILED, error, clock)
        return PlaceFinding(told.subject, told.outcome, told.observed, told.at, advice=told.advice, state=error.code)
    observed = f"A canary was written to {store.label}, read back, compared and deleted in {seconds:.1f} s."
    outcome = Outcome.WARNING if store.doubt else Outcome.PASSED
    gap, backend = store.doubt, store.backend
    return PlaceFinding(STORAGE, outcome, observed, clock(), does_not_prove=gap, state="ready", backend=backend)
