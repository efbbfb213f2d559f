"""Reading a file that may turn out to be anything: a pipe, a device, a file without end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wizard.core.errors import FileError
from wizard.core.text import printable


def read(file: Path, largest: int) -> tuple[bytes, os.stat_result]:
    """Return what an ordinary file holds, and what the system knows of it. Nothing is waited for.

    Args:
        file: Which one.
        largest: Bytes.

    Raises:
        FileError: there is none (`file.missing`), nor can there be (`file.impossible`), it is not ordinary
            (`file.not_ordinary`), has more bytes (`file.too_large`), or the system does not let it be read
            (`file.unreadable`).
    """
    shown = printable(str(file), limit=400)
    try:
        descriptor = os.open(file, os.O_RDONLY | _NO_WAIT)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise FileError(
                    f"{shown} is not an ordinary file",
                    why="A directory, a pipe or a device has that name.",
                    advice="Give the path of a file.",
                    code="file.not_ordinary",
                )
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                data = opened.read(largest + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        kind = {FileNotFoundError: "missing", NotADirectoryError: "impossible"}.get(type(error), "unreadable")
        raise _unreadable(shown, str(error.strerror), f"file.{kind}") from None
    except ValueError:
        raise _unreadable(shown, "the name cannot be one of a file", "file.impossible") from None
    if len(data) > largest:
        what = f"{shown} is larger than {largest} bytes"
        raise FileError(what, advice="Give a smaller file, or paste.", code="file.too_large")
    return data, found


def _unreadable(shown: str, said: str, code: str) -> FileError:
    return FileError(f"{shown} cannot be read", why=f"The system said: {said}.", code=code)


_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""Opening a pipe would else wait for somebody who writes into it."""
