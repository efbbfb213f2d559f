"""Questions on the terminal itself, whatever standard input and output are: passphrases, unseen, and typed words."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wizard.custody.errors import CustodyError
from wizard.secret import Secret
from wizard.terminal import UnusableTerminal
from wizard.threads import in_abandonable_thread

TERMINAL = Path("/dev/tty")


def ask(prompt: str) -> Secret | None:
    """Ask on the terminal; None where there is none, or where typing would be seen.

    Raises:
        CustodyError: what was typed is no text.
    """
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return Secret(getpass.getpass(f"{prompt}: "))
    except (OSError, EOFError, getpass.GetPassWarning):
        return None
    except UnicodeDecodeError:
        # Not chained: it holds what was typed. The line has not ended yet.
        with suppress(OSError):
            TERMINAL.write_bytes(b"\n")
    raise CustodyError(
        "What was typed is not text in UTF-8",
        why="The terminal sends accents and other letters in another encoding.",
        advice="Set the terminal to UTF-8 and type it again. Nothing was done.",
    )


def types_word(word: str) -> bool:
    """Ask for a word; return whether it was typed.

    Raises:
        UnusableTerminal: there is no terminal to ask on.
    """
    try:
        with TERMINAL.open("r+b", buffering=0) as terminal:
            terminal.write(f"Type {word} to go on: ".encode())
            return terminal.readline().strip() == word.encode()
    except OSError:
        raise no_terminal("A typed word") from None


def no_terminal(what: str) -> UnusableTerminal:
    """Return the error for a question that has no terminal to be asked on."""
    return UnusableTerminal(
        f"{what} is asked for on a terminal, and there is none",
        why="It is never taken from arguments, variables or a pipe.",
        advice="Run the command in a terminal; over SSH with `ssh -t`.",
    )


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
            termios.tcsetattr(handle, termios.TCSANOW, before)  # the others wait for the terminal
        os.close(handle)
