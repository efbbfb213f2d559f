"""The passphrase of the encrypted file is changed: the one so far, and the new one twice."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.custody.custodian import Custodian
from wizard.custody.questions import NEW_PASSPHRASE, OLD_PASSPHRASE
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.secret import Secret
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

_FIELDS = {"old": "the passphrase so far", "new": "the new passphrase", "again": "the new one once more"}


class PassphraseScreen(ModalScreen[bool]):
    """Asks until it is changed, or until the user gives up.

    Args:
        custodian: Whose file it is.
        glyphs: The signs for the fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+q,ctrl+c", "app.leave", show=False),  # a dialog hides the app's own bindings
    ]

    class Changed(Message):
        """The file opens with the new passphrase."""

    class Refused(Message):
        """It was not changed."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, custodian: Custodian, glyphs: Glyphs) -> None:
        super().__init__()
        self._custodian = custodian
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay the questions out."""
        with Vertical(classes="dialog"):
            yield Static(OLD_PASSPHRASE.title, classes="title", markup=False)
            yield Static(f"{OLD_PASSPHRASE.text} {NEW_PASSPHRASE.text}", markup=False)
            yield Static("Enter goes on. Esc cancels.", classes="keys", markup=False)
            for name, placeholder in _FIELDS.items():
                yield SecretField(password=True, id=name, placeholder=placeholder, glyphs=self._glyphs)
            yield Notice(self._glyphs)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self._field("old").focus()

    def _field(self, name: str) -> SecretField:
        return self.query_one(f"#{name}", SecretField)

    @on(SecretField.Submitted)
    def submit(self, event: SecretField.Submitted) -> None:
        """Go to the next field; after the last one, change it."""
        event.stop()
        names = list(_FIELDS)
        place = names.index(event.field.id or "old")
        if place + 1 < len(names):
            self._field(names[place + 1]).focus()
        elif not any(worker.is_running for worker in self.workers):
            self._submit()

    def _submit(self) -> None:
        old, new, again = self._field("old").peek(), self._field("new").peek(), self._field("again").take()
        is_same = again == new
        again.wipe()
        if is_same:
            self.query_one(Notice).clear()
            self._change(old, new)
            return
        old.wipe()
        new.wipe()
        self.query_one(Notice).note("The two new ones are not the same. Type the second one again.")

    @work(description="change the passphrase")
    async def _change(self, old: Secret, new: Secret) -> None:
        try:
            await self._custodian.change_passphrase(old, new)
            self.post_message(self.Changed())
        except WizardError as error:
            self.post_message(self.Refused(error))
        finally:
            old.wipe()
            new.wipe()

    @on(Changed)
    def close_changed(self) -> None:
        """Go back home."""
        self.dismiss(True)

    @on(Refused)
    def show_refused(self, message: Refused) -> None:
        """Say why, and begin again with empty fields."""
        for name in _FIELDS:
            self._field(name).clear()
        self._field("old").focus()
        self.query_one(Notice).error(message.error)

    def action_cancel(self) -> None:
        """Give up. What has begun on the disk is done: the file opens with the old one or with the new one."""
        self.workers.cancel_node(self)
        self.dismiss(False)
