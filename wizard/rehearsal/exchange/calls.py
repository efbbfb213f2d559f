"""One request as the surfaces of the exchange see it, and the way from an endpoint's row to a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wizard.rehearsal.exchange.activity import SUCCESS, LogEntry
from wizard.rehearsal.exchange.parameters import Parameters, read_parameters
from wizard.rehearsal.exchange.refusals import Refused, Surface
from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.weights import USED_WEIGHT_HEADER
from wizard.text import printable

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


Answer = Callable[[State, Call], object]
"""Returns the JSON body of a 200, or raises `Refused`."""


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

    def route(self, state: State) -> Route:
        """Return the route that serves this endpoint from `state`."""

        async def respond(request: Request) -> Response:
            call = await _read(request, self, state)
            response = _respond(state, self, call)
            response.headers[USED_WEIGHT_HEADER] = str(state.meter.used(call.ip))
            return response

        return Route(self.path, respond, methods=[self.method])


def caller(request: Request, state: State) -> str:
    """Return the public address of the caller."""
    return state.public_address(request.client.host if request.client else "")


async def _read(request: Request, endpoint: Endpoint, state: State) -> Call:
    return Call(
        surface=endpoint.surface,
        path=endpoint.path,
        ip=caller(request, state),
        api_key=request.headers.get(KEY_HEADER, ""),
        time_unit=request.headers.get(TIME_UNIT_HEADER, ""),
        parameters=read_parameters(request.scope["query_string"], await request.body()),
    )


def _respond(state: State, endpoint: Endpoint, call: Call) -> Response:
    try:
        state.meter.charge(call.ip, endpoint.weight)
        response, code = JSONResponse(endpoint.answer(state, call)), SUCCESS
    except Refused as refused:
        status, body = refused.answer(call.surface, call.ip)
        response, code = JSONResponse(body, status, refused.headers), refused.refusal.code
    if endpoint.is_signed:
        key = printable(call.api_key, 64)
        state.log.add(LogEntry(state.now_ms(), key, call.ip, call.path, response.status_code, code))
    return response
