"""The questions for passwords: what opens, makes or changes the place of the credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wizard.core.text import capitalised
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import QUESTIONS
from wizard.steps import deadlines
from wizard.steps.form import Field, FieldKind, Form

if TYPE_CHECKING:
    from wizard.core.errors import WizardError
    from wizard.core.secret import Secret
    from wizard.custody.custodian import Custodian

AGAIN = Field("again", "The same once more", FieldKind.PASSWORD, is_repeat=True)


def unlocking(custodian: Custodian, remedy: Remedy) -> Form:
    """Return the question for the password that opens the place of the credentials, or makes it."""
    question = QUESTIONS[remedy]

    async def act(password: Secret) -> None:
        await custodian.help(remedy, password)

    title = capitalised(question.does)
    is_file = remedy in {Remedy.OPEN_FILE, Remedy.MAKE_FILE}
    asked = Field("password", "Passphrase" if is_file else "Password", FieldKind.PASSWORD)
    fields = (asked, AGAIN) if question.is_new else (asked,)
    return Form(
        title, question.text, fields, act, "Create" if question.is_new else "Open", "Opening", deadlines.CUSTODY
    )


def remedying(custodian: Custodian | None, error: WizardError | None) -> Form | None:
    """Return the question that opens a place of credentials where its state is the error; None where none does."""
    return (
        unlocking(custodian, error.remedy) if custodian and isinstance(error, CustodyError) and error.remedy else None
    )


def choosing_file(custodian: Custodian, *, is_new: bool) -> Form:
    """Return the question for the passphrase of the encrypted file, new or not, that is to keep credentials."""
    remedy = Remedy.MAKE_FILE if is_new else Remedy.OPEN_FILE
    form = unlocking(custodian, remedy)

    async def act(password: Secret) -> None:
        await custodian.help(remedy, password)
        custodian.choose_encrypted_file()

    meaning = "Your credentials are then in a file that only this passphrase opens."
    return replace(form, title="Use an encrypted file", text=f"{meaning} {form.text}", act=act)
