"""The app: it holds the open flow and shows the screen of its step. It alone knows all screens."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.types import CSSPathType

from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.shutdown import Shutdown
from wizard.core.terminal import inspect_terminal
from wizard.core.text import Glyphs, glyphs_for, harmless
from wizard.core.threads import in_daemon_thread, use_daemon_threads
from wizard.environments import Environments
from wizard.rotation.model import Mode, Step
from wizard.steps.home import HomePresenter
from wizard.steps.session import EnvironmentSession
from wizard.tui.safe_app import SafeApp
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report
    from wizard.steps.view import State

HEAD_START = 0.1
"""Seconds that the first paint has for itself."""
KEY_IN_SIGHT = (
    "This looks like a key, and this place shows what you paste. Nothing was taken."
    " Paste keys only into the hidden fields of the Credentials step."
)


class WizardApp(SafeApp):
    """The wizard's screens over a set of environments."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["app.tcss", "screens/view_screen.tcss"]
    """The first screen's own is read at once with it: each screen that brings one has all of it read anew."""
    TITLE = "Key Wizard"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False),
        Binding("ctrl+c", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        environments: Environments,
        glyphs: Glyphs,
        *,
        environment: str | None = None,
        job: Mode | None = None,
        command: str,
    ) -> None:
        super().__init__()
        self.opened = EnvironmentSession(environments, command, environment, job)
        self.glyphs = glyphs
        self.farewell: tuple[str, ...] = ()
        """What a finished job proved, to be printed when the screens have gone."""
        self.carried: tuple[str, State] | None = None
        """What one page noted, for the page that follows."""

    @property
    def flow(self) -> Flow:
        """The flow of the environment that is open."""
        assert self.opened.flow is not None  # noqa: S101 - steps are shown after an environment was opened
        return self.opened.flow

    def get_default_screen(self) -> ViewScreen:
        """Begin at home: an empty screen below it would be laid out and drawn first."""
        home = self._home(self.classes_for_size())
        # As `push_screen` does for all others: `switch_screen` takes a call-back off without asking (Textual 8.2).
        home._push_result_callback(home, None)
        return home

    def on_mount(self) -> None:
        """Work in threads that do not hold the end up."""
        use_daemon_threads()
        self.set_timer(HEAD_START, self._painted)

    def _painted(self) -> None:
        """Load the steps once the home screen is there."""
        gc.enable()  # the command line has switched it off
        self.run_worker(in_daemon_thread(_load_step_screens), description="load the steps")

    async def _deliver(self, event: events.Event) -> None:
        if not (isinstance(event, events.Paste) and self._is_in_sight() and holds_key(event.text)):
            await super()._deliver(event)
            return
        self.bell()
        for notice in self.screen.query(Notice):
            notice.note(KEY_IN_SIGHT)

    def _is_in_sight(self) -> bool:
        from wizard.tui.widgets.secret_field import SecretField  # noqa: PLC0415 - loaded when it is needed

        return not isinstance(self.focused, SecretField)

    def _home(self, classes: str | None = None) -> ViewScreen:
        return ViewScreen(partial(HomePresenter, self.opened), classes=classes)

    def go_home(self) -> None:
        """Show the environments; an open rotation stays open."""
        self._show(self._home())

    def show_step(self) -> None:
        """Show the screen of the step where the rotation stands."""
        self._show(_screen_of(self.flow) or self._home())

    def show_summary(self, report: Report) -> None:
        """Show what the finished rotation proved."""
        from wizard.steps.summary import SummaryPresenter  # noqa: PLC0415 - loaded when it is needed

        self.farewell = tuple(f"{label:<12} {text}" for label, text in report.lines())
        self._show(ViewScreen(partial(SummaryPresenter, report, begin=self.flow.begin)))

    def _show(self, screen: Screen[Any]) -> None:
        """Put a screen in the place of the step's, also where a dialog lies on top of that one."""
        while self.screen.is_modal:
            self.pop_screen()
        self.switch_screen(screen)

    def action_leave(self) -> None:
        """Say what closing now means, and close when that is wanted."""
        from wizard.tui.screens.dialogs import LeaveScreen  # noqa: PLC0415 - loaded when it is needed

        if isinstance(self.screen, LeaveScreen):
            self.screen.dismiss(False)
        else:
            self.push_screen(LeaveScreen(self.opened), self._leave)

    def _leave(self, is_wanted: bool | None) -> None:
        if is_wanted:
            self.exit(0)

    async def on_unmount(self) -> None:
        """Let go of everything: nothing here needs the terminal any more."""
        try:
            await self.opened.close()
        except WizardError as error:
            self.problem = self.problem or error


def _load_step_screens() -> None:
    """Load the steps while an environment is opened: the home screen is there before them."""
    from wizard.steps import pages  # noqa: F401, PLC0415
    from wizard.tui.screens import credentials, whitelist  # noqa: F401, PLC0415


def _screen_of(flow: Flow) -> ViewScreen | None:
    from wizard.steps.pages import PAGES  # noqa: PLC0415
    from wizard.tui.screens.credentials import CredentialsScreen  # noqa: PLC0415
    from wizard.tui.screens.whitelist import WhitelistScreen  # noqa: PLC0415

    own: dict[Step | None, type[ViewScreen]] = {Step.WHITELIST: WhitelistScreen, Step.CREDENTIALS: CredentialsScreen}
    page = PAGES.get(flow.step)
    return own.get(flow.step, ViewScreen)(partial(page, flow)) if page else None


def open_wizard(
    environments: Environments, environment: str | None, command: str, shutdown: Shutdown, job: Mode | None = None
) -> int:
    """Open the wizard on these environments and return its exit code. Raises WizardError where it cannot be opened."""
    problem = inspect_terminal(os.environ, sys.__stdin__, sys.__stderr__).problem()
    if problem is not None:
        raise problem
    app = WizardApp(environments, glyphs_for(os.environ), environment=environment, job=job, command=command)
    code = app.run_safely(shutdown)
    if app.problem is not None and not code:
        raise app.problem
    with suppress(OSError):  # the terminal is gone
        for line in (*app.farewell, *app.opened.farewell):
            print(harmless(line))
    return code or app.opened.exit_code
