"""A loopback server that shakes hands as a WebSocket server does and then sends the bytes it was told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Heard:
    """What the client said, and where it can say it."""

    url: str
    frames: list[bytes] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)


def text(message: str | bytes) -> bytes:
    """One text frame, as a server sends it."""
    data = message.encode() if isinstance(message, str) else message
    return Frame(Opcode.TEXT, data).serialize(mask=False)


@asynccontextmanager
async def websocket_server(talk: Talk | bytes, *, handshake: bytes | None = None) -> AsyncIterator[Heard]:
    """Serve as long as the block runs.

    Args:
        talk: Called after the handshake; or what is sent for each message of the client.
        handshake: What is answered in the place of a right handshake.
    """

    writers: set[asyncio.StreamWriter] = set()
    idle = asyncio.Event()
    idle.set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        idle.clear()
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_accept(head) if handshake is None else handshake)
            if callable(talk):
                await talk(reader, writer)
            else:
                while data := await reader.read(65536):
                    heard.frames.append(data)
                    writer.write(talk)
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            heard.left.set()
            writers.discard(writer)
            if not writers:
                idle.set()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    heard = Heard(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws-api/v3")
    try:
        yield heard
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        await idle.wait()


def _accept(head: bytes) -> bytes:
    lines = head.decode("latin-1").split("\r\n")
    key = next(line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key"))
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    ).encode()
