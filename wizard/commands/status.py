"""`key-wizard status`: environments, keys, age, last proof, open rotations."""

from __future__ import annotations

import argparse
import time

from wizard.commands.console import print_json, print_message
from wizard.core import settings
from wizard.core.clock import duration
from wizard.core.errors import Exit
from wizard.rotation.journal import Overview, read_journal
from wizard.rotation.json_records import describe_key


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("status", help="environments, keys, age, last proof, open rotations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the journal and say what it holds; a rotation that is open is exit code 3, a living legacy key 4."""
    paths = settings.paths()
    environments = settings.load(paths.config_file).environments.values()
    with read_journal(paths) as journal:
        seen = journal.overview(environments)
    now = time.time()
    if options.json:
        print_json({"environments": [_as_json(one, now) for one in seen]})
    else:
        for one in seen:
            print_message(_line(one, now))
    return _exit_code(seen)


def _exit_code(seen: tuple[Overview, ...]) -> Exit:
    if any(one.legacy for one in seen):
        return Exit.LEGACY_ALIVE
    return Exit.ROTATION_OPEN if any(one.open_rotation for one in seen) else Exit.FINE


def _line(one: Overview, now: float) -> str:
    key = f"{one.current.name}, stored {duration(now - one.current.stored_at)} ago" if one.current else "no key"
    legacy = f"; legacy {one.legacy.name} is not proven dead" if one.legacy else ""
    return f"{one.environment.name:<14} {one.environment.site.name:<14} {key}{legacy}; next: {one.next_step}"


def _as_json(one: Overview, now: float) -> dict[str, object]:
    return {
        "environment": one.environment.name,
        "site": one.environment.site.name,
        "current": describe_key(one.current, now),
        "legacy": describe_key(one.legacy, now),
        "open_rotation": one.open_rotation and {"step": one.open_rotation.step, "mode": one.open_rotation.mode},
    }
