"""One writer per environment, also between processes; the second is told who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wizard.clock import Clock, utc
from wizard.errors import WizardError


class EnvironmentBusy(WizardError):
    """Another wizard works on this environment."""


@contextmanager
def sole_writer(file: Path, environment: str, clock: Clock) -> Iterator[None]:
    """Hold the environment's lock; the system releases it when this process ends, however it ends.

    Raises:
        EnvironmentBusy: another process holds it.
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
    try:
        _sign(file, clock)
        yield
    finally:
        lock.release()


def _note(file: Path) -> Path:
    # Beside the lock: Windows does not let a second process read a locked file.
    return file.with_suffix(".holder")


def _sign(file: Path, clock: Clock) -> None:
    note = _note(file)
    note.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": clock()}), "utf-8")
    note.chmod(0o600)


def _holder(file: Path) -> str:
    try:
        note = json.loads(_note(file).read_text("utf-8"))
        return f"Process {int(note['pid'])} on {note['host']} has held it since {utc(float(note['since']))}."
    except (OSError, ValueError, KeyError, TypeError):
        return "It left no note of who it is."
