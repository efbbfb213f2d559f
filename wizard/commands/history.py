"""`key-wizard history`: what was rotated, with which proof, and whether the record is as it was written."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from wizard.commands.console import print_json, tell
from wizard.core import settings
from wizard.core.clock import utc
from wizard.core.exit_codes import Exit
from wizard.core.settings import Settings
from wizard.core.text import printable
from wizard.rotation.certificate import Certificate, restore_certificate
from wizard.rotation.flow import CERTIFIED
from wizard.rotation.journal import Journal
from wizard.rotation.model import Event, RotationRecord
from wizard.rotation.reading import read_journal


@dataclass(frozen=True, slots=True)
class Chapter:
    """One rotation, with its certificate where it has one."""

    rotation: RotationRecord
    certificate: Certificate | None
    is_intact: bool
    """Whether the certificate was written before the first event that was altered."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "history",
        help="rotations and their certificates",
        description="Lists rotations, the oldest first. Exit code 1 when an event of the record was altered.",
    )
    parser.add_argument("environment", metavar="ENV", nargs="?", help="one environment; all where none is named")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the journal to its end, and say what it holds."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    with read_journal(paths) as journal:
        altered = journal.first_altered_event()
        chapters = _chapters(journal, known, options.environment, altered)
    if options.json:
        print_json({"first_altered_event": altered, "rotations": [_as_json(chapter) for chapter in chapters]})
    else:
        _tell(chapters)
    if altered is None:
        return Exit.FINE
    tell(f"key-wizard: the record was altered: event {altered} does not follow from the one before it.")
    tell(f"  Do not rely on what was written from there on. Keep the file for an inspection: {paths.journal}")
    return Exit.SAYS_NO


def _chapters(journal: Journal, known: Settings, name: str | None, altered: int | None) -> tuple[Chapter, ...]:
    events = journal.intact_events()
    names = dict.fromkeys([*known.environments, *_begun(events, altered)])
    if name is not None and name not in names:
        known.environment(name)  # raises, and names those that there are
    certified = {event.rotation: event for event in events if event.kind == CERTIFIED}
    rotations = [rotation for one in ([name] if name else names) for rotation in journal.rotations(one)]
    return tuple(
        _chapter(rotation, certified.get(rotation.number), altered)
        for rotation in sorted(rotations, key=lambda rotation: rotation.number)
    )


def _chapter(rotation: RotationRecord, certified: Event | None, altered: int | None) -> Chapter:
    certificate = restore_certificate(certified.detail) if certified else None
    return Chapter(rotation, certificate, is_intact=_precedes(certified, altered))


def _begun(events: Sequence[Event], altered: int | None) -> Iterator[str]:
    """Return the environments of all rotations: some may no longer be in the settings."""
    for event in events:
        if event.kind == "rotation.begun" and _precedes(event, altered):
            yield str(event.detail["environment"])


def _precedes(event: Event | None, altered: int | None) -> bool:
    return event is None or altered is None or event.number < altered


def _as_json(chapter: Chapter) -> dict[str, object]:
    certificate = chapter.certificate and asdict(chapter.certificate)
    return {**asdict(chapter.rotation), "certificate": certificate, "intact": chapter.is_intact}


def _tell(chapters: Sequence[Chapter]) -> None:
    if not chapters:
        tell("No rotation was begun yet.")
    for chapter in chapters:
        tell(_line(chapter.rotation))
        for label, text in chapter.certificate.lines() if chapter.certificate else ():
            tell(f"    {label:<12} {printable(text, limit=1000)}")
        if not chapter.is_intact:
            tell("    This certificate comes after an event that was altered.")


def _line(rotation: RotationRecord) -> str:
    begun = f"#{rotation.number} {rotation.environment}, {rotation.mode}, begun {utc(rotation.started_at)}"
    return f"{begun}, {'open at ' + rotation.step if rotation.is_open else rotation.outcome}"
