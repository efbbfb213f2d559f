"""What can be wrong with the encrypted file and its passphrase."""

from __future__ import annotations

from pathlib import Path

from wizard.custody.errors import CustodyError, KeyringUnusable, Remedy

CLOSED = "file-closed"


class PassphraseNeeded(KeyringUnusable):
    """The encrypted file is closed, and the passphrase was not asked for in this run yet.

    Args:
        file: The encrypted file.
        is_new: Whether there is no file yet, so that the passphrase is one to be chosen.
    """

    def __init__(self, file: Path, *, is_new: bool) -> None:
        super().__init__(
            CLOSED,
            "The encrypted file needs a new passphrase" if is_new else "The encrypted file is closed",
            why=f"{file} {'does not exist yet' if is_new else 'opens with its passphrase, once per run'}.",
            advice="Type it where the wizard asks. A service gets it as the systemd credential key-wizard-passphrase.",
            remedy=Remedy.MAKE_FILE if is_new else Remedy.OPEN_FILE,
        )


class WrongPassphrase(CustodyError):
    """The file is whole, and this passphrase does not open it."""


class WeakPassphrase(CustodyError):
    """A new passphrase has too little to it to hold against somebody who has the file."""


class NotInFile(CustodyError):
    """The settings name another place than the encrypted file."""


class FileGone(CustodyError):
    """There is no file where one was, or where one is to be opened."""


class FileThere(CustodyError):
    """There is a file where a new one was to be made."""


class FileDamaged(CustodyError):
    """The file is not what was written: cut short, altered, or of another program."""


class FileExposed(CustodyError):
    """Others could read or exchange the file."""


class FileBusy(CustodyError):
    """Another process holds the file's lock for longer than the deadline."""


class FileUnusable(CustodyError):
    """The operating system does not let the file be read or written."""
