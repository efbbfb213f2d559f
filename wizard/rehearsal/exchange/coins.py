"""What the account holds, and `GET /sapi/v1/capital/config/getall`, which some clients ask for before anything else.

Nothing is ever deposited or withdrawn here, so fees, limits and networks are examples in the documented shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BALANCES: Mapping[str, str] = MappingProxyType({"BTC": "0.50000000", "ETH": "0.00000000", "USDT": "10000.00000000"})
"""What is free of each coin; nothing is locked."""
_NAMES = MappingProxyType({"BTC": "Bitcoin", "ETH": "Ethereum", "USDT": "TetherUS"})
_NETWORKS = MappingProxyType({"BTC": "BTC", "ETH": "ETH", "USDT": "ETH"})


def all_coins() -> list[dict[str, object]]:
    """Return every coin with its balance and the network on which it moves."""
    nothing = ("locked", "freeze", "withdrawing", "ipoing", "ipoable", "storage")
    return [
        {
            "coin": coin,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "name": _NAMES[coin],
            "free": free,
            **dict.fromkeys(nothing, "0"),
            "isLegalMoney": False,
            "trading": True,
            "networkList": [_network(coin)],
        }
        for coin, free in BALANCES.items()
    ]


def _network(coin: str) -> dict[str, object]:
    texts = ("specialTips", "specialWithdrawTips", "addressRegex", "memoRegex", "contractAddressUrl", "contractAddress")
    return {
        "network": _NETWORKS[coin],
        "coin": coin,
        "name": _NETWORKS[coin],
        "isDefault": True,
        "depositEnable": True,
        "withdrawEnable": True,
        "busy": False,
        "resetAddressStatus": False,
        "sameAddress": False,
        "withdrawTag": False,
        "withdrawIntegerMultiple": "0.00000001",
        "withdrawFee": "0.00010000",
        "withdrawMin": "0.00100000",
        "withdrawMax": "7500.00000000",
        "withdrawInternalMin": "0.00000001",
        "depositDust": "0.00000001",
        "minConfirm": 2,
        "unLockConfirm": 2,
        "estimatedArrivalTime": 25,
        **dict.fromkeys(texts, ""),
    }
