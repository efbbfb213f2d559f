"""The Credentials step: what to do on the exchange's page, and where the result goes in.

A value leaves its field only after the keyring has given it back unchanged; until then it stays
where the user typed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.text import capitalised
from wizard.exchange.signing import KeyPair
from wizard.intake.paste import IntakeError, Pair
from wizard.intake.private_keys import ImportedKey
from wizard.intake.sources import Found
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.model import Finding, Step
from wizard.steps import credentials
from wizard.steps.guide import STEPS
from wizard.tui.screens.key_files import FindKeyScreen, ImportKeyScreen
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.basics import OptionRows
from wizard.tui.widgets.credentials_form import CredentialsForm, Entered
from wizard.tui.widgets.secret_field import SecretField

_LAST = {
    KeyKind.HMAC: "Paste here what the page shows once:",
    KeyKind.ED25519: "Choose “Self-generated” and paste this key (F3 copies):",
    KeyKind.RSA: "Choose “Self-generated” and paste the public key below (F3 copies, Ctrl+Down scrolls); then enter:",
}


class CredentialsScreen(StepScreen):
    """Takes the new key in, stores it, reads it back."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "credentials.tcss"]
    STEP = Step.CREDENTIALS
    HELP = STEPS[STEP].about
    BINDINGS: ClassVar[list[BindingType]] = [
        # The instructions name both, and the footer of 60 columns has no room for them.
        Binding("f2", "copy_whitelist", show=False),
        Binding("f3", "copy_public_key", show=False),
        Binding(
            "f9", "find", "Read", key_display="F9", tooltip="Read the key from the environment, a .env or a bot's file"
        ),
        Binding("f5", "swap", "Swap", key_display="F5", show=False, tooltip="Exchange the API key and the secret"),
        Binding("f6", "kind", "Kind", key_display="F6", tooltip="Choose the kind of key, or import a private key"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._kind: KeyKind | None = None
        self._public_pem = ""
        self._is_imported = False
        """Whether it is an imported key's."""
        self._pair_kind: KeyKind | None = None
        """Whose public half is shown."""
        self._unusual = ""
        """What was said of the values that Enter would store next; a second Enter stores them all the same."""

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the choice and the two fields; what applies is shown."""
        choices = credentials.choices(self.flow).items()
        yield Static(self._where(), classes="lede", markup=False)
        yield OptionRows(*(Option(_choice(*texts), id=kind) for kind, texts in choices), id="kinds")
        yield CredentialsForm(self.glyphs, id="form")

    def on_mount(self) -> None:
        """Ask for the kind first."""
        super().on_mount()
        self.action_kind()
        if credentials.is_adopting(self.flow):
            # The usual kind of a key in use; F6 leads to the other one.
            self.choose_kind(KeyKind.HMAC)
        if pending := self.flow.credentials.pending:
            self.notice.note(f"{pending.name} is stored already. ^N goes on with it; another one takes its place.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show the copy keys where there is something to copy."""
        is_adopting = credentials.is_adopting(self.flow)
        shown = {
            "copy_public_key": bool(self._public_pem) and self._kind is not KeyKind.HMAC and not is_adopting,
            "copy_whitelist": bool(credentials.whitelist_to_paste(self.flow)),
            "find": is_adopting,
            "kind": self._kind is not None,
            "swap": self._kind is KeyKind.HMAC and self.form.display,
        }
        return shown[action] if action in shown else super().check_action(action, parameters)

    @on(OptionList.OptionSelected, "#kinds")
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Show the form for the kind, or ask for the private key first."""
        event.stop()
        if self.flow.credentials.pending is None:
            self.notice.clear()
        if event.option_id == credentials.IMPORT:
            self.app.push_screen(ImportKeyScreen(), self._import)
            return
        kind = KeyKind(str(event.option_id))
        if self._is_imported or kind is not self._pair_kind:
            self._public_pem, self._is_imported = "", False
        self.choose_kind(kind)

    def choose_kind(self, kind: KeyKind) -> None:
        """Show the form for a kind of key, and make its pair where it has one."""
        if self._kind is not None and kind is not self._kind:
            self.form.clear()
        self._kind = kind
        self.query_one(".lede", Static).update(self._where())
        self.query_one("#kinds").display = False
        self.form.display = True
        self.form.show(kind, self._instructions(kind))
        if kind is not KeyKind.HMAC and not self._public_pem:
            self.form.await_public_key(f"Making the pair and storing it in {self.flow.place}…")
            make = partial(self.flow.credentials.public_key, kind)
            self.start(make, partial(self._show_made, kind), doing="make a key pair")
        self.refresh_bindings()

    def action_kind(self) -> None:
        """Go back to the choice; what is typed stays in the fields."""
        self.query_one(".lede", Static).update(f"{STEPS[self.STEP].question} Arrows choose, Enter takes it.")
        self.form.display = False
        self.query_one("#kinds").display = True
        self.query_one("#kinds", OptionList).focus()

    def action_next(self) -> None:
        """Go on, once a key is stored and was read back."""
        if self._is_busy():
            return
        if self.flow.credentials.pending is None:
            way = "Enter in the last field stores it." if self.form.display else "Choose its kind first, with Enter."
            self.notice.note(f"No new key is stored yet. {way}")
            return
        super().action_next()

    def action_back(self) -> None:
        """Go back, but not while the keyring is at work: leaving would cut it off."""
        if not self._is_busy():
            super().action_back()

    def _is_busy(self) -> bool:
        """Whether the place of the credentials is at work; then it is said."""
        is_busy = self.is_at_work()
        if is_busy:
            self.notice.note(f"{capitalised(self.flow.place)} is still at work.")
        return is_busy

    def action_copy_whitelist(self) -> None:
        """Copy the list for the page."""
        whitelist = credentials.whitelist_to_paste(self.flow)
        self.copy(whitelist, f": {whitelist}")

    def action_copy_public_key(self) -> None:
        """Copy the public key for the page."""
        self.copy(self._public_pem, " the public key.")

    def _show_made(self, kind: KeyKind, pem: str) -> None:
        if kind is self._kind:  # else another one was chosen meanwhile
            self.show_public_key(pem)

    def show_public_key(self, pem: str) -> None:
        """Show the public half of the pair that is stored."""
        self._public_pem, self._pair_kind = pem, self._kind
        self.form.show_public_key(pem)
        self.refresh_bindings()

    @on(SecretField.Submitted, "#api-key")
    def api_key_entered(self) -> None:
        """Go on to the secret, or store."""
        if self._kind is KeyKind.HMAC:
            self.query_one("#secret", SecretField).focus()
        else:
            self.store()

    @on(SecretField.Submitted, "#secret")
    def store(self) -> None:
        """Judge the shapes, then write to the keyring."""
        if self._is_busy():
            return
        self.notice.clear()
        entered = self._read_form()
        if entered is not None:
            self.form.say(f"Writing to {self.flow.place}, reading back, comparing…")
            self.start(partial(self._store, entered), self.go_to_probe, doing="store the credentials")

    async def _store(self, entered: Entered) -> Finding:
        try:
            return await credentials.store(self.flow, entered.api_key, entered.secret, self._public_pem)
        finally:
            entered.wipe()

    def go_to_probe(self, finding: Finding) -> None:
        """Empty the fields only now, and go on."""
        self.session.wipe_entered()
        self.session.announced = finding
        super().action_next()

    def show_error(self, error: WizardError) -> None:
        """Show the error; what was typed is still in the fields."""
        super().show_error(error)
        self.form.say("Nothing was lost. Enter in the last field tries again.")

    def _import(self, given: ImportedKey | None) -> None:
        if given is None:
            return
        if self._is_busy():
            given.pair.private_pem.wipe()
            return
        self._public_pem, self._is_imported = given.pair.public_pem, True
        self.choose_kind(given.pair.kind)
        self.form.await_public_key(f"Storing the private key in {self.flow.place}…")
        if given.warning:
            self.notice.note(given.warning)
        self.flow.credentials.note_source(given.path)
        self.start(partial(self._store_pair, given.pair), self.show_public_key, doing="store an imported private key")

    async def _store_pair(self, pair: KeyPair) -> str:
        try:
            await self.flow.credentials.import_pair(pair)
        finally:
            pair.private_pem.wipe()
        return pair.public_pem

    def action_find(self) -> None:
        """Ask where the key in use is now."""
        self.app.push_screen(FindKeyScreen(), self._take_found)

    def _take_found(self, found: Found | None) -> None:
        if found is None:
            return
        if self._is_busy():
            found.pair.wipe()
            return
        self.choose_kind(KeyKind.HMAC)
        self._fill_pair(found.pair)
        if found.warning:
            self.notice.note(f"Read from {found.place}. {found.warning}")
        else:
            stores = f"Enter stores it in {self.flow.place}; nothing is changed there."
            self.notice.good(f"Read from {found.place}. {stores}")

    def action_swap(self) -> None:
        """Exchange what stands in the two fields."""
        self.form.swap()
        self.notice.note("API key and secret were exchanged.")

    @on(SecretField.PairPasted)
    def take_pair(self, message: SecretField.PairPasted) -> None:
        """Put each value into its own field, unless a key pair signs."""
        if message.pair.secret and self._kind is not KeyKind.HMAC:
            message.pair.wipe()
            self.notice.note("The paste holds a secret: that is an HMAC key. F6 chooses HMAC. Nothing was taken.")
            return
        self._fill_pair(message.pair)

    def _fill_pair(self, pair: Pair) -> None:
        self.form.fill(pair.api_key, pair.secret)
        self.notice.good(pair.described())
        pair.wipe()

    @on(SecretField.Noted)
    def show_note(self, message: SecretField.Noted) -> None:
        """Say what a field did not take."""
        self.notice.note(message.note)

    def simulated_page_closed(self, result: object) -> None:
        """Fill the fields with the key that the simulated page handed over."""
        if not isinstance(result, NewKey) or self._kind is None:
            return
        self.form.clear()
        self.form.fill(result.api_key, result.secret if self._kind is KeyKind.HMAC else None)
        self.notice.good("The new key was taken over from the desk. Enter stores it.")

    def wanted_key(self) -> tuple[KeyKind, str] | None:
        """Return the kind that was chosen and, for a pair, its public key; None before the choice."""
        return (self._kind, self._public_pem) if self._kind else None

    @property
    def form(self) -> CredentialsForm:
        """The fields and what stands around them."""
        return self.query_one(CredentialsForm)

    def _read_form(self) -> Entered | None:
        try:
            entered = self.form.read()
        except IntakeError as error:
            self.notice.error(error)
            return None
        if entered.notes and entered.notes != self._unusual:
            self._unusual = entered.notes
            self.notice.note(f"{entered.notes} Enter again stores it all the same.")
            entered.wipe()
            return None
        return entered

    def _instructions(self, kind: KeyKind) -> str:
        if credentials.is_adopting(self.flow):
            return "Enter the key that your software uses now, or read it from its file (F9)."
        lines = credentials.instructions(self.flow, _LAST[kind], " (F2 copies)")
        return "\n".join(f"{number} {line}" for number, line in enumerate(lines, 1))

    def _where(self) -> str:
        return credentials.where_to_create(self.flow, "F4" if self.session.environments.simulated_page else "")


def _choice(title: str, text: str) -> Content:
    return Content.from_markup("[b]$title[/]\n  [$text-muted]$text[/]", title=title, text=text)
