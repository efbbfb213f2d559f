"""The files: settings, echo services, who can look into the directories, and the journal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import OTHERS, Paths, Settings
from wizard.diagnosis.notes import note, of_error
from wizard.egress.services import load_services
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.reading import read_journal


def files(paths: Paths, known: Settings | WizardError, clock: Clock) -> tuple[Finding, ...]:
    """Look at every file once, the directories before the journal is opened in them."""
    return (_settings(paths, known, clock), _services(paths, clock), _privacy(paths, clock), _journal(paths, clock))


def _settings(paths: Paths, known: Settings | WizardError, clock: Clock) -> Finding:
    if isinstance(known, WizardError):
        return of_error("Settings", Outcome.FAILED, known, clock)
    source = str(paths.config_file) if paths.config_file.exists() else "The defaults; there is no config.toml"
    return note("Settings", Outcome.PASSED, f"{source}: {', '.join(known.environments)}.", clock)


def _services(paths: Paths, clock: Clock) -> Finding:
    try:
        services = load_services(paths.services_file)
    except WizardError as error:
        return of_error("Echo services", Outcome.FAILED, error, clock)
    operators = len({service.operator for service in services})
    if operators > 1:
        return note("Echo services", Outcome.PASSED, f"{len(services)} services of {operators} operators.", clock)
    observed = f"There are {len(services)}, of {operators} operators; two operators are needed to agree."
    advice = f"Enable others in {paths.services_file}."
    return note("Echo services", Outcome.FAILED, observed, clock, advice=advice)


def _privacy(paths: Paths, clock: Clock) -> Finding:
    """Look at the directories only: into a closed one nobody gets, whatever the modes of its files."""
    if exposed := [*_exposed(paths)]:
        named = ", ".join(str(directory) for directory in exposed)
        observed = f"Other users of this system can look into {named}."
        advice = f"Run: chmod go= {' '.join(str(directory) for directory in exposed)}"
        return note("Privacy", Outcome.FAILED, observed, clock, advice=advice)
    return note("Privacy", Outcome.PASSED, "The directories are closed to other users.", clock)


def _exposed(paths: Paths) -> Iterator[Path]:
    # On Windows the mode says nothing: rights come from the user's profile directory.
    for directory in (paths.config, paths.state) if os.name == "posix" else ():
        if directory.exists() and directory.stat().st_mode & OTHERS:
            yield directory


def _journal(paths: Paths, clock: Clock) -> Finding:
    try:
        with read_journal(paths, clock) as journal:
            journal.check()
            altered = journal.first_altered_event()
    except WizardError as error:
        return of_error("Journal", Outcome.FAILED, error, clock)
    if altered is not None:
        observed = f"Event {altered} of {paths.journal} does not follow from the one before it: somebody altered it."
        advice = "Keep the file. Compare the keys with the exchange's page before the next rotation."
        return note("Journal", Outcome.FAILED, observed, clock, advice=advice)
    if not paths.journal.exists():
        return note("Journal", Outcome.PASSED, "There is none yet; the first rotation makes it.", clock)
    gap = "that no events are missing at the end"
    return note(
        "Journal",
        Outcome.PASSED,
        "It is whole, and each event follows from the one before it.",
        clock,
        does_not_prove=gap,
    )
