"""What screens know of the app, and what all of them do alike: they reach the session, work in the background, say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.worker import Worker, get_current_worker

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.environments import Environments
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report
    from wizard.steps.session import EnvironmentSession
    from wizard.steps.view import State

_Result = TypeVar("_Result")


class Session(Protocol):
    """The app as its screens see it: environments, at most one open environment, and the screens to go to."""

    opened: EnvironmentSession
    environments: Environments
    glyphs: Glyphs
    carried: tuple[str, State] | None
    """What one page noted, for the page that follows."""

    @property
    def flow(self) -> Flow:
        """The flow of the environment that is open."""

    @property
    def place(self) -> str:
        """The place of the credentials as a phrase within a sentence."""

    def wipe_entered(self) -> None:
        """Overwrite everything secret that was typed, pasted, read or made on the simulated page and is not stored."""

    def copy_public_text(self, text: str) -> None:
        """Ask the terminal to put `text`, which is no secret, on the user's clipboard.

        Raises:
            wizard.core.errors.WizardError: it is too long.
        """

    def go_home(self) -> None:
        """Show the environments; an open rotation stays open."""

    def show_step(self) -> None:
        """Show the screen of the step where the rotation stands."""

    def show_summary(self, report: Report) -> None:
        """Show what the finished rotation proved."""


class SessionScreen(Screen[ScreenResultType]):
    """A screen over a session, with one notice.

    Work in the background never touches widgets: what it has to show waits its turn among the screen's messages.
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._workers_by_group: dict[str, Worker[None]] = {}

    @property
    def session(self) -> Session:
        """The app."""
        return cast("Session", self.app)

    @property
    def flow(self) -> Flow:
        """The open flow."""
        return self.session.flow

    @property
    def glyphs(self) -> Glyphs:
        """The signs beside the words."""
        return self.session.glyphs

    @property
    def notice(self) -> Notice:
        """The bar that tells what went wrong or was done."""
        return self.query_one(Notice)

    def start(
        self,
        work: Callable[[], Awaitable[_Result]],
        show: Callable[[_Result], object],
        *,
        doing: str,
        group: str = "custody",
        failed: Callable[[WizardError], object] | None = None,
    ) -> None:
        """Begin work in the place of what runs in its group.

        Args:
            work: What is done.
            show: Called with its result.
            doing: A description without any secret.
            group: Of what is done one at a time.
            failed: Called where it raises WizardError; else `show_error` is.
        """
        run = partial(self._do_work, work, show, failed or self.show_error)
        self._workers_by_group[group] = self.run_worker(run, group=group, description=doing, exclusive=True)

    def stop(self, group: str) -> None:
        """End the work of a group; what it has not shown yet is left out."""
        self._workers_by_group.pop(group, None)
        self.workers.cancel_group(self, group)

    def is_at_work(self, group: str = "custody") -> bool:
        """Whether work of a group runs here: a write to the keyring is not to be cut by a second key press."""
        return any(worker.node is self and worker.group == group and not worker.is_finished for worker in self.workers)

    def show_later(self, show: Callable[..., object], *args: Any) -> None:
        """From work in the background: call `show` in its turn, unless newer work has begun by then."""
        self.call_later(self._show_in_turn, get_current_worker(), partial(show, *args))

    def show_error(self, error: WizardError) -> None:
        """Say why work in the background failed."""
        self.notice.error(error)

    async def _do_work(
        self,
        work: Callable[[], Awaitable[_Result]],
        show: Callable[[_Result], object],
        failed: Callable[[WizardError], object],
    ) -> None:
        try:
            result = await work()
        except WizardError as error:
            self.show_later(failed, error)
        else:
            self.show_later(show, result)

    def _show_in_turn(self, worker: Worker[None], show: Callable[[], object]) -> None:
        if self._workers_by_group.get(worker.group) is worker:
            show()


class Dialog(ModalScreen[ScreenResultType], SessionScreen[ScreenResultType]):
    """A screen on top of another one. It hides the app's own bindings, so that it has its own for help and the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "app.leave", show=False),
    ]

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._covered: list[tuple[Worker[None], Callable[[], object]]] = []
        """What is to be shown once nothing lies on top of this dialog."""

    def on_screen_resume(self) -> None:
        """Show what came while help, or the question whether to close, lay on top."""
        covered, self._covered = self._covered, []
        for worker, show in covered:
            self._show_in_turn(worker, show)

    def _show_in_turn(self, worker: Worker[None], show: Callable[[], object]) -> None:
        # It may close the dialog, and Textual closes whatever screen is on top.
        if self.app.screen is self:
            super()._show_in_turn(worker, show)
        else:
            self._covered.append((worker, show))
