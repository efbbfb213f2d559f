"""How soon the answer is there after the second operator agreed, when three of six services are slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import pytest

from tests.egress.conftest import Town
from wizard.core.rules import Rules
from wizard.egress.detection import detect
from wizard.egress.services import EchoService
from wizard.net.route import Route

pytestmark = pytest.mark.benchmark

ADDRESS = "203.0.113.42"
SLOW = 5.0
QUICK = (0.2, 0.4, 0.6)
"""Seconds until each quick service answers: the second one decides."""
RUNS = 3
GOAL = 1.2


async def test_the_answer_is_there_when_the_second_operator_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    town, answered = Town(), dict[str, float]()
    services = [await _after(town, SLOW, f"slow {number}", answered) for number in range(3)]
    services += [await _after(town, seconds, f"quick {seconds}", answered) for seconds in QUICK]
    ratios = []
    try:
        for _ in range(RUNS):
            begun = time.perf_counter()
            report = await detect(
                services,
                Route("direct", "a benchmark"),
                rules=Rules(tolerated_ranges=frozenset({"documentation"})),
            )
            ratios.append((time.perf_counter() - begun) / (answered[f"quick {QUICK[1]}"] - begun))
            assert report.verdict.is_agreed
            assert len(report.unfinished) == 4
    finally:
        await town.close()
    with capsys.disabled():
        print(
            f"\negress with three of six services slow ({SLOW:g} s): the answer is there after {median(ratios):.2f} ×"
            f" the time that the second operator took ({QUICK[1]:g} s; goal {GOAL})"
        )


async def _after(town: Town, seconds: float, name: str, answered: dict[str, float]) -> EchoService:
    async def reply(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        answered[name] = time.perf_counter()
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(ADDRESS)}\r\n\r\n{ADDRESS}".encode())

    handler: Callable[..., Awaitable[None]] = reply
    return town.service(name, await town.serve(handler))
