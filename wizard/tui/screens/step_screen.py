"""What all screens of a rotation share: header, rail, a body, a notice, the footer, and the way on and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Footer

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.text import capitalised
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import QUESTIONS
from wizard.rotation.flow import Flow
from wizard.rotation.model import TITLES, Step
from wizard.tui.screens.password import PasswordScreen
from wizard.tui.screens.simulated_page import SimulatedPageScreen
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.rail import Rail
from wizard.tui.widgets.status_header import StatusHeader

if TYPE_CHECKING:
    from wizard.tui.app import WizardApp


NARROW = 72
"""Columns below which the header has no room for the site beside an unusual place of the credentials."""


class Body(VerticalScroll, can_focus=False):
    """Where a step shows its own; scrolls when the terminal is short."""


class StepScreen(Screen[None]):
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

    class Failed(Message):
        """Work in the background ended with an error for the user."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    @property
    def wizard(self) -> WizardApp:
        """The app, by its own type."""
        return cast("WizardApp", self.app)

    @property
    def flow(self) -> Flow:
        """The open flow."""
        return self.wizard.flow

    @property
    def notice(self) -> Notice:
        """The bar that tells what went wrong or was done."""
        return self.query_one(Notice)

    def compose(self) -> ComposeResult:
        """Lay out what all steps share around the step's own body."""
        flow = self.flow
        rotation = flow.context.rotation
        position = f"{flow.steps.index(self.STEP) + 1}/{len(flow.steps)} {TITLES[self.STEP]}"
        yield StatusHeader(self._place(), position, flow.closing)
        with Horizontal(id="middle"):
            left_open = frozenset(filter(flow.is_open, flow.steps))
            yield Rail(flow.steps, self.STEP, rotation.mode, self.wizard.glyphs, left_open)
            with Body(id="body"):
                yield from self.compose_body()
        yield Notice(self.wizard.glyphs)
        yield Footer(show_command_palette=False, compact=True)

    def compose_body(self) -> Iterable[Widget]:
        """Yield the step's own widgets."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show the overlap clock's reading; it moves only while the legacy key is watched."""
        self.refresh_overlap()

    def refresh_overlap(self) -> None:
        """Show for how long two keys have been alive."""
        seconds = self.flow.retire.overlap() if self.wizard.has_flow and self.flow.rotation else 0.0
        self.query_one(StatusHeader).overlap = f"overlap {duration(seconds)}" if seconds else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Hide the simulated page outside of a rehearsal, and the way back where there is none."""
        if action == "simulated_page":
            return self.wizard.environments.simulated_page is not None
        if action == "back":
            return self.can_go_back
        return True

    can_go_back: bool = True
    _remedy: Remedy = Remedy.NONE
    """What a typed password can do about the newest failure."""

    def action_next(self) -> None:
        """Go on to the next step."""
        self.flow.advance(self.STEP)
        self.wizard.show_step()

    def action_back(self) -> None:
        """Go back one step; from the first one, home."""
        if self.flow.back() is self.STEP:
            self.wizard.go_home()
        else:
            self.wizard.show_step()

    def action_scroll_body(self, lines: int) -> None:
        """Scroll what does not fit, while a field keeps the focus."""
        self.query_one("#body", Body).scroll_relative(y=lines * 4, animate=False)

    def action_simulated_page(self) -> None:
        """Open the simulated page."""
        simulated_page = self.wizard.environments.simulated_page
        if simulated_page is not None:
            self.app.push_screen(
                SimulatedPageScreen(simulated_page, self.flow, self.wizard.glyphs), self.simulated_page_closed
            )

    def simulated_page_closed(self, result: object) -> None:
        """Take what the simulated page handed over. Most steps take nothing."""

    def is_at_work(self, group: str) -> bool:
        """Whether background work of this group runs: a keyring write is not to be cut by a second key press."""
        return any(worker.group == group and worker.is_running for worker in self.workers)

    def on_step_screen_failed(self, message: Failed) -> None:
        """Show an error where the user looks, and offer to open a keyring that was locked meanwhile."""
        error, custodian = message.error, self.wizard.environments.custodian
        self._remedy = error.remedy if custodian and isinstance(error, CustodyError) else Remedy.NONE
        self.notice.error(error, f"F12: {QUESTIONS[self._remedy].does}." if self._remedy else "")

    def action_unlock(self) -> None:
        """Ask for the password that opens the place of the credentials; what is typed on this screen stays."""
        custodian = self.wizard.environments.custodian
        if custodian is not None and self._remedy and not self.is_at_work("custody"):
            self.app.push_screen(PasswordScreen(custodian, self._remedy, self.wizard.glyphs), self._unlocked)

    def _unlocked(self, is_open: bool | None) -> None:
        if is_open:
            self._remedy = Remedy.NONE
            self.notice.good(f"{capitalised(self.flow.place)} is open again. Repeat what was not done.")

    def _place(self) -> str:
        environment, storage = self.flow.context.environment, self.flow.storage
        # Where there is no room for all, where the credentials are matters more than the site.
        is_narrow = self.app.size.width < NARROW
        site = "" if storage and is_narrow else environment.site.name
        return " · ".join(part for part in (environment.name, site, storage) if part)
