"""`key-wizard doctor`: terminal, keyring, network, clock and files, one line each, with the fix."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import platform
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from wizard import __version__
from wizard.commands.console import (
    ArgumentParser,
    exit_code,
    instruction_lines,
    print_finding,
    print_json,
    print_message,
    print_result,
)
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.errors import Exit, WizardError, sentences
from wizard.core.key_shape import without_keys
from wizard.core.settings import OTHERS, Environment, Paths, Settings
from wizard.core.terminal import inspect_terminal
from wizard.core.threads import run_async
from wizard.custody.errors import CommandList, CustodyError
from wizard.custody.questions import OPENBAO
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import Store, try_out
from wizard.custody.vault import Vault
from wizard.egress.services import load_services
from wizard.exchange.resolution import Resolution
from wizard.net.route import decide_route
from wizard.rotation.connection_check import check_connection, describe_failure
from wizard.rotation.exchange_calls import CLOCK_DEADLINE, measure_clock, open_exchange
from wizard.rotation.findings import STORAGE, FindingWriter
from wizard.rotation.journal import read_journal
from wizard.rotation.json_records import describe_finding
from wizard.rotation.model import Finding, Outcome

CALL_DEADLINE = 5.0
"""Seconds for one call to an exchange."""
_PASTE = "Keys, addresses, emails, paths of your home and names are left out. Look through it before you paste it."
_EMAIL = re.compile(r"[^\s@<>“]+@[^\s@<>”]+\.\w+")
_LAST_FOUR = re.compile(r"…\w{4}\b")
_ADDRESS = re.compile(
    r"(?<=://)[^\s/)]+|\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?|(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}|[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*"
)


class Area(StrEnum):
    """What can be looked at by itself, in the order in which it is shown."""

    TERMINAL = "terminal"
    KEYRING = "keyring"
    NETWORK = "network"
    CLOCK = "clock"
    FILES = "files"


SUMMARY = "terminal, keyring, network, clock, files: one line each, with the fix"
EXAMPLES = """\
key-wizard doctor
key-wizard doctor --only network
key-wizard doctor --report                       safe to paste into a ticket"""
ABOUT = """\
--report leaves out keys, addresses, emails, the paths of your home, and the names of this user and host.
--addresses keeps the addresses.
Exit codes: 0 fine, 1 files, stored keys or the clock are wrong,
5 the storage cannot be used, 6 Binance was not reached."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--only", choices=[str(area) for area in Area], help="look at one area")
    parser.add_argument("--report", action="store_true", help="for a ticket: without what only you should know")
    parser.add_argument("--addresses", action="store_true", help="leave addresses in the report")


def run(options: argparse.Namespace) -> int:
    """Look, and say each finding."""
    paths = settings.paths()
    try:
        known: Settings | WizardError = settings.load(paths.config_file)
    except WizardError as error:
        known = error
    # What is seen on this host is seen from no address.
    doctor = Doctor(paths, known, FindingWriter(time.time, ""))
    found = run_async(doctor.look((Area(options.only),) if options.only else tuple(Area)))
    if options.report:
        print_message(_PASTE)
        about = f"Key Wizard {__version__}, Python {platform.python_version()}, {platform.platform()}"
        found[Area.FILES] = (doctor.writer.note("Report", Outcome.PASSED, about), *found.get(Area.FILES, ()))
        found = {
            area: tuple(_redacted(one, paths, options.addresses) for one in those) for area, those in found.items()
        }
    if options.json:
        checks = [
            {"area": area, **describe_finding(finding)} for area, findings in found.items() for finding in findings
        ]
        print_json({"checks": checks})
    else:
        for findings in found.values():
            for finding in findings:
                print_finding(finding)
                for line in instruction_lines(finding):
                    print_result(line)
    place = next(iter(found.get(Area.KEYRING, ())), None)
    if place is not None and place.outcome is Outcome.FAILED:
        return Exit.KEYRING_UNUSABLE
    return exit_code(finding for findings in found.values() for finding in findings)


def _redacted(finding: Finding, paths: Paths, keeps_addresses: bool) -> Finding:
    """Return a finding without keys, emails and names of this host and, unless they are kept, addresses."""
    names = {"<config>": str(paths.config), "<state>": str(paths.state), "~": str(settings.home(os.environ))}
    with suppress(OSError, KeyError, ImportError):  # a user without a name
        names |= {"<user>": getpass.getuser(), "<host>": platform.node()}

    def redact(text: str) -> str:
        text = _LAST_FOUR.sub("…", without_keys(text))
        text = _EMAIL.sub("<email>", text if keeps_addresses else _ADDRESS.sub("<address>", text))
        for shown, name in names.items():
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", shown, text) if name else text
        return text

    if isinstance(finding, PlaceFinding):
        finding = replace(finding, instructions=())
    texts = {name: redact(getattr(finding, name)) for name in ("subject", "observed", "advice", "does_not_prove")}
    return replace(finding, **texts)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PlaceFinding(Finding):
    """What was found about the place of the credentials."""

    state: str = ""
    """`ready`, or a stable word for what is wrong: `locked`, `no-bus-address`, `backend-null`, …"""
    backend: str = ""
    """What is used: keyring's backend as a class path, `encrypted-file`, or `openbao:…`; empty where nothing can be."""
    instructions: tuple[CommandList, ...] = ()
    """What the user can do at a shell, where nothing can be used."""


async def try_place(open_store: Callable[[], Awaitable[Store]], writer: FindingWriter) -> PlaceFinding:
    """Try the place of the credentials with a throw-away value."""
    try:
        store = await open_store()
        seconds = await try_out(store)
    except CustodyError as error:
        return _unusable_place(error, writer)
    observed = f"A test value was written to {store.label}, read back, compared and deleted in {seconds:.1f} s."
    outcome = Outcome.WARNING if store.doubt else Outcome.PASSED
    gap, backend = store.doubt, store.backend
    return PlaceFinding(STORAGE, outcome, observed, writer.clock(), does_not_prove=gap, state="ready", backend=backend)


def _role(key: KeyRecord) -> str:
    return key.slot if key.slot in (Slot.CURRENT, Slot.LEGACY, Slot.UNUSED) else "new"


def _unusable_place(error: CustodyError, writer: FindingWriter) -> PlaceFinding:
    instructions = (*error.instructions, OPENBAO) if error.instructions else ()
    return PlaceFinding(
        **asdict(writer.error(STORAGE, Outcome.FAILED, error)), state=error.code, instructions=instructions
    )


async def compare_stored_keys(
    store: Store, paths: Paths, environments: Iterable[str], writer: FindingWriter
) -> Finding:
    """Compare the two for each environment: a key that is missing is a failure, an unknown item a warning."""
    lost, unknown, elsewhere = list[str](), list[str](), list[str]()
    try:
        for name in environments:
            with read_journal(paths) as journal:
                records, vault = journal.keys(name), Vault(name, journal, store)
                lost += [f"the {_role(one)} key {one.name} of {name}" for one in await vault.missing()]
                unknown += await vault.unknown_items()
            elsewhere += [
                f"The {_role(one)} key {one.name} of {name} is in {one.store}"
                for one in records
                if one.holding is Holding.STORED and one.backend not in ("", store.backend)
            ]
    except WizardError as error:
        return writer.error("Stored keys", Outcome.INCONCLUSIVE, error)
    if lost:
        observed = f"Missing from this storage: {', '.join(lost)}."
        advice = "Look in another login or another storage. If the key is lost, open the wizard and forget it there."
        return writer.note("Stored keys", Outcome.FAILED, observed, advice=advice)
    if unknown:
        observed = f"The wizard does not know these stored keys: {', '.join(unknown)}."
        advice = "Look at them: key-wizard storage ENV"
        return writer.note("Stored keys", Outcome.WARNING, observed, advice=advice)
    if elsewhere:
        observed = f"{', '.join(elsewhere)}. It was not looked at."
        advice = "Choose that storage in config.toml ([custody] place), then look again."
        return writer.note("Stored keys", Outcome.INCONCLUSIVE, observed, advice=advice)
    return writer.note("Stored keys", Outcome.PASSED, "The storage holds every key that it should, and no other.")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Looks at this host as the process sees it."""

    paths: Paths
    known: Settings | WizardError
    """What the settings say, or why they cannot be read."""
    writer: FindingWriter

    async def look(self, areas: Sequence[Area]) -> dict[Area, tuple[Finding, ...]]:
        """Return the findings of each area. Trouble is a finding, never an exception; one area's hides no other's."""
        return dict(zip(areas, await asyncio.gather(*map(self._look_at, areas)), strict=True))

    async def _look_at(self, area: Area) -> tuple[Finding, ...]:
        if area is Area.TERMINAL:
            return (self._check_terminal(),)
        if area is Area.KEYRING:
            return await self._check_storage()
        if area is Area.FILES:
            # The directories before the journal is opened in them.
            return self._check_settings(), self._check_services(), self._check_privacy(), self._check_journal()
        if isinstance(self.known, WizardError):
            advice = "Fix the settings first: key-wizard doctor --only files"
            observed = "The settings cannot be read."
            return (self.writer.note(area.capitalize(), Outcome.NOT_RUN, observed, advice=advice),)
        if area is Area.CLOCK:
            return (await self._check_clock(self.known.default),)
        return tuple(await asyncio.gather(*map(self._check_network, self.known.environments.values())))

    def _check_terminal(self) -> Finding:
        """Say whether full screens can be drawn. Where they cannot, everything else still works."""
        report = inspect_terminal(os.environ, sys.__stdin__, sys.__stderr__)
        if problem := report.problem():
            return self.writer.error("Terminal", Outcome.WARNING, problem)
        size = f"{report.columns}x{report.lines}" if report.columns and report.lines else "unknown size"
        observed = f"Full screens can be drawn: {report.term}, {size}."
        return self.writer.note("Terminal", Outcome.PASSED, observed)

    async def _check_storage(self) -> tuple[Finding, ...]:
        if isinstance(self.known, WizardError):  # they may name another place than the keyring
            what, why = "Where credentials are kept is not known", " ".join(sentences(self.known.what, self.known.why))
            error = CustodyError(what, why=why, advice=self.known.advice, code="settings")
            return (_unusable_place(error, self.writer),)
        open_store = place_opener(self.paths, self.known)
        place = await try_place(open_store, self.writer)
        if place.outcome is Outcome.FAILED:
            return (place,)
        return place, await compare_stored_keys(await open_store(), self.paths, self.known.environments, self.writer)

    async def _check_network(self, environment: Environment) -> Finding:
        """Decide the route of an environment and call its exchange's public ping; say what is in between."""
        subject, site = f"Network {environment.name}", environment.site
        try:
            route = decide_route(environment, os.environ)
            async with open_exchange(site, route, timeout=CALL_DEADLINE) as client:
                seen = await check_connection(site, route, client, deadline=CALL_DEADLINE)
        except WizardError as error:
            return self.writer.error(subject, Outcome.INCONCLUSIVE, error)
        if not seen.is_open:
            return replace(describe_failure(seen, self.writer), subject=subject)
        milliseconds = (seen.connection.connected_ms or 0) + seen.connection.answered_ms
        answered = f"{site.name} answered in {milliseconds:.0f} ms"
        observed = f"{answered}, {route.shown} ({route.source})."
        gap = "anything about a key: the call is public"
        if isinstance(seen.resolution, Resolution) and (advice := seen.resolution.advice):
            observed += f" {seen.resolution.sentence()}"
            return self.writer.note(subject, Outcome.WARNING, observed, does_not_prove=gap, advice=advice)
        return self.writer.note(subject, Outcome.PASSED, observed, does_not_prove=gap)

    async def _check_clock(self, environment: Environment) -> Finding:
        """Compare this host's clock with the exchange's."""
        try:
            measured = await measure_clock(environment, self.writer.clock)
        except WizardError as error:
            return self.writer.error("Clock", Outcome.INCONCLUSIVE, error)
        except TimeoutError:
            observed = f"{environment.site.name} did not answer often enough within {CLOCK_DEADLINE:g} s."
            advice = "Try again when the network is faster."
            return self.writer.note("Clock", Outcome.INCONCLUSIVE, observed, advice=advice)
        finding = self.writer.skew(measured)
        # With a clock this wrong the exchange may refuse every signed call (-1021).
        return replace(finding, outcome=Outcome.FAILED) if measured.is_bad else finding

    def _check_settings(self) -> Finding:
        if isinstance(self.known, WizardError):
            return self.writer.error("Settings", Outcome.FAILED, self.known)
        file = self.paths.config_file
        source = str(file) if file.exists() else "No config.toml, so the defaults"
        return self.writer.note("Settings", Outcome.PASSED, f"{source}: {', '.join(self.known.environments)}.")

    def _check_services(self) -> Finding:
        try:
            services = load_services(self.paths.services_file)
        except WizardError as error:
            return self.writer.error("Echo services", Outcome.FAILED, error)
        providers = len({service.operator for service in services})
        observed = f"{len(services)} services of {providers} providers."
        if providers > 1:
            return self.writer.note("Echo services", Outcome.PASSED, observed)
        observed += " At least two providers must agree on an address."
        advice = f"Enable others in {self.paths.services_file}."
        return self.writer.note("Echo services", Outcome.FAILED, observed, advice=advice)

    def _check_privacy(self) -> Finding:
        """Look at the directories only: into a closed one nobody gets, whatever the modes of its files."""
        # On Windows the mode says nothing: rights come from the user's profile directory.
        directories = (self.paths.config, self.paths.state) if os.name == "posix" else ()
        exposed = [each for each in directories if each.exists() and each.stat().st_mode & OTHERS]
        if exposed:
            named = ", ".join(str(directory) for directory in exposed)
            observed = f"Other users of this system can look into {named}."
            advice = f"Run: chmod go= {' '.join(str(directory) for directory in exposed)}"
            return self.writer.note("Privacy", Outcome.FAILED, observed, advice=advice)
        return self.writer.note("Privacy", Outcome.PASSED, "The directories are closed to other users.")

    def _check_journal(self) -> Finding:
        try:
            with read_journal(self.paths) as journal:
                journal.check()
        except WizardError as error:
            return self.writer.error("Records", Outcome.FAILED, error)
        if not self.paths.journal.exists():
            return self.writer.note("Records", Outcome.PASSED, "There are none yet.")
        observed, gap = "The file is whole, and each row is valid.", "that nobody changed it"
        return self.writer.note("Records", Outcome.PASSED, observed, does_not_prove=gap)
