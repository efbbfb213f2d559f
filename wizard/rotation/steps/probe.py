"""Step 4: do the new credentials work from here, and are they what they should be?

Independent checks run at the same time. What could not be asked is `not run`, never `failed`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from wizard.credentials import Credentials, KeyKind
from wizard.errors import WizardError, sentences
from wizard.exchange.client import Account, ExchangeClient
from wizard.exchange.errors import ExchangeError
from wizard.exchange.permissions import compare
from wizard.exchange.skew import measure_skew
from wizard.exchange.verdicts import Verdict
from wizard.rotation import findings as say
from wizard.rotation.context import Context, networks_of
from wizard.rotation.findings import Scribe
from wizard.rotation.model import Finding, KeyRecord, Mode, Outcome, Slot, Step
from wizard.rotation.signed import SignedAnswer, Where, ask, explain
from wizard.rotation.steps.egress import EgressStep

PASSES_IN_A_ROW = 3
MAYBE_SWAPPED = frozenset({-2015, -2014, -2008})
"""What an exchange says to a secret in the place of an API key."""

OnFinding = Callable[[Finding], object]


class NothingToProbe(WizardError):
    """There are no stored credentials to probe."""


class NotProven(WizardError):
    """Promotion was asked for although the probe did not pass."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Everything the probe saw, in the order in which it was seen."""

    findings: tuple[Finding, ...]
    item: str
    """The keyring item of the key that was probed: what is promoted must be what was proven."""
    verdict: Verdict | None = None
    """What the exchange said to the new key; None when it could not be asked."""
    may_be_swapped: bool = False
    """Whether API key and secret in each other's place would explain the refusal.

    It is not tried unasked: where they are in their places, the swapped call would show the
    secret to the exchange, and to whoever reads along.
    """

    @property
    def is_proven(self) -> bool:
        """Whether the new key may be promoted."""
        return say.prove(self.findings)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one key showed of itself."""

    answer: SignedAnswer
    account: Account | None = None
    account_error: ExchangeError | None = None


class ProbeStep:
    """Runs the ladder against the pending key, with the current key as the control."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self, on_finding: OnFinding = lambda _: None) -> ProbeReport:
        """Ask everything and return what was seen.

        Raises:
            NothingToProbe: no pending key is stored, or the keyring has lost it.
        """
        pending = self._key(Slot.PENDING)
        credentials = await self._context.keeping.fetch(pending) if pending else None
        if pending is None or credentials is None:
            raise NothingToProbe(
                "There is no new key to probe",
                why="The keyring holds no pending credentials for this environment.",
                advice="Go back to the credentials step and enter the key again.",
            )
        current = self._key(Slot.CURRENT)
        control = await self._context.keeping.fetch(current) if current else None
        try:
            return await _Ladder(self._context, pending, current, on_finding).climb(credentials, control)
        finally:
            for held in filter(None, (credentials, control)):
                held.wipe()

    async def promote(self, report: ProbeReport, step: Step) -> Finding:
        """Ask once more, then make the proven key the current and the current key the legacy one, and move on.

        Args:
            report: What proves it.
            step: Where the rotation stands afterwards.

        Raises:
            NotProven: the report does not allow it, or is about another key.
            wizard.rotation.journal.NotPromotable: the slots do not allow it.
        """
        pending = self._key(Slot.PENDING)
        if not report.is_proven or pending is None or pending.item != report.item:
            raise NotProven(
                "The new key is not proven yet", advice="Run the probe until every check that counts passes."
            )
        await self._ask_once_more(pending)
        self._context.journal.promote(self._context.rotation, report.item, step)
        current = self._key(Slot.CURRENT)
        assert current is not None  # noqa: S101 - promoted in the line above
        return say.promoted(Scribe(self._context.clock, self._context.egress), current, self._key(Slot.LEGACY))

    async def _ask_once_more(self, pending: KeyRecord) -> None:
        """The user may have looked at the report for an hour."""
        credentials = await self._context.keeping.fetch(pending)
        if credentials is None:
            raise NotProven("The new key is not in the keyring any more", advice="Enter it again.")
        where = Where(self._context.environment.site, self._context.egress, self._context.whitelist)
        async with self._context.exchange() as client:
            answer = await ask(client, credentials, where)
        credentials.wipe()
        if not answer.accepted:
            why = " ".join(sentences(answer.verdict.what, answer.verdict.why))
            raise NotProven("Nothing was promoted: the new key is not accepted now", why=why, advice="Probe again.")

    def _key(self, slot: Slot) -> KeyRecord | None:
        return self._context.journal.key_in(self._context.environment.name, slot)


class _Ladder:
    """One run of the probe."""

    def __init__(self, context: Context, pending: KeyRecord, current: KeyRecord | None, on_finding: OnFinding) -> None:
        self._context = context
        self._pending = pending
        self._current = current
        self._on_finding = on_finding
        self._findings: list[Finding] = []
        self._scribe = Scribe(context.clock, context.egress)

    async def climb(self, credentials: Credentials, control: Credentials | None) -> ProbeReport:
        async with self._context.exchange() as client:
            reached, _ = await asyncio.gather(self._reach(client), EgressStep(self._context).detect())
            self._scribe = Scribe(self._context.clock, self._context.egress)
            # Both were under way at once: what the ping began with may be an address of another day.
            self._tell(replace(reached, from_address=self._context.egress))
            if reached.outcome is not Outcome.PASSED:
                self._tell(*self._scribe.not_run(say.CLOCK, say.NEW_KEY, say.ACCOUNT))
                return ProbeReport(tuple(self._findings), self._pending.item)
            new, other, _ = await asyncio.gather(
                self._show(client, credentials, self._context.whitelist),
                self._show_control(client, control),
                self._measure_clock(client),
            )
            if not new.answer.accepted:
                return self._explain_refusal(credentials, new, other)
            self._tell(self._scribe.verdict(say.NEW_KEY, new.answer.verdict))
            await self._repeat(client, credentials, new)
        self._compare(new, other)
        report = ProbeReport(tuple(self._findings), self._pending.item, new.answer.verdict)
        if report.is_proven:
            self._context.journal.mark_proven(self._pending, self._context.egress)
        return report

    def _tell(self, *findings: Finding) -> None:
        for finding in findings:
            self._findings.append(finding)
            self._on_finding(finding)

    def _where(self) -> Where:
        return Where(self._context.environment.site, self._context.egress, self._context.whitelist)

    async def _reach(self, client: ExchangeClient) -> Finding:
        try:
            return self._scribe.reachable((await client.ping()).round_trip_ms)
        except ExchangeError as error:
            return self._scribe.verdict(say.REACHABLE, explain(error, self._where()))

    async def _measure_clock(self, client: ExchangeClient) -> None:
        try:
            self._tell(self._scribe.skew(await measure_skew(client)))
        except ExchangeError as error:
            self._tell(self._scribe.note(say.CLOCK, Outcome.INCONCLUSIVE, error.what, advice=error.advice))

    async def _show(self, client: ExchangeClient, credentials: Credentials, whitelist: Sequence[IPv4Network]) -> _Shown:
        answer = await ask(client, credentials, replace(self._where(), whitelist=whitelist))
        if not answer.accepted:
            return _Shown(answer)
        try:
            return _Shown(answer, account=await client.account(credentials))
        except ExchangeError as error:
            return _Shown(answer, account_error=error)

    async def _show_control(self, client: ExchangeClient, control: Credentials | None) -> _Shown | None:
        if control is None or self._current is None:
            return None
        shown = await self._show(client, control, networks_of(self._current.whitelist))
        if shown.answer.accepted:
            # The baseline: only a key that was seen to work from here can be seen to die from here.
            self._context.journal.mark_proven(self._current, self._context.egress)
        self._tell(self._scribe.verdict(say.CONTROL, shown.answer.verdict))
        return shown

    async def _repeat(self, client: ExchangeClient, credentials: Credentials, new: _Shown) -> None:
        if new.account_error is not None:
            self._tell(self._scribe.verdict(say.ACCOUNT, explain(new.account_error, self._where())))
            return
        self._tell(self._scribe.note(say.ACCOUNT, Outcome.PASSED, "The account can be read with the new key."))
        for _ in range(PASSES_IN_A_ROW - 1):
            await self._context.pause(self._context.pace.between_passes)
            again = await ask(client, credentials, self._where())
            if not again.accepted:
                self._tell(self._scribe.verdict(say.IN_A_ROW, again.verdict))
                return
        self._tell(self._scribe.in_a_row(PASSES_IN_A_ROW))

    def _compare(self, new: _Shown, other: _Shown | None) -> None:
        is_adopted = self._context.rotation.mode is Mode.ADOPT
        if new.answer.restrictions is None:
            self._tell(self._scribe.restriction_not_told(self._context.environment.site.name))
        else:
            self._tell(self._scribe.restriction(new.answer.restrictions.ip_restricted, is_adopted))
            current = other.answer.restrictions if other else None
            difference = compare(new.answer.restrictions, current)
            self._tell(self._scribe.permissions(difference, new.answer.restrictions, has_control=other is not None))
        if other and new.account and other.account:
            self._tell(self._scribe.same_account(new.account, other.account))

    def _explain_refusal(self, credentials: Credentials, new: _Shown, other: _Shown | None) -> ProbeReport:
        verdict = explain(new.answer.error, self._where(), other.answer.accepted if other else None)
        self._tell(self._scribe.verdict(say.NEW_KEY, verdict))
        self._tell(*self._scribe.not_run(say.ACCOUNT, say.IN_A_ROW, say.IP_RESTRICTION, say.PERMISSIONS))
        may_be_swapped = credentials.kind is KeyKind.HMAC and new.answer.code in MAYBE_SWAPPED
        return ProbeReport(tuple(self._findings), self._pending.item, verdict, may_be_swapped)
