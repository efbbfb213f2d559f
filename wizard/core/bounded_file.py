"""Reading a file that may turn out to be anything: a pipe, a device, a file without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class NotOrdinary(OSError):
    """It is a directory, a pipe or a device."""


class TooLarge(OSError):
    """It holds more than is read."""


def read(file: Path, largest: int, flags: int = 0) -> tuple[bytes, os.stat_result]:
    """Return what an ordinary file holds, and what the system knows of it. Nothing is waited for.

    Args:
        file: Which one.
        largest: Bytes.
        flags: More flags for `os.open`.

    Raises:
        NotOrdinary: it is something else than a file.
        TooLarge: it has more bytes.
        OSError: it cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY | flags | _NO_WAIT)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotOrdinary(errno.EINVAL, "it is not an ordinary file")
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            data = opened.read(largest + 1)
    finally:
        os.close(descriptor)
    if len(data) > largest:
        raise TooLarge(errno.EFBIG, f"it has more than {largest} bytes")
    return data, found


_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""Opening a pipe would else wait for somebody who writes into it."""
