"""A bus that hangs, and a look at the processes that hang on it."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from pathlib import Path


class HungBus:
    """Authenticates whoever connects, then never answers: a call on it blocks for ever."""

    def __init__(self) -> None:
        self.environ: dict[str, str] = {}
        self._callers: asyncio.Queue[int] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await reader.readuntil(b"\r\n")
        writer.write(b"OK 0123456789abcdef0123456789abcdef\r\n")
        await reader.readuntil(b"BEGIN\r\n")
        self._callers.put_nowait(_peer(writer))

    async def caller(self) -> int:
        """Wait for a process that hangs now, and return its id. One that never comes fails the test."""
        async with asyncio.timeout(30):
            return await self._callers.get()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()


def children() -> set[int]:
    """Return the processes that this one has started and not reaped, dead ones included."""
    mine = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            mine.add(int(stat.parent.name))
    return mine


def _peer(writer: asyncio.StreamWriter) -> int:
    connection = writer.get_extra_info("socket")
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid
