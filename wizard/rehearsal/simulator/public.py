"""Public endpoints: they ignore any key header, so they prove nothing about a key.

Echo services: they tell a caller its public address, each in the shape of a real one.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wizard.rehearsal.simulator.calls import Call, Endpoint, caller
from wizard.rehearsal.simulator.markets import coin_margined_info, exchange_info, usd_margined_info
from wizard.rehearsal.simulator.refusals import BAD_TIME_UNIT, RequestError
from wizard.rehearsal.simulator.state import ExchangeState


def routes(state: ExchangeState) -> list[Route]:
    """Return the routes of the three services."""

    async def plain(request: Request) -> Response:
        return PlainTextResponse(caller(request, state) + "\n")

    async def json(request: Request) -> Response:
        return JSONResponse({"ip": caller(request, state)})

    async def trace(request: Request) -> Response:
        return PlainTextResponse(_trace(request, caller(request, state), state.clock()))

    return [Route("/echo/plain", plain), Route("/echo/json", json), Route("/echo/trace", trace)]


def _trace(request: Request, ip: str, now: float) -> str:
    fields = {
        "fl": "1f1",
        "h": request.url.hostname or "",
        "ip": ip,
        "ts": f"{now:.3f}",
        "visit_scheme": "http",
        "uag": request.headers.get("User-Agent", ""),
        "colo": "ZRH",
        "sliver": "none",
        "http": "http/1.1",
        "loc": "XX",
        "tls": "off",
        "sni": "off",
        "warp": "off",
        "gateway": "off",
        "rbi": "off",
        "kex": "none",
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items())


_DIVISORS = {"": 1000, "MILLISECOND": 1000, "MICROSECOND": 1}


def _ping(_state: ExchangeState, _call: Call) -> object:
    return {}


def _time(state: ExchangeState, call: Call) -> object:
    return {"serverTime": state.server_time() // _divisor(call)}


def _futures_time(state: ExchangeState, _call: Call) -> object:
    # The time unit header is documented for /api only.
    return {"serverTime": state.server_time() // 1000}


def _exchange_info(state: ExchangeState, call: Call) -> object:
    return exchange_info(state.server_time() // _divisor(call), call.parameters)


def _usd_margined_info(state: ExchangeState, _call: Call) -> object:
    return usd_margined_info(state.server_time() // 1000)


def _coin_margined_info(state: ExchangeState, _call: Call) -> object:
    return coin_margined_info(state.server_time() // 1000)


def _margin_pairs(_state: ExchangeState, _call: Call) -> object:
    # Nothing is traded on margin here. The real ones ask for a key, without a signature (MARKET_DATA).
    return []


def _divisor(call: Call) -> int:
    try:
        return _DIVISORS[call.time_unit.upper()]
    except KeyError:
        raise RequestError(BAD_TIME_UNIT) from None


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, _ping),
    Endpoint("GET", "/api/v3/time", 1, _time),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, _exchange_info),
    Endpoint("GET", "/sapi/v1/margin/allPairs", 1, _margin_pairs),
    Endpoint("GET", "/sapi/v1/margin/isolated/allPairs", 1, _margin_pairs),
    Endpoint("GET", "/fapi/v1/ping", 1, _ping),
    Endpoint("GET", "/fapi/v1/time", 1, _futures_time),
    Endpoint("GET", "/fapi/v1/exchangeInfo", 1, _usd_margined_info),
    Endpoint("GET", "/dapi/v1/exchangeInfo", 1, _coin_margined_info),
)
