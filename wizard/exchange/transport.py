"""One HTTP GET or one WebSocket conversation at a time, each with a deadline over the whole of it; answers are bounded.

httpx's transport is asked directly, without its client: no cookie is kept, no redirect followed, no variable of the
environment looked at. A failure is returned, not raised: a traceback through here could show the signed request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import httpcore
import httpx

from wizard.core.clock import Clock
from wizard.core.safety import silence_libraries
from wizard.core.text import printable
from wizard.exchange.errors import ExchangeError, Flaw, unreachable, unreadable
from wizard.exchange.responses import RawAnswer, interpret
from wizard.exchange.websocket import SWITCHING, WebSocket, opened, opening
from wizard.net.trace import Phase, Trace, causes_of

Said = TypeVar("Said")
Done = TypeVar("Done")

LONGEST_ANSWER = 1 << 20
"""Bytes after which an answer is no longer read."""

_BROKEN = (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
_HEADERS = {"User-Agent": "key-wizard", "Accept": "application/json", "Accept-Encoding": "identity"}


class ExchangeTransport:
    """Sends requests over one transport, which its owner opens and closes; for the arguments see `ExchangeClient`."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, *, timeout: float, proxied: bool, clock: Clock, stopwatch: Clock
    ) -> None:
        silence_libraries()
        self._transport = transport
        self._timeout = timeout
        self._proxied = proxied
        self._clock = clock
        self._stopwatch = stopwatch

    async def get(self, url: str, headers: Mapping[str, str], trace: Trace | None = None) -> RawAnswer | ExchangeError:
        """Return the answer to one GET, or why there is none; `trace` sees how far the call comes."""
        request = httpx.Request("GET", url, headers={**_HEADERS, **headers})

        async def read() -> RawAnswer:
            response = await self._transport.handle_async_request(request)
            try:
                return await _raw(response)
            finally:
                await response.aclose()

        return await self._until_deadline(read(), request, trace or self.trace())

    async def converse(self, url: str, talk: Callable[[WebSocket], Awaitable[Said]]) -> Said | ExchangeError:
        """Open a WebSocket, let `talk` have it, close it. Return what `talk` returned, or why there was no talk.

        `talk` returns its failures, and lets those of the connection pass.
        """
        protocol, headers = opening(url)
        request = httpx.Request("GET", "http" + url.removeprefix("ws"), headers={**_HEADERS, **headers})

        async def hold() -> Said | ExchangeError:
            response = await self._transport.handle_async_request(request)
            try:
                websocket = opened(protocol, response)
                if websocket is None:
                    raw = await _raw(response) if response.status_code != SWITCHING else None
                    told = interpret(raw, lambda text: text, self._clock()) if raw else None
                    unopened = unreadable(Flaw.HANDSHAKE, response.status_code)
                    return told if isinstance(told, ExchangeError) else unopened
                said = await talk(websocket)
                await websocket.say_goodbye()
                return said
            finally:
                await response.aclose()

        return await self._until_deadline(hold(), request, self.trace())

    def trace(self) -> Trace:
        """Return what watches one call."""
        return Trace(proxied=self._proxied, stopwatch=self._stopwatch)

    async def _until_deadline(
        self, work: Coroutine[Any, Any, Done], request: httpx.Request, trace: Trace
    ) -> Done | ExchangeError:
        request.extensions["trace"] = trace
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except _BROKEN as error:
            return _network_error(error, trace.phase)
        finally:
            await trace.close_half_open()


async def _raw(response: httpx.Response) -> RawAnswer:
    """Return the answer with its body as it came, never decompressed."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            break
    whole = bytes(body) if len(body) <= LONGEST_ANSWER else None
    return RawAnswer(response.status_code, response.headers.get("Retry-After", ""), whole)


def _network_error(error: Exception, during: Phase | None) -> ExchangeError:
    """Return what an exception means that came after the phase `during` had begun; only the system's reason is kept."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return unreachable(Phase.TIMEOUT, during=during)
    causes = causes_of(error)
    if isinstance(error, httpx.ProxyError):
        phase = Phase.PROXY
    elif during is not Phase.PROXY and any(isinstance(cause, ssl.SSLError) for cause in causes):
        phase = Phase.TLS
    elif during is not Phase.PROXY and any(isinstance(cause, socket.gaierror) for cause in causes):
        phase = Phase.DNS
    else:
        phase = during or Phase.TCP
    return unreachable(phase, detail=_reason(causes))


def _reason(causes: tuple[BaseException, ...]) -> str:
    """Return the innermost reason that the TLS library or the system gives."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return printable(cause.verify_message)
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return printable(cause.reason.replace("_", " ").lower())
        if isinstance(cause, OSError) and cause.strerror:
            return printable(cause.strerror)
    return ""
