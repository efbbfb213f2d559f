"""`key-wizard doctor`: terminal, keyring, network, clock and files, one line each, with the fix."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from wizard.checks.doctor import Area, Doctor, PlaceFinding
from wizard.commands.console import exit_code, print_finding, print_json
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.errors import Exit, WizardError, sentences
from wizard.core.settings import Paths, Settings
from wizard.custody.errors import CustodyError
from wizard.custody.store import Store
from wizard.rotation.json_records import describe_finding
from wizard.rotation.model import Finding, Outcome


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "doctor",
        help="terminal, keyring, network, clock, files: one line each, with the fix",
        description="Looks at what the wizard needs on this host. Exit code: 0 fine, 1 files, stored keys"
        " or the clock are wrong, 5 the keyring or encrypted file cannot be used, 6 an exchange was not reached.",
    )
    parser.add_argument("--only", choices=[str(area) for area in Area], help="look at one area")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look, and say each finding."""
    paths = settings.paths()
    try:
        known: Settings | WizardError = settings.load(paths.config_file)
    except WizardError as error:
        known = error
    doctor = Doctor(paths, known, os.environ, sys.__stdin__, sys.__stderr__, _place_opener(paths, known), time.time)
    found = asyncio.run(doctor.look((Area(options.only),) if options.only else tuple(Area)))
    if options.json:
        checks = [
            {"area": area, **describe_finding(finding)} for area, findings in found.items() for finding in findings
        ]
        print_json({"checks": checks})
    else:
        for findings in found.values():
            for finding in findings:
                print_finding(finding)
    return _exit_code(found)


def _place_opener(paths: Paths, known: Settings | WizardError) -> Callable[[], Awaitable[Store]]:
    """Return what opens the place of the credentials. Settings that cannot be read may name another one."""
    if isinstance(known, Settings):
        return place_opener(paths, known)
    why, advice = " ".join(sentences(known.what, known.why)), known.advice

    async def open_no_place() -> Store:
        raise CustodyError("Where credentials are kept is not known", why=why, advice=advice, code="settings")

    return open_no_place


def _exit_code(found: Mapping[Area, tuple[Finding, ...]]) -> Exit:
    place = next((finding for finding in found.get(Area.KEYRING, ()) if isinstance(finding, PlaceFinding)), None)
    if place is not None and place.outcome is Outcome.FAILED:
        return Exit.KEYRING_UNUSABLE
    return exit_code(finding for findings in found.values() for finding in findings)
