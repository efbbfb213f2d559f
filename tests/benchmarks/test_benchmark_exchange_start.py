"""How long the embedded exchange takes from its command to its first answer, beside what it cannot do without."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from statistics import median

import httpx
import pytest

from wizard.rehearsal.simulator import EmbeddedExchange, serve

RUNS = 5
INSTANCES = 50
BARE = "import httpx, starlette.applications, uvicorn, websockets, cryptography.hazmat.primitives.asymmetric.rsa"


def start_to_first_answer() -> float:
    begun = time.perf_counter()
    command = [sys.executable, "-P", "-m", "wizard", "exchange", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            found = json.loads(child.stdout.readline())
            assert httpx.get(found["base_url"] + "/api/v3/ping", trust_env=False).json() == {}
            return time.perf_counter() - begun
        finally:
            child.terminate()


def bare_imports() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return time.perf_counter() - begun


@pytest.mark.benchmark
def test_from_the_command_to_the_first_answer(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [(start_to_first_answer(), bare_imports()) for _ in range(RUNS)]
    exchange, bare = (median(column) for column in zip(*pairs, strict=True))
    with capsys.disabled():
        print(f"\nexchange: first answer after {exchange:.2f} s, {exchange / bare:.2f} times its bare imports")


@pytest.mark.benchmark
async def test_many_exchanges_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    async def serve_and_ask(count: int) -> float:
        begun = time.perf_counter()
        async with AsyncExitStack() as stack, httpx.AsyncClient(trust_env=False) as client:
            for _ in range(count):
                addresses = await stack.enter_async_context(serve(EmbeddedExchange()))
                used = (await client.get(addresses.base_url + "/api/v3/ping")).headers["X-MBX-USED-WEIGHT-1M"]
                assert used == "1"
        return time.perf_counter() - begun

    await serve_and_ask(1)
    one, many = await serve_and_ask(1), await serve_and_ask(INSTANCES)
    with capsys.disabled():
        print(f"\nexchange: {INSTANCES} instances take {many / one:.0f} times as long as one, {many:.2f} s in all")
