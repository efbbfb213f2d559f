"""One question to one echo service, over the decided route, on a connection of its own.

Network trouble becomes one phrase that blames the right party. Behind a proxy the only connection that this
host opens is the one to the proxy: when it fails, the proxy is at fault, not the service behind it. The phrases
name no service, so that the same trouble reads the same for all of them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable

import httpx

from wizard import __version__
from wizard.core.rules import Rules
from wizard.core.text import printable
from wizard.egress.answers import BODY_LIMIT, NoAddress, Sample, read_answer, refuse_status
from wizard.egress.services import EchoService
from wizard.net.route import Route, open_transport
from wizard.net.trace import Phase, Trace, causes_of

_HEADERS = {
    "User-Agent": f"key-wizard/{__version__}",
    "Accept": "text/plain, application/json;q=0.9",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
}


async def ask(
    service: EchoService,
    route: Route,
    *,
    rules: Rules,
    timeout: float,  # noqa: ASYNC109 - becomes asyncio.timeout here, so that every caller has a deadline
    timer: Callable[[], float],
    verify: ssl.SSLContext | None = None,
) -> Sample:
    """Ask `service` which address it sees. Network trouble becomes a refusal, never an exception.

    Args:
        service: The echo service.
        route: The way out.
        rules: Special ranges that are accepted as addresses.
        timeout: Seconds for the whole question, from name resolution to the last byte.
        timer: A monotonic clock in seconds, such as `time.perf_counter`.
        verify: What certificates are checked against; None for the public authorities.

    Raises:
        wizard.net.route.RouteError: the route's proxy cannot be used at all.
    """
    address, refusal = None, ""
    start = timer()
    try:
        address = read_answer(service, await _fetch(service.url, route, timeout, verify), rules)
    except NoAddress as refused:
        refusal = str(refused)
    return Sample(service, address, refusal, (timer() - start) * 1000)


async def _fetch(url: str, route: Route, seconds: float, verify: ssl.SSLContext | None) -> bytes:
    transport = open_transport(route, verify=verify, keeps_connections=False)
    trace = Trace(proxied=route.is_proxied)
    try:
        async with asyncio.timeout(seconds):
            return await _get(url, transport, trace)
    except TimeoutError:
        reason = time_out(trace, route, seconds)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        reason = _failure(error, route)
    finally:
        await trace.close_half_open()
    raise NoAddress(reason)


async def _get(url: str, transport: httpx.AsyncHTTPTransport, trace: Trace) -> bytes:
    client = httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - the caller's asyncio.timeout covers name resolution too
        headers=_HEADERS,
    )
    async with client, client.stream("GET", url, extensions={"trace": trace}) as response:
        refuse_status(response.status_code, response.headers.get("location", ""))
        return await _read_capped(response)


async def _read_capped(response: httpx.Response) -> bytes:
    """Read as sent, never decompressed, and stop soon after `BODY_LIMIT`."""
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_LIMIT:
            break
    return body


def time_out(trace: Trace, route: Route, seconds: float) -> str:
    """Say what was waited for in vain."""
    whom = f"the {route.shown}" if route.is_proxied else "the server"
    if trace.connected_ms is None:
        return f"no connection to {whom} within {seconds:g} s"
    if trace.phase is Phase.TLS:
        return f"connected, but no TLS handshake within {seconds:g} s: possibly filtered on the way"
    if route.is_proxied:
        return f"connected to {whom}, but no answer came through it within {seconds:g} s"
    return f"connected, but no answer within {seconds:g} s"


def _failure(error: Exception, route: Route) -> str:
    """Say what went wrong, from the exception that httpx raised and those below it."""
    causes = causes_of(error)
    if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        return _tls(tls)
    if isinstance(error, httpx.ProxyError):
        return f"the {route.shown} refused: {printable(str(error), 80)}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return _no_connection(causes, route)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return "the connection was closed without a valid HTTP answer"
    return f"the request failed ({type(error).__name__})"


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate is not trusted: {printable(error.verify_message, 80)}"
    return f"no TLS connection ({printable(error.reason or 'reason not given', 80)}), possibly a captive portal"


def _no_connection(causes: tuple[BaseException, ...], route: Route) -> str:
    whom = f"the {route.shown} cannot be reached" if route.is_proxied else "no connection"
    reason = next((cause for cause in reversed(causes) if isinstance(cause, OSError)), None)
    if isinstance(reason, socket.gaierror):
        return f"{whom}: its name cannot be resolved"
    if reason is not None and reason.errno == errno.EADDRNOTAVAIL:
        return f"{whom}: this host has no address {route.source_address} to call from"
    if reason is None or not reason.errno:
        return f"{whom}: the system gives no reason"
    return f"{whom}: {os.strerror(reason.errno)}"
