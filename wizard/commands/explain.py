"""`key-wizard explain`: what does the error in a bot's log mean, with what this host sees now?

Invariants: no key is read and no signed call is made. Of the text nothing is shown but what `find_last_error` keeps.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from dataclasses import replace

from wizard.commands.console import ArgumentParser, print_json, print_message, print_result, standard_input
from wizard.commands.egress import as_json, keep_observation, observe
from wizard.core import settings
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Environment, Paths
from wizard.core.threads import run_async
from wizard.custody.records import Slot
from wizard.egress.detection import EgressReport
from wizard.exchange.diagnosis import WRONG_TIME, Cause, diagnose
from wizard.exchange.logged import LoggedError, find_last_error
from wizard.exchange.skew import ClockSkew
from wizard.intake.sources import decode, read_file
from wizard.rotation.exchange_calls import circumstances, measure_clock
from wizard.rotation.journal import networks_of, read_journal
from wizard.rotation.json_records import describe_key
from wizard.rotation.key_check import change_list

LARGEST = 5 * 2**20
"""Bytes of a log."""

SUMMARY = "what does the error in your bot's log mean?"
EXAMPLES = """\
key-wizard explain production bot.log
journalctl -u bot -n 200 | key-wizard explain production
echo 'APIError(code=-2015): Invalid API-key' | key-wizard explain production --json"""
ABOUT = """\
Finds Binance's code, HTTP status and the address in lines of ccxt, freqtrade, python-binance, Hummingbot,
Binance's SDKs and others. The last error counts. It is compared with this host's address, the whitelist
and what is known of the key in use. No key is sent, and no line of the log is shown.
Exit codes: 0 explained, 1 no error of Binance found, 6 explained, but this host's address is not known."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="whose key your bot uses")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the log, - or nothing for standard input")


def run(options: argparse.Namespace) -> int:
    """Find the last error, and say what it means."""
    paths, known_settings = settings.read()
    environment, now = known_settings.environment(options.environment), time.time()
    logged = find_last_error(_read(options.file), now)
    if logged is None:
        raise WizardError(
            "No error of Binance was found",
            why="The text has no code such as -2015, and no HTTP 403, 418, 429, 451 or 5xx of Binance.",
            advice="Take more lines of the log. The answer of Binance has to be in them.",
            code="explain.none",
        )
    with read_journal(paths) as journal:
        key, job = journal.key_in(environment.name, Slot.CURRENT), journal.open_rotation(environment.name)
        addresses, named = journal.addresses_of_hosts(environment.name), logged.error.request_ip
    egress, skew = run_async(_observe(logged, environment, paths))
    report = egress if isinstance(egress, EgressReport) else None
    address = report.verdict.address if report else None
    if report:
        keep_observation(report, environment, paths, "explain")
    known = circumstances(
        environment.site,
        str(address or ""),
        networks_of(key.whitelist) if key else (),
        key,
        is_shared=report is not None and report.verdict.is_shared,
    )
    command = change_list(environment) if key and job is None else ""
    known = replace(known, surface=logged.surface or known.surface, skew=skew, change_list=command)
    found = diagnose(logged.error, known)
    if found.cause is Cause.REQUEST:
        found = replace(found, advice="Update your bot, or ask its makers. The key is not the problem.")
    gap = f"that your bot runs on this host{f' and uses {key.name}' if key else ''}"
    hosts = [host for host, one in addresses.items() if one == named]
    if options.json:
        shown = ("outcome", "cause", "what", "why", "advice", "code", "retry_after")
        verdict = {name: getattr(found, name) for name in shown}
        seen = {"egress": report and as_json(report), "key": describe_key(key, now), "does_not_prove": gap}
        where = {name: getattr(logged, name) for name in ("line", "status", "surface", "others")}
        where |= {"named": str(named) if named else None, "hosts": hosts}
        print_json({"environment": environment.name, **verdict, **where, **seen})
    else:
        others = ", ".join(f"{label} ({count})" for label, count in logged.others.items())
        rows = {
            "Error": f"{logged.shown}, line {logged.line}",
            "Also found": others,
            "Named": f"{named}, the address of {', '.join(hosts)}" if hosts else str(named or ""),
            "This host": egress.what if isinstance(egress, WizardError) else egress.sentence(),
            "Whitelist": f"{key.whitelist or 'not known'}, of {key.name}" if key else "",
            "Not proven": gap,
        }
        lines = [f"{label:<12} {text}" for label, text in rows.items() if text]
        print_result(f"{found.what}.", *(f"  {line}" for line in (found.why, found.advice, *lines) if line))
    return Exit.FINE if address else Exit.INCONCLUSIVE


def _read(file: str) -> str:
    if file != "-":
        return decode(read_file(file, LARGEST)[1], "replace")
    if sys.stdin is not None and sys.stdin.isatty():
        print_message("Paste the lines, then press Ctrl+D.")
    return standard_input(LARGEST)


async def _observe(
    logged: LoggedError, environment: Environment, paths: Paths
) -> tuple[EgressReport | WizardError, ClockSkew | None]:
    """Return this host's address and, where the error is about the time, how far its clock is off."""
    egress, skew = await observe(environment, paths), None
    if logged.error.exchange_code == WRONG_TIME:
        with suppress(WizardError, TimeoutError):  # then it is not known
            skew = await measure_clock(environment)
    return egress, skew
