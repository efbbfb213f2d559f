"""A file descriptor, read in a daemon thread: a read that nobody answers does not keep the program alive.

It is read only when something is asked for. Python's own `sys.stdin` is not used: what it reads ahead
would be hidden from the terminal's settings, and its lock, held by a blocked thread, aborts the
interpreter at its end.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress

_CHUNK = 4096


class Continued(Exception):
    """The program was stopped and goes on: what was asked is to be asked again."""


class ChunkReader:
    """Reads one descriptor.

    Args:
        descriptor: What is read; None is an input that has ended.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._arrived = bytearray()
        """What nobody has taken yet. Filled where it is read, so that what is dropped is all of it."""
        self._has_ended = descriptor is None
        self._is_continued = False
        self._awaited: asyncio.Future[None] | None = None
        self._is_reading = False

    async def chunk(self) -> bytes:
        """Return what came next, nothing at the end. When the wait is cancelled, it goes to who asks next.

        Raises:
            Continued: `start_over` was called.
        """
        while not self._arrived and not self._has_ended and not self._is_continued:
            loop = asyncio.get_running_loop()
            self._awaited = loop.create_future()
            if not self._is_reading:
                self._is_reading = True
                threading.Thread(target=self._read, args=(loop,), name="input reader", daemon=True).start()
            await self._awaited
        if self._is_continued:
            self._is_continued = False
            raise Continued
        return self.drop()

    def drop(self) -> bytes:
        """Take what has arrived, without waiting."""
        data = bytes(self._arrived)
        del self._arrived[: len(data)]
        return data

    def start_over(self) -> None:
        """Let who waits now, or asks next, begin anew; what has arrived is dropped."""
        self.drop()
        self._is_continued = True
        self._wake()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        data = self._next()
        self._arrived += data
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._deliver, not data)

    def _next(self) -> bytes:
        try:
            return b"" if self._descriptor is None else os.read(self._descriptor, _CHUNK)
        except OSError:  # EIO: the terminal is gone
            return b""

    def _deliver(self, has_ended: bool) -> None:
        self._is_reading = False
        self._has_ended = has_ended
        self._wake()

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
