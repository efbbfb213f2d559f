"""Step 4: do the new credentials work from here, and are they what they should be?

The checks are in `wizard.rotation.probe`. Here: which keys are probed, waiting for a list that does not count yet,
promotion.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError, sentences
from wizard.core.text import capitalised
from wizard.custody.records import KeyRecord, Slot
from wizard.exchange.diagnosis import Diagnosis
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask
from wizard.rotation.model import Finding, Mode
from wizard.rotation.probe import Probe, ProbeReport

NOT_PROVEN = "probe.not-proven"
"""The code of the error where a key is not switched to."""


class ProbeStep:
    """Runs the probe against the pending key, with the current key as the control."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.report: ProbeReport | None = None
        """What the last run of this program saw."""
        self._free_at = 0.0
        """On the stopwatch: before it the exchange wants no question, see `Diagnosis.retry_after`."""

    async def run(
        self, on_finding: Callable[[Finding], object] = lambda _: None, hosts: Iterable[str] = ()
    ) -> ProbeReport:
        """Ask everything and return what was seen; a `WizardError` where the key is not stored.

        The other hosts of the settings and the list are asked too, and those that `hosts` names besides.
        """
        current = None if self._is_about_current else self._context.key(Slot.CURRENT)
        async with self._subject() as (subject, credentials), self._context.credentials(current) as control:
            probe = Probe(self._context, subject, current, on_finding)
            self.report = report = await probe.run(credentials, control, hosts)
        if report.diagnosis:
            self._heed(report.diagnosis)
        return report

    async def wait_until_accepted(self, on_wait: Callable[[float, int], object] = lambda *_: None) -> Diagnosis:
        """Ask about the new key again and again, slowly, until it is accepted; return the last diagnosis.

        Ends by itself where waiting cannot help any more, and after `Pace.patience`. May be cancelled. `on_wait` takes
        the seconds until the next question, and how many were asked. A `WizardError` where the key is not stored.
        """
        begun, questions = self._context.stopwatch(), 0
        async with self._subject() as (_, credentials):
            await self._context.pause(max(0.0, self._free_at - begun))
            while True:
                answer = await self._ask(credentials)
                diagnosis, questions = answer.diagnose(), questions + 1
                self._heed(diagnosis)
                left = self._context.pace.patience - (self._context.stopwatch() - begun)
                pause = diagnosis.pause(questions, self._context.pace.between_questions)
                if answer.accepted or not diagnosis.may_change or pause > left:
                    return diagnosis
                on_wait(pause, questions)
                await self._context.pause(pause)

    async def confirm(self, report: ProbeReport) -> None:
        """Ask once more whether the key is what the report proved; else a `WizardError`."""
        subject = self.subject()
        if not report.is_proven or subject.item != report.item:
            raise _not_proven("This key is not proven yet", advice="Run the probe until it is proven.")
        async with self._subject() as (_, credentials):
            answer = await self._ask(credentials)  # the user may have looked at the report for an hour
        if not answer.accepted:
            said = answer.diagnose()
            why = " ".join(sentences(said.what, said.why))
            raise _not_proven("Binance does not accept this key now, so nothing was changed", why)
        if answer.restrictions != report.restrictions:
            why = "Binance shows other permissions or another restriction than before."
            raise _not_proven("This key changed since the probe, so nothing was changed", why)

    def _heed(self, diagnosis: Diagnosis) -> None:
        self._free_at = max(self._free_at, self._context.stopwatch() + diagnosis.retry_after)

    @property
    def _is_about_current(self) -> bool:
        return self._context.rotation.mode is Mode.WHITELIST

    def subject(self) -> KeyRecord:
        """Return the key that is probed: the new one, or the current one whose list changes; else a `WizardError`."""
        slot = Slot.CURRENT if self._is_about_current else Slot.PENDING
        if found := self._context.key(slot):
            return found
        raise self._no_key()

    def _no_key(self) -> WizardError:
        why = f"{capitalised(self._context.vault.store.place)} holds no key to probe for this environment."
        advice = "Go back to the Credentials step and enter the key again."
        if self._is_about_current:
            advice = "Open the place that stored it, or replace the key."
        return WizardError("There is no key to probe", why=why, advice=advice, code="probe.no-key")

    @asynccontextmanager
    async def _subject(self) -> AsyncIterator[tuple[KeyRecord, Credentials]]:
        subject = self.subject()
        async with self._context.credentials(subject) as credentials:
            if credentials is None:
                raise self._no_key()
            yield subject, credentials

    async def _ask(self, credentials: Credentials) -> SignedAnswer:
        known = self._context.circumstances(self.subject(), self._context.whitelist)
        async with self._context.exchange() as client:
            return await ask(client, credentials, known)


def _not_proven(what: str, why: str = "", advice: str = "Probe again.") -> WizardError:
    return WizardError(what, why=why, advice=advice, code=NOT_PROVEN)
