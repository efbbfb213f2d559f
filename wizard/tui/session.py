"""What screens know of the app, and what all of them do: they reach the session, and say what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen, ScreenResultType

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.rotation.report import Report
    from wizard.steps.session import EnvironmentSession
    from wizard.steps.view import State


class Session(Protocol):
    """The app as its screens see it: environments, at most one open environment, and the screens to go to."""

    opened: EnvironmentSession
    glyphs: Glyphs
    carried: tuple[str, State] | None
    """What one page noted, for the page that follows."""

    def copy_public_text(self, text: str) -> None:
        """Ask the terminal to put `text`, which is no secret, on the user's clipboard."""

    def go_home(self) -> None:
        """Show the environments; an open rotation stays open."""

    def show_step(self) -> None:
        """Show the screen of the step where the rotation stands."""

    def show_summary(self, report: Report) -> None:
        """Show what the finished rotation proved."""


class SessionScreen(Screen[ScreenResultType]):
    """A screen over a session, with one notice."""

    @property
    def session(self) -> Session:
        """The app."""
        return cast("Session", self.app)

    @property
    def glyphs(self) -> Glyphs:
        """The signs beside the words."""
        return self.session.glyphs

    @property
    def notice(self) -> Notice:
        """The bar that tells what went wrong or was done."""
        return self.query_one(Notice)

    def is_at_work(self, group: str) -> bool:
        """Whether work of a group runs here: a write to the keyring is not to be cut by a second key press."""
        return any(worker.node is self and worker.group == group and not worker.is_finished for worker in self.workers)

    def show_error(self, error: WizardError) -> None:
        """Say why work in the background failed."""
        self.notice.error(error)


class Dialog(ModalScreen[ScreenResultType], SessionScreen[ScreenResultType]):
    """A screen on top of another one. It hides the app's own bindings, so that it has its own for the end."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q,ctrl+c", "app.leave", show=False)]
