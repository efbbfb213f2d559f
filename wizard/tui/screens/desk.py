"""The desk: in a rehearsal, what the exchange's API-management page would be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static

from wizard.clock import utc
from wizard.credentials import KeyKind
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.rehearsal.desk import Activity, Desk, DeskKey, NewKey
from wizard.rotation.flow import Flow
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    pass

SECONDS_TO_CONFIRM = 5.0
ACTIVITY_ROWS = 8


class DeskScreen(ModalScreen[NewKey | None]):
    """Keys of the embedded exchange: create, restrict, disable, delete, and the activity log.

    Args:
        desk: The desk's client.
        flow: Gives the whitelist that was composed.
        glyphs: The signs beside the words.
    """

    CSS_PATH = "desk.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create", "New", tooltip="Create a key with the composed whitelist"),
        Binding("t", "take", "Take", tooltip="Put the new key into the fields of the step below"),
        Binding("w", "whitelist", "List", tooltip="Paste the composed whitelist into the key"),
        Binding("x", "disable", "Off", tooltip="Switch the key off"),
        Binding("d", "delete", "Delete", tooltip="Delete the key for good; press it twice"),
        Binding("l", "log", "Log", tooltip="The activity log"),
        Binding("escape,f4", "leave", "Close", key_display="Esc"),
    ]

    class Listed(Message):
        """The keys were read."""

        def __init__(self, keys: tuple[DeskKey, ...], said: str) -> None:
            super().__init__()
            self.keys = keys
            self.said = said

    class Read(Message):
        """The activity log was read."""

        def __init__(self, activity: tuple[Activity, ...]) -> None:
            super().__init__()
            self.activity = activity

    class Failed(Message):
        """The desk refused."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, desk: Desk, flow: Flow, glyphs: Glyphs) -> None:
        super().__init__()
        self._desk = desk
        self._flow = flow
        self._glyphs = glyphs
        self._keys: tuple[DeskKey, ...] = ()
        self._new: NewKey | None = None
        self._delete_asked = 0.0

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(classes="dialog"):
            yield Static("The desk, the stand-in for the exchange's page", classes="title")
            yield OptionList(id="keys")
            yield Static("", id="log")
            yield Notice(self._glyphs)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the keys."""
        self._list("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to take over what was created."""
        return self._new is not None if action == "take" else True

    @work(exclusive=True, description="read the desk")
    async def _list(self, said: str) -> None:
        try:
            self.post_message(self.Listed(await self._desk.keys(), said))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, description="create a key at the desk")
    async def _create(self, kind: KeyKind, public_key: str) -> None:
        try:
            self._new = await self._desk.create(
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
                await self._desk.delete(key.api_key)
            elif action == "disable":
                await self._desk.disable(key.api_key)
            else:
                await self._desk.set_whitelist(key.api_key, self._whitelist())
            self._list(f"…{key.api_key.last_four()}: {_DONE[action]}.")
        except WizardError as error:
            self.post_message(self.Failed(error))

    @work(exclusive=True, description="read the activity log")
    async def _read_log(self) -> None:
        try:
            self.post_message(self.Read(await self._desk.activity()))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Listed)
    def show_keys(self, message: Listed) -> None:
        """Show the keys as the page would."""
        self._keys = message.keys
        options = self.query_one("#keys", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options([self._row(key) for key in message.keys] or ["No keys."])
        options.highlighted = min(highlighted or 0, max(0, len(message.keys) - 1))
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
        from wizard.tui.screens.credentials import CredentialsScreen  # noqa: PLC0415 - it imports this module

        below = self.app.screen_stack[-2]
        if isinstance(below, CredentialsScreen):
            kind, public_key = below.desk_wishes
            if kind is KeyKind.ED25519 and not public_key:
                self.query_one(Notice).note("The key pair is still being made. Try again in a moment.")
                return
            self._create(kind, public_key)
        else:
            self._create(KeyKind.HMAC, "")

    def action_take(self) -> None:
        """Hand the new key to the step below."""
        self.dismiss(self._new)

    def action_whitelist(self) -> None:
        """Paste the composed list into the highlighted key."""
        self._change("whitelist")

    def action_disable(self) -> None:
        """Switch the highlighted key off."""
        self._change("disable")

    def action_delete(self) -> None:
        """Delete the highlighted key at the second press."""
        now = time.monotonic()
        if now - self._delete_asked <= SECONDS_TO_CONFIRM:
            self._delete_asked = 0.0
            self._change("delete")
            return
        self._delete_asked = now
        key = self._highlighted()
        if key is not None:
            self.query_one(Notice).note(f"Delete …{key.api_key.last_four()} for good? Press D again.")

    def action_log(self) -> None:
        """Read the activity log."""
        self._read_log()

    def action_leave(self) -> None:
        """Go back to the step below; a new key that was not taken over stays at the desk."""
        self.dismiss(None)

    def _highlighted(self) -> DeskKey | None:
        index = self.query_one("#keys", OptionList).highlighted
        return self._keys[index] if index is not None and index < len(self._keys) else None

    def _whitelist(self) -> str:
        flow = self._flow
        return flow.context.journal.whitelist_of(flow.context.rotation) if flow.rotation else ""

    def _row(self, key: DeskKey) -> str:
        whitelist = "anywhere" if key.whitelist is None else ", ".join(key.whitelist) or "nobody"
        return f"{key.label:<8} {key.kind.label:<8} …{key.api_key.last_four()}  {key.state:<9} {whitelist}"


_DONE = {"delete": "deleted", "disable": "disabled", "whitelist": "the whitelist was saved"}
