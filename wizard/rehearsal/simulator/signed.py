"""Signed endpoints: each behind `authentication`, each with the permission that it needs.

`GET /sapi/v1/capital/config/getall` is what some clients ask for before anything else. Nothing is ever deposited or
withdrawn here, so no coin has a network. `POST /api/v3/order/test` says whether an order would be
taken, and places none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wizard.rehearsal.simulator import refusals
from wizard.rehearsal.simulator.authentication import admit
from wizard.rehearsal.simulator.calls import Answer, Call, Endpoint
from wizard.rehearsal.simulator.keys import FUTURES, READING, SPOT_TRADING, permission_flags
from wizard.rehearsal.simulator.public import ANSWERS, BASES, always
from wizard.rehearsal.simulator.refusals import RequestError
from wizard.rehearsal.simulator.state import ExchangeState


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
    return {
        "ipRestrict": key.whitelist is not None,
        "createTime": key.created,
        **permission_flags(key.permissions),
    }


def _account(state: ExchangeState, call: Call) -> object:
    hides_zeros = call.parameters.get("omitZeroBalances").lower() == "true"
    balances = [
        {"asset": asset, "free": free, "locked": "0.00000000"}
        for asset, free in BALANCES.items()
        if not hides_zeros or float(free)
    ]
    return {**ANSWERS["account"], "balances": balances, "uid": state.uid}


def _endpoint(method: str, path: str, weight: int, permission: str, answer: Answer) -> Endpoint:
    def guarded(state: ExchangeState, call: Call) -> object:
        admit(state, call, permission)
        return answer(state, call)

    return Endpoint(method, path, weight, guarded, is_signed=True)


ENDPOINTS = (
    _endpoint("GET", "/api/v3/account", 20, READING, _account),
    _endpoint("POST", "/api/v3/order/test", 1, SPOT_TRADING, _test_order),
    _endpoint("GET", "/sapi/v1/account/apiRestrictions", 1, READING, _restrictions),
    _endpoint("GET", "/sapi/v1/capital/config/getall", 10, READING, _coins),
    _endpoint("GET", "/fapi/v2/balance", 5, FUTURES, always(ANSWERS["futures_balance"])),
    _endpoint("GET", "/fapi/v3/balance", 5, FUTURES, always(ANSWERS["futures_balance"])),
)
