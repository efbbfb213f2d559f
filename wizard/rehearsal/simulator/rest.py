"""The REST endpoints, and the echo services. A public one ignores any key header: it proves nothing about a key.

Each signed one stands behind `authentication`, with the permission that it needs. `GET /sapi/v1/capital/config/getall`
is what some clients ask for before anything else: nothing is deposited or withdrawn here, so no coin has a network.
`POST /api/v3/order/test` says whether an order would be taken, and places none. Two symbols and one perpetual
contract of each futures program are listed, with example prices, for clients that load all markets.
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

from wizard.rehearsal.simulator import refusals
from wizard.rehearsal.simulator.authentication import admit
from wizard.rehearsal.simulator.calls import Answer, Call, Endpoint, Parameters, caller
from wizard.rehearsal.simulator.keys import FUTURES, READING, SPOT_TRADING, permission_flags
from wizard.rehearsal.simulator.refusals import RequestError
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
            **dict.fromkeys(("tls", "sni", "gateway", "rbi"), "off"),
            "warp": "on" if state.faults.warp else "off",
        }
        return PlainTextResponse("".join(f"{name}={value}\n" for name, value in fields.items()))

    return [Route("/echo/plain", plain), Route("/echo/json", as_json), Route("/echo/trace", trace)]


def _always(body: object) -> Answer:
    return lambda _state, _call: body


def _time(state: ExchangeState, call: Call) -> object:
    return {"serverTime": _server_time(state, call)}


def _server_time(state: ExchangeState, call: Call) -> int:
    try:
        return state.server_time() // _DIVISORS[call.time_unit.upper()]
    except KeyError:
        raise RequestError(refusals.BAD_TIME_UNIT) from None


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
        raise RequestError(refusals.ILLEGAL_CHARACTERS, "symbols", _SYMBOLS)
    named = json.loads(text) if text else [asked.get("symbol")] if asked.get("symbol") else list(BASES)
    if not all(name in BASES for name in named):
        raise RequestError(refusals.BAD_SYMBOL)
    return [name for name in BASES if name in named]


def _contract(name: str) -> Answer:
    """Return what lists the one perpetual contract of a futures program."""

    def answer(state: ExchangeState, _call: Call) -> object:
        return {"timezone": "UTC", "serverTime": state.server_time() // 1000, "symbols": [ANSWERS[name]]}

    return answer


def _test_order(_state: ExchangeState, call: Call) -> object:
    # What each type of order asks for beside a quantity is not looked at: nothing is ever traded here.
    order = call.parameters
    for name, choices, refusal in (
        ("symbol", BASES, refusals.BAD_SYMBOL),
        ("side", ("BUY", "SELL"), refusals.BAD_SIDE),
        ("type", ANSWERS["market"]["orderTypes"], refusals.BAD_ORDER_TYPE),
    ):
        if not order.get(name):
            raise RequestError(refusals.MISSING, name)
        if order.get(name) not in choices:
            raise RequestError(refusal)
    if not (order.get("quantity") or order.get("quoteOrderQty")):
        raise RequestError(refusals.MISSING, "quantity")
    return {}


BALANCES: Mapping[str, str] = MappingProxyType({"BTC": "0.50000000", "ETH": "0.00000000", "USDT": "10000.00000000"})
"""What is free of each coin; nothing is locked."""


def _coins(_state: ExchangeState, _call: Call) -> object:
    return [{"coin": coin, "name": coin, "free": free, **ANSWERS["coin"]} for coin, free in BALANCES.items()]


def _restrictions(state: ExchangeState, call: Call) -> object:
    # The list of addresses is not part of the answer (CONFIRMED, docs/binance.md).
    key = state.keys[call.api_key]
    flags = permission_flags(key.permissions)
    # It stands in older documents of Binance only (CONFIRMED, docs/binance.md).
    ends = {"tradingAuthorityExpirationTime": until} if (until := state.faults.trading_until) else {}
    return {"ipRestrict": key.whitelist is not None, "createTime": key.created, **flags, **ends}


def _account(state: ExchangeState, call: Call) -> object:
    hides_zeros = call.parameters.get("omitZeroBalances").lower() == "true"
    balances = [
        {"asset": asset, "free": free, "locked": "0.00000000"}
        for asset, free in BALANCES.items()
        if not hides_zeros or float(free)
    ]
    return {**ANSWERS["account"], "balances": balances, "uid": state.uid_of(state.keys[call.api_key])}


def _endpoint(method: str, path: str, weight: int, permission: str, answer: Answer) -> Endpoint:
    def guarded(state: ExchangeState, call: Call) -> object:
        admit(state, call, permission)
        return answer(state, call)

    return Endpoint(method, path, weight, guarded, is_signed=True)


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, _always({})),
    Endpoint("GET", "/api/v3/time", 1, _time),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, _exchange_info),
    # Nothing is traded on margin here. The real ones ask for a key, without a signature (MARKET_DATA).
    Endpoint("GET", "/sapi/v1/margin/allPairs", 1, _always([])),
    Endpoint("GET", "/sapi/v1/margin/isolated/allPairs", 1, _always([])),
    Endpoint("GET", "/fapi/v1/ping", 1, _always({})),
    Endpoint("GET", "/fapi/v1/time", 1, _futures_time),
    Endpoint("GET", "/fapi/v1/exchangeInfo", 1, _contract("usd_contract")),
    Endpoint("GET", "/dapi/v1/exchangeInfo", 1, _contract("coin_contract")),
    _endpoint("GET", "/api/v3/account", 20, READING, _account),
    _endpoint("POST", "/api/v3/order/test", 1, SPOT_TRADING, _test_order),
    _endpoint("GET", "/sapi/v1/account/apiRestrictions", 1, READING, _restrictions),
    _endpoint("GET", "/sapi/v1/capital/config/getall", 10, READING, _coins),
    _endpoint("GET", "/fapi/v2/balance", 5, FUTURES, _always(ANSWERS["futures_balance"])),
    _endpoint("GET", "/fapi/v3/balance", 5, FUTURES, _always(ANSWERS["futures_balance"])),
)
