"""Step 5: watch the legacy key until it is proven dead, then purge its secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from ipaddress import IPv4Address, IPv4Network

from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError
from wizard.core.settings import Bot
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.selection import callers_address
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import DEATH_CODES, REFUSED_KEY, Circumstances
from wizard.rotation.bots import Restart, item_of, last_restarts, restart
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_account, ask_futures
from wizard.rotation.journal import networks_of
from wizard.rotation.model import Event, Grade
from wizard.rotation.retirement import POLLS_IN_A_ROW, Death, Poll, covers, judge_death, judge_missing
from wizard.rotation.steps.egress import EgressStep

POLLED = "legacy.polled"
MISSING = "legacy.missing"
ACCEPTED = "key.accepted"
PROMOTED = "key.promoted"
PURGING = "key.purging"
DEATH = "death"
DONE = "retire.done"
"""The event: what the user noted as done, each as true."""


class RetireStep:
    """Polls the legacy key with the current key as the paired control."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked_at: float | None = None
        """On the stopwatch: when the newest poll of this run ended."""
        self._has_waited = False
        """Whether the time until the next poll was waited since then."""
        self._is_current_missing = False
        """Whether the place of the credentials did not hold the current key when it was looked for last."""

    @property
    def legacy(self) -> KeyRecord | None:
        """The key that is to die."""
        return self._context.key(Slot.LEGACY)

    @property
    def retired(self) -> KeyRecord | None:
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
        return self._context.key(Slot.CURRENT)

    def done(self) -> frozenset[str]:
        """Return what the user noted as done since the switch."""
        events = _since_switch(self._context.journal.events(self._context.rotation))
        noted = [event.detail for event in events if event.kind == DONE]
        return frozenset(name for name, is_done in (noted[-1] if noted else {}).items() if is_done)

    def note_done(self, names: frozenset[str]) -> None:
        """Keep what the user has done."""
        self._context.journal.record(self._context.rotation, DONE, dict.fromkeys(sorted(names), True))

    async def restart(self, bot: Bot) -> Restart:
        """Restart a bot, and note it as done if that went well, else as not done; a `WizardError` from the journal."""
        self.note_done(self.done() - {item_of(bot)})  # it may be stopped half-way
        restarted = await restart(bot, self._context)
        if restarted.is_good:
            self.note_done(self.done() | {item_of(bot)})
        return restarted

    def restarts(self) -> dict[str, Restart]:
        """Return the last restart of each bot since the switch, by its name."""
        return last_restarts(_since_switch(self._context.journal.events(self._context.rotation)))

    @property
    def bots_left(self) -> tuple[Bot, ...]:
        """The bots of the settings that are not noted as done since the switch."""
        done = self.done()
        return tuple(bot for bot in self._context.environment.bots if item_of(bot) not in done)

    def overlap(self) -> float:
        """Return for how many seconds two keys have been alive, as far as is known; at the death it ends."""
        current, death = self.current, self.death() if self.legacy else None
        if current is None or death is None:
            return 0.0
        end = death.since if death.allows_purge and death.since is not None else self._context.clock()
        return end - current.stored_at

    def death(self) -> Death:
        """Judge all polls since the switch, also those before a restart."""
        events = self._context.journal.events(self._context.rotation)
        asked = [event for event in _since_switch(events) if event.kind in (POLLED, MISSING)]
        if asked and asked[-1].kind == MISSING:
            return judge_missing(bool(asked[-1].detail.get("control_accepted")))
        polls = _polls(asked)
        return judge_death(polls, self._baseline(events, polls), worked_before=self._worked_before())

    @property
    def current_accepted(self) -> bool:
        """Whether the current key was accepted when it was asked last; true before it was."""
        events = _since_switch(self._context.journal.events(self._context.rotation))
        asked = [event.detail for event in events if event.kind in (POLLED, MISSING)]
        return not asked or bool(asked[-1].get("control_accepted"))

    @property
    def accepts_legacy(self) -> bool:
        """Whether Binance accepted the legacy key in the newest poll; without a poll, whether it alone is stored."""
        legacy, polls = self.legacy, self.polls()
        is_stored = legacy is not None and legacy.holding is Holding.STORED and not self.death().is_missing
        return is_stored and (polls[-1].legacy_accepted if polls else self._is_current_missing)

    @property
    def has_current_failed(self) -> bool:
        """Whether Binance refused the current key itself in the newest poll, or it is not stored."""
        return self._is_current_missing or any(poll.is_control_refused for poll in self.polls()[-1:])

    async def poll(self) -> Death:
        """Ask with both keys, once a poll counts, and judge; a `WizardError` where no current key is stored."""
        if self._moments_left > 0:
            await self._context.pause(self._moments_left)
            self._has_waited = True
        return await self._poll_now()

    async def wait(self) -> None:
        """Wait until the next poll: the pace, or longer where the exchange asks."""
        polls = self.polls()
        await self._context.pause(max(self._context.pace.between_polls, polls[-1].retry_after if polls else 0.0))
        self._has_waited = True

    @property
    def _moments_left(self) -> float:
        """Seconds until a poll would count for itself; 0 where none was made in this run."""
        if self._asked_at is None or self._has_waited:
            return 0.0
        return self._context.pace.between_polls - (self._context.stopwatch() - self._asked_at)

    async def _poll_now(self) -> Death:
        if self.legacy and self.legacy.holding is Holding.PURGING:
            return self.death()  # its secret may be half deleted: what that comes to says nothing about the key
        is_first, is_spaced = self._asked_at is None, self._moments_left <= 0
        if is_first:
            await EgressStep(self._context).detect()
        lend = self._context.credentials
        async with lend(self.current) as control, lend(self.legacy) as legacy:
            self._is_current_missing = control is None
            if control is None:
                raise WizardError(
                    f"The current key is not in {self._context.vault.store.place}",
                    why="Without it nothing can be proven about the legacy key.",
                    advice="Open the place that stored it, or enter the key again.",
                    code="retire.no-key",
                )
            async with self._context.exchange() as client:
                if legacy is None:
                    answer = await ask(client, control, self._known(self.current))
                    kind, detail = MISSING, {"control_accepted": answer.accepted}
                else:
                    poll = await self._ask_both(client, legacy, control, has_looked=is_first)
                    kind, detail = POLLED, asdict(replace(poll, is_first=is_first, is_spaced=is_spaced))
        self._asked_at, self._has_waited = self._context.stopwatch(), False
        self._context.journal.record(self._context.rotation, kind, detail)
        return self.death()

    async def purge(self, last_four: str | None = None) -> Death:
        """Poll once more, then delete the legacy secret and read back that it is gone; return the judgement.

        `last_four` is what the user typed to give up a key whose death cannot be seen from here; None where it is
        proven. Raises `WizardError` where it is not, and the key is alive or the characters are not its own.
        """
        legacy = self.legacy
        if legacy is None:
            raise WizardError("There is no legacy key", advice="Nothing is left to do.", code="retire.no-key")
        was_complete = self.death().in_a_row >= POLLS_IN_A_ROW
        death = await self._poll_now()  # it may be at once: such a poll ends a row, it does not lengthen one
        while was_complete and 0 < death.in_a_row < POLLS_IN_A_ROW:  # an earlier run had completed it, not this one
            death = await self.poll()
        if last_four is None and not death.allows_purge:
            raise _not_dead("The legacy key is not proven dead", death.sentence)
        if not (death.allows_purge or death.grade is Grade.WEAK):
            raise _not_dead("The legacy key cannot be given up yet", death.sentence)
        if last_four not in (None, legacy.name.last_four):
            what = "These are not the last four characters of the legacy key"
            raise _not_dead(what, f"It is {legacy.name}.", "Type them as shown, or keep the key.")
        await self._context.vault.purge(legacy, f"{DEATH} {death.grade}")
        return death

    async def _ask_both(
        self, client: ExchangeClient, legacy: Credentials, control: Credentials, *, has_looked: bool
    ) -> Poll:
        """Ask one after the other, over one connection where the exchange keeps it: so both leave by one address.

        The current key is asked before and after: should the address change in between, both answers show it.
        """
        site = self._context.environment.site
        before = await ask(client, control, self._known(self.current))
        old, named = await self._ask_legacy(client, legacy)
        after = await ask(client, control, self._known(self.current)) if old.code in DEATH_CODES else before
        new = after if before.accepted else before
        if old.code == REFUSED_KEY:
            await EgressStep(self._context).detect()
            has_looked = True
        agreed = self._context.egress if has_looked else ""
        told = callers_address(named, [IPv4Address(agreed)] if agreed else [])
        return Poll(
            at=self._context.clock(),
            legacy_accepted=old.accepted,
            legacy_code=old.code,
            legacy_said=old.diagnose().what,
            control_accepted=new.accepted,
            control_said=new.diagnose().what,
            is_control_refused=new.code in DEATH_CODES,
            from_address=str(told or agreed),
            is_on_sapi=site.has_sapi,
            retry_after=max(answer.error.retry_after if answer.error else 0.0 for answer in (before, old, after)),
            is_covered=self._is_covered(agreed, told, (before, after)),
        )

    async def _ask_legacy(self, client: ExchangeClient, legacy: Credentials) -> tuple[SignedAnswer, IPv4Address | None]:
        """Ask wherever the key may live; return the answer that counts, and the caller's address where one names it.

        Accepted anywhere is alive. Refused is what each refuses.
        """
        known = self._known(self.legacy)
        first = await ask(client, legacy, known)
        if first.code not in DEATH_CODES:
            return first, first.named
        others = [await ask_account(client, legacy, known)] if known.site.has_sapi else []
        futures = await ask_futures(client, legacy, known)
        named = next((answer.named for answer in (first, *others, futures) if answer and answer.named), None)
        if futures is not None and futures.accepted:
            return futures, named
        return next((answer for answer in others if answer.code not in DEATH_CODES), first), named

    def _is_covered(self, agreed: str, told: IPv4Address | None, controls: Sequence[SignedAnswer]) -> bool:
        """Whether the address cannot be why the legacy key is refused, as far as the lists are known here."""
        legacy, current = map(_listed, (self.legacy, self.current))
        seen = told or (IPv4Address(agreed) if agreed else None)
        if seen is None or not any(seen in network for network in current) or not covers(legacy, current):
            return False
        restricted = [answer.restrictions.ip_restricted if answer.restrictions else None for answer in controls]
        # Where the exchange does not tell that it keeps the current key to its list, it has to name the address.
        return restricted == [True, True] or (set(restricted) == {None} and told is not None)

    def _known(self, record: KeyRecord | None) -> Circumstances:
        return self._context.circumstances(record, _listed(record))

    def polls(self) -> list[Poll]:
        """Return all polls since the switch, the oldest first."""
        return _polls(_since_switch(self._context.journal.events(self._context.rotation)))

    def _accepted(self, events: Sequence[Event]) -> list[Event]:
        legacy = self.legacy or self.retired
        accepted = [event for event in events if event.kind == ACCEPTED]
        return [each for each in accepted if legacy and each.detail["fingerprint"] == legacy.name.fingerprint]

    def _worked_before(self) -> bool:
        """Whether the site of the environment accepted the legacy key in any job."""
        site = self._context.environment.site.name
        accepted = self._accepted(self._context.journal.events(kind=ACCEPTED))
        return any(event.detail.get("site") == site for event in accepted)

    def _baseline(self, events: Sequence[Event], polls: Sequence[Poll]) -> str | None:
        """From where the legacy key was accepted last, by the order of events: the clock may have been set."""
        accepted = [str(event.detail["address"]) for event in self._accepted(events)]
        accepted += [poll.from_address for poll in polls if poll.legacy_accepted]
        return next(reversed([*filter(None, accepted)] or accepted), None)


def _not_dead(what: str, why: str, advice: str = "Ask again.") -> WizardError:
    return WizardError(what, why=why, advice=advice, code="retire.not-dead")


def _listed(record: KeyRecord | None) -> Sequence[IPv4Network]:
    return networks_of(record.whitelist) if record else ()


def _since_switch(events: Sequence[Event]) -> Sequence[Event]:
    """The events after the new key became the current one: earlier polls were about other keys in these places."""
    switched = [number for number, event in enumerate(events) if event.kind == PROMOTED]
    return events[switched[-1] + 1 :] if switched else events


def _polls(events: Sequence[Event]) -> list[Poll]:
    known = {field.name for field in fields(Poll)}
    details = [event.detail for event in events if event.kind == POLLED]
    # A newer version may have written more.
    return [Poll(**{name: value for name, value in detail.items() if name in known}) for detail in details]  # type: ignore[arg-type]
