from __future__ import annotations

import pytest
from embedded_client import NOW, Host, ManualClock
from embedded_websocket import line

from wizard.rehearsal.simulator import Addresses, market_streams
from wizard.rehearsal.simulator.market_streams import event

MILLI = int(NOW * 1000)


@pytest.fixture(autouse=True)
def _events_follow_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_streams, "INTERVAL", 0.05)


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


async def test_an_unknown_stream_stays_silent_beside_a_known_one(addresses: Addresses) -> None:
    async with line(addresses, "/ws/nosuch@trade/BTCUSDT@trade/ethusdt@nosuch/ethusdt@trade") as market:
        assert {(await market.next())["s"], (await market.next())["s"]} == {"ETHUSDT"}


async def test_what_is_said_to_it_is_not_answered_and_the_events_go_on(addresses: Addresses) -> None:
    async with line(addresses, "/ws/btcusdt@trade") as market:
        await market.next()
        await market.socket.send("{")
        assert (await market.next())["s"] == "BTCUSDT"


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
