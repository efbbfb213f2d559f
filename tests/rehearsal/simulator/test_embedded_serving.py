from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import httpx
import pytest
from embedded_client import ManualClock
from embedded_websocket import line
from starlette.types import Receive, Scope, Send

from wizard.core.errors import WizardError
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve
from wizard.rehearsal.simulator.server import listen

PATIENCE = 20


def program(*options: str) -> list[str]:
    return [sys.executable, "-m", "wizard", "exchange", *options]


@contextlib.contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    buffered = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    child = subprocess.Popen(program(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered)
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=PATIENCE)


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


async def test_it_is_served_on_loopback_and_tells_where(addresses: Addresses) -> None:
    url = httpx.URL(addresses.base_url)
    assert (url.scheme, url.host) == ("http", "127.0.0.1")
    assert addresses.ws_url == f"ws://127.0.0.1:{url.port}"
    assert addresses.desk_url == f"{addresses.base_url}/desk"
    with pytest.raises(FrozenInstanceError):
        addresses.base_url = ""  # type: ignore[misc]


async def test_it_leaves_the_signals_of_the_process_alone(exchange: EmbeddedExchange) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serve(exchange):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_it_prints_nothing(exchange: EmbeddedExchange, capfd: pytest.CaptureFixture[str]) -> None:
    async with serve(exchange) as addresses, httpx.AsyncClient(trust_env=False) as client:
        await client.get(addresses.base_url + "/api/v3/ping")
    assert capfd.readouterr() == ("", "")


async def test_it_stops_although_a_connection_stays_open(exchange: EmbeddedExchange) -> None:
    async with asyncio.timeout(PATIENCE):
        async with serve(exchange) as addresses:
            client = httpx.AsyncClient(base_url=addresses.base_url, trust_env=False)
            await client.get("/api/v3/ping")
        with pytest.raises(httpx.TransportError):
            await client.get("/api/v3/ping")
        await client.aclose()


async def ask_and_stop(exchange: EmbeddedExchange, latency_ms: int) -> httpx.Response | BaseException:
    """Stop the server while a ping waits out the latency, and return what became of the ping."""
    arrived = asyncio.Event()

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/api/v3/ping":
            arrived.set()
        await exchange(scope, receive, send)

    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        async with serve(told) as addresses:
            await client.put(addresses.desk_url + "/faults", json={"latency_ms": latency_ms})
            slow = asyncio.create_task(client.get(addresses.base_url + "/api/v3/ping"))
            await arrived.wait()
        (answer,) = await asyncio.gather(slow, return_exceptions=True)
    return answer


async def test_it_stops_although_an_answer_would_take_an_hour(exchange: EmbeddedExchange) -> None:
    before = asyncio.all_tasks()
    answer = await ask_and_stop(exchange, 3_600_000)
    assert isinstance(answer, httpx.TransportError) or answer.status_code == 500
    assert asyncio.all_tasks() == before


async def test_an_answer_that_is_nearly_ready_is_still_given(exchange: EmbeddedExchange) -> None:
    answer = await ask_and_stop(exchange, 20)
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 200


async def test_answers_are_not_held_back_to_be_sent_together() -> None:
    accepted = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            found = transport.get_extra_info("socket")
            accepted.set_result(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    server = await asyncio.get_running_loop().create_server(Accepting, sock=listen(0))
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()


async def test_a_port_in_use_is_told_in_words(addresses: Addresses) -> None:
    port = httpx.URL(addresses.base_url).port
    with pytest.raises(WizardError) as caught:
        async with serve(EmbeddedExchange(), port or 0):
            pass
    assert str(port) in caught.value.what
    assert "Another program" in caught.value.why
    assert "0 to take any" in caught.value.advice


async def test_a_port_that_cannot_be_is_told_in_words() -> None:
    with pytest.raises(WizardError, match="70000"):
        async with serve(EmbeddedExchange(), 70000):
            pass


async def test_the_same_exchange_can_be_served_again_with_its_keys(exchange: EmbeddedExchange) -> None:
    seen = []
    for _ in range(2):
        async with serve(exchange) as addresses, httpx.AsyncClient(trust_env=False) as client:
            await client.post(addresses.desk_url + "/keys", json={})
            seen.append(len((await client.get(addresses.desk_url + "/keys")).json()))
    assert seen == [1, 2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_first_line_says_where_it_answers_and_a_signal_ends_it(number: signal.Signals, code: int) -> None:
    with running("--json") as child:
        found = json.loads(first_line(child))
        assert set(found) == {"schema", "base_url", "ws_url", "desk_url"}
        with httpx.Client(base_url=found["base_url"], trust_env=False) as client:
            assert client.get("/api/v3/ping").json() == {}
            child.send_signal(number)
            out, err = child.communicate(timeout=PATIENCE)
        assert (child.returncode, out, err) == (code, "", "")


def test_people_get_its_addresses() -> None:
    with running() as child:
        assert first_line(child).split()[:1] == ["REST"]


def test_it_ends_by_itself_when_nobody_asks() -> None:
    done = subprocess.run(program("--idle-limit", "0.2"), check=False, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")


async def test_idleness_is_counted_from_the_end_of_the_last_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ManualClock()
    monkeypatch.setattr("wizard.rehearsal.simulator.server.time", SimpleNamespace(monotonic=now))
    exchange = EmbeddedExchange()
    now.now += 6
    assert exchange.idle_seconds() == 6
    async with serve(exchange) as addresses, line(addresses) as api:
        await api.ask("ping")
        now.now += 60
        assert exchange.idle_seconds() == 0
    now.now += 7
    assert exchange.idle_seconds() == 7


def test_it_tells_of_a_port_in_use_and_exits_with_6() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            program("--port", str(port)), check=False, capture_output=True, text=True, timeout=PATIENCE
        )
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        f"key-wizard: The embedded exchange cannot listen on 127.0.0.1:{port}.\n  Another program uses this port.\n"
        "  Choose another port, or 0 to take any that is free.\n"
    )


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_its_packages_it_says_how_to_install_them(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from wizard.core.errors import WizardError
try:
    import wizard.rehearsal.simulator
except WizardError as error:
    print(error.sentences())
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert "pip install 'key-wizard[rehearsal]'" in done.stdout
    assert package in done.stdout
