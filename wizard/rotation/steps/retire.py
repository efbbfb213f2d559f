"""Step 5: watch the legacy key until it is proven dead, then purge its secret."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from wizard.credentials import Credentials
from wizard.errors import WizardError
from wizard.rotation.context import Context, networks_of
from wizard.rotation.model import Finding, Grade, KeyRecord, Outcome, Slot
from wizard.rotation.retirement import REFUSED_KEY, Baseline, Death, Poll, judge_death
from wizard.rotation.signed import Where, ask
from wizard.rotation.steps.egress import EgressStep

POLLED = "legacy.polled"
PURGING = "key.purging"
DEATH = "death"


class NothingToRetire(WizardError):
    """A key that the poll needs is not in the keyring."""


class NotDead(WizardError):
    """A purge was asked for although the legacy key is not proven dead."""


class RetireStep:
    """Polls the legacy key with the current key as the paired control."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def legacy(self) -> KeyRecord | None:
        """The key that is to die."""
        return self._key(Slot.LEGACY)

    @property
    def buried(self) -> KeyRecord | None:
        """The key whose purge was announced in this rotation because it was dead."""
        events = self._context.journal.events(self._context.rotation)
        dead = {
            event.detail["fingerprint"]
            for event in events
            if event.kind == PURGING and str(event.detail["reason"]).startswith(DEATH)
        }
        keys = self._context.journal.keys(self._context.environment.name)
        return next((key for key in keys if key.slot is Slot.RETIRED and key.name.fingerprint in dead), None)

    @property
    def current(self) -> KeyRecord | None:
        """The key that took its place."""
        return self._key(Slot.CURRENT)

    def overlap(self) -> float:
        """Return for how many seconds two keys have been alive, as far as we know."""
        current = self.current
        return self._context.clock() - current.stored_at if current and self.legacy else 0.0

    def death(self) -> Death:
        """Judge all polls of this rotation, also those before a restart."""
        return judge_death(self.polls(), self._baseline())

    async def poll(self) -> Death:
        """Ask with both keys at the same time, keep the answer in the journal, judge.

        Raises:
            NothingToRetire: one of the two keys is not in the keyring any more.
        """
        legacy, control = await asyncio.gather(self._fetch(Slot.LEGACY), self._fetch(Slot.CURRENT))
        try:
            poll = await self._ask_both(legacy, control)
        finally:
            legacy.wipe()
            control.wipe()
        self._context.journal.record(self._context.rotation, POLLED, asdict(poll))
        return self.death()

    async def purge(self) -> Finding:
        """Delete the legacy secret from the keyring, once its death is proven, and read back that it is gone.

        Raises:
            NotDead: the grade does not allow it.
        """
        legacy, death = self.legacy, self.death()
        if legacy is None:
            raise NothingToRetire("There is no legacy key", advice="Nothing is left to do.")
        if not death.allows_purge:
            raise NotDead("The legacy key is not proven dead", why=death.sentence, advice="Go on polling.")
        return await self._purge(legacy, death.grade)

    async def purge_on_word(self, last_four: str) -> Finding:
        """Delete the legacy secret on the user's word, where its death cannot be seen from here.

        Args:
            last_four: What the user typed: the last four characters of the legacy key.

        Raises:
            NotDead: the key is seen to be alive, or the characters are not its own.
        """
        legacy, death = self.legacy, self.death()
        if legacy is None:
            raise NothingToRetire("There is no legacy key", advice="Nothing is left to do.")
        if death.grade is not Grade.WEAK:
            raise NotDead("The legacy key cannot be given up yet", why=death.sentence, advice="Go on polling.")
        if last_four != legacy.name.last_four:
            raise NotDead(
                "Those are not the last four characters of the legacy key",
                why=f"It is {legacy.name}.",
                advice="Type them as shown, or leave the key where it is.",
            )
        return await self._purge(legacy, Grade.WEAK)

    async def _purge(self, legacy: KeyRecord, grade: Grade) -> Finding:
        await self._context.keeping.purge(legacy, f"{DEATH} {grade}")
        return Finding(
            subject="Purge",
            outcome=Outcome.PASSED,
            observed=f"The secret of {legacy.name} was deleted from {legacy.store}, and reading it back gives nothing.",
            at=self._context.clock(),
            does_not_prove="that no other program or backup holds a copy",
        )

    async def _ask_both(self, legacy: Credentials, control: Credentials) -> Poll:
        async with self._context.exchange() as client:
            old, new = await asyncio.gather(
                ask(client, legacy, self._where(self.legacy)), ask(client, control, self._where(self.current))
            )
        if old.code == REFUSED_KEY:
            await EgressStep(self._context).detect()
        return Poll(
            at=self._context.clock(),
            legacy_accepted=old.accepted,
            legacy_code=old.code,
            legacy_said=old.verdict.what,
            control_accepted=new.accepted,
            control_said=new.verdict.what,
            from_address=self._context.egress,
        )

    def _where(self, record: KeyRecord | None) -> Where:
        whitelist = networks_of(record.whitelist) if record else ()
        return Where(self._context.environment.site, self._context.egress, whitelist)

    async def _fetch(self, slot: Slot) -> Credentials:
        record = self._key(slot)
        found = await self._context.keeping.fetch(record) if record else None
        if found is None:
            raise NothingToRetire(
                f"The {slot} key is not in the keyring",
                why="Without both keys nothing can be proven.",
                advice="Unlock the keyring, or check on the exchange's page that the legacy key is deleted.",
            )
        return found

    def polls(self) -> list[Poll]:
        """Return all polls of this rotation, the oldest first."""
        events = self._context.journal.events(self._context.rotation)
        return [Poll(**event.detail) for event in events if event.kind == POLLED]  # type: ignore[arg-type]

    def _baseline(self) -> Baseline | None:
        """When and from where the legacy key was accepted within this rotation."""
        legacy = self.legacy or self.buried
        if legacy is None or legacy.proven_at is None or legacy.proven_at < self._context.rotation.started_at:
            return None
        return Baseline(legacy.proven_at, legacy.proven_from)

    def _key(self, slot: Slot) -> KeyRecord | None:
        return self._context.journal.key_in(self._context.environment.name, slot)
