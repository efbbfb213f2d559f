"""Public endpoints: they ignore any key header, so they prove nothing about a key."""

from __future__ import annotations

from wizard.rehearsal.exchange.calls import Call, Endpoint
from wizard.rehearsal.exchange.futures_markets import coin_margined_info, usd_margined_info
from wizard.rehearsal.exchange.markets import exchange_info
from wizard.rehearsal.exchange.refusals import BAD_TIME_UNIT, Refused
from wizard.rehearsal.exchange.state import State

_DIVISORS = {"": 1000, "MILLISECOND": 1000, "MICROSECOND": 1}


def _ping(_state: State, _call: Call) -> object:
    return {}


def _time(state: State, call: Call) -> object:
    return {"serverTime": state.server_time() // _divisor(call)}


def _futures_time(state: State, _call: Call) -> object:
    # The time unit header is documented for /api only.
    return {"serverTime": state.server_time() // 1000}


def _exchange_info(state: State, call: Call) -> object:
    return exchange_info(state.server_time() // _divisor(call), call.parameters)


def _usd_margined_info(state: State, _call: Call) -> object:
    return usd_margined_info(state.server_time() // 1000)


def _coin_margined_info(state: State, _call: Call) -> object:
    return coin_margined_info(state.server_time() // 1000)


def _margin_pairs(_state: State, _call: Call) -> object:
    # Nothing is traded on margin here. The real ones ask for a key, without a signature (MARKET_DATA).
    return []


def _divisor(call: Call) -> int:
    try:
        return _DIVISORS[call.time_unit.upper()]
    except KeyError:
        raise Refused(BAD_TIME_UNIT) from None


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
