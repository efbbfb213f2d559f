"""A password that opens the place of the credentials, typed where nobody sees it."""

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
from wizard.custody.errors import Remedy
from wizard.custody.questions import QUESTIONS
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.secret import Secret
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField


class PasswordScreen(ModalScreen[bool]):
    """Asks until it opens, or until the user gives up. A wrong password locks nothing.

    Args:
        custodian: What is to be opened.
        remedy: What the password is for.
        glyphs: The signs for the fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+q,ctrl+c", "app.leave", show=False),  # a dialog hides the app's own bindings
    ]

    class Opened(Message):
        """The password was right."""

    class Refused(Message):
        """It did not open."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, custodian: Custodian, remedy: Remedy, glyphs: Glyphs) -> None:
        super().__init__()
        self._custodian = custodian
        self._remedy = remedy
        self._question = QUESTIONS[remedy]
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static(self._question.title, classes="title", markup=False)
            yield Static(self._question.text, classes="question", markup=False)
            yield SecretField(password=True, id="password", glyphs=self._glyphs)
            if self._question.is_new:
                yield SecretField(password=True, id="again", placeholder="the same once more", glyphs=self._glyphs)
            yield Notice(self._glyphs)
            yield Static("Enter opens. Esc cancels, also while it is tried.", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one("#password", SecretField).focus()

    @on(SecretField.Submitted)
    def submit(self, event: SecretField.Submitted) -> None:
        """Try the password, once it was typed as often as it takes."""
        event.stop()
        if self._question.is_new and event.field.id == "password":
            self.query_one("#again", SecretField).focus()
        elif not any(worker.is_running for worker in self.workers):
            self._submit()

    def _submit(self) -> None:
        password = self.query_one("#password", SecretField).peek()
        for field in self.query("#again").results(SecretField):
            again = field.take()
            is_same = again == password
            again.wipe()
            if not is_same:
                password.wipe()
                self.query_one(Notice).note("The two are not the same. Type the second one again.")
                return
        self.query_one(Notice).clear()
        self._open(password)

    @work(description="open the place of the credentials")
    async def _open(self, password: Secret) -> None:
        try:
            await self._custodian.help(self._remedy, password)
            self.post_message(self.Opened())
        except WizardError as error:
            self.post_message(self.Refused(error))
        finally:
            password.wipe()

    @on(Opened)
    def close_opened(self) -> None:
        """Go back to what waited for this."""
        self.dismiss(True)

    @on(Refused)
    def show_refused(self, message: Refused) -> None:
        """Say why, and begin with an empty field."""
        self.query_one("#password", SecretField).clear()
        self.query_one("#password", SecretField).focus()
        self.query_one(Notice).error(message.error)

    def action_cancel(self) -> None:
        """Give up, also in the middle of a wait."""
        self.workers.cancel_node(self)
        self.dismiss(False)
