"""The passphrase of the encrypted file is changed: the one so far, and the new one twice."""

from __future__ import annotations

from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.custody.custodian import Custodian
from wizard.custody.questions import NEW_PASSPHRASE, OLD_PASSPHRASE
from wizard.tui.screens.password_dialog import AGAIN, PasswordDialog

_FIELDS = {"old": "the passphrase so far", "new": "the new passphrase", AGAIN: "the new one once more"}


class PassphraseScreen(PasswordDialog):
    """Asks until it is changed, or until the user gives up: the file opens with the old one or with the new one.

    Args:
        custodian: Whose file it is.
        glyphs: The signs for the fields.
    """

    def __init__(self, custodian: Custodian, glyphs: Glyphs) -> None:
        super().__init__(OLD_PASSPHRASE.title, f"{OLD_PASSPHRASE.text} {NEW_PASSPHRASE.text}", _FIELDS, glyphs)
        self._custodian = custodian

    async def act(self, *entered: Secret) -> None:
        """Change it."""
        await self._custodian.change_passphrase(*entered)
