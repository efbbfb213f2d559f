"""The simulated page: in a rehearsal, what the exchange's API-management page would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.text import Glyphs
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage, permissions_of_others
from wizard.rotation.flow import Flow
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.option_rows import OptionRows

if TYPE_CHECKING:
    from wizard.tui.app import WizardApp

ACTIVITY_ROWS = 8


class SimulatedPageScreen(ModalScreen[NewKey | None]):
    """Keys of the embedded exchange: create, restrict, disable, delete, and the activity log.

    Args:
        simulated_page: The stand-in for the exchange's page.
        flow: Gives the whitelist that was composed.
        glyphs: The signs beside the words.
    """

    CSS_PATH = "simulated_page.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create", "New", tooltip="Create a key with the composed whitelist"),
        Binding("t", "take", "Take", tooltip="Put the new key into the fields of the step below"),
        Binding("w", "whitelist", "List", tooltip="Paste the composed whitelist into the key"),
        Binding("p", "permissions", "Rights", tooltip="Switch on for the key what the other keys may do"),
        Binding("x", "disable", "Off", tooltip="Switch the key off"),
        Binding("d", "delete", "Delete", tooltip="Delete the key for good; press it twice"),
        Binding("l", "log", "Log", tooltip="The activity log"),
        # The frame names it: the footer of 60 columns has no room for it.
        Binding("escape,f4", "leave", "Close", show=False),
        # A dialog does not inherit the app's keys.
        Binding("f1", "app.help", show=False),
    ]

    class Listed(Message):
        """The keys were read."""

        def __init__(self, keys: tuple[ListedKey, ...], said: str) -> None:
            super().__init__()
            self.keys = keys
            self.said = said

    class Read(Message):
        """The activity log was read."""

        def __init__(self, activity: tuple[Activity, ...]) -> None:
            super().__init__()
            self.activity = activity

    class Failed(Message):
        """The simulated page refused."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    HELP = (
        "The desk is what the exchange's API-management page would be: it creates keys with the whitelist that was"
        " composed, restricts them, sets their permissions, disables and deletes them, and shows who called with which"
        " key from where."
    )

    def __init__(self, simulated_page: SimulatedPage, flow: Flow, glyphs: Glyphs) -> None:
        super().__init__()
        self._simulated_page = simulated_page
        self._flow = flow
        self._glyphs = glyphs
        self._keys: tuple[ListedKey, ...] = ()
        self._asked_to_delete = ""
        """The fingerprint of the key that a second D deletes."""

    @property
    def _wizard(self) -> WizardApp:
        return cast("WizardApp", self.app)

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Esc closes this."
            yield Static("The desk, the stand-in for the exchange's page", classes="title")
            yield OptionRows(id="keys")
            yield Static("", id="log", markup=False)
            yield Notice(self._glyphs)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the keys."""
        self._list("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to take over what was created."""
        return self._wizard.untaken is not None and self._wishes() is not None if action == "take" else True

    @work(exclusive=True, description="read the desk")
    async def _list(self, said: str) -> None:
        try:
            self.post_message(self.Listed(await self._simulated_page.keys(), said))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, description="create a key at the desk")
    async def _create(self, kind: KeyKind, public_key: str) -> None:
        try:
            self._wizard.untaken = await self._simulated_page.create(
                "new", kind, self._whitelist(), public_key=public_key, enableSpotAndMarginTrading=True
            )
            self._list("The key was created. T takes it over into the wizard.")
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, description="change a key at the desk")
    async def _change(self, action: str) -> None:
        key = self._highlighted()
        if key is None:
            return
        try:
            if action == "delete":
                await self._simulated_page.delete(key.api_key)
            elif action == "disable":
                await self._simulated_page.disable(key.api_key)
            elif action == "permissions":
                await self._simulated_page.set_permissions(key.api_key, **permissions_of_others(key, self._keys))
            else:
                await self._simulated_page.set_whitelist(key.api_key, self._whitelist())
            detail = f": {self._whitelist() or 'nobody'}" if action == "whitelist" else ""
            self._list(f"…{key.api_key.last_four()}: {_DONE[action]}{detail}.")
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, description="read the activity log")
    async def _read_log(self) -> None:
        try:
            self.post_message(self.Read(await self._simulated_page.activity()))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Listed)
    def show_keys(self, message: Listed) -> None:
        """Show the keys as the page would."""
        known, self._keys = len(self._keys), message.keys
        options = self.query_one("#keys", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options([Content(self._row(key)) for key in message.keys] or [Content("No keys.")])
        is_more = len(message.keys) > known
        last = max(0, len(message.keys) - 1)
        options.highlighted = last if is_more and known else min(highlighted or 0, last)
        options.focus()
        if message.said:
            self.query_one(Notice).good(message.said)
        self.refresh_bindings()

    @on(Read)
    def show_log(self, message: Read) -> None:
        """Show the newest lines of the log."""
        lines = [
            f"{utc(line.at)[11:19]}  …{line.api_key.last_four() or '????'}  {line.address:<15}"
            f"  {line.code or 'ok':>6}  {line.path}"
            for line in message.activity[-ACTIVITY_ROWS:]
        ]
        self.query_one("#log", Static).update("\n".join(lines) or "No signed call yet.")

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Show what the page would say."""
        self.query_one(Notice).error(message.error)

    def action_create(self) -> None:
        """Create a key of the kind that the step below asks for."""
        wishes = self._wishes()
        if wishes is None:
            self.query_one(Notice).note("A new key is made in the Credentials step, after its kind was chosen.")
        elif wishes[0] is not KeyKind.HMAC and not wishes[1]:
            self.query_one(Notice).note("The key pair is still being made. Try again in a moment.")
        else:
            self._create(*wishes)

    def action_take(self) -> None:
        """Hand the new key to the step below."""
        self.dismiss(self._wizard.untaken)

    def action_whitelist(self) -> None:
        """Paste the composed list into the highlighted key."""
        self._change("whitelist")

    def action_permissions(self) -> None:
        """Switch on for the highlighted key what the other keys may do."""
        self._change("permissions")

    def action_disable(self) -> None:
        """Switch the highlighted key off."""
        self._change("disable")

    def action_delete(self) -> None:
        """Delete the highlighted key at the second press."""
        key = self._highlighted()
        if key is None:
            return
        fingerprint = key.api_key.fingerprint()
        if self._asked_to_delete == fingerprint:
            self._asked_to_delete = ""
            self._change("delete")
            return
        self._asked_to_delete = fingerprint
        self.query_one(Notice).note(f"Delete …{key.api_key.last_four()} for good? Press D again.")

    @on(OptionList.OptionHighlighted)
    def disarm(self) -> None:
        """A question about one key is not an answer about another."""
        key = self._highlighted()
        if key is not None and self._asked_to_delete not in ("", key.api_key.fingerprint()):
            self._asked_to_delete = ""
            self.query_one(Notice).clear()

    def action_log(self) -> None:
        """Read the activity log."""
        self._read_log()

    def action_leave(self) -> None:
        """Go back to the step below; a new key that was not taken over stays on the simulated page."""
        self.dismiss(None)

    def _highlighted(self) -> ListedKey | None:
        index = self.query_one("#keys", OptionList).highlighted
        return self._keys[index] if index is not None and index < len(self._keys) else None

    def _whitelist(self) -> str:
        flow = self._flow
        return flow.context.journal.whitelist_of(flow.context.rotation) if flow.rotation else ""

    def _wishes(self) -> tuple[KeyKind, str] | None:
        """What a new key should be, where the step below can take one."""
        below = next((screen for screen in self.app.screen_stack if hasattr(screen, "wanted_key")), None)
        return below.wanted_key if below is not None else None

    def _role(self, key: ListedKey) -> str:
        """The slot that the wizard knows the key by, else the page's own label."""
        fingerprint = key.api_key.fingerprint()
        records = self._flow.context.journal.keys(self._flow.context.environment.name)
        slots = [str(record.slot) for record in records if record.name.fingerprint == fingerprint]
        return slots[-1] if slots else key.label

    def _row(self, key: ListedKey) -> str:
        whitelist = "anywhere" if key.whitelist is None else ", ".join(key.whitelist) or "nobody"
        return f"{self._role(key):<8} {key.kind.label:<8} …{key.api_key.last_four()}  {key.state:<9} {whitelist}"


_DONE = {
    "delete": "deleted",
    "disable": "disabled",
    "permissions": "it may do now what the other keys may do",
    "whitelist": "the whitelist was saved",
}
