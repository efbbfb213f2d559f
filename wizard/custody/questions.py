"""What is asked of the user before a place of credentials opens, and whether a password is one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wizard.core.secret import Secret
from wizard.core.text import REPLACEMENT, UNPRINTABLE
from wizard.custody.errors import CommandList, CustodyError, Remedy

SHORTEST: Final = 12
"""Characters of a new passphrase: whoever has the file can guess as fast as his machines allow."""


class Choice(StrEnum):
    """What there is to choose where no keyring can be used."""

    ENCRYPTED_FILE = "encrypted-file"
    KEYRING_HELP = "keyring-help"
    OPENBAO = "openbao"


CHOOSE: Final = "Where do you want to keep your credentials?"
"""Asked where no keyring can be used."""
CHOICES: Final = {
    Choice.ENCRYPTED_FILE: (
        "Use an encrypted file",
        "You choose a passphrase now. The wizard asks for it once in every run.",
    ),
    Choice.KEYRING_HELP: ("Show how to get a keyring here", "You run the commands in a shell, then try again."),
    Choice.OPENBAO: ("Show how to use OpenBao", "For bots on many machines. HashiCorp Vault has the same calls."),
}
"""Title and explanation of each: `CHOOSE` comes before. The file goes on with the question for its passphrase
(`Remedy.MAKE_FILE`), the help with the error's `instructions`."""
OPENBAO: Final = CommandList(
    "Use OpenBao: install its client, then write the other lines into config.toml",
    ("pip install 'key-wizard[openbao]'", "[custody]", 'place = "openbao"', "[custody.openbao]", 'url = "https://…"'),
)


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
        "unlock the keyring",
        "Type the password of GNOME Keyring. It is often your login password. The wizard does not store it, and a wrong"
        " one locks nothing.",
    ),
    Remedy.CREATE: Question(
        "create a keyring",
        "Choose its password. If it is your login password, the keyring opens when you log in with it.",
        is_new=True,
    ),
    Remedy.OPEN_FILE: Question(
        "open the encrypted file", "Type its passphrase. The wizard asks once in every run and does not store it."
    ),
    Remedy.MAKE_FILE: Question(
        "make the encrypted file",
        f"Choose a passphrase of {SHORTEST} characters or more. Nobody can recover it. Without it you lose the"
        " credentials in the file.",
        is_new=True,
    ),
}

PASSPHRASE_CHANGED: Final = (
    "The new passphrase now opens the encrypted file. The old one no longer does.",
    "The old one still opens older copies of the file, as in backups. If somebody else knows it, replace your keys.",
    "Start again every wizard that is still open. Give your services the new passphrase as their systemd credential.",
)
"""What is said once the passphrase is another one."""


def visible(password: Secret) -> str:
    """Return the characters that can be seen: neither spaces nor controls nor what has no width."""
    return "".join(UNPRINTABLE.sub("", password.reveal()).split())


def expect_understood(password: Secret) -> None:
    """Return if a new password is what was typed, or raise CustodyError: else it works on this terminal alone."""
    if REPLACEMENT in password.reveal():
        raise CustodyError(
            "The terminal did not send all that you typed",
            why="It sends accents and other letters in another encoding than UTF-8.",
            advice="Set the terminal to UTF-8 and type it again, or leave out such letters.",
            code="not-understood",
        )
