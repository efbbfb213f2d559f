"""What can go wrong with a place of credentials, each with what to do about it. No error here holds a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wizard.core.errors import Exit, WizardError


class Remedy(StrEnum):
    """What the wizard itself can do, once somebody types a password."""

    NONE = ""
    UNLOCK = "unlock"
    """Unlock the default collection of GNOME Keyring."""
    CREATE = "create"
    """Create a default collection in GNOME Keyring."""
    OPEN_FILE = "open-file"
    """Open the encrypted file."""
    MAKE_FILE = "make-file"
    """Make the encrypted file."""


@dataclass(frozen=True, slots=True)
class CommandList:
    """One thing that somebody does at a shell to get a keyring."""

    title: str
    """What the commands do, without a full stop at its end."""
    commands: tuple[str, ...]
    """In this order. Each is shown alone on its line, so that it can be copied."""


class CustodyError(WizardError):
    """The place of the credentials did not do what was asked, or it is not known whether it did.

    `code` is a stable word for programs: `locked`, `timeout`, `wrong-passphrase`, `backend-null`, … `remedy` is what
    the wizard itself can do about it, `instructions` what the user can do at a shell, in this order.
    """

    exit_code = Exit.KEYRING_UNUSABLE

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        advice: str = "",
        code: str = "failed",
        remedy: Remedy = Remedy.NONE,
        instructions: tuple[CommandList, ...] = (),
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=code)
        self.remedy = remedy
        self.instructions = instructions


class KeptElsewhereError(CustodyError):
    """The credentials were stored in another place than the one that is open."""


class ItemOccupiedError(CustodyError):
    """Something else is stored under the name already. Nothing is overwritten."""


class ItemUnreadableError(CustodyError):
    """What is stored under the name is not a complete set of credentials."""
