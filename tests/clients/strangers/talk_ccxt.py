"""ccxt, as its users call it; only the addresses are changed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import ccxt
import ccxt.pro
from conversation import Login, Refusal, call_from, converse


def at(login: Login, exchange: Any) -> Any:
    """The exchange with every host of its own replaced."""
    made = exchange({"apiKey": login.api_key, "secret": login.secret})
    made.urls["api"] = _moved(made.urls["api"], login)
    return made


def _moved(urls: Any, login: Login) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(url, login) for name, url in urls.items()}
    scheme, _, rest = urls.partition("://")
    path = rest.partition("/")[2]
    return f"{login.ws_url if scheme == 'wss' else login.base_url}/{path}"


@lru_cache(maxsize=1)
def client(login: Login) -> Any:
    made = at(login, ccxt.binance)
    call_from(made.session, login)
    return made


def order(login: Login) -> Any:
    return client(login).private_post_order_test(
        {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    )


def unified_order(login: Login) -> Any:
    return client(login).create_order("BTC/USDT", "limit", "buy", 0.001, 50_000, {"test": True})["info"]


def ws_account(login: Login) -> Any:
    async def talk() -> Any:
        made = at(login, ccxt.pro.binance)
        # Loading markets with a key would be refused first, on /sapi.
        made.set_markets(at(replace(login, api_key="", secret=""), ccxt.binance).load_markets())
        try:
            return (await made.fetch_balance_ws())["info"]
        finally:
            await made.close()

    return asyncio.run(talk())


def resynchronised(login: Login) -> Any:
    """The account after the client was told to follow the exchange's clock."""
    made = client(login)
    made.options["adjustForTimeDifference"] = True
    made.load_time_difference()
    return made.private_get_account()


def report(error: Exception) -> Refusal | None:
    if not isinstance(error, ccxt.BaseError):
        return None
    try:
        return Refusal(None, json.loads(str(error).partition(" ")[2])["code"])
    except (ValueError, KeyError):
        return None


CALLS = {
    "account": lambda login: client(login).private_get_account(),
    "restrictions": lambda login: client(login).sapi_get_account_apirestrictions(),
    "order": order,
    "ws_account": ws_account,
    "markets": lambda login: sorted(client(login).load_markets()),
    "balance": lambda login: client(login).fetch_balance()["total"],
    "unified_order": unified_order,
    "resynchronised": resynchronised,
}

if __name__ == "__main__":
    converse("ccxt", CALLS, report)
