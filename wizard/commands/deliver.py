"""`key-wizard deliver ENV`: the current key is written where the settings say that bots read it."""

from __future__ import annotations

import argparse

from wizard.commands.console import ArgumentParser, exit_code, print_finding, print_json
from wizard.core import settings
from wizard.core.errors import Exit, UsageError
from wizard.core.threads import run_async
from wizard.custody.custodian import Custodian
from wizard.rotation.current_credentials import current_key
from wizard.rotation.json_records import describe_finding, describe_name
from wizard.rotation.model import Finding
from wizard.rotation.opening import open_flow

SUMMARY = "write the current key where your bots read it, on other hosts too"
EXAMPLES = """\
key-wizard deliver production            what is due
key-wizard deliver production --again    every target, also where nothing is due
key-wizard deliver production --json     the same for programs"""
ABOUT = """\
Targets are in config.toml. Each is written, read back and compared. It never asks a question.
Exit codes: 0 fine, 1 a target says no, 2 usage, 4 so a legacy key lives on,
5 the storage cannot be used, 6 no target answers."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument("--again", action="store_true", help="also to targets that have the key, and restart there")


def run(options: argparse.Namespace) -> int:
    """Deliver what is due, and say what each target has then."""
    paths, known = settings.read()
    environment = known.environment(options.environment)
    if not environment.targets:
        example = f'[environments.{environment.name}.deliver.bot-1]\nhost = "bot-1"\nfile = "/srv/bot/binance.json"'
        what, advice = f"{environment.name} has no target to deliver to", f"Add one to config.toml.\n{example}"
        raise UsageError(what, advice=advice, code="deliver.no-target")
    name, again = current_key(environment.name, paths).name, [one.name for one in environment.targets if options.again]

    async def deliver() -> tuple[list[Finding], bool]:
        place = Custodian(known.custody, paths.encrypted_file, paths.config_file)
        async with open_flow(environment, paths, place.open) as flow:
            findings = [one.finding for one in await flow.deliveries.run(*again)]
            return findings, bool(flow.retire.legacy and flow.deliveries.due)

    findings, keeps_legacy = run_async(deliver())
    if options.json:
        targets = [describe_finding(each) for each in findings]
        print_json({"environment": environment.name, "current": describe_name(name), "targets": targets})
    for each in () if options.json else findings:
        print_finding(each)
    return Exit.LEGACY_ALIVE if keeps_legacy else exit_code(findings)
