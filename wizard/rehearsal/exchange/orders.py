"""`POST /api/v3/order/test`: says whether an order would be taken, and places none."""

from __future__ import annotations

from wizard.rehearsal.exchange.calls import Call
from wizard.rehearsal.exchange.markets import BASES, ORDER_TYPES
from wizard.rehearsal.exchange.parameters import Parameters
from wizard.rehearsal.exchange.refusals import (
    BAD_ORDER_TYPE,
    BAD_SIDE,
    BAD_SYMBOL,
    BAD_TIME_IN_FORCE,
    MISSING,
    Refused,
)
from wizard.rehearsal.exchange.state import State

_MANDATORY = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
"""By order type, of rest-api.md's table of additional mandatory parameters what it asks for in every case."""


_WEIGHT_OF_RATES = 19
"""An order test weighs 20 with the commission rates and 1 without them (rest-api.md)."""


def judge_order(state: State, call: Call) -> object:
    """Return what an acceptable order gets: the commission rates where it asks for them, else nothing.

    Raises:
        Refused: a parameter is missing or makes no sense.
    """
    order = call.parameters
    _require(order, "symbol", "side", "type")
    for name, choices, refusal in (
        ("symbol", BASES, BAD_SYMBOL),
        ("side", ("BUY", "SELL"), BAD_SIDE),
        ("type", ORDER_TYPES, BAD_ORDER_TYPE),
    ):
        if order.get(name) not in choices:
            raise Refused(refusal)
    _require(order, *_mandatory(order))
    if order.get("timeInForce") not in ("", "GTC", "IOC", "FOK"):
        raise Refused(BAD_TIME_IN_FORCE)
    if order.get("computeCommissionRates") != "true":
        return {}
    state.meter.charge(call.ip, _WEIGHT_OF_RATES)
    return _commission_rates()


def _commission_rates() -> object:
    nothing = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": {"maker": "0.00100000", "taker": "0.00100000"},
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        },
    }


def _mandatory(order: Parameters) -> tuple[str, ...]:
    if order.get("type") == "MARKET":
        return () if order.get("quoteOrderQty") else ("quantity",)
    return _MANDATORY[order.get("type")]


def _require(order: Parameters, *names: str) -> None:
    for name in names:
        if not order.get(name):
            raise Refused(MISSING, name)
