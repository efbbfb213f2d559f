"""How commands keep what they observed of this host's address. A journal that is shut spoils no answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from wizard.commands.console import fail, tell
from wizard.egress.detection import EgressReport
from wizard.errors import WizardError
from wizard.rotation.journal import Journal
from wizard.rotation.opening import open_journal
from wizard.rotation.steps.egress import history_of, keep
from wizard.settings import Environment, Paths

Result = TypeVar("Result")


def keep_observation(report: EgressReport, environment: Environment, paths: Paths, asked_by: str) -> str:
    """Keep what was seen, and return what all observations over its route show; nothing where it was not kept.

    Args:
        report: The detection.
        environment: By whose route it was made.
        paths: Where the journal is.
        asked_by: The command's name: its observation is kept for the history alone.
    """

    def write(journal: Journal) -> str:
        keep(report, journal, environment.name, asked_by=asked_by)
        return history_of(report, journal, environment.name)

    return in_journal(paths, write) or ""


def in_journal(paths: Paths, write: Callable[[Journal], Result]) -> Result | None:
    """Write to the journal; where that cannot be, say so and return None."""
    try:
        with closing(open_journal(paths)) as journal:
            return write(journal)
    except WizardError as error:
        fail(error)
        tell("The address was observed, but not kept.")
        return None
