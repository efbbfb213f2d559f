"""Speaks a page line by line: what it says, what it offers, and what the user chooses of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar

from wizard.core.errors import WizardError
from wizard.core.text import capitalised
from wizard.plain import forms
from wizard.plain.talk import Command, Talk
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.model import TITLES, Step
from wizard.rotation.report import Report
from wizard.steps.form import Form
from wizard.steps.presenter import Face, Presenter
from wizard.steps.session import EnvironmentSession
from wizard.steps.summary import SummaryPresenter
from wizard.steps.view import PRIMARY, Action, Instruction, Row, State, View

Result = TypeVar("Result")

_WORDS = {State.GOOD: "good", State.LOOK: "needs a look", State.STOP: "stops you", State.UNSURE: "inconclusive"}
"""What a sign of the screens is in lines."""


class Lines:
    """The `Face` of a page in lines. `make` makes the presenter."""

    is_live = False

    def __init__(self, talk: Talk, session: EnvironmentSession, make: Callable[[Face], Presenter]) -> None:
        self._talk = talk
        self._session = session
        self._presenter = make(self)
        self.attempt, self.confirm = talk.attempt, talk.confirm
        self._said: dict[str, list[str]] = {}
        """What was said last of each part of the view: a part is repeated only where it is another one."""
        self._is_left = self._is_home = False
        self._report: Report | None = None
        """What a finished job proved."""

    async def run(self) -> bool:
        """Speak the page until it is left; return whether to go on where the rotation stands now, not home."""
        presenter = self._presenter
        with self._talk.about(presenter.ABOUT.format(place=self._session.place)):
            self._talk.say("", *self._heading(), presenter.TITLE)
            try:
                await self._do(presenter.begin)
                while not self._is_left:
                    view = presenter.view()
                    self._say(view)
                    await self._choose(view)
            finally:
                presenter.forget()
        if self._report is not None:
            begin = self._session.flow.begin if self._session.flow else None
            await Lines(self._talk, self._session, partial(SummaryPresenter, self._report, begin=begin)).run()
        return not self._is_home

    def _heading(self) -> Iterable[str]:
        """Say how far the job is, and where."""
        progress = self._presenter.progress
        if progress is not None and progress.step is not Step.DONE:
            steps = [step for step in progress.steps if step is not Step.DONE]
            yield f"Step {steps.index(progress.step) + 1} of {len(steps)}, {TITLES[progress.step]}."
            where, corner = self._presenter.location
            yield f"{where.replace(' › ', ', ')}, {corner}."

    async def _choose(self, view: View) -> None:
        actions = {action.word: action for action in view.actions}
        menu = {word: action.about for word, action in actions.items() if word != Command.BACK}
        first = next(iter(actions.values()))
        answer = await self._talk.choose("What next?", menu, first.word if first.key == PRIMARY else "")
        if answer in actions:
            await self._run(actions[answer], view)

    async def _run(self, action: Action, view: View) -> None:
        if not action.is_about_row:
            await self._ask_and_do(action)
            return
        # From the last one: what an action makes of a row may move those behind it.
        for row in reversed(await self._ask_rows(view, action)):
            await self._ask_and_do(action, row.item)

    async def _ask_and_do(self, action: Action, *given: str) -> None:
        """Ask for the text of an action where it has one, until it is right or the user goes back."""
        if not action.asks_for:
            await self._do(action.run, *given)
            return
        ask = self._lines if action.takes_lines else self._talk.line
        while (text := await ask(action.asks_for)) != Command.BACK:
            if await self._do(action.run, *given, text):
                return

    async def _lines(self, what: str) -> str:
        """Return the lines typed until an empty one that ends a paste as well."""
        self._talk.say("", f"{what}, in as many lines as you like. An empty line ends.")
        typed: list[str] = []
        # The rest of a paste would answer the next question.
        while (line := await self._talk.line(f"Line {len(typed) + 1}")) or await self._talk.has_more():
            if line == Command.BACK:
                return line
            typed.append(line)
        return "\n".join(typed)

    async def _do(self, work: Callable[..., Awaitable[object]], *given: str) -> bool:
        try:
            await work(*given)
        except WizardError as error:
            self._talk.tell(error)
            return False
        return True

    async def _ask_rows(self, view: View, action: Action) -> list[Row]:
        """Ask for rows by their numbers or first cells, where the action can be about several; return them in order."""
        possible = [row for row in view.rows if action.word in dict(row.offers)] or view.rows
        if len(possible) == 1:
            return list(possible)
        several = not action.asks_for and action.key not in {PRIMARY, ""}
        prompt = "Which ones? Numbers, with commas between them" if several else f"Its number, 1 to {len(view.rows)}"
        typed = await self._talk.line(prompt)
        if typed in {"", Command.BACK}:
            return []
        known = {row.cells[0]: row for row in view.rows} | {str(at): row for at, row in enumerate(view.rows, 1)}
        words = dict.fromkeys(filter(None, map(str.strip, typed.split(",") if several else [typed])))
        if words.keys() - known.keys():
            self._talk.say("There is no row of such a number or name.")
        chosen = [known[word].item for word in words if word in known]
        return [row for row in view.rows if row.item in chosen]

    def _say(self, view: View) -> None:
        parts = {
            "verdict": [view.verdict, *(f"  {sentence}" for sentence in (*view.because, *view.fix))],
            "instructions": [line for each in enumerate(view.instructions, 1) for line in _instruction(*each)],
            "rows": [*([f"{view.list_title}:"] if view.list_title else []), *_rows(view)],
            "corner": [capitalised(view.corner)] if view.corner else [],
            "evidence": [f"  {_line(row)}" for row in view.evidence],
            "gap": [f"  Not proven: {view.not_proven}."] if view.not_proven else [],
        }
        for part, lines in parts.items():
            if lines != self._said.get(part):
                self._talk.say(*lines)
        self._said = parts

    # --- the face of the presenter --------------------------------------------------------------

    @property
    def page(self) -> SimulatedPage | None:
        """The simulated Binance page of a rehearsal."""
        return self._session.environments.simulated_page

    def show(self) -> None:
        """The view is said when the user is asked again."""

    def say(self, *sentences: str) -> None:
        """Say what was just seen."""
        self._talk.say(*(f"  {sentence}" for sentence in sentences))

    def doing(self, text: str) -> None:
        """Each answer is said as it comes."""

    def note(self, text: str, state: State = State.GOOD) -> None:  # noqa: ARG002 - its words are enough
        """Say it."""
        self._talk.say(text)

    async def fill(self, form: Form) -> bool:
        """Ask what a form asks."""
        return await forms.fill(self._talk, form)

    async def read(self, title: str, *paragraphs: str) -> None:
        """Say a text."""
        self._talk.say("", title, *paragraphs)

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        """Speak another page until it is left."""
        await Lines(self._talk, self._session, make).run()

    async def copy(self, text: str, what: str) -> None:  # noqa: ARG002 - the text stands for itself
        """Say the text alone on its lines: nothing but a screen can ask a terminal to copy."""
        self._talk.say("", *text.split("\n"))

    def leave(self) -> None:
        """Go to where the rotation stands, or back to the page below."""
        self._is_left = True

    async def go_home(self) -> None:
        """Go to the environments."""
        self._is_left = self._is_home = True

    def finish(self, report: Report) -> None:
        """Say the summary next."""
        self._report = report
        self._is_left = True


def _instruction(number: int, instruction: Instruction) -> Iterable[str]:
    """Return an instruction; what is pasted stands alone on its lines."""
    yield f"  {number}. {instruction.text}"
    yield from (f"     {detail}" for detail in instruction.details)
    yield from instruction.exact


def _rows(view: View) -> Iterable[str]:
    for number, row in enumerate(view.rows, 1):
        yield f"  {number}. {_line(row)}"
        if row.state not in (State.GOOD, State.EMPTY):
            yield from (f"     {sentence}" for sentence in row.detail)
        yield from (f"     {word}: {phrase}." for word, phrase in row.offers)


def _line(row: Row) -> str:
    """Return a row as one line, with words for its sign and its tick."""
    tick = {True: "ticked", False: "not ticked", None: ""}[row.is_ticked]
    word = _WORDS.get(row.state, "")
    if len(row.cells) == 1 and row.is_ticked is None:
        return f"{word.capitalize()}: {row.cells[0]}" if word else row.cells[0]
    said = ", ".join(filter(None, (*(cell.rstrip(".") for cell in row.cells), tick, word)))
    return said if row.cells[-1].startswith("key-wizard ") else f"{said}."  # a command is copied as it stands
