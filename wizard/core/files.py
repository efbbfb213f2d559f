"""Files that may turn out to be anything are read within bounds; files are replaced whole.

Invariant of `replace`: whatever kills this process or the machine, the file is the old one or the new one, and what is
written meanwhile can be read by its owner only.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from wizard.core.errors import FileError
from wizard.core.text import printable

PRIVATE: Final = 0o600
_ALWAYS: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | _ALWAYS
NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | _ALWAYS
"""Opening a pipe would else wait for somebody who writes into it."""


def read(file: Path, largest: int) -> tuple[bytes, os.stat_result]:
    """Return what an ordinary file of at most `largest` bytes holds, and what the system knows of it; never wait.

    Raises:
        FileError: there is none (`file.missing`), nor can there be (`file.impossible`), it is not ordinary
            (`file.not_ordinary`), has more bytes (`file.too_large`), or the system does not let it be read
            (`file.unreadable`).
    """
    shown = printable(str(file), limit=400)
    try:
        descriptor = os.open(file, os.O_RDONLY | NO_WAIT)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise FileError(
                    f"{shown} is not an ordinary file",
                    why="It is a directory, a pipe or a device.",
                    advice="Enter the path of a file.",
                    code="file.not_ordinary",
                )
            with os.fdopen(descriptor, "rb", closefd=False) as opened:
                data = opened.read(largest + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        kind = {FileNotFoundError: "missing", NotADirectoryError: "impossible"}.get(type(error), "unreadable")
        raise _unreadable(shown, f"The system answered “{error.strerror}”.", f"file.{kind}") from None
    except ValueError:
        raise _unreadable(shown, "No file can have this name.", "file.impossible") from None
    if len(data) > largest:
        what = f"{shown} is larger than {largest} bytes"
        raise FileError(what, advice="Enter a smaller file, or paste.", code="file.too_large")
    return data, found


def _unreadable(shown: str, why: str, code: str) -> FileError:
    return FileError(f"The wizard cannot read {shown}", why=why, code=code)


def replace(file: Path, data: bytes, mode: int = PRIVATE) -> bool:
    """Put `data` in the place of the file; a symbolic link is itself replaced. After an OSError the file is as it was.

    Return whether the system confirmed that the new file survives a power cut. Some file systems cannot.
    """
    scratch = file.with_name(f"{_scratch_prefix(file)}{os.urandom(6).hex()}")
    try:
        _write(scratch, data, mode)
        scratch.replace(file)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise
    return _is_flushed(file.parent)


def create(path: str, text: str) -> Path:
    """Write a text into a new file that only the user can read, and return its whole path, or raise FileError."""
    try:
        file = Path(path).expanduser().absolute()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise FileError(f"{printable(path)} exists already", advice="Choose another name.") from None
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "It is no path."
        raise FileError(f"{printable(path)} cannot be written", why=why, advice="Choose another path.") from None
    return file


def tidy(file: Path) -> None:
    """Remove what writes that were killed left behind, or raise OSError. Nobody else may be writing then."""
    for scratch in file.parent.glob(f"{_scratch_prefix(file)}*"):
        scratch.unlink(missing_ok=True)


def _write(scratch: Path, data: bytes, mode: int) -> None:
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, PRIVATE)
    with os.fdopen(handle, "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    if mode != PRIVATE:
        scratch.chmod(mode)


def _is_flushed(directory: Path) -> bool:
    """Flush the directory, which holds the new file's name; say whether that went well."""
    if sys.platform == "win32":  # a directory cannot be flushed there; NTFS keeps its own journal of names
        return True
    try:
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


def _scratch_prefix(file: Path) -> str:
    return f".{file.name}.new-"
