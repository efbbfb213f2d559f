"""What all screens of a rotation share: header, list of steps, body, notice, footer, and how one goes on and back."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Footer, Static

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.text import capitalised
from wizard.custody.questions import QUESTIONS
from wizard.rotation.model import TITLES, Step
from wizard.steps.simulated_page import SimulatedPagePresenter
from wizard.tui.safe_app import NORMAL_COLUMNS
from wizard.tui.screens.form import UnlockingScreen
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.header import StatusHeader, StepList
from wizard.tui.widgets.notice import Notice


class Body(VerticalScroll, can_focus=False):
    """Where a step shows its own; scrolls when the terminal is short."""


class StepScreen(UnlockingScreen[None]):
    """One step. Subclasses give the body and say what going on means."""

    CSS_PATH: ClassVar[CSSPathType | None] = "step_screen.tcss"
    STEP: ClassVar[Step]
    HELP: ClassVar[str] = ""
    """What the step is for, in a few sentences, for the help screen."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n,f8", "next", "Next", key_display="^N", priority=True, tooltip="Go on to the next step"),
        Binding(
            "f7,alt+left", "back", "Back", key_display="F7", priority=True, tooltip="Go back; nothing stored is lost"
        ),
        Binding("ctrl+down", "scroll_body(1)", "Scroll", show=False),
        Binding("ctrl+up", "scroll_body(-1)", "Scroll", show=False),
        Binding("f12", "unlock", "Unlock", show=False),  # told where it helps: the footer has no room for it
        Binding(
            "f4,ctrl+o",
            "simulated_page",
            "Desk",
            key_display="F4",
            tooltip="Open the exchange's page of this rehearsal",
        ),
    ]

    def compose(self) -> ComposeResult:
        """Lay out what all steps share around the step's own body."""
        flow = self.flow
        rotation = flow.context.rotation
        position = f"{flow.steps.index(self.STEP) + 1}/{len(flow.steps)} {TITLES[self.STEP]}"
        yield StatusHeader(self._place(), position, flow.closing)
        with Horizontal(id="middle"):
            left_open = frozenset(filter(flow.is_open, flow.steps))
            yield StepList(flow.steps, self.STEP, rotation.mode, self.glyphs, left_open)
            with Body(id="body"):
                yield from self.compose_body()
        yield Notice(self.glyphs)
        yield Footer(show_command_palette=False, compact=True)

    def compose_body(self) -> Iterable[Widget]:
        """Yield the step's own widgets."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the overlap clock's reading; it moves only while the legacy key is watched."""
        self.refresh_overlap()

    def refresh_overlap(self) -> None:
        """Show for how long two keys have been alive."""
        seconds = self.flow.retire.overlap() if self.session.opened.flow and self.flow.rotation else 0.0
        self.query_one(StatusHeader).show_overlap(f"overlap {duration(seconds)}" if seconds else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Hide the simulated page outside of a rehearsal, and the way back where there is none."""
        if action == "simulated_page":
            return self.session.environments.simulated_page is not None
        if action == "back":
            return self.can_go_back
        return True

    can_go_back: bool = True

    def action_next(self) -> None:
        """Go on to the next step."""
        self.flow.advance(self.STEP)
        self.session.show_step()

    def action_back(self) -> None:
        """Go back one step; from the first one, home."""
        if self.flow.back() is self.STEP:
            self.session.go_home()
        else:
            self.session.show_step()

    def action_scroll_body(self, lines: int) -> None:
        """Scroll what does not fit, while a field keeps the focus."""
        self.query_one("#body", Body).scroll_relative(y=lines * 4, animate=False)

    def action_simulated_page(self) -> None:
        """Open the simulated page."""
        if page := self.session.environments.simulated_page:
            whitelist = self.flow.context.journal.whitelist_of(self.flow.context.rotation)
            make = partial(SimulatedPagePresenter, self.flow, page=page, whitelist=whitelist)
            self.app.push_screen(ViewScreen(make, is_on_top=True))

    def show_error(self, error: WizardError) -> None:
        """Show an error where the user looks, and offer to open a keyring that was locked meanwhile."""
        self.note_remedy(error)
        self.notice.error(error, f"F12: {QUESTIONS[self.remedy].does}." if self.remedy else "")

    def go_on_unlocked(self) -> None:
        """Say that what failed can be repeated."""
        self.notice.good(f"{capitalised(self.flow.place)} is open again. Repeat what was not done.")

    def copy(self, text: str, said: str) -> None:
        """Ask the terminal to copy; the text is on the screen as well."""
        try:
            self.session.copy_public_text(text)
        except WizardError as error:
            self.notice.error(error)
        else:
            self.notice.good(f"Asked the terminal to copy{said}")

    def say(self, sign: str, text: str) -> None:
        """Say what the step comes to so far."""
        self.query_one("#verdict", Static).update(self.signed(sign, text))

    def _place(self) -> str:
        environment, storage = self.flow.context.environment, self.flow.storage
        # Where there is no room for all, where the credentials are matters more than the site.
        is_narrow = self.app.size.width < NORMAL_COLUMNS
        site = "" if storage and is_narrow else environment.site.name
        return " · ".join(part for part in (environment.name, site, storage) if part)
