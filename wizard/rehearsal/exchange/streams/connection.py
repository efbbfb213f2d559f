"""One connection to the market streams: an event of each stream at once, then one about every second."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.streams.control import MAX_STREAMS, Subscriptions, handle
from wizard.rehearsal.exchange.streams.events import event

INTERVAL = 1.0
"""Seconds."""


def routes(state: State) -> list[WebSocketRoute]:
    """Return the routes of raw and of combined streams."""

    async def raw(socket: WebSocket) -> None:
        await _serve(state, socket, socket.path_params.get("streams", ""), is_combined=False)

    async def combined(socket: WebSocket) -> None:
        await _serve(state, socket, socket.query_params.get("streams", ""), is_combined=True)

    return [
        WebSocketRoute("/ws", raw),
        WebSocketRoute("/ws/{streams:path}", raw),
        WebSocketRoute("/stream", combined),
    ]


async def _serve(state: State, socket: WebSocket, names: str, *, is_combined: bool) -> None:
    streams = tuple(dict.fromkeys(filter(None, names.split("/"))))[:MAX_STREAMS]
    await socket.accept()
    with suppress(WebSocketDisconnect):
        await _tell(state, socket, Subscriptions(streams, is_combined))


async def _tell(state: State, socket: WebSocket, subscriptions: Subscriptions) -> None:
    loop = asyncio.get_running_loop()
    await _send_events(state, socket, subscriptions, subscriptions.streams)
    due = loop.time() + INTERVAL
    while True:
        try:
            async with asyncio.timeout_at(due):
                message = await socket.receive()
        except TimeoutError:
            await _send_events(state, socket, subscriptions, subscriptions.streams)
            due = max(due + INTERVAL, loop.time())
            continue
        if message["type"] != "websocket.receive":
            return
        before = subscriptions.streams
        await socket.send_text(json.dumps(handle(message.get("text"), subscriptions)))
        added = tuple(name for name in subscriptions.streams if name not in before)
        await _send_events(state, socket, subscriptions, added)


async def _send_events(state: State, socket: WebSocket, subscriptions: Subscriptions, streams: tuple[str, ...]) -> None:
    await state.faults.slow_down()
    now_ms = state.server_time() // 1000
    for name in streams:
        data = event(name, now_ms)
        if data is not None:
            await socket.send_text(json.dumps({"stream": name, "data": data} if subscriptions.is_combined else data))
