"""Items in the place of the credentials that the journal does not know: to be adopted, deleted, or left."""

from __future__ import annotations

from wizard.custody.questions import ADOPT_STRAY, DELETE_STRAY_CONSENT, DELETE_STRAY_WORD
from wizard.plain import deadlines
from wizard.plain.answers import Choice, Command
from wizard.plain.stage import Stage
from wizard.plain.words import evidence
from wizard.rotation.strays import Stray
from wizard.text import printable

ABOUT = (
    "Another journal wrote these items, or one that is gone. A whole key can be adopted: it is stored once more, as an"
    " item of this journal, and proven by the probe. What is deleted is gone, here and for whoever else uses it."
)
_ADOPT = Choice("adopt", "take its key for the new one, to be proven by the probe.")
_DELETE = Choice("delete", "delete it for good; asks for a typed word.")
_LEAVE = Choice("leave", "leave it as it is.")


async def look_at_strays(stage: Stage) -> bool:
    """Ask what to do with each; return whether one was adopted, so that a rotation stands at the probe."""
    looked = await stage.talk.attempt(stage.flow.strays.look, "Reading them", deadlines.STORE)
    for stray in looked or ():
        if await _is_adopted(stage, stray):
            return True
    return False


async def _is_adopted(stage: Stage, stray: Stray) -> bool:
    choices = (*((_ADOPT,) if stray.can_be_adopted else ()), _DELETE, _LEAVE)
    stage.talk.say("", stray.sentence, *([ADOPT_STRAY] if stray.can_be_adopted else []))
    answer = await stage.talk.choose("What to do with it?", choices, about=ABOUT, default=_LEAVE.word)
    if answer == _ADOPT.word:
        finding = await stage.talk.attempt(
            lambda: stage.flow.adopt_stray(stray.item), "Storing it, reading back, comparing", deadlines.STORE
        )
        stage.talk.say(*(evidence(finding) if finding else ()))
        return finding is not None
    if answer == _DELETE.word:
        await _delete(stage, stray)
    elif answer in (_LEAVE.word, Command.BACK):
        stage.talk.say("It was left as it is.")
    return False


async def _delete(stage: Stage, stray: Stray) -> None:
    what = f"{printable(stray.item)}: {DELETE_STRAY_CONSENT}"
    if await stage.talk.confirm(what, DELETE_STRAY_WORD, about=ABOUT) and await stage.talk.attempt(
        lambda: _discard(stage, stray.item), "Deleting it, reading back that it is gone", deadlines.ABANDON
    ):
        stage.talk.say("It was deleted, and read back as gone.")


async def _discard(stage: Stage, item: str) -> bool:
    await stage.flow.delete_stray(item)
    return True
