from __future__ import annotations

import json

import pytest
from embedded_client import NOW, Host, ManualClock
from embedded_websocket import line

from wizard.rehearsal.simulator import Addresses
from wizard.rehearsal.simulator.market_streams import event

MILLI = int(NOW * 1000)


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        ("btcusdt@trade", "eEstpqTmM"),
        ("ethusdt@trade", "eEstpqTmM"),
        ("btcusdt@aggTrade", "eEsapqflTmM"),
        ("btcusdt@bookTicker", "usbBaA"),
        ("btcusdt@miniTicker", "eEscohlvq"),
        ("btcusdt@ticker", "eEspPwxcQbBaAohlvqOCFLn"),
        ("btcusdt@kline_1m", "eEsk"),
    ],
)
async def test_a_stream_begins_at_once_and_goes_on(addresses: Addresses, host: Host, stream: str, fields: str) -> None:
    async with line(addresses, f"/ws/{stream}") as market:
        first, second = await market.next(), await market.next()
    assert set(first) == set(fields)
    assert first["s"] == stream.partition("@")[0].upper()
    assert first == second, "the clock of the test stands still, so the prices do"
    assert (await host.get("/api/v3/ping")).headers["X-MBX-USED-WEIGHT-1M"] == "1"


async def test_combined_streams_name_the_stream(addresses: Addresses) -> None:
    async with line(addresses, "/stream?streams=btcusdt@trade/nosuch@trade/ethusdt@bookTicker") as market:
        first, second = await market.next(), await market.next()
    assert (first["stream"], first["data"]["e"]) == ("btcusdt@trade", "trade")
    assert (second["stream"], second["data"]["s"]) == ("ethusdt@bookTicker", "ETHUSDT")


async def test_an_unknown_stream_stays_silent_until_a_known_one_is_subscribed_to(addresses: Addresses) -> None:
    async with line(addresses, "/ws/nosuch@trade") as market:
        # Were the stream not silent, its event would come before the answer.
        asked = {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "BTCUSDT@trade", "ethusdt@nosuch"], "id": "a1"}
        assert await market.raw(json.dumps(asked)) == {"result": None, "id": "a1"}
        assert (await market.next())["s"] == "BTCUSDT"
        assert (await market.next())["s"] == "BTCUSDT"


async def test_subscriptions_are_listed_and_ended(addresses: Addresses) -> None:
    async with line(addresses, "/ws") as market:
        assert await market.raw('{"method": "LIST_SUBSCRIPTIONS", "id": 1}') == {"result": [], "id": 1}
        await market.raw('{"method": "SUBSCRIBE", "params": ["nosuch@trade", "other@trade"], "id": 2}')
        await market.raw('{"method": "UNSUBSCRIBE", "params": ["nosuch@trade"], "id": 3}')
        listed = await market.raw('{"method": "LIST_SUBSCRIPTIONS", "id": null}')
        assert listed == {"result": ["other@trade"], "id": None}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 3),
        (b"{}", 3),
        ("[" * 60_000, 3),
        ("9" * 6_000, 3),
        ("[]", 2),
        ("{}", 2),
        ('{"method": "SUBSCRIBE", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [1], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": {"a": 1}, "id": 1}', 2),
        ('{"method": {"a": 1}, "id": 1}', 2),
        ('{"method": "LIST_SUBSCRIPTIONS", "id": 1.5}', 2),
    ],
)
async def test_what_makes_no_sense_is_answered_and_the_connection_goes_on(
    addresses: Addresses, frame: str | bytes, code: int
) -> None:
    async with line(addresses, "/ws") as market:
        answer = await market.raw(frame)
        assert (answer["code"], bool(answer["msg"])) == (code, True)
        assert (await market.raw('{"method": "LIST_SUBSCRIPTIONS", "id": 1}'))["result"] == []


async def test_one_connection_hears_only_what_it_asked_for(addresses: Addresses) -> None:
    async with line(addresses, "/ws/btcusdt@trade") as bitcoin, line(addresses, "/ws/ethusdt@trade") as ether:
        assert {(await bitcoin.next())["s"], (await bitcoin.next())["s"]} == {"BTCUSDT"}
        assert {(await ether.next())["s"], (await ether.next())["s"]} == {"ETHUSDT"}


async def test_a_clock_fault_shows_in_the_events(addresses: Addresses, host: Host, clock: ManualClock) -> None:
    await host.faults(clock_offset_ms=5000)
    async with line(addresses, "/ws/btcusdt@trade") as market:
        assert (await market.next())["E"] == MILLI + 5000


def test_the_same_second_tells_the_same() -> None:
    assert event("btcusdt@trade", MILLI) == event("btcusdt@trade", MILLI)
    assert event("btcusdt@trade", MILLI) != event("btcusdt@trade", MILLI + 1000)
