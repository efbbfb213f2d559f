"""Weight, faults and clock on the WebSocket API."""

from __future__ import annotations

import asyncio

import pytest
from embedded_client import NOW, HmacSigner, Host, ManualClock
from embedded_websocket import API, line, refusal, signed, used
from websockets.exceptions import InvalidStatus

from wizard.rehearsal.simulator import Addresses, EmbeddedExchange

MILLI = int(NOW * 1000)
PING = "/api/v3/ping"


async def test_connecting_costs_two_and_each_answer_its_weight(addresses: Addresses, host: Host) -> None:
    async with line(addresses) as api:
        assert used(await api.ask("ping")) == 3
        assert used(await api.ask("session.status")) == 5
        assert used(await api.ask("account.status")) == 25
        assert used(await api.ask("no.such")) == 26
    assert (await host.get(PING)).headers["X-MBX-USED-WEIGHT-1M"] == "27"


async def test_rate_limits_are_shown_as_wished(addresses: Addresses) -> None:
    async with line(addresses) as api:
        assert "rateLimits" not in await api.ask("ping", {"returnRateLimits": False})
        assert "rateLimits" in await api.ask("ping")
    async with line(addresses, API + "?returnRateLimits=false") as api:
        assert "rateLimits" not in await api.ask("ping")
        assert "rateLimits" not in await api.raw("{")
        assert "rateLimits" in await api.ask("ping", {"returnRateLimits": True})
        assert (await api.ask("session.status"))["result"]["returnRateLimits"] is False


async def use_up(host: Host) -> None:
    for _ in range(300):
        await host.get("/api/v3/exchangeInfo")


async def test_above_the_limit_it_is_said_when_to_come_again(
    addresses: Addresses, host: Host, key: HmacSigner, clock: ManualClock
) -> None:
    async with line(addresses) as api:
        await use_up(host)
        answer = await api.ask("account.status", signed(key), request_id=7)
        rest = 60 - int(NOW) % 60
        assert (answer["id"], refusal(answer)) == (7, (429, -1003))
        assert answer["error"]["data"] == {"serverTime": MILLI, "retryAfter": MILLI + rest * 1000}
        clock.now += rest
        assert (await api.ask("account.status", signed(key, at=clock.now)))["status"] == 200


async def test_above_the_limit_the_handshake_is_refused_too(addresses: Addresses, host: Host) -> None:
    await use_up(host)
    with pytest.raises(InvalidStatus) as refused:
        async with line(addresses):
            pass
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == str(60 - int(NOW) % 60)


async def test_a_planted_answer_is_given_in_the_frame(addresses: Addresses, host: Host, key: HmacSigner) -> None:
    path = API + "#account.status"
    busy = {"path": path, "status": 429, "body": {"code": -1003, "msg": "slow", "data": {"retryAfter": 5}}}
    async with line(addresses) as api:
        await host.faults(
            answers=[busy, {"path": path, "status": 503}, {"path": path, "status": 403, "body": "<html>"}]
        )
        assert (await api.ask("ping"))["status"] == 200
        limited = await api.ask("account.status", signed(key), request_id=3)
        assert (limited["id"], limited["status"], limited["error"]) == (3, 429, busy["body"])
        assert refusal(await api.ask("account.status", signed(key))) == (503, -1000)
        assert (await api.ask("account.status", signed(key)))["error"]["msg"] == "<html>"
        assert (await api.ask("account.status", signed(key)))["status"] == 200
    assert len(await host.log()) == 1


@pytest.mark.parametrize("path", [API, "/ws/btcusdt@trade"])
async def test_a_planted_answer_refuses_the_handshake(addresses: Addresses, host: Host, path: str) -> None:
    await host.faults(answers=[{"path": path, "status": 503, "body": "closed", "headers": {"X-Why": "planted"}}])
    with pytest.raises(InvalidStatus) as refused:
        async with line(addresses, path):
            pass
    assert refused.value.response.status_code == 503
    assert (refused.value.response.body, refused.value.response.headers["X-Why"]) == (b"closed", "planted")
    async with line(addresses, path):
        pass


async def test_latency_holds_answers_back(addresses: Addresses, host: Host) -> None:
    async with line(addresses) as api:
        await host.faults(latency_ms=3_600_000)
        slow = asyncio.create_task(api.ask("ping"))
        await host.page("GET", "/keys")
        assert not slow.done()
        slow.cancel()
        await asyncio.wait([slow])


async def test_a_clock_fault_holds_here_too(addresses: Addresses, host: Host, key: HmacSigner) -> None:
    async with line(addresses) as api:
        await host.faults(clock_offset_ms=-1000)
        assert (await api.ask("time"))["result"] == {"serverTime": MILLI - 1000}
        assert refusal(await api.ask("account.status", signed(key))) == (400, -1021)
        assert (await api.ask("account.status", signed(key, at=NOW - 1)))["status"] == 200


async def test_a_defect_of_the_exchange_is_told_and_the_connection_goes_on(
    addresses: Addresses, exchange: EmbeddedExchange, key: HmacSigner
) -> None:
    async with line(addresses) as api:
        keys, exchange.state.keys = exchange.state.keys, None  # type: ignore[assignment]
        assert refusal(await api.ask("account.status", signed(key))) == (500, -1000)
        exchange.state.keys = keys
        assert (await api.ask("account.status", signed(key)))["status"] == 200
