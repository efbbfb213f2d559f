"""Public endpoints: they ignore any key header, so they prove nothing about a key. And the echo services.

The exchange lists two symbols and one perpetual contract of each futures program: clients that load all markets ask
for these although they never trade them. No order is ever executed here, so prices and filters are examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wizard.rehearsal.simulator.calls import Answer, Call, Endpoint, Parameters, caller
from wizard.rehearsal.simulator.refusals import BAD_SYMBOL, BAD_TIME_UNIT, ILLEGAL_CHARACTERS, RequestError
from wizard.rehearsal.simulator.state import WEIGHT_LIMIT, ExchangeState

BASES: Mapping[str, str] = MappingProxyType({"BTCUSDT": "BTC", "ETHUSDT": "ETH"})
ANSWERS: Mapping[str, Any] = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))
"""What is the same in every answer of a kind, with what clients need to load it."""
_SYMBOLS = r'^\["[A-Z0-9_]{1,30}"(,"[A-Z0-9_]{1,30}")*\]$'
"""A list of symbols. The pattern that the exchange itself shows is UNKNOWN."""
_DIVISORS = {"": 1000, "MILLISECOND": 1000, "MICROSECOND": 1}


def routes(state: ExchangeState) -> list[Route]:
    """Return the routes of the echo services: each says the caller's public address in the shape of a real one."""

    async def plain(request: Request) -> Response:
        return PlainTextResponse(caller(request, state) + "\n")

    async def as_json(request: Request) -> Response:
        return JSONResponse({"ip": caller(request, state)})

    async def trace(request: Request) -> Response:
        fields = {
            "fl": "1f1",
            "h": request.url.hostname or "",
            "ip": caller(request, state),
            "ts": f"{state.clock():.3f}",
            "visit_scheme": "http",
            "uag": request.headers.get("User-Agent", ""),
            "colo": "ZRH",
            "http": "http/1.1",
            "loc": "XX",
            **dict.fromkeys(("tls", "sni", "warp", "gateway", "rbi"), "off"),
        }
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in fields.items()))

    return [Route("/echo/plain", plain), Route("/echo/json", as_json), Route("/echo/trace", trace)]


def always(body: object) -> Answer:
    """Return what gives the same answer to every call."""
    return lambda _state, _call: body


def _time(state: ExchangeState, call: Call) -> object:
    return {"serverTime": _server_time(state, call)}


def _server_time(state: ExchangeState, call: Call) -> int:
    try:
        return state.server_time() // _DIVISORS[call.time_unit.upper()]
    except KeyError:
        raise RequestError(BAD_TIME_UNIT) from None


def _futures_time(state: ExchangeState, _call: Call) -> object:
    # The time unit header is documented for /api only.
    return {"serverTime": state.server_time() // 1000}


def _exchange_info(state: ExchangeState, call: Call) -> object:
    return {
        "timezone": "UTC",
        "serverTime": _server_time(state, call),
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_LIMIT},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        ],
        "exchangeFilters": [],
        "symbols": [
            {"symbol": symbol, "baseAsset": BASES[symbol], **ANSWERS["market"]} for symbol in _symbols(call.parameters)
        ],
    }


def _symbols(asked: Parameters) -> list[str]:
    """Return the symbols that are asked for, all of them where none is."""
    text = asked.get("symbols")
    if text and not re.fullmatch(_SYMBOLS, text):
        raise RequestError(ILLEGAL_CHARACTERS, "symbols", _SYMBOLS)
    named = json.loads(text) if text else [asked.get("symbol")] if asked.get("symbol") else list(BASES)
    if not all(name in BASES for name in named):
        raise RequestError(BAD_SYMBOL)
    return [name for name in BASES if name in named]


def _contract(name: str) -> Answer:
    """Return what lists the one perpetual contract of a futures program."""

    def answer(state: ExchangeState, _call: Call) -> object:
        return {"timezone": "UTC", "serverTime": state.server_time() // 1000, "symbols": [ANSWERS[name]]}

    return answer


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, always({})),
    Endpoint("GET", "/api/v3/time", 1, _time),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, _exchange_info),
    # Nothing is traded on margin here. The real ones ask for a key, without a signature (MARKET_DATA).
    Endpoint("GET", "/sapi/v1/margin/allPairs", 1, always([])),
    Endpoint("GET", "/sapi/v1/margin/isolated/allPairs", 1, always([])),
    Endpoint("GET", "/fapi/v1/ping", 1, always({})),
    Endpoint("GET", "/fapi/v1/time", 1, _futures_time),
    Endpoint("GET", "/fapi/v1/exchangeInfo", 1, _contract("usd_contract")),
    Endpoint("GET", "/dapi/v1/exchangeInfo", 1, _contract("coin_contract")),
)
