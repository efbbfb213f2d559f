"""Small dialogs: the question whether to close, and a text to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.tui.session import Dialog
from wizard.tui.widgets.row_list import Section

if TYPE_CHECKING:
    from wizard.steps.session import EnvironmentSession


class LeaveScreen(Dialog[bool]):
    """Asks whether to close: what it means now, and how one comes back."""

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
    """Shows a text, and keys with what they do. The key that opened it closes it too."""

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
