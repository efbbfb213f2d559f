"""Keys from outside for the Credentials step: imported, or found where they are."""

from __future__ import annotations

from textual import on, work
from textual.message import Message

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.exchange.signing import KeyPair
from wizard.intake.paste import Pair
from wizard.intake.private_keys import ImportedKey
from wizard.intake.sources import Found
from wizard.tui.screens.find_key import FindKeyScreen
from wizard.tui.screens.import_key import ImportKeyScreen
from wizard.tui.screens.instructions import at_work
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.credentials_form import CredentialsForm
from wizard.tui.widgets.secret_field import SecretField


class OutsideKeys(StepScreen):
    """Puts each value into its own field, unseen. A subclass shows the form for a kind of key."""

    class PublicKey(Message):
        """The pair is stored; its public half may be shown."""

        def __init__(self, pem: str) -> None:
            super().__init__()
            self.pem = pem

    def __init__(self) -> None:
        super().__init__()
        self._kind: KeyKind | None = None
        self._public_pem = ""
        self._imported = ""
        """The public half of an imported key; empty where the pair is made here."""

    @property
    def form(self) -> CredentialsForm:
        """The fields and what stands around them."""
        return self.query_one(CredentialsForm)

    def choose_kind(self, kind: KeyKind) -> None:
        """Show the form for a kind of key."""
        raise NotImplementedError

    def _ask_for_private_key(self) -> None:
        self.app.push_screen(ImportKeyScreen(self.wizard.glyphs), self._import)

    def _import(self, given: ImportedKey | None) -> None:
        if given is None:
            return
        if self.is_at_work("custody"):
            given.pair.private_pem.wipe()
            self.notice.note(at_work(self.flow.place))
            return
        self._public_pem = self._imported = given.pair.public_pem
        self.choose_kind(given.pair.kind)
        self.form.await_public_key(f"Storing the private key in {self.flow.place}…")
        if given.warning:
            self.notice.note(given.warning)
        self.flow.credentials.note_source(given.path)
        self._keep_imported(given.pair)

    @work(exclusive=True, group="custody", description="store an imported private key")
    async def _keep_imported(self, pair: KeyPair) -> None:
        try:
            await self.flow.credentials.import_pair(pair)
            self.post_message(self.PublicKey(pair.public_pem))
        except WizardError as error:
            self.post_message(self.Failed(error))
        finally:
            pair.private_pem.wipe()

    def action_swap(self) -> None:
        """Exchange what stands in the two fields."""
        self.form.swap()
        self.notice.note("API key and secret were exchanged.")

    def action_find(self) -> None:
        """Ask where the key in use is now."""
        screen = FindKeyScreen(self.wizard.glyphs, self.flow.context.environ, self.flow.credentials.note_source)
        self.app.push_screen(screen, self._take_found)

    def _take_found(self, found: Found | None) -> None:
        if found is None:
            return
        if self.is_at_work("custody"):
            found.pair.wipe()
            self.notice.note(at_work(self.flow.place))
            return
        self.choose_kind(KeyKind.HMAC)
        self._fill_pair(found.pair)
        self.flow.credentials.note_source(found.path)
        if found.warning:
            self.notice.note(f"Read from {found.place}. {found.warning}")
        else:
            stores = f"Enter stores it in {self.flow.place}; nothing is changed there."
            self.notice.good(f"Read from {found.place}. {stores}")

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
