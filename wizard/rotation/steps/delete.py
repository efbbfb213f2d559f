"""The Delete step of a key that has leaked: does Binance still accept it?

Nothing is called dead here: there is no other key to compare with. What is seen is the baseline of the proof that
follows with the new key.
"""

from __future__ import annotations

from wizard.core.errors import WizardError
from wizard.custody.records import KeyRecord, Slot
from wizard.exchange.diagnosis import DEATH_CODES
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import ask
from wizard.rotation.model import Event
from wizard.rotation.steps.egress import EgressStep

ASKED = "leaked.asked"
"""The event: what Binance said to the key, as `accepted`, `code` (null where it did not judge the key) and `said`."""


class DeleteStep:
    """Asks with the key in use, which has leaked, until the user has deleted it on Binance."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._retry_after = 0.0
        self._has_looked = False
        """Whether this run has looked from which address it calls."""

    @property
    def leaked(self) -> KeyRecord | None:
        """The key: the legacy one after the switch."""
        return self._context.key(Slot.LEGACY) or self._context.key(Slot.CURRENT)

    async def ask(self) -> None:
        """Ask once, and keep what was said; a `WizardError` where the key is not stored."""
        context, leaked, address = self._context, self.leaked, ""  # it may be another one since it was looked up
        if not self._has_looked:
            await EgressStep(context).detect()
            self._has_looked, address = True, context.egress
        async with context.credentials(leaked) as credentials:
            if leaked is None or credentials is None:
                raise WizardError(
                    f"The key is not in {context.vault.store.place}",
                    why="Without it Binance cannot be asked.",
                    advice="Delete it on Binance all the same, then go on.",
                    code="leaked.no-key",
                )
            async with context.exchange() as client:
                answer = await ask(client, credentials, context.circumstances(leaked))
        self._retry_after = answer.error.retry_after if answer.error else 0.0
        if answer.accepted:
            may = answer.restrictions.permissions if answer.restrictions else None
            context.journal.mark_proven(leaked, address, may, site=context.environment.site.name)
        code = answer.code if answer.code in DEATH_CODES else None
        detail = {"accepted": answer.accepted, "code": code, "said": answer.diagnose().what}
        context.journal.record(context.rotation, ASKED, detail)

    async def wait(self) -> None:
        """Wait until the next question: the pace, or longer where the exchange asks."""
        await self._context.pause(max(self._context.pace.between_polls, self._retry_after))

    def answers(self) -> tuple[Event, ...]:
        """Return what Binance said in this job, the oldest first."""
        return self._context.journal.events(self._context.rotation, ASKED)

    @property
    def was_accepted(self) -> bool:
        """Whether Binance accepted it in this job."""
        return any(event.detail["accepted"] for event in self.answers())

    @property
    def refused_since(self) -> float | None:
        """When Binance refused it first without accepting it again, in this step; None where it did not."""
        since: float | None = None
        for event in self.answers():
            if event.detail["accepted"]:
                since = None
            elif event.detail["code"] is not None and since is None:
                since = event.at
        return since
