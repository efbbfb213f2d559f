"""Reads the frames of the WebSocket API, and the bytes that their signatures cover.

"Take all request params except for the signature, sort them by name in alphabetical order ... format
parameters as parameter=value pairs separated by &"; not percent-encoded, `apiKey` included
(binance-spot-api-docs, web-socket-api.md). Numbers count as they were written, so `0.10` stays `0.10`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from wizard.core.text import printable
from wizard.rehearsal.simulator.calls import SIGNATURE, Parameters
from wizard.rehearsal.simulator.refusals import INVALID_JSON, INVALID_JSON_PARAMETER, MISSING, RequestError

RequestId = int | str | None
_VERSION = "v3/"
"""Methods "may be prefixed with explicit version"."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""JSON can spell these; no signature covers one, and no answer can repeat it."""
_INT64 = range(-(2**63), 2**63)


NO_PARAMETERS = Parameters({}, b"")


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One frame, as far as it could be read."""

    id: RequestId = None
    method: str = ""
    parameters: Parameters = NO_PARAMETERS
    problem: RequestError | None = None
    """Why it could not be read to its end."""


def read_request(text: str | None) -> Request:
    """Return what a text frame asks for; None stands for a binary frame."""
    request_id: RequestId = None
    method = ""
    try:
        frame = _parse(text)
        request_id = _id(frame)
        method = _method(frame)
        return Request(request_id, method, _parameters(frame.get("params", {})))
    except RequestError as problem:
        return Request(request_id, method, problem=problem)


def _parse(text: str | None) -> Mapping[str, object]:
    try:
        frame = json.loads(text or "", parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestError(INVALID_JSON) from None
    if not isinstance(frame, dict):
        raise RequestError(INVALID_JSON)
    return frame


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _id(frame: Mapping[str, object]) -> RequestId:
    if "id" not in frame:
        raise RequestError(MISSING, "id")
    value = frame["id"]
    if isinstance(value, _Number):
        return _int64(value)
    if value is None or (isinstance(value, str) and not _LONE_SURROGATE.search(value)):
        return value
    raise RequestError(INVALID_JSON_PARAMETER, "id")


def _int64(written: str) -> int:
    if re.fullmatch("-?[0-9]{1,19}", written) and int(written) in _INT64:
        return int(written)
    raise RequestError(INVALID_JSON_PARAMETER, "id")


def _method(frame: Mapping[str, object]) -> str:
    value = frame.get("method")
    if not value:
        raise RequestError(MISSING, "method")
    if not isinstance(value, str) or isinstance(value, _Number):
        raise RequestError(INVALID_JSON_PARAMETER, "method")
    return value.removeprefix(_VERSION)


def _parameters(params: object) -> Parameters:
    if not isinstance(params, dict):
        raise RequestError(INVALID_JSON_PARAMETER, "params")
    values = {_unicode(name, name): _written(name, value) for name, value in params.items()}
    signed = sorted((name, value) for name, value in values.items() if name != SIGNATURE)
    return Parameters(values, "&".join(f"{name}={value}" for name, value in signed).encode())


def _written(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return _unicode(name, str(value))
        case list() if all(type(item) is str for item in value):  # a `_Number` is none
            return _unicode(name, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    raise _invalid(name)


def _unicode(name: str, text: str) -> str:
    if _LONE_SURROGATE.search(text):
        raise _invalid(name)
    return text


def _invalid(name: str) -> RequestError:
    return RequestError(INVALID_JSON_PARAMETER, printable(name, 60))
