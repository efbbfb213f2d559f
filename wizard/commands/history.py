"""`key-wizard history`: which jobs were done, and with which proof."""

from __future__ import annotations

import argparse

from wizard.commands.console import ArgumentParser, print_json, print_result
from wizard.core import settings
from wizard.core.clock import utc
from wizard.core.errors import Exit
from wizard.core.settings import Settings
from wizard.rotation.flow import CERTIFIED
from wizard.rotation.journal import Journal, read_journal
from wizard.rotation.json_records import describe_rotation
from wizard.rotation.model import JOB_NAMES, RotationRecord
from wizard.rotation.report import restore_report

SUMMARY = "finished jobs and their reports, the oldest first"
EXAMPLES = """\
key-wizard history                 all environments
key-wizard history production      one environment"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", nargs="?", help="one environment, also one of the past")


def run(options: argparse.Namespace) -> int:
    """Read the records to their end, and say what they hold."""
    paths, known = settings.read()
    with read_journal(paths) as journal:
        rotations = _rotations(journal, known, options.environment)
        reports = {event.rotation: restore_report(event.detail) for event in journal.events(kind=CERTIFIED)}
    if options.json:
        print_json({"rotations": [describe_rotation(each, reports.get(each.number)) for each in rotations]})
        return Exit.FINE
    if not rotations:
        print_result("Nothing was done here yet.")
    for rotation in rotations:
        report = reports.get(rotation.number)
        rows = [f"    {label:<12} {text}" for label, text in report.lines()] if report else []
        print_result(_line(rotation), *rows)
    return Exit.FINE


def _rotations(journal: Journal, known: Settings, name: str | None) -> list[RotationRecord]:
    # Some environments may no longer be in the settings.
    begun = (str(event.detail["environment"]) for event in journal.events(kind="rotation.begun"))
    names = dict.fromkeys([*known.environments, *begun])
    if name is not None and name not in names:
        known.environment(name)  # raises, and names those that there are
    rotations = [rotation for one in ([name] if name else names) for rotation in journal.rotations(one)]
    return sorted(rotations, key=lambda rotation: rotation.number)


def _line(rotation: RotationRecord) -> str:
    begun = f"#{rotation.number} {rotation.environment}, {JOB_NAMES[rotation.mode]}, begun {utc(rotation.started_at)}"
    return f"{begun}, {'open at ' + rotation.step if rotation.is_open else rotation.outcome}"
