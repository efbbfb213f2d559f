"""The simulated page: in a rehearsal, what the exchange's API-management page would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, OptionList, Static

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage
from wizard.steps.consents import deleting
from wizard.steps.credentials import whitelist_to_paste
from wizard.steps.guide import SIMULATED_PAGE
from wizard.steps.simulated_page import LOG_LINES, NOT_CALLED, callers, change, create, name
from wizard.tui.session import Dialog
from wizard.tui.widgets.basics import OptionRows
from wizard.tui.widgets.notice import Notice


class SimulatedPageScreen(Dialog[NewKey | None]):
    """Keys of the embedded exchange: create, restrict, disable, delete, and the activity log.

    Args:
        simulated_page: The stand-in for the exchange's page.
        wanted: Returns what a new key should be, its kind and its public key; None where the step takes none.
    """

    CSS_PATH = "simulated_page.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "create", "New", tooltip="Create a key with the composed whitelist"),
        Binding("t", "take", "Take", tooltip="Put the new key into the fields of the step below"),
        Binding("w", "change('whitelist')", "List", tooltip="Paste the composed whitelist into the key"),
        Binding("p", "change('permissions')", "Rights", tooltip="Switch on for the key what the other keys may do"),
        Binding("x", "change('disable')", "Off", tooltip="Switch the key off"),
        Binding("d", "delete", "Delete", tooltip="Delete the key for good; press it twice"),
        Binding("l", "log", "Log", tooltip="The activity log"),
        # The frame names it: the footer of 60 columns has no room for it.
        Binding("escape,f4", "leave", "Close", show=False),
    ]

    HELP = SIMULATED_PAGE.about

    def __init__(self, simulated_page: SimulatedPage, wanted: Callable[[], tuple[KeyKind, str] | None]) -> None:
        super().__init__()
        self._simulated_page = simulated_page
        self._wanted = wanted
        self._keys: tuple[ListedKey, ...] = ()
        self._asked_to_delete = ""
        """The fingerprint of the key that a second D deletes."""

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Esc closes this."
            yield Static(SIMULATED_PAGE.question, classes="title")
            yield OptionRows(id="keys")
            yield Static("", id="log", markup=False)
            yield Notice(self.glyphs)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the keys."""
        self.start(self._simulated_page.keys, partial(self.show_keys, ""), doing="read the keys", group="page")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to take over what was created."""
        return self.session.created_key is not None and self._wanted() is not None if action == "take" else True

    def _act(self, work: Callable[[], Awaitable[str]]) -> None:
        """Do one thing on the page, and list the keys anew, with what was done."""

        async def act() -> tuple[str, tuple[ListedKey, ...]]:
            return await work(), await self._simulated_page.keys()

        self.start(act, lambda done: self.show_keys(*done), doing="use the simulated page", group="page")

    async def _create(self, kind: KeyKind, public_key: str) -> str:
        self.session.created_key = await create(self._simulated_page, kind, public_key, whitelist_to_paste(self.flow))
        return "The key was created. T takes it over into the wizard."

    def show_keys(self, said: str, keys: tuple[ListedKey, ...]) -> None:
        """Show the keys as the page would."""
        known, self._keys = len(self._keys), keys
        options = self.query_one("#keys", OptionList)
        highlighted = options.highlighted
        options.clear_options()
        options.add_options([Content(self._row(key)) for key in keys] or [Content("No keys.")])
        is_more = len(keys) > known
        last = max(0, len(keys) - 1)
        options.highlighted = last if is_more and known else min(highlighted or 0, last)
        options.focus()
        if said:
            self.notice.good(said)
        self.refresh_bindings()

    def show_log(self, activity: tuple[Activity, ...]) -> None:
        """Show the newest lines of the log."""
        lines = [
            f"{utc(line.at)[11:19]}  …{line.api_key.last_four() or '????'}  {line.address:<15}"
            f"  {line.code or 'ok':>6}  {line.path}"
            for line in activity[-LOG_LINES:]
        ]
        self.query_one("#log", Static).update("\n".join(lines) or NOT_CALLED)

    def action_create(self) -> None:
        """Create a key of the kind that the step below asks for."""
        wanted = self._wanted()
        if wanted is None:
            self.notice.note("A new key is made in the Credentials step, after its kind was chosen.")
        elif wanted[0] is not KeyKind.HMAC and not wanted[1]:
            self.notice.note("The key pair is still being made. Try again in a moment.")
        else:
            self._act(partial(self._create, *wanted))

    def action_take(self) -> None:
        """Hand the new key to the step below."""
        self.dismiss(self.session.created_key)

    def action_change(self, what: str) -> None:
        """Change the highlighted key in one respect."""
        if key := self._highlighted():
            self._act(partial(change, self._simulated_page, what, key, self._keys, whitelist_to_paste(self.flow)))

    def action_delete(self) -> None:
        """Delete the highlighted key at the second press."""
        key = self._highlighted()
        if key is None:
            return
        fingerprint = key.api_key.fingerprint()
        if self._asked_to_delete == fingerprint:
            self._asked_to_delete = ""
            self.action_change("delete")
            return
        self._asked_to_delete = fingerprint
        self.notice.note(f"{deleting(name(key)).title} Press D again.")

    @on(OptionList.OptionHighlighted)
    def disarm(self) -> None:
        """A question about one key is not an answer about another."""
        key = self._highlighted()
        if key is not None and self._asked_to_delete not in ("", key.api_key.fingerprint()):
            self._asked_to_delete = ""
            self.notice.clear()

    def action_log(self) -> None:
        """Read the activity log."""
        self.start(self._simulated_page.activity, self.show_log, doing="read the activity log", group="page")

    def action_leave(self) -> None:
        """Go back to the step below; a new key that was not taken over stays on the simulated page."""
        self.dismiss(None)

    def _highlighted(self) -> ListedKey | None:
        index = self.query_one("#keys", OptionList).highlighted
        return self._keys[index] if index is not None and index < len(self._keys) else None

    def _role(self, key: ListedKey) -> str:
        """The slot that the wizard knows the key by, else the page's own label."""
        fingerprint = key.api_key.fingerprint()
        records = self.flow.context.journal.keys(self.flow.context.environment.name)
        slots = [str(record.slot) for record in records if record.name.fingerprint == fingerprint]
        return slots[-1] if slots else key.label

    def _row(self, key: ListedKey) -> str:
        return f"{self._role(key):<8} {key.kind.label:<8} {name(key)}  {key.state:<9} {callers(key)}"
