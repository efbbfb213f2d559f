"""Is the current key still fine? Looked at from all sides between two rotations; nothing is changed.

Invariant: it takes no lock and writes to no journal. What was observed is for the caller to keep. While a wizard
works on the environment, this reads what stands in the journal and in the place of the credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wizard.core.clock import Clock, duration
from wizard.core.errors import WizardError
from wizard.core.settings import Environment, Paths
from wizard.custody.errors import CustodyError
from wizard.custody.records import KeyRecord
from wizard.custody.store import Store
from wizard.egress.detection import EgressReport, detect
from wizard.egress.services import EchoService
from wizard.exchange.diagnosis import diagnose
from wizard.net.route import decide_route
from wizard.rotation.current_credentials import NoCurrentKeyError, current_key, fetch
from wizard.rotation.exchange_calls import SignedAnswer, ask, circumstances, open_exchange
from wizard.rotation.findings import STORAGE, FindingWriter
from wizard.rotation.journal import networks_of
from wizard.rotation.model import Finding, Outcome

CURRENT_KEY = "Current key"
ACCEPTED = "Accepted"
WHITELIST = "Whitelist"
AGE = "Age"
CALL_DEADLINE = 10.0
"""Seconds for one call to the exchange; there is one."""


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """What was found about the current key."""

    key: KeyRecord | None
    findings: tuple[Finding, ...]
    egress: EgressReport | None = None
    """What was observed of this host's address; None where nobody could be asked."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Looks at the current key of one environment, from this host."""

    environment: Environment
    paths: Paths
    services: tuple[EchoService, ...]
    open_store: Callable[[], Awaitable[Store]]
    environ: Mapping[str, str]
    clock: Clock
    place: str
    """What `open_store` opens, as a phrase within a sentence."""

    async def run(self, max_age: float) -> CheckedKey:
        """Ask the echo services, the place of the credentials and the exchange; each trouble becomes a finding.

        Args:
            max_age: Seconds after which a key is too old.

        Raises:
            wizard.core.errors.WizardError: the journal cannot be read.
        """
        try:
            key = current_key(self.environment.name, self.paths)
        except NoCurrentKeyError as error:
            writer = FindingWriter(self.clock, "")
            missing = writer.error(CURRENT_KEY, Outcome.FAILED, error)
            return CheckedKey(None, (missing, *writer.not_run(ACCEPTED, WHITELIST, AGE)))
        egress, answer = await asyncio.gather(self._observe(), self._ask(key))
        report = egress if isinstance(egress, EgressReport) else None
        address = str(report.verdict.addresses[0]) if report and report.verdict.is_agreed else ""
        writer = FindingWriter(self.clock, address)
        findings = (
            *self._asked(writer, key, answer),
            _covered(writer, key, egress),
            _age(writer, key, answer, max_age),
        )
        return CheckedKey(key, findings, report)

    async def _observe(self) -> EgressReport | WizardError:
        try:
            route = decide_route(self.environment, self.environ)
            return await detect(self.services, route, rules=self.environment.rules)
        except WizardError as error:
            return error

    async def _ask(self, key: KeyRecord) -> SignedAnswer | WizardError:
        try:
            credentials = await fetch(key, await self.open_store())
            try:
                route = decide_route(self.environment, self.environ)
                async with open_exchange(self.environment, route, timeout=CALL_DEADLINE, clock=self.clock) as client:
                    return await ask(client, credentials, circumstances(self.environment.site))
            finally:
                credentials.wipe()
        except WizardError as error:
            return error

    def _asked(self, writer: FindingWriter, key: KeyRecord, answer: SignedAnswer | WizardError) -> tuple[Finding, ...]:
        if isinstance(answer, CustodyError | NoCurrentKeyError):
            subject = STORAGE if isinstance(answer, CustodyError) else CURRENT_KEY
            return (writer.error(subject, Outcome.FAILED, answer), *writer.not_run(ACCEPTED))
        held = writer.note(CURRENT_KEY, Outcome.PASSED, f"{key.name} was read from {self.place}.")
        if isinstance(answer, WizardError):
            return (held, writer.error(ACCEPTED, Outcome.INCONCLUSIVE, answer))
        known = circumstances(self.environment.site, writer.egress, networks_of(key.whitelist))
        accepted = writer.diagnosis(ACCEPTED, diagnose(answer.error, known))
        if answer.restrictions is None:  # the site does not tell whether it binds the key to a list
            return (held, accepted)
        return (held, accepted, writer.restriction(answer.restrictions.ip_restricted, is_adopted=not key.whitelist))


def _covered(writer: FindingWriter, key: KeyRecord, egress: EgressReport | WizardError) -> Finding:
    whitelist = key.whitelist
    if isinstance(egress, WizardError):
        return writer.error(WHITELIST, Outcome.INCONCLUSIVE, egress)
    if not whitelist:
        observed = "No list was stored with this key: there is nothing to compare the address with."
        return writer.note(WHITELIST, Outcome.NOT_APPLICABLE, observed)
    if not egress.verdict.is_agreed:
        advice = "Run key-wizard egress to see who said what."
        return writer.note(WHITELIST, Outcome.INCONCLUSIVE, egress.sentence(), advice=advice)
    address = egress.verdict.addresses[0]
    if any(address in network for network in networks_of(whitelist)):
        observed = f"{egress.sentence()} The list stored with the key covers it."
        gap = "that the exchange's page holds the same list"
        return writer.note(WHITELIST, Outcome.PASSED, observed, does_not_prove=gap)
    observed = f"{egress.sentence()} The list stored with the key does not cover it: {whitelist}."
    advice = f"Add {address} to the list on the exchange's page, or rotate the key together with its list."
    return writer.note(WHITELIST, Outcome.FAILED, observed, advice=advice)


def _age(writer: FindingWriter, key: KeyRecord, answer: SignedAnswer | WizardError, max_age: float) -> Finding:
    """Judge the older of two dates: a key that was adopted is older than its stored item."""
    restrictions = answer.restrictions if isinstance(answer, SignedAnswer) else None
    created = restrictions.created_ms / 1000 if restrictions and restrictions.created_ms is not None else None
    is_dated = created is not None and created < key.stored_at
    since = created if created is not None and is_dated else key.stored_at
    age, by_whom = writer.clock() - since, "created, says the exchange," if is_dated else "stored here"
    if age < 0:
        observed = "The key was stored at a time that this host's clock has not reached: its age is not known."
        return writer.note(AGE, Outcome.INCONCLUSIVE, observed, advice="Let the system set its clock (NTP).")
    observed = f"The key was {by_whom} {duration(age)} ago; the limit is {duration(max_age)}."
    if age <= max_age:
        gap = "" if created is not None else "that it is not older: when it was created was not told"
        return writer.note(AGE, Outcome.PASSED, observed, does_not_prove=gap)
    return writer.note(AGE, Outcome.FAILED, observed, advice=f"Rotate it: key-wizard --env {key.environment}")
