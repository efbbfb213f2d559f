"""Public endpoints: they ignore any key header, so they prove nothing about a key. And the echo services.

The exchange lists two symbols and one perpetual contract of each futures program: clients that load all markets ask
for these although they never trade them. No order is ever executed here, so prices and filters are examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wizard.rehearsal.simulator.calls import Answer, Call, Endpoint, Parameters, caller
from wizard.rehearsal.simulator.refusals import BAD_SYMBOL, BAD_TIME_UNIT, ILLEGAL_CHARACTERS, RequestError
from wizard.rehearsal.simulator.state import WEIGHT_LIMIT, ExchangeState

BASES: Mapping[str, str] = MappingProxyType({"BTCUSDT": "BTC", "ETHUSDT": "ETH"})
ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
_SYMBOLS = r'^\["[A-Z0-9_]{1,30}"(,"[A-Z0-9_]{1,30}")*\]$'
"""A list of symbols. The pattern that the exchange itself shows is UNKNOWN."""
_NEVER = 4_133_404_800_000
"""The delivery date of a perpetual contract: 2100-12-25, in milliseconds since 1970."""
_ONBOARD_DATE = 1_569_398_400_000
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


def _ping(_state: ExchangeState, _call: Call) -> object:
    return {}


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


def _margin_pairs(_state: ExchangeState, _call: Call) -> object:
    # Nothing is traded on margin here. The real ones ask for a key, without a signature (MARKET_DATA).
    return []


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
        "symbols": [_listing(symbol) for symbol in _symbols(call.parameters)],
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


def _listing(symbol: str) -> dict[str, object]:
    """Return one market, with what clients need to load it."""
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": BASES[symbol],
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000", "stepSize": "0.00001"},
            {"filterType": "NOTIONAL", "minNotional": "5.00", "maxNotional": "9000000.00"},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _contract(symbol: str, margin_asset: str, tick: str, step: str, **own: object) -> Answer:
    """Return what lists the one perpetual contract of a futures program, with what clients need to load it."""
    contract = {
        "symbol": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER,
        "onboardDate": _ONBOARD_DATE,
        "baseAsset": "BTC",
        "marginAsset": margin_asset,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000", "stepSize": step},
        ],
        **own,
    }

    def answer(state: ExchangeState, _call: Call) -> object:
        return {"timezone": "UTC", "serverTime": state.server_time() // 1000, "symbols": [contract]}

    return answer


_USD_MARGINED = _contract("BTCUSDT", "USDT", "0.10", "0.001", pair="BTCUSDT", quoteAsset="USDT", status="TRADING")
_COIN_MARGINED = _contract(
    "BTCUSD_PERP", "BTC", "0.1", "1", pair="BTCUSD", quoteAsset="USD", contractStatus="TRADING", contractSize=100
)
ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, _ping),
    Endpoint("GET", "/api/v3/time", 1, _time),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, _exchange_info),
    Endpoint("GET", "/sapi/v1/margin/allPairs", 1, _margin_pairs),
    Endpoint("GET", "/sapi/v1/margin/isolated/allPairs", 1, _margin_pairs),
    Endpoint("GET", "/fapi/v1/ping", 1, _ping),
    Endpoint("GET", "/fapi/v1/time", 1, _futures_time),
    Endpoint("GET", "/fapi/v1/exchangeInfo", 1, _USD_MARGINED),
    Endpoint("GET", "/dapi/v1/exchangeInfo", 1, _COIN_MARGINED),
)
