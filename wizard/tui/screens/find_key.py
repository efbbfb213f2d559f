"""A key in use, read from where it is now: the environment, a `.env`, a bot's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs
from wizard.core.threads import in_daemon_thread
from wizard.intake.paste import IntakeError
from wizard.intake.sources import ENVIRONMENT, Found, candidates, read_source
from wizard.tui.widgets.line_input import LineInput
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.option_rows import OptionRows

DEADLINE = 10.0
"""Seconds: a file on a network disk must not hang the screen."""


class FindKeyScreen(ModalScreen[Found | None]):
    """Asks where the key is; closes with what was found there, or with nothing.

    Args:
        glyphs: The signs beside the words.
        environ: The variables of this process.
        on_encrypted: Takes the path of a file whose key only the bot's password opens.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    class Listed(Message):
        """The usual places were looked at."""

        def __init__(self, places: tuple[str, ...]) -> None:
            super().__init__()
            self.places = places

    class Read(Message):
        """A key was found."""

        def __init__(self, found: Found) -> None:
            super().__init__()
            self.found = found

    class Failed(Message):
        """None was."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, glyphs: Glyphs, environ: Mapping[str, str], on_encrypted: Callable[[str], None]) -> None:
        super().__init__()
        self._on_encrypted = on_encrypted
        self._glyphs = glyphs
        self._environ = environ

    def compose(self) -> ComposeResult:
        """Lay the list and the path out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Read the key from where it is now", classes="title")
            yield OptionRows(id="places")
            yield Static("Or a file: .env, freqtrade's or Hummingbot's", classes="label")
            yield LineInput(placeholder="a path, such as ~/bot/.env", id="path")
            yield Notice(self._glyphs)
            yield Static("Enter reads; nothing is changed there. Esc cancels.", classes="keys")

    def on_mount(self) -> None:
        """Look at the usual places."""
        self.query_one("#places", OptionList).display = False
        self.query_one(LineInput).focus()
        self._look()

    @work(exclusive=True, group="look", description="look at the usual places")
    async def _look(self) -> None:
        try:
            self.post_message(self.Listed(await in_daemon_thread(partial(candidates, self._environ), DEADLINE)))
        except TimeoutError:
            self.post_message(self.Listed(()))

    @on(Listed)
    def show_places(self, message: Listed) -> None:
        """Offer those that hold a key."""
        options = self.query_one("#places", OptionList)
        options.display = bool(message.places)
        options.add_options(Option(Content(_in_words(place)), id=place) for place in message.places)
        if message.places and not self.query_one(LineInput).value:
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
            self.query_one(Notice).note("Give the path of a file.")

    @work(exclusive=True, group="read", description="read a key from a file or the environment")
    async def _read(self, place: str) -> None:
        try:
            self.post_message(self.Read(await in_daemon_thread(partial(read_source, place, self._environ), DEADLINE)))
        except WizardError as error:
            self.post_message(self.Failed(error))
        except TimeoutError:
            self.post_message(self.Failed(IntakeError(f"It could not be read within {DEADLINE:.0f} seconds")))

    @on(Read)
    def finish(self, message: Read) -> None:
        """Hand the key over."""
        self.dismiss(message.found)

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Say why; the path stays."""
        if isinstance(message.error, IntakeError) and message.error.path:
            self._on_encrypted(message.error.path)
        self.query_one(Notice).error(message.error)

    def action_cancel(self) -> None:
        """Close without a key."""
        self.dismiss(None)


def _in_words(place: str) -> str:
    return "Environment variables" if place == ENVIRONMENT else place
