"""Lines of a file descriptor, read in a daemon thread: a read that nobody answers does not keep the program alive.

A line is read only when one is asked for. Python's own `sys.stdin` is not used: what it reads ahead
would be hidden from the terminal's settings, and its lock, held by a blocked thread, aborts the
interpreter at its end.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextlib import suppress

from wizard.plain.console import EndOfInput

_CHUNK = 4096
LONGEST_LINE = 2**17
"""Bytes that are kept of one line of a pipe; a terminal hands over 4,095 at most."""


class LineReader:
    """Reads one descriptor.

    Args:
        descriptor: Where lines come from; None is an input that has ended.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._read_ahead = bytearray()
        """What a pipe gave after the end of the line."""
        self._arrived: deque[bytes | None] = deque()
        """Lines that nobody has taken yet, None for the end."""
        self._awaited: asyncio.Future[None] | None = None
        self._is_reading = False

    async def line(self) -> bytes:
        """Return the next line without its end. When the wait is cancelled, the line goes to who asks next.

        Raises:
            EndOfInput: there is none.
        """
        if not self._arrived:
            loop = asyncio.get_running_loop()
            self._awaited = loop.create_future()
            if not self._is_reading:
                self._is_reading = True
                threading.Thread(target=self._read, args=(loop,), name="line reader", daemon=True).start()
            await self._awaited
        line = self._arrived.popleft()
        if line is None:
            self._arrived.append(None)
            raise EndOfInput
        return line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        line = self._next_line()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._deliver, line)

    def _deliver(self, line: bytes | None) -> None:
        self._is_reading = False
        self._arrived.append(line)
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)

    def _next_line(self) -> bytes | None:
        while b"\n" not in self._read_ahead:
            data = self._chunk()
            if not data:
                rest = bytes(self._read_ahead)
                self._read_ahead.clear()
                return rest or None
            if len(self._read_ahead) > LONGEST_LINE:
                data = data[data.find(b"\n") :] if b"\n" in data else b""
            self._read_ahead += data
        line, _, after = self._read_ahead.partition(b"\n")
        self._read_ahead[:] = after
        return bytes(line)

    def _chunk(self) -> bytes:
        try:
            return b"" if self._descriptor is None else os.read(self._descriptor, _CHUNK)
        except OSError:  # EIO: the terminal is gone
            return b""
