"""`key-wizard status`: environments, keys, age, last proof, open jobs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

from wizard.commands.console import print_json, print_result
from wizard.core import settings
from wizard.core.clock import duration
from wizard.core.errors import Exit
from wizard.rotation.journal import Journal, Overview, read_journal
from wizard.rotation.json_records import describe_finding, describe_key
from wizard.rotation.model import Finding, Mode

SUMMARY = "environments, their keys, what is open and what is next"
EXAMPLES = """\
key-wizard status            one line for each environment
key-wizard status --json     the same for programs"""
ABOUT = "Exit codes: 0 nothing is open, 3 a job is open, 4 a legacy or unused key is not proven dead."


def run(options: argparse.Namespace) -> int:
    """Say what the records hold."""
    paths, known = settings.read()
    with read_journal(paths) as journal:
        seen = journal.overview(known.environments.values())
        targets = {one.environment.name: _targets(one, journal) for one in seen}
    now = time.time()
    if options.json:
        print_json({"environments": [_as_json(one, targets[one.environment.name], now) for one in seen]})
    else:
        print_result(*(line for one in seen for line in _lines(one, targets[one.environment.name], now)))
    leaking = any(one.open_rotation and one.open_rotation.mode is Mode.LEAKED for one in seen)
    if leaking or any(one.legacy or one.unused for one in seen):
        return Exit.LEGACY_ALIVE
    return Exit.ROTATION_OPEN if any(one.open_rotation for one in seen) else Exit.FINE


def _targets(one: Overview, journal: Journal) -> Sequence[Finding]:
    if not one.environment.targets:
        return ()
    from wizard.rotation.delivery import deliveries  # noqa: PLC0415 - it loads an HTTP library

    return [each.finding for each in deliveries(one.environment, journal)]


def _lines(one: Overview, targets: Sequence[Finding], now: float) -> Iterator[str]:
    key = "no key"
    if one.current:
        proven = one.current.proven_at
        key = f"{one.current.name}, stored {duration(now - one.current.stored_at)} ago"
        key += "" if proven is None else f", proven {duration(now - proven)} ago"
        key += f" from {one.current.proven_from}" if proven is not None and one.current.proven_from else ""
    dead = [f"legacy key {one.legacy.name}"] if one.legacy else []
    dead += [f"unused key {key.name}" for key in one.unused]
    legacy = "".join(f", {key} is not proven dead" for key in dead)
    yield f"{one.environment.name:<14} {one.environment.site.name:<14} {key}{legacy}, next: {one.next_step}"
    yield from (f"{'':<14} {each.observed}" for each in targets if each.advice)


def _as_json(one: Overview, targets: Sequence[Finding], now: float) -> dict[str, object]:
    return {
        "environment": one.environment.name,
        "site": one.environment.site.name,
        "current": describe_key(one.current, now),
        "legacy": describe_key(one.legacy, now),
        "unused": [describe_key(key, now) for key in one.unused],
        "open_rotation": one.open_rotation and {"step": one.open_rotation.step, "mode": one.open_rotation.mode},
        "next": one.next_step,
        "targets": [describe_finding(each) for each in targets],
    }
