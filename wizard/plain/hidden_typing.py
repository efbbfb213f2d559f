"""A terminal that shows nothing of what is typed, for as long as a secret is asked for, and what a paste left in it.

Only the terminal's settings change; nothing is written to it.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

if sys.platform != "win32":
    import termios

IS_POSSIBLE = sys.platform != "win32"
"""Whether there is a way to hide typing here."""

PASTE_GAP = 0.1
"""Seconds of silence after which a paste has ended. A serial line of 300 baud sends 30 characters in a second."""

_LOCAL, _CHARACTERS = 3, 6
_CHUNK = 4096


@contextmanager
def hidden_typing(terminal: int) -> Iterator[None]:
    """Switch echo off, and Ctrl-Z, after which a shell would switch it on again.

    What was typed before is dropped, as getpass does: it was typed in sight.
    """
    before = termios.tcgetattr(terminal)
    hidden = termios.tcgetattr(terminal)
    hidden[_LOCAL] &= ~(termios.ECHO | termios.ECHONL)
    hidden[_CHARACTERS][termios.VSUSP] = bytes([os.fpathconf(terminal, "PC_VDISABLE") & 0xFF])
    # Not TCSAFLUSH, which waits until all output is out: for ever, on a terminal that takes none.
    termios.tcsetattr(terminal, termios.TCSANOW, hidden)
    termios.tcflush(terminal, termios.TCIFLUSH)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def has_input(terminal: int) -> bool:
    """Return whether anything stands in the terminal's input, an unfinished line too.

    A terminal that reads by lines tells nothing of that one; it becomes the beginning of the next line.
    """
    if _is_readable(terminal):
        return True
    before = termios.tcgetattr(terminal)
    _read_by_characters(terminal)
    try:
        return _is_readable(terminal)
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(terminal, termios.TCSANOW, before)


async def rest_of_paste(terminal: int) -> bytes:
    """Return what stands in the terminal's input already: the lines of a paste after the first, whole or not.

    A terminal that reads by lines keeps the last, unfinished one for whoever reads next.
    """
    _read_by_characters(terminal)
    rest = bytearray()
    while True:
        await asyncio.sleep(PASTE_GAP)
        data = _waiting(terminal)
        if not data:
            return bytes(rest)
        rest += data


def _is_readable(terminal: int) -> bool:
    return bool(select.select([terminal], [], [], 0)[0])


def _waiting(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK) if _is_readable(terminal) else b""
    except OSError:  # EIO: the terminal is gone
        return b""


def _read_by_characters(terminal: int) -> None:
    now = termios.tcgetattr(terminal)
    now[_LOCAL] &= ~termios.ICANON
    # These two share their places with the end-of-file and end-of-line characters.
    now[_CHARACTERS][termios.VMIN], now[_CHARACTERS][termios.VTIME] = 1, 0
    with suppress(termios.error):
        termios.tcsetattr(terminal, termios.TCSANOW, now)
