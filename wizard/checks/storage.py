"""The place of the credentials: does it hold what is put there, and does the journal agree with it?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from wizard.core.errors import WizardError
from wizard.core.settings import Paths
from wizard.custody.errors import CustodyError
from wizard.custody.records import Holding
from wizard.custody.store import Store, try_out
from wizard.custody.vault import missing_keys, unknown_items
from wizard.rotation.findings import STORAGE, FindingWriter
from wizard.rotation.journal import read_journal
from wizard.rotation.model import Finding, Outcome

SUBJECT = "Stored keys"


@dataclass(frozen=True, slots=True)
class PlaceFinding(Finding):
    """What was found about the place of the credentials."""

    state: str = ""
    """`ready`, or a stable word for what is wrong: `locked`, `no-bus-address`, `backend-null`, …"""
    backend: str = ""
    """What is used: the class path of keyring's backend, or `encrypted-file`; empty where nothing can be."""


async def try_place(open_store: Callable[[], Awaitable[Store]], writer: FindingWriter) -> PlaceFinding:
    """Try the place of the credentials with a throw-away value."""
    try:
        store = await open_store()
        seconds = await try_out(store)
    except CustodyError as error:
        told = writer.error(STORAGE, Outcome.FAILED, error)
        return PlaceFinding(told.subject, told.outcome, told.observed, told.at, advice=told.advice, state=error.code)
    observed = f"A canary was written to {store.label}, read back, compared and deleted in {seconds:.1f} s."
    outcome = Outcome.WARNING if store.doubt else Outcome.PASSED
    gap, backend = store.doubt, store.backend
    return PlaceFinding(STORAGE, outcome, observed, writer.clock(), does_not_prove=gap, state="ready", backend=backend)


async def compare_stored_keys(
    store: Store, paths: Paths, environments: Iterable[str], writer: FindingWriter
) -> Finding:
    """Compare the two for each environment: a key that is missing is a failure, an unknown item a warning."""
    lost, unknown, elsewhere = list[str](), list[str](), list[str]()
    try:
        for name in environments:
            with read_journal(paths) as journal:
                records = journal.keys(name)
            lost += [f"The {one.slot} key {one.name} of {name}" for one in await missing_keys(records, store)]
            unknown += await unknown_items(name, records, store)
            elsewhere += [
                f"The {one.slot} key {one.name} of {name} is in {one.store}"
                for one in records
                if one.holding is Holding.STORED and one.backend not in ("", store.backend)
            ]
    except WizardError as error:
        return writer.error(SUBJECT, Outcome.INCONCLUSIVE, error)
    if lost:
        observed = f"{', '.join(lost)}: the journal says that it is stored, and it is not there any more."
        advice = "Look whether another login or another place holds it; else open the wizard and forget it there."
        return writer.note(SUBJECT, Outcome.FAILED, observed, advice=advice)
    if unknown:
        observed = f"The journal does not know {', '.join(unknown)}."
        advice = "To look at them, adopt or delete them: key-wizard strays ENV"
        return writer.note(SUBJECT, Outcome.WARNING, observed, advice=advice)
    if elsewhere:
        observed = f"{', '.join(elsewhere)}: that place was not looked at."
        advice = "Choose that place ([custody] place in config.toml), then look again."
        return writer.note(SUBJECT, Outcome.INCONCLUSIVE, observed, advice=advice)
    return writer.note(SUBJECT, Outcome.PASSED, "The journal and the place of the credentials agree.")
