"""How a program that runs as a service gets at the credentials: the commands to run, nothing that is done here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.custody.services import explanation


class ServiceScreen(ModalScreen[None]):
    """Shows the commands for one environment.

    Args:
        environment: Whose credentials the service uses.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,s,enter", "dismiss", "Close")]

    def __init__(self, environment: str) -> None:
        super().__init__()
        self._environment = environment

    def compose(self) -> ComposeResult:
        """Lay the lines out."""
        with VerticalScroll(classes="dialog") as dialog:
            # In the frame: below the lines it would be out of sight.
            dialog.border_subtitle = "Arrows scroll, Esc closes this."
            yield Static("Credentials for a service", classes="title")
            yield Static("\n".join(explanation(self._environment)), markup=False)
