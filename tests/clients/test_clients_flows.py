"""What users of these clients do besides one call: load markets, follow the clock, live through a rotation."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.clients.conftest import Strangers
from tests.clients.surroundings import HERE, NEIGHBOUR, Exchange
from tests.clients.table import ACCOUNT, KINDS, TELLERS, Answer, Told

pytestmark = pytest.mark.clients
MINUTE = 60_000
SPOT = ["BTCUSDT", "ETHUSDT"]
UNLISTED = Answer(401, -2015)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("client", "call", "result"),
    [
        ("python-binance", "markets", SPOT),
        ("binance-connector", "markets", SPOT),
        ("binance-connector", "one_market", ["BTCUSDT"]),
        ("binance-sdk-spot", "markets", SPOT),
        ("binance-sdk-spot", "one_market", ["BTCUSDT"]),
        ("python-binance", "ws_ping", {}),
        ("binance-connector", "ws_ping", {}),
        pytest.param(
            "ccxt", "markets", ["BTC/USD:BTC", "BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"], marks=pytest.mark.slow
        ),
        ("ccxt", "balance", {"BTC": 0.5, "ETH": 0.0, "USDT": 10_000.0}),
        ("ccxt", "unified_order", {}),
    ],
)
def test_default_flows_work_where_only_the_addresses_are_changed(
    client: str, call: str, result: object, kind: str, strangers: Strangers, exchange: Exchange
) -> None:
    answer = strangers(client).ask(call, exchange.new_key(kind))
    assert (answer["result"], answer["complaints"]) == (result, [])


@pytest.mark.parametrize("kind", KINDS)
def test_the_futures_balance_is_read(kind: str, strangers: Strangers, exchange: Exchange) -> None:
    (balance,) = strangers("python-binance").ask("futures", exchange.new_key(kind))["result"]
    assert balance["asset"] == "USDT"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("client", "call"), [("python-binance", "asynchronous"), ("ccxt", "resynchronised")])
def test_a_client_that_reads_the_exchanges_clock_is_not_stale(
    client: str, call: str, kind: str, strangers: Strangers, clock: Exchange
) -> None:
    login = clock.new_key(kind)
    clock.set_clock(MINUTE)
    assert strangers(client).ask(call, login)["result"]["canTrade"] is True


def test_a_list_of_symbols_over_the_websocket_api_is_heeded(strangers: Strangers, exchange: Exchange) -> None:
    listing = strangers("python-binance").ask("ws_market", exchange.new_key("hmac"))["result"]
    assert [symbol["symbol"] for symbol in listing["symbols"]] == ["BTCUSDT"]


def test_a_session_is_logged_on_with_ed25519_and_vouches_for_later_calls(
    strangers: Strangers, exchange: Exchange
) -> None:
    login = exchange.new_key("ed25519")
    answer = strangers("binance-sdk-spot").ask("ws_session", login)
    assert answer["result"] == [login["api_key"], login["api_key"], True]


@pytest.mark.parametrize("kind", ["hmac", "rsa"])
def test_other_kinds_of_key_cannot_log_a_session_on(kind: str, strangers: Strangers, exchange: Exchange) -> None:
    answer = strangers("binance-sdk-spot").ask("ws_session", exchange.new_key(kind))
    assert told(answer) == Told("HandedOut", None, -4056)


@pytest.mark.parametrize("client", TELLERS)
def test_the_whitelist_tells_two_addresses_of_one_client_apart(
    client: str, strangers: Strangers, exchange: Exchange
) -> None:
    stranger = strangers(client)
    require_source("127.0.0.2")
    login = exchange.new_key("ed25519", NEIGHBOUR)
    refused = stranger.ask("account", login)
    assert told(refused) == TELLERS[client](UNLISTED, "account")
    assert stranger.ask("account", {**login, "source": "127.0.0.2"})["result"]["canTrade"] is True
    assert exchange.log_of(login) == [(ACCOUNT, 401, -2015), (ACCOUNT, 200, 0)]


@pytest.mark.parametrize("client", TELLERS)
def test_a_running_client_is_told_when_its_key_is_deleted_and_goes_on_with_the_next(
    client: str, strangers: Strangers, exchange: Exchange
) -> None:
    stranger = strangers(client)
    legacy, current = exchange.new_key("hmac", HERE), exchange.new_key("hmac", HERE)
    assert stranger.ask("account", legacy)["result"]["canTrade"] is True
    exchange.delete(legacy)
    assert told(stranger.ask("account", legacy)) == by_running(client)
    assert told(stranger.ask("restrictions", legacy)) == TELLERS[client](Answer(400, -2008), "restrictions")
    assert stranger.ask("account", current)["result"]["canTrade"] is True


def by_running(client: str) -> Told:
    """A -2015 on /api as a client reports it that was accepted before: ccxt takes it for a temporary ban."""
    return Told("DDoSProtection", None, -2015) if client == "ccxt" else TELLERS[client](UNLISTED, "account")


def told(answer: dict[str, Any]) -> Told:
    return Told(answer["error"], answer["status"], answer["code"])


def require_source(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip(f"{address} is not an address of this machine")
