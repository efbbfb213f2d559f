"""One question to one echo service, over the decided route, on a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpx

from wizard import __version__
from wizard.egress.answers import BODY_LIMIT, Refused, Sample, read_answer, refuse_status
from wizard.egress.failures import failure, time_out
from wizard.egress.progress import Progress
from wizard.egress.providers import Provider
from wizard.egress.route import Route, sampling_transport
from wizard.rules import Rules

__all__ = ["Sample", "ask", "fetch"]

_HEADERS = {
    "User-Agent": f"key-wizard/{__version__}",
    "Accept": "text/plain, application/json;q=0.9",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
}


async def ask(
    provider: Provider,
    route: Route,
    *,
    rules: Rules,
    timeout: float,  # noqa: ASYNC109 - becomes asyncio.timeout here, so that every caller has a deadline
    timer: Callable[[], float],
    verify: ssl.SSLContext | None = None,
) -> Sample:
    """Ask `provider` which address it sees. Network trouble becomes a refusal, never an exception.

    Args:
        provider: The echo service.
        route: The way out.
        rules: Special ranges that are accepted as addresses.
        timeout: Seconds for the whole question, from name resolution to the last byte.
        timer: A monotonic clock in seconds, such as `time.perf_counter`.
        verify: What certificates are checked against; None for the public authorities.

    Raises:
        wizard.egress.proxy.ProxyUnusable: the route's proxy cannot be used at all.
    """
    address, refusal = None, ""
    start = timer()
    try:
        body = await fetch(provider.url, route, timeout=timeout, verify=verify)
        address = read_answer(provider, body, rules)
    except Refused as refused:
        refusal = str(refused)
    return Sample(provider, address, refusal, (timer() - start) * 1000)


async def fetch(
    url: str,
    route: Route,
    *,
    timeout: float,  # noqa: ASYNC109 - becomes asyncio.timeout here
    verify: ssl.SSLContext | None = None,
) -> bytes:
    """Return the body that a server answers with, soon after `BODY_LIMIT` cut. The connection is its own.

    Args:
        url: What is asked for; a redirect is not followed.
        route: The way out.
        timeout: Seconds for the whole question, from name resolution to the last byte.
        verify: What certificates are checked against; None for the public authorities.

    Raises:
        Refused: the network failed, time was up, or the status is not 200; it says which, for people.
        wizard.egress.proxy.ProxyUnusable: the route's proxy cannot be used at all.
    """
    transport, progress = sampling_transport(route, verify=verify), Progress()
    try:
        async with asyncio.timeout(timeout):
            return await _get(url, transport, progress)
    except TimeoutError:
        reason = time_out(progress.phase, route, timeout)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        reason = failure(error, route)
    finally:
        await progress.close()
    raise Refused(reason)


async def _get(url: str, transport: httpx.AsyncHTTPTransport, progress: Progress) -> bytes:
    client = httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - the caller's asyncio.timeout covers name resolution too
        headers=_HEADERS,
    )
    async with client, client.stream("GET", url, extensions={"trace": progress}) as response:
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
