"""The Retire step: the legacy key is watched until it is proven dead; then its secret is purged.

Nothing is purged without a typed word.
"""

from __future__ import annotations

from collections.abc import Awaitable

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError
from wizard.plain.stage import Stage, numbered
from wizard.plain.talk import Command
from wizard.rotation.model import Grade, Step
from wizard.rotation.retirement import Death, Poll
from wizard.steps import deadlines, retire
from wizard.steps.consents import REVERT, purging

MOST_POLLS = 20
"""After so many the user is asked again."""
_WATCH = {"watch": "ask with both keys, until the matter is settled."}
_PURGE = {"purge": "delete the dead key's secret; asks for a typed word."}
_GIVE_UP = {"purge": "give the key up on your word, and delete its secret; asks for a typed word."}
_REVERT = {"revert": "make the legacy key the current one again; asks for a typed word."}
_TO_DO = {Grade.WEAK: " purge gives it up on your word."}


async def take(stage: Stage) -> bool:
    """Say what to do, watch when the user asks for it, purge on a typed word."""
    stage.introduce(Step.RETIRE, *numbered(retire.to_do(stage.flow, "desk opens it" if stage.page else "")))
    if stage.flow.retire.polls():
        _tell(stage)
    work = "Looking for copies of the legacy key in plain text"
    copies = await stage.talk.attempt(stage.flow.still_held, work, deadlines.FILES)
    stage.talk.say(*(copies.sentences() if copies else ()))
    while True:
        death = stage.flow.retire.death()
        purge = _GIVE_UP if death.grade is Grade.WEAK else _PURGE if death.allows_purge else {}
        menu = {**purge, **_WATCH, **(_REVERT if stage.flow.can_be_reverted else {})}
        answer = await stage.talk.choose("What next?", menu)
        if answer == Command.BACK:
            return stage.back()
        if answer == "watch":
            await _watch(stage)
        elif await (_is_reverted(stage) if answer == "revert" else _is_purged(stage)):
            return True


async def _watch(stage: Stage) -> None:
    """Poll until three in a row show death, Ctrl-C, or so many polls that the user is asked again."""
    pace = stage.flow.context.pace
    one, gap = deadlines.poll(pace), deadlines.pause(pace)
    stage.talk.say(
        f"Asking with both keys, at most {MOST_POLLS} times, {duration(pace.between_polls)} apart."
        f" One poll takes at most {duration(one)}."
    )

    def show(_: Death) -> None:
        stage.talk.say(*map(_line, stage.flow.retire.polls()[-1:]))

    def work() -> Awaitable[None]:
        return retire.watch(stage.flow, show, MOST_POLLS)

    await stage.talk.attempt(work, "Watching the legacy key", MOST_POLLS * (one + gap))
    _tell(stage)


def _tell(stage: Stage) -> None:
    death, overlap = stage.flow.retire.death(), stage.flow.retire.overlap()
    stage.talk.say("", f"{death.sentence}{_TO_DO.get(death.grade, ' purge deletes its secret.' * death.allows_purge)}")
    alive = f"Two keys have been alive for {duration(overlap)}, as far as we know."
    stage.talk.say(*filter(None, (retire.gap(death), alive)))


def _line(poll: Poll) -> str:
    refused = f"was refused with {poll.legacy_code}" if poll.legacy_code else f"gave no answer ({poll.legacy_said})"
    legacy = "was accepted" if poll.legacy_accepted else refused
    control = "was accepted" if poll.control_accepted else f"was not accepted ({poll.control_said})"
    return f"  {utc(poll.at)}: the legacy key {legacy}; the current key {control}."


async def _is_purged(stage: Stage) -> bool:
    flow, talk, consent = stage.flow, stage.talk, purging(stage.flow)
    if consent is None or not (typed := await talk.confirm(consent)):
        return False
    what = "Deleting the legacy secret, reading back that it is gone"
    report = await talk.attempt(lambda: retire.purge(flow, typed), what, deadlines.purge(flow.context.pace))
    if report is None:
        return False
    stage.tell_summary(report)
    return True


async def _is_reverted(stage: Stage) -> bool:
    if not await stage.talk.confirm(REVERT):
        return False
    try:
        stage.flow.revert()
    except WizardError as error:
        stage.talk.tell(error)
        return False
    return True
