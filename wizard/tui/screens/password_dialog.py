"""Passwords that are typed where nobody sees them, until what they are for is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

AGAIN: Final = "again"
"""The field, the last one, that repeats the one before it."""


class PasswordDialog(ModalScreen[bool]):
    """Asks until `act` succeeds, or until the user gives up. A wrong password locks nothing.

    Args:
        title: What is asked.
        text: What the passwords are, and where they go.
        fields: What stands in each empty field, by the field's name.
        glyphs: The signs for the fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+q,ctrl+c", "app.leave", show=False),  # a dialog hides the app's own bindings
    ]

    class Done(Message):
        """It is done."""

    class Refused(Message):
        """It was not done."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, title: str, text: str, fields: Mapping[str, str], glyphs: Glyphs) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._fields = fields
        self._glyphs = glyphs

    async def act(self, *entered: Secret) -> None:
        """Do what the passwords are for; they are wiped afterwards.

        Raises:
            wizard.core.errors.WizardError: it was not done.
        """
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._text, classes="question", markup=False)
            for name, placeholder in self._fields.items():
                yield SecretField(password=True, id=name, placeholder=placeholder, glyphs=self._glyphs)
            yield Notice(self._glyphs)
            yield Static("Enter goes on. Esc cancels, also while it is tried.", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self._field(next(iter(self._fields))).focus()

    def _field(self, name: str) -> SecretField:
        return self.query_one(f"#{name}", SecretField)

    @on(SecretField.Submitted)
    def submit(self, event: SecretField.Submitted) -> None:
        """Go to the next field; after the last one, try."""
        event.stop()
        names = list(self._fields)
        place = names.index(event.field.id or names[0])
        if place + 1 < len(names):
            self._field(names[place + 1]).focus()
        elif not any(worker.is_running for worker in self.workers):
            self._submit()

    def _submit(self) -> None:
        entered = [self._field(name).peek() for name in self._fields if name != AGAIN]
        if AGAIN in self._fields and not self._is_repeated(entered[-1]):
            for password in entered:
                password.wipe()
            self.query_one(Notice).note("The two are not the same. Type the second one again.")
            return
        self.query_one(Notice).clear()
        self._try(entered)

    def _is_repeated(self, password: Secret) -> bool:
        again = self._field(AGAIN).take()
        is_same = again == password
        again.wipe()
        return is_same

    @work(description="try the passwords")
    async def _try(self, entered: list[Secret]) -> None:
        try:
            await self.act(*entered)
            self.post_message(self.Done())
        except WizardError as error:
            self.post_message(self.Refused(error))
        finally:
            for password in entered:
                password.wipe()

    @on(Done)
    def close_done(self) -> None:
        """Go back to what waited for this."""
        self.dismiss(True)

    @on(Refused)
    def show_refused(self, message: Refused) -> None:
        """Say why, and begin again with empty fields."""
        for name in self._fields:
            self._field(name).clear()
        self._field(next(iter(self._fields))).focus()
        self.query_one(Notice).error(message.error)

    def action_cancel(self) -> None:
        """Give up, also in the middle of a wait. What has begun on the disk is done."""
        self.workers.cancel_node(self)
        self.dismiss(False)
