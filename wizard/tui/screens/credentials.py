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

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.intake.paste import IntakeError
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.model import Finding, Mode, Step
from wizard.tui.screens.instructions import (
    CHOICES,
    HELP,
    IMPORT,
    IMPORT_CHOICE,
    IN_USE,
    WHICH_IN_USE,
    WHICH_KIND,
    at_work,
    choice,
    instructions,
    where_to_create,
)
from wizard.tui.screens.outside_keys import OutsideKeys
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.credentials_form import CredentialsForm, Entered
from wizard.tui.widgets.option_rows import OptionRows
from wizard.tui.widgets.secret_field import SecretField


class CredentialsScreen(OutsideKeys):
    """Takes the new key in, stores it, reads it back."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "credentials.tcss"]
    STEP = Step.CREDENTIALS
    HELP = HELP
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

    class Stored(Message):
        """The credentials were read back from the keyring."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    def __init__(self) -> None:
        super().__init__()
        self._pair_kind: KeyKind | None = None
        """Whose public half is shown."""
        self._unusual = ""
        """What was said of the values that Enter would store next; a second Enter stores them all the same."""

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the choice and the two fields; what applies is shown."""
        glyphs = self.wizard.glyphs
        yield Static(self._lede(), classes="lede", markup=False)
        yield OptionRows(*(Option(choice(texts), id=kind) for kind, texts in self._choices().items()), id="kinds")
        yield CredentialsForm(glyphs, id="form")

    def on_mount(self) -> None:
        """Ask for the kind first."""
        super().on_mount()
        self.action_kind()
        if self._is_adopting:
            # The usual kind of a key in use; F6 leads to the other one.
            self.choose_kind(KeyKind.HMAC)
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
        if self.flow.credentials.pending is None:
            self.notice.clear()
        if event.option_id == IMPORT:
            self._ask_for_private_key()
            return
        kind = KeyKind(str(event.option_id))
        if self._imported or kind is not self._pair_kind:
            self._public_pem = self._imported = ""
        self.choose_kind(kind)

    def _choices(self) -> dict[str, tuple[str, str]]:
        # A pair made here cannot be the one of a key that is in use already.
        kinds = {str(kind): texts for kind, texts in CHOICES.items()}
        return {**({"hmac": kinds["hmac"]} if self._is_adopting else kinds), IMPORT: IMPORT_CHOICE}

    def choose_kind(self, kind: KeyKind) -> None:
        """Show the form for a kind of key, and make its pair where it has one."""
        if self._kind is not None and kind is not self._kind:
            self.form.clear()
        self._kind = kind
        self.query_one(".lede", Static).update(self._lede())
        self.query_one("#kinds").display = False
        self.form.display = True
        self.form.show(kind, self._instructions(kind))
        if kind is not KeyKind.HMAC and not self._public_pem:
            self.form.await_public_key(f"Making the pair and storing it in {self.flow.place}…")
            self._make_pair(kind)
        self.refresh_bindings()

    def action_kind(self) -> None:
        """Go back to the choice; what is typed stays in the fields."""
        self.query_one(".lede", Static).update(WHICH_KIND)
        self.form.display = False
        self.query_one("#kinds").display = True
        self.query_one("#kinds", OptionList).focus()

    def action_next(self) -> None:
        """Go on, once a key is stored and was read back."""
        if self.is_at_work("custody"):
            self.notice.note(at_work(self.flow.place))
            return
        if self.flow.credentials.pending is None:
            way = "Enter in the last field stores it." if self.form.display else "Choose its kind first, with Enter."
            self.notice.note(f"No new key is stored yet. {way}")
            return
        super().action_next()

    def action_back(self) -> None:
        """Go back, but not while the keyring is at work: leaving would cut it off."""
        if self.is_at_work("custody"):
            self.notice.note(at_work(self.flow.place))
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

    @on(OutsideKeys.PublicKey)
    def show_public_key(self, message: OutsideKeys.PublicKey) -> None:
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
            self.notice.note(at_work(self.flow.place))
            return
        self.notice.clear()
        entered = self._read_form()
        if entered is not None:
            self.form.say(f"Writing to {self.flow.place}, reading back, comparing…")
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
        return await step.store_made(api_key, self._kind or KeyKind.ED25519)

    @on(Stored)
    def go_to_probe(self, message: Stored) -> None:
        """Empty the fields only now, and go on."""
        self.wizard.forget_entered()
        self.wizard.announce(message.finding)
        super().action_next()

    def on_step_screen_failed(self, message: StepScreen.Failed) -> None:
        """Show the error; what was typed is still in the fields."""
        super().on_step_screen_failed(message)
        self.form.say("Nothing was lost. Enter in the last field tries again.")

    def simulated_page_closed(self, result: object) -> None:
        """Fill the fields with the key that the simulated page handed over."""
        if not isinstance(result, NewKey) or self._kind is None:
            return
        self.form.clear()
        self.form.fill(result.api_key, result.secret if self._kind is KeyKind.HMAC else None)
        self.notice.good("The new key was taken over from the desk. Enter stores it.")

    @property
    def wanted_key(self) -> tuple[KeyKind, str] | None:
        """The kind of key that is to be made and, for Ed25519, its public key; None before the choice."""
        return (self._kind, self._public_pem) if self._kind else None

    @property
    def _is_adopting(self) -> bool:
        return self.flow.rotation is not None and self.flow.context.rotation.mode is Mode.ADOPT

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
        if self._is_adopting:
            return IN_USE
        return instructions(kind, self._whitelist(), has_current=self.flow.current is not None)

    def _lede(self) -> str:
        if self._is_adopting:
            return WHICH_IN_USE
        return where_to_create(
            self.flow.context.environment.site.key_page,
            has_simulated_page=self.wizard.environments.simulated_page is not None,
        )

    def _whitelist(self) -> str:
        return self.flow.context.journal.whitelist_of(self.flow.context.rotation) if self.flow.rotation else ""
