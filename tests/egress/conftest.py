"""A loopback town: echo services in every mood, and a real HTTP proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from wizard.core.rules import Rules
from wizard.egress.services import EchoService, Parser

Handler = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Body = str | bytes | Callable[[], str]


@dataclass
class Town:
    """Servers that end with the test. `callers` lists who connected, as (address, port)."""

    callers: list[tuple[str, int]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set)
    _sockets: list[socket.socket] = field(default_factory=list)

    async def serve(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        until: bytes = b"\r\n\r\n",
    ) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            self._handlers.add(task)
            self.callers.append(writer.get_extra_info("peername")[:2])
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError
            ):
                while not writer.is_closing():
                    await handler(await reader.readuntil(until), reader, writer)
                    await writer.drain()
            writer.transport.abort()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self._handlers.discard(task)

        server = await asyncio.start_server(connected, host, port, ssl=tls)
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    async def operator(
        self,
        name: str,
        body: Body = "",
        *,
        status: int = 200,
        headers: str = "",
        parser: Parser = Parser.PLAIN,
        run_by: str = "",
    ) -> EchoService:
        async def reply(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            said = body() if callable(body) else body
            content = said if isinstance(said, bytes) else said.encode()
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n{headers}\r\n".encode() + content)

        return self.service(name, await self.serve(reply), parser=parser, run_by=run_by)

    async def silent_operator(self, name: str) -> EchoService:
        async def wait(_: bytes, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
            await self.over.wait()

        return self.service(name, await self.serve(wait))

    def service(self, name: str, port: int, *, parser: Parser = Parser.PLAIN, run_by: str = "") -> EchoService:
        return EchoService(name, run_by or name.title(), f"http://127.0.0.1:{port}/", parser)

    def dead_port(self) -> int:
        """A port that refuses connections until the test is over: bound, but nobody listens."""
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        self._sockets.append(held)
        return held.getsockname()[1]

    async def close(self) -> None:
        self.over.set()
        for server in self._servers:
            server.close()
        for held in self._sockets:
            held.close()
        for task in self._handlers:
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)


@dataclass
class LoopbackProxy:
    """An HTTP proxy: CONNECT and absolute URLs. `heads` keeps the request heads that it was sent."""

    town: Town
    heads: list[str] = field(default_factory=list)
    port: int = 0

    async def handle(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(head.decode())
        method, target, _ = head.decode().split(" ", 2)
        where = urlsplit(target if "://" in target else f"//{target}")
        upstream_reader, upstream = await asyncio.open_connection(where.hostname, where.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            upstream.write(head)
        try:
            await asyncio.gather(_pump(reader, upstream), _pump(upstream_reader, writer))
        finally:
            upstream.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    place = Town()
    yield place
    await place.close()


@pytest.fixture
async def proxy(town: Town) -> LoopbackProxy:
    stand = LoopbackProxy(town)
    stand.port = await town.serve(stand.handle)
    return stand


@pytest.fixture
def rules() -> Rules:
    """Documentation addresses stand for public ones."""
    return Rules(tolerated_ranges=frozenset({"documentation"}))
