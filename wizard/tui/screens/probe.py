"""The Probe step: each check with its evidence, and one sentence on top."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from wizard.errors import WizardError
from wizard.rotation.model import Finding, Outcome, Step
from wizard.rotation.steps.probe import ProbeReport
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.finding_list import FindingList


class ProbeScreen(StepScreen):
    """Do the new credentials work from here?"""

    STEP = Step.PROBE
    HELP = (
        "The new key signs several read-only calls from this host, and the current key signs the same as a control."
        " Arrow keys show the evidence of each check: what was observed, when, from which address, and what it does"
        " not prove. When everything that counts has passed, Enter makes the new key the current one; the old one"
        " becomes the legacy key and stays in the keyring."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: the list of findings has the focus and would take Enter for itself.
        Binding(
            "enter", "next", "Promote", key_display="Enter", priority=True, tooltip="Make the new key the current one"
        ),
        Binding("ctrl+n,f8", "next", show=False),
        Binding("r", "again", "Probe again", tooltip="Run all checks once more"),
        Binding("s", "swap", "Swap", tooltip="Exchange API key and secret, store again, probe again"),
    ]

    class Found(Message):
        """One check ended."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    class Ended(Message):
        """All checks ended."""

        def __init__(self, report: ProbeReport) -> None:
            super().__init__()
            self.report = report

    class Swapped(Message):
        """The credentials were stored the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self._report: ProbeReport | None = None

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the sentence and the checks."""
        yield Static("", id="verdict", classes="verdict")
        yield FindingList(self.wizard.glyphs)

    def on_mount(self) -> None:
        """Probe at once: the calls only read."""
        super().on_mount()
        if finding := self.wizard.announced():
            self.notice.good(finding.observed)
        self.action_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the swap only where it helps."""
        if action == "swap":
            return self._report is not None and self._report.looks_swapped
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        """Run all checks."""
        if not self.is_at_work("custody"):
            self.begin()

    def begin(self) -> None:
        """Forget the last report and ask anew."""
        self._report = None
        self.query_one(FindingList).clear()
        self._say(self.wizard.glyphs.working, "$text-primary", "Asking the exchange…")
        self.refresh_bindings()
        self._probe()

    def action_swap(self) -> None:
        """Store API key and secret the other way round, and probe again."""
        if not self.is_at_work("custody"):
            self.notice.clear()
            self._swap()

    def action_next(self) -> None:
        """Promote the proven key."""
        if self._report is None:
            self.notice.note("The exchange is still being asked.")
            return
        try:
            certificate = self.flow.complete(self._report)
        except WizardError as error:
            self.notice.error(error)
            return
        if certificate is None:
            self.wizard.show_step()
        else:
            self.wizard.show_summary(certificate)

    @work(exclusive=True, group="probe", description="probe the new key")
    async def _probe(self) -> None:
        try:
            report = await self.flow.probe.run(lambda finding: self.post_message(self.Found(finding)))
            self.post_message(self.Ended(report))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, group="custody", description="swap API key and secret")
    async def _swap(self) -> None:
        try:
            await self.flow.credentials.swap()
            self.post_message(self.Swapped())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Found)
    def show_finding(self, message: Found) -> None:
        """Add a line."""
        self.query_one(FindingList).add(message.finding)

    @on(Swapped)
    def probe_swapped(self) -> None:
        """Probe what was swapped."""
        self.notice.good("API key and secret were exchanged and stored again.")
        self.begin()

    @on(Ended)
    def show_report(self, message: Ended) -> None:
        """Say what it comes to."""
        self._report = report = message.report
        glyphs = self.wizard.glyphs
        if report.is_proven:
            self._say(
                glyphs.passed,
                "$text-success",
                f"The new key works from here. Enter promotes it.{self._look()}",
            )
        elif report.looks_swapped:
            self._say(glyphs.failed, "$text-error", "API key and secret are in each other's place. S swaps them.")
        else:
            self._say(
                glyphs.failed, "$text-error", "The new key is not proven. Mend what is marked, then R probes again."
            )
        self.query_one("OptionList").focus()
        self.refresh_bindings()

    def _look(self) -> str:
        warnings = [f for f in self._report.findings if f.outcome is Outcome.WARNING] if self._report else []
        return f" {len(warnings)} to look at first." if warnings else ""

    def _say(self, glyph: str, colour: str, text: str) -> None:
        content = Content.from_markup(f"[{colour}]$glyph[/] $text\n", glyph=glyph, text=text)
        self.query_one("#verdict", Static).update(content)
