"""The directory of a bus of the wizard's own: it goes with its wizard, or with the next one after a kill.

Each directory holds a file that its wizard keeps locked for as long as it lives (flock(2)): the lock goes with the
process, however that ends, and no process id is ever taken for another's. Linux only, as such a bus is.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "kw-bus-"
_OWNER: Final = "owner"
_SETTLED: Final = 60.0
"""Seconds after which a directory without an owner's file will get none any more."""


class BusDirectory:
    """A new directory, of this process alone until `remove`."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Locked before it has its name: nobody ever sees it unlocked while this process lives.
        unnamed = self.path / f"{_OWNER}.new"
        self._owner = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        _lock(self._owner)
        unnamed.rename(self.path / _OWNER)

    def remove(self) -> None:
        """Delete it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._owner)


def remove_left_over() -> None:
    """Delete the directories of this user's wizards that do not live any more; all others are left alone."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_if_left_over(path)


def _remove_if_left_over(path: Path) -> None:
    """Delete one.

    Raises:
        OSError: it is no directory, its wizard lives, or it cannot be deleted.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(directory)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
            return
        try:
            owner = os.open(_OWNER, os.O_RDWR | os.O_NOFOLLOW, dir_fd=directory)
        except FileNotFoundError:
            if time.time() - found.st_mtime > _SETTLED:
                path.rmdir()  # deletes it only where it is empty
            return
        try:
            _lock(owner)
            # In a directory with the sticky bit, as /tmp is, nobody else can put another one in its place.
            shutil.rmtree(path)
        finally:
            os.close(owner)
    finally:
        os.close(directory)


def _lock(file: int) -> None:
    """Take the lock.

    Raises:
        OSError: a living process holds it.
    """
    import fcntl  # noqa: PLC0415 - not on Windows, where this module is imported too

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
