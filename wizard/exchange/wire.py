"""One HTTP GET at a time: a deadline over the whole call, a bounded body, no cookies, no redirects.

A failure is returned, not raised: the frames here hold the signed request, and a traceback that
passed through them could show it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http.cookiejar import CookieJar
from types import TracebackType
from typing import Self

import httpx

from wizard.exchange.answers import RawAnswer
from wizard.exchange.errors import Unreachable
from wizard.exchange.progress import Progress, unreachable
from wizard.exchange.quiet import silence_http_libraries

LONGEST_ANSWER = 1 << 20
"""Bytes after which an answer is no longer read."""

_HEADERS = {"User-Agent": "key-wizard", "Accept": "application/json", "Accept-Encoding": "identity"}


class _NoCookies(CookieJar):
    """The API needs no cookie: none is kept from one key's call to the next, none is parsed."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Take nothing."""

    def add_cookie_header(self, request: object) -> None:
        """Send nothing."""


class Wire:
    """Sends requests over one transport. Used as `async with`; the transport is closed at the end.

    Args:
        transport: How servers are reached.
        timeout: The deadline of one whole call, in seconds.
        proxied: Whether `transport` goes through a proxy.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, *, timeout: float, proxied: bool) -> None:
        silence_http_libraries()
        self._timeout = timeout
        self._proxied = proxied
        self._http = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            headers=_HEADERS,
            cookies=_NoCookies(),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def get(self, url: str, headers: Mapping[str, str]) -> RawAnswer | Unreachable:
        """Return the answer to one GET, or why there is none."""
        progress = Progress(proxied=self._proxied)
        request = self._http.build_request("GET", url, headers=headers, extensions={"trace": progress})
        try:
            async with asyncio.timeout(self._timeout):
                return await self._read(request)
        except (httpx.HTTPError, OSError) as error:
            return unreachable(error, progress.phase)
        finally:
            await progress.close_half_open()

    async def _read(self, request: httpx.Request) -> RawAnswer:
        response = await self._http.send(request, stream=True)
        try:
            return RawAnswer(response.status_code, response.headers.get("Retry-After", ""), await _body(response))
        finally:
            await response.aclose()


async def _body(response: httpx.Response) -> bytes | None:
    """Return the body as it came over the wire, never decompressed; None past the limit."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            return None
    return bytes(body)
