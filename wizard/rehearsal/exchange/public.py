"""Public endpoints: they ignore any key header, so they prove nothing about a key."""

from __future__ import annotations

from wizard.rehearsal.exchange.calls import Call, Endpoint
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
    return exchange_info(state.server_time() // _divisor(call), call.parameters.get("symbol"))


def _divisor(call: Call) -> int:
    try:
        return _DIVISORS[call.time_unit.upper()]
    except KeyError:
        raise Refused(BAD_TIME_UNIT) from None


ENDPOINTS = (
    Endpoint("GET", "/api/v3/ping", 1, _ping),
    Endpoint("GET", "/api/v3/time", 1, _time),
    Endpoint("GET", "/api/v3/exchangeInfo", 20, _exchange_info),
    Endpoint("GET", "/fapi/v1/ping", 1, _ping),
    Endpoint("GET", "/fapi/v1/time", 1, _futures_time),
)
