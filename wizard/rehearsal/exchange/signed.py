"""Signed endpoints: each behind the gate, each with the permission that it needs."""

from __future__ import annotations

from wizard.rehearsal.exchange.calls import Answer, Call, Endpoint
from wizard.rehearsal.exchange.coins import BALANCES, all_coins
from wizard.rehearsal.exchange.gate import signed
from wizard.rehearsal.exchange.keys import FUTURES, READING, SPOT_TRADING, permission_flags
from wizard.rehearsal.exchange.orders import judge_order
from wizard.rehearsal.exchange.state import State


def _restrictions(state: State, call: Call) -> object:
    # The list of addresses is not part of the answer (CONFIRMED, facts/binance.md section 4.1).
    key = state.keys[call.api_key]
    return {
        "ipRestrict": key.whitelist is not None,
        "createTime": key.created,
        **permission_flags(key.permissions),
    }


def _account(state: State, call: Call) -> object:
    hides_zeros = call.parameters.get("omitZeroBalances").lower() == "true"
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00100000",
            "taker": "0.00100000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": 0,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": free, "locked": "0.00000000"}
            for asset, free in BALANCES.items()
            if not hides_zeros or float(free)
        ],
        "permissions": ["SPOT"],
        "uid": state.uid,
    }


def _futures_balance(_state: State, _call: Call) -> object:
    amount = "2500.00000000"
    return [
        {
            "accountAlias": "SgsR",
            "asset": "USDT",
            "balance": amount,
            "crossWalletBalance": amount,
            "crossUnPnl": "0.00000000",
            "availableBalance": amount,
            "maxWithdrawAmount": amount,
            "marginAvailable": True,
            "updateTime": 0,
        }
    ]


def _coins(_state: State, _call: Call) -> object:
    return all_coins()


def _endpoint(method: str, path: str, weight: int, permission: str, answer: Answer) -> Endpoint:
    return Endpoint(method, path, weight, signed(permission, answer), is_signed=True)


ENDPOINTS = (
    _endpoint("GET", "/api/v3/account", 20, READING, _account),
    _endpoint("POST", "/api/v3/order/test", 1, SPOT_TRADING, judge_order),
    _endpoint("GET", "/sapi/v1/account/apiRestrictions", 1, READING, _restrictions),
    _endpoint("GET", "/sapi/v1/capital/config/getall", 10, READING, _coins),
    _endpoint("GET", "/fapi/v2/balance", 5, FUTURES, _futures_balance),
    _endpoint("GET", "/fapi/v3/balance", 5, FUTURES, _futures_balance),
)
