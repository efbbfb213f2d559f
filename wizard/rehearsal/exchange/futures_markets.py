"""The one perpetual contract of each futures program, in the shape of its `exchangeInfo`.

Clients that load all markets ask for these although they never trade them. Prices and filters are examples.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    return {**_listing(server_time, contract), "assets": assets}


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
    return _listing(server_time, contract)


def _listing(server_time: int, contract: Mapping[str, object]) -> dict[str, object]:
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
