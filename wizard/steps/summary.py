"""The summary: what a finished job proved, what is left for the user, and what comes next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar

from wizard.core import files
from wizard.core.threads import in_daemon_thread
from wizard.rotation.model import Grade, Mode, RotationRecord, Step
from wizard.rotation.report import Report
from wizard.rotation.state_machine import JOBS
from wizard.steps import deadlines
from wizard.steps.presenter import Face, Presenter
from wizard.steps.view import PRIMARY, Action, Progress, Row, State, View


class SummaryPresenter(Presenter):
    """Shows the report of a finished job, copies it and saves it."""

    TITLE = "What is proven?"
    ABOUT: ClassVar[str] = "The report holds no secret. `key-wizard history` shows it again."

    def __init__(
        self, report: Report, face: Face, begin: Callable[[Mode], Awaitable[RotationRecord]] | None = None
    ) -> None:
        super().__init__(face)
        self._report = report
        self._begin = begin
        """Begins another job in the environment that is open."""

    @property
    def location(self) -> tuple[str, str]:
        """The environment."""
        return f"{self._report.environment} › finished", ""

    @property
    def progress(self) -> Progress:
        """All steps of the job; a death that is not proven has no tick."""
        report = self._report
        mode = report.job or (Mode.ROTATE if report.legacy else Mode.SET_UP if report.whitelist else Mode.ADOPT)
        is_open = report.legacy is not None and report.grade is Grade.WEAK
        return Progress(JOBS[mode].steps, Step.DONE, frozenset({Step.RETIRE} if is_open else ()))

    def view(self) -> View:
        """Return the report."""
        report = self._report
        is_weak = report.legacy is not None and report.grade is Grade.WEAK
        copy = partial(self.face.copy, report.markdown(), "the report")
        left = (
            Row(("" if at else "Left for you", said), State.LOOK if is_first else State.EMPTY, sign_before=1)
            for at, (is_first, said) in enumerate(
                (not line, said) for each in report.left for line, said in enumerate(each.split("\n"))
            )
        )
        return View(
            State.LOOK if is_weak else State.GOOD,
            report.verdict,
            evidence_title="Report",
            evidence=(*map(Row, report.rows()), *left, *map(Row, report.from_now_on)),
            actions=(
                Action("home", PRIMARY, "Home", "Goes to the list of environments.", self.face.go_home),
                *self._next_job(),
                Action("copy", "c", "Copy report", "Copies the report as Markdown.", copy),
                Action(
                    "save",
                    "s",
                    "Save report",
                    "Saves the report as Markdown.",
                    self.save,
                    asks_for="File",
                    text=f"key-wizard-{report.environment}-{report.rotation}.md",
                ),
            ),
        )

    def _next_job(self) -> Iterable[Action]:
        if self._begin and not self._report.whitelist:
            about = f"Enters the whitelist of {self._report.current}, which the wizard does not know."
            yield Action("whitelist", "w", "Whitelist", about, self.change_whitelist)

    async def change_whitelist(self) -> None:
        """Go on with the whitelist of the key."""
        if (begin := self._begin) is None:
            return
        if await self.face.attempt(lambda: begin(Mode.WHITELIST), "Starting", deadlines.CUSTODY) is not None:
            self.face.leave()

    async def save(self, path: str) -> None:
        """Save the report in a new file that only the user can read, or raise WizardError."""
        file = await in_daemon_thread(partial(files.create, path, self._report.markdown()))
        self.face.note(f"Saved to {file}.")
