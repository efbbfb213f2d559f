"""`key-wizard rotate ENV`: a sub-account's key is replaced, and its whitelist follows the address, without a person.

Invariants: nothing is asked, also on a terminal. A place of credentials that needs a passphrase ends the run. Whatever
a run leaves is in the journal, so the next one goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from wizard.commands.console import SCHEMA, ArgumentParser, print_json, print_message, print_result
from wizard.core import settings
from wizard.core.clock import utc
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.safety import redacted_report
from wizard.core.settings import HOME_VARIABLE, Environment, Place, Settings
from wizard.core.text import glyphs_for
from wizard.core.threads import run_async
from wizard.custody.custodian import CREDENTIAL, CREDENTIAL_STORE, Custodian
from wizard.exchange.sub_accounts import Pacer
from wizard.rotation.bots import child_environ, run_command
from wizard.rotation.model import Outcome
from wizard.rotation.opening import open_flow
from wizard.rotation.unattended import WAITING, RunResult, RunStep, UnattendedRun

SUMMARY = "for cron and systemd: replace a sub-account's key without a person, where it is due"
EXAMPLES = """\
key-wizard rotate bot-1                      what is due, or what an earlier run left open
key-wizard rotate bot-1 --now                replace the key, also where it is not due
key-wizard rotate bot-1 --whitelist-only     only let the whitelist follow the address
key-wizard rotate --all-due --json           every environment with a sub-account
key-wizard rotate bot-1 --print-systemd      a service and a timer for systemd"""
ABOUT = """\
It never asks a question. What an earlier run left open is finished first.
Exit codes: 0 fine, 1 your settings or Binance say no, 2 usage, 3 a job is open and waits,
4 a legacy key is alive, 5 the storage cannot be used, 6 network or Binance gave no clear answer."""
_EXAMPLE = 'sub_account = { email = "bot@example.com", managed_by = "master" }'
_UNIT = "# {name}\n[Unit]\nDescription=Rotation of Binance API keys, {whose}\n"
_SERVICE = "Wants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\n"
_TIMER = "\n[Timer]\nOnCalendar=hourly\nRandomizedDelaySec=10min\nPersistent=true\n"
_INSTALL = "\n[Install]\nWantedBy=timers.target\n"
_WORST_LAST = [Exit(code) for code in (0, 3, 6, 1, 5, 4, 70)]


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", nargs="?", help="whose key, with a sub-account in its settings")
    parser.add_argument("--all-due", action="store_true", help="every environment with a sub-account, in turn")
    parser.add_argument("--now", action="store_true", help="replace the key whatever its age")
    parser.add_argument("--whitelist-only", action="store_true", help="let the whitelist follow the address, no more")
    parser.add_argument("--print-systemd", action="store_true", help="print a service and a timer, and do nothing")


def run(options: argparse.Namespace) -> int:
    """Rotate what is due, and say what it came to."""
    paths, known = settings.read()
    chosen = _chosen(known, options)
    if options.print_systemd:
        units = dict(_units(known, options))
        print_json(units) if options.json else print_result(*"\n".join(units.values()).split("\n"))
        return Exit.FINE
    place = Custodian(known.custody, paths.encrypted_file, paths.config_file)
    results = run_async(_rotate(chosen, place, options))
    code = max((one.exit for one in results), key=_WORST_LAST.index)
    if not options.json:
        print_result(*(line for one in results for line in _lines(one)))
    else:
        told = [one.as_json(time.time()) for one in results]
        print_json({"exit": code, "results": told} if options.all_due else told[0])
    return code


def _chosen(known: Settings, options: argparse.Namespace) -> list[Environment]:
    name = options.environment
    if options.all_due is (name is not None):
        advice = "Write key-wizard rotate ENV, or key-wizard rotate --all-due."
        raise UsageError("Name one environment, or all that are due", advice=advice, code="rotate.unnamed")
    found = known.environments.values() if options.all_due else [known.environment(name)]
    if managed := [one for one in found if one.sub_account]:
        return managed
    raise UsageError(
        "Only the key of a sub-account can be replaced without a person",
        why=f"The settings name no sub-account for {name or 'any environment'}.",
        advice=f"Write this line below [environments.{name or 'NAME'}] in config.toml.\n{_EXAMPLE}",
        code="rotate.no-sub-account",
    )


async def _rotate(chosen: Sequence[Environment], place: Custodian, options: argparse.Namespace) -> list[RunResult]:
    """Run all, one after the other. The grace times of several pass at once, as each is waited for at the end."""
    pacers = {one.sub_account.master.name: Pacer(time.monotonic, asyncio.sleep) for one in chosen if one.sub_account}
    found: dict[str, RunResult] = {}
    for may_wait in (False, True) if len(chosen) > 1 else (True,):
        for one in chosen:
            before = found.get(one.name)
            if before is None or before.outcome == WAITING:
                pacer = pacers[one.sub_account.master.name if one.sub_account else ""]
                after = await _run(one, place, pacer, options, may_wait)
                found[one.name] = replace(after, steps=[*before.steps, *after.steps]) if before else after
    for one in chosen:
        if found[one.name].exit is not Exit.FINE and found[one.name].outcome != WAITING and one.rotation.on_failure:
            given = json.dumps({"schema": SCHEMA, **found[one.name].as_json(time.time())}).encode()
            ended = await run_command(one.rotation.on_failure, child_environ(os.environ), given=given)
            if not ended.is_good:
                said = f"{one.name}: The command of on_failure failed: {ended.phrase}."
                print_message(said, *ended.quoted)
    return list(found.values())


async def _run(
    environment: Environment, place: Custodian, pacer: Pacer, options: argparse.Namespace, may_wait: bool
) -> RunResult:
    """Return what a run came to, whatever ended it: others follow."""

    def say(step: RunStep) -> None:
        print_message(f"{environment.name}: {step.name}, {step.outcome}. {step.observed}")

    try:
        async with open_flow(environment, settings.paths(), place.open, pacer=pacer) as flow:
            for sentence in (*flow.preflight.recovered, *flow.preflight.losses()):
                say(RunStep("Storage", Outcome.WARNING, sentence, 0.0))
            return await UnattendedRun(flow, options.now, options.whitelist_only, may_wait, say).run()
    except WizardError as error:
        return RunResult(environment.name).fail(error)
    except Exception as error:  # a defect in one run must not stop the others
        print_message(*redacted_report(error).split("\n"))
        ended = RunResult(environment.name).fail(WizardError("An internal error ended the run"))
        return replace(ended, exit=Exit.INTERNAL_ERROR)


def _lines(result: RunResult) -> Iterator[str]:
    """Yield the result for people, the verdict first."""
    signs, report = glyphs_for(os.environ), result.report
    what, *rest = result.verdict
    sign = signs.caution if result.outcome == WAITING else signs.failed
    yield f"{signs.passed if result.exit is Exit.FINE else sign} {result.environment}: {what}"
    rows = [*(("", each) for each in rest), *(report.rows() if report else ())]
    rows += [("Left for you", each) for each in (report.left if report else ())]
    rows += [("Alive", f"{result.legacy.name}, the legacy key")] if result.legacy else []
    rows += [("Next", utc(result.next_due))] if result.next_due else []
    yield from (f"  {label:<12} {text}" for label, text in rows)


def _units(known: Settings, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield a service and a timer for systemd (systemd.service(5), systemd.timer(5)) by their names."""
    whose = "--all-due" if options.all_due else options.environment
    script, name = Path(sys.executable).with_name("key-wizard"), f"key-wizard-rotate-{whose.lstrip('-')}"
    words = [*([str(script)] if script.exists() else [sys.executable, "-m", "wizard"]), "rotate", whose]
    words += ["--whitelist-only"] * options.whitelist_only
    lines = [f"ExecStart={' '.join(map(_quoted, words)).replace('$', '$$')}"]
    if home := os.environ.get(HOME_VARIABLE):
        lines.append(f"Environment={_quoted(f'{HOME_VARIABLE}={Path(home).expanduser().absolute()}')}")
    if known.custody.place is Place.ENCRYPTED_FILE:
        lines.append(f"LoadCredentialEncrypted={CREDENTIAL}:{CREDENTIAL_STORE}/{CREDENTIAL}")
    for unit, body in ((f"{name}.service", _SERVICE + "\n".join([*lines, ""])), (f"{name}.timer", _TIMER + _INSTALL)):
        yield unit, _UNIT.format(name=unit, whose=whose.lstrip("-")) + body


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: no sign in a path means more than itself."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'
