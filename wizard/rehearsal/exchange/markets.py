"""The two symbols that this exchange lists, in the shape of `GET /api/v3/exchangeInfo`.

No order is ever executed here, so prices and filters are examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wizard.rehearsal.exchange.refusals import BAD_SYMBOL, Refused
from wizard.rehearsal.exchange.weights import LIMIT

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


def exchange_info(server_time: int, symbol: str) -> dict[str, object]:
    """Return the listing of one symbol, or of all where `symbol` is empty.

    Raises:
        Refused: the symbol is not listed.
    """
    if symbol and symbol not in BASES:
        raise Refused(BAD_SYMBOL)
    return {
        "timezone": "UTC",
        "serverTime": server_time,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": LIMIT},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
        ],
        "exchangeFilters": [],
        "symbols": [_listing(name) for name in BASES if not symbol or name == symbol],
    }


def _listing(symbol: str) -> dict[str, object]:
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
        "quoteOrderQtyMarketAllowed",
        "allowTrailingStop",
        "cancelReplaceAllowed",
        "amendAllowed",
        "isSpotTradingAllowed",
    )
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": BASES[symbol],
        "quoteAsset": QUOTE,
        **dict.fromkeys(precisions, 8),
        "orderTypes": list(ORDER_TYPES),
        **dict.fromkeys(flags, True),
        "isMarginTradingAllowed": False,
        "filters": _filters(),
        "permissions": [],
        "permissionSets": [["SPOT"]],
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
