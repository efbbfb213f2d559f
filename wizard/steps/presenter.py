"""A page that lives: it has a view, and changes it when one of its actions runs. No user interface in here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from wizard.rotation.model import Mode, Step
from wizard.steps.view import BACK, Action, Consent, Progress, State, View

if TYPE_CHECKING:
    from wizard.custody.records import KeyRecord
    from wizard.rehearsal.simulated_page import SimulatedPage
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report
    from wizard.steps.form import Form
    from wizard.steps.simulated_page import Order

Result = TypeVar("Result")


class Face(Protocol):
    """What a page asks of the screen that draws it, or of the lines that speak it."""

    is_live: bool
    """Whether what `watch` sees is shown at once, as on a screen."""

    @property
    def page(self) -> SimulatedPage | None:
        """The simulated Binance page of a rehearsal; None where the page is Binance's own."""

    def show(self) -> None:
        """Show the view, which is another one now."""

    def say(self, *sentences: str) -> None:
        """Report progress: lines repeat it, a screen has it in its view."""

    def doing(self, text: str) -> None:
        """Say what is being waited for now, in place of what `attempt` said."""

    def note(self, text: str, state: State = State.GOOD) -> None:
        """Say what was done just now, or why it was not."""

    async def attempt(self, work: Callable[[], Awaitable[Result]], doing: str, at_most: float) -> Result | None:
        """Say what is waited for, a phrase as `Asking Binance`, and wait for `at_most` seconds. The user can stop it.

        Return None where it failed or was stopped; the user knows it then.
        """

    async def confirm(self, consent: Consent) -> str:
        """Ask for the word of a consent; return what was typed, or nothing where the user does not want it."""

    async def fill(self, form: Form) -> bool:
        """Ask what a form asks until its act succeeds; return False where the user goes back."""

    async def read(self, title: str, *paragraphs: str) -> None:
        """Show a text until the user has read it."""

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        """Show another page on top of this one until the user leaves it."""

    async def copy(self, text: str, what: str) -> None:
        """Copy a text that is no secret; `what` names it: `the whitelist`."""

    def leave(self) -> None:
        """Go to where the rotation stands now; from a page on top, back to the one below."""

    async def go_home(self) -> None:
        """Go to the environments."""

    def finish(self, report: Report) -> None:
        """Show what a finished rotation proved."""


class Presenter:
    """One page, which a face shows."""

    TITLE: ClassVar[str]
    """The question that the page answers."""
    ABOUT: ClassVar[str]
    """What the page is for, as its help. `{place}` stands for where credentials are kept."""
    IS_TICKING: ClassVar[bool] = False
    """Whether a screen draws the view each second, for the sake of a clock."""
    TAKES_ENTER_EARLY: ClassVar[bool] = False
    """Whether Enter, pressed while the page begins, counts once that has gone well."""

    def __init__(self, face: Face) -> None:
        self.face = face

    def view(self) -> View:
        """Return the page as it is now."""
        raise NotImplementedError

    @property
    def location(self) -> tuple[str, str]:
        """Where the user is, `production › replace …0L94`, and the site with the place of the credentials."""
        return self.TITLE, ""

    @property
    def progress(self) -> Progress | None:
        """How far the job is; None on pages that are no step of one."""
        return None

    async def begin(self) -> None:
        """Do at once what asks for no decision."""

    def point(self, item: str) -> bool:  # noqa: ARG002 - most pages are the same for all rows
        """Take note that the cursor is on another row; return whether the view is another one then."""
        return False

    async def watch(self) -> None:
        """Go on observing while the user looks at the screen, until it ends or is cancelled. Lines do not call it."""

    def forget(self) -> None:
        """Overwrite what is secret and no field holds."""

    async def back(self) -> None:
        """Leave the page."""
        self.face.leave()

    def back_action(self) -> Action:
        """Return the way back."""
        return Action("back", BACK, "Back", "Goes back. Nothing that is stored is lost.", self.back)


def job_name(flow: Flow) -> str:
    """Return the open job as a phrase: `replace …0L94`."""
    return job_phrase(flow.context.rotation.mode, flow.retire.legacy or flow.current)


def job_phrase(mode: Mode, key: KeyRecord | None) -> str:
    """Return a job about a key as a phrase."""
    name = key.name if key else "the key"
    return {
        Mode.ROTATE: f"replace {name}",
        Mode.SET_UP: "create the first key",
        Mode.ADOPT: "import the key in use",
        Mode.WHITELIST: f"change the whitelist of {name}",
        Mode.LEAKED: f"replace the leaked {name}",
        Mode.RETIRE: "retire keys that are left",
    }[mode]


class FlowPresenter(Presenter):
    """A page over an open environment."""

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(face)
        self.flow = flow

    @property
    def location(self) -> tuple[str, str]:
        """The environment with the page or the job, and the site with the place of the credentials."""
        environment = self.flow.context.environment
        corner = ", ".join(filter(None, (environment.site.name, self.flow.context.vault.store.remark)))
        return f"{environment.name} › {self._job()}", corner

    def _job(self) -> str:
        return self.TITLE


class StepPresenter(FlowPresenter):
    """A step of a job."""

    STEP: ClassVar[Step]

    @property
    def progress(self) -> Progress:
        """The steps of the job, and this one among them."""
        steps = self.flow.steps
        return Progress(steps, self.STEP, frozenset(filter(self.flow.is_open, steps)))

    def _job(self) -> str:
        return job_name(self.flow)

    async def advance(self) -> None:
        """Go on to the next step."""
        self.flow.advance(self.STEP)
        self.face.leave()

    async def back(self) -> None:
        """Go back one step; from the first one, home."""
        if self.flow.back() is self.STEP:
            await self.face.go_home()
        else:
            self.face.leave()

    @property
    def whitelist_to_paste(self) -> str:
        """The list of this job, as the page shows it now; nothing where there is none yet."""
        return self.flow.context.journal.whitelist_of(self.flow.context.rotation)

    def where(self, otherwise: str) -> str:
        """Return where keys are managed: the address, or a sentence where it is simulated or not known."""
        page = self.flow.context.environment.site.key_page
        return "Open the simulated Binance page." if self.face.page else page or otherwise

    def order(self) -> Order | None:
        """Return the key that the step waits for. Most wait for none."""
        return None

    async def visit_page(self) -> None:
        """Open the simulated Binance page."""
        from wizard.steps.simulated_page import SimulatedPagePresenter  # noqa: PLC0415 - it is a page itself

        if page := self.face.page:
            make = partial(
                SimulatedPagePresenter, self.flow, page=page, whitelist=self.whitelist_to_paste, order=self.order()
            )
            await self.face.visit(make)

    def page_actions(self, key: str = "p") -> tuple[Action, ...]:
        """Return, in a rehearsal, the way to the simulated Binance page."""
        about = "Opens the simulated Binance page."
        return (Action("page", key, "Binance page", about, self.visit_page),) if self.face.page else ()
