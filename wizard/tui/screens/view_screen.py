"""The screen of a page: it draws the view of its presenter, and runs an action when its key is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from string import ascii_letters
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Static

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.steps.presenter import Face, Presenter
from wizard.steps.view import BACK, PRIMARY, TOGGLE, Action, Consent, Row, State, View, lines
from wizard.tui.content import marked, plain
from wizard.tui.session import SessionScreen
from wizard.tui.widgets.action_bar import ActionBar, key_name
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.page_header import PageHeader
from wizard.tui.widgets.row_list import RowList, TitledRows, hanging, sign

if TYPE_CHECKING:
    from wizard.rehearsal.simulated_page import SimulatedPage
    from wizard.rotation.report import Report
    from wizard.steps.form import Form

Result = TypeVar("Result")

KEYS = (PRIMARY, BACK, TOGGLE, *ascii_letters, *(f"ctrl+{letter}" for letter in "gkoprty"))
"""All that an action may have. Those with ctrl act also while a field has the focus."""
PATIENCE = 3.0
"""Seconds of waiting after which the longest wait is named."""
STILL_HELD = 0.5
"""Seconds without Enter after which it counts again, where it was pressed during a wait: a key held down repeats."""
PACE = 0.05
"""Seconds in which the view is drawn once, however often it changes: thousands of hosts may answer at a time."""
STOP = Action("stop", BACK, "Stop", "Stops waiting.", run=lambda: asyncio.sleep(0))
_EARLY = Action("early", PRIMARY, "", "", run=lambda: asyncio.sleep(0))
"""Enter, before there is anything that it could do."""
_HELD = Action("held", PRIMARY, "", "", run=lambda: asyncio.sleep(0))
"""Enter during a wait: what the wait comes to is to be seen before a key is an answer to it."""


class ViewScreen(SessionScreen[None]):
    """Draws a page, which `make` makes, also on top of another one. It is the `Face` of the page's presenter."""

    is_live = True
    CSS_PATH: ClassVar[CSSPathType | None] = "view_screen.tcss"
    COMMON: ClassVar[tuple[tuple[str, str], ...]] = (("question_mark", "Help"), ("q", "Quit"))
    """Keys that every page has, each with its label."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"press('{key}')", show=False, priority=key in {PRIMARY, BACK, TOGGLE} or "+" in key)
            for key in KEYS
        ),
        Binding("question_mark,f1", "help", show=False),
        Binding("q", "app.leave", show=False),
        Binding("pageup", "scroll_side(-1)", show=False),
        Binding("pagedown", "scroll_side(1)", show=False),
    ]

    def __init__(
        self, make: Callable[[Face], Presenter], *, is_on_top: bool = False, classes: str | None = None
    ) -> None:
        super().__init__(classes=classes)
        self._is_on_top = is_on_top
        self._make = make
        self._waited_for: asyncio.Future[Any] | None = None
        """What `attempt` waits for."""
        self._doing = ""
        self._at_most = ""
        """How long that may take, once the user has waited for a while."""
        self._is_stopped = False
        self._is_due = False
        self._noted: tuple[str, State] | None = None
        """What was noted since the last action began."""
        self._has_begun = False
        self._is_beginning = True
        self._held_until = 0.0
        """On the loop's clock: until then Enter is the one that was pressed during a wait."""
        self._kept = ""
        """The key that was pressed while something short was done: it counts right after that."""
        self._typed: dict[str, str] = {}
        """What was typed into the question of an action and not taken, by the action's word."""
        self.shown = View(State.EMPTY, "")
        """The view that is on the screen."""

    # --- what stands on the screen -------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out what all pages share around the page's own widgets."""
        self.presenter = self._make(self)
        yield PageHeader(self.presenter.progress, self.glyphs)
        with Container(id="page"):
            with Vertical(id="main"):
                yield Static("", id="verdict")
                yield from self.compose_main()
            with VerticalScroll(id="side", can_focus=False):
                yield TitledRows(self.glyphs, id="detail")
                yield TitledRows(self.glyphs, id="evidence")
        yield Notice(self.glyphs)
        yield ActionBar()

    def compose_main(self) -> Iterable[Widget]:
        """Yield the widgets below the verdict: the list, where a page has no other ones."""
        yield Static("", id="list-title")
        yield RowList(self.glyphs, id="rows")

    def on_mount(self) -> None:
        """Begin at once what asks for no decision."""
        self._draw()
        if self.presenter.IS_TICKING:
            self.set_interval(1.0, self.show)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        """Begin once the page is drawn: what that loads takes a while."""
        self._has_begun = True
        self._run_worker(self._begin_page, "action")
        self._run_worker(self.presenter.watch, "watch")

    async def _begin_page(self) -> None:
        try:
            await self.presenter.begin()
        finally:
            self._is_beginning = False

    def on_screen_resume(self) -> None:
        """Say what was noted on the page before."""
        if carried := self.session.carried:
            self.session.carried = None
            self.note(*carried)

    def on_unmount(self) -> None:
        """Keep nothing secret when the page is left."""
        self.presenter.forget()

    def show(self) -> None:
        """Draw the view soon."""
        if not self._is_due and self.is_attached:
            self._is_due = True
            self.set_timer(PACE, self._draw)

    def _draw(self) -> None:
        self._is_due = False
        if not self.is_attached or self not in self.app.screen_stack:
            return  # another page has taken its place
        try:
            view, location = self.presenter.view(), self.presenter.location
        except WizardError as error:
            if not self.is_at_work("action"):  # else it has just finished the job, and another page follows
                self.show_error(error)
            return
        self.shown = view
        self.query_one(PageHeader).show(*location, view.corner, view.corner_state)
        verdict = self.query_one("#verdict", Static)
        verdict.update(self._verdict(view))
        verdict.display = bool(view.verdict or self._waited_for)
        self.draw_main(view)
        self.draw_side()
        actions = (STOP,) if self._waited_for else view.actions
        self.query_one(ActionBar).show(actions, *self.COMMON)
        if self._kept and not self._is_busy:
            key, self._kept = self._kept, ""
            if not self.presenter.TAKES_ENTER_EARLY or view.state in (State.EMPTY, State.GOOD):
                self.action_press(key)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.show()

    def draw_main(self, view: View) -> None:
        """Draw what `compose_main` laid out."""
        title, rows = self.query_one("#list-title", Static), self.query_one(RowList)
        title.update(marked("[b]$title[/]", title=view.list_title))
        title.display = bool(view.list_title)
        rows.display = bool(view.rows)
        rows.show(view.rows, view.columns, view.cursor)
        if view.rows and self.focused is None:
            rows.focus()

    @on(RowList.Moved)
    def follow_cursor(self) -> None:
        """Draw what is another one for the row under the cursor."""
        if self.row and self.presenter.point(self.row.item):
            self._draw()
        else:
            self.draw_side()

    def draw_side(self) -> None:
        """Draw what is said of the row under the cursor, and the evidence."""
        row, view = self.row, self.shown
        keys = {action.word: key_name(action.key) for action in view.actions}
        row = row or Row(("",))
        offers = tuple((keys[word], phrase) for word, phrase in row.offers if word in keys)
        gap = f"Not proven: {view.not_proven}." if view.not_proven else ""
        self.query_one("#detail", TitledRows).show(row.cells[0].strip(), lines(*row.detail), offers)
        evidence = self.query_one("#evidence", TitledRows)
        evidence.show(view.evidence_title, (*view.evidence, *lines(gap)))
        evidence.set_class(not (view.rows or view.instructions), "-alone")

    @property
    def row(self) -> Row | None:
        """The row under the cursor; None where there is none."""
        lists = self.query(RowList)
        return lists.first().row if lists else None

    def _verdict(self, view: View) -> Content:
        width = max(20, self.query_one("#verdict").size.width or self.app.size.width - 2)
        state, text = (State.WORKING, self._doing + self._at_most) if self._waited_for else (view.state, view.verdict)
        lead = Content("") if state is State.EMPTY else sign(state, self.glyphs) + " "
        said = hanging(lead, plain(text).stylize("bold"), width) if text else []
        if not self._waited_for:
            indent = Content(" " * lead.cell_length)
            for sentence in view.because:
                said += hanging(indent, plain(sentence), width)
            for sentence in view.fix:
                said += hanging(indent, plain(sentence).stylize("$text-accent"), width)
        return Content("\n").join(said)

    # --- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take a key only where the page has an action for it."""
        if action == "press":
            return self._action_of(str(parameters[0])) is not None
        return super().check_action(action, parameters)

    def _action_of(self, key: str) -> Action | None:
        if self._waited_for is not None and key == BACK:
            return STOP
        if self._waited_for is not None:
            return (_EARLY if self._takes_early else _HELD) if key == PRIMARY else None
        if self._is_busy:
            return _EARLY
        if key == PRIMARY and asyncio.get_running_loop().time() < self._held_until:
            return _HELD
        return self.shown.action(key)

    @property
    def _takes_early(self) -> bool:
        return self.presenter.TAKES_ENTER_EARLY and self._is_beginning

    @property
    def _is_busy(self) -> bool:
        return not self._has_begun or self.is_at_work("action")

    def action_press(self, key: str) -> None:
        """Run the action of a key, or stop what is waited for."""
        action = self._action_of(key)
        if action is STOP and self._waited_for is not None:
            self._is_stopped = True
            self._waited_for.cancel()
        elif action is _EARLY:
            self._kept = key
        elif action is _HELD:
            self._held_until = asyncio.get_running_loop().time() + STILL_HELD
        elif action is not None:
            self._begin(action)

    def _begin(self, action: Action) -> None:
        self.notice.clear()
        self._noted = None
        if action.is_about_row and self.row is None:
            return
        given = (self.row.item,) if action.is_about_row and self.row else ()
        work: Callable[..., Awaitable[object]] = partial(self._ask, action) if action.asks_for else action.run
        self._run_worker(partial(work, *given), "action")

    async def _ask(self, action: Action, *given: str) -> None:
        """Ask for the text of an action; one that was not taken is kept."""
        from wizard.steps.deadlines import FILES  # noqa: PLC0415 - loaded when it is needed
        from wizard.steps.form import Field, Form  # noqa: PLC0415
        from wizard.tui.screens.dialogs import FormScreen  # noqa: PLC0415

        async def act(text: str) -> None:
            await action.run(*given, text)

        field = Field("text", action.asks_for, text=self._typed.get(action.word, action.text))
        dialog = FormScreen(Form(action.label, "", (field,), act, action.label, action.label, FILES))
        await self.app.push_screen_wait(dialog)
        self._typed[action.word] = dialog.left

    def _run_worker(self, work: Callable[[], Awaitable[object]], group: str) -> None:
        async def run() -> None:
            try:
                await work()
            except WizardError as error:
                self.show_error(error)
            finally:
                self.show()

        self.run_worker(run(), group=group, description=f"{group} of {type(self.presenter).__name__}")

    def action_help(self) -> None:
        """Say what the page is for, and what each key does."""
        from wizard.tui.screens.dialogs import TextScreen  # noqa: PLC0415

        about = self.presenter.ABOUT.format(place=self.session.opened.place)
        keys = (
            *((key_name(each.key), each.about) for each in self.shown.actions if each.key),
            ("PgUp PgDn", "Scrolls what does not fit."),
            (key_name(self.COMMON[-1][0]), "Closes Key Wizard, after a question."),
        )
        self.app.push_screen(TextScreen(self.presenter.TITLE, (about,), keys))

    def action_scroll_side(self, pages: int) -> None:
        """Scroll what does not fit."""
        side = self.query_one("#side", VerticalScroll)
        side.scroll_relative(y=pages * max(1, side.size.height - 1), animate=False)

    # --- the face of the presenter --------------------------------------------------------------

    @property
    def page(self) -> SimulatedPage | None:
        """The simulated Binance page of a rehearsal."""
        return self.session.opened.environments.simulated_page

    def say(self, *sentences: str) -> None:
        """Progress is in the view."""

    def doing(self, text: str) -> None:
        """Say what is being waited for now."""
        self._doing = text
        self.show()

    def note(self, text: str, state: State = State.GOOD) -> None:
        """Say it in the bar above the footer, also of the page that follows."""
        self._noted = (text, state)
        self.notice.note(text) if state is not State.GOOD else self.notice.good(text)

    async def attempt(self, work: Callable[[], Awaitable[Result]], doing: str, at_most: float) -> Result | None:
        """Wait, and say so where the verdict stands. Esc stops it."""
        try:
            return await self._wait(work, doing, at_most)
        except WizardError as error:
            self.show_error(error)
            return await self.attempt(work, doing, at_most) if await self._is_remedied(error) else None

    async def _wait(self, work: Callable[[], Awaitable[Result]], doing: str, at_most: float) -> Result | None:
        from wizard.steps.deadlines import within  # noqa: PLC0415 - the first screen is there before

        self._waited_for = task = asyncio.ensure_future(work())
        self._doing, self._at_most, self._is_stopped = f"{doing}{self.glyphs.working}", "", False
        if not self._takes_early:
            self._kept = ""
        patience = self.set_timer(PATIENCE, partial(self._name_limit, at_most))
        self.show()
        try:
            return await within(at_most, task)
        except asyncio.CancelledError:
            if not self._is_stopped:
                raise
            self.note("You stopped it.", State.LOOK)
            return None
        finally:
            self._waited_for = None
            patience.stop()
            self.show()

    def _name_limit(self, at_most: float) -> None:
        self._at_most = f" This takes at most {duration(at_most)}."
        self.show()

    async def _is_remedied(self, error: WizardError) -> bool:
        """Offer to open a place of credentials that was found locked; return whether it is open now."""
        from wizard.steps.passwords import remedying  # noqa: PLC0415

        form = remedying(self.session.opened.environments.custodian, error)
        return form is not None and await self.fill(form)

    async def confirm(self, consent: Consent) -> str:
        """Ask for the word of a consent."""
        from wizard.tui.screens.dialogs import word_of  # noqa: PLC0415

        return consent.word if await self.fill(word_of(consent)) else ""

    async def fill(self, form: Form) -> bool:
        """Ask what a form asks, on top of the page."""
        from wizard.tui.screens.dialogs import FormScreen  # noqa: PLC0415

        return await self.app.push_screen_wait(FormScreen(form))

    async def read(self, title: str, *paragraphs: str) -> None:
        """Show a text until it is closed."""
        from wizard.tui.screens.dialogs import TextScreen  # noqa: PLC0415

        await self.app.push_screen_wait(TextScreen(title, paragraphs))

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        """Show another page on top of this one."""
        await self.app.push_screen_wait(ViewScreen(make, is_on_top=True))

    async def copy(self, text: str, what: str) -> None:
        """Ask the terminal to copy. Whether it did cannot be known."""
        self.session.copy_public_text(text)
        self.notice.good(f"Copied {what}, if your terminal allows it.")

    def leave(self) -> None:
        """Go to where the rotation stands, or back to the page below. What was noted is said there."""
        self.session.carried = self._noted
        if self._is_on_top:
            self.dismiss(None)
        else:
            self.session.show_step()

    async def go_home(self) -> None:
        """Go to the environments."""
        self.session.go_home()

    def finish(self, report: Report) -> None:
        """Show the summary."""
        self.session.show_summary(report)
