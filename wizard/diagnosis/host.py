"""The terminal and the keyring of this host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from wizard.clock import Clock
from wizard.custody.canary import canary
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store
from wizard.diagnosis.notes import note, of_error
from wizard.rotation.model import Finding, Outcome
from wizard.terminal import Stream, inspect_terminal


def terminal(environ: Mapping[str, str], stdin: Stream | None, stderr: Stream | None, clock: Clock) -> Finding:
    """Say whether full screens can be drawn. Where they cannot, everything else still works."""
    report = inspect_terminal(environ, stdin, stderr)
    if problem := report.problem():
        return of_error("Terminal", Outcome.WARNING, problem, clock)
    size = f"{report.columns}x{report.lines}" if report.columns and report.lines else "size not told"
    return note("Terminal", Outcome.PASSED, f"Full screens can be drawn: {report.term}, {size}.", clock)


async def keyring(open_store: Callable[[], Awaitable[Store]], clock: Clock) -> Finding:
    """Try the keyring with a throw-away value."""
    try:
        store = await open_store()
        tried = await canary(store)
    except CustodyError as error:
        return of_error("Keyring", Outcome.FAILED, error, clock)
    observed = f"A canary was written to {store.label}, read back, compared and deleted in {tried.seconds:.1f} s."
    return note("Keyring", Outcome.PASSED, observed, clock)
