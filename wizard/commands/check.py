"""`key-wizard check`: for cron. Is the key there, accepted, young enough, and this host on its whitelist?

Invariant: it takes no lock and changes nothing of the key. While a wizard works on the environment, this reads what
stands in the journal and in the place of the credentials.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time

from wizard.commands.console import ArgumentParser, exit_code, non_negative, print_finding, print_json
from wizard.commands.egress import keep_observation
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.clock import duration
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.sites import Site
from wizard.core.threads import run_async
from wizard.custody.errors import CustodyError
from wizard.custody.records import KeyRecord
from wizard.custody.store import PHRASES
from wizard.egress.detection import EgressReport, detect
from wizard.egress.services import load_services
from wizard.exchange.diagnosis import diagnose
from wizard.net.route import decide_route
from wizard.rotation.current_credentials import NoCurrentKeyError, current_key, fetch
from wizard.rotation.exchange_calls import SignedAnswer, ask, circumstances, open_exchange
from wizard.rotation.findings import STORAGE, FindingWriter
from wizard.rotation.journal import networks_of
from wizard.rotation.json_records import describe_finding, describe_key
from wizard.rotation.model import Finding, Outcome

CURRENT_KEY = "Current key"
ACCEPTED = "Accepted"
WHITELIST = "Whitelist"
AGE = "Age"
CALL_DEADLINE = 10.0
"""Seconds for one call to the exchange; there is one."""
DEFAULT_DAYS = 90.0
"""Binance's blog recommends a rotation every 30 to 90 days (square posts 276340 and 380736)."""
_DAY = 86400.0

SUMMARY = "for cron: is the key accepted, its address covered, its age fine?"
EXAMPLES = """\
key-wizard check production
key-wizard check production --max-age 30 --json"""
ABOUT = """\
Makes one signed read-only call and changes nothing on Binance. The observed address is kept.
Exit codes: 0 fine, 1 something is wrong, 5 the storage cannot be used, 6 no clear answer."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument(
        "--max-age", metavar="DAYS", type=non_negative, default=DEFAULT_DAYS, help="too old after (%(default)g)"
    )


def run(options: argparse.Namespace) -> int:
    """Examine the key, and say each finding."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.environment)
    key, findings, egress = run_async(_check(environment, paths, known, options.max_age * _DAY))
    if egress:
        keep_observation(egress, environment, paths, "check")
    is_shut = any(finding.subject == STORAGE and finding.outcome is Outcome.FAILED for finding in findings)
    code = Exit.KEYRING_UNUSABLE if is_shut else exit_code(findings)
    if options.json:
        print_json(
            {
                "environment": environment.name,
                "fine": code is Exit.FINE,
                "current": describe_key(key, time.time()),
                "checks": [describe_finding(finding) for finding in findings],
            }
        )
    else:
        for finding in findings:
            print_finding(finding)
    return code


async def _check(
    environment: Environment, paths: Paths, known: Settings, max_age: float
) -> tuple[KeyRecord | None, tuple[Finding, ...], EgressReport | None]:
    """Return the key, what was found, and what was observed of this host's address; each trouble becomes a finding."""
    try:
        key = current_key(environment.name, paths)
    except NoCurrentKeyError as error:
        writer = FindingWriter(time.time, "")
        missing = writer.error(CURRENT_KEY, Outcome.FAILED, error)
        return None, (missing, *writer.not_run(ACCEPTED, WHITELIST, AGE)), None
    egress, answer = await asyncio.gather(_observe(environment, paths), _ask(key, environment, paths, known))
    report = egress if isinstance(egress, EgressReport) else None
    address = str(report.verdict.addresses[0]) if report and report.verdict.is_agreed else ""
    writer = FindingWriter(time.time, address)
    asked = _asked(writer, key, environment.site, PHRASES[known.custody.place], answer)
    return key, (*asked, _covered(writer, key, egress), _age(writer, key, answer, max_age)), report


async def _observe(environment: Environment, paths: Paths) -> EgressReport | WizardError:
    try:
        route = decide_route(environment, os.environ)
        return await detect(load_services(paths.services_file), route, rules=environment.rules)
    except WizardError as error:
        return error


async def _ask(key: KeyRecord, environment: Environment, paths: Paths, known: Settings) -> SignedAnswer | WizardError:
    try:
        with await fetch(key, await place_opener(paths, known)()) as credentials:
            route = decide_route(environment, os.environ)
            async with open_exchange(environment, route, timeout=CALL_DEADLINE, clock=time.time) as client:
                return await ask(client, credentials, circumstances(environment.site))
    except WizardError as error:
        return error


def _asked(
    writer: FindingWriter, key: KeyRecord, site: Site, place: str, answer: SignedAnswer | WizardError
) -> tuple[Finding, ...]:
    if isinstance(answer, CustodyError | NoCurrentKeyError):
        subject = STORAGE if isinstance(answer, CustodyError) else CURRENT_KEY
        return (writer.error(subject, Outcome.FAILED, answer), *writer.not_run(ACCEPTED))
    held = writer.note(CURRENT_KEY, Outcome.PASSED, f"{key.name} was read from {place}.")
    if isinstance(answer, WizardError):
        return (held, writer.error(ACCEPTED, Outcome.INCONCLUSIVE, answer))
    known = circumstances(site, writer.egress, networks_of(key.whitelist))
    accepted = writer.diagnosis(ACCEPTED, diagnose(answer.error, known))
    if answer.restrictions is None:  # the site does not tell whether it binds the key to a list
        return (held, accepted)
    return (held, accepted, writer.restriction(answer.restrictions.ip_restricted, is_adopted=not key.whitelist))


def _covered(writer: FindingWriter, key: KeyRecord, egress: EgressReport | WizardError) -> Finding:
    whitelist = key.whitelist
    if isinstance(egress, WizardError):
        return writer.error(WHITELIST, Outcome.INCONCLUSIVE, egress)
    if not whitelist:
        observed = "No whitelist was stored with this key. There is nothing to compare the address with."
        return writer.note(WHITELIST, Outcome.NOT_APPLICABLE, observed)
    if not egress.verdict.is_agreed:
        advice = "To see each answer, run: key-wizard egress"
        return writer.note(WHITELIST, Outcome.INCONCLUSIVE, egress.sentence(), advice=advice)
    address = egress.verdict.addresses[0]
    if any(address in network for network in networks_of(whitelist)):
        observed = f"{egress.sentence()} The whitelist stored with the key covers it."
        gap = "that Binance has the same list"
        return writer.note(WHITELIST, Outcome.PASSED, observed, does_not_prove=gap)
    observed = f"{egress.sentence()} The whitelist stored with the key does not cover it: {whitelist}."
    advice = f"Add {address} to the whitelist of {key.name} on Binance, or replace the key with its whitelist."
    return writer.note(WHITELIST, Outcome.FAILED, observed, advice=advice)


def _age(writer: FindingWriter, key: KeyRecord, answer: SignedAnswer | WizardError, max_age: float) -> Finding:
    """Judge the older of two dates: a key that was adopted is older than its stored item."""
    restrictions = answer.restrictions if isinstance(answer, SignedAnswer) else None
    created = restrictions.created_ms / 1000 if restrictions and restrictions.created_ms is not None else None
    is_dated = created is not None and created < key.stored_at
    since = created if created is not None and is_dated else key.stored_at
    age, seen = writer.clock() - since, "Binance created the key" if is_dated else "The key was stored here"
    if age < 0:
        observed = "The key's age is not known. It was stored at a time that is in the future of this host's clock."
        return writer.note(AGE, Outcome.INCONCLUSIVE, observed, advice="Let the system set its clock (NTP).")
    observed = f"{seen} {duration(age)} ago. The limit is {duration(max_age)}."
    if age <= max_age:
        gap = "" if created is not None else "that it is not older, because Binance did not say when it was created"
        return writer.note(AGE, Outcome.PASSED, observed, does_not_prove=gap)
    return writer.note(AGE, Outcome.FAILED, observed, advice=f"Replace it: key-wizard --env {key.environment}")
