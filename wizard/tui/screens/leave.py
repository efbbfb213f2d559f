"""Closing the wizard: what it means now, and how one comes back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.rotation.flow import Flow
from wizard.rotation.model import safe_to_close


class LeaveScreen(ModalScreen[bool]):
    """Asks whether to close.

    Args:
        flow: What is open, or None.
        command: What brings the user back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "Close"),
        Binding("escape", "stay", "Stay"),
    ]

    def __init__(self, flow: Flow | None, command: str) -> None:
        super().__init__()
        self._return = ""
        try:
            self._meaning = f"It is safe: {flow.closing if flow else safe_to_close(None)}."
            if flow and flow.step and flow.is_durable:
                self._return = f"Come back with: {command}"
        except WizardError as error:
            self._meaning = " ".join(error.sentences())

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static("Close Key Wizard?", classes="title")
            yield Static(self._meaning, markup=False)
            yield Static(self._return, markup=False)
            yield Static("Enter closes, Esc stays.", classes="keys")

    def action_close(self) -> None:
        """Close the wizard."""
        self.dismiss(True)

    def action_stay(self) -> None:
        """Go back to the screen below."""
        self.dismiss(False)
