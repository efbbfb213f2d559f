"""Keys that exist already: a key in use, read from where it is now, and a private key from a file or a paste."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.threads import in_daemon_thread
from wizard.intake.private_keys import NEEDS_PASSPHRASE, ImportedKey, open_private_key
from wizard.intake.sources import ENVIRONMENT, Found, candidates
from wizard.steps.credentials import READ_WITHIN, read_key
from wizard.tui.session import Dialog
from wizard.tui.widgets.basics import LineInput, OptionRows
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

OPEN_WITHIN = 20.0
"""Seconds to read a file and to try the passphrase: a strong cipher takes its time."""


class FindKeyScreen(Dialog[Found | None]):
    """Asks where the key in use is; closes with what was found there, or with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def compose(self) -> ComposeResult:
        """Lay the list and the path out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Read the key from where it is now", classes="title")
            yield OptionRows(id="places")
            yield Static("Or a file: .env, freqtrade's or Hummingbot's", classes="label")
            yield LineInput(placeholder="a path, such as ~/bot/.env", id="path")
            yield Notice(self.glyphs)
            yield Static("Enter reads; nothing is changed there. Esc cancels.", classes="keys")

    def on_mount(self) -> None:
        """Look at the usual places."""
        self.query_one("#places", OptionList).display = False
        self.query_one(LineInput).focus()
        self.start(self._look, self.show_places, doing="look at the usual places", group="look")

    async def _look(self) -> tuple[str, ...]:
        try:
            return await in_daemon_thread(partial(candidates, self.flow.context.environ), READ_WITHIN)
        except TimeoutError:
            return ()

    def show_places(self, places: tuple[str, ...]) -> None:
        """Offer those that hold a key."""
        options = self.query_one("#places", OptionList)
        options.display = bool(places)
        in_words = {ENVIRONMENT: "Environment variables"}
        options.add_options(Option(Content(in_words.get(place, place)), id=place) for place in places)
        if places and not self.query_one(LineInput).value:
            options.highlighted = 0
            options.focus()

    @on(OptionList.OptionSelected)
    def read_chosen(self, event: OptionList.OptionSelected) -> None:
        """Read one of the usual places."""
        self._read(str(event.option_id))

    @on(LineInput.Submitted)
    def read_path(self, event: LineInput.Submitted) -> None:
        """Read the file that was named."""
        if event.value.strip():
            self._read(event.value)
        else:
            self.notice.note("Give the path of a file.")

    def _read(self, place: str) -> None:
        doing = "read a key from a file or the environment"
        self.start(partial(read_key, self.flow, place), self.dismiss, doing=doing, group="read")


class ImportKeyScreen(Dialog[ImportedKey | None]):
    """Asks for a private key, with its passphrase where it is encrypted; closes with the opened key, or with nothing.

    What was entered stays in its field until the key was opened.
    """

    HELP = (
        "A private key of kind Ed25519, or RSA of 2048 to 4096 bits, in PEM form. Give the path of its file, or paste"
        " the whole block. It is read, never written: {place} gets a copy, the file stays as it is."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def compose(self) -> ComposeResult:
        """Lay the three fields out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Import a private key", classes="title")
            yield Static("Path of its PEM file", classes="label")
            yield LineInput(placeholder="a path, such as ~/key.pem", id="path")
            yield Static("or the PEM itself", classes="label")
            yield SecretField(multiline=True, glyphs=self.glyphs, id="pem")
            yield Static("Passphrase, where it is encrypted", classes="label")
            yield SecretField(password=True, glyphs=self.glyphs, id="passphrase")
            yield Notice(self.glyphs)
            yield Static("Enter reads it. Tab: next field. Esc cancels.", classes="keys")

    def on_mount(self) -> None:
        """Begin with the path."""
        self.query_one(LineInput).focus()

    @on(LineInput.Submitted)
    @on(SecretField.Submitted)
    def read(self) -> None:
        """Read and open it in the background."""
        if not self.is_at_work("import"):
            self.notice.note("Reading…")
            pem, passphrase = (self.query_one(f"#{name}", SecretField).peek() for name in ("pem", "passphrase"))
            opening = partial(self._open, self.query_one(LineInput).value, pem, passphrase)
            self.start(opening, self.dismiss, doing="open a private key", group="import")

    async def _open(self, path: str, pem: Secret, passphrase: Secret) -> ImportedKey:
        try:
            return await in_daemon_thread(partial(open_private_key, path, pem, passphrase), OPEN_WITHIN)
        except TimeoutError:
            raise WizardError(f"It could not be read within {OPEN_WITHIN:.0f} seconds") from None
        finally:
            pem.wipe()
            passphrase.wipe()

    def show_error(self, error: WizardError) -> None:
        """Say why; an encrypted key asks for its passphrase, in an empty field."""
        if error.code == NEEDS_PASSPHRASE:
            self.query_one("#passphrase", SecretField).clear()
            self.query_one("#passphrase", SecretField).focus()
        super().show_error(error)

    @on(SecretField.Noted)
    def show_note(self, message: SecretField.Noted) -> None:
        """Say what a field did not take."""
        self.notice.note(message.note)
