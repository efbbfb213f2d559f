"""Public market streams (web-socket-streams.md): an event of each stream at once, then one about every second.

Prices are invented, and the same second gives the same event, so that two runs can be compared. A connection names
its streams in its path; it cannot change them.
"""

from __future__ import annotations

import asyncio
import json

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from wizard.rehearsal.simulator.rest import BASES
from wizard.rehearsal.simulator.state import ExchangeState

INTERVAL = 1.0
"""Seconds."""
_BASE_PRICES = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
_QUANTITY = "0.01000000"

Event = dict[str, object]


def event(stream: str, now_ms: int) -> Event | None:
    """Return what a stream, as `btcusdt@trade`, says at a time in milliseconds; None where it is silent."""
    name, _, kind = stream.partition("@")
    symbol, now_s = name.upper(), now_ms // 1000
    if name != name.lower() or symbol not in BASES:
        return None
    base = _BASE_PRICES[symbol] * 100
    cents = base + now_s * 7919 % 10_000
    price = _price(cents)
    trade = {"E": now_ms, "s": symbol, "p": price, "q": _QUANTITY, "T": now_ms, "m": bool(now_s % 2), "M": True}
    book = {"b": price, "B": _QUANTITY, "a": _price(cents + 1), "A": _QUANTITY}
    candle = {"o": _price(base), "c": price, "h": _price(base + 9_999), "l": _price(base)}
    day = {"E": now_ms, "s": symbol, **candle, "v": "10000.00000000", "q": f"{base * 100}.00000000"}
    change = {"p": _price(cents - base), "P": f"{(cents - base) * 100 / base:.3f}", "w": _price(base)}
    window = {"x": _price(base), "Q": _QUANTITY, "O": now_ms - 86_400_000, "C": now_ms}
    window |= {"F": now_s - 86_400, "L": now_s, "n": 86_401}
    opened = now_s // 60 * 60
    minute = {"t": opened * 1000, "T": opened * 1000 + 59_999, "s": symbol, "i": "1m", "x": False}
    minute |= {"f": opened, "L": now_s, "n": now_s - opened + 1, **dict.fromkeys("vqVQ", _QUANTITY), "B": "0"}
    events: dict[str, Event] = {
        "trade": {"e": kind, **trade, "t": now_s},
        "aggTrade": {"e": kind, **trade, "a": now_s, "f": now_s, "l": now_s},
        "bookTicker": {"u": now_s, "s": symbol, **book},
        "miniTicker": {"e": "24hrMiniTicker", **day},
        "ticker": {"e": "24hrTicker", **day, **book, **change, **window},
        "kline_1m": {"e": "kline", "E": now_ms, "s": symbol, "k": {**minute, **candle}},
    }
    return events.get(kind)


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}000000"


def routes(state: ExchangeState) -> list[WebSocketRoute]:
    """Return the route of raw streams: `/ws/NAME`, or several names with slashes between them."""

    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        sending = asyncio.create_task(_send_events(state, socket, socket.path_params["streams"].split("/")))
        try:
            while (await socket.receive())["type"] == "websocket.receive":
                pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    return [WebSocketRoute("/ws/{streams:path}", serve)]


async def _send_events(state: ExchangeState, socket: WebSocket, streams: list[str]) -> None:
    while True:
        await state.faults.slow_down()
        for name in dict.fromkeys(streams):
            if (data := event(name, state.server_time() // 1000)) is not None:
                await socket.send_text(json.dumps(data))
        await asyncio.sleep(INTERVAL)
