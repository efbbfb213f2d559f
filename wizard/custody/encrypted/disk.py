"""The file on the disk: read whole, replaced whole, seen by its owner only. Every call here may block."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from wizard import atomic_file
from wizard.custody.encrypted.errors import FileExposed, FileUnusable

_OTHERS: Final = 0o077
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe in the file's place would else wait for somebody who writes into it."""


def read(file: Path) -> bytes | None:
    """Return the file's bytes, or None where there is no file.

    Raises:
        FileExposed: others than its owner can reach it, or it is not a plain file of ours.
        FileUnusable: it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | _NO_WAIT | atomic_file.NO_FOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _exposed(file, "is a symbolic link", "Put the file itself in its place.") from None
        raise unusable(file, error) from None
    try:
        _expect_private(file, os.fstat(handle))
        with os.fdopen(handle, "rb", closefd=False) as source:
            return source.read()
    except OSError as error:
        raise unusable(file, error) from None
    finally:
        os.close(handle)


def replace(file: Path, data: bytes) -> bool:
    """Put `data` in the place of the file. Call it under the lock: what killed writers left is removed.

    Returns:
        Whether it is known to survive a power cut.

    Raises:
        FileUnusable: it cannot be written; the file is as it was.
    """
    try:
        atomic_file.tidy(file)
        return atomic_file.replace(file, data)
    except OSError as error:
        raise unusable(file, error) from None


def unusable(file: Path, error: OSError) -> FileUnusable:
    """Return the error for what the operating system refused."""
    return FileUnusable(
        f"The encrypted file {file} cannot be used",
        why=f"The system said: {error.strerror or type(error).__name__}.",
        advice="Make room, or make the directory writable for you; then try again. What was stored is as it was.",
    )


def _expect_private(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _exposed(file, "is not a plain file", "Put the file itself in its place.")
    if sys.platform == "win32":  # the mode says nothing there: rights come from the profile directory
        return
    if found.st_uid != os.getuid():
        raise _exposed(file, "belongs to another user", "Run the wizard as the user who stored the credentials.")
    if found.st_mode & _OTHERS:
        raise _exposed(file, "can be reached by other users", f"Run: chmod 600 {file}")


def _exposed(file: Path, what: str, advice: str) -> FileExposed:
    return FileExposed(f"The encrypted file {file} is not used: it {what}", advice=advice)
