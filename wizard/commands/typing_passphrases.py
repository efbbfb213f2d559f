"""Passphrases typed on the terminal itself, unseen."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wizard.secret import Secret
from wizard.threads import in_abandonable_thread

TERMINAL = Path("/dev/tty")


def ask(prompt: str) -> Secret | None:
    """Ask on the terminal; None where there is none, or where typing would be seen."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return Secret(getpass.getpass(f"{prompt}: "))
    except (OSError, EOFError, getpass.GetPassWarning):
        return None


async def ask_meanwhile(prompt: str) -> Secret | None:
    """Ask while other work goes on. Ctrl+C gives the question up, and the terminal shows typing again."""
    with _as_it_was():
        return await in_abandonable_thread(lambda: ask(prompt))


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Give the terminal its settings back at the end, whoever changed them."""
    handle = None
    with suppress(OSError):
        handle = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    if sys.platform == "win32" or handle is None or not os.isatty(handle):
        yield
        return
    import termios  # noqa: PLC0415 - not on Windows

    before = termios.tcgetattr(handle)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(handle, termios.TCSADRAIN, before)
        os.close(handle)
