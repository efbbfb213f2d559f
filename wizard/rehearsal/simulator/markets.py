"""The two symbols that this exchange lists, in the shape of `GET /api/v3/exchangeInfo`.

No order is ever executed here, so prices and filters are examples.

The one perpetual contract of each futures program, in the shape of its `exchangeInfo`.

Clients that load all markets ask for these although they never trade them. Prices and filters are examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from wizard.rehearsal.simulator.calls import Parameters
from wizard.rehearsal.simulator.refusals import BAD_SYMBOL, ILLEGAL_CHARACTERS, RequestError
from wizard.rehearsal.simulator.weights import LIMIT

_ORDER_TYPES = ("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
_NEVER = 4_133_404_800_000
"""The delivery date of a perpetual contract: 2100-12-25, in milliseconds since 1970."""
_ONBOARD_DATE = 1_569_398_400_000


def usd_margined_info(server_time: int) -> dict[str, object]:
    """Return `GET /fapi/v1/exchangeInfo`; `server_time` is in milliseconds since 1970."""
    contract = {
        "symbol": "BTCUSDT",
        "pair": "BTCUSDT",
        "status": "TRADING",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "settlePlan": 0,
        **_contract(tick="0.10", step="0.001"),
    }
    assets = [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}]
    return {**_contract_listing(server_time, contract), "assets": assets}


def coin_margined_info(server_time: int) -> dict[str, object]:
    """Return `GET /dapi/v1/exchangeInfo`; `server_time` is in milliseconds since 1970."""
    contract = {
        "symbol": "BTCUSD_PERP",
        "pair": "BTCUSD",
        "contractStatus": "TRADING",
        "contractSize": 100,
        "quoteAsset": "USD",
        "marginAsset": "BTC",
        "pricePrecision": 1,
        "quantityPrecision": 0,
        "equalQtyPrecision": 4,
        **_contract(tick="0.1", step="1"),
    }
    return _contract_listing(server_time, contract)


def _contract_listing(server_time: int, contract: Mapping[str, object]) -> dict[str, object]:
    return {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        ],
        "exchangeFilters": [],
        "symbols": [contract],
    }


def _contract(tick: str, step: str) -> dict[str, object]:
    return {
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER,
        "onboardDate": _ONBOARD_DATE,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": "BTC",
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000", "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": "120", "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        ],
        "orderTypes": list(_ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


QUOTE = "USDT"
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


_STATUS = "TRADING"
_PERMISSION = "SPOT"
_LIST = r'^\["[A-Z0-9_]{1,30}"(,"[A-Z0-9_]{1,30}")*\]$'
"""A list parameter. The pattern that the exchange itself shows is UNKNOWN."""


def exchange_info(server_time: int, asked: Parameters) -> dict[str, object]:
    """Return the listing of the symbols that are asked for, all of them where none is.

    Raises:
        RequestError: a symbol is not listed, or a list is malformed.
    """
    shows_sets = asked.get("showPermissionSets").lower() != "false"
    return {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": LIMIT},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        ],
        "exchangeFilters": [],
        "symbols": [_listing(symbol, shows_sets) for symbol in _symbols(asked)],
    }


def _symbols(asked: Parameters) -> Iterable[str]:
    named = _names(asked, "symbols") or ([asked.get("symbol")] if asked.get("symbol") else [])
    if not all(name in BASES for name in named):
        raise RequestError(BAD_SYMBOL)
    permissions = _names(asked, "permissions")
    if asked.get("symbolStatus") not in ("", _STATUS) or (permissions and _PERMISSION not in permissions):
        return ()
    return [name for name in BASES if not named or name in named]


def _names(asked: Parameters, parameter: str) -> list[str]:
    text = asked.get(parameter)
    if parameter == "permissions" and text.isalpha():  # `permissions` may also be one word (rest-api.md)
        return [text]
    if text and not re.fullmatch(_LIST, text):
        raise RequestError(ILLEGAL_CHARACTERS, parameter, _LIST)
    names: list[str] = json.loads(text or "[]")
    return names


def _listing(symbol: str, shows_sets: bool) -> dict[str, object]:
    precisions = (
        "baseAssetPrecision",
        "quotePrecision",
        "quoteAssetPrecision",
        "baseCommissionPrecision",
        "quoteCommissionPrecision",
    )
    flags = (
        "icebergAllowed",
        "ocoAllowed",
        "otoAllowed",
        "opoAllowed",
        "quoteOrderQtyMarketAllowed",
        "allowTrailingStop",
        "cancelReplaceAllowed",
        "amendAllowed",
        "pegInstructionsAllowed",
        "isSpotTradingAllowed",
    )
    return {
        "symbol": symbol,
        "status": _STATUS,
        "baseAsset": BASES[symbol],
        "quoteAsset": QUOTE,
        **dict.fromkeys(precisions, 8),
        "orderTypes": list(ORDER_TYPES),
        **dict.fromkeys(flags, True),
        "isMarginTradingAllowed": False,
        "filters": _filters(),
        "permissions": [],
        "permissionSets": [[_PERMISSION]] if shows_sets else [],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _filters() -> list[dict[str, object]]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
