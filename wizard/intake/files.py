"""Text files of the user, read once, bounded in size, never written."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from wizard.core import bounded_file
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import JOURNAL
from wizard.core.text import printable

LARGEST_FILE = 65536
"""Bytes. An RSA key of 4096 bits has 3,268; a freqtrade configuration a few thousand."""
USUAL = (
    *(".env", ".env.local", "config.json", "user_data/config.json"),
    *(f"conf/connectors/{name}.yml" for name in ("binance", "binance_perpetual", "binance_us")),
)
"""Where bots keep their keys, seen from their own directory: a `.env`, freqtrade, Hummingbot."""
_ADVICE = "Correct the path, or paste instead."
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FileUnusable(WizardError):
    """A file cannot be read."""


class FileMissing(FileUnusable):
    """There is no such file."""


class NotText(FileUnusable):
    """A file is not text in UTF-8."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """What a file holds."""

    path: str
    """Where it lies, absolute and printable."""
    text: Secret
    warning: str = ""
    """What is wrong with its permissions; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """The bytes of a file."""

    path: str
    """Where it lies, absolute and printable."""
    data: bytes = field(repr=False)
    mode: int
    """As `os.stat` has it."""


def read_text_file(path: str) -> TextFile:
    """Read one text file (see `read_file`).

    Raises:
        FileUnusable: it cannot be read, is no ordinary file or too large.
        NotText: it is not UTF-8.
    """
    file = read_file(path, LARGEST_FILE)
    try:
        return TextFile(file.path, Secret(file.data.decode("utf-8-sig")), _warning(file.mode, file.path))
    except UnicodeDecodeError:
        raise NotText(f"{file.path} is not text", advice="Give a text file, or paste instead.") from None


def read_file(path: str, largest: int) -> RawFile:
    """Read one file; a device or a pipe is not waited for.

    Args:
        path: As the user wrote it: quotes and `~` are understood.
        largest: Bytes.

    Raises:
        FileMissing: there is none.
        FileUnusable: it cannot be read, is no ordinary file or too large.
    """
    try:
        file = Path(path.strip().strip("'\"")).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        gone = "there is no user of that name" if isinstance(error, RuntimeError) else "the working directory is gone"
        raise FileMissing("What was given cannot be read", why=f"The system said: {gone}.", advice=_ADVICE) from None
    shown = printable(str(file), limit=400)
    try:
        if file.resolve().name.startswith(JOURNAL):
            # Closing it again would drop the locks of the wizard that reads this.
            raise FileUnusable(f"{shown} is a journal of this program", advice="Give the file that holds the key.")
        data, found = bounded_file.read(file, largest)
    except bounded_file.NotOrdinary:
        raise FileUnusable(f"{shown} is not an ordinary file", advice="Give the path of a file.") from None
    except bounded_file.TooLarge:
        raise FileUnusable(f"{shown} is larger than {largest} bytes", advice="Give a smaller file, or paste.") from None
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        raise _unreadable(error, shown) from None
    return RawFile(shown, data, found.st_mode)


def _unreadable(error: OSError | ValueError | RuntimeError, shown: str) -> FileUnusable:
    said = error.strerror if isinstance(error, OSError) else "the name cannot be one of a file"
    kind = FileMissing if isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError)) else FileUnusable
    # What is no path may be a key that was pasted here: only what exists is repeated.
    named = shown if isinstance(error, PermissionError) else "What was given"
    return kind(f"{named} cannot be read", why=f"The system said: {said}.", advice=_ADVICE)


def _warning(mode: int, shown: str) -> str:
    if os.name != "posix" or not mode & _OTHERS:
        return ""
    return f"Other users of this machine may read {shown}: chmod 600 it, or delete it once the key is stored."
