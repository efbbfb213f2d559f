from __future__ import annotations

import pytest
from embedded_client import ACCOUNT, BALANCE, EVERYTHING, NOW, ORDER_TEST, RESTRICTIONS, HmacSigner, Host, refusal

UNKNOWN_KEY = "k" * 64
SURFACES = [ACCOUNT, RESTRICTIONS, BALANCE, "/fapi/v3/balance"]
REJECTED = {ACCOUNT: (401, -2015), RESTRICTIONS: (400, -2015), BALANCE: (401, -2015), "/fapi/v3/balance": (401, -2015)}
UNKNOWN = {**REJECTED, RESTRICTIONS: (400, -2008)}
MARKET_ORDER = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1"


@pytest.mark.parametrize("path", SURFACES)
async def test_a_good_call_is_accepted(host: Host, key: HmacSigner, path: str) -> None:
    answer = await host.signed(key, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("api_key", ["", "k" * 63, "k" * 65, "k" * 63 + "-", '"' + "k" * 62 + '"'])
async def test_a_key_that_is_not_64_letters_and_digits_is_malformed(host: Host, path: str, api_key: str) -> None:
    answer = await host.raw("GET", path, api_key, "")
    assert refusal(answer) == (401, -2014)
    assert answer.json()["msg"] == "API-key format invalid."


async def test_a_call_without_any_key_header_is_malformed(host: Host) -> None:
    assert refusal(await host.get(RESTRICTIONS)) == (401, -2014)


@pytest.mark.parametrize("path", SURFACES)
async def test_an_unknown_key_is_told_apart_on_sapi_only(host: Host, path: str) -> None:
    assert refusal(await host.signed(HmacSigner(UNKNOWN_KEY, "s"), path)) == UNKNOWN[path]


@pytest.mark.parametrize("path", SURFACES)
async def test_a_deleted_key_looks_like_one_that_never_was(host: Host, key: HmacSigner, path: str) -> None:
    assert (await host.signed(key, path)).status_code == 200
    assert (await host.page("DELETE", f"/keys/{key.api_key}")).status_code == 200
    assert refusal(await host.signed(key, path)) == UNKNOWN[path]


@pytest.mark.parametrize("path", SURFACES)
async def test_a_disabled_key_is_rejected_everywhere(host: Host, key: HmacSigner, path: str) -> None:
    assert (await host.page("POST", f"/keys/{key.api_key}/disable")).json()["state"] == "disabled"
    assert refusal(await host.signed(key, path)) == REJECTED[path]


@pytest.mark.parametrize("path", SURFACES)
async def test_an_address_that_is_not_listed_is_rejected(other_host: Host, key: HmacSigner, path: str) -> None:
    assert refusal(await other_host.signed(key, path)) == REJECTED[path]


@pytest.mark.parametrize(
    ("path", "method", "query", "permission"),
    [
        (ACCOUNT, "GET", "", "enableReading"),
        (RESTRICTIONS, "GET", "", "enableReading"),
        (ORDER_TEST, "POST", MARKET_ORDER, "enableSpotAndMarginTrading"),
        (BALANCE, "GET", "", "enableFutures"),
    ],
)
async def test_a_missing_permission_is_rejected(
    host: Host, path: str, method: str, query: str, permission: str
) -> None:
    able = await host.hmac_key(permissions={**EVERYTHING, permission: True})
    assert (await host.signed(able, path, query, method=method)).status_code == 200
    unable = await host.hmac_key(permissions={**EVERYTHING, permission: False})
    expected = (400 if path == RESTRICTIONS else 401, -2015)
    assert refusal(await host.signed(unable, path, query, method=method)) == expected


async def test_only_fapi_tells_which_address_it_saw(other_host: Host, key: HmacSigner) -> None:
    texts = {path: (await other_host.signed(key, path)).json()["msg"] for path in SURFACES}
    plain = "Invalid API-key, IP, or permissions for action."
    assert texts[ACCOUNT] == texts[RESTRICTIONS] == plain
    assert texts[BALANCE] == "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.77"


async def test_the_fapi_refusal_has_the_length_that_was_seen_in_the_wild(host: Host) -> None:
    # ccxt #7822: content-length 97 with the address 185.93.111.189.
    await host.page("PUT", "/nat", {"127.0.0.1": "185.93.111.189"})
    answer = await host.signed(HmacSigner(UNKNOWN_KEY, "s"), BALANCE)
    assert answer.headers["content-length"] == "97"


async def test_checks_come_in_their_order(host: Host, other_host: Host, key: HmacSigner) -> None:
    powerless = await host.hmac_key(permissions=[], whitelist="203.0.113.42")
    wrong = HmacSigner(powerless.api_key, "wrong")
    late = NOW - 60
    assert refusal(await other_host.signed(wrong, at=late)) == (401, -2015)
    assert refusal(await host.signed(wrong, at=late)) == (400, -1021)
    assert refusal(await host.signed(wrong)) == (400, -1022)
    assert refusal(await host.signed(powerless)) == (401, -2015)
    await host.page("POST", f"/keys/{key.api_key}/disable")
    assert refusal(await host.signed(HmacSigner(key.api_key, "wrong"), RESTRICTIONS, at=late)) == (400, -2015)


async def test_all_keys_of_one_exchange_belong_to_one_account(host: Host, key: HmacSigner) -> None:
    second = await host.hmac_key()
    uids = {(await host.signed(signer)).json()["uid"] for signer in (key, second)}
    assert len(uids) == 1


async def test_zero_balances_can_be_left_out(host: Host, key: HmacSigner) -> None:
    everything = (await host.signed(key)).json()["balances"]
    held = (await host.signed(key, query="omitZeroBalances=true")).json()["balances"]
    assert [balance["asset"] for balance in everything] == ["BTC", "ETH", "USDT"]
    assert [balance["asset"] for balance in held] == ["BTC", "USDT"]


async def test_the_restrictions_tell_the_permissions_but_not_the_list(host: Host) -> None:
    restricted = await host.hmac_key(permissions={"enableFutures": True}, whitelist="203.0.113.42")
    answer = (await host.signed(restricted, RESTRICTIONS)).json()
    assert answer == {
        "ipRestrict": True,
        "createTime": int(NOW * 1000),
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": True,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }
    unrestricted = await host.hmac_key(whitelist=None)
    assert (await host.signed(unrestricted, RESTRICTIONS)).json()["ipRestrict"] is False


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (MARKET_ORDER, None),
        ("symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=10", None),
        ("symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=9", None),
        ("side=BUY&type=MARKET&quantity=1", -1102),
        ("symbol=BTCUSDT&side=BUY&type=MARKET", -1102),
        ("symbol=NOPE&side=BUY&type=MARKET&quantity=1", -1121),
        ("symbol=BTCUSDT&side=HOLD&type=MARKET&quantity=1", -1117),
        ("symbol=BTCUSDT&side=BUY&type=WISH&quantity=1", -1116),
    ],
)
async def test_a_test_order_is_judged_and_never_placed(
    host: Host, key: HmacSigner, order: str, code: int | None
) -> None:
    answer = await host.signed(key, ORDER_TEST, order, method="POST")
    assert answer.json() == {} if code is None else refusal(answer) == (400, code)
