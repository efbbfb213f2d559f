"""Step 4: do the new credentials work from here, and are they what they should be?

The checks are in `wizard.rotation.probe`. Here: which keys are probed, waiting for a list that does not count yet,
promotion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError, sentences
from wizard.core.text import capitalised
from wizard.custody.records import KeyRecord, Slot
from wizard.exchange.diagnosis import Diagnosis
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask, circumstances
from wizard.rotation.model import Step
from wizard.rotation.probe import PASSES_IN_A_ROW, OnFinding, Probe, ProbeReport

__all__ = ["PASSES_IN_A_ROW", "ProbeReport", "ProbeStep", "Wait"]

OnWait = Callable[["Wait"], object]


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause before the new key is asked about again."""

    seconds: float
    questions: int
    """How many were asked so far."""
    seconds_left: float
    """After which the waiting ends by itself."""
    diagnosis: Diagnosis
    """What the last question came to."""


class ProbeStep:
    """Runs the probe against the pending key, with the current key as the control."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.report: ProbeReport | None = None
        """What the last run of this program saw."""
        self._free_at = 0.0
        """On the stopwatch: before it the exchange wants no question, see `Diagnosis.retry_after`."""

    async def run(self, on_finding: OnFinding = lambda _: None) -> ProbeReport:
        """Ask everything and return what was seen.

        Raises `WizardError` where no pending key is stored, or it is not stored any more.
        """
        pending, credentials = await self._fetch_pending()
        current, control = self._context.key(Slot.CURRENT), None
        try:
            control = await self._context.vault.fetch(current) if current else None
            self.report = report = await Probe(self._context, pending, current, on_finding).run(credentials, control)
        finally:
            for held in filter(None, (credentials, control)):
                held.wipe()
        if report.diagnosis:
            self._heed(report.diagnosis)
        return report

    async def wait_until_accepted(self, on_wait: OnWait = lambda _: None) -> Diagnosis:
        """Ask about the new key again and again, slowly, until it is accepted; return the last diagnosis.

        Ends by itself where waiting cannot help any more, and after `Pace.patience`. May be cancelled. Raises
        `WizardError` where no pending key is stored, or it is not stored any more.
        """
        _, credentials = await self._fetch_pending()
        begun = self._context.stopwatch()
        try:
            await self._context.pause(max(0.0, self._free_at - begun))
            for questions in count(1):
                answer = await self._ask(credentials)
                diagnosis = answer.diagnose()
                self._heed(diagnosis)
                left = self._context.pace.patience - (self._context.stopwatch() - begun)
                pause = diagnosis.pause(questions, self._context.pace.between_questions)
                if answer.accepted or not diagnosis.may_change or pause > left:
                    return diagnosis
                on_wait(Wait(pause, questions, left, diagnosis))
                await self._context.pause(pause)
        finally:
            credentials.wipe()
        raise AssertionError("counted to the end")

    async def promote(self, report: ProbeReport, step: Step) -> None:
        """Ask once more, then make the proven key the current and the current key the legacy one; go on to `step`.

        Raises `WizardError` where the report does not allow it, or is about another key, or the slots do not allow it.
        """
        pending = self._context.key(Slot.PENDING)
        if not report.is_proven or pending is None or pending.item != report.item:
            raise WizardError(
                "This key is not proven yet", advice="Run the probe until it is proven.", code="probe.not-proven"
            )
        _, credentials = await self._fetch_pending()
        try:
            answer = await self._ask(credentials)  # the user may have looked at the report for an hour
        finally:
            credentials.wipe()
        if not answer.accepted:
            diagnosis = answer.diagnose()
            raise WizardError(
                "Binance does not accept this key now, so nothing was changed",
                why=" ".join(sentences(diagnosis.what, diagnosis.why)),
                advice="Probe again.",
                code="probe.not-proven",
            )
        if answer.restrictions != report.restrictions:
            raise WizardError(
                "This key changed since the probe, so nothing was changed",
                why="Binance shows other permissions or another restriction than before.",
                advice="Probe again.",
                code="probe.not-proven",
            )
        self._context.journal.promote(self._context.rotation, report.item, step)

    def _heed(self, diagnosis: Diagnosis) -> None:
        self._free_at = max(self._free_at, self._context.stopwatch() + diagnosis.retry_after)

    async def _fetch_pending(self) -> tuple[KeyRecord, Credentials]:
        pending = self._context.key(Slot.PENDING)
        credentials = await self._context.vault.fetch(pending) if pending else None
        if pending is None or credentials is None:
            raise WizardError(
                "There is no key to probe",
                why=f"{capitalised(self._context.vault.store.place)} holds no key to probe for this environment.",
                advice="Go back to the Credentials step and enter the key again.",
                code="probe.no-key",
            )
        return pending, credentials

    async def _ask(self, credentials: Credentials) -> SignedAnswer:
        known = circumstances(self._context.environment.site, self._context.egress, self._context.whitelist)
        async with self._context.exchange() as client:
            return await ask(client, credentials, known)
