from __future__ import annotations

from urllib.parse import quote

import pytest
from embedded_client import HmacSigner, Host, refusal

LISTING = "/api/v3/exchangeInfo"
COINS = "/sapi/v1/capital/config/getall"


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ('symbols=["ETHUSDT"]', ["ETHUSDT"]),
        ('symbols=["ETHUSDT","BTCUSDT"]', ["BTCUSDT", "ETHUSDT"]),
    ],
)
async def test_the_listing_is_narrowed_as_asked(host: Host, query: str, symbols: list[str]) -> None:
    listing = (await host.get(f"{LISTING}?{quote(query, safe='=&')}")).json()
    assert [listed["symbol"] for listed in listing["symbols"]] == symbols


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('symbols=["ETHUSDT","NOPE"]', -1121),
        ("symbols=ETHUSDT", -1100),
        ("symbols=[]", -1100),
        ('symbols=["ETHUSDT"', -1100),
        ('symbols=[["ETHUSDT"]]', -1100),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(host: Host, query: str, code: int) -> None:
    assert refusal(await host.get(f"{LISTING}?{quote(query, safe='=&')}")) == (400, code)


@pytest.mark.parametrize(("program", "status"), [("fapi", "status"), ("dapi", "contractStatus")])
async def test_each_futures_program_lists_its_perpetual_contract(host: Host, program: str, status: str) -> None:
    (contract,) = (await host.get(f"/{program}/v1/exchangeInfo")).json()["symbols"]
    assert (contract["contractType"], contract[status]) == ("PERPETUAL", "TRADING")


@pytest.mark.parametrize("path", ["/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs"])
async def test_nothing_is_traded_on_margin(host: Host, path: str) -> None:
    assert (await host.get(path)).json() == []


async def test_the_coins_agree_with_the_account(host: Host, key: HmacSigner) -> None:
    account = (await host.signed(key)).json()
    coins = (await host.signed(key, COINS)).json()
    assert {coin["coin"]: coin["free"] for coin in coins} == {
        balance["asset"]: balance["free"] for balance in account["balances"]
    }


async def test_the_coins_are_told_to_keys_only(host: Host, other_host: Host, key: HmacSigner) -> None:
    assert refusal(await other_host.signed(key, COINS)) == (400, -2015)
    await host.page("DELETE", f"/keys/{key.api_key}")
    assert refusal(await host.signed(key, COINS)) == (400, -2008)
