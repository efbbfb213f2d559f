"""A password that opens the place of the credentials."""

from __future__ import annotations

from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.custody.custodian import Custodian
from wizard.custody.errors import Remedy
from wizard.custody.questions import QUESTIONS
from wizard.tui.screens.password_dialog import AGAIN, PasswordDialog


class PasswordScreen(PasswordDialog):
    """Asks until it opens, or until the user gives up.

    Args:
        custodian: What is to be opened.
        remedy: What the password is for.
        glyphs: The signs for the fields.
    """

    def __init__(self, custodian: Custodian, remedy: Remedy, glyphs: Glyphs) -> None:
        question = QUESTIONS[remedy]
        again = {AGAIN: "the same once more"} if question.is_new else {}
        super().__init__(question.title, question.text, {"password": ""} | again, glyphs)
        self._custodian = custodian
        self._remedy = remedy

    async def act(self, *entered: Secret) -> None:
        """Open it."""
        await self._custodian.help(self._remedy, *entered)
