"""Passwords that are typed where nobody sees them, until what they are for is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ScreenResultType
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import capitalised
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import NEW_PASSPHRASE, OLD_PASSPHRASE, QUESTIONS
from wizard.tui.session import Dialog, SessionScreen
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.custody.custodian import Custodian
    from wizard.steps.consents import Consent
    from wizard.tui.widgets.secret_field import SecretField

AGAIN: Final = "again"
"""The field, the last one, that repeats the one before it."""


class PasswordScreen(Dialog[bool]):
    """Asks until `act` succeeds, or until the user gives up. A wrong password locks nothing.

    Args:
        title: What is asked.
        text: What the passwords are, and where they go.
        fields: What stands in each empty field, by the field's name.
        act: Does what the passwords are for; raises WizardError where it is not done. They are wiped afterwards.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, text: str, fields: Mapping[str, str], act: Callable[..., Awaitable[object]]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._fields = fields
        self._act = act

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        from wizard.tui.widgets.secret_field import SecretField  # noqa: PLC0415 - loaded when it is needed

        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._text, classes="question", markup=False)
            for name, placeholder in self._fields.items():
                yield SecretField(password=True, id=name, placeholder=placeholder, glyphs=self.glyphs)
            yield Notice(self.glyphs)
            yield Static("Enter goes on. Esc cancels, also while it is tried.", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self._field(next(iter(self._fields))).focus()

    def _field(self, name: str) -> SecretField:
        return cast("SecretField", self.query_one(f"#{name}"))

    def on_secret_field_submitted(self, event: SecretField.Submitted) -> None:
        """Go to the next field; after the last one, try."""
        event.stop()
        names = list(self._fields)
        place = names.index(event.field.id or names[0])
        if place + 1 < len(names):
            self._field(names[place + 1]).focus()
        elif not self.is_at_work("password"):
            self._submit()

    def on_secret_field_noted(self, message: SecretField.Noted) -> None:
        """Say what a field did not take."""
        self.notice.note(message.note)

    def _submit(self) -> None:
        entered = [self._field(name).peek() for name in self._fields if name != AGAIN]
        if AGAIN in self._fields and not self._is_repeated(entered[-1]):
            for password in entered:
                password.wipe()
            self.notice.note("The two are not the same. Type the second one again.")
            return
        self.notice.clear()
        self.start(
            partial(self._try, entered), lambda _: self.dismiss(True), doing="try the passwords", group="password"
        )

    def _is_repeated(self, password: Secret) -> bool:
        again = self._field(AGAIN).take()
        is_same = again == password
        again.wipe()
        return is_same

    async def _try(self, entered: list[Secret]) -> None:
        try:
            await self._act(*entered)
        finally:
            for password in entered:
                password.wipe()

    def show_error(self, error: WizardError) -> None:
        """Say why, and begin again with empty fields."""
        for name in self._fields:
            self._field(name).clear()
        self._field(next(iter(self._fields))).focus()
        super().show_error(error)

    def action_cancel(self) -> None:
        """Give up, also in the middle of a wait. What has begun on the disk is done."""
        self.stop("password")
        self.dismiss(False)


def unlocking(custodian: Custodian, remedy: Remedy) -> PasswordScreen:
    """Return the dialog that opens the place of the credentials, or makes it."""
    question = QUESTIONS[remedy]
    again = {AGAIN: "the same once more"} if question.is_new else {}
    act = partial(custodian.help, remedy)
    return PasswordScreen(capitalised(question.does), question.text, {"password": ""} | again, act)


def changing_passphrase(custodian: Custodian) -> PasswordScreen:
    """Return the dialog that changes the passphrase of the encrypted file: it opens with the old or the new one."""
    fields = {"old": "the passphrase so far", "new": "the new passphrase", AGAIN: "the new one once more"}
    text = f"{OLD_PASSPHRASE.text} {NEW_PASSPHRASE.text}"
    return PasswordScreen(capitalised(OLD_PASSPHRASE.does), text, fields, custodian.change_passphrase)


class UnlockingScreen(SessionScreen[ScreenResultType]):
    """A screen on which the place of the credentials may turn out to be locked, and be opened there."""

    remedy: Remedy = Remedy.NONE
    """What a typed password can do about the newest failure."""

    def confirm(self, consent: Consent, act: Callable[[str], object]) -> None:
        """Ask for the consent's word, and act once it was typed, unless the place of the credentials is at work."""
        from wizard.tui.screens.dialogs import ConfirmScreen  # noqa: PLC0415 - loaded when it is needed

        def given(typed: str | None) -> None:
            if typed and not self.is_at_work():
                act(typed)

        self.app.push_screen(ConfirmScreen(consent), given)

    def note_remedy(self, error: WizardError) -> None:
        """Remember what a typed password can do about an error."""
        custodian = self.session.environments.custodian
        self.remedy = error.remedy if custodian and isinstance(error, CustodyError) else Remedy.NONE

    def action_unlock(self) -> None:
        """Ask for the password that opens the place; what is typed on this screen stays."""
        custodian = self.session.environments.custodian
        if custodian is not None and self.remedy and not self.is_at_work():
            self.app.push_screen(unlocking(custodian, self.remedy), self._unlocked)

    def _unlocked(self, is_open: bool | None) -> None:
        if is_open:
            self.remedy = Remedy.NONE
            self.go_on_unlocked()

    def go_on_unlocked(self) -> None:
        """Go on now that the place is open."""
        raise NotImplementedError
