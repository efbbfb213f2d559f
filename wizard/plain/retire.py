"""The Retire step: the legacy key is watched until it is proven dead; then its secret is purged.

Nothing is purged without a typed word.
"""

from __future__ import annotations

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError
from wizard.custody.records import KeyRecord
from wizard.plain import deadlines
from wizard.plain.stage import Stage, numbered
from wizard.plain.talk import Command
from wizard.rotation.model import Grade, Step
from wizard.rotation.retirement import POLLS_IN_A_ROW, Death, Poll

ABOUT = (
    "Restart what uses the key so that it takes the new one, then delete the legacy key on the exchange's page at"
    " once: while both are alive the overlap grows. The wizard asks with both keys in each poll. Only when the"
    " legacy key is refused and the current key is accepted, three polls in a row, is its death proven. Then purge"
    " deletes its secret from {place} and reads back that it is gone; the certificate names the files and"
    " variables of this host in which the key still stands in plain text, as far as they were looked at."
)
MOST_POLLS = 20
"""After so many the user is asked again."""
_WATCH = {"watch": "ask with both keys, until the matter is settled."}
_PURGE = {"purge": "delete the dead key's secret; asks for a typed word."}
_GIVE_UP = {"purge": "give the key up on your word, and delete its secret; asks for a typed word."}
_REVERT = {"revert": "make the legacy key the current one again; asks for a typed word."}
_TO_DO = {Grade.WEAK: " purge gives it up on your word."}


async def take(stage: Stage) -> bool:
    """Say what to do, watch when the user asks for it, purge on a typed word."""
    stage.introduce(Step.RETIRE, *numbered(_to_do(stage)))
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
        elif answer == "revert":
            if await _is_reverted(stage):
                return True
        elif await _is_purged(stage, death):
            return True


def _to_do(stage: Stage) -> tuple[str, str]:
    legacy, page = stage.flow.retire.legacy, stage.flow.context.environment.site.key_page
    where = "at the desk: desk opens it" if stage.page is not None else f"on the exchange's page: {page}"
    name = legacy.name if legacy else "the legacy key"
    return "Restart what uses the key: it has to take the new one.", f"Delete {name} {where}."


async def _watch(stage: Stage) -> None:
    """Poll until three in a row show death, Ctrl-C, or so many polls that the user is asked again."""
    pace = stage.flow.context.pace
    one, gap = deadlines.poll(pace), deadlines.pause(pace)
    stage.talk.say(
        f"Asking with both keys, at most {MOST_POLLS} times, {duration(pace.between_polls)} apart."
        f" One poll takes at most {duration(one)}."
    )
    await stage.talk.attempt(lambda: _poll_on(stage), "Watching the legacy key", MOST_POLLS * (one + gap))
    _tell(stage)


async def _poll_on(stage: Stage) -> None:
    retire = stage.flow.retire
    for number in range(MOST_POLLS):
        if number:
            await retire.wait()
        death = await retire.poll()
        stage.talk.say(*map(_line, retire.polls()[-1:]))
        if death.in_a_row >= POLLS_IN_A_ROW:
            break


def _tell(stage: Stage) -> None:
    death, overlap = stage.flow.retire.death(), stage.flow.retire.overlap()
    stage.talk.say("", f"{death.sentence}{_TO_DO.get(death.grade, ' purge deletes its secret.' * death.allows_purge)}")
    if death.does_not_prove:
        stage.talk.say(f"Not proven: {death.does_not_prove}.")
    stage.talk.say(f"Two keys have been alive for {duration(overlap)}, as far as we know.")


def _line(poll: Poll) -> str:
    refused = f"was refused with {poll.legacy_code}" if poll.legacy_code else f"gave no answer ({poll.legacy_said})"
    legacy = "was accepted" if poll.legacy_accepted else refused
    control = "was accepted" if poll.control_accepted else f"was not accepted ({poll.control_said})"
    return f"  {utc(poll.at)}: the legacy key {legacy}; the current key {control}."


async def _is_purged(stage: Stage, death: Death) -> bool:
    flow, talk, legacy = stage.flow, stage.talk, stage.flow.retire.legacy
    if legacy is None or not await _is_confirmed(stage, legacy, death):
        return False
    word = None if death.allows_purge else legacy.name.last_four
    report = await talk.attempt(
        lambda: flow.purge(word),
        "Deleting the legacy secret, reading back that it is gone",
        deadlines.purge(flow.context.pace),
    )
    if report is None:
        return False
    stage.tell_summary(report)
    return True


async def _is_confirmed(stage: Stage, legacy: KeyRecord, death: Death) -> bool:
    is_weak = death.grade is not Grade.PROVEN
    asks_for_key = is_weak or stage.flow.context.environment.is_production
    word = legacy.name.last_four if asks_for_key and legacy.name.last_four else "purge"
    what = f"The secret of {legacy.name} is deleted from {legacy.store}. This cannot be undone."
    gap = f" Its death is not proven: {death.does_not_prove}." if is_weak else ""
    return bool(await stage.talk.confirm(what + gap, word))


async def _is_reverted(stage: Stage) -> bool:
    question = "The legacy key becomes the current one again; the new key stays stored and is pending."
    if not await stage.talk.confirm(question, "revert"):
        return False
    try:
        stage.flow.revert()
    except WizardError as error:
        stage.talk.tell(error)
        return False
    return True
