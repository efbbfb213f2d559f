"""python-binance, as its users call it; only the addresses are changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from binance.async_client import AsyncClient
from binance.client import Client
from binance.exceptions import BinanceAPIException
from conversation import Login, Refusal, call_from, converse


def at(login: Login, base: type) -> Any:
    """The client's class, at the addresses of the login."""
    addresses = {
        "API_URL": f"{login.base_url}/api",
        "MARGIN_API_URL": f"{login.base_url}/sapi",
        "FUTURES_URL": f"{login.base_url}/fapi",
        "WS_API_URL": f"{login.ws_url}/ws-api/v3",
    }
    return type(base.__name__, (base,), addresses)


@lru_cache(maxsize=1)
def client(login: Login) -> Client:
    made: Client = at(login, Client)(login.api_key, login.hmac_secret, private_key=login.private_key)
    call_from(made.session, login)
    return made


def order(login: Login) -> Any:
    return client(login).create_test_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")


def over_websocket(method: str, **parameters: Any) -> Callable[[Login], Any]:
    """A call that says one thing over a WebSocket connection of its own."""

    async def talk(login: Login) -> Any:
        made = at(login, AsyncClient)(login.api_key, login.hmac_secret, private_key=login.private_key)
        try:
            return await getattr(made, method)(**parameters)
        finally:
            # Its own close waits ten seconds for a reading loop; the end of the event loop cuts the connection.
            await made.session.close()

    return lambda login: asyncio.run(talk(login))


def asynchronous(login: Login) -> Any:
    """The account by the asynchronous client, whose `create` reads the exchange's clock first."""

    async def talk() -> Any:
        made = await at(login, AsyncClient).create(login.api_key, login.hmac_secret, private_key=login.private_key)
        try:
            return await made.get_account()
        finally:
            await made.close_connection()

    return asyncio.run(talk())


def report(error: Exception) -> Refusal | None:
    return Refusal(error.status_code, error.code) if isinstance(error, BinanceAPIException) else None


CALLS = {
    "account": lambda login: client(login).get_account(),
    "restrictions": lambda login: client(login).get_account_api_permissions(),
    "order": order,
    "ws_account": over_websocket("ws_get_account"),
    "ws_market": over_websocket("ws_get_exchange_info", symbols=["BTCUSDT"]),
    "ws_ping": over_websocket("ws_ping"),
    "asynchronous": asynchronous,
    "markets": lambda login: [symbol["symbol"] for symbol in client(login).get_exchange_info()["symbols"]],
    "futures": lambda login: client(login).futures_account_balance(),
}

if __name__ == "__main__":
    converse("python-binance", CALLS, report)
