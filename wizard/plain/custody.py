"""When the place of the credentials does not open: what can be done about it, right here."""

from __future__ import annotations

from wizard.core.errors import WizardError
from wizard.core.settings import Place
from wizard.custody.custodian import Custodian, explain_services
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import PASSPHRASE_CHANGED, QUESTIONS
from wizard.plain import forms
from wizard.plain.talk import Command, Menu, Talk
from wizard.steps import passwords
from wizard.steps.consents import ENCRYPTED_FILE

ABOUT = (
    "Credentials are kept in one place: the system's keyring, or an encrypted file where that was chosen by name."
    " Where the place does not open, nothing else is used in its stead."
)
_LEAVE = {"leave": "leave it as it is."}


async def offer(talk: Talk, custodian: Custodian, problem: CustodyError, environment: str) -> bool:
    """Ask what to do; return whether the environment is to be opened again."""
    remedy = problem.remedy
    menu = {**_answer_of(remedy), "again": "try once more."}
    if custodian.custody.place is Place.KEYRING:
        menu[ENCRYPTED_FILE.word] = "keep credentials in an encrypted file instead."
    menu["service"] = "show how a program that runs as a service gets at the credentials."
    while (answer := await talk.choose("What next?", menu)) == "service":
        talk.say("", *explain_services(environment))
    if answer == ENCRYPTED_FILE.word:
        await _choose_file(talk, custodian)
    elif remedy and answer == remedy.value:
        await forms.fill(talk, passwords.unlocking(custodian, remedy))
    return answer != Command.BACK


async def unlock(talk: Talk, custodian: Custodian, remedy: Remedy) -> None:
    """Offer to open the place of an environment that is in use; what was entered meanwhile is kept."""
    answer = await talk.choose("Open it again?", {**_answer_of(remedy), **_LEAVE})
    if answer == remedy.value:
        await forms.fill(talk, passwords.unlocking(custodian, remedy))
        talk.say("Repeat what was not done.")


def _answer_of(remedy: Remedy | None) -> Menu:
    return {remedy.value: f"{QUESTIONS[remedy].does}."} if remedy else {}


async def _choose_file(talk: Talk, custodian: Custodian) -> None:
    if await talk.confirm(ENCRYPTED_FILE):
        try:
            custodian.choose_encrypted_file()
        except WizardError as error:
            talk.tell(error)


async def change_passphrase(talk: Talk, custodian: Custodian) -> None:
    """Ask for the passphrase of the encrypted file so far and for the new one, and change it."""
    if await forms.fill(talk, passwords.changing_passphrase(custodian)):
        talk.say(*PASSPHRASE_CHANGED)
