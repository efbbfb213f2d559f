"""Every question of a detection in full, and hints at whose the address is."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from wizard.egress.details import tell_details
from wizard.egress.detect import EgressReport
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.rotation.steps.egress import EgressStep
from wizard.text import printable


class EgressDetailsScreen(ModalScreen[None]):
    """Who was asked, where, and what came of it. Reverse DNS is asked at once, IPinfo only by O.

    Args:
        step: It asks for hints.
        report: What is told.
        glyphs: The signs beside the words.
    """

    CSS_PATH = "egress_details.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,enter", "dismiss", "Close", key_display="Esc", tooltip="Go back to the Egress step"),
        Binding("o", "organisation", "Organisation", tooltip="Ask IPinfo whose network the address belongs to"),
        # A dialog does not inherit the app's keys.
        Binding("f1", "app.help", show=False),
    ]
    HELP = (
        "Each question with its service, operator and URL, and what was answered or why it was refused. Reverse DNS"
        " gives a name, and IPinfo, asked only by O, the organisation that its network belongs to: hints, which count"
        " for nothing and prove nothing."
    )

    class Told(Message):
        """A hint is there, or why it is not."""

        def __init__(self, selector: str, text: str) -> None:
            super().__init__()
            self.selector = selector
            self.text = text

    def __init__(self, step: EgressStep, report: EgressReport, glyphs: Glyphs) -> None:
        super().__init__()
        self._step = step
        self._report = report
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay the lines out; the hints come first, so that they are seen to arrive."""
        with VerticalScroll(classes="dialog") as dialog:
            # In the frame: below the lines it would be out of sight at 60x20.
            dialog.border_subtitle = "Arrows scroll, Esc closes this."
            yield Static("Who said what of this host", classes="title")
            yield Static(f"{self._glyphs.working} Asking for names, at most 3 s.", id="names", markup=False)
            yield Static("O asks IPinfo whose network it is.", id="organisation", markup=False)
            yield Static(self._lines(), classes="lines")

    def on_mount(self) -> None:
        """Ask for names; nobody waits for them."""
        self._ask_names()

    def action_organisation(self) -> None:
        """Ask IPinfo, over the route of the detection."""
        self.query_one("#organisation", Static).update(f"{self._glyphs.working} Asking IPinfo, at most 5 s.")
        self._ask_organisation()

    @work(exclusive=True, group="names", description="ask reverse DNS")
    async def _ask_names(self) -> None:
        told = await self._step.names(self._report)
        self.post_message(self.Told("#names", "\n".join(told) or "There is no address to ask a name for."))

    @work(exclusive=True, group="organisation", description="ask for the organisation")
    async def _ask_organisation(self) -> None:
        try:
            text = (await self._step.organisation(self._report)).sentence()
        except WizardError as error:
            text = " ".join(error.sentences())
        self.post_message(self.Told("#organisation", text))

    @on(Told)
    def show_hint(self, message: Told) -> None:
        """Put the hint in its place."""
        lines = (printable(line, 400) for line in message.text.splitlines())
        self.query_one(message.selector, Static).update("\n".join(lines))

    def _lines(self) -> Content:
        return Content("\n".join(printable(line, 600) for line in tell_details(self._report)))
