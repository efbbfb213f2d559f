"""binance-sdk-spot, and binance-sdk-wallet for apiRestrictions, as their users call them, at other addresses.

Its exceptions carry the exchange's code in an attribute called `status_code`; their type tells the HTTP status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_spot.rest_api.models import OrderTestSideEnum, OrderTestTypeEnum
from binance_sdk_spot.spot import Spot
from binance_sdk_wallet.wallet import Wallet
from conversation import HandedOut, Login, Refusal, call_from, converse

PATIENCE = 10_000
"""Milliseconds; the SDK's own second is short on a busy machine."""


@lru_cache(maxsize=2)
def at(login: Login, package: type) -> Any:
    made = package(
        ConfigurationRestAPI(
            api_key=login.api_key,
            api_secret=login.hmac_secret,
            private_key=login.private_key,
            base_path=login.base_url,
            timeout=PATIENCE,
        )
    ).rest_api
    call_from(made._session, login)
    return made


def order(login: Login) -> Any:
    asked = at(login, Spot).order_test("BTCUSDT", OrderTestSideEnum["BUY"], OrderTestTypeEnum["MARKET"], quantity=0.001)
    return plain(asked.data())


def connected(talk: Callable[[Any], Awaitable[Any]]) -> Callable[[Login], Any]:
    """A call that says something over a WebSocket connection of its own."""

    async def connect(login: Login) -> Any:
        made = Spot(
            config_ws_api=ConfigurationWebSocketAPI(
                api_key=login.api_key,
                api_secret=login.hmac_secret,
                private_key=login.private_key,
                stream_url=f"{login.ws_url}/ws-api/v3",
                timeout=PATIENCE,
            )
        ).websocket_api
        connection = await made.create_connection()
        try:
            return await talk(connection)
        finally:
            await connection.close_connection(close_session=True)

    return lambda login: asyncio.run(connect(login))


async def ws_account(connection: Any) -> Any:
    return result((await connection.account_status()).data())


async def ws_session(connection: Any) -> Any:
    """Log on, and read the account without another signature."""
    logged_on = result((await connection.session_logon()).data())
    status = result((await connection.session_status()).data())
    account = result((await connection.account_status()).data())
    return [logged_on["apiKey"], status["apiKey"], account["canTrade"]]


def result(answer: Any) -> Any:
    """The result of an answer over the WebSocket API; a refusal is a dict instead of a model."""
    if isinstance(answer, dict):
        raise HandedOut(None, answer["error"]["code"])
    return plain(answer.result)


def plain(model: Any) -> Any:
    """The answer as JSON; a dict, which the SDK gives where the answer has not its shape, fails here."""
    return model.to_dict()


def report(error: Exception) -> Refusal | None:
    if isinstance(error, BadRequestError | UnauthorizedError):
        return Refusal(None, error.status_code)
    return None


CALLS = {
    "account": lambda login: plain(at(login, Spot).get_account().data()),
    "restrictions": lambda login: plain(at(login, Wallet).get_api_key_permission().data()),
    "order": order,
    "ws_account": connected(ws_account),
    "ws_session": connected(ws_session),
    "markets": lambda login: [symbol["symbol"] for symbol in plain(at(login, Spot).exchange_info().data())["symbols"]],
    "one_market": lambda login: [
        symbol["symbol"] for symbol in plain(at(login, Spot).exchange_info(symbols=["BTCUSDT"]).data())["symbols"]
    ],
}

if __name__ == "__main__":
    converse("binance-sdk-spot", CALLS, report)
