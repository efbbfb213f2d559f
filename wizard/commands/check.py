"""`key-wizard check`: for cron. Is the key in use as it was proven, this host on its list, and nothing else alive?

Invariants: it takes no lock and changes nothing of any key. It asks nobody for a passphrase, also on a terminal. While
a wizard works on the environment, this reads what stands in the journal and in the place of the credentials.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from wizard.commands.console import (
    ArgumentParser,
    cleaned,
    exit_code,
    non_negative,
    print_finding,
    print_json,
    print_message,
    print_result,
)
from wizard.commands.egress import keep_observation, observe
from wizard.core import settings
from wizard.core.credentials import Credentials
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.threads import run_async
from wizard.custody.custodian import Custodian
from wizard.custody.records import KeyRecord, Slot, credentials_of
from wizard.custody.store import PHRASES, Store
from wizard.egress.detection import EgressReport
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import Circumstances
from wizard.net.route import decide_route
from wizard.rotation.bots import child_environ, run_command
from wizard.rotation.current_credentials import NoCurrentKeyError, current_key_in, fetch
from wizard.rotation.delivery import deliveries
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_futures, circumstances, open_exchange
from wizard.rotation.findings import (
    ACTIVITY_HISTORY,
    FOREIGN_SOURCE,
    IP_RESTRICTION,
    PERMISSIONS,
    STORAGE,
    FindingWriter,
)
from wizard.rotation.host_proofs import HostProof, hosts_to_prove, prove_from_hosts
from wizard.rotation.journal import networks_of, open_journal, read_journal
from wizard.rotation.json_records import describe_finding, describe_key, describe_name
from wizard.rotation.key_check import (
    ACCEPTED,
    AGE,
    CURRENT_KEY,
    WHITELIST,
    KeyState,
    Observations,
    OtherKey,
    Reply,
    judge,
)
from wizard.rotation.model import Finding, Mode, Outcome, Step
from wizard.rotation.unused_keys import Answer, answers, is_known, may_be_secret

CALL_DEADLINE = 10.0
"""Seconds for one call to the exchange; all are made at the same time."""
DEADLINE = 90.0
"""Seconds for everything that needs the credentials, other hosts included."""
COMMAND_DEADLINE = 30.0
"""Seconds for the command of --notify."""
DEFAULT_DAYS = 90.0
"""Binance's blog recommends a rotation every 30 to 90 days (square posts 276340 and 380736)."""
VERDICT = "check.verdict"
"""The event that keeps what --notify said last."""
_DAY = 86400.0
_GOOD = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})
_REMINDED_OF = frozenset({IP_RESTRICTION, PERMISSIONS})

SUMMARY = "for cron: is the key accepted and unchanged, its address covered, no other key alive?"
EXAMPLES = """\
key-wizard check production
key-wizard check production --quiet
key-wizard check production --quiet --notify 'mail -s "Binance key" you@example.com'
key-wizard check production --max-age 30 --hosts --json"""
ABOUT = """\
Makes signed read-only calls and changes nothing on Binance. It never asks for a passphrase.
The observed address is kept. --notify gives the verdict to a command whenever it changes.
Exit codes: 0 fine, 1 something is wrong, 4 a key that should be dead is alive,
5 the storage cannot be used, 6 no clear answer."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument(
        "--max-age", metavar="DAYS", type=non_negative, help=f"too old after (your policy's, else {DEFAULT_DAYS:g})"
    )
    parser.add_argument("--hosts", action="store_true", help="one signed call through each other host of the list too")
    parser.add_argument("--quiet", action="store_true", help="print nothing where all is fine, else what is wrong")
    parser.add_argument(
        "--notify", metavar="CMD", type=_command, help="give CMD the verdict on standard input when it changes"
    )


def _command(text: str) -> tuple[str, ...]:
    """Split as a shell would; there is none."""
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = ()
    if not words or "\0" in text:
        raise argparse.ArgumentTypeError("it is not a command")
    return words


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one run came to."""

    code: Exit
    findings: tuple[Finding, ...]
    seen: Observations | None = None
    """None where there is no key in use."""

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """What is not fine."""
        return tuple(finding for finding in self.findings if finding.outcome not in _GOOD)

    @property
    def reminder(self) -> str:
        """What else to look at, where somebody else may use a key; else nothing."""
        bad = {finding.subject for finding in self.findings if finding.outcome is Outcome.FAILED}
        is_due = self.code is Exit.LEGACY_ALIVE or bad & _REMINDED_OF
        return f"{ACTIVITY_HISTORY} {FOREIGN_SOURCE}" if is_due else ""


def run(options: argparse.Namespace) -> int:
    """Examine the key, and say each finding."""
    paths, known = settings.read()
    environment = known.environment(options.environment)
    try:
        verdict = run_async(_check(environment, paths, known, options))
    except WizardError as error:
        if options.notify:
            _notify(options, paths, (error.code or error.what,), (" ".join(error.sentences()),))
        raise
    if verdict.seen and isinstance(verdict.seen.egress, EgressReport):
        keep_observation(verdict.seen.egress, environment, paths, "check")
    if not options.quiet or verdict.troubles:
        _print(verdict, environment, options)
    if options.notify:
        said = sorted(f"{finding.subject}: {finding.outcome}" for finding in verdict.troubles)
        _notify(options, paths, said, _words(verdict))
    return verdict.code


def _print(verdict: _Verdict, environment: Environment, options: argparse.Namespace) -> None:
    seen = verdict.seen
    if seen and isinstance(seen.egress, EgressReport) and seen.egress.route.roots:
        print_message(seen.egress.route.sentence())
    if options.json:
        others = seen.others if seen else ()
        print_json(
            {
                "environment": environment.name,
                "fine": verdict.code is Exit.FINE,
                "current": describe_key(seen.key if seen else None, time.time()),
                "other_keys": [
                    {**describe_name(one.key.name), "slot": one.key.slot, "state": seen.state_of(one)}
                    for one in others
                    if seen
                ],
                "checks": [describe_finding(finding) for finding in verdict.findings],
            }
        )
        return
    for finding in verdict.troubles if options.quiet else verdict.findings:
        print_finding(finding)
    if verdict.reminder:
        print_result(verdict.reminder)


async def _check(environment: Environment, paths: Paths, known: Settings, options: argparse.Namespace) -> _Verdict:
    """Return what was found; each trouble becomes a finding, but one of the journal, which is a `WizardError`."""
    with read_journal(paths) as journal:
        try:
            key = current_key_in(journal, environment.name)
        except NoCurrentKeyError as error:
            writer = FindingWriter(time.time, "")
            missing = writer.error(CURRENT_KEY, Outcome.FAILED, error)
            return _Verdict(Exit.SAYS_NO, (missing, *writer.not_run(ACCEPTED, WHITELIST, AGE)))
        legacy, job = journal.key_in(environment.name, Slot.LEGACY), journal.open_rotation(environment.name)
        keys = (*filter(None, (legacy,)), *journal.unused(environment.name))
        others = tuple(_Other(each, answers(journal, each.name.fingerprint)) for each in keys)
        hosts = hosts_to_prove(environment, journal, networks_of(key.whitelist)) if options.hosts else {}
        targets = deliveries(environment, journal)
    asking = _Asking(environment, key, others, hosts)
    egress, told = await asyncio.gather(observe(environment, paths), asking.ask_all(paths, known))
    answer, futures, asked, proofs = told
    place = PHRASES[known.custody.place]
    # After the switch it is the legacy key, and once that is deleted none is left.
    is_leaked = job is not None and job.mode is Mode.LEAKED and (legacy is not None or job.step is not Step.RETIRE)
    seen = Observations(environment, key, place, answer, egress, futures, asked, tuple(hosts), proofs, is_leaked)
    writer = FindingWriter(time.time, str(seen.address or ""))
    given = [environment.policy.max_age, options.max_age and options.max_age * _DAY]
    max_age = min((each for each in given if each is not None), default=DEFAULT_DAYS * _DAY)
    findings = (*judge(seen, writer, max_age), *(one.finding for one in targets))
    is_shut = any(finding.subject == STORAGE and finding.outcome is Outcome.FAILED for finding in findings)
    is_alive = seen.is_leak_alive or any(seen.state_of(other) is KeyState.ALIVE for other in asked)
    code = Exit.KEYRING_UNUSABLE if is_shut else Exit.LEGACY_ALIVE if is_alive else exit_code(findings)
    return _Verdict(code, findings, seen)


@dataclass(frozen=True, slots=True)
class _Other:
    """A key that should be dead, before it is asked about; `said` is what the exchange said to it before."""

    key: KeyRecord
    said: tuple[Answer, ...]

    async def read(self, store: Store) -> Credentials | WizardError:
        """Return its credentials, or why it cannot be asked about."""
        if self.key.slot is Slot.UNUSED and may_be_secret(self.key.kind, self.said):
            what = "Binance never knew it. It may be a secret that was pasted as an API key, so it is not sent again"
            return WizardError(what, code="check.may-be-secret")
        try:
            found = credentials_of(self.key, await store.read(self.key.item), store.place)
        except WizardError as error:
            return error
        no_secret = WizardError("Its secret is no longer stored, so Binance cannot be asked", code="check.no-secret")
        return no_secret if found is None else found

    def with_reply(self, reply: Reply, environment: Environment) -> OtherKey:
        """Return it with what the exchange said now."""
        here = [one for one in self.said if one.site == environment.site.name]
        return OtherKey(self.key, reply, was_known=is_known(here))


_Answers = tuple[Reply, SignedAnswer | None, tuple[OtherKey, ...], tuple[HostProof, ...]]


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks with the key in use, with those that should be dead, and from other hosts."""

    environment: Environment
    key: KeyRecord
    others: tuple[_Other, ...]
    hosts: Mapping[str, str]

    async def ask_all(self, paths: Paths, known: Settings) -> _Answers:
        """Return each answer. What none of them could be had for stands in the place of all."""
        try:
            async with asyncio.timeout(DEADLINE):
                store = await Custodian(known.custody, paths.encrypted_file, paths.config_file).open()
                return await self._ask_with(store)
        except TimeoutError:
            error = WizardError(
                f"The check did not end within {DEADLINE:g} s",
                why="The storage or the network was slow.",
                advice="Run it again. To find out what is slow, run: key-wizard doctor",
                code="check.late",
            )
        except WizardError as stopped:
            error = stopped
        return error, None, tuple(other.with_reply(error, self.environment) for other in self.others), ()

    async def _ask_with(self, store: Store) -> _Answers:
        with ExitStack() as lent:
            credentials = lent.enter_context(await fetch(self.key, store))
            found = [await other.read(store) for other in self.others]
            for each in found:
                if isinstance(each, Credentials):
                    lent.enter_context(each)
            route, known = decide_route(self.environment, os.environ), circumstances(self.environment.site)
            async with open_exchange(self.environment.site, route, timeout=CALL_DEADLINE, clock=time.time) as client:
                asked = asyncio.gather(*(_ask(client, each, known) for each in (credentials, *found)))
                (answer, *others), futures = await asyncio.gather(asked, self._ask_futures(client, credentials))
            is_accepted = isinstance(answer, SignedAnswer) and answer.accepted
            proofs = await self._prove(credentials) if self.hosts and is_accepted else ()
        pairs = zip(self.others, others, strict=True)
        return answer, futures, tuple(other.with_reply(told, self.environment) for other, told in pairs), proofs

    async def _ask_futures(self, client: ExchangeClient, credentials: Credentials) -> SignedAnswer | None:
        if not self.environment.uses_futures:
            return None
        with suppress(WizardError):  # a key that cannot sign, as the other call says
            return await ask_futures(client, credentials, circumstances(self.environment.site))
        return None

    async def _prove(self, credentials: Credentials) -> tuple[HostProof, ...]:
        site, listed = self.environment.site, networks_of(self.key.whitelist)
        return await prove_from_hosts(site, credentials, self.hosts, os.environ, whitelist=listed)


async def _ask(client: ExchangeClient, found: Credentials | WizardError, known: Circumstances) -> Reply:
    if isinstance(found, WizardError):
        return found
    try:
        return await ask(client, found, known)
    except WizardError as error:  # a key that cannot sign
        return error


def _words(verdict: _Verdict) -> tuple[str, ...]:
    """Return the verdict for a command, line by line."""
    lines = [" ".join(filter(None, (finding.observed, finding.advice))) for finding in verdict.troubles]
    return (*lines, *filter(None, (verdict.reminder,))) or ("All is fine again.",)


def _notify(options: argparse.Namespace, paths: Paths, troubles: Iterable[str], words: tuple[str, ...]) -> None:
    """Give the verdict to the command where it is another one than last time; it is kept where the command took it.

    A run that asks other hosts has a verdict of its own: without them it cannot say that they are fine again.
    """
    about = {"environment": options.environment, "hosts": options.hosts}
    now = {**about, "troubles": list(troubles)}
    if now == _last_verdict(about, paths):
        return
    given = cleaned(f"Key Wizard, {options.environment}", *words, "").encode()
    ended = run_async(run_command(options.notify, child_environ(os.environ), COMMAND_DEADLINE, given))
    if ended.exit != 0:
        said = f"key-wizard: The command of --notify failed: {ended.phrase}."
        print_message(said, *ended.quoted)
        return
    try:
        with closing(open_journal(paths)) as journal:
            journal.record(None, VERDICT, now)
    except WizardError as error:
        print_message(f"key-wizard: The next run notifies again. {' '.join(error.sentences())}")


def _last_verdict(about: Mapping[str, object], paths: Paths) -> Mapping[str, object]:
    """Return what the command was given last; that all is fine where it was given nothing, or that is not known."""
    try:
        with read_journal(paths) as journal:
            said = [event.detail for event in journal.events(kind=VERDICT)]
    except WizardError:
        said = []
    return next((one for one in reversed(said) if about.items() <= one.items()), {**about, "troubles": []})
