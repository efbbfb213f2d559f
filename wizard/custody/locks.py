"""One process at a time changes a place of credentials: looking whether a name is free, and taking it, is one act.

A store has no such act of its own, and two journals may share one. The turn is a lock that the system takes back
when its process ends, however it ends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Final

from filelock import FileLock, Timeout
from platformdirs import PlatformDirs

from wizard.core.settings import home
from wizard.core.threads import in_daemon_thread
from wizard.custody.errors import CustodyError

_PAUSE: Final = 0.02
"""Seconds between two looks at a lock that another process holds; a write to a file takes about as long."""


def keyring_lock(backend: str, environ: Mapping[str, str]) -> Path:
    """Return the lock of the user's keyring: the same file for all of a user's logins and journals.

    So it moves neither with the wizard's own variables nor with those of one login.
    """
    if sys.platform in {"darwin", "win32"}:
        return PlatformDirs("key-wizard", appauthor=False).user_state_path / f"{backend}.lock"
    return home(environ) / ".local" / "state" / "key-wizard" / f"{backend}.lock"


@asynccontextmanager
async def turn(file: Path, deadline: float) -> AsyncIterator[None]:
    """Hold the lock `file`; its directory is made where it is missing.

    Args:
        file: The lock.
        deadline: Seconds to wait for another process. The wait can be cancelled.

    Raises:
        CustodyError: another process held it for so long, or the lock cannot be made.
    """
    lock = FileLock(file, thread_local=False, mode=0o600)
    given_up = Event()
    try:
        await _acquired(lock, file, deadline, given_up)
        yield
    finally:
        given_up.set()
        lock.release()


async def _acquired(lock: FileLock, file: Path, deadline: float, given_up: Event) -> None:
    def work() -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        acquire(lock, deadline, given_up)

    try:
        await in_daemon_thread(work)
    except Timeout:
        raise CustodyError(
            f"Another process has been changing the stored credentials for {deadline:g} s",
            why=f"It holds the lock {file}.",
            advice="Look whether another Key Wizard hangs, end it, and try again. The lock goes with its process.",
            code="busy",
        ) from None
    except OSError as error:
        raise CustodyError(
            "It cannot be seen to that nobody else changes the stored credentials meanwhile",
            why=f"The lock {file} cannot be made: {error.strerror or type(error).__name__}.",
            advice="Make that directory writable for you, or set HOME to one that is. Nothing was changed.",
            code="busy",
        ) from None


def acquire(lock: FileLock, deadline: float, given_up: Event) -> None:
    """Wait for the lock, in a thread. Once nobody waits for it any more it is not kept.

    Raises:
        Timeout: another process held it until the deadline, or it was given up.
        OSError: it cannot be made.
    """
    expires = time.monotonic() + deadline
    while not given_up.is_set():
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if time.monotonic() >= expires:
                raise
            given_up.wait(_PAUSE)
        else:
            if not given_up.is_set():
                return
            lock.release()
    raise Timeout(lock.lock_file)
