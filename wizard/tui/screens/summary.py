"""The summary: the report of a finished rotation."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from wizard.rotation.model import FINISHED
from wizard.rotation.report import Report
from wizard.steps.home import headline
from wizard.tui.session import SessionScreen
from wizard.tui.widgets.header import StatusHeader


class SummaryScreen(SessionScreen[None]):
    """What was proven and what was not.

    Args:
        report: The finished rotation.
    """

    CSS_PATH = "summary.tcss"
    HELP = "The certificate is kept in the journal; `key-wizard history` shows it again. It holds no secret."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "home", "Home", key_display="Enter", tooltip="All environments")
    ]

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def compose(self) -> ComposeResult:
        """Lay the report out."""
        yield StatusHeader(f"{self._report.environment} · summary", "", FINISHED)
        with VerticalScroll(id="summary", can_focus=False):
            yield Static(self._headline(), id="headline")
            for label, text in self._report.lines():
                with Horizontal(classes="row"):
                    yield Static(label, classes="label")
                    yield Static(text, classes="value", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def action_home(self) -> None:
        """Go back to the environments."""
        self.session.show_step()

    def _headline(self) -> Content:
        text = headline(self._report)
        return Content.from_markup("[b $text-success]$glyph[/] [b]$text[/]", glyph=self.glyphs.passed, text=text)
