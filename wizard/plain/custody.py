"""When the place of the credentials does not open: what can be done about it, right here."""

from __future__ import annotations

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Place
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import (
    FILE_CONSENT,
    FILE_WORD,
    NEW_PASSPHRASE,
    OLD_PASSPHRASE,
    PASSPHRASE_CHANGED,
    QUESTIONS,
)
from wizard.custody.services import explanation
from wizard.plain import deadlines
from wizard.plain.answers import Choice, Command
from wizard.plain.console import SecretEntryRefused
from wizard.plain.talk import Talk

ABOUT = (
    "Credentials are kept in one place: the system's keyring, or an encrypted file where that was chosen by name."
    " Where the place does not open, nothing else is used in its stead."
)
_AGAIN = Choice("again", "try once more.")
_LEAVE = Choice("leave", "leave it as it is.")
_SERVICE = Choice("service", "show how a program that runs as a service gets at the credentials.")


async def offer(talk: Talk, custodian: Custodian, problem: CustodyError, environment: str) -> bool:
    """Ask what to do; return whether the environment is to be opened again."""
    while (answer := await _ask_what(talk, custodian, problem)) == _SERVICE.word:
        talk.say("", *explanation(environment))
    if answer == Command.BACK:
        return False
    if answer == FILE_WORD:
        return await _chosen(talk, custodian)
    return answer == _AGAIN.word or await _opened(talk, custodian, Remedy(answer))


async def unlock(talk: Talk, custodian: Custodian, remedy: Remedy) -> None:
    """Offer to open the place of an environment that is in use; what was entered meanwhile is kept."""
    choices = (Choice(remedy.value, f"{QUESTIONS[remedy].does}."), _LEAVE)
    answer = await talk.choose("Open it again?", choices, about=ABOUT, default=remedy.value)
    if answer == remedy.value and await _opened(talk, custodian, remedy):
        talk.say("Repeat what was not done.")


async def _ask_what(talk: Talk, custodian: Custodian, problem: CustodyError) -> str:
    remedy = problem.remedy
    own = (Choice(remedy.value, f"{QUESTIONS[remedy].does}."),) if remedy else ()
    is_keyring = custodian.custody.place is Place.KEYRING
    other = (Choice(FILE_WORD, "keep credentials in an encrypted file instead."),) if is_keyring else ()
    choices = (*own, _AGAIN, *other, _SERVICE)
    return await talk.choose("What next?", choices, about=ABOUT, default=choices[0].word)


async def _chosen(talk: Talk, custodian: Custodian) -> bool:
    if await talk.confirm(FILE_CONSENT, FILE_WORD, about=ABOUT):
        try:
            custodian.choose_encrypted_file()
        except WizardError as error:
            talk.tell(error)
    return True


async def _opened(talk: Talk, custodian: Custodian, remedy: Remedy) -> bool:
    """Ask for the password until it opens or the user goes back."""
    question = QUESTIONS[remedy]
    talk.say("", question.title, question.text)
    while (password := await _ask(talk, is_new=question.is_new)) is not None:
        try:
            if await talk.attempt(lambda: _help(custodian, remedy, password), "Opening", deadlines.OPEN_PLACE):
                return True
        finally:
            password.wipe()
    return True


async def change_passphrase(talk: Talk, custodian: Custodian) -> None:
    """Ask for the passphrase of the encrypted file so far and for the new one, and change it."""
    talk.say("", OLD_PASSPHRASE.title, OLD_PASSPHRASE.text)
    if (old := await _ask(talk, is_new=False)) is None:
        return
    try:
        talk.say("", NEW_PASSPHRASE.title, NEW_PASSPHRASE.text)
        if (new := await _ask(talk, is_new=True)) is None:
            return
        try:
            await _change(talk, custodian, old, new)
        finally:
            new.wipe()
    finally:
        old.wipe()


async def _change(talk: Talk, custodian: Custodian, old: Secret, new: Secret) -> None:
    async def change() -> bool:
        await custodian.change_passphrase(old, new)
        return True

    if await talk.attempt(change, "Changing the passphrase", deadlines.OPEN_PLACE):
        talk.say(*PASSPHRASE_CHANGED)


async def _help(custodian: Custodian, remedy: Remedy, password: Secret) -> bool:
    await custodian.help(remedy, password)
    return True


async def _ask(talk: Talk, *, is_new: bool) -> Secret | None:
    try:
        while True:
            password = await talk.secret("Password", about=ABOUT)
            if isinstance(password, Command):
                return None
            if not is_new:
                return password
            again = await talk.secret("The same once more", about=ABOUT)
            is_same = again == password
            if not isinstance(again, Command):
                again.wipe()
            if is_same:
                return password
            password.wipe()
            if isinstance(again, Command):
                return None
            talk.say("The two are not the same. Nothing was done.")
    except SecretEntryRefused as error:
        talk.tell(error)
        return None
