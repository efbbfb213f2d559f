"""Questions before something is given up or destroyed. Nothing is destroyed by one key press."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from wizard.tui.widgets.line_input import LineInput


class ConfirmScreen(ModalScreen[str]):
    """Asks the user to type a word. Closes with what was typed, or with nothing.

    Args:
        title: The question.
        text: What will happen, and what will not.
        word: What has to be typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, text: str, word: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._word = word

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="title", markup=False)
            yield Static(self._text, classes="question", markup=False)
            yield LineInput()
            yield Static(f"Type {self._word} and press Enter. Esc cancels.", classes="keys", markup=False)

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
        self.query_one(".keys", Static).update(f"{why} Type {self._word}, or Esc to cancel.")

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss("")
