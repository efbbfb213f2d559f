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
from wizard.rotation.retirement import POLLS_IN_A_ROW, Death, Poll
from wizard.tui.screens.dialogs import ConfirmScreen
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.basics import EvidenceTable

ROWS = 5
"""Polls shown; the journal keeps all."""


class RetireScreen(StepScreen):
    """Is the legacy key dead?"""

    STEP = Step.RETIRE
    HELP = (
        "Restart what uses the key so that it takes the new one, then delete the legacy key on the exchange's page at"
        " once: while both are alive the overlap clock runs. The wizard asks with both keys in each poll. Only when the"
        " legacy key is refused and the current key is accepted, three polls in a row, is its death proven. Then Enter"
        " deletes its secret from {place} and reads back that it is gone; the certificate names the files and"
        " variables of this host in which the key still stands in plain text, as far as they were looked at."
    )
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
            self.start(self._watch, lambda _: None, doing="watch the legacy key", group="retire")
            self.start(self.flow.still_held, self.show_places, doing="look for copies of the legacy key", group="look")

    def action_next(self) -> None:
        """Purge, after the user has typed what is to go."""
        legacy, death = self.flow.retire.legacy, self.flow.retire.death()
        if legacy is None or not (death.allows_purge or death.grade is Grade.WEAK):
            self.notice.note(f"Not yet. {death.sentence}")
            return
        is_open = death.grade is not Grade.PROVEN
        word = legacy.name.last_four if is_open or self.flow.context.environment.is_production else "purge"
        question = f"The secret of {legacy.name} is deleted from {legacy.store}. This cannot be undone." + (
            f" Its death is not proven: {death.does_not_prove}." if is_open else ""
        )
        self.app.push_screen(ConfirmScreen("Purge the legacy secret?", question, word), self._confirmed)

    def _confirmed(self, typed: str | None) -> None:
        if typed and not self.is_at_work("custody"):
            self.stop("retire")
            death, legacy = self.flow.retire.death(), self.flow.retire.legacy
            word = None if death.allows_purge or legacy is None else legacy.name.last_four
            self.start(partial(self.flow.purge, word), self.session.show_summary, doing="purge the legacy secret")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the way back to the legacy key where the current one does not work."""
        if action == "revert":
            return self.session.has_flow and self.flow.can_be_reverted
        return super().check_action(action, parameters)

    def action_revert(self) -> None:
        """Ask before the promotion is undone."""
        question = (
            "The legacy key becomes the current one again. The new key stays stored and is pending:"
            " mend it on the exchange's page and probe it again, or enter another one."
        )
        self.app.push_screen(ConfirmScreen("Go back to the legacy key?", question, "revert"), self._revert)

    def _revert(self, typed: str | None) -> None:
        if not typed:
            return
        self.stop("retire")
        try:
            self.flow.revert()
        except WizardError as error:
            self.notice.error(error)
            return
        self.session.show_step()

    async def _watch(self) -> None:
        while True:
            death = await self.flow.retire.poll()
            self.show_later(self.polled, death)
            if death.in_a_row >= POLLS_IN_A_ROW:
                return
            await self.flow.retire.wait()

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
        gap = f"Not proven: {death.does_not_prove}." if death.does_not_prove else ""
        self.query_one("#gap", Static).update(gap)

    def _row(self, poll: Poll) -> tuple[str, str, str]:
        glyphs = self.glyphs
        sign = glyphs.passed if poll.shows_death else glyphs.caution
        refused = f"{sign} refused {poll.legacy_code}" if poll.legacy_code else "? no answer"
        legacy = f"{glyphs.caution} accepted" if poll.legacy_accepted else refused
        control = f"{glyphs.passed} accepted" if poll.control_accepted else f"{glyphs.failed} not accepted"
        return utc(poll.at)[11:19], legacy, control

    def _to_do(self) -> Content:
        legacy, page = self.flow.retire.legacy, self.flow.context.environment.site.key_page
        where = (
            "at the desk (F4)"
            if self.session.environments.simulated_page is not None
            else f"on the exchange's page: {page}"
        )
        return Content.from_markup(
            "[b]1[/] Restart what uses the key: it has to take the new one.\n[b]2[/] Delete $key $where\n",
            key=str(legacy.name) if legacy else "the legacy key",
            where=where,
        )
