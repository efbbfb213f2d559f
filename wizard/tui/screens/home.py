"""Home: which environments there are, whether the keyring can be trusted, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from wizard.clock import duration
from wizard.custody.errors import CustodyError, KeyringUnusable, Remedy
from wizard.custody.questions import (
    BUS_CONSENT,
    BUS_WORD,
    FILE_CONSENT,
    FILE_WORD,
    FORGET_CONSENT,
    FORGET_WORD,
    PASSPHRASE_CHANGED,
    QUESTIONS,
)
from wizard.errors import WizardError
from wizard.rotation.closing import safe_to_close
from wizard.rotation.flow import Flow
from wizard.rotation.model import TITLES, Finding, Mode, Outcome, Step
from wizard.rotation.overview import Overview
from wizard.settings import Place
from wizard.tui.screens.confirm import ConfirmScreen
from wizard.tui.screens.passphrase import PassphraseScreen
from wizard.tui.screens.password import PasswordScreen
from wizard.tui.screens.service import ServiceScreen
from wizard.tui.screens.strays import StraysScreen
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.status_header import StatusHeader

if TYPE_CHECKING:
    from wizard.custody.custodian import Custodian
    from wizard.tui.app import WizardApp


class HomeScreen(Screen[None]):
    """Where the wizard begins and where it comes back to."""

    CSS_PATH = "home.tcss"
    HELP = (
        "Choose an environment and press Enter: the wizard takes it for itself, tries the keyring with a canary"
        " and settles what an interrupted run left. A second Enter begins or resumes a rotation. Nothing on the"
        " exchange is touched from here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "Go on", key_display="Enter", priority=True, tooltip="Open, begin or resume"),
        Binding("a", "adopt", "Adopt", tooltip="Bring a key that is in use already under the wizard's care"),
        Binding("x", "abandon", "Abandon", tooltip="Give the open rotation up; the current key stays"),
        Binding("f", "forget", "Forget", tooltip="Strike a key off the journal that is not stored any more"),
        Binding("o", "strays", "Strays", tooltip="Look at items that the journal does not know: adopt, delete, leave"),
        Binding("u", "unlock", "Unlock", tooltip="Open the place of the credentials with its password, here"),
        Binding("b", "own_bus", "Bus", tooltip="Start a session bus of the wizard's own, and the keyring on it"),
        Binding("v", "encrypted_file", "File", tooltip="Keep credentials in an encrypted file instead"),
        Binding("p", "passphrase", "Passphrase", tooltip="Change the passphrase of the encrypted file"),
        Binding("s", "service", "Service", tooltip="How a program that runs as a service gets at the credentials"),
        Binding("r", "again", "Again", show=False, tooltip="Look at the keyring again"),
    ]

    class Ready(Message):
        """The environments can be shown."""

    class Opened(Message):
        """An environment was opened."""

        def __init__(self, flow: Flow) -> None:
            super().__init__()
            self.flow = flow

    class Failed(Message):
        """Something could not be opened."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    class Started(Message):
        """A bus of the wizard's own is running."""

    class Begun(Message):
        """A rotation was opened."""

    class Forgotten(Message):
        """The missing keys were struck off."""

    class Abandoned(Message):
        """The open rotation was given up."""

    _remedy: Remedy = Remedy.NONE
    """What a typed password can mend."""
    _is_custody_problem: bool = False
    """Whether the place of the credentials did not open."""
    _has_other_place: bool = False
    """Whether the keyring was found unusable, so that the encrypted file is offered."""

    _can_start_bus: bool = False
    """Whether there is no session bus, and one of the wizard's own can be had."""

    @property
    def wizard(self) -> WizardApp:
        """The app, by its own type."""
        return cast("WizardApp", self.app)

    @property
    def notice(self) -> Notice:
        """The bar that tells what went wrong or was done."""
        return self.query_one(Notice)

    def compose(self) -> ComposeResult:
        """Lay the screen out; it is filled when the world is open."""
        yield StatusHeader("home", "", safe_to_close(None))
        with VerticalScroll(id="home", can_focus=False):
            yield Static(self.wizard.world.lede, classes="lede", markup=False)
            yield Static("  Environment   Site                 Current key             Age", id="columns")
            yield OptionList(id="environments")
            yield Static("", id="checks")
            yield Static("", id="next")
            yield Static(self._way(), id="way")
        yield Notice(self.wizard.glyphs)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Open the world, unless it is open already."""
        self.query_one("#checks", Static).update("Opening…")
        self._open_world()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show only what can be done now."""
        flow = self.wizard.flow if self.wizard.has_flow else None
        shut = {
            "unlock": bool(self._remedy),
            "encrypted_file": self._has_other_place,
            "own_bus": self._can_start_bus,
            "service": self._is_custody_problem,
            "again": True,
        }
        if action in shut:
            return flow is None and shut[action]
        if action == "adopt":
            return flow is not None and flow.rotation is None and flow.current is None
        if action == "strays":
            return flow is not None and bool(flow.preflight.strays)
        if action == "passphrase":
            custodian = self.wizard.world.custodian
            return flow is not None and custodian is not None and custodian.custody.place is Place.ENCRYPTED_FILE
        if action == "forget":
            return flow is not None and flow.can_forget
        return flow is not None and flow.can_be_abandoned if action == "abandon" else True

    @work(description="open the world")
    async def _open_world(self) -> None:
        try:
            if not self.wizard.world.environments():
                await self.wizard.world.open()
            self.post_message(self.Ready())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(description="open an environment")
    async def _open(self, overview: Overview) -> None:
        try:
            self.post_message(self.Opened(await self.wizard.open(overview.environment)))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Ready)
    def fill(self) -> None:
        """List the environments; open the one that there is no choice about."""
        names = self._list()
        chosen = self._name_to_choose(names)
        options = self.query_one("#environments", OptionList)
        options.highlighted = names.index(chosen) if chosen else 0
        options.focus()
        if self.wizard.has_flow:
            self.show_flow()
        elif chosen:
            self.open_highlighted()
        else:
            self.query_one("#checks", Static).update("")
            self.query_one("#next", Static).update(self._call("Enter opens the environment that is highlighted."))

    def _list(self) -> list[str]:
        overviews = self.wizard.world.environments()
        options = self.query_one("#environments", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options(Option(Content(_row(one, self.wizard.world.clock(), self.size.width))) for one in overviews)
        options.highlighted = highlighted
        return [one.environment.name for one in overviews]

    def _name_to_choose(self, names: list[str]) -> str:
        if self.wizard.has_flow:
            return self.wizard.flow.context.environment.name
        if self.wizard.environment in names:
            return self.wizard.environment or ""
        return names[0] if len(names) == 1 else ""

    def action_enter(self) -> None:
        """Open the environment, or go on with the one that is open."""
        if self._is_at_work() or not self.wizard.world.environments():
            return
        overview = self._highlighted()
        if self.wizard.has_flow and self.wizard.flow.context.environment.name == overview.environment.name:
            self.go_on()
        else:
            self.open_highlighted()

    def open_highlighted(self) -> None:
        """Open the environment under the cursor."""
        self.notice.clear()
        self.query_one("#next", Static).update("")
        self.query_one("#checks", Static).update(self._pending("Trying the keyring with a canary…"))
        self._open(self._highlighted())

    @on(Opened)
    def show_flow(self) -> None:
        """Show what was checked and what comes next."""
        flow = self.wizard.flow
        self._list()
        lines = [self._check(flow.preflight.keyring)]
        lines += [self._pending(sentence) for sentence in flow.preflight.recovered]
        lines += [self._caution(sentence) for sentence in flow.preflight.losses()]
        self.query_one("#checks", Static).update(Content("\n").join(lines))
        look = " O looks at what the journal does not know." if flow.preflight.strays else ""
        self.query_one("#next", Static).update(self._call(self._next(flow) + look))
        self.query_one(StatusHeader).closing = flow.closing
        self.refresh_bindings()

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Tell why it cannot be opened, with the remedy."""
        error = message.error
        custodian = self.wizard.world.custodian
        is_custody = custodian is not None and isinstance(error, CustodyError)
        self._is_custody_problem = is_custody
        self._remedy = error.remedy if is_custody and isinstance(error, KeyringUnusable) else Remedy.NONE
        self._has_other_place = is_custody and custodian is not None and custodian.custody.place is Place.KEYRING
        self._can_start_bus = (
            custodian is not None and isinstance(error, CustodyError) and custodian.can_start_bus(error)
        )
        self.query_one("#checks", Static).update("")
        self.query_one("#next", Static).update(self._call(self._ways_out()))
        self.notice.error(message.error)
        self.refresh_bindings()

    def _ways_out(self) -> str:
        ways = [f"U: {QUESTIONS[self._remedy].does}."] if self._remedy else []
        if self._can_start_bus:
            ways.append("B: start a session bus of the wizard's own.")
        if self._has_other_place:
            ways.append("V: keep credentials in an encrypted file.")
        return " ".join([*ways, "R tries again; another environment may be open to you."])

    def action_unlock(self) -> None:
        """Ask for the password that opens the place of the credentials."""
        custodian = self.wizard.world.custodian
        if custodian is not None and self._remedy and not self._is_at_work():
            self.app.push_screen(PasswordScreen(custodian, self._remedy, self.wizard.glyphs), self._unlocked)

    def _unlocked(self, is_open: bool | None) -> None:
        if is_open:
            self._remedy = Remedy.NONE
            self.open_highlighted()

    def action_own_bus(self) -> None:
        """Ask for the word that starts a bus of the wizard's own."""
        if not self._is_at_work():
            question = ConfirmScreen("Start a session bus of the wizard's own?", BUS_CONSENT, BUS_WORD)
            self.app.push_screen(question, self._bus_answered)

    def _bus_answered(self, is_wanted: bool | None) -> None:
        custodian = self.wizard.world.custodian
        if is_wanted and custodian is not None:
            self._start_bus(custodian)

    @work(description="start a session bus")
    async def _start_bus(self, custodian: Custodian) -> None:
        try:
            await custodian.start_bus()
            self.post_message(self.Started())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Started)
    def open_again(self) -> None:
        """Look at the keyring on the new bus."""
        self.open_highlighted()

    def action_passphrase(self) -> None:
        """Ask for the passphrase of the encrypted file so far, and for the new one."""
        custodian = self.wizard.world.custodian
        if custodian is not None and not self._is_at_work():
            self.app.push_screen(PassphraseScreen(custodian, self.wizard.glyphs), self._changed)

    def _changed(self, is_changed: bool | None) -> None:
        if is_changed:
            self.notice.note(" ".join(PASSPHRASE_CHANGED))

    def action_service(self) -> None:
        """Show the commands for a program that runs as a service."""
        self.app.push_screen(ServiceScreen(self._highlighted().environment.name))

    def action_encrypted_file(self) -> None:
        """Ask for the word that chooses the encrypted file."""
        if not self._is_at_work():
            question = ConfirmScreen("Keep credentials in an encrypted file?", FILE_CONSENT, FILE_WORD)
            self.app.push_screen(question, self._choose_file)

    def _choose_file(self, is_wanted: bool | None) -> None:
        custodian = self.wizard.world.custodian
        if not is_wanted or custodian is None:
            return
        try:
            custodian.choose_encrypted_file()
        except WizardError as error:
            self.notice.error(error)
        else:
            self.open_highlighted()

    def go_on(self) -> None:
        """Begin a rotation, or resume the open one."""
        flow = self.wizard.flow
        if flow.rotation is None:
            self._begin(Mode.ROTATE if flow.current else Mode.SET_UP)
        else:
            self.wizard.show_step()

    def action_adopt(self) -> None:
        """Begin with a key that is in use already."""
        if not self._is_at_work():
            self._begin(Mode.ADOPT)

    @work(description="begin a rotation")
    async def _begin(self, mode: Mode) -> None:
        try:
            await self.wizard.flow.begin(mode)
            self.post_message(self.Begun())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Begun)
    def show_begun(self) -> None:
        """Show the first step."""
        self.wizard.show_step()

    def _is_at_work(self) -> bool:
        """Whether something is being opened, begun or given up: it is not to be cut by another key press."""
        return any(worker.is_running for worker in self.workers)

    def action_again(self) -> None:
        """Try to open what could not be opened."""
        if self._is_at_work():
            return
        if self.wizard.world.environments():
            self.open_highlighted()
        else:
            self.on_mount()

    def action_abandon(self) -> None:
        """Ask before giving the open rotation up."""
        question = (
            "The new credentials of this rotation are deleted from the keyring. The current key stays as it is."
            " If you created a new key on the exchange's page, delete it there."
        )
        self.app.push_screen(ConfirmScreen("Give this rotation up?", question, "abandon"), self._abandon)

    def _abandon(self, is_wanted: bool | None) -> None:
        if is_wanted and not self._is_at_work():
            self._give_up()

    @work(description="abandon the rotation")
    async def _give_up(self) -> None:
        try:
            await self.wizard.flow.abandon()
            self.post_message(self.Abandoned())
        except WizardError as error:
            self.post_message(self.Failed(error))

    def action_strays(self) -> None:
        """Look at the items that the journal does not know."""
        if not self._is_at_work():
            self.app.push_screen(StraysScreen(self.wizard.flow, self.wizard.glyphs), self._strays_left)

    def _strays_left(self, adopted: Finding | None) -> None:
        if adopted is None:
            self.fill()
            return
        self.wizard.announce(adopted)
        self.wizard.show_step()

    def action_forget(self) -> None:
        """Ask before a missing key is struck off."""
        question = ConfirmScreen("Forget the missing key?", FORGET_CONSENT, FORGET_WORD)
        self.app.push_screen(question, self._forget)

    def _forget(self, is_wanted: bool | None) -> None:
        if is_wanted and not self._is_at_work():
            self._strike_off()

    @work(description="forget the missing key")
    async def _strike_off(self) -> None:
        try:
            await self.wizard.flow.forget_missing()
            self.post_message(self.Forgotten())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Forgotten)
    def show_forgotten(self) -> None:
        """Say that it was struck off."""
        self.fill()
        self.notice.good("The missing key was struck off the journal.")

    @on(Abandoned)
    def show_abandoned(self) -> None:
        """Say that it was given up."""
        self.fill()
        self.notice.good("The rotation was given up. The current key is as it was.")

    def _way(self) -> Content:
        arrow = f" {self.wizard.glyphs.arrow} "
        steps = arrow.join(title for step, title in TITLES.items() if step is not Step.DONE)
        return Content.from_markup("[$text-muted]$steps[/]", steps=steps)

    def _highlighted(self) -> Overview:
        return self.wizard.world.environments()[self.query_one("#environments", OptionList).highlighted or 0]

    def _next(self, flow: Flow) -> str:
        if flow.rotation:
            step = "the summary" if flow.step is Step.DONE else f"the step {flow.step}"
            return f"Enter resumes the open rotation at {step}."
        if flow.current:
            return f"Enter begins to replace {flow.current.name}."
        return "Enter sets up the first key. A adopts a key that is in use already."

    def _check(self, finding: Finding) -> Content:
        glyphs = self.wizard.glyphs
        is_fine = finding.outcome is Outcome.PASSED
        return Content.from_markup(
            f"[{'$text-success' if is_fine else '$text-warning'}]$glyph[/] [b]$subject[/]  $observed",
            glyph=glyphs.passed if is_fine else glyphs.caution,
            subject=finding.subject,
            observed=finding.observed,
        )

    def _caution(self, text: str) -> Content:
        return Content.from_markup("[$text-warning]$glyph[/] $text", glyph=self.wizard.glyphs.caution, text=text)

    def _pending(self, text: str) -> Content:
        return Content.from_markup("[$text-primary]$glyph[/] $text", glyph=self.wizard.glyphs.pending, text=text)

    def _call(self, text: str) -> Content:
        return Content.from_markup(
            "[b $text-primary]$glyph[/] [b]$text[/]", glyph=self.wizard.glyphs.current, text=text
        )


def _row(one: Overview, now: float, width: int) -> str:
    key = str(one.current.name) if one.current else "none yet"
    age = duration(now - one.current.stored_at) if one.current else ""
    site = one.environment.site.name
    alive = "  legacy alive" if one.legacy else "  open" if one.open_rotation else ""
    if width < 72:
        return f"{one.environment.name:<13} {key:<21}{alive}"
    return f"{one.environment.name:<13} {site:<20} {key:<23} {age:<11}{alive}"
