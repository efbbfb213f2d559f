"""One request as the surfaces of the exchange see it, with the bytes that its signature covers; endpoints as routes.

On REST "the signature payload of your request is the query string concatenated without separator to the HTTP body"
(binance-spot-api-docs, rest-api.md): as it was sent, in the order in which it was sent.

On the WebSocket API: "Take all request params except for the signature, sort them by name in alphabetical order ...
format parameters as parameter=value pairs separated by &"; not percent-encoded, `apiKey` included
(web-socket-api.md). Numbers count as they were written, so `0.10` stays `0.10`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wizard.core.text import printable
from wizard.rehearsal.simulator.refusals import INVALID_JSON, INVALID_JSON_PARAMETER, MISSING, RequestError, Surface
from wizard.rehearsal.simulator.state import SUCCESS, USED_WEIGHT_HEADER, ExchangeState

SIGNATURE = "signature"
KEY_HEADER = "X-MBX-APIKEY"
TIME_UNIT_HEADER = "X-MBX-TIME-UNIT"
_VERSION = "v3/"
"""Methods "may be prefixed with explicit version"."""
RequestId = int | str | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request says."""

    values: Mapping[str, str] = field(repr=False)
    """Decoded. The query counts where body and query name the same parameter (rest-api.md)."""
    payload: bytes = field(repr=False)
    """What was signed: query and body as sent, without the signature wherever it stood."""
    is_ambiguous: bool = False
    """The query or the body names a parameter twice."""
    in_query: frozenset[str] = frozenset()
    """The names that stand in the query."""

    def get(self, name: str) -> str:
        """Return the parameter's value, or nothing where it was not sent."""
        return self.values.get(name, "")


def read_parameters(query: bytes, body: bytes) -> Parameters:
    """Return the parameters of a request with this query string and this body."""
    in_query, in_body = _pairs(query), _pairs(body)
    is_ambiguous = any(len(dict(pairs)) < len(pairs) for pairs in (in_query, in_body))
    payload, names = _unsigned(query) + _unsigned(body), frozenset(dict(in_query))
    return Parameters({**dict(in_body), **dict(in_query)}, payload, is_ambiguous, names)


def _pairs(part: bytes) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parse_qsl(part.decode("utf-8", "replace"), keep_blank_values=True) if name]


def _unsigned(part: bytes) -> bytes:
    return b"&".join(segment for segment in part.split(b"&") if segment.partition(b"=")[0] != SIGNATURE.encode())


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint needs to know of a request."""

    surface: Surface
    path: str
    ip: str
    """The caller's public address."""
    api_key: str = field(repr=False)
    """The key header as sent, or nothing."""
    time_unit: str
    parameters: Parameters
    is_logged_on: bool = False
    """The WebSocket session vouches for the key, so that the request carries no signature."""
    headers: dict[str, str] = field(default_factory=dict)
    """What the endpoint adds to the headers of its answer, also to those of a refusal."""


Answer = Callable[[ExchangeState, Call], object]
"""Returns the JSON body of a 200, or raises `RequestError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a surface."""

    method: str
    path: str
    weight: int
    answer: Answer
    is_signed: bool = False
    """Signed calls are written to the activity log; the others do not name a key."""

    @property
    def surface(self) -> Surface:
        """The program that serves this path."""
        return Surface(self.path.split("/")[1])

    def route(self, state: ExchangeState) -> Route:
        """Return the route that serves this endpoint from `state`."""

        async def respond(request: Request) -> Response:
            call = Call(
                surface=self.surface,
                path=self.path,
                ip=caller(request, state),
                api_key=request.headers.get(KEY_HEADER, ""),
                time_unit=request.headers.get(TIME_UNIT_HEADER, ""),
                parameters=read_parameters(request.scope["query_string"], await request.body()),
            )
            response = self._respond(state, call)
            response.headers.update({USED_WEIGHT_HEADER: str(state.meter.used(call.ip)), **call.headers})
            return response

        return Route(self.path, respond, methods=[self.method])

    def _respond(self, state: ExchangeState, call: Call) -> Response:
        try:
            state.meter.charge(call.ip, self.weight)
            response, code = JSONResponse(self.answer(state, call)), SUCCESS
        except RequestError as refused:
            status, body = refused.answer(call.surface, call.ip)
            response, code = JSONResponse(body, status, refused.headers), refused.refusal.code
        if self.is_signed:
            state.write_log(call.api_key, call.ip, call.path, response.status_code, code, method=self.method)
        return response


def caller(request: Request, state: ExchangeState) -> str:
    """Return the public address of the caller."""
    return state.public_address(request.client.host if request.client else "")


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, as far as it could be read."""

    id: RequestId = None
    method: str = ""
    parameters: Parameters = Parameters({}, b"")
    problem: RequestError | None = None
    """Why it could not be read to its end."""


def read_frame(text: str | None) -> Frame:
    """Return what a text frame asks for; None stands for a binary frame."""
    request_id: RequestId = None
    method = ""
    try:
        frame = _parse(text)
        request_id = _id(frame)
        method = _method(frame)
        return Frame(request_id, method, _parameters(frame.get("params", {})))
    except RequestError as problem:
        return Frame(request_id, method, problem=problem)


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
    if isinstance(value, _Number) and re.fullmatch("-?[0-9]{1,19}", value):
        return int(value)
    if value is None or type(value) is str:
        return value
    raise RequestError(INVALID_JSON_PARAMETER, "id")


def _method(frame: Mapping[str, object]) -> str:
    value = frame.get("method")
    if not value:
        raise RequestError(MISSING, "method")
    if type(value) is not str:
        raise RequestError(INVALID_JSON_PARAMETER, "method")
    return value.removeprefix(_VERSION)


def _parameters(params: object) -> Parameters:
    if not isinstance(params, dict):
        raise RequestError(INVALID_JSON_PARAMETER, "params")
    values = {name: _written(name, value) for name, value in params.items()}
    signed = sorted((name, value) for name, value in values.items() if name != SIGNATURE)
    # JSON can spell half of a surrogate pair, which no signature covers.
    return Parameters(values, "&".join(f"{name}={value}" for name, value in signed).encode(errors="replace"))


def _written(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return str(value)
        case list() if all(type(item) is str for item in value):  # a `_Number` is none
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    raise RequestError(INVALID_JSON_PARAMETER, printable(name, 60))
