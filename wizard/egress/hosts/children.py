"""Other programs' output, read within bounds, and their end: no process is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from contextlib import suppress

_CHUNK = 64 * 1024


async def read(stream: asyncio.StreamReader, into: bytearray, limit: int, until: bytes | None = None) -> bool:
    """Read to the end, the limit or `until`; return whether there is nothing to wait for any more.

    Args:
        stream: What the program writes.
        into: Where it is put, at most `limit` bytes of it.
        limit: After so many bytes reading ends.
        until: After this was read reading ends.
    """
    while chunk := await stream.read(_CHUNK):
        begin = max(0, len(into) - len(until or b""))
        into += chunk[: limit - len(into)]
        if len(into) >= limit or (until and into.find(until, begin) >= 0):
            return True
    return False


async def read_last(stream: asyncio.StreamReader, into: bytearray, limit: int) -> None:
    """Read to the end, so that the writer is never held up; keep the last `limit` bytes."""
    while chunk := await stream.read(_CHUNK):
        into += chunk
        del into[:-limit]


async def end(process: Process) -> None:
    """End a program that was started in a session of its own, and what it started itself."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    # A stranger that holds their other end would keep `wait` waiting. The transport is closed last: it looks for the
    # process itself, and would now and then take the exit status from under asyncio's watcher, which logs that.
    transport = process._transport  # type: ignore[attr-defined]
    for descriptor in (0, 1, 2):
        if pipe := transport.get_pipe_transport(descriptor):
            pipe.close()
    await process.wait()
    transport.close()
