"""A loopback server that answers each request with the bytes it was told to.

    async with FakeExchange(answer(400, {"code": -2015})) as fake, fake.client() as client: ...

It knows nothing of the exchange's rules: what it answers is what the test says.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import httpx

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.exchange.client import ExchangeClient

NOW = 1_790_000_000.0
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire."""

    target: str
    headers: dict[str, str]
    method: str = "GET"
    body: str = ""

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


Script = Callable[[Seen, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request by hand: slowly, not at all, or in pieces."""


def hmac_credentials() -> Credentials:
    return Credentials(KeyKind.HMAC, Secret(API_KEY), Secret(SECRET))


def answer(status: int = 200, body: object = b"", **headers: str) -> bytes:
    """One HTTP answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some Reason", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


class FakeExchange:
    def __init__(self, reply: bytes | Script, tls: ssl.SSLContext | None = None) -> None:
        self._reply = reply
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self.seen: list[Seen] = []
        self.connections = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self.idle.wait()
        await self._server.wait_closed()

    async def left_alone(self) -> None:
        """Wait until every client has closed its connection."""
        async with asyncio.timeout(10):
            await self.idle.wait()

    @property
    def site(self) -> Site:
        return Site("custom", f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}", "")

    @asynccontextmanager
    async def client(
        self,
        *,
        deadline: float = 5.0,
        clock: Clock = lambda: NOW,
        verify: ssl.SSLContext | bool = True,
        rest_url: str = "",
    ) -> AsyncIterator[ExchangeClient]:
        site = Site("custom", rest_url, "") if rest_url else self.site
        transport = httpx.AsyncHTTPTransport(verify=verify)
        async with ExchangeClient(site, transport, clock=clock, timeout=deadline) as client:
            yield client

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self.idle.clear()
        try:
            while True:
                seen = _seen(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(int(seen.headers.get("content-length", "0")))
                self.seen.append(replace(seen, body=body.decode("latin-1")))
                await self._respond(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            if not self._writers:
                self.idle.set()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._reply, bytes):
            writer.write(self._reply)
            await writer.drain()
        else:
            await self._reply(self.seen[-1], reader, writer)


def _seen(head: bytes) -> Seen:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    method, target, _ = first.split(" ")
    return Seen(target, {name.lower(): value for name, value in headers.items()}, method)


def server_time(ahead_ms: float = 0.0) -> Script:
    """Answer with the time, in the unit that was asked for."""

    async def reply(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now_ms = time.time() * 1000 + ahead_ms
        micro = seen.headers.get("x-mbx-time-unit") == "MICROSECOND"
        writer.write(answer(200, {"serverTime": int(now_ms * 1000) if micro else int(now_ms)}))
        await writer.drain()

    return reply


async def hold(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the client goes away."""
    await reader.read()


async def drip(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one byte at a time, for ever: no single read times out."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.005)


async def flood(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def cut(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the connection in the middle of the answer."""
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ipRestr')
    await writer.drain()
    writer.close()
