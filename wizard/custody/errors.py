"""What can go wrong with a place of credentials, each with what to do about it. No error here holds a value."""

from __future__ import annotations

from enum import StrEnum

from wizard.core.errors import Exit, WizardError


class Remedy(StrEnum):
    """What the wizard itself can do, once somebody types a password."""

    NONE = ""
    UNLOCK = "unlock"
    """Unlock the default collection of GNOME keyring."""
    CREATE = "create"
    """Create a default collection in GNOME keyring."""
    OPEN_FILE = "open-file"
    """Open the encrypted file."""
    MAKE_FILE = "make-file"
    """Make the encrypted file."""


class CustodyError(WizardError):
    """The place of the credentials did not do what was asked, or it is not known whether it did.

    Args:
        what: See `WizardError`, as for `why` and `advice`.
        code: A stable word for programs: `locked`, `timeout`, `wrong-passphrase`, `backend-null`, …
        remedy: What the wizard itself can do about it.
    """

    exit_code = Exit.KEYRING_UNUSABLE

    def __init__(
        self, what: str, *, why: str = "", advice: str = "", code: str = "failed", remedy: Remedy = Remedy.NONE
    ) -> None:
        super().__init__(what, why=why, advice=advice)
        self.code = code
        self.remedy = remedy


class KeptElsewhereError(CustodyError):
    """The credentials were stored in another place than the one that is open."""


class ItemOccupiedError(CustodyError):
    """Something else is stored under the name already. Nothing is overwritten."""


class ItemUnreadableError(CustodyError):
    """What is stored under the name is not a complete set of credentials."""
