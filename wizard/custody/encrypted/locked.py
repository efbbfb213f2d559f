"""Work on a file under its lock, in a thread that nobody has to wait for.

A disk that answers no more blocks a thread for ever: it is given up at the deadline, and does not keep the
program from ending. Being cut off there is harmless: a file is replaced whole, and the lock goes with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TypeVar

from filelock import FileLock, Timeout

from wizard.custody.encrypted.disk import unusable
from wizard.custody.encrypted.errors import FileBusy, FileUnusable
from wizard.custody.turn import acquire
from wizard.threads import in_abandonable_thread

Result = TypeVar("Result")


async def locked(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do the work under the file's lock. A wait for the lock can be cancelled; work that has begun is done.

    Args:
        file: The lock lies beside it.
        deadline: Seconds to wait for the lock, and as many for the work.
        work: May block.

    Raises:
        FileBusy: another process holds the lock.
        FileUnusable: the lock cannot be made, or the disk did not answer.
    """
    given_up = Event()
    try:
        return await patiently(file, 2 * deadline, lambda: _under_lock(file, deadline, given_up, work))
    finally:
        given_up.set()


async def patiently(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do work that only reads.

    Raises:
        FileUnusable: the disk did not answer within `deadline` seconds.
    """
    try:
        async with asyncio.timeout(deadline):
            return await in_abandonable_thread(work)
    except TimeoutError:
        raise FileUnusable(
            f"The encrypted file {file} did not answer within {deadline:g} s",
            why="The disk or the network file system that it lies on hangs.",
            advice="See to the disk, then repeat this step: nothing is counted as done until it was read back.",
        ) from None


def _under_lock(file: Path, deadline: float, given_up: Event, work: Callable[[], Result]) -> Result:
    lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False, mode=0o600)
    try:
        acquire(lock, deadline, given_up)
    except Timeout:
        raise FileBusy(
            f"Another process has held the encrypted file for {deadline:g} s",
            why=f"It holds the lock {lock.lock_file}.",
            advice="Look whether another Key Wizard hangs, end it, and try again. The lock goes with its process.",
        ) from None
    except OSError as error:
        raise unusable(file, error) from None
    try:
        return work()
    finally:
        lock.release()
