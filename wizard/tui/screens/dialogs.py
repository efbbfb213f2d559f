"""Small dialogs: a question before something is destroyed, the question whether to close, a text to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from wizard.core.errors import WizardError
from wizard.steps.view import Action, Consent
from wizard.tui.session import Dialog
from wizard.tui.widgets.basics import LineInput
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.row_list import Section

if TYPE_CHECKING:
    from wizard.steps.session import EnvironmentSession


class ConfirmScreen(Dialog[str]):
    """Asks the user to type a word: nothing is destroyed by one key press. Closes with what was typed, or with nothing.

    Args:
        consent: The question and its word.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Cancel")]

    def __init__(self, consent: Consent) -> None:
        super().__init__()
        self._consent = consent
        self._word = consent.word

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("enter", "Confirm"), ("esc", "Cancel"))
            yield Static(self._consent.title, classes="title", markup=False)
            yield Static(self._consent.text, classes="question", markup=False)
            yield LineInput()
            yield Static(f"Type {self._word} to confirm.", classes="keys", markup=False)

    @on(Input.Submitted)
    def judge(self, event: Input.Submitted) -> None:
        """Close with the very word only."""
        event.stop()
        typed = event.value.strip()
        # A key's last characters are what they are; a word may be typed in any case.
        if typed == self._word or (self._word.islower() and typed.lower() == self._word):
            self.dismiss(typed)
        else:
            self.refuse(f"That is not {self._word}.")

    def refuse(self, why: str) -> None:
        """Say why nothing was taken, and what is."""
        self.query_one(".keys", Static).update(f"{why} Type {self._word} to confirm.")


class AskScreen(Dialog[str]):
    """Asks for a line of text and runs an action with it, until that is done. Closes with what was typed and not taken.

    Args:
        action: What is to be done.
        text: What stands in the field at first.
        run: Does it; raises WizardError where the text is not right.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, action: Action, text: str, run: Callable[[str], Awaitable[object]]) -> None:
        super().__init__()
        self._action = action
        self._text = text
        self._run_action = run

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("enter", self._action.label), ("esc", "Back"))
            yield Static(self._action.label, classes="title", markup=False)
            yield Static(self._action.asks_for, classes="label", markup=False)
            yield LineInput(self._text)
            yield Notice(self.glyphs)

    @on(Input.Submitted)
    def run_action_with(self, event: Input.Submitted) -> None:
        """Do it, and close where it is done."""
        event.stop()
        if not self.is_at_work("ask"):
            run = partial(self._run_action, event.value.strip())
            self.start(run, lambda _: self.dismiss(""), doing=f"run {self._action.word}", group="ask")

    def action_cancel(self) -> None:
        """Close, and keep what was typed."""
        self.dismiss(self.query_one(Input).value)


class LeaveScreen(Dialog[bool]):
    """Asks whether to close: what it means now, and how one comes back.

    Args:
        session: What may be open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss(True)", "Close"),
        Binding("escape", "dismiss(False)", "Stay"),
    ]

    def __init__(self, session: EnvironmentSession) -> None:
        super().__init__()
        try:
            self._lines = session.closing()
        except WizardError as error:
            self._lines = error.sentences()

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("enter", "Quit"), ("esc", "Stay"))
            yield Static("Quit Key Wizard?", classes="title")
            yield Static("\n".join(self._lines), markup=False)


class TextScreen(Dialog[None]):
    """Shows a text. The key that opened it closes it too.

    Args:
        title: What it is about.
        text: One paragraph or several lines.
        keys: Keys, each with what it does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f1,question_mark,d,s", "dismiss", "Close")]

    def __init__(self, title: str, text: str, keys: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay the text out."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("PgUp PgDn", "Scroll"), ("esc", "Close"))
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._text, classes="text", markup=False)
            section = Section(self.glyphs)
            section.show("", (), self._keys)
            yield section


def hints(*keys: tuple[str, str]) -> str:
    """Return keys and what they do for the frame of a dialog: below its lines they would be out of sight at 60x20."""
    return "   ".join(f"[b $text-accent]{key}[/] {does}" for key, does in keys)
