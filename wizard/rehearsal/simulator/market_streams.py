"""One connection to the market streams: an event of each stream at once, then one about every second.

Subscribing while connected: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS and the property `combined`.

Messages are those of web-socket-streams.md, without the position in the text that some of them name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.rehearsal.simulator.state import ExchangeState
from wizard.rehearsal.simulator.stream_events import event

MAX_STREAMS = 1024
"""For one connection (documented)."""
_INT64 = range(-(2**63), 2**63)
_MAX_ID = 36


class ControlError(Exception):
    """The frame is not accepted."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Subscriptions:
    """What one connection listens to."""

    streams: tuple[str, ...]
    is_combined: bool
    """Events are wrapped as `{"stream", "data"}`."""


def handle(text: str | None, subscriptions: Subscriptions) -> dict[str, object]:
    """Carry out one control frame and return the answer; None stands for a binary frame."""
    request_id: object = None
    try:
        frame = _parse(text)
        request_id = _id(frame)
        result = _action(frame)(subscriptions, frame.get("params", []))
    except ControlError as refused:
        return {"code": refused.code, "msg": refused.message, "id": request_id}
    return {"result": result, "id": request_id}


def _parse(text: str | None) -> dict[str, object]:
    try:
        frame = json.loads(text or "")
    except (ValueError, RecursionError):
        raise ControlError(3, "Invalid JSON: expected value") from None
    if not isinstance(frame, dict):
        raise ControlError(2, "Invalid request: missing field `method`")
    return frame


def _id(frame: dict[str, object]) -> object:
    value = frame.get("id")
    is_number = isinstance(value, int) and not isinstance(value, bool) and value in _INT64
    if value is None or is_number or (isinstance(value, str) and len(value) <= _MAX_ID):
        return value
    raise ControlError(2, "Invalid request: request ID must be an unsigned integer")


def _action(frame: dict[str, object]) -> Callable[[Subscriptions, object], object]:
    if "method" not in frame:
        raise ControlError(2, "Invalid request: missing field `method`")
    name = frame["method"]
    if isinstance(name, str) and name in _ACTIONS:
        return _ACTIONS[name]
    expected = ", ".join(f"`{each}`" for each in _ACTIONS)
    raise ControlError(2, f"Invalid request: unknown variant, expected one of {expected}")


def _subscribe(subscriptions: Subscriptions, params: object) -> object:
    streams = tuple(dict.fromkeys((*subscriptions.streams, *_names(params))))
    if len(streams) > MAX_STREAMS:
        raise ControlError(2, "Invalid request: too many parameters")
    subscriptions.streams = streams
    return None


def _unsubscribe(subscriptions: Subscriptions, params: object) -> object:
    names = _names(params)
    subscriptions.streams = tuple(name for name in subscriptions.streams if name not in names)
    return None


def _list(subscriptions: Subscriptions, _params: object) -> object:
    return list(subscriptions.streams)


def _set_property(subscriptions: Subscriptions, params: object) -> object:
    value = _property(params, 2)[1]
    if not isinstance(value, bool):
        raise ControlError(1, "Invalid value type: expected Boolean")
    subscriptions.is_combined = value
    return None


def _get_property(subscriptions: Subscriptions, params: object) -> object:
    _property(params, 1)
    return subscriptions.is_combined


def _names(params: object) -> tuple[str, ...]:
    if isinstance(params, list) and params and all(isinstance(name, str) for name in params):
        return tuple(params)
    raise ControlError(2, "Invalid request: invalid stream")


def _property(params: object, expected: int) -> list[object]:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise ControlError(2, "Invalid request: property name must be a string")
    if len(params) > expected:
        raise ControlError(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise ControlError(0, "Unknown property")
    return [*params, None]


_ACTIONS: dict[str, Callable[[Subscriptions, object], object]] = {
    "SUBSCRIBE": _subscribe,
    "UNSUBSCRIBE": _unsubscribe,
    "LIST_SUBSCRIPTIONS": _list,
    "SET_PROPERTY": _set_property,
    "GET_PROPERTY": _get_property,
}


INTERVAL = 1.0
"""Seconds."""


def routes(state: ExchangeState) -> list[WebSocketRoute]:
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


async def _serve(state: ExchangeState, socket: WebSocket, names: str, *, is_combined: bool) -> None:
    streams = tuple(dict.fromkeys(filter(None, names.split("/"))))[:MAX_STREAMS]
    await socket.accept()
    with suppress(WebSocketDisconnect):
        await _tell(state, socket, Subscriptions(streams, is_combined))


async def _tell(state: ExchangeState, socket: WebSocket, subscriptions: Subscriptions) -> None:
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


async def _send_events(
    state: ExchangeState, socket: WebSocket, subscriptions: Subscriptions, streams: tuple[str, ...]
) -> None:
    await state.faults.slow_down()
    now_ms = state.server_time() // 1000
    for name in streams:
        data = event(name, now_ms)
        if data is not None:
            await socket.send_text(json.dumps({"stream": name, "data": data} if subscriptions.is_combined else data))
