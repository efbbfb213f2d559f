"""How long the probe takes when every answer takes 100 ms longer, against its critical path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.rotation.conftest import OpenStore, World
from wizard.core.credentials import KeyKind
from wizard.core.settings import Paths
from wizard.exchange.client import ExchangeClient
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.flow import Flow
from wizard.rotation.steps.probe import ProbeStep

pytestmark = pytest.mark.benchmark

LATENCY_MS = 100
CRITICAL_PATH = 7
"""Answers that have to be waited for one after the other: the ping, then the clock's first call and its five samples.

Beside them, all shorter: the name, the echo services; the new key's first call, then two more in a
row, or the WebSocket's opening, log-on and account; the current key's two calls; the market stream.
"""
GOAL = 1.3


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def one_after_the_other(world: World, answers: int) -> None:
    async with ExchangeClient(world.site, httpx.AsyncHTTPTransport(verify=False)) as client:
        for _ in range(answers):
            await client.connect()


async def best_of(count: int, work: Callable[[], Awaitable[object]]) -> float:
    return min([await seconds(work) for _ in range(count)])


async def test_the_probe_takes_little_more_than_its_critical_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange = EmbeddedExchange()
    async with serve(exchange) as addresses:
        paths = Paths(tmp_path / "config", tmp_path / "state")
        world = World(addresses.base_url, SimulatedPage(addresses.desk_url), paths, OpenStore())
        async with world.flow(pause=asyncio.sleep) as flow:
            await world.put_key_in_use(flow)
            await to_ed25519_probe(world, flow)
            probe = ProbeStep(replace(flow.context, pace=replace(flow.context.pace, between_passes=0.0)))
            assert (await probe.run()).is_proven
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.put(f"{world.base_url}/desk/faults", json={"latency_ms": LATENCY_MS})
            before = len(exchange.state.log)
            probed = await best_of(3, probe.run)
            signed = (len(exchange.state.log) - before) // 3
            path = await best_of(3, lambda: one_after_the_other(world, CRITICAL_PATH))
    with capsys.disabled():
        print(
            f"\nprobe with {LATENCY_MS} ms added to each answer: {probed:.2f} s,"
            f" {probed / path:.2f} × the critical path of {CRITICAL_PATH} answers"
            f" ({path:.2f} s; goal {GOAL}); {signed} signed calls"
        )


async def to_ed25519_probe(world: World, flow: Flow) -> None:
    """Walk to the probe with the kind of key that asks most."""
    await world.to_probe(flow)
    flow.back()
    pem = await flow.credentials.public_key()
    made = await world.simulated_page.create(
        "new", KeyKind.ED25519, "203.0.113.42", public_key=pem, enableSpotAndMarginTrading=True
    )
    await flow.credentials.store_pair(made.api_key, pem)
    flow.advance(flow.context.rotation.step)
