from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from embedded_client import HmacSigner, Host, ManualClock

from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve


@asynccontextmanager
async def machine(addresses: Addresses, local_address: str) -> AsyncIterator[Host]:
    transport = httpx.AsyncHTTPTransport(local_address=local_address)
    async with httpx.AsyncClient(base_url=addresses.base_url, transport=transport, trust_env=False) as client:
        yield Host(client)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def exchange(clock: ManualClock) -> EmbeddedExchange:
    return EmbeddedExchange(clock=clock, seed=1)


@pytest.fixture
async def addresses(exchange: EmbeddedExchange) -> AsyncIterator[Addresses]:
    async with serve(exchange) as found:
        yield found


@pytest.fixture
async def host(addresses: Addresses) -> AsyncIterator[Host]:
    async with machine(addresses, "127.0.0.1") as found:
        yield found


@pytest.fixture
async def other_host(addresses: Addresses) -> AsyncIterator[Host]:
    async with machine(addresses, "127.0.0.2") as found:
        yield found


@pytest.fixture
async def unlisted_host(addresses: Addresses) -> AsyncIterator[Host]:
    async with machine(addresses, "127.0.0.3") as found:
        yield found


@pytest.fixture
async def key(host: Host) -> HmacSigner:
    return await host.hmac_key(whitelist="203.0.113.42")
