"""`key-wizard import`: a key in use comes under the wizard's care, without a question where there is exactly one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wizard.commands.console import ArgumentParser, print_finding, print_json, print_message, print_result
from wizard.commands.prompts import ask, place_opener
from wizard.core import settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.threads import run_async
from wizard.custody.records import Slot
from wizard.intake.candidates import HeldKey, HeldKeys, choose, site_of
from wizard.intake.paste import MAX_LENGTH, IntakeError, Role, read_key
from wizard.intake.private_keys import NEEDS_PASSPHRASE, import_pem
from wizard.intake.sources import LARGEST_FILE, SEVERAL, decode, read_key_text, read_source, search, take
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
key-wizard import production ~/bot/.env --candidate MAIN_API_KEY      if it holds several
key-wizard import production - < keys.txt          from standard input"""
ABOUT = """\
Looks in .env, config.json, user_data/config.json and conf/connectors of the working directory,
and in the environment variables. The key is stored, read back, tried, and in use from then on.
Your files stay as they are, and nothing changes on Binance. FILE may hold a private key too.
--dry-run ends with 0 if exactly one key fits the environment, else with 1.
Exit codes: 0 in use, 1 no key found or one is in use already, 2 several keys, 3 Binance refuses it,
5 the storage cannot be used, 6 no clear answer."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="for which environment")
    parser.add_argument("file", metavar="FILE", nargs="?", help="what holds the key, - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="store nothing and send nothing")
    parser.add_argument("--candidate", metavar="NAME", default="", help="which key, by the name that --dry-run shows")
    parser.add_argument(
        "--passphrase-fd", metavar="N", type=int, help="read the private key's passphrase from this file descriptor"
    )


def run(options: argparse.Namespace) -> int:
    """Read the key, store it, try it, and make it the current one."""
    paths, known = settings.read()
    environment = known.environment(options.environment)
    if not options.dry_run:
        _expect_none(environment, paths)
    held, site = _read(options.file), site_of(environment)
    try:
        for warning in dict.fromkeys(one.warning for one in held.found if one.warning):
            print_message(warning)
        if options.dry_run:
            opened = [_open(one, options.passphrase_fd) for one in held.found]
            held = replace(held, found=tuple(one for one, _ in opened))
            public = {id(one): pair.public_pem for one, pair in opened if pair}
            return _name(environment.name, held, choose(held.found, site, options.candidate), public, options.json)
        chosen = _take(environment.name, held, site, options.candidate)
        print_message(" ".join(filter(None, (chosen.described(), f"Read from {chosen.where}.", *held.notes))))
        return _import(environment, paths, known, chosen, options.passphrase_fd, as_json=options.json)
    finally:
        for one in held.found:
            one.wipe()


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


def _read(file: str | None) -> HeldKeys:
    """Return what the file, standard input, or the usual places hold."""
    if file is None:
        return search(os.environ)
    if file != STANDARD_INPUT:
        return read_source(file, os.environ)
    with suppress(AttributeError, OSError, ValueError):
        if sys.stdin.isatty():
            why, advice = "It would show the key.", "Name a file, or paste it in the wizard, which hides it."
            raise UsageError("Standard input is the terminal", why=why, advice=advice, code="input.terminal")
        given = sys.stdin.buffer.read(LARGEST_FILE + 1)
        if len(given) <= LARGEST_FILE:
            return read_key_text(decode(given), "standard input")
    why = f"It is closed, is no text, or has more than {LARGEST_FILE // 1024} KiB."
    raise UsageError("Standard input cannot be read", why=why, advice="Name a file.", code="input.unreadable")


def _take(environment: str, held: HeldKeys, site: str, name: str) -> HeldKey:
    """Return the one key that is meant; UsageError where there are several, IntakeError where there is none."""
    try:
        return take(held, site, name)
    except IntakeError as error:
        if error.code == SEVERAL:
            advice = f"Name the one you mean:\nkey-wizard import {environment} FILE --candidate NAME"
            raise UsageError(error.what, why=error.why, advice=advice, code="import.several") from None
        if held.found or held.path:
            raise
        advice = f"Name the file that holds it:\nkey-wizard import {environment} FILE"
        raise IntakeError("No key was found", why=" ".join(held.notes), advice=advice, code="import.none") from None


def _name(environment: str, held: HeldKeys, chosen: HeldKey | None, public: dict[int, str], as_json: bool) -> int:
    """Say what would be imported. Nothing is stored, nothing is sent."""
    if as_json:
        rows = [_describe(one, public.get(id(one)), is_chosen=one is chosen) for one in held.found]
        said = {"notes": held.notes, "left_out": held.left_out}
        print_json({"environment": environment, "source": held.place, "candidates": rows, **said})
    else:
        lines = [f"  {'✓' if one is chosen else ' '} {one.listed}." for one in held.found]
        verdict = f"{chosen.name} would be imported." if chosen else "No key was chosen."
        closing = (*held.notes, held.left_out_said, "Nothing was stored. Nothing was sent.")
        print_result(verdict, *lines, *filter(None, closing))
    return Exit.FINE if chosen else Exit.SAYS_NO


def _describe(one: HeldKey, public_key: str | None, *, is_chosen: bool) -> dict[str, object]:
    texts = ("where", "key_name", "secret_name", "kind", "last_four", "site", "refused", "missing")
    fingerprint = one.api_key.fingerprint() if one.api_key else None
    known = {name: getattr(one, name) or None for name in texts}
    return {**known, "fingerprint": fingerprint, "chosen": is_chosen, "public_key": public_key}


# --- the key -------------------------------------------------------------------------------------


def _credentials(one: HeldKey, passphrase_fd: int | None) -> Credentials:
    """Return what was read. What it lacks is typed on the terminal."""
    if one.pem is None:
        assert one.api_key is not None and one.secret is not None  # noqa: S101 - a whole one was taken
        return Credentials(KeyKind.HMAC, _checked(one.api_key, Role.API_KEY), _checked(one.secret, Role.SECRET))
    pair = _import_pem(one.pem, passphrase_fd)
    if one.api_key is not None:
        return Credentials(pair.kind, _checked(one.api_key, Role.API_KEY), pair.private_pem)
    with ask("API key of this private key, typing is not shown", "The API key") as typed:
        return Credentials(pair.kind, _checked(typed, Role.API_KEY), pair.private_pem)


def _checked(value: Secret, role: Role) -> Secret:
    read, notes = read_key(value.reveal(), role)
    for note in notes:
        print_message(note)
    return read


def _open(one: HeldKey, passphrase_fd: int | None) -> tuple[HeldKey, KeyPair | None]:
    """Return a candidate with the kind of its private key, and the pair; what cannot be taken is refused."""
    if one.pem is None:
        return one, None
    try:
        pair = _import_pem(one.pem, passphrase_fd)
    except UsageError:
        raise
    except WizardError as error:
        return replace(one, refused=f"{error.what}. {error.advice}".rstrip(), last_four=""), None
    pair.private_pem.wipe()
    return replace(one, private_kind=pair.kind), pair


def _import_pem(pem: Secret, passphrase_fd: int | None) -> KeyPair:
    try:
        return import_pem(pem)
    except WizardError as error:
        if error.code != NEEDS_PASSPHRASE:
            raise
    with ask("Passphrase of the private key") if passphrase_fd is None else _passphrase(passphrase_fd) as passphrase:
        return import_pem(pem, passphrase)


def _passphrase(descriptor: int) -> Secret:
    """Read one line, which is the passphrase; UsageError where there is none."""
    with suppress(OSError, ValueError):
        with os.fdopen(os.dup(descriptor), "rb") as given:
            line = given.readline(MAX_LENGTH).decode()
        if line.strip("\r\n"):
            return Secret(line.rstrip("\r\n"))
    raise UsageError(
        f"No passphrase can be read from file descriptor {descriptor}",
        advice="Run it as: key-wizard import ENV FILE --passphrase-fd 3 3< FILE_OF_THE_PASSPHRASE",
        code="passphrase.unreadable",
    )


def _import(
    environment: Environment, paths: Paths, known: Settings, one: HeldKey, passphrase_fd: int | None, *, as_json: bool
) -> int:
    checks: list[Finding] = []

    def keep(finding: Finding) -> None:
        checks.append(finding)
        if not as_json and finding.outcome is not Outcome.NOT_RUN:
            print_finding(finding)

    async def work(credentials: Credentials) -> tuple[KeyRecord | None, Report | None, Exit]:
        async with open_flow(environment, paths, place_opener(paths, known)) as flow:
            keep(await _store(flow, credentials, one.path))
            probed = await flow.probe.run(keep)
            report = await flow.complete(probed) if probed.is_proven else None
            return flow.current or flow.credentials.pending, report, flow.exit_code

    # Questions are asked outside of the event loop, where Ctrl+C ends them at once.
    with _credentials(one, passphrase_fd) as credentials:
        key, report, code = run_async(work(credentials))
    next_job = f"key-wizard --env {environment.name}{' --job whitelist' if report else ''}"
    if as_json:
        body = {"environment": environment.name, "source": one.place, "imported": report is not None}
        checked = {"checks": [*map(describe_finding, checks)], "left": report.left if report else ()}
        print_json({**body, "key": describe_key(key, time.time()), **checked, "next": next_job})
    elif report:
        rows = (*report.rows(), *(("Left for you", each) for each in report.left), *report.from_now_on)
        print_result(report.verdict, *(f"  {label:<18} {text}" for label, text in rows))
    else:
        print_result(f"{key.name if key else 'The key'} is stored and not in use yet. To go on, run:", next_job)
    return code


async def _store(flow: Flow, credentials: Credentials, path: str) -> Finding:
    """Store the key as the new one of an import, which may be open; stand at the probe."""
    if flow.rotation is None or flow.rotation.mode is not Mode.ADOPT:
        flow.credentials.refuse_known(credentials)  # else the job would stay open
        await flow.begin(Mode.ADOPT)
    if flow.step is Step.PROBE:  # an import before this one was refused
        flow.back()
    flow.credentials.note_source(path)
    stored = await flow.credentials.store(credentials)
    flow.advance(Step.CREDENTIALS)
    return stored
