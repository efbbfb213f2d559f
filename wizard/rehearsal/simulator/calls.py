"""One request as the surfaces of the exchange see it, and the way from an endpoint's row to a route.

The parameters of a request, and the bytes that its signature covers.

"The signature payload of your request is the query string concatenated without separator to the
HTTP body" (binance-spot-api-docs, rest-api.md): as it was sent, in the order in which it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wizard.core.text import printable
from wizard.rehearsal.simulator.refusals import RequestError, Surface
from wizard.rehearsal.simulator.state import SUCCESS, ExchangeState, LogEntry
from wizard.rehearsal.simulator.weights import USED_WEIGHT_HEADER

SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request says."""

    values: Mapping[str, str] = field(repr=False)
    """Decoded. The query counts where body and query name the same parameter (rest-api.md)."""
    payload: bytes = field(repr=False)
    """What was signed: query and body as sent, without the signature wherever it stood."""
    is_ambiguous: bool = False
    """The query or the body names a parameter twice."""

    def get(self, name: str) -> str:
        """Return the parameter's value, or nothing where it was not sent."""
        return self.values.get(name, "")


def read_parameters(query: bytes, body: bytes) -> Parameters:
    """Return the parameters of a request with this query string and this body."""
    in_query, in_body = _pairs(query), _pairs(body)
    is_ambiguous = any(len(dict(pairs)) < len(pairs) for pairs in (in_query, in_body))
    return Parameters({**dict(in_body), **dict(in_query)}, _unsigned(query) + _unsigned(body), is_ambiguous)


def _pairs(part: bytes) -> list[tuple[str, str]]:
    named = (segment.partition(b"=") for segment in part.split(b"&"))
    return [(_decoded(name), _decoded(value)) for name, _, value in named if name]


def _unsigned(part: bytes) -> bytes:
    return b"&".join(segment for segment in part.split(b"&") if segment.partition(b"=")[0] != SIGNATURE.encode())


def _decoded(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"))


KEY_HEADER = "X-MBX-APIKEY"
TIME_UNIT_HEADER = "X-MBX-TIME-UNIT"


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
            call = await _read(request, self, state)
            response = _respond(state, self, call)
            response.headers[USED_WEIGHT_HEADER] = str(state.meter.used(call.ip))
            return response

        return Route(self.path, respond, methods=[self.method])


def caller(request: Request, state: ExchangeState) -> str:
    """Return the public address of the caller."""
    return state.public_address(request.client.host if request.client else "")


async def _read(request: Request, endpoint: Endpoint, state: ExchangeState) -> Call:
    return Call(
        surface=endpoint.surface,
        path=endpoint.path,
        ip=caller(request, state),
        api_key=request.headers.get(KEY_HEADER, ""),
        time_unit=request.headers.get(TIME_UNIT_HEADER, ""),
        parameters=read_parameters(request.scope["query_string"], await request.body()),
    )


def _respond(state: ExchangeState, endpoint: Endpoint, call: Call) -> Response:
    try:
        state.meter.charge(call.ip, endpoint.weight)
        response, code = JSONResponse(endpoint.answer(state, call)), SUCCESS
    except RequestError as refused:
        status, body = refused.answer(call.surface, call.ip)
        response, code = JSONResponse(body, status, refused.headers), refused.refusal.code
    if endpoint.is_signed:
        key = printable(call.api_key, 64)
        state.log.add(LogEntry(state.now_ms(), key, call.ip, call.path, response.status_code, code))
    return response
