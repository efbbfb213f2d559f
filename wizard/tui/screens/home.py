"""Home: which environments there are, whether their place can be trusted, and what to do next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.settings import Place
from wizard.custody.custodian import explain_services
from wizard.custody.errors import CustodyError
from wizard.custody.questions import PASSPHRASE_CHANGED, QUESTIONS
from wizard.rotation.journal import Overview
from wizard.rotation.model import NOTHING_OPEN, TITLES, Finding, Mode, Outcome, Step
from wizard.steps.consents import ENCRYPTED_FILE, FORGET, abandoning
from wizard.steps.guide import HOME
from wizard.steps.home import ABANDONED, FORGOTTEN, offers, where
from wizard.steps.passwords import changing_passphrase
from wizard.tui.safe_app import NORMAL_COLUMNS
from wizard.tui.screens.form import FormScreen, UnlockingScreen
from wizard.tui.widgets.basics import OptionRows
from wizard.tui.widgets.header import StatusHeader
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow


class HomeScreen(UnlockingScreen[None]):
    """Where the wizard begins and where it comes back to."""

    HELP = HOME.about
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "Go on", key_display="Enter", priority=True, tooltip="Open, begin or resume"),
        Binding("a", "adopt", "Adopt", tooltip="Bring a key that is in use already under the wizard's care"),
        Binding("x", "abandon", "Abandon", tooltip="Give the open rotation up; the current key stays"),
        Binding("f", "forget", "Forget", tooltip="Strike a key off the journal that is not stored any more"),
        Binding("u", "unlock", "Unlock", tooltip="Open the place of the credentials with its password, here"),
        Binding("v", "encrypted_file", "File", tooltip="Keep credentials in an encrypted file instead"),
        Binding("p", "passphrase", "Passphrase", tooltip="Change the passphrase of the encrypted file"),
        Binding("s", "service", "Service", tooltip="How a program that runs as a service gets at the credentials"),
        Binding("r", "again", "Again", show=False, tooltip="Try to open the environment again"),
    ]

    _is_custody_problem: bool = False
    """Whether the place of the credentials did not open."""
    _has_other_place: bool = False
    """Whether the keyring was found unusable, so that the encrypted file is offered."""

    def compose(self) -> ComposeResult:
        """Lay the screen out; it is filled when the environments are open."""
        yield StatusHeader("home", "", NOTHING_OPEN)
        with VerticalScroll(id="home", can_focus=False):
            yield Static(self.session.environments.lede, classes="lede", markup=False)
            yield Static("  Environment   Site                 Current key             Age", id="columns")
            yield OptionRows(id="environments")
            yield Static("", id="checks")
            yield Static("", id="next")
            yield Static(self._steps(), id="way")
        yield Notice(self.glyphs)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the environments; a rehearsal is opened first, unless it is open already."""
        try:
            overviews = self.session.environments.overviews()
        except WizardError as error:
            self.show_error(error)
            return
        if overviews:
            self._fill(overviews)
            return
        self.query_one("#checks", Static).update("Opening…")
        self.start(self.session.environments.open, lambda _: self.fill(), doing="open the environments")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show only what can be done now."""
        flow = self.flow if self.session.has_flow else None
        while_closed = {
            "unlock": bool(self.remedy),
            "encrypted_file": self._has_other_place,
            "service": self._is_custody_problem,
            "again": True,
        }
        if action in while_closed:
            return flow is None and while_closed[action]
        if action in {"adopt", "passphrase", "forget", "abandon"}:
            return flow is not None and action in offers(flow, self.session.environments.custodian)
        return True

    def fill(self) -> None:
        """List the environments; open the one that there is no choice about."""
        self._fill(self.session.environments.overviews())

    def _fill(self, overviews: Sequence[Overview]) -> None:
        # A rehearsal that was left open goes on with its own fire drill, which is known only now.
        self.query_one(".lede", Static).update(self.session.environments.lede)
        names = self._list(overviews)
        chosen = self._name_to_choose(names)
        options = self.query_one("#environments", OptionList)
        options.highlighted = names.index(chosen) if chosen else 0
        options.focus()
        if self.session.has_flow:
            self.show_flow()
        elif chosen:
            self.call_after_refresh(self._open_chosen)  # the list is there before all that opening loads
        else:
            self._show_checks()
            self._say_next("Enter opens the environment that is highlighted.")

    def _open_chosen(self) -> None:
        if not self.is_at_work() and not self.session.has_flow:
            self.open_highlighted()

    def _list(self, overviews: Sequence[Overview]) -> list[str]:
        options = self.query_one("#environments", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options(
            Option(Content(row(one, self.session.environments.clock(), self.app.size.width))) for one in overviews
        )
        options.highlighted = highlighted
        return [one.environment.name for one in overviews]

    def _name_to_choose(self, names: list[str]) -> str:
        if self.session.has_flow:
            return self.flow.context.environment.name
        if self.session.environment in names:
            return self.session.environment or ""
        return names[0] if len(names) == 1 else ""

    def action_enter(self) -> None:
        """Open the environment, or go on with the one that is open."""
        if self.is_at_work() or not self.session.environments.overviews():
            return
        overview = self._highlighted()
        if self.session.has_flow and self.flow.context.environment.name == overview.environment.name:
            self.go_on()
        else:
            self.open_highlighted()

    def open_highlighted(self) -> None:
        """Open the environment under the cursor."""
        self.notice.clear()
        self.query_one("#next", Static).update("")
        self._show_checks(self.signed("pending", f"Trying {self.session.place} with a canary…"))
        self.start(
            partial(self.session.open, self._highlighted().environment),
            lambda _: self.show_flow(),
            doing="open an environment",
        )

    go_on_unlocked = open_highlighted

    def show_flow(self) -> None:
        """Show what was checked and what comes next."""
        flow = self.flow
        self._list(self.session.environments.overviews())
        self._show_checks(
            self.check(flow.preflight.storage),
            *(self.signed("pending", sentence) for sentence in flow.preflight.recovered),
            *(self.signed("caution", sentence) for sentence in flow.preflight.losses()),
        )
        self._say_next(next_step(flow))
        self.query_one(StatusHeader).show_closing(flow.closing)
        self.refresh_bindings()

    def show_error(self, error: WizardError) -> None:
        """Tell why it cannot be opened, with the remedy."""
        custodian = self.session.environments.custodian
        self.note_remedy(error)
        self._is_custody_problem = custodian is not None and isinstance(error, CustodyError)
        self._has_other_place = self._is_custody_problem and self._is_at(Place.KEYRING)
        self._show_checks()
        self._say_next(self._remedies())
        super().show_error(error)
        self.call_after_refresh(self.query_one("#next").scroll_visible, animate=False)
        self.refresh_bindings()

    def _remedies(self) -> str:
        """What can be done about a place that does not open."""
        remedies = [f"U: {QUESTIONS[self.remedy].does}."] if self.remedy else []
        if self._has_other_place:
            remedies.append("V: keep credentials in an encrypted file.")
        return " ".join([*remedies, "R tries again; another environment may be open to you."])

    def go_on(self) -> None:
        """Begin a rotation, or resume the open one."""
        flow = self.flow
        if flow.rotation is None:
            self._begin(Mode.ROTATE if flow.current else Mode.SET_UP)
        else:
            self.session.show_step()

    def action_adopt(self) -> None:
        """Begin with a key that is in use already."""
        if not self.is_at_work():
            self._begin(Mode.ADOPT)

    def _begin(self, mode: Mode) -> None:
        self.start(partial(self.flow.begin, mode), lambda _: self.session.show_step(), doing="begin a rotation")

    def action_again(self) -> None:
        """Try to open what could not be opened."""
        if self.is_at_work():
            return
        if self.session.environments.overviews():
            self.open_highlighted()
        else:
            self.on_mount()

    def action_abandon(self) -> None:
        """Ask before giving the open rotation up."""
        self.confirm(abandoning(self.session.place), lambda _: self._change(self.flow.abandon, ABANDONED))

    def action_forget(self) -> None:
        """Ask before a missing key is struck off."""
        self.confirm(FORGET, lambda _: self._change(self.flow.forget_missing, FORGOTTEN))

    def _change(self, work: Callable[[], Awaitable[None]], said: str) -> None:
        self.start(work, lambda _: self._show_done(said), doing="change the journal and the place of the credentials")

    def _show_done(self, said: str) -> None:
        self.fill()
        self.notice.good(said)

    def action_passphrase(self) -> None:
        """Ask for the passphrase of the encrypted file so far, and for the new one."""
        custodian = self.session.environments.custodian
        if custodian is not None and not self.is_at_work():
            self.app.push_screen(FormScreen(changing_passphrase(custodian)), self._changed)

    def _changed(self, is_changed: bool | None) -> None:
        if is_changed:
            self.notice.note(" ".join(PASSPHRASE_CHANGED))

    def action_service(self) -> None:
        """Show the commands for a program that runs as a service."""
        from wizard.tui.screens.dialogs import TextScreen  # noqa: PLC0415 - loaded when it is needed

        lines = explain_services(self._highlighted().environment.name)
        self.app.push_screen(TextScreen("Credentials for a service", "\n".join(lines)))

    def action_encrypted_file(self) -> None:
        """Ask for the word that chooses the encrypted file."""
        if not self.is_at_work():
            self.confirm(ENCRYPTED_FILE, self._choose_file)

    def _choose_file(self, _typed: str) -> None:
        custodian = self.session.environments.custodian
        if custodian is None:
            return
        try:
            custodian.choose_encrypted_file()
        except WizardError as error:
            self.notice.error(error)
        else:
            self.open_highlighted()

    def _is_at(self, place: Place) -> bool:
        custodian = self.session.environments.custodian
        return custodian is not None and custodian.custody.place is place

    def _show_checks(self, *lines: Content) -> None:
        self.query_one("#checks", Static).update(Content("\n").join(lines))

    def _say_next(self, text: str) -> None:
        sentence = Content.from_markup("[b $text-primary]$glyph[/] [b]$text[/]", glyph=self.glyphs.focus, text=text)
        self.query_one("#next", Static).update(sentence)

    def check(self, finding: Finding) -> Content:
        """Return what was checked, with its outcome and what it does not prove."""
        gap = f" Not proven: {finding.does_not_prove}." if finding.does_not_prove else ""
        text = Content.from_markup(
            "[b]$subject[/]  $observed", subject=finding.subject, observed=finding.observed + gap
        )
        return self.signed("passed" if finding.outcome is Outcome.PASSED else "caution", text)

    def _steps(self) -> Content:
        arrow = f" {self.glyphs.arrow} "
        steps = arrow.join(title for step, title in TITLES.items() if step is not Step.DONE)
        return Content.from_markup("[$text-muted]$steps[/]", steps=steps)

    def _highlighted(self) -> Overview:
        return self.session.environments.overviews()[self.query_one("#environments", OptionList).highlighted or 0]


def next_step(flow: Flow) -> str:
    """Say what Enter does next."""
    if flow.rotation:
        return f"Enter resumes the open rotation at {where(flow)}."
    if flow.current:
        return f"Enter begins to replace {flow.current.name}."
    return "Enter sets up the first key. A adopts a key that is in use already."


def row(one: Overview, now: float, width: int) -> str:
    """Return one environment as a line of `width` columns."""
    key = str(one.current.name) if one.current else "none yet"
    age = duration(now - one.current.stored_at) if one.current else ""
    site = one.environment.site.name
    alive = "  legacy alive" if one.legacy else "  open" if one.open_rotation else ""
    if width < NORMAL_COLUMNS:
        return f"{one.environment.name:<13} {key:<21}{alive}"
    return f"{one.environment.name:<13} {site:<20} {key:<23} {age:<11}{alive}"
