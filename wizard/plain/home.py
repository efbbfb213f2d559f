"""Home: which environments there are, whether their place can be trusted, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.core.clock import duration
from wizard.core.settings import Place
from wizard.custody.questions import FORGET_CONSENT, FORGET_WORD
from wizard.plain import deadlines
from wizard.plain.answers import Choice, Command
from wizard.plain.custody import change_passphrase
from wizard.plain.stage import Stage, Way
from wizard.plain.talk import Talk
from wizard.plain.words import evidence
from wizard.rotation.model import Mode, Step
from wizard.rotation.overview import Overview

_PASSPHRASE = Choice("passphrase", "change the passphrase of the encrypted file.")
ABOUT = (
    "Choose an environment: the wizard takes it for itself, tries {place} with a canary and settles what an"
    " interrupted run left. Then begin or resume a rotation. Nothing on the exchange is touched from here."
)


async def choose_environment(talk: Talk, overviews: Sequence[Overview], now: float, place: str) -> Overview:
    """Ask for one of the environments; `place` is that of the credentials."""
    about = ABOUT.format(place=place)
    choices = tuple(Choice(one.environment.name, _row(one, now)) for one in overviews)
    while True:
        answer = await talk.choose("Which environment?", choices, about=about, default=choices[0].word)
        for one in overviews:
            if one.environment.name == answer:
                return one
        talk.say("There is nothing to go back to. quit closes the wizard.")


def tell_preflight(stage: Stage) -> None:
    """Say what was checked, and what an interrupted run had left."""
    preflight = stage.flow.preflight
    stage.talk.say(*evidence(preflight.storage), *preflight.recovered, *preflight.losses())


async def begin(stage: Stage) -> Way:
    """Ask what to do, until a rotation is open; `Way.HOME` leads back to the environments."""
    while True:
        choices = _choices(stage)
        answer = await stage.talk.choose("What next?", choices, about=stage.about(ABOUT), default=choices[0].word)
        if answer == Command.BACK:
            return Way.HOME
        if answer == FORGET_WORD:
            await _forget(stage)
            continue
        if answer == _PASSPHRASE.word and stage.custodian is not None:
            await change_passphrase(stage.talk, stage.custodian)
            continue
        if answer == "abandon":
            await _abandon(stage)
            continue
        if answer != "resume" and not await _is_begun(stage, Mode(answer)):
            continue
        return Way.ON


async def _is_begun(stage: Stage, mode: Mode) -> bool:
    begun = await stage.talk.attempt(lambda: stage.flow.begin(mode), "Opening the rotation", deadlines.PURGE)
    return begun is not None


def _choices(stage: Stage) -> tuple[Choice, ...]:
    forget = (Choice(FORGET_WORD, "strike the missing key off the journal."),) if stage.flow.can_forget else ()
    is_file = stage.custodian is not None and stage.custodian.custody.place is Place.ENCRYPTED_FILE
    return (*_ways(stage), *forget, *((_PASSPHRASE,) if is_file else ()))


def _ways(stage: Stage) -> tuple[Choice, ...]:
    flow = stage.flow
    if flow.rotation:
        step = "the summary" if flow.step is Step.DONE else f"the step {flow.step}"
        resume = Choice("resume", f"resume the open rotation at {step}.")
        abandon = Choice("abandon", "give the open rotation up; the current key stays.")
        return (resume, abandon) if flow.can_be_abandoned else (resume,)
    if flow.current:
        return (Choice(Mode.ROTATE.value, f"begin to replace {flow.current.name}."),)
    return (
        Choice(Mode.SET_UP.value, "set up the first key."),
        Choice(Mode.ADOPT.value, "bring a key that is in use already under the wizard's care."),
    )


async def _forget(stage: Stage) -> None:
    if not await stage.talk.confirm(FORGET_CONSENT, FORGET_WORD, about=stage.about(ABOUT)):
        return
    if await stage.talk.attempt(lambda: _strike_off(stage), "Looking once more, then striking off", deadlines.ABANDON):
        stage.talk.say("The missing key was struck off the journal.")


async def _strike_off(stage: Stage) -> bool:
    await stage.flow.forget_missing()
    return True


async def _abandon(stage: Stage) -> None:
    question = (
        f"Give this rotation up? The new credentials of this rotation are deleted from {stage.flow.place}. The current"
        " key stays as it is. If you created a new key on the exchange's page, delete it there."
    )
    if not await stage.talk.confirm(question, "abandon", about=stage.about(ABOUT)):
        return
    if await stage.talk.attempt(lambda: _give_up(stage), "Deleting the new credentials", deadlines.ABANDON):
        stage.talk.say("The rotation was given up. The current key is as it was.")


async def _give_up(stage: Stage) -> bool:
    await stage.flow.abandon()
    return True


def _row(one: Overview, now: float) -> str:
    key = one.current
    stored = f"current key {key.name}, stored {duration(now - key.stored_at)} ago" if key else "no key yet"
    parts = [one.environment.site.name, stored]
    if one.legacy:
        parts.append(f"legacy key {one.legacy.name} is not proven dead")
    return f"{', '.join(parts)}; next: {one.next_step}."
