"""A file that is replaced whole.

Invariant: whatever kills this process or the machine, the file is the old one or the new one, and what is
written meanwhile can be read by its owner only.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
PRIVATE: Final = 0o600


def replace(file: Path, data: bytes, mode: int = PRIVATE) -> bool:
    """Put `data` in the place of the file.

    Args:
        file: A symbolic link is itself replaced.
        data: The whole new content.
        mode: The new file's.

    Returns:
        Whether the system confirmed that the new file survives a power cut. Some file systems cannot.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    scratch = file.with_name(f"{_scratch_prefix(file)}{secrets.token_hex(6)}")
    try:
        _write(scratch, data, mode)
        scratch.replace(file)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise
    return _is_flushed(file.parent)


def tidy(file: Path) -> None:
    """Remove what writes that were killed left behind. Nobody else may be writing then.

    Raises:
        OSError: it cannot be removed.
    """
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
