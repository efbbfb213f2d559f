"""The part of home that deals with the place of the credentials: what can be done where it does not open."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.message import Message
from textual.screen import Screen

from wizard.core.errors import WizardError
from wizard.core.settings import Place
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import FILE_CONSENT, FILE_WORD, PASSPHRASE_CHANGED, QUESTIONS
from wizard.tui.screens.confirm import ConfirmScreen
from wizard.tui.screens.passphrase import PassphraseScreen
from wizard.tui.screens.password import PasswordScreen
from wizard.tui.screens.service import ServiceScreen
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.tui.app import WizardApp


class PlaceScreen(Screen[None]):
    """Asks for what opens the place, or for another place. A subclass opens the environments."""

    class Failed(Message):
        """Something could not be opened."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    _remedy: Remedy = Remedy.NONE
    """What a typed password can mend."""
    _is_custody_problem: bool = False
    """Whether the place of the credentials did not open."""
    _has_other_place: bool = False
    """Whether the keyring was found unusable, so that the encrypted file is offered."""

    @property
    def wizard(self) -> WizardApp:
        """The app, by its own type."""
        return cast("WizardApp", self.app)

    @property
    def notice(self) -> Notice:
        """The bar that tells what went wrong or was done."""
        return self.query_one(Notice)

    def open_highlighted(self) -> None:
        """Open the environment under the cursor, or try it again."""
        raise NotImplementedError

    def highlighted_name(self) -> str:
        """Return the name of the environment under the cursor."""
        raise NotImplementedError

    def is_at_work(self) -> bool:
        """Whether something is being opened, begun or given up: it is not to be cut by another key press."""
        return any(worker.is_running for worker in self.workers)

    def can_do(self, action: str) -> bool | None:
        """Return whether what mends the place can be done while no environment is open; None for other actions."""
        return {
            "unlock": bool(self._remedy),
            "encrypted_file": self._has_other_place,
            "service": self._is_custody_problem,
            "again": True,
        }.get(action)

    @property
    def is_file(self) -> bool:
        """Whether the place is the encrypted file."""
        custodian = self.wizard.environments.custodian
        return custodian is not None and custodian.custody.place is Place.ENCRYPTED_FILE

    def note_problem(self, error: WizardError) -> None:
        """Remember what an error says about the place."""
        custodian = self.wizard.environments.custodian
        is_custody = custodian is not None and isinstance(error, CustodyError)
        self._is_custody_problem = is_custody
        self._remedy = error.remedy if is_custody and isinstance(error, CustodyError) else Remedy.NONE
        self._has_other_place = is_custody and custodian is not None and custodian.custody.place is Place.KEYRING

    def ways_out(self) -> str:
        """Say what can be done about it."""
        ways = [f"U: {QUESTIONS[self._remedy].does}."] if self._remedy else []
        if self._has_other_place:
            ways.append("V: keep credentials in an encrypted file.")
        return " ".join([*ways, "R tries again; another environment may be open to you."])

    def action_unlock(self) -> None:
        """Ask for the password that opens the place of the credentials."""
        custodian = self.wizard.environments.custodian
        if custodian is not None and self._remedy and not self.is_at_work():
            self.app.push_screen(PasswordScreen(custodian, self._remedy, self.wizard.glyphs), self._unlocked)

    def _unlocked(self, is_open: bool | None) -> None:
        if is_open:
            self._remedy = Remedy.NONE
            self.open_highlighted()

    def action_passphrase(self) -> None:
        """Ask for the passphrase of the encrypted file so far, and for the new one."""
        custodian = self.wizard.environments.custodian
        if custodian is not None and not self.is_at_work():
            self.app.push_screen(PassphraseScreen(custodian, self.wizard.glyphs), self._changed)

    def _changed(self, is_changed: bool | None) -> None:
        if is_changed:
            self.notice.note(" ".join(PASSPHRASE_CHANGED))

    def action_service(self) -> None:
        """Show the commands for a program that runs as a service."""
        self.app.push_screen(ServiceScreen(self.highlighted_name()))

    def action_encrypted_file(self) -> None:
        """Ask for the word that chooses the encrypted file."""
        if not self.is_at_work():
            question = ConfirmScreen("Keep credentials in an encrypted file?", FILE_CONSENT, FILE_WORD)
            self.app.push_screen(question, self._choose_file)

    def _choose_file(self, typed: str | None) -> None:
        custodian = self.wizard.environments.custodian
        if not typed or custodian is None:
            return
        try:
            custodian.choose_encrypted_file()
        except WizardError as error:
            self.notice.error(error)
        else:
            self.open_highlighted()
