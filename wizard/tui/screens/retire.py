"""The Retire step: the legacy key is watched until it is proven dead; then its secret is purged."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from wizard.core.clock import utc
from wizard.core.errors import WizardError
from wizard.intake.copies import Copies
from wizard.rotation.model import Grade, Step
from wizard.rotation.retirement import Death, Poll
from wizard.steps import retire
from wizard.steps.consents import REVERT, purging
from wizard.steps.guide import STEPS
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.evidence_table import EvidenceTable

ROWS = 5
"""Polls shown; the journal keeps all."""


class RetireScreen(StepScreen):
    """Is the legacy key dead?"""

    STEP = Step.RETIRE
    HELP = STEPS[STEP].about
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,ctrl+n,f8",
            "next",
            "Purge",
            key_display="Enter",
            priority=True,
            tooltip="Delete the dead key's secret",
        ),
        Binding("r", "again", "Poll now", tooltip="Ask with both keys at once"),
        Binding("b", "revert", "Go back to the legacy key", tooltip="Make the legacy key the current one again"),
    ]
    can_go_back = False
    _grade: Grade | None = None
    """What the last poll came to."""

    def compose_body(self) -> Iterable[Widget]:
        """Lay out what to do, the sentence and the polls."""
        yield Static(self._to_do(), id="to-do")
        yield Static("", id="verdict", classes="verdict")
        yield EvidenceTable("Time (UTC)", "Legacy key", "Current key", id="polls")
        yield Static("", id="gap", classes="hint", markup=False)
        yield Static("", id="places", markup=False)

    def on_mount(self) -> None:
        """Begin to watch."""
        super().on_mount()
        self.set_interval(1.0, self.refresh_overlap)
        self.show_death(self.flow.retire.death())
        self.action_again()

    def action_again(self) -> None:
        """Poll now, and go on polling until the matter is settled."""
        if not self.is_at_work("custody"):
            self.notice.clear()
            watch = partial(retire.watch, self.flow, partial(self.show_later, self.polled))
            self.start(watch, lambda _: None, doing="watch the legacy key", group="retire")
            self.start(self.flow.still_held, self.show_places, doing="look for copies of the legacy key", group="look")

    def action_next(self) -> None:
        """Purge, after the user has typed what is to go."""
        if consent := purging(self.flow):
            self.confirm(consent, self._purge)
        else:
            self.notice.note(f"Not yet. {self.flow.retire.death().sentence}")

    def _purge(self, typed: str) -> None:
        self.stop("retire")
        self.start(partial(retire.purge, self.flow, typed), self.session.show_summary, doing="purge the legacy secret")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back to the legacy key where the current one does not work."""
        if action == "revert":
            return self.session.has_flow and self.flow.can_be_reverted
        return super().check_action(action, parameters)

    def action_revert(self) -> None:
        """Ask before the promotion is undone."""
        self.confirm(REVERT, self._revert)

    def _revert(self, _typed: str) -> None:
        self.stop("retire")
        try:
            self.flow.revert()
        except WizardError as error:
            self.notice.error(error)
            return
        self.session.show_step()

    def polled(self, death: Death) -> None:
        """Show what the polls so far come to. What was answered to a key stays until that is no longer so."""
        if death.grade is not self._grade:
            self.notice.clear()
        self._grade = death.grade
        self.refresh_bindings()
        self.show_death(death)

    def show_places(self, copies: Copies) -> None:
        """Show where the legacy key still stands in plain text."""
        lines = [f"{self.glyphs.caution} {sentence}" for sentence in copies.sentences()]
        self.query_one("#places", Static).update("\n".join(lines))

    def show_death(self, death: Death) -> None:
        """Show the newest polls and the sentence."""
        sign, end = {
            Grade.PROVEN: ("passed", " Enter purges its secret."),
            Grade.STRONG: ("caution", " Enter purges its secret."),
            Grade.WEAK: ("caution", " Enter gives it up on your word."),
            Grade.ALIVE: ("caution", ""),
        }.get(death.grade, ("working", ""))
        self.say(sign, death.sentence + end)
        table = self.query_one(EvidenceTable)
        table.clear()
        for poll in self.flow.retire.polls()[-ROWS:]:
            table.add(*self._row(poll))
        self.query_one("#gap", Static).update(retire.gap(death))

    def _row(self, poll: Poll) -> tuple[str, str, str]:
        glyphs = self.glyphs
        sign = glyphs.passed if poll.shows_death else glyphs.caution
        refused = f"{sign} refused {poll.legacy_code}" if poll.legacy_code else "? no answer"
        legacy = f"{glyphs.caution} accepted" if poll.legacy_accepted else refused
        control = f"{glyphs.passed} accepted" if poll.control_accepted else f"{glyphs.failed} not accepted"
        return utc(poll.at)[11:19], legacy, control

    def _to_do(self) -> Content:
        restart, delete = retire.to_do(self.flow, "F4" if self.session.environments.simulated_page else "")
        return Content.from_markup("[b]1[/] $restart\n[b]2[/] $delete\n", restart=restart, delete=delete)
