"""One writer per environment, also between processes; the second is told who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from wizard.core import atomic_file, bounded_file
from wizard.core.clock import Clock, utc
from wizard.core.errors import FileError, WizardError

_LARGEST_NOTE = 4096


class EnvironmentBusy(WizardError):
    """Another wizard works on this environment."""


class LockUnusable(WizardError):
    """Nobody can tell whether another wizard works on this environment."""


@contextmanager
def sole_writer(file: Path, environment: str, clock: Clock) -> Iterator[None]:
    """Hold the environment's lock; the system releases it when this process ends, however it ends.

    Raises:
        EnvironmentBusy: another process holds it.
        LockUnusable: the lock cannot be made.
    """
    lock = FileLock(file, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EnvironmentBusy(
            f"Another wizard is working on {environment}",
            why=_holder(file),
            advice="Finish or close that one first. Its place is kept; nothing is lost by closing it.",
        ) from None
    except OSError as error:
        raise LockUnusable(
            f"It cannot be made sure that no other wizard works on {environment}",
            why=f"The lock {file} cannot be made. The system said: {error.strerror}.",
            advice="Nothing was changed. Make its directory writable for you; delete the lock where it is a link.",
        ) from None
    try:
        _sign(file, clock)
        yield
    finally:
        lock.release()


def _note(file: Path) -> Path:
    # Beside the lock: Windows does not let a second process read a locked file.
    return file.with_suffix(".holder")


def _sign(file: Path, clock: Clock) -> None:
    signature = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": clock()})
    with suppress(OSError):  # a courtesy: the lock holds without it
        atomic_file.replace(_note(file), signature.encode("ascii"))


def _holder(file: Path) -> str:
    try:
        note = json.loads(bounded_file.read(_note(file), _LARGEST_NOTE)[0])
        return f"Process {int(note['pid'])} on {note['host']} has held it since {utc(float(note['since']))}."
    except (FileError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return "It left no note of who it is."
