"""binance-connector, as its users call it; only the addresses are changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import lru_cache
from queue import Queue
from typing import Any

from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from conversation import HandedOut, Login, Refusal, call_from, converse

PATIENCE = 10


@lru_cache(maxsize=1)
def client(login: Login) -> Spot:
    made = Spot(login.api_key, login.hmac_secret, private_key=login.private_key, base_url=login.base_url)
    call_from(made.session, login)
    return made


def order(login: Login) -> Any:
    return client(login).new_order_test("BTCUSDT", "BUY", "MARKET", quantity="0.001")


def over_websocket(method: str) -> Callable[[Login], Any]:
    """A call that says one thing over a WebSocket connection of its own."""

    def talk(login: Login) -> Any:
        messages: Queue[str] = Queue()
        made = SpotWebsocketAPIClient(
            f"{login.ws_url}/ws-api/v3",
            login.api_key,
            login.hmac_secret,
            on_message=lambda _manager, text: messages.put(text),
            on_error=lambda _manager, _error: None,
        )
        try:
            getattr(made, method)()
            answer = json.loads(messages.get(timeout=PATIENCE))
        finally:
            made.stop()
        if answer["status"] != 200:
            raise HandedOut(answer["status"], answer["error"]["code"])
        return answer["result"]

    return talk


def report(error: Exception) -> Refusal | None:
    return Refusal(error.status_code, error.error_code) if isinstance(error, ClientError) else None


CALLS = {
    "account": lambda login: client(login).account(),
    "restrictions": lambda login: client(login).api_key_permissions(),
    "order": order,
    "ws_account": over_websocket("account"),
    "ws_ping": over_websocket("ping_connectivity"),
    "markets": lambda login: [symbol["symbol"] for symbol in client(login).exchange_info()["symbols"]],
    "one_market": lambda login: [
        symbol["symbol"] for symbol in client(login).exchange_info(symbols=["BTCUSDT"])["symbols"]
    ],
}

if __name__ == "__main__":
    # It warns when a connection ends, also when its user ends it.
    logging.getLogger("binance.websocket").setLevel(logging.ERROR)
    converse("binance-connector", CALLS, report)
