"""A cover over a screen with a secret on which nobody has pressed a key for a while.

It wipes nothing by itself: what was pasted may be the only copy of a secret that the exchange showed once.
It is no lock either, and says so.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.clock import duration

COVER_AFTER = 300.0
"""Seconds without a key."""


class IdleScreen(ModalScreen[bool]):
    """Hides what is below; closes with whether the fields are to be wiped."""

    HELP = (
        "Fields of the screen below hold a secret, and no key was pressed for five minutes. The key that uncovers it"
        " does nothing else."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape", "uncover", "Go on"),
        Binding("w", "wipe", "Wipe"),
        Binding("f1", "app.help", show=False),  # a dialog hides the app's own bindings
    ]

    def compose(self) -> ComposeResult:
        """Say why, and what can be done."""
        with Vertical(classes="dialog"):
            yield Static(f"Covered after {duration(COVER_AFTER)} without a key", classes="title")
            yield Static(
                "The screen below holds a secret that was entered. It is kept: Enter goes on where you were."
                " W wipes the fields. This is a cover, not a lock: lock your session before you leave it.",
            )
            yield Static("Enter uncovers. W wipes what was entered. ^Q closes the wizard.", classes="keys")

    def action_uncover(self) -> None:
        """Show the screen below as it was."""
        self.dismiss(False)

    def action_wipe(self) -> None:
        """Ask for the fields to be wiped."""
        self.dismiss(True)
