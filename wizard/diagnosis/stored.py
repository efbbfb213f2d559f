"""Do the journal and the place of the credentials agree on what is stored?"""

from __future__ import annotations

from collections.abc import Iterable

from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import Paths
from wizard.custody.records import Holding, KeyRecord
from wizard.custody.store import Store
from wizard.custody.vault import missing_keys, stray_items
from wizard.diagnosis.notes import note, of_error
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.reading import read_journal

SUBJECT = "Stored keys"


async def stored_keys(store: Store, paths: Paths, environments: Iterable[str], clock: Clock) -> Finding:
    """Compare the two for each environment: a key that is missing is a failure, a stray item a warning."""
    lost: list[str] = []
    unknown: list[str] = []
    elsewhere: list[str] = []
    try:
        for name in environments:
            records = _records(paths, name)
            lost += [f"The {one.slot} key {one.name} of {name}" for one in await missing_keys(records, store)]
            unknown += await stray_items(name, records, store)
            elsewhere += [
                f"The {one.slot} key {one.name} of {name} is in {one.store}"
                for one in records
                if one.holding is Holding.STORED and one.backend not in ("", store.backend)
            ]
    except WizardError as error:
        return of_error(SUBJECT, Outcome.INCONCLUSIVE, error, clock)
    if lost:
        observed = f"{', '.join(lost)}: the journal says that it is stored, and it is not there any more."
        advice = "Look whether another login or another place holds it; else open the wizard and forget it there."
        return note(SUBJECT, Outcome.FAILED, observed, clock, advice=advice)
    if unknown:
        observed = f"The journal does not know {', '.join(unknown)}."
        advice = "To look at them, adopt or delete them: key-wizard strays ENV"
        return note(SUBJECT, Outcome.WARNING, observed, clock, advice=advice)
    if elsewhere:
        observed = f"{', '.join(elsewhere)}: that place was not looked at."
        advice = "Choose that place ([custody] place in config.toml), then look again."
        return note(SUBJECT, Outcome.INCONCLUSIVE, observed, clock, advice=advice)
    return note(SUBJECT, Outcome.PASSED, "The journal and the place of the credentials agree.", clock)


def _records(paths: Paths, environment: str) -> tuple[KeyRecord, ...]:
    with read_journal(paths) as journal:
        return journal.keys(environment)
