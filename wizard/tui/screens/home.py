"""Home: which environments there are, whether their place can be trusted, and what to do next."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.errors import WizardError
from wizard.custody.questions import FORGET_CONSENT, FORGET_WORD
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Overview
from wizard.rotation.model import Mode, safe_to_close
from wizard.tui.screens.confirm import ConfirmScreen
from wizard.tui.screens.home_place import PlaceScreen
from wizard.tui.screens.home_texts import call, caution, check, next_step, pending, row, way
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.option_rows import OptionRows
from wizard.tui.widgets.status_header import StatusHeader


class HomeScreen(PlaceScreen):
    """Where the wizard begins and where it comes back to."""

    CSS_PATH = "home.tcss"
    HELP = (
        "Choose an environment and press Enter: the wizard takes it for itself, tries {place} with a canary"
        " and settles what an interrupted run left. A second Enter begins or resumes a rotation. Nothing on the"
        " exchange is touched from here."
    )
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

    class Ready(Message):
        """The environments can be shown."""

    class Opened(Message):
        """An environment was opened."""

        def __init__(self, flow: Flow) -> None:
            super().__init__()
            self.flow = flow

    class Begun(Message):
        """A rotation was opened."""

    class Forgotten(Message):
        """The missing keys were struck off."""

    class Abandoned(Message):
        """The open rotation was given up."""

    def compose(self) -> ComposeResult:
        """Lay the screen out; it is filled when the environments are open."""
        yield StatusHeader("home", "", safe_to_close(None))
        with VerticalScroll(id="home", can_focus=False):
            yield Static(self.wizard.environments.lede, classes="lede", markup=False)
            yield Static("  Environment   Site                 Current key             Age", id="columns")
            yield OptionRows(id="environments")
            yield Static("", id="checks")
            yield Static("", id="next")
            yield Static(way(self.wizard.glyphs), id="way")
        yield Notice(self.wizard.glyphs)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Open the environments, unless they are open already."""
        self.query_one("#checks", Static).update("Opening…")
        self._open_environments()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show only what can be done now."""
        flow = self.wizard.flow if self.wizard.has_flow else None
        if (can_mend := self.can_do(action)) is not None:
            return flow is None and can_mend
        if action == "adopt":
            return flow is not None and flow.rotation is None and flow.current is None
        if action == "passphrase":
            return flow is not None and self.is_file
        if action == "forget":
            return flow is not None and flow.can_forget
        return flow is not None and flow.can_be_abandoned if action == "abandon" else True

    @work(description="open the environments")
    async def _open_environments(self) -> None:
        try:
            if not self.wizard.environments.overviews():
                await self.wizard.environments.open()
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
        # A rehearsal that was left open goes on with its own fire drill, which is known only now.
        self.query_one(".lede", Static).update(self.wizard.environments.lede)
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
            opens = "Enter opens the environment that is highlighted."
            self.query_one("#checks", Static).update("")
            self.query_one("#next", Static).update(call(opens, self.wizard.glyphs))

    def _list(self) -> list[str]:
        overviews = self.wizard.environments.overviews()
        options = self.query_one("#environments", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options(
            Option(Content(row(one, self.wizard.environments.clock(), self.size.width))) for one in overviews
        )
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
        if self.is_at_work() or not self.wizard.environments.overviews():
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
        self.query_one("#checks", Static).update(
            pending(f"Trying {self.wizard.place} with a canary…", self.wizard.glyphs)
        )
        self._open(self._highlighted())

    @on(Opened)
    def show_flow(self) -> None:
        """Show what was checked and what comes next."""
        flow, glyphs = self.wizard.flow, self.wizard.glyphs
        self._list()
        lines = [check(flow.preflight.storage, glyphs)]
        lines += [pending(sentence, glyphs) for sentence in flow.preflight.recovered]
        lines += [caution(sentence, glyphs) for sentence in flow.preflight.losses()]
        self.query_one("#checks", Static).update(Content("\n").join(lines))
        self.query_one("#next", Static).update(call(next_step(flow), self.wizard.glyphs))
        self.query_one(StatusHeader).closing = flow.closing
        self.refresh_bindings()

    @on(PlaceScreen.Failed)
    def show_error(self, message: PlaceScreen.Failed) -> None:
        """Tell why it cannot be opened, with the remedy."""
        self.note_problem(message.error)
        self.query_one("#checks", Static).update("")
        self.query_one("#next", Static).update(call(self.ways_out(), self.wizard.glyphs))
        self.notice.error(message.error)
        self.call_after_refresh(self.query_one("#next").scroll_visible, animate=False)
        self.refresh_bindings()

    def go_on(self) -> None:
        """Begin a rotation, or resume the open one."""
        flow = self.wizard.flow
        if flow.rotation is None:
            self._begin(Mode.ROTATE if flow.current else Mode.SET_UP)
        else:
            self.wizard.show_step()

    def action_adopt(self) -> None:
        """Begin with a key that is in use already."""
        if not self.is_at_work():
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

    def action_again(self) -> None:
        """Try to open what could not be opened."""
        if self.is_at_work():
            return
        if self.wizard.environments.overviews():
            self.open_highlighted()
        else:
            self.on_mount()

    def action_abandon(self) -> None:
        """Ask before giving the open rotation up."""
        question = (
            f"The new credentials of this rotation are deleted from {self.wizard.place}. The current key stays as it"
            " is. If you created a new key on the exchange's page, delete it there."
        )
        self.app.push_screen(ConfirmScreen("Give this rotation up?", question, "abandon"), self._abandon)

    def _abandon(self, typed: str | None) -> None:
        if typed and not self.is_at_work():
            self._give_up()

    @work(description="abandon the rotation")
    async def _give_up(self) -> None:
        try:
            await self.wizard.flow.abandon()
            self.post_message(self.Abandoned())
        except WizardError as error:
            self.post_message(self.Failed(error))

    def action_forget(self) -> None:
        """Ask before a missing key is struck off."""
        question = ConfirmScreen("Forget the missing key?", FORGET_CONSENT, FORGET_WORD)
        self.app.push_screen(question, self._forget)

    def _forget(self, typed: str | None) -> None:
        if typed and not self.is_at_work():
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

    def highlighted_name(self) -> str:
        """Return the name of the environment under the cursor."""
        return self._highlighted().environment.name

    def _highlighted(self) -> Overview:
        return self.wizard.environments.overviews()[self.query_one("#environments", OptionList).highlighted or 0]
