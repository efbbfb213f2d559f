"""A private key that exists already: from a file, or pasted; opened with its passphrase where it is encrypted.

What was entered stays in its field until the key was opened.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.core.threads import in_daemon_thread
from wizard.intake.private_keys import NEEDS_PASSPHRASE, ImportedKey, open_private_key
from wizard.tui.widgets.line_input import LineInput
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

DEADLINE = 20.0
"""Seconds to read the file and to try the passphrase: a network disk or a strong cipher must not hang the screen."""


class ImportKeyScreen(ModalScreen[ImportedKey | None]):
    """Asks for a private key; closes with the opened key, or with nothing.

    Args:
        glyphs: The signs beside the words.
    """

    HELP = (
        "A private key of kind Ed25519, or RSA of 2048 to 4096 bits, in PEM form. Give the path of its file, or paste"
        " the whole block. It is read, never written: {place} gets a copy, the file stays as it is."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("f1", "app.help", show=False),  # a dialog hides the app's own bindings
    ]

    class Opened(Message):
        """The key was opened."""

        def __init__(self, key: ImportedKey) -> None:
            super().__init__()
            self.key = key

    class Failed(Message):
        """It was not; what was entered is kept, but for a wrong passphrase."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay the three fields out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Import a private key", classes="title")
            yield Static("Path of its PEM file", classes="label")
            yield LineInput(placeholder="a path, such as ~/key.pem", id="path")
            yield Static("or the PEM itself", classes="label")
            yield SecretField(multiline=True, glyphs=self._glyphs, id="pem")
            yield Static("Passphrase, where it is encrypted", classes="label")
            yield SecretField(password=True, glyphs=self._glyphs, id="passphrase")
            yield Notice(self._glyphs)
            yield Static("Enter reads it. Tab: next field. Esc cancels.", classes="keys")

    def on_mount(self) -> None:
        """Begin with the path."""
        self.query_one(LineInput).focus()

    @on(LineInput.Submitted)
    @on(SecretField.Submitted)
    def read(self) -> None:
        """Read and open it in the background."""
        if not any(worker.is_running for worker in self.workers):
            self.query_one(Notice).note("Reading…")
            pem, passphrase = (self.query_one(f"#{name}", SecretField).peek() for name in ("pem", "passphrase"))
            self._open(self.query_one(LineInput).value, pem, passphrase)

    @work(exclusive=True, description="open a private key")
    async def _open(self, path: str, pem: Secret, passphrase: Secret) -> None:
        try:
            key = await in_daemon_thread(partial(open_private_key, path, pem, passphrase), DEADLINE)
            self.post_message(self.Opened(key))
        except WizardError as error:
            self.post_message(self.Failed(error))
        except TimeoutError:
            self.post_message(self.Failed(WizardError(f"It could not be read within {DEADLINE:.0f} seconds")))
        finally:
            pem.wipe()
            passphrase.wipe()

    @on(Opened)
    def finish(self, message: Opened) -> None:
        """Hand the key over."""
        self.dismiss(message.key)

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Say why; an encrypted key asks for its passphrase, in an empty field."""
        if message.error.code == NEEDS_PASSPHRASE:
            self.query_one("#passphrase", SecretField).clear()
            self.query_one("#passphrase", SecretField).focus()
        self.query_one(Notice).error(message.error)

    @on(SecretField.Rejected)
    @on(SecretField.Cleaned)
    def tell_about_field(self, message: SecretField.Rejected | SecretField.Cleaned) -> None:
        """Say what a field did not take."""
        self.query_one(Notice).note(message.reason if isinstance(message, SecretField.Rejected) else message.note)

    def action_cancel(self) -> None:
        """Close without a key."""
        self.dismiss(None)
