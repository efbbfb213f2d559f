"""`key-wizard import`: a key in use comes under the wizard's care, without a question where there is exactly one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wizard.commands.console import ArgumentParser, print_finding, print_json, print_message, print_result
from wizard.commands.prompts import ask, place_opener
from wizard.core import settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.text import printable
from wizard.core.threads import run_async
from wizard.custody.records import Slot
from wizard.intake.paste import IntakeError, NamedValue, Role, read_key
from wizard.intake.private_keys import NEEDS_PASSPHRASE, import_pem
from wizard.intake.sources import LARGEST_FILE, Found, read_key_text, read_source, search
from wizard.rotation.journal import read_journal
from wizard.rotation.json_records import describe_finding, describe_key
from wizard.rotation.model import Finding, Mode, Outcome, Step
from wizard.rotation.opening import open_flow

if TYPE_CHECKING:
    from wizard.custody.records import KeyRecord
    from wizard.exchange.signing import KeyPair
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report

STANDARD_INPUT = "-"
SUMMARY = "bring the key that your bot uses now into the wizard"
EXAMPLES = """\
key-wizard import production                       read it from where it is now
key-wizard import production ~/bot/.env            from this file
key-wizard import production --dry-run             only name what is there, masked
key-wizard import production - < keys.txt          from standard input"""
ABOUT = """\
Looks in .env, config.json, user_data/config.json and conf/connectors of the working directory,
and in the environment variables. The key is stored, read back, tried, and in use from then on.
Your files stay as they are, and nothing changes on Binance. FILE may hold a private key too.
Exit codes: 0 in use, 1 no key found or one is in use already, 2 several keys, 3 Binance refuses it,
5 the storage cannot be used, 6 no clear answer."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="for which environment")
    parser.add_argument("file", metavar="FILE", nargs="?", help="what holds the key, - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="store nothing and send nothing")


def run(options: argparse.Namespace) -> int:
    """Read the key, store it, try it, and make it the current one."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.environment)
    if not options.dry_run:
        _expect_none(environment, paths)
    found = _find(environment.name, options.file)
    try:
        if found.warning:
            print_message(found.warning)
        if options.dry_run:
            return _name(environment.name, found, as_json=options.json)
        return _import(environment, paths, known, found, as_json=options.json)
    finally:
        found.wipe()


def _expect_none(environment: Environment, paths: Paths) -> None:
    with read_journal(paths) as journal:
        current = journal.key_in(environment.name, Slot.CURRENT)
    if current is not None:
        raise WizardError(
            f"{current.name} is in use already",
            why="Each environment has one key.",
            advice=f"To replace it, run:\nkey-wizard --env {environment.name}",
            code="import.key-in-use",
        )


def _find(environment: str, file: str | None) -> Found:
    """Return the one key that there is; UsageError where there are several, WizardError where there is none."""
    if file is None:
        looked = search(os.environ)
        if found := looked.take():
            return found
        if not looked.listed:
            where = ", ".join(printable(place, 200) for place in looked.looked_at)
            advice = f"Name the file that holds it:\nkey-wizard import {environment} FILE"
            raise IntakeError("No key was found", why=f"Looked in {where}.", advice=advice, code="import.none")
        advice = f"Name the place of the one you mean:\nkey-wizard import {environment} FILE"
        raise _several("Several keys were found", looked.listed, advice)
    try:
        return _standard_input() if file == STANDARD_INPUT else read_source(file, os.environ)
    except IntakeError as error:
        if not error.named:
            raise
        lines = f"Pipe only the lines of one key:\nsed -n 1,2p FILE | key-wizard import {environment} -"
        keys = [f"line {one.line}, {one.name}, {one.shown}" for one in error.named]
        raise _several(error.what, keys, lines) from None


def _several(what: str, keys: tuple[str, ...] | list[str], advice: str) -> UsageError:
    return UsageError(what, why="\n".join(f"{key}." for key in keys), advice=advice, code="import.several")


def _standard_input() -> Found:
    with suppress(AttributeError, OSError, ValueError):
        if sys.stdin.isatty():
            why, advice = "It would show the key.", "Name a file, or paste it in the wizard, which hides it."
            raise UsageError("Standard input is the terminal", why=why, advice=advice, code="input.terminal")
        given = sys.stdin.buffer.read(LARGEST_FILE + 1)
        if len(given) <= LARGEST_FILE:
            return read_key_text(given.decode("utf-8-sig"), "standard input")
    why = f"It is closed, is not UTF-8 text, or has more than {LARGEST_FILE // 1024} KiB."
    raise UsageError("Standard input cannot be read", why=why, advice="Name a file.", code="input.unreadable")


def _name(environment: str, found: Found, *, as_json: bool) -> int:
    """Say what would be imported."""
    if as_json:
        print_json({"environment": environment, "source": found.place, "found": [*map(_describe, found.named)]})
        return Exit.FINE
    rows = [f"  {f'line {one.line}' if one.line else '':<10}{one.name:<28}{one.shown}" for one in found.named]
    print_result("\n".join([found.described(), *rows, "Nothing was stored. Nothing was sent."]))
    return Exit.FINE


def _describe(named: NamedValue) -> dict[str, object]:
    role = "api_key" if named.role is Role.API_KEY else "secret"
    masked = {"length": named.length, "last_four": named.last_four or None}
    return {"line": named.line or None, "name": named.name, "role": role, **masked}


# --- the key -------------------------------------------------------------------------------------


def _credentials(found: Found) -> Credentials:
    """Return what was read. What it lacks is typed on the terminal."""
    key = found.pair.api_key
    if found.pem is None:
        assert key is not None and found.pair.secret is not None  # noqa: S101 - intake gives whole pairs
        return Credentials(KeyKind.HMAC, _checked(key, Role.API_KEY), _checked(found.pair.secret, Role.SECRET))
    pair = _open(found.pem)
    if key is not None:
        return Credentials(pair.kind, _checked(key, Role.API_KEY), pair.private_pem)
    with ask("API key of this private key, typing is not shown", "The API key") as typed:
        return Credentials(pair.kind, _checked(typed, Role.API_KEY), pair.private_pem)


def _checked(value: Secret, role: Role) -> Secret:
    read, notes = read_key(value.reveal(), role)
    for note in notes:
        print_message(note)
    return read


def _open(pem: Secret) -> KeyPair:
    try:
        return import_pem(pem)
    except WizardError as error:
        if error.code != NEEDS_PASSPHRASE:
            raise
    with ask("Passphrase of the private key") as passphrase:
        return import_pem(pem, passphrase)


def _import(environment: Environment, paths: Paths, known: Settings, found: Found, *, as_json: bool) -> int:
    checks: list[Finding] = []

    def take(finding: Finding) -> None:
        checks.append(finding)
        if not as_json and finding.outcome is not Outcome.NOT_RUN:
            print_finding(finding)

    async def work(credentials: Credentials) -> tuple[KeyRecord | None, Report | None, Exit]:
        async with open_flow(environment, paths, place_opener(paths, known)) as flow:
            take(await _store(flow, credentials, found.path))
            probed = await flow.probe.run(take)
            report = await flow.complete(probed) if probed.is_proven else None
            return flow.current or flow.credentials.pending, report, flow.exit_code

    print_message(found.described())
    # Questions are asked outside of the event loop, where Ctrl+C ends them at once.
    with _credentials(found) as credentials:
        key, report, code = run_async(work(credentials))
    next_job = f"key-wizard --env {environment.name}{' --job whitelist' if report else ''}"
    if as_json:
        body = {"environment": environment.name, "source": found.place, "imported": report is not None}
        checked = {"checks": [*map(describe_finding, checks)], "left": report.left if report else ()}
        print_json({**body, "key": describe_key(key, time.time()), **checked, "next": next_job})
    elif report:
        rows = (*report.rows(), *(("Left for you", each) for each in report.left), *report.from_now_on)
        print_result("\n".join([report.verdict, *(f"  {label:<18} {text}" for label, text in rows)]))
    else:
        print_result(f"{key.name if key else 'The key'} is stored and not in use yet. To go on, run:\n{next_job}")
    return code


async def _store(flow: Flow, credentials: Credentials, path: str) -> Finding:
    """Store the key as the new one of an import, which may be open; stand at the probe."""
    if flow.rotation is None or flow.rotation.mode is not Mode.ADOPT:
        await flow.begin(Mode.ADOPT)
    if flow.step is Step.PROBE:  # an import before this one was refused
        flow.back()
    flow.credentials.note_source(path)
    stored = await flow.credentials.store(credentials)
    flow.advance(Step.CREDENTIALS)
    return stored
