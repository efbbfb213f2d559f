"""The file on the disk: read whole, replaced whole, seen by its owner only; and work on it under its lock.

A disk that answers no more blocks a thread for ever: it is given up at the deadline, and does not keep the
program from ending. Being cut off there is harmless: a file is replaced whole, and the lock goes with the process.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

from filelock import FileLock, Timeout

from wizard.core import files
from wizard.core.threads import in_daemon_thread
from wizard.custody.errors import CustodyError
from wizard.custody.locks import acquire

Result = TypeVar("Result")

_OTHERS: Final = 0o077
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe in the file's place would else wait for somebody who writes into it."""


def read(file: Path) -> bytes | None:
    """Return the file's bytes, or None where there is no file.

    Raises:
        CustodyError: others than its owner can reach it, it is not a plain file of ours, or it cannot be read.
    """
    try:
        handle = os.open(file, os.O_RDONLY | _NO_WAIT | files.NO_FOLLOW)
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
        CustodyError: it cannot be written; the file is as it was.
    """
    try:
        files.tidy(file)
        return files.replace(file, data)
    except OSError as error:
        raise unusable(file, error) from None


def unusable(file: Path, error: OSError) -> CustodyError:
    """Return the error for what the operating system refused."""
    return CustodyError(
        f"The encrypted file {file} cannot be used",
        why=f"The system said: {error.strerror or type(error).__name__}.",
        advice="Make room, or make the directory writable for you; then try again. What was stored is as it was.",
        code="file-unusable",
    )


async def locked(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do the work under the file's lock. A wait for the lock can be cancelled; work that has begun is done.

    Args:
        file: The lock lies beside it.
        deadline: Seconds to wait for the lock, and as many for the work.
        work: May block.

    Raises:
        CustodyError: another process holds the lock, it cannot be made, or the disk did not answer.
    """
    given_up = Event()
    try:
        return await patiently(file, 2 * deadline, lambda: _under_lock(file, deadline, given_up, work))
    finally:
        given_up.set()


async def patiently(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do work that only reads.

    Raises:
        CustodyError: the disk did not answer within `deadline` seconds.
    """
    try:
        return await in_daemon_thread(work, deadline)
    except TimeoutError:
        raise CustodyError(
            f"The encrypted file {file} did not answer within {deadline:g} s",
            why="The disk or the network file system that it lies on hangs.",
            advice="See to the disk, then repeat this step: nothing is counted as done until it was read back.",
            code="file-unusable",
        ) from None


def _under_lock(file: Path, deadline: float, given_up: Event, work: Callable[[], Result]) -> Result:
    lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False, mode=0o600)
    try:
        acquire(lock, deadline, given_up)
    except Timeout:
        raise CustodyError(
            f"Another process has held the encrypted file for {deadline:g} s",
            why=f"It holds the lock {lock.lock_file}.",
            advice="Look whether another Key Wizard hangs, end it, and try again. The lock goes with its process.",
            code="busy",
        ) from None
    except OSError as error:
        raise unusable(file, error) from None
    try:
        return work()
    finally:
        lock.release()


def _expect_private(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _exposed(file, "is not a plain file", "Put the file itself in its place.")
    if sys.platform == "win32":  # the mode says nothing there: rights come from the profile directory
        return
    if found.st_uid != os.getuid():
        raise _exposed(file, "belongs to another user", "Run the wizard as the user who stored the credentials.")
    if found.st_mode & _OTHERS:
        raise _exposed(file, "can be reached by other users", f"Run: chmod 600 {file}")


def _exposed(file: Path, what: str, advice: str) -> CustodyError:
    return CustodyError(f"The encrypted file {file} is not used: it {what}", advice=advice, code="file-exposed")
