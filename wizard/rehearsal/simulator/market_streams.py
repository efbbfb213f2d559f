"""Public market streams (web-socket-streams.md): an event of each stream at once, then one about every second.

Prices are invented, and the same second gives the same event, so that two runs can be compared. A connection may
begin with streams in its path and changes them with SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.rehearsal.simulator.public import BASES
from wizard.rehearsal.simulator.state import ExchangeState

INTERVAL = 1.0
"""Seconds."""
MAX_STREAMS = 1024
"""For one connection (documented)."""
_BASE_PRICES = {"BTCUSDT": 60_000, "ETHUSDT": 3_000}
_QUANTITY = "0.01000000"

Event = dict[str, object]


def event(stream: str, now_ms: int) -> Event | None:
    """Return what `stream` says at this time; None for streams that do not exist, which stay silent.

    Args:
        stream: Its name, such as `btcusdt@trade`; in lower case, as symbols are in streams.
        now_ms: The exchange's time in milliseconds since 1970.
    """
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
    """Return the routes of raw and of combined streams; the events of these are `{"stream", "data"}`."""

    async def raw(socket: WebSocket) -> None:
        await _serve(state, socket, socket.path_params.get("streams", ""), is_combined=False)

    async def combined(socket: WebSocket) -> None:
        await _serve(state, socket, socket.query_params.get("streams", ""), is_combined=True)

    return [
        WebSocketRoute("/ws", raw),
        WebSocketRoute("/ws/{streams:path}", raw),
        WebSocketRoute("/stream", combined),
    ]


async def _serve(state: ExchangeState, socket: WebSocket, names: str, *, is_combined: bool) -> None:
    await socket.accept()
    streams = [name for name in dict.fromkeys(names.split("/")) if name][:MAX_STREAMS]
    with suppress(WebSocketDisconnect):
        await _send_events(state, socket, streams, is_combined=is_combined)
        due = asyncio.get_running_loop().time() + INTERVAL
        while True:
            try:
                async with asyncio.timeout_at(due):
                    message = await socket.receive()
            except TimeoutError:
                await _send_events(state, socket, streams, is_combined=is_combined)
                due = max(due + INTERVAL, asyncio.get_running_loop().time())
                continue
            if message["type"] != "websocket.receive":
                return
            before = tuple(streams)
            await socket.send_text(json.dumps(change(message.get("text"), streams)))
            added = [name for name in streams if name not in before]
            await _send_events(state, socket, added, is_combined=is_combined)


def change(text: str | None, streams: list[str]) -> dict[str, object]:
    """Carry out one control frame on `streams` and return the answer; None stands for a binary frame."""
    try:
        frame = json.loads(text or "")
    except (ValueError, RecursionError):
        return {"code": 3, "msg": "Invalid JSON: expected value", "id": None}
    if not isinstance(frame, dict) or not isinstance(request_id := frame.get("id"), int | str | None):
        return {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer", "id": None}
    method, names = frame.get("method"), frame.get("params")
    if method == "LIST_SUBSCRIPTIONS":
        return {"result": list(streams), "id": request_id}
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        names = None
    if names is None or method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return {"code": 2, "msg": "Invalid request: unknown method, or invalid stream", "id": request_id}
    kept = [name for name in streams if name not in names]
    if method == "SUBSCRIBE":
        kept = list(dict.fromkeys((*streams, *names)))
    if len(kept) > MAX_STREAMS:
        return {"code": 2, "msg": "Invalid request: too many parameters", "id": request_id}
    streams[:] = kept
    return {"result": None, "id": request_id}


async def _send_events(state: ExchangeState, socket: WebSocket, streams: list[str], *, is_combined: bool) -> None:
    await state.faults.slow_down()
    now_ms = state.server_time() // 1000
    for name in streams:
        data = event(name, now_ms)
        if data is not None:
            await socket.send_text(json.dumps({"stream": name, "data": data} if is_combined else data))
