"""The Credentials step: what to do on the exchange's page, and where the result goes in.

A value leaves its field only after the keyring has given it back unchanged; until then it stays
where the user typed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.credentials import KeyKind
from wizard.errors import WizardError
from wizard.exchange.keys import KeyPair
from wizard.intake.pairs import Pair
from wizard.intake.private_keys import ImportedKey
from wizard.intake.sources import Found
from wizard.rehearsal.desk import NewKey
from wizard.rotation.model import Finding, Mode, Step
from wizard.secret import Secret
from wizard.tui.screens.find_key import FindKeyScreen
from wizard.tui.screens.import_key import ImportKeyScreen
from wizard.tui.screens.instructions import (
    CHOICES,
    IMPORT,
    IMPORT_CHOICE,
    IN_USE,
    WHICH_IN_USE,
    choice,
    instructions,
    where_to_create,
)
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.credentials_form import CredentialsForm, Entered, EntryRefused
from wizard.tui.widgets.secret_field import SecretField

_TAKEN = "It was taken as the {}, unseen: a key and a secret look the same."
_MAY_BE_OTHER = "Should it be the other one, F5 exchanges the two."
_CHOOSE_KIND = "It waits in its field: choose the kind of key."
_AT_WORK = "The keyring is still at work."
_NO_ROOM = "Both fields are filled already; nothing was changed. Ctrl+U empties a field."


class CredentialsScreen(StepScreen):
    """Takes the new key in, stores it, reads it back."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "credentials.tcss"]
    STEP = Step.CREDENTIALS
    HELP = (
        "Create the new key on the exchange's page with the whitelist of the step before. With Ed25519 the pair is"
        " made here and kept in the keyring before its public half is shown; only the API key comes back. With HMAC"
        " the page shows a secret once: paste both, one by one or in one paste, also as KEY=… lines or JSON; names tell"
        " them apart, else the first is taken as the API key. Enter in the last field writes to the keyring, reads"
        " back and compares. A private key of your own is imported from a PEM file or pasted. Fields are masked and"
        " cannot be copied from."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "copy_whitelist", "List", key_display="F2", tooltip="Ask the terminal to copy the whitelist"),
        Binding("f3", "copy_public_key", "Key", key_display="F3", tooltip="Copy the public key"),
        Binding(
            "f9", "find", "Read", key_display="F9", tooltip="Read the key from the environment, a .env or a bot's file"
        ),
        Binding("f5", "swap", "Swap", key_display="F5", show=False, tooltip="Exchange the API key and the secret"),
        Binding("f6", "kind", "Kind", key_display="F6", tooltip="Choose the kind of key, or import a private key"),
    ]

    class PublicKey(Message):
        """The pair is in the keyring; its public half may be shown."""

        def __init__(self, pem: str) -> None:
            super().__init__()
            self.pem = pem

    class Stored(Message):
        """The credentials were read back from the keyring."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    def __init__(self) -> None:
        super().__init__()
        self._kind: KeyKind | None = None
        self._public_pem = ""
        self._pair_kind: KeyKind | None = None
        """Whose public half `_public_pem` is."""
        self._imported = ""
        """The public half of an imported key; empty where the pair is made here."""
        self._unusual = ""
        """What was said of the values that Enter would store next; a second Enter stores them all the same."""

    @property
    def form(self) -> CredentialsForm:
        """The fields and what stands around them."""
        return self.query_one(CredentialsForm)

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the choice and the two fields; what applies is shown."""
        glyphs, may_reveal = self.wizard.glyphs, self.flow.context.environment.may_reveal
        yield Static(self._lede(), classes="lede", markup=False)
        yield OptionList(*(Option(choice(texts), id=kind) for kind, texts in self._choices().items()), id="kinds")
        yield CredentialsForm(glyphs, may_reveal=may_reveal, id="form")

    def on_mount(self) -> None:
        """Ask for the kind first."""
        super().on_mount()
        self.action_kind()
        if self._is_adopting:
            # The usual kind of a key in use; F6 leads to the other one.
            self._choose(KeyKind.HMAC)
        if pending := self.flow.credentials.pending:
            self.notice.note(f"{pending.name} is stored already. ^N goes on with it; another one takes its place.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show the copy keys where there is something to copy."""
        if action == "copy_public_key":
            return bool(self._public_pem) and self._kind is not KeyKind.HMAC and not self._is_adopting
        if action == "find":
            return self._is_adopting
        if action == "kind":
            return self._kind is not None
        if action == "swap":
            return self._kind is KeyKind.HMAC and self.form.display
        if action == "copy_whitelist":
            return bool(self._whitelist())
        return super().check_action(action, parameters)

    @on(OptionList.OptionSelected, "#kinds")
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Show the form for the kind, or ask for the private key first."""
        event.stop()
        if event.option_id == IMPORT:
            self._ask_for_private_key()
            return
        kind = KeyKind(str(event.option_id))
        if self._imported or kind is not self._pair_kind:
            self._public_pem = self._imported = ""
        self._choose(kind)

    def _ask_for_private_key(self, pem: Secret | None = None) -> None:
        self.app.push_screen(ImportKeyScreen(self.wizard.glyphs, pem), self._import)

    def _import(self, given: ImportedKey | Pair | Secret | None) -> None:
        if given is None:
            return
        if not isinstance(given, ImportedKey):
            self._take_misplaced(given)
            return
        if self.is_at_work("custody"):
            given.pair.private_pem.wipe()
            self.notice.note(_AT_WORK)
            return
        self._public_pem = self._imported = given.pair.public_pem
        self._choose(given.pair.kind)
        self.form.await_public_key("Storing the private key in the keyring…")
        if given.warning:
            self.notice.note(given.warning)
        self.flow.elsewhere.note(given.path)
        self._keep_imported(given.pair)

    def _take_misplaced(self, given: Pair | Secret) -> None:
        """Take a key to its own field that was given where a path belongs."""
        if isinstance(given, Pair):
            self._choose(KeyKind.HMAC)
            self._fill_pair(given)
        elif "-----" in given.reveal():
            self._ask_for_private_key(given)
        else:
            name = self.form.put(given)
            given.wipe()
            if self.form.display:
                self.form.focus_what_is_missing()
            more = _MAY_BE_OTHER if self.form.display else _CHOOSE_KIND
            self.notice.note(f"{_TAKEN.format(name)} {more}" if name else _NO_ROOM)

    @work(exclusive=True, group="custody", description="store an imported private key")
    async def _keep_imported(self, pair: KeyPair) -> None:
        try:
            await self.flow.credentials.import_pair(pair)
            self.post_message(self.PublicKey(pair.public_pem))
        except WizardError as error:
            self.post_message(self.Failed(error))
        finally:
            pair.private_pem.wipe()

    def _choices(self) -> dict[str, tuple[str, str]]:
        # A pair made here cannot be the one of a key that is in use already.
        kinds = {str(kind): texts for kind, texts in CHOICES.items()}
        return {**({"hmac": kinds["hmac"]} if self._is_adopting else kinds), IMPORT: IMPORT_CHOICE}

    def _choose(self, kind: KeyKind) -> None:
        if self._kind is not None and kind is not self._kind:
            self.form.clear()
        self._kind = kind
        self.query_one("#kinds").display = False
        self.form.display = True
        self.form.show(kind, self._instructions(kind))
        if kind is not KeyKind.HMAC and not self._public_pem:
            self.form.await_public_key("Making the pair and storing it in the keyring…")
            self._make_pair(kind)
        self.refresh_bindings()

    def action_kind(self) -> None:
        """Go back to the choice; what is typed stays in the fields."""
        self.form.display = False
        self.query_one("#kinds").display = True
        self.query_one("#kinds", OptionList).focus()

    def action_swap(self) -> None:
        """Exchange what stands in the two fields."""
        self.form.swap()
        self.notice.note("API key and secret were exchanged.")

    def action_find(self) -> None:
        """Ask where the key in use is now."""
        self.app.push_screen(FindKeyScreen(self.wizard.glyphs, self.flow.context.environ), self._take_found)

    def _take_found(self, found: Found | Pair | Secret | None) -> None:
        if found is None:
            return
        if not isinstance(found, Found):
            self._take_misplaced(found)
            return
        if self.is_at_work("custody"):
            found.pair.wipe()
            self.notice.note(_AT_WORK)
            return
        self._choose(KeyKind.HMAC)
        self._fill_pair(found.pair)
        self.flow.elsewhere.note(found.path)
        if found.warning:
            self.notice.note(f"Read from {found.place}. {found.warning}")
        else:
            self.notice.good(f"Read from {found.place}. Enter stores it in the keyring; nothing is changed there.")

    def action_next(self) -> None:
        """Go on, once a key is stored and was read back."""
        if self.is_at_work("custody"):
            self.notice.note(_AT_WORK)
            return
        if self.flow.credentials.pending is None:
            self.notice.note("No new key is stored yet. Enter in the last field stores it.")
            return
        super().action_next()

    def action_back(self) -> None:
        """Go back, but not while the keyring is at work: leaving would cut it off."""
        if self.is_at_work("custody"):
            self.notice.note(_AT_WORK)
        else:
            super().action_back()

    def action_copy_whitelist(self) -> None:
        """Copy the list for the page."""
        self._copy(self._whitelist(), f"Asked the terminal to copy: {self._whitelist()}")

    def action_copy_public_key(self) -> None:
        """Copy the public key for the page."""
        self._copy(self._public_pem, "Asked the terminal to copy the public key.")

    def _copy(self, text: str, said: str) -> None:
        try:
            self.wizard.copy_public_text(text)
        except WizardError as error:
            self.notice.error(error)
            return
        self.notice.good(said)

    @work(exclusive=True, group="custody", description="make a key pair")
    async def _make_pair(self, kind: KeyKind) -> None:
        try:
            pem = await self.flow.credentials.public_key(kind)
            if kind is self._kind:
                self.post_message(self.PublicKey(pem))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(PublicKey)
    def show_public_key(self, message: PublicKey) -> None:
        """Show the public half."""
        self._public_pem, self._pair_kind = message.pem, self._kind
        self.form.show_public_key(message.pem)
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
        if self.is_at_work("custody"):
            self.notice.note(_AT_WORK)
            return
        self.notice.clear()
        entered = self._read_form()
        if entered is not None:
            self.form.say("Writing to the keyring, reading back, comparing…")
            self._store(entered)

    @work(exclusive=True, group="custody", description="store the credentials")
    async def _store(self, entered: Entered) -> None:
        try:
            self.post_message(self.Stored(await self._kept(entered)))
        except WizardError as error:
            self.post_message(self.Failed(error))
        finally:
            entered.wipe()

    async def _kept(self, entered: Entered) -> Finding:
        step, api_key = self.flow.credentials, entered.api_key
        if entered.secret is not None:
            return await step.store_hmac(api_key, entered.secret)
        if self._imported:
            return await step.store_imported(api_key, self._imported)
        return await (step.store_rsa(api_key) if self._kind is KeyKind.RSA else step.store_ed25519(api_key))

    @on(Stored)
    def go_to_probe(self, message: Stored) -> None:
        """Empty the fields only now, and go on."""
        self.wizard.forget_entered()
        self.wizard.announce(message.finding)
        super().action_next()

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

    @on(SecretField.Rejected)
    @on(SecretField.Cleaned)
    def tell_about_field(self, message: SecretField.Rejected | SecretField.Cleaned) -> None:
        """Say what a field did not take."""
        self.notice.note(message.reason if isinstance(message, SecretField.Rejected) else message.note)

    def on_step_screen_failed(self, message: StepScreen.Failed) -> None:
        """Show the error; what was typed is still in the fields."""
        super().on_step_screen_failed(message)
        self.form.say("Nothing was lost. Enter in the last field tries again.")

    def desk_closed(self, result: object) -> None:
        """Fill the fields with the key that the desk handed over."""
        if not isinstance(result, NewKey) or self._kind is None:
            return
        self.form.clear()
        self.form.fill(result.api_key, result.secret if self._kind is KeyKind.HMAC else None)
        self.notice.good("The new key was taken over from the desk. Enter stores it.")

    @property
    def desk_wishes(self) -> tuple[KeyKind, str] | None:
        """What a key made at the desk should be: its kind and, for Ed25519, the public key; None before the choice."""
        return (self._kind, self._public_pem) if self._kind else None

    @property
    def _is_adopting(self) -> bool:
        return self.flow.rotation is not None and self.flow.context.rotation.mode is Mode.ADOPT

    def _read_form(self) -> Entered | None:
        try:
            entered = self.form.read()
        except EntryRefused as error:
            self.notice.error(error)
            return None
        if entered.notes and entered.notes != self._unusual:
            self._unusual = entered.notes
            self.notice.note(f"{entered.notes} Enter again stores it all the same.")
            entered.wipe()
            return None
        return entered

    def _instructions(self, kind: KeyKind) -> str:
        if self._is_adopting:
            return IN_USE
        return instructions(kind, self._whitelist(), has_current=self.flow.current is not None)

    def _lede(self) -> str:
        if self._is_adopting:
            return WHICH_IN_USE
        return where_to_create(self.flow.context.environment.site.key_page, has_desk=self.wizard.world.desk is not None)

    def _whitelist(self) -> str:
        return self.flow.context.journal.whitelist_of(self.flow.context.rotation) if self.flow.rotation else ""
