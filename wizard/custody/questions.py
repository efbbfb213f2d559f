"""What is asked of the user before a place of credentials opens, and whether a password is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wizard.core.secret import Secret
from wizard.core.text import REPLACEMENT, UNPRINTABLE
from wizard.custody.errors import CustodyError, Remedy

SHORTEST: Final = 12
"""Characters of a new passphrase: whoever has the file can guess as fast as his machines allow."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question for a password."""

    does: str
    """What the answer does, as a phrase; as a sentence it is the question's title."""
    text: str
    is_new: bool = False
    """Whether the password is one to be chosen, and so typed twice."""


QUESTIONS: Final = {
    Remedy.UNLOCK: Question(
        "unlock the keyring here",
        "The password of GNOME keyring's default collection, often the login password. It goes to the keyring"
        " alone and is kept nowhere. A wrong one locks nothing.",
    ),
    Remedy.CREATE: Question(
        "create a collection in the keyring",
        "Choose its password. With your login password, a password login unlocks it by itself from then on.",
        is_new=True,
    ),
    Remedy.OPEN_FILE: Question(
        "open the encrypted file",
        "Its passphrase is asked for once per run and is kept nowhere.",
    ),
    Remedy.MAKE_FILE: Question(
        "make the encrypted file",
        f"Choose a passphrase of {SHORTEST} characters or more. Nobody can recover it: without it the credentials"
        " in the file are lost.",
        is_new=True,
    ),
}

OLD_PASSPHRASE: Final = Question(
    "change the passphrase",
    "First the passphrase so far, then the new one twice. What the file holds stays.",
)
NEW_PASSPHRASE: Final = Question(
    "choose the new passphrase",
    f"The new one has {SHORTEST} characters or more. Nobody can recover it: without it the credentials in the file"
    " are lost.",
)
PASSPHRASE_CHANGED: Final = (
    "The encrypted file opens with the new passphrase from now on, and no longer with the old one.",
    "Copies of the file from before, as in backups, open with the old one for ever: if somebody else knows it, rotate"
    " the keys too.",
    "A wizard that is open elsewhere has to be started again; a service needs the new one as its systemd credential.",
)
"""What is said once the passphrase is another one."""


def visible(password: Secret) -> str:
    """Return the characters that can be seen: neither blanks nor controls nor what has no width."""
    return "".join(UNPRINTABLE.sub("", password.reveal()).split())


def expect_understood(password: Secret) -> None:
    """Return if a new password is what was typed: else it opens things on this terminal alone.

    Raises:
        CustodyError: it holds the sign for what could not be read.
    """
    if REPLACEMENT in password.reveal():
        raise CustodyError(
            "Not all of what was typed was understood",
            why="The terminal sends accents and other letters in another encoding than UTF-8.",
            advice="Set the terminal to UTF-8 and type it again, or choose one without such letters.",
            code="not-understood",
        )
