"""Step 5: watch the legacy key, and keys that were never used, until they are proven dead, then purge their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, fields, replace
from ipaddress import IPv4Address, IPv4Network

from wizard.core.credentials import Credentials, KeyName
from wizard.core.errors import WizardError
from wizard.core.settings import Bot
from wizard.custody.errors import CustodyError
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.selection import callers_address
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import DEATH_CODES, REFUSED_KEY
from wizard.rotation.bots import Restart, item_of, last_restarts, restart
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_account, ask_futures
from wizard.rotation.journal import networks_of
from wizard.rotation.model import Event, Grade, Mode, RotationRecord
from wizard.rotation.report import STAYS, UnusedKey
from wizard.rotation.retirement import LEGACY, POLLS_IN_A_ROW, Death, Poll, covers, judge_death, judge_missing
from wizard.rotation.steps.egress import EgressStep
from wizard.rotation.unused_keys import SETTLED, UNKNOWN, Answer, answers, is_known, is_no_key, may_be_secret

POLLED = "legacy.polled"
MISSING = "legacy.missing"
UNUSED_POLLED = "unused.polled"
UNUSED_MISSING = "unused.missing"
PROMOTED = "key.promoted"
PURGING = "key.purging"
DEATH = "death"
DONE = "retire.done"
"""The event: what the user noted as done, each as true."""
POLLS_OF_AN_OVERLAP = 50
"""While both keys work, a watch waits at least a fiftieth of that time between two polls."""
MOST_PACES = 24
"""By so much it becomes slower at most: two minutes. Ask now asks at once."""


class RetireStep:
    """Polls the legacy key and those that were never used, with the current key as the paired control."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked_at: float | None = None
        """On the stopwatch: when the newest poll of this run ended."""
        self._has_waited = False
        """Whether the time until the next poll was waited since then."""
        self._missing: KeyRecord | None = None
        """The current key, where the place of the credentials did not hold it when it was looked for last."""

    @property
    def legacy(self) -> KeyRecord | None:
        """The key that is to die."""
        return self._context.key(Slot.LEGACY)

    @property
    def unused(self) -> tuple[KeyRecord, ...]:
        """The keys that were entered, never used, and are not settled yet, the oldest first."""
        return self._context.journal.unused(self._context.environment.name)

    def asks(self, record: KeyRecord) -> bool:
        """Whether a key may be asked about; one that was never used may be a secret, which is not shown again."""
        said = answers(self._context.journal, record.name.fingerprint)
        return record.slot is not Slot.UNUSED or not may_be_secret(record.kind, said)

    @property
    def is_settled(self) -> bool:
        """Whether asking once more tells nothing new of any key: each was refused often enough, or is not asked."""
        legacy = [self.death()] if self.legacy else []
        others = [self.death(record) for record in self.unused if self.asks(record)]
        return all(death.in_a_row >= POLLS_IN_A_ROW or death.is_missing for death in (*legacy, *others))

    @property
    def retired(self) -> KeyRecord | None:
        """The key whose purge was announced in this rotation because it was dead."""
        name, journal = self._context.environment.name, self._context.journal
        purged = [event.detail for event in journal.events(self._context.rotation, PURGING)]
        dead = {str(each["fingerprint"]) for each in purged if str(each["reason"]).startswith(DEATH)}
        keys = (key for each in dead for key in journal.keys(name, each))
        return next((key for key in keys if key.slot is Slot.RETIRED), None)

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

    def death(self, record: KeyRecord | None = None) -> Death:
        """Judge all polls of the legacy key since the switch, or of `record`, also those before a restart."""
        key = record or self.legacy or self.retired
        name = str(key.name) if key and key.slot is Slot.UNUSED else LEGACY
        if key and not self.asks(key):
            what = (
                f"Binance never knew {name} and is not asked again. It may be a secret that was pasted as an API key."
            )
            return Death(Grade.WEAK, 0, what, "that no such key lives. Look at Binance's page")
        asked = self._asked(key)
        if asked and asked[-1].kind in (MISSING, UNUSED_MISSING):
            return judge_missing(bool(asked[-1].detail.get("control_accepted")), name)
        polls = _polls(asked)
        return judge_death(
            polls,
            self._baseline(key, polls),
            name,
            worked_before=is_known(self._answers(key)),
            may_be_kept=self._context.rotation.mode is not Mode.LEAKED,
        )

    def _answers(self, record: KeyRecord | None, rotation: RotationRecord | None = None) -> Sequence[Answer]:
        """Return what this exchange said to a key; another one was asked where the settings named another site then."""
        said = answers(self._context.journal, record.name.fingerprint, rotation) if record else ()
        return [one for one in said if one.site == self._context.environment.site.name]

    def _asked(self, record: KeyRecord | None) -> Sequence[Event]:
        """Return what was said to a key in this job, the legacy key or another one."""
        events = self._context.journal.events(self._context.rotation)
        if record is None or record.slot is not Slot.UNUSED:
            return [event for event in _since_switch(events) if event.kind in (POLLED, MISSING)]
        of_unused = [event for event in events if event.kind in (UNUSED_POLLED, UNUSED_MISSING)]
        return [event for event in of_unused if event.detail["fingerprint"] == record.name.fingerprint]

    @property
    def current_accepted(self) -> bool:
        """Whether the current key was accepted when it was asked last; true before it was."""
        events = _since_switch(self._context.journal.events(self._context.rotation))
        asked = [event.detail for event in events if event.kind in (POLLED, MISSING, UNUSED_POLLED, UNUSED_MISSING)]
        return not asked or bool(asked[-1].get("control_accepted"))

    @property
    def accepts_legacy(self) -> bool:
        """Whether Binance accepted the legacy key in the newest poll, or the current key is missing or refused too.

        Without a current key that works nothing can be proven, and no other way leads on.
        """
        legacy, newest = self.legacy, self.polls()[-1:]
        if legacy is None or legacy.holding is not Holding.STORED:
            return False
        is_shown = any(poll.legacy_accepted or poll.is_control_refused for poll in newest)
        return self._is_current_missing or (is_shown and not self.death().is_missing)

    @property
    def _is_current_missing(self) -> bool:
        return self._missing is not None and self._missing == self.current

    @property
    def has_current_failed(self) -> bool:
        """Whether Binance refused the current key itself in the newest poll, or it is not stored."""
        return self._is_current_missing or any(poll.is_control_refused for poll in self.polls()[-1:])

    async def poll(self) -> Death:
        """Ask with all keys, once a poll counts, and judge; a `WizardError` where no current key is stored.

        Returns the death of the legacy key; where none is left, of the unused key that is the least settled.
        """
        if self._moments_left > 0:
            await self._context.pause(self._moments_left)
            self._has_waited = True
        return await self._poll_now()

    async def wait(self, *, is_watching: bool = False) -> None:
        """Wait until the next poll: the pace, or longer where the exchange asks.

        A watch over a key that lives for hours asks up to `MOST_PACES` times as slowly: each poll is written.
        """
        newest = [poll for key in (None, *self.unused) for poll in self.polls(key)[-1:]]
        longest = max((poll.retry_after for poll in newest), default=0.0)
        pace = self._context.pace.between_polls
        if is_watching and self.legacy and any(poll.legacy_accepted for poll in self.polls()[-1:]):
            pace = min(max(pace, self.overlap() / POLLS_OF_AN_OVERLAP), MOST_PACES * pace)
        await self._context.pause(max(pace, longest))
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
        async with AsyncExitStack() as lent:
            control = await lent.enter_async_context(self._context.credentials(self.current))
            self._missing = self.current if control is None else None
            if control is None:
                otherwise = "undo the switch and enter the key again" if self.legacy else "give the job up"
                raise WizardError(
                    f"The current key is not in {self._context.vault.store.place}",
                    why="Without it nothing can be proven about the legacy key.",
                    advice=f"Open the place that stored it, or {otherwise}.",
                    code="retire.no-key",
                )
            watched = await self._watched(lent)
            async with self._context.exchange() as client:
                told = await self._ask_all(client, watched, control, has_looked=is_first)
        self._asked_at, self._has_waited = self._context.stopwatch(), False
        for (record, _), seen in zip(watched, told, strict=True):
            polled, missing, about = POLLED, MISSING, {}
            if record.slot is Slot.UNUSED:
                polled, missing = UNUSED_POLLED, UNUSED_MISSING
                about = {"fingerprint": record.name.fingerprint, "site": self._context.environment.site.name}
            kind, detail = missing, {"control_accepted": seen}
            if isinstance(seen, Poll):
                kind, detail = polled, asdict(replace(seen, is_first=is_first, is_spaced=is_spaced))
            self._context.journal.record(self._context.rotation, kind, {**about, **detail})
        for record in self.unused:
            if is_no_key(answers(self._context.journal, record.name.fingerprint)):
                await self._context.vault.purge(record, UNKNOWN)
        return self._least_settled()

    def _least_settled(self) -> Death:
        if self.legacy or not (unused := self.unused):
            return self.death()
        return min((self.death(record) for record in unused), key=lambda death: death.in_a_row)

    async def _watched(self, lent: AsyncExitStack) -> list[tuple[KeyRecord, Credentials | None]]:
        """Lend the keys that are asked about, each None where its secret is not stored any more.

        Not an unused key in another place: the legacy key must not wait for it.
        """
        legacy, found = self.legacy, []
        if legacy:
            found.append((legacy, await lent.enter_async_context(self._context.credentials(legacy))))
        for record in filter(self.asks, self.unused):
            with suppress(CustodyError):
                found.append((record, await lent.enter_async_context(self._context.credentials(record))))
        return found

    async def purge(self, last_four: str | None = None) -> Death:
        """Poll once more, then delete the secrets of the legacy key and of unused keys that are proven dead.

        Returns the judgement on the legacy key. `last_four` is what the user typed to give it up where its death cannot
        be seen from here; None where it is proven. Raises `WizardError` where it is not, and the key is alive or the
        characters are not its own; and where no legacy key is left and no unused key is proven dead.
        """
        legacy = self.legacy
        keys = [*([legacy] if legacy else []), *self.unused]
        if not keys:
            raise WizardError("There is no legacy key", advice="Nothing is left to do.", code="retire.no-key")
        await self._ask_before_purge(keys)
        death = self.death(legacy)
        if legacy and last_four is None and not death.allows_purge:
            raise _not_dead("The legacy key is not proven dead", death.sentence)
        if legacy and not (death.allows_purge or death.grade is Grade.WEAK):
            raise _not_dead("The legacy key cannot be given up yet", death.sentence)
        if legacy and last_four not in (None, legacy.name.last_four):
            what = "These are not the last four characters of the legacy key"
            raise _not_dead(what, f"It is {legacy.name}.", "Type them as shown, or keep the key.")
        dead = [key for key in self.unused if self.death(key).grade is Grade.PROVEN]
        if not legacy and not dead:
            raise _not_dead("No key is proven dead", self._least_settled().sentence)
        for key in dead:
            proven = self.death(key)
            await self._settle(key, proven.grade, proven.sentence)
        if legacy:
            await self._context.vault.purge(legacy, f"{DEATH} {death.grade}")
        return death

    async def _ask_before_purge(self, keys: Sequence[KeyRecord]) -> None:
        """Ask once more; a row that an earlier run had completed, and not this one, is completed again."""
        complete = [key for key in keys if self.death(key).in_a_row >= POLLS_IN_A_ROW]
        await self._poll_now()  # it may be at once: such a poll ends a row, it does not lengthen one
        while any(0 < self.death(key).in_a_row < POLLS_IN_A_ROW for key in complete):
            await self.poll()

    async def drop_unused(self, record: KeyRecord, last_four: str, *, stays: bool) -> None:
        """Delete the secret of an unused key that is not proven dead: it `stays` on Binance, or the user gives it up.

        Raises `WizardError` where `last_four` is not its own, or the key is given up and Binance was not seen to
        refuse it.
        """
        if last_four != record.name.last_four:
            what = f"These are not the last four characters of {record.name}"
            raise _not_dead(what, "", "Type them as shown, or keep the key.")
        if not stays and self.asks(record):
            await self._ask_before_purge([record])
        death = self.death(record)
        if not stays and not (death.allows_purge or death.grade is Grade.WEAK):
            raise _not_dead(f"{record.name} cannot be given up yet", death.sentence)
        await self._settle(record, STAYS if stays else death.grade, death.sentence)

    async def _settle(self, record: KeyRecord, end: str, proof: str) -> None:
        """Note what became of an unused key, then delete its secret. What may be a secret is not named by its end."""
        is_key = is_known(answers(self._context.journal, record.name.fingerprint))
        name = record.name if is_key else KeyName(record.name.fingerprint, "")
        said = {"end": end, "proof": proof.replace(str(record.name), str(name))}
        self._context.journal.record(self._context.rotation, SETTLED, {**asdict(name), **said})
        for each in self._context.journal.kept_keys(record.environment):
            is_same = each.name.fingerprint == record.name.fingerprint and each.slot is Slot.UNUSED
            if is_same and each.holding is Holding.STORED:
                await self._context.vault.purge(
                    each, f"{DEATH} {end}" if end != STAYS else "the user says that it stays"
                )

    def unused_keys(self) -> tuple[UnusedKey, ...]:
        """Return what became of the keys that were never used: those settled in this job, and those that are left."""
        left = {
            record.name.fingerprint: UnusedKey(record.name, death.grade, death.sentence, is_stored=True)
            for record in self.unused
            for death in [self.death(record)]
        }
        settled = {
            str(said["fingerprint"]): UnusedKey(
                KeyName(str(said["fingerprint"]), str(said["last_four"])), str(said["end"]), str(said["proof"])
            )
            for said in (event.detail for event in self._context.journal.events(self._context.rotation, SETTLED))
        }
        return tuple({**settled, **left}.values())

    async def _ask_all(
        self,
        client: ExchangeClient,
        watched: Sequence[tuple[KeyRecord, Credentials | None]],
        control: Credentials,
        *,
        has_looked: bool,
    ) -> list[Poll | bool]:
        """Ask one after the other, over one connection where the exchange keeps it: so all leave by one address.

        The current key is asked before and after: should the address change in between, both answers show it.
        Returns a poll for each key; where its secret is not stored, whether the current key was accepted.
        """
        before = await ask(client, control, self._context.circumstances(self.current))
        told = [await self._ask_anywhere(client, key, record) if key else None for record, key in watched]
        codes = {answer.code for answer, _ in filter(None, told)}
        after = await ask(client, control, self._context.circumstances(self.current)) if codes & DEATH_CODES else before
        if REFUSED_KEY in codes:
            await EgressStep(self._context).detect()
            has_looked = True
        agreed = self._context.egress if has_looked else ""
        return [
            self._poll(record, *one, (before, after), agreed) if one else before.accepted and after.accepted
            for (record, _), one in zip(watched, told, strict=True)
        ]

    def _poll(
        self,
        record: KeyRecord,
        old: SignedAnswer,
        named: IPv4Address | None,
        controls: tuple[SignedAnswer, SignedAnswer],
        agreed: str,
    ) -> Poll:
        before, after = controls
        new = after if before.accepted else before
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
            is_on_sapi=self._context.environment.site.has_sapi,
            retry_after=max(answer.error.retry_after if answer.error else 0.0 for answer in (before, old, after)),
            is_covered=self._is_covered(record, agreed, told, controls),
        )

    async def _ask_anywhere(
        self, client: ExchangeClient, key: Credentials, record: KeyRecord
    ) -> tuple[SignedAnswer, IPv4Address | None]:
        """Ask wherever the key may live; return the answer that counts, and the caller's address where one names it.

        Accepted anywhere is alive. Refused is what each refuses.
        """
        known = self._context.circumstances(record)
        first = await ask(client, key, known)
        if first.code not in DEATH_CODES:
            return first, first.named
        others = [await ask_account(client, key, known)] if known.site.has_sapi else []
        futures = await ask_futures(client, key, known)
        named = next((answer.named for answer in (first, *others, futures) if answer and answer.named), None)
        if futures is not None and futures.accepted:
            return futures, named
        return next((answer for answer in others if answer.code not in DEATH_CODES), first), named

    def _is_covered(
        self, record: KeyRecord, agreed: str, told: IPv4Address | None, controls: Sequence[SignedAnswer]
    ) -> bool:
        """Whether the address cannot be why a key is refused, as far as the lists are known here."""
        legacy, current = map(_listed, (record, self.current))
        seen = told or (IPv4Address(agreed) if agreed else None)
        if seen is None or not any(seen in network for network in current) or not covers(legacy, current):
            return False
        restricted = [answer.restrictions.ip_restricted if answer.restrictions else None for answer in controls]
        # Where the exchange does not tell that it keeps the current key to its list, it has to name the address.
        return restricted == [True, True] or (set(restricted) == {None} and told is not None)

    def polls(self, record: KeyRecord | None = None) -> list[Poll]:
        """Return all polls of the legacy key since the switch, or of `record`, the oldest first."""
        return _polls(self._asked(record))

    def _baseline(self, record: KeyRecord | None, polls: Sequence[Poll]) -> str | None:
        """From where a key was accepted last, by the order of events: the clock may have been set."""
        accepted = [one.address for one in self._answers(record, self._context.rotation) if one.accepted]
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
    details = [event.detail for event in events if event.kind in (POLLED, UNUSED_POLLED)]
    # A newer version may have written more.
    return [Poll(**{name: value for name, value in detail.items() if name in known}) for detail in details]  # type: ignore[arg-type]
