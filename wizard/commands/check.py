"""`key-wizard check`: for cron. Is the key there, accepted, young enough, and this host on its list?"""

from __future__ import annotations

import argparse
import os
import time

from wizard.checks.check import CheckedKey, KeyCheck
from wizard.commands.console import exit_code, non_negative, print_finding, print_json
from wizard.commands.egress import keep_observation
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.errors import Exit
from wizard.core.threads import run_async
from wizard.custody.store import PHRASES
from wizard.egress.services import load_services
from wizard.rotation.findings import STORAGE
from wizard.rotation.json_records import describe_finding, describe_key
from wizard.rotation.model import Outcome

DEFAULT_DAYS = 90.0
"""Binance's blog recommends a rotation every 30 to 90 days (square posts 276340 and 380736)."""
_DAY = 86400.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "check",
        help="for cron: egress still covered? key still accepted? too old?",
        description="Looks at the current key and changes nothing about it; the observed address is kept. Exit code: 0"
        " fine, 1 something is wrong, 5 the keyring or encrypted file cannot be used, 6 the network or exchange gave no"
        " clear answer.",
    )
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--max-age",
        metavar="DAYS",
        type=non_negative,
        default=DEFAULT_DAYS,
        help=f"too old after; {DEFAULT_DAYS:g}",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine the key, and say each finding."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.environment)
    services = load_services(paths.services_file)
    check = KeyCheck(
        environment, paths, services, place_opener(paths, known), os.environ, time.time, PHRASES[known.custody.place]
    )
    checked = run_async(check.run(options.max_age * _DAY))
    if checked.egress:
        keep_observation(checked.egress, environment, paths, "check")
    code = _exit_code(checked)
    if options.json:
        print_json(
            {
                "environment": environment.name,
                "fine": code is Exit.FINE,
                "current": describe_key(checked.key, time.time()),
                "checks": [describe_finding(finding) for finding in checked.findings],
            }
        )
    else:
        for finding in checked.findings:
            print_finding(finding)
    return code


def _exit_code(checked: CheckedKey) -> Exit:
    is_shut = any(finding.subject == STORAGE and finding.outcome is Outcome.FAILED for finding in checked.findings)
    return Exit.KEYRING_UNUSABLE if is_shut else exit_code(checked.findings)
