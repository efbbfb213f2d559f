"""The Retire step: what is left for the user, how the legacy key is watched, and what follows from that."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, ClassVar

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError
from wizard.intake.copies import Copies
from wizard.rotation.bots import DEADLINE, item_of
from wizard.rotation.delivery import AT_THE_END
from wizard.rotation.findings import ACTIVITY_HISTORY, FOREIGN_SOURCE
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.retirement import POLLS_IN_A_ROW, Death, Poll
from wizard.steps import deadlines
from wizard.steps.by_api import ApiPresenter
from wizard.steps.presenter import Face
from wizard.steps.view import BACK, PRIMARY, TOGGLE, Action, Consent, Row, State, View, lines

if TYPE_CHECKING:
    from wizard.core.settings import Bot
    from wizard.custody.records import KeyRecord
    from wizard.rotation.delivery import Delivery
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report

Judged = tuple[State, str, tuple[str, ...], tuple[str, ...]]
"""What a view begins with: state, verdict, cause and fix."""
MOST_POLLS = 12
"""After so many the user is asked again, where lines are spoken."""
BOTS, DELETED, _TARGET = "bots", "deleted", "target "


class RetirePresenter(ApiPresenter):
    """Watches the legacy key until its death is proven, then deletes its stored secret."""

    STEP = Step.RETIRE
    TITLE = "Is the legacy key dead?"
    ABOUT: ClassVar[str] = (
        "Give the new key to your bots first, then delete the legacy key on Binance."
        " Every few seconds both keys are tried from here."
        " The legacy key is dead when Binance refuses it and accepts the new one, three times in a row."
        " Then its secret can be deleted from {place}."
    )
    IS_TICKING = True

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._asking = asyncio.Lock()
        self._copies = Copies()
        self._done = flow.retire.done()
        self._problem: WizardError | None = None
        """Why the keys could not be asked last."""
        self._has_watched = False
        self._watching: asyncio.Future[None] | None = None
        """Goes on where `watch` has ended."""
        self._output: dict[str, tuple[str, ...]] = {}
        """What the last restart of a bot wrote in this run, by the bot's name."""
        self._at = ""
        """The row under the cursor."""
        self.legacy = flow.retire.legacy

    async def begin(self) -> None:
        """Look for files that still hold the legacy key; a screen does that while the user reads."""
        if not self.face.is_live:
            await self._deliver()
            await self._look_for_copies()

    async def watch(self) -> None:
        """Ask with both keys until the matter is settled."""
        try:
            await asyncio.gather(self._deliver(), self._look_for_copies(), self._ask_until_settled(None))
        finally:
            self._has_watched = True

    async def ask(self) -> None:
        """Ask with both keys now; lines ask until the matter is settled."""
        if self.face.is_live:
            death = await self.face.attempt(self._ask, "Asking Binance with both keys", self._poll_limit)
            if self._has_watched and death is not None and not self.flow.retire.is_settled:
                self.forget()
                self._watching = asyncio.ensure_future(self._go_on_watching())
        else:
            at_most = self._poll_limit + MOST_POLLS * self.flow.context.pace.between_polls
            await self.face.attempt(
                lambda: self._ask_until_settled(MOST_POLLS), "Asking Binance with both keys", at_most
            )
        await self._look_for_copies()
        if self.flow.is_earned:  # the last of the unused keys was mistyped
            report = await self.face.attempt(self.flow.settle, "Finishing the job", deadlines.CUSTODY)
            if report is not None:
                self.face.finish(report)

    async def _ask_until_settled(self, at_most: int | None) -> None:
        count = 0
        await self._ask()
        while not self.flow.retire.is_settled and (count := count + 1) != at_most:
            await self.flow.retire.wait(is_watching=at_most is None)
            await self._ask()

    async def _go_on_watching(self) -> None:
        with suppress(WizardError):  # the view says why
            await self.flow.retire.wait()
            await self._ask_until_settled(None)

    def forget(self) -> None:
        """End the watching that an answer began anew."""
        if self._watching is not None:
            self._watching.cancel()

    async def _ask(self) -> Death:
        try:
            async with self._asking:
                death = await self.flow.retire.poll()
        except WizardError as error:
            self._problem = error
            self.face.show()
            raise
        self._problem = None
        asked = {"legacy key": None} if self.legacy else {}
        for name, key in {**asked, **{str(key.name): key for key in self.flow.retire.unused}}.items():
            self.face.say(*(_told(poll, name) for poll in self.flow.retire.polls(key)[-1:]))
        self.face.show()
        return death

    async def _look_for_copies(self) -> None:
        try:
            self._copies = await self.flow.still_held()
        except WizardError as error:
            self._copies = Copies(unknown=(error.what,))
        self.face.show()

    async def _deliver(self) -> None:
        """Deliver to the targets that are due. Each row says what came of it."""
        with suppress(WizardError):  # the current key cannot be read, as the next poll says
            for one in await self.flow.deliveries.run(within=AT_THE_END):
                self.face.say(one.finding.observed)
        self.face.show()

    async def toggle(self, item: str) -> None:
        """Note what the user has done. What was read back, or Binance has to say, nobody ticks."""
        self._at = item
        if item in self._unused or item.startswith(_TARGET):
            return
        self._done ^= {item}
        self.flow.retire.note_done(self._done)
        if item == DELETED and item in self._done and not self.face.is_live:
            await self.ask()  # what was answered last is from before the deletion

    def point(self, item: str) -> bool:
        """Have Enter do what the row needs."""
        self._at, before = item, self._at
        return item != before

    async def restart(self, item: str) -> None:
        """Deliver to all targets that are due, then restart the bot of a row; from another row all not ticked."""
        self._at, bots = item, self.flow.context.environment.bots
        if self.flow.deliveries.due:
            await self.face.attempt(self._deliver, "Delivering the key", deadlines.closed(AT_THE_END))
        chosen = [bot for bot in bots if item_of(bot) == item] or self.flow.retire.bots_left
        if bots and not chosen:
            self.face.note("All bots are ticked. Choose one to restart it again.", State.LOOK)
        for bot in chosen:
            at_most = deadlines.closed(DEADLINE * (1 + bool(bot.check)))
            done = await self.face.attempt(partial(self.flow.retire.restart, bot), f"Restarting {bot.name}", at_most)
            self._done = self.flow.retire.done()
            if done is None:
                return
            self._output[bot.name] = done.run.quoted
            self.face.say(*done.run.quoted)
            self.face.note(f"Restart of {bot.name}, {done.phrase}.", State.GOOD if done.is_good else State.LOOK)

    async def delete_by_api(self, item: str) -> None:
        """Delete the key of a row by API, once that is confirmed, and watch it die; from a bot's row the legacy key."""
        self._at, record = item, self._unused.get(item, self.legacy)
        if self.api is None or record is None or not await self.is_settled():
            return
        further = not_handed_over(self.flow) if record is self.legacy else ()
        is_dangerous = self.flow.context.environment.is_production or bool(self.flow.deliveries.due)
        consent = self.deleting(record, *further, asks_for_key=is_dangerous)
        if await self.delete_key(consent, partial(self.api.delete, record), str(record.name)):
            if record is self.legacy:
                self._done |= {DELETED}
                self.flow.retire.note_done(self._done)
            await self.ask()

    async def keep(self, item: str) -> None:
        """Settle a key that was never used, once its last four are typed: it stays, or Binance refuses it."""
        if (record := self._unused.get(item)) is None:
            self.face.note("Choose a key that was never used.", State.LOOK)
            return
        death, word, stays = self.flow.retire.death(record), record.name.last_four or "delete", self._stays(record)
        title = f"Keep {record.name} on Binance?" if stays else f"Give up {record.name}?"
        text = "It is not asked about any more. Its stored secret is deleted. You cannot undo this."
        gap = f" Not proven: {death.does_not_prove}." if death.does_not_prove and not stays else ""
        if await self.face.confirm(Consent(title, f"{text}{gap}", word)):
            report = await self.face.attempt(
                lambda: self.flow.drop_unused_key(record, record.name.last_four, stays=stays),
                f"Deleting the secret of {record.name}",
                self._purge_limit,
            )
            if report is not None:
                self.face.finish(report)

    def _stays(self, record: KeyRecord) -> bool:
        """Whether a key that was never used can only be kept now: Binance was not seen to refuse it."""
        death = self.flow.retire.death(record)
        return not (death.allows_purge or death.grade is Grade.WEAK)

    async def delete_secret(self) -> None:
        """Delete the stored secrets of dead keys, once the word is typed. A living key stays."""
        consent = purging(self.flow)
        if consent is None or not (typed := await self.face.confirm(consent)):
            return
        report = await self.face.attempt(
            lambda: delete_secret(self.flow, typed),
            "Asking once more, then deleting the secret of the legacy key",
            self._purge_limit,
        )
        if report is not None:
            self.face.finish(report)

    async def undo_switch(self) -> None:
        """Make the legacy key the current one again, once its word is typed and Binance accepts it still."""
        legacy, current = self._names
        leaked = f" {legacy} has leaked." if self._has_leaked else ""
        undoing = f"{legacy} becomes the current key again.{leaked} {current} stays stored."
        then = f"It keeps working. Restart your bots so that they take {legacy}."
        if self._has_failed:
            then = "Find out on Binance why it fails, then probe it again."
        if not await self.face.confirm(Consent("Undo the switch?", f"{undoing} {then}", "undo")):
            return
        doing = "Asking once more, then undoing the switch"
        if await self.face.attempt(self._ask, doing, self._poll_limit) is not None or self._problem:
            self.flow.revert()
            await self.face.attempt(self._deliver, "Delivering the key", deadlines.closed(AT_THE_END))
            self.face.leave()

    async def show_details(self) -> None:
        """Show where the key is deleted, and every answer so far."""
        unused = self._unused.get(self._at)
        name = str(unused.name) if unused else "legacy key"
        told = [_told(poll, name) for poll in reversed(self.flow.retire.polls(unused))]
        title = f"Delete {name if unused else 'the legacy key'}"
        where = self.where("See API Management.")
        await self.face.read(title, where, f"{ACTIVITY_HISTORY} {FOREIGN_SOURCE}", "", *told)

    @property
    def _poll_limit(self) -> float:
        return deadlines.poll(self.flow.context.pace, len(self.flow.retire.unused))

    @property
    def _purge_limit(self) -> float:
        return deadlines.purge(self.flow.context.pace, len(self.flow.retire.unused))

    @property
    def _by_hand(self) -> tuple[str, ...]:
        """Where a key is deleted, unless Enter deletes it by API: then only the details say it."""
        return () if self.is_api_first else (self.where("See API Management."),)

    @property
    def _command(self) -> str:
        return f"key-wizard exec {self.flow.context.environment.name} -- COMMAND"

    @property
    def _unused(self) -> dict[str, KeyRecord]:
        """The keys that were entered and are not in use, each by its row's item."""
        return {f"unused {record.name.fingerprint}": record for record in self.flow.retire.unused}

    @property
    def _death(self) -> Death:
        """The judgement on the legacy key; in a job without one on the unused key that is the least settled."""
        return judged(self.flow)[1] if self.legacy is None else self.flow.retire.death()

    @property
    def _names(self) -> tuple[str, str]:
        legacy, current = self.flow.retire.legacy or self.legacy or judged(self.flow)[0], self.flow.current
        return str(legacy.name if legacy else "the legacy key"), str(current.name if current else "the new key")

    @property
    def _has_failed(self) -> bool:
        """Whether the new key no longer works, and the switch can be undone."""
        return self.flow.can_be_reverted and self.flow.retire.has_current_failed

    @property
    def _are_both_refused(self) -> bool:
        return any(poll.is_control_refused and not poll.legacy_accepted for poll in self.flow.retire.polls()[-1:])

    @property
    def _may_be_deleted(self) -> bool:
        """Whether nothing speaks against its deletion: its successor worked when last asked, or it has leaked."""
        return self._has_leaked or (self._problem is None and self.flow.retire.current_accepted)

    def view(self) -> View:
        """Return what the answers so far come to, and what is left for the user."""
        death = self._death
        legacy, current = self._names
        state, verdict, because, fix = self._judged(death)
        if problem := self._problem:
            state, verdict = State.STOP, f"{'' if self._has_leaked else f'Keep {legacy}. '}{problem.what}."
            because, fix = tuple(filter(None, (problem.why,))), tuple(filter(None, (problem.advice,)))
        rows = self._to_do(legacy, current) if self._may_be_deleted else ()
        if death.allows_purge:  # what is left then is in no other place
            left = (row for row in rows if not row.is_ticked and row.item != DELETED)
            rows = tuple(replace(row, cells=(row.cells[0].lstrip("12 "), *row.cells[1:])) for row in left)
            fix = (*fix, *(not_handed_over(self.flow) if self.legacy else ()))
        is_deadly = death.allows_purge or death.grade is Grade.WEAK
        reminder = lines(ACTIVITY_HISTORY, FOREIGN_SOURCE) if is_deadly and not self._has_failed else ()
        here = self._row(rows)
        corner, corner_state = self._overlap(death)
        view = View(
            state,
            verdict,
            because=because,
            fix=fix,
            corner=corner,
            corner_state=corner_state,
            rows=rows,
            cursor=here.item if here else "",
            evidence_title="Watching",
            evidence=(*self._answers(legacy, current), *self._still_held(legacy), *reminder),
            not_proven=death.does_not_prove,
            actions=self._actions(death, legacy, rows, here),
        )
        return view if self._problem or death.allows_purge else self.with_problem(view)

    def _judged(self, death: Death) -> Judged:
        if stopped := self._stopped(death):
            return stopped
        legacy, current = self._names
        if death.allows_purge:
            verdict = f"{legacy} is dead." if death.grade is Grade.PROVEN else f"Binance refuses {legacy} now."
            return State.GOOD, verdict, (death.sentence,), ()
        if death.grade is Grade.WEAK:
            fix = f"Check on Binance that {legacy} is deleted."
            return State.LOOK, f"It is not proven that {legacy} is dead.", (death.sentence,), (fix,)
        if self._may_be_deleted and (not self.flow.retire.polls() or death.in_a_row or death.grade is Grade.ALIVE):
            if DELETED in self._done and death.grade is Grade.ALIVE:
                return State.LOOK, f"Deleted it? Check that it was {legacy}.", (death.sentence,), ()
            kept = "Delete on Binance:" if self._unused else "No key is left to delete."
            state, left = State.EMPTY, f"{current} is now the key in use. Two things are left for you:"
            if self._has_leaked and death.grade is Grade.ALIVE:
                state, left = State.STOP, f"{legacy} has leaked and still works. Delete it on Binance now."
            return state, left if self.legacy else f"{current} stays in use. {kept}", (), ()
        verdict = "Binance gave no clear answer." if self._may_be_deleted else f"Do not delete {legacy} now."
        return State.UNSURE, verdict, (death.sentence,), ()

    def _stopped(self, death: Death) -> Judged | None:
        """Say that the key in use does not work any more, and the way out; None where that was not seen."""
        legacy, current = self._names
        newest = self.flow.retire.polls(None if self.legacy else judged(self.flow)[0])[-1:]
        if death.is_missing and not self.flow.retire.current_accepted:
            return State.STOP, f"Binance does not accept {current}, your key in use.", (death.sentence,), ()
        if not newest or not newest[0].is_control_refused or (self.legacy and not self.flow.can_be_reverted):
            return None
        said = f"{newest[0].control_said.replace('this key', current)}."
        if not self.legacy:
            return State.STOP, f"Binance refuses {current}, your key in use. Keep {legacy}.", (said,), ()
        if self._are_both_refused:
            seen, lists = newest[0].from_address, f"the list of {current}" if self._has_leaked else "both lists"
            fix = f"{f'Your calls come from {seen}. Is that' if seen else 'Is your address'} on {lists}?"
            verdict = f"Binance refuses {current} and {legacy}."
            because = (said,) if self._has_leaked else (verdict, said)
            verdict = verdict if self._has_leaked else f"Do not delete {legacy} now."
            return State.UNSURE, verdict, because, (f"{fix} Else undo the switch and enter another new key.",)
        verdict, fix = f"Stop. {current} no longer works. Keep {legacy}.", "Undo the switch."
        if self._has_leaked:
            verdict = f"{current} no longer works, and {legacy} has leaked."
            fix = f"Delete {legacy} all the same. Then undo the switch, and enter another new key."
        return State.STOP, verdict, (f"Binance accepts {legacy} and not {current}. {said}",), (fix,)

    def _to_do(self, legacy: str, current: str) -> tuple[Row, ...]:
        is_live, bots = self.face.is_live, self.flow.context.environment.bots  # lines number every row
        first, further, second = ("1  ", "   ", "2  ") if is_live else ("", "", "")
        if self._has_leaked:
            first, second = second, first
        signs = (first, *[further] * (len(bots) + len(states := self.flow.deliveries.states)))
        rows = [self._target_row(sign, one) for sign, one in zip(signs, states, strict=False)]
        bot_signs = zip(signs[len(rows) :], bots, strict=False)
        rows += [self._bot_row(f"{sign}Restart {bot.name}", bot) for sign, bot in bot_signs]
        everywhere = Row(
            (f"{first}Give it to your bots",), is_ticked=BOTS in self._done, item=BOTS, detail=(self._command,)
        )
        delete = Row(
            (f"{second}Delete {legacy} on Binance, not {current}",),
            is_ticked=DELETED in self._done,
            item=DELETED,
            detail=self._by_hand,
            offers=() if self.flow.retire.death().in_a_row else self._offers,
        )
        unused = starmap(self._unused_row, self._unused.items())
        to_do = [delete, *(rows or [everywhere])] if self._has_leaked else [*(rows or [everywhere]), delete]
        return (*(to_do if self.legacy else ()), *filter(None, unused))

    @property
    def _offers(self) -> tuple[tuple[str, str], ...]:
        return (("delete-key", "deletes it by API, after a question"),) if self.api else ()

    @property
    def _has_leaked(self) -> bool:
        """Whether the legacy key is to be deleted before anything else."""
        return self.flow.context.rotation.mode is Mode.LEAKED

    def _unused_row(self, item: str, record: KeyRecord) -> Row | None:
        death = self.flow.retire.death(record)
        if death.grade is Grade.PROVEN:
            return None
        indent = "       " if self.face.is_live and self.legacy else ""
        words = f"{indent}{'Also delete' if self.legacy else 'Delete'} {record.name}. It was entered and is not in use."
        if not self.flow.retire.asks(record):  # its name would be a fingerprint, which no page of Binance shows
            words = f"{indent}Look on Binance for a key that you created and do not use."
        offers = (("keep", f"{'notes that it stays' if self._stays(record) else 'gives it up'}, after a question"),)
        detail = (*self._by_hand, death.sentence)
        return Row((words,), item=item, detail=detail, offers=(*self._offers, *offers))

    def _target_row(self, sign: str, one: Delivery) -> Row:
        state = State.GOOD if not one.is_due else State.STOP if one.trouble else State.EMPTY
        cells, offers = (f"{sign}Deliver to {one.target.name}", one.stage or "due"), (("restart", "delivers the key"),)
        detail, item = (one.finding.observed,), f"{_TARGET}{one.target.name}"
        return Row(cells, state, 1, not one.is_due, item, detail, offers if one.is_due else ())

    def _bot_row(self, words: str, bot: Bot) -> Row:
        restarted = self.flow.retire.restarts().get(bot.name)
        state = State.EMPTY if restarted is None else State.GOOD if restarted.is_good else State.STOP
        return Row(
            (words, restarted.phrase) if restarted else (words,),
            state,
            sign_before=1,
            is_ticked=item_of(bot) in self._done,
            item=item_of(bot),
            detail=(shlex.join(bot.restart), *self._output.get(bot.name, ())),
            offers=(("restart", f"restarts {bot.name}"),),
        )

    def _answers(self, legacy: str, current: str) -> tuple[Row, ...]:
        retire = self.flow.retire
        watched = [("Legacy", legacy, retire.polls()[-1:], retire.death())] if self.legacy else []
        watched += [("Unused", str(key.name), retire.polls(key)[-1:], retire.death(key)) for key in retire.unused]
        asked = [(label, name, polls[0], death) for label, name, polls, death in watched if polls]
        if not asked:
            return ()
        newest = asked[0][2]
        state, words = (State.GOOD, "accepted") if newest.control_accepted else (State.STOP, "not accepted")
        control = Row(("Current", current, words, f"last asked {utc(newest.at)[11:]}"), state, sign_before=2)
        rows = [_answer(*one) for one in asked]
        return (*rows[: bool(self.legacy)], control, *rows[bool(self.legacy) :])

    def _still_held(self, legacy: str) -> tuple[Row, ...]:
        found = (Row((f"{legacy} is still in {place}.",), State.LOOK) for place in self._copies.found)
        unknown = (Row((f"Not searched. {reason}.",), State.UNSURE) for reason in self._copies.unknown)
        return (*found, *unknown)

    def _overlap(self, death: Death) -> tuple[str, State]:
        current = self.flow.current
        # A leaked key was deleted before the new one was made.
        is_over = self._has_leaked and death.grade is not Grade.ALIVE
        if current is None or self.flow.retire.legacy is None or self._has_failed or is_over:
            return "", State.EMPTY
        if death.since is not None:
            return f"both keys worked for {duration(max(0.0, death.since - current.stored_at))}", State.EMPTY
        seconds = self.flow.retire.overlap()
        words, beyond = f"both keys work for {duration(seconds)}", self.flow.context.environment.too_long(seconds)
        return (f"{words}, {duration(beyond)} too long", State.STOP) if beyond else (words, State.EMPTY)

    def _actions(self, death: Death, legacy: str, rows: tuple[Row, ...], here: Row | None) -> tuple[Action, ...]:
        tick = Action(
            "tick", TOGGLE, "Tick", "Notes what you have done, or takes it back.", self.toggle, is_about_row=True
        )
        about = "Writes the key to targets that are due, then runs the restart command of a bot and its check."
        unused = self._unused
        kept = unused.get(here.item) if here and self.face.is_live else None
        label = f"{'Keep' if self._stays(kept) else 'Give up'} {kept.name}" if kept else "Keep a key"
        about_keep = "Settles a key that was never used. It stays on Binance, or is given up."
        keep = Action("keep", "k", label, about_keep, self.keep, is_about_row=True)
        names = {item_of(bot): bot.name for bot in self.flow.context.environment.bots}
        label = f"Restart {names.get(here.item, 'bots') if here and self.face.is_live else 'bots'}"
        label = "Deliver the key" if self.flow.deliveries.due else label
        restart = Action("restart", "x", label, about, self.restart, is_about_row=True)
        doomed = kept.name if kept else legacy
        about = "Deletes the key of the row on Binance, after a question."
        by_api = Action("delete-key", "d", f"Delete {doomed} by API", about, self.delete_by_api, is_about_row=True)
        undo = Action("undo", "u", "Undo the switch", f"Makes {legacy} the current key again.", self.undo_switch)
        label, about = "Delete its secret", f"Deletes the stored secret of {legacy}, after a question."
        if death.is_missing:
            label, about = "Finish", "Finishes the job without a proof, after a question."
        delete = Action("delete", PRIMARY, label, about, self.delete_secret)
        copy = partial(self.face.copy, self._command, "the command")
        actions = (
            *([delete] if purging(self.flow) and not self._has_failed else []),
            *([undo] if self.flow.can_be_reverted else []),
            Action("ask", "r", "Ask now", "Asks Binance with both keys.", self.ask),
            *([tick] if any(row.is_ticked is not None and not row.item.startswith(_TARGET) for row in rows) else []),
            *([restart] if here and (names or self.flow.deliveries.due) and self.legacy else []),
            *([by_api] if any(by_api.word in dict(row.offers) for row in rows) else []),
            *([keep] if any(unused.get(row.item) for row in rows) else []),
            Action("copy", "c", "Copy command", "Copies the command that runs a bot with the new key.", copy),
            Action("details", "v", "Show link", "Shows where to delete it, and every answer.", self.show_details),
            *self.page_actions(),
            Action("back", BACK, "Home", "Goes to the list of environments. The job stays open.", self.face.go_home),
        )
        if actions[0].key == PRIMARY:
            return actions
        is_undone = self._has_failed and not (self._are_both_refused or self._has_leaked)
        word = "undo" if is_undone else self._needed(here)
        first = next(action for action in actions if action.word == word)
        return (replace(first, key=PRIMARY, also=first.key), *(each for each in actions if each is not first))

    def _row(self, rows: tuple[Row, ...]) -> Row | None:
        """Return the row under the cursor; where it is on none yet, the first one that is not ticked."""
        left = (row for row in rows if not row.is_ticked)
        return next((row for row in rows if row.item == self._at), next(left, rows[0])) if rows else None

    def _needed(self, here: Row | None) -> str:
        """Return the word of what Enter does: what the row needs, once Binance has been asked after the switch."""
        polls = self.flow.retire.polls(self._unused.get(here.item) if here else None)
        if here is None or here.is_ticked or not self.face.is_live or not polls:
            return "ask"
        if here.item == DELETED or here.item in self._unused:
            return "delete-key" if self.is_api_first else "page" if self.face.page else "details"
        return "copy" if here.item == BOTS else "restart"


def not_handed_over(flow: Flow) -> tuple[str, ...]:
    """Say which bots were not ticked, as far as they are known."""
    said = [f"{one.target.name} does not have the new key." for one in flow.deliveries.due]
    if names := [bot.name for bot in flow.retire.bots_left]:
        said.append(f"You did not tick {' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))}.")
    environment, otherwise = flow.context.environment, "You did not tick that your bots have the new key."
    is_noted = environment.bots or environment.targets or BOTS in flow.retire.done()
    return (*said, *([] if is_noted else [otherwise]))


def judged(flow: Flow) -> tuple[KeyRecord | None, Death]:
    """Return the legacy key and its death; in a job without one, the unused key that is the least settled."""
    deaths = [(record, flow.retire.death(record)) for record in flow.retire.unused]
    if flow.retire.legacy or not deaths:
        return flow.retire.legacy, flow.retire.death()
    return min(deaths, key=lambda one: one[1].in_a_row)


def purging(flow: Flow) -> Consent | None:
    """Ask before secrets of dead keys are deleted; None while their deaths do not allow that.

    The word is the key's last four characters in production, where its death is not proven, and while a bot of the
    settings is not ticked.
    """
    (key, death), retire = judged(flow), flow.retire
    if key is None or not (death.allows_purge or death.grade is Grade.WEAK):
        return None
    is_proven = {record: retire.death(record).grade is Grade.PROVEN for record in retire.unused}
    if not retire.legacy and not any(is_proven.values()):
        return None
    is_open = death.grade is not Grade.PROVEN
    gap = f" Not proven: {death.does_not_prove}." if is_open else ""
    asks_for_key = is_open or flow.context.environment.is_production or retire.bots_left or flow.deliveries.due
    place = key.store.removesuffix(" only").removesuffix(", unlocked")
    title, text = f"Delete the secret of {key.name}?", f"It is deleted from {place}. You cannot undo this."
    if death.is_missing:
        title, text = f"Finish without proof that {key.name} is dead?", "Its secret is no longer stored."
    others = [
        f"The secret of {record.name} {'is deleted too' if dead else 'stays stored, as it is not proven dead'}."
        for record, dead in is_proven.items()
        if record != key
    ]
    return Consent(
        title,
        " ".join((f"{text}{gap}", *others, *(not_handed_over(flow) if retire.legacy else ()))),
        key.name.last_four if asks_for_key and key.name.last_four else "delete",
    )


def delete_secret(flow: Flow, typed: str) -> Awaitable[Report]:
    """Delete the secret of the legacy key, as it was consented to by the word of `purging`.

    Answers since the question may have changed the judgement: a key whose death is not proven goes only where its last
    four characters were typed.
    """
    legacy, death = judged(flow)
    if legacy is None or death.allows_purge or typed != (legacy.name.last_four or typed):
        return flow.purge()
    return flow.purge(legacy.name.last_four)


def _answer(label: str, name: str, newest: Poll, death: Death) -> Row:
    """Return what Binance said to a key that is to die."""
    state, words = State.UNSURE, "not judged"
    if newest.legacy_accepted:
        state, words = State.LOOK, "still accepted"
    elif newest.legacy_code:
        state, words = State.UNSURE if newest.shows_death else State.LOOK, f"refused ({newest.legacy_code})"
        state = State.GOOD if death.allows_purge else state
    count = f"refused {min(death.in_a_row, POLLS_IN_A_ROW)} of {POLLS_IN_A_ROW} times in a row"
    if newest.legacy_code and not newest.shows_death:
        count = "proves nothing"
    return Row((label, name, words, count), state, sign_before=2)


def _told(poll: Poll, name: str = "legacy key") -> str:
    refused = f"was refused ({poll.legacy_code})" if poll.legacy_code else f"gave no answer ({poll.legacy_said})"
    legacy = "was accepted" if poll.legacy_accepted else refused
    control = "was accepted" if poll.control_accepted else f"was not accepted ({poll.control_said})"
    return f"{utc(poll.at)[11:]}, {name} {legacy}, current key {control}."
