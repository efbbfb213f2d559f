"""Is there anything to a password that somebody chose?"""

from __future__ import annotations

from wizard.custody.errors import NotUnderstood
from wizard.secret import Secret
from wizard.text import REPLACEMENT, UNPRINTABLE


def visible(password: Secret) -> str:
    """Return the characters that can be seen: neither blanks nor controls nor what has no width."""
    return "".join(UNPRINTABLE.sub("", password.reveal()).split())


def expect_understood(password: Secret) -> None:
    """Return if a new password is what was typed: else it opens things on this terminal alone.

    Raises:
        NotUnderstood: it holds the sign for what could not be read.
    """
    if REPLACEMENT in password.reveal():
        raise NotUnderstood(
            "Not all of what was typed was understood",
            why="The terminal sends accents and other letters in another encoding than UTF-8.",
            advice="Set the terminal to UTF-8 and type it again, or choose one without such letters.",
        )
