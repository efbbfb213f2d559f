"""The file on the disk: read whole, replaced whole, seen by its owner only.

Invariant: whatever kills this process or the machine, the file is the old one or the new one.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Final

from wizard.custody.encrypted.errors import FileExposed, FileUnusable

_OTHERS: Final = 0o077
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read(file: Path) -> bytes | None:
    """Return the file's bytes, or None where there is no file.

    Raises:
        FileExposed: others than its owner can reach it, or it is not a plain file of ours.
        FileUnusable: it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | _NO_FOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _exposed(file, "is a symbolic link", "Put the file itself in its place.") from None
        raise unusable(file, error) from None
    with os.fdopen(handle, "rb") as source:
        _expect_private(file, os.fstat(source.fileno()))
        return source.read()


def replace(file: Path, data: bytes) -> None:
    """Put `data` in the place of the file, durably.

    Raises:
        FileUnusable: it cannot be written; the file is as it was.
    """
    scratch = file.with_name(f"{_scratch_prefix(file)}{secrets.token_hex(6)}")
    try:
        _write(scratch, data)
        scratch.replace(file)
        _flush_directory(file.parent)
    except OSError as error:
        raise unusable(file, error) from None
    finally:
        scratch.unlink(missing_ok=True)


def tidy(file: Path) -> None:
    """Remove what writes that were killed left behind. Call it under the lock: nobody writes then."""
    for scratch in file.parent.glob(f"{_scratch_prefix(file)}*"):
        scratch.unlink(missing_ok=True)


def unusable(file: Path, error: OSError) -> FileUnusable:
    """Return the error for what the operating system refused."""
    return FileUnusable(
        f"The encrypted file {file} cannot be used",
        why=f"The system said: {error.strerror or type(error).__name__}.",
        advice="Make room, or make the directory writable for you; then try again. What was stored is as it was.",
    )


def _write(scratch: Path, data: bytes) -> None:
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())


def _flush_directory(directory: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _scratch_prefix(file: Path) -> str:
    return f".{file.name}.new-"


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
