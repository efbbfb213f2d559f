"""Walks the way to the exchange once, with everything that can be asked at the same time asked at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from wizard.exchange.client import Connection, ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.resolving import Resolution, resolve
from wizard.net.tls import Signer, who_signed
from wizard.rotation.context import Context
from wizard.rotation.way_findings import Way, is_worth_inspecting

PING = "/api/v3/ping"


async def walk(context: Context, client: ExchangeClient) -> Way:
    """Look up the name and call the exchange; where it does not answer, find out what else can be known."""
    resolution, connection = await asyncio.gather(_resolution(context), client.connect())
    site = context.environment.site
    way = Way(resolution, connection, is_encrypted=site.rest_url.startswith("https://"))
    if way.is_open:
        return way
    signer, answering = await asyncio.gather(_signer(context, connection), _answering(context, connection))
    return replace(way, signer=signer, answering=tuple(answering))


async def _resolution(context: Context) -> Resolution | ExchangeError | None:
    if context.route().is_proxied:
        return None
    host = urlsplit(context.environment.site.rest_url).hostname or ""
    try:
        return await resolve(host, deadline=context.pace.call, lookup=context.lookup, stopwatch=context.stopwatch)
    except ExchangeError as error:
        return error


async def _signer(context: Context, connection: Connection) -> Signer | None:
    if not is_worth_inspecting(connection.error):
        return None
    url = context.environment.site.rest_url + PING
    return await who_signed(url, context.transport, context.pace.call)


async def _answering(context: Context, connection: Connection) -> Sequence[str]:
    """Which of the site's other hosts answer a public call, where the chosen one was not reached."""
    if connection.error is None or connection.error.kind is not ErrorKind.NETWORK:
        return ()
    urls = context.environment.site.alternative_urls
    answers = await asyncio.gather(*(_answers(context, url) for url in urls))
    return [urlsplit(url).hostname or "" for url, answered in zip(urls, answers, strict=True) if answered]


async def _answers(context: Context, url: str) -> bool:
    async with context.exchange(replace(context.environment.site, rest_url=url)) as client:
        try:
            await client.ping()
        except ExchangeError:
            return False
        return True
