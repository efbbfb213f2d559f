"""Subscribing while connected: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS and the property `combined`.

Messages are those of web-socket-streams.md, without the position in the text that some of them name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

MAX_STREAMS = 1024
"""For one connection (documented)."""
_INT64 = range(-(2**63), 2**63)
_MAX_ID = 36


class ControlRefused(Exception):
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
    except ControlRefused as refused:
        return {"code": refused.code, "msg": refused.message, "id": request_id}
    return {"result": result, "id": request_id}


def _parse(text: str | None) -> dict[str, object]:
    try:
        frame = json.loads(text or "")
    except (ValueError, RecursionError):
        raise ControlRefused(3, "Invalid JSON: expected value") from None
    if not isinstance(frame, dict):
        raise ControlRefused(2, "Invalid request: missing field `method`")
    return frame


def _id(frame: dict[str, object]) -> object:
    value = frame.get("id")
    is_number = isinstance(value, int) and not isinstance(value, bool) and value in _INT64
    if value is None or is_number or (isinstance(value, str) and len(value) <= _MAX_ID):
        return value
    raise ControlRefused(2, "Invalid request: request ID must be an unsigned integer")


def _action(frame: dict[str, object]) -> Callable[[Subscriptions, object], object]:
    if "method" not in frame:
        raise ControlRefused(2, "Invalid request: missing field `method`")
    name = frame["method"]
    if isinstance(name, str) and name in _ACTIONS:
        return _ACTIONS[name]
    expected = ", ".join(f"`{each}`" for each in _ACTIONS)
    raise ControlRefused(2, f"Invalid request: unknown variant, expected one of {expected}")


def _subscribe(subscriptions: Subscriptions, params: object) -> object:
    streams = tuple(dict.fromkeys((*subscriptions.streams, *_names(params))))
    if len(streams) > MAX_STREAMS:
        raise ControlRefused(2, "Invalid request: too many parameters")
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
        raise ControlRefused(1, "Invalid value type: expected Boolean")
    subscriptions.is_combined = value
    return None


def _get_property(subscriptions: Subscriptions, params: object) -> object:
    _property(params, 1)
    return subscriptions.is_combined


def _names(params: object) -> tuple[str, ...]:
    if isinstance(params, list) and params and all(isinstance(name, str) for name in params):
        return tuple(params)
    raise ControlRefused(2, "Invalid request: invalid stream")


def _property(params: object, expected: int) -> list[object]:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise ControlRefused(2, "Invalid request: property name must be a string")
    if len(params) > expected:
        raise ControlRefused(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise ControlRefused(0, "Unknown property")
    return [*params, None]


_ACTIONS: dict[str, Callable[[Subscriptions, object], object]] = {
    "SUBSCRIBE": _subscribe,
    "UNSUBSCRIBE": _unsubscribe,
    "LIST_SUBSCRIPTIONS": _list,
    "SET_PROPERTY": _set_property,
    "GET_PROPERTY": _get_property,
}
