"""Step 5: watch the legacy key until it is proven dead, then purge its secret."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, fields

from wizard.credentials import Credentials
from wizard.errors import WizardError
from wizard.rotation.context import Context
from wizard.rotation.model import Event, Grade, KeyRecord, Slot
from wizard.rotation.retirement import REFUSED_KEY, Baseline, Death, Poll, gone, judge_death
from wizard.rotation.signed import Where, ask
from wizard.rotation.steps.egress import EgressStep
from wizard.rotation.surroundings import networks_of

POLLED = "legacy.polled"
MISSING = "legacy.missing"
ACCEPTED = "key.accepted"
PURGING = "key.purging"
DEATH = "death"


class NothingToRetire(WizardError):
    """There is no legacy key, or no current key to compare it with."""


class NotDead(WizardError):
    """A purge was asked for although the legacy key is not proven dead."""


class RetireStep:
    """Polls the legacy key with the current key as the paired control."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._has_looked = False

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
        events = self._context.journal.events(self._context.rotation)
        polls = _polls(events)
        asked = [event.kind for event in events if event.kind in (POLLED, MISSING)]
        if asked and asked[-1] == MISSING:
            return gone(any(poll.control_accepted for poll in polls[-1:]))
        return judge_death(polls, self._baseline(events, polls))

    async def poll(self) -> Death:
        """Ask with both keys at the same time, keep the answer in the journal, judge.

        Raises:
            NothingToRetire: the current key is not stored any more, so that nothing can be compared.
        """
        if not self._has_looked:
            await EgressStep(self._context).detect()
            self._has_looked = True
        control = await self._fetch(self.current)
        legacy = await self._fetch(self.legacy)
        if control is None:
            raise NothingToRetire(
                f"The current key is not in {self._context.keeping.place}",
                why="Without it nothing can be proven about the legacy key.",
                advice="Open the place that it was stored in, or set the key up again.",
            )
        if legacy is None:
            control.wipe()
            self._context.journal.record(self._context.rotation, MISSING, {})
            return self.death()
        try:
            poll = await self._ask_both(legacy, control)
        finally:
            legacy.wipe()
            control.wipe()
        self._context.journal.record(self._context.rotation, POLLED, asdict(poll))
        return self.death()

    async def purge(self) -> Death:
        """Poll once more, then delete the legacy secret and read back that it is gone.

        Returns:
            The judgement on which it was deleted.

        Raises:
            NotDead: the grade does not allow it.
        """
        legacy = self._expect_legacy()
        death = await self.poll()
        if not death.allows_purge:
            raise NotDead("The legacy key is not proven dead", why=death.sentence, advice="Go on polling.")
        await self._purge(legacy, death.grade)
        return death

    async def purge_on_word(self, last_four: str) -> Death:
        """Delete the legacy secret on the user's word, where its death cannot be seen from here.

        Args:
            last_four: What the user typed: the last four characters of the legacy key.

        Returns:
            The judgement on which it was deleted.

        Raises:
            NotDead: the key is seen to be alive, or the characters are not its own.
        """
        legacy = self._expect_legacy()
        death = await self.poll()
        if not (death.allows_purge or death.grade is Grade.WEAK):
            raise NotDead("The legacy key cannot be given up yet", why=death.sentence, advice="Go on polling.")
        if last_four != legacy.name.last_four:
            raise NotDead(
                "Those are not the last four characters of the legacy key",
                why=f"It is {legacy.name}.",
                advice="Type them as shown, or leave the key where it is.",
            )
        await self._purge(legacy, death.grade)
        return death

    def pause(self) -> float:
        """Return for how many seconds to wait before the next poll: the pace, or longer where the exchange asks."""
        polls = self.polls()
        return max(self._context.pace.between_polls, polls[-1].retry_after if polls else 0.0)

    def _expect_legacy(self) -> KeyRecord:
        legacy = self.legacy
        if legacy is None:
            raise NothingToRetire("There is no legacy key", advice="Nothing is left to do.")
        return legacy

    async def _purge(self, legacy: KeyRecord, grade: Grade) -> None:
        await self._context.keeping.purge(legacy, f"{DEATH} {grade}")

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
            is_on_sapi=self._context.environment.site.has_sapi,
            retry_after=max(old.verdict.retry_after, new.verdict.retry_after),
        )

    def _where(self, record: KeyRecord | None) -> Where:
        whitelist = networks_of(record.whitelist) if record else ()
        return Where(self._context.environment.site, self._context.egress, whitelist)

    async def _fetch(self, record: KeyRecord | None) -> Credentials | None:
        return await self._context.keeping.fetch(record) if record else None

    def polls(self) -> list[Poll]:
        """Return all polls of this rotation, the oldest first."""
        return _polls(self._context.journal.events(self._context.rotation))

    def _baseline(self, events: Sequence[Event], polls: Sequence[Poll]) -> Baseline | None:
        """When and from where the legacy key was accepted last within this rotation.

        By the order of the events alone: the clock may have been set in between.
        """
        if accepted := [poll for poll in polls if poll.legacy_accepted]:
            return Baseline(accepted[-1].at, accepted[-1].from_address)
        legacy = self.legacy or self.buried
        for event in reversed(events):
            if event.kind == ACCEPTED and legacy and event.detail["fingerprint"] == legacy.name.fingerprint:
                return Baseline(event.at, str(event.detail["address"]))
        return None

    def _key(self, slot: Slot) -> KeyRecord | None:
        return self._context.journal.key_in(self._context.environment.name, slot)


def _polls(events: Sequence[Event]) -> list[Poll]:
    known = {field.name for field in fields(Poll)}
    details = [event.detail for event in events if event.kind == POLLED]
    # A newer version may have written more.
    return [Poll(**{name: value for name, value in detail.items() if name in known}) for detail in details]  # type: ignore[arg-type]
