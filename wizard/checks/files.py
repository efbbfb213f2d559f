"""The files: settings, echo services, who can look into the directories, and the journal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wizard.core.errors import WizardError
from wizard.core.settings import OTHERS, Paths, Settings
from wizard.egress.services import load_services
from wizard.rotation.findings import FindingWriter
from wizard.rotation.journal import read_journal
from wizard.rotation.model import Finding, Outcome


def check_files(paths: Paths, known: Settings | WizardError, writer: FindingWriter) -> tuple[Finding, ...]:
    """Look at every file once, the directories before the journal is opened in them."""
    return (_settings(paths, known, writer), _services(paths, writer), _privacy(paths, writer), _journal(paths, writer))


def _settings(paths: Paths, known: Settings | WizardError, writer: FindingWriter) -> Finding:
    if isinstance(known, WizardError):
        return writer.error("Settings", Outcome.FAILED, known)
    source = str(paths.config_file) if paths.config_file.exists() else "The defaults; there is no config.toml"
    return writer.note("Settings", Outcome.PASSED, f"{source}: {', '.join(known.environments)}.")


def _services(paths: Paths, writer: FindingWriter) -> Finding:
    try:
        services = load_services(paths.services_file)
    except WizardError as error:
        return writer.error("Echo services", Outcome.FAILED, error)
    operators = len({service.operator for service in services})
    if operators > 1:
        return writer.note("Echo services", Outcome.PASSED, f"{len(services)} services of {operators} operators.")
    observed = f"There are {len(services)}, of {operators} operators; two operators are needed to agree."
    advice = f"Enable others in {paths.services_file}."
    return writer.note("Echo services", Outcome.FAILED, observed, advice=advice)


def _privacy(paths: Paths, writer: FindingWriter) -> Finding:
    """Look at the directories only: into a closed one nobody gets, whatever the modes of its files."""
    if exposed := [*_exposed(paths)]:
        named = ", ".join(str(directory) for directory in exposed)
        observed = f"Other users of this system can look into {named}."
        advice = f"Run: chmod go= {' '.join(str(directory) for directory in exposed)}"
        return writer.note("Privacy", Outcome.FAILED, observed, advice=advice)
    return writer.note("Privacy", Outcome.PASSED, "The directories are closed to other users.")


def _exposed(paths: Paths) -> Iterator[Path]:
    # On Windows the mode says nothing: rights come from the user's profile directory.
    for directory in (paths.config, paths.state) if os.name == "posix" else ():
        if directory.exists() and directory.stat().st_mode & OTHERS:
            yield directory


def _journal(paths: Paths, writer: FindingWriter) -> Finding:
    try:
        with read_journal(paths) as journal:
            journal.check()
    except WizardError as error:
        return writer.error("Journal", Outcome.FAILED, error)
    if not paths.journal.exists():
        return writer.note("Journal", Outcome.PASSED, "There is none yet; the first rotation makes it.")
    return writer.note("Journal", Outcome.PASSED, "It is whole, and each row holds what it should.")
