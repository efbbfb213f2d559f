"""What can go wrong with a keyring, each with what to do about it. No error here holds a value."""

from __future__ import annotations

from enum import StrEnum

from wizard.errors import WizardError

_DOING = {
    "state": "Asking for the state of the Secret Service",
    "choice": "Asking which keyring would be used",
    "write": "Storing into the keyring",
    "read": "Reading from the keyring",
    "delete": "Deleting from the keyring",
    "list": "Listing what is in the keyring",
    "unlock": "Unlocking the keyring",
    "create": "Creating a collection in the keyring",
}


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
    """The keyring did not do what was asked, or it is not known whether it did."""

    state = "failed"
    """A stable word for code that says in which state the keyring was found."""
    remedy = Remedy.NONE
    """What the wizard itself can do about it."""


class KeyringUnusable(CustodyError):
    """There is no keyring here that secrets may be trusted to, as things stand.

    Args:
        state: A stable word for code: a `State` of the Secret Service, or `backend-…` with the verdict
            on the backend that keyring would use.
        remedy: What the wizard itself can do about it.
    """

    def __init__(self, state: str, what: str, *, why: str = "", advice: str = "", remedy: Remedy = Remedy.NONE) -> None:
        super().__init__(what, why=why, advice=advice)
        self.state = state
        self.remedy = remedy


class WrongPassword(CustodyError):
    """The keyring does not open with this password; it is locked as before."""


class NotUnderstood(CustodyError):
    """Of a new password a part was lost between the keyboard and here."""


class KeyringTimeout(CustodyError):
    """A keyring operation took longer than its deadline and was ended.

    Args:
        operation: One of the child's operations (`wizard.custody.worker.protocol.Op`).
        deadline: Seconds.
    """

    def __init__(self, operation: str, deadline: float) -> None:
        super().__init__(
            f"{_DOING[operation]} took longer than {deadline:g} s and was ended",
            why="A keyring that asks for a password on a screen that nobody sees, or a hung one, does this.",
            advice="Look for a password dialog on the desktop, or restart the keyring's program. Then try again.",
        )
        self.operation = operation
        self.deadline = deadline
        self.state = "timeout"


class KeyringFailed(CustodyError):
    """A keyring operation ended with an error.

    Args:
        code: The child's code, a stable word: `lost`, `no-backend`, `system`, …
        state: What that says of the keyring, a stable word; the code, where nothing more is known.
    """

    def __init__(self, operation: str, code: str, *, why: str, advice: str, state: str = "") -> None:
        super().__init__(f"{_DOING[operation]} failed", why=why, advice=advice)
        self.operation = operation
        self.code = code
        self.state = state or code


class KeptElsewhere(CustodyError):
    """The credentials were stored in another place than the one that is open."""


class PlaceBusy(CustodyError):
    """Another process is changing what is stored, or it cannot be told whether one is. Nothing was changed."""


class OutcomeUnknown(CustodyError):
    """What was written or deleted could not be read back, so nobody knows whether it happened."""


class ReadBackDiffers(CustodyError):
    """What the keyring gives back is not what was written."""


class NotDeleted(CustodyError):
    """What was deleted is still there."""


class ItemOccupied(CustodyError):
    """Other credentials are stored under the name already. Nothing is overwritten."""


class ItemUnreadable(CustodyError):
    """What is stored under the name is not a complete set of credentials."""
