"""What a master account's key may do to the keys of a sub-account, and what it is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from embedded_client import (
    ACCOUNT,
    BALANCE,
    EVERYTHING,
    NOW,
    ORDER_TEST,
    RESTRICTIONS,
    Ed25519Signer,
    HmacSigner,
    Host,
    ManualClock,
    RsaSigner,
    public_pem,
    refusal,
)
from embedded_sub_accounts import (
    EMAIL,
    KEYS,
    KEYS_V2,
    LIST,
    LISTED,
    PERMISSION,
    REMOVE,
    RESTRICT,
    RESTRICTION,
    SUB_ACCOUNT_REFUSAL,
    Master,
    master_of,
    open_account,
)
from embedded_websocket import line, signed

from wizard.rehearsal.simulator import Addresses

UNKNOWN = "u" * 64
OTHER = "198.51.100.7"
UID_USED, IP_USED = "X-SAPI-USED-UID-WEIGHT-1M", "X-SAPI-USED-IP-WEIGHT-1M"
MARKET_ORDER = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1"
FLAGS = ("canTrade", "canMarginLoanRepay", "canFuturesTrade", "canUniversalTransfer", "canVanillaOptions")


@pytest.fixture
async def master(host: Host, clock: ManualClock) -> Master:
    await open_account(host)
    return await master_of(host, clock)


@pytest.mark.parametrize("path", [KEYS, KEYS_V2])
async def test_a_key_that_is_made_by_api_works_at_once_wherever_a_key_works(
    path: str, host: Host, other_host: Host, master: Master, addresses: Addresses
) -> None:
    made = await master.create(path)
    assert {name: made[name] for name in ("apiName", "status", "ipList")} == {
        "apiName": "rotated",
        "status": 2,
        "ipList": [LISTED],
    }
    assert re.fullmatch("[A-Za-z0-9]{64}", made["apiKey"])
    assert {name: made[name] for name in FLAGS} == {name: name in ("canTrade", "canFuturesTrade") for name in FLAGS}
    key = HmacSigner(made["apiKey"], made["secretKey"])
    seen = (await host.signed(key, RESTRICTIONS)).json()
    on = {name for name, flag in seen.items() if flag is True}
    assert on == {"ipRestrict", "enableReading", "enableSpotAndMarginTrading", "enableFutures"}
    assert seen["createTime"] == NOW * 1000
    assert (await host.signed(key, BALANCE)).status_code == 200
    assert (await host.signed(key, ORDER_TEST, MARKET_ORDER, method="POST")).status_code == 200
    assert refusal(await other_host.signed(key)) == (401, -2015)
    async with line(addresses) as websocket:
        answer = await websocket.ask("account.status", signed(key))
        assert answer["result"]["uid"] == (await host.signed(key)).json()["uid"]


async def test_each_account_has_its_own_number(host: Host, master: Master) -> None:
    other = await open_account(host, "other@example.com")
    made = [await master.hmac_key(), await master.hmac_key(email="other@example.com")]
    numbers = [(await host.signed(key)).json()["uid"] for key in (master.signer, *made)]
    assert len(set(numbers)) == 3
    assert numbers[2] == other


@pytest.mark.parametrize("parameters", [{"canFixApiTrading": "true", "canFixApiReading": "TRUE"}, {}])
async def test_an_ed25519_key_has_no_secret_and_may_have_the_fix_flags(
    parameters: dict[str, str], host: Host, master: Master
) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    made = await master.create(publicKey=public_pem(private), **parameters)
    assert (made["secretKey"], made["canFixApiTrading"], made["canFixApiReading"]) == (None, *[bool(parameters)] * 2)
    seen = (await host.signed(Ed25519Signer(made["apiKey"], private), RESTRICTIONS)).json()
    assert (seen["enableFixApiTrade"], seen["enableFixReadOnly"]) == (bool(parameters),) * 2


async def test_an_rsa_key_is_for_the_second_version_and_has_no_fix_flags(host: Host, master: Master) -> None:
    private = rsa.generate_private_key(65537, 2048)
    form = {"publicKey": public_pem(private), "apiName": "rsa", "status": 1}
    assert await master.refused("POST", KEYS, **form) == SUB_ACCOUNT_REFUSAL
    refused = await master.call("POST", KEYS_V2, **form, canFixApiTrading="true")
    assert refused.json() == {"code": -9000, "msg": "Unsupported operation"}
    made = await master.done("POST", KEYS_V2, **form)
    assert (await host.signed(RsaSigner(made["apiKey"], private), ACCOUNT)).status_code == 200


async def test_a_public_key_is_read_with_and_without_its_frame_and_lines(host: Host, master: Master) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    pem = public_pem(private)
    bare = "".join(text for text in pem.splitlines() if "-" not in text)
    for form in (pem, pem.replace("\n", "\r\n"), pem.replace("\n", ""), bare, bare + "\n"):
        made = await master.create(publicKey=form)
        assert (await host.signed(Ed25519Signer(made["apiKey"], private))).status_code == 200, form


async def test_the_second_version_takes_a_public_key_in_the_body_only(master: Master) -> None:
    form = {"publicKey": public_pem(ed25519.Ed25519PrivateKey.generate()), "apiName": "x", "status": 1}
    assert await master.refused("POST", KEYS_V2, in_query=True, **form) == SUB_ACCOUNT_REFUSAL
    assert (await master.call("POST", KEYS, in_query=True, **form)).status_code == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"apiName": None}, -1102),
        ({"status": None}, -1102),
        ({"email": None}, -1102),
        ({"canTrade": "yes"}, -1102),
        ({"status": 3, "thirdPartyName": "x"}, -9000),
        ({"status": 7}, -9000),
        ({"ipAddress": None}, -9000),
        ({"ipAddress": f"{LISTED}, {OTHER}"}, -9000),
        ({"ipAddress": f"{LISTED},"}, -9000),
        ({"ipAddress": "198.51.100.0/24"}, -9000),
        ({"ipAddress": "2001:db8::1"}, -9000),
        ({"ipAddress": "1.2.3.400"}, -9000),
        ({"ipAddress": ",".join(f"198.51.100.{last}" for last in range(31))}, -9000),
        ({"publicKey": "no key"}, -9000),
        ({"canFixApiReading": "true"}, -9000),
        ({"email": "nobody@example.com"}, -9000),
    ],
)
async def test_a_creation_that_makes_no_sense_is_refused_and_makes_nothing(
    form: dict[str, Any], code: int, master: Master
) -> None:
    given = {"apiName": "x", "status": 2, "ipAddress": LISTED, **form}
    assert await master.refused("POST", KEYS_V2, **given) == (400, code)
    assert await master.rows() == []


async def test_thirty_addresses_fit_and_500_characters_do(master: Master) -> None:
    names = [f"198.51.100.{last}" for last in range(30)]
    assert (await master.create(ipAddress=",".join(names)))["ipList"] == names
    long = ",".join([LISTED] * 39)
    assert len(long) > 500
    assert await master.refused("POST", KEYS_V2, apiName="x", status=2, ipAddress=long) == SUB_ACCOUNT_REFUSAL


@pytest.mark.parametrize("flag", ["frozen", "managed", "asset_management"])
async def test_an_unfit_account_is_listed_as_such_and_refused(flag: str, host: Host, master: Master) -> None:
    await open_account(host, "unfit@example.com", **{flag: True})
    refused = await master.refused("POST", KEYS, email="unfit@example.com", apiName="x", status=1)
    assert refused == SUB_ACCOUNT_REFUSAL
    (row,) = (await master.done("GET", LIST, email="unfit@example.com"))["subAccounts"]
    flags = (row["isFreeze"], row["isManagedSubAccount"], row["isAssetManagementSubAccount"])
    assert flags == tuple(flag == each for each in ("frozen", "managed", "asset_management"))


async def test_the_list_of_accounts_is_narrowed_and_comes_in_pages(host: Host, master: Master) -> None:
    await open_account(host, "cold@example.com", frozen=True)
    found = await master.done("GET", LIST, email=None)
    assert [row["email"] for row in found["subAccounts"]] == [EMAIL, "cold@example.com"]
    for narrowed, email in (({"isFreeze": "true"}, "cold@example.com"), ({"page": 1, "limit": 1}, EMAIL)):
        (row,) = (await master.done("GET", LIST, email=None, **narrowed))["subAccounts"]
        assert row["email"] == email


async def test_keys_are_listed_in_pages_without_status_list_or_kind(host: Host, master: Master) -> None:
    for number in range(3):
        await master.create(apiName=f"bot-{number}")
    await host.hmac_key(account=EMAIL, label="by hand")
    answer = await master.done("GET", KEYS, page=2, size=3)
    (row,) = answer["rows"]
    assert (answer["total"], row["apiName"], row["email"]) == (4, "by hand", EMAIL)
    assert set(row) == {"email", "apiName", "apikey", "timestamp", *FLAGS}
    assert await master.rows(subAccountApiKey=row["apikey"]) == [row]
    assert await master.rows(subAccountApiKey=master.signer.api_key) == []
    for form in ({"page": 0}, {"size": 101}, {"size": 0}, {"page": "one"}, {"page": "9" * 5000}):
        assert await master.refused("GET", KEYS, **form) == SUB_ACCOUNT_REFUSAL


async def test_permissions_are_replaced_and_the_others_stay(host: Host, master: Master) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    made = await master.create(publicKey=public_pem(private), canFixApiTrading="true")
    answer = await master.done("POST", PERMISSION, subAccountApiKey=made["apiKey"], canMarginLoanRepay="true")
    assert answer["apikey"] == made["apiKey"]
    assert [name for name in FLAGS if answer[name]] == ["canMarginLoanRepay"]
    seen = (await host.signed(Ed25519Signer(made["apiKey"], private), RESTRICTIONS)).json()
    assert (seen["enableMargin"], seen["enableSpotAndMarginTrading"], seen["enableFixApiTrade"]) == (True, False, True)


async def test_a_deleted_key_is_dead_and_a_second_deletion_is_refused(host: Host, master: Master) -> None:
    key = await master.hmac_key()
    assert await master.done("DELETE", KEYS, subAccountApiKey=key.api_key) == {}
    assert refusal(await host.signed(key, RESTRICTIONS)) == (400, -2008)
    assert refusal(await host.signed(key)) == (401, -2015)
    assert await master.refused("DELETE", KEYS, subAccountApiKey=key.api_key) == SUB_ACCOUNT_REFUSAL
    assert await master.rows() == []
    assert await master.attempts("DELETE", KEYS) == [200, 400]


async def test_a_list_of_addresses_is_changed_read_and_shortened(
    host: Host, other_host: Host, clock: ManualClock, master: Master
) -> None:
    key = await master.hmac_key()
    named = {"subAccountApiKey": key.api_key}
    clock.now += 7
    changed = await master.done("POST", RESTRICT, **named, status=2, ipAddress=f"203.0.113.77,{OTHER}")
    assert changed == {
        "status": "2",
        "ipList": ["203.0.113.77", OTHER],
        "updateTime": round(clock.now * 1000),
        "apiKey": key.api_key,
    }
    assert refusal(await host.signed(key, at=clock.now)) == (401, -2015)
    assert (await other_host.signed(key, at=clock.now)).status_code == 200
    shortened = await master.done("DELETE", REMOVE, **named, ipAddress=OTHER)
    assert shortened == await master.done("GET", RESTRICTION, **named)
    assert (shortened["ipRestrict"], shortened["ipList"]) == ("true", ["203.0.113.77"])
    for ip in (OTHER, "203.0.113.77", None):
        assert await master.refused("DELETE", REMOVE, **named, ipAddress=ip) == SUB_ACCOUNT_REFUSAL
    assert await master.refused("POST", RESTRICT, **named, status=2) == SUB_ACCOUNT_REFUSAL
    assert await master.refused("POST", RESTRICT, **named, status=3, ipAddress=LISTED) == (400, -1102)
    assert (await master.done("GET", RESTRICTION, **named))["ipList"] == ["203.0.113.77"]


@pytest.mark.parametrize("status", [None, 1])
async def test_a_change_without_a_status_opens_the_key_to_everybody(
    status: int | None, unlisted_host: Host, master: Master
) -> None:
    key = await master.hmac_key()
    named = {"subAccountApiKey": key.api_key}
    assert refusal(await unlisted_host.signed(key)) == (401, -2015)
    changed = await master.done("POST", RESTRICT, **named, status=status, ipAddress=LISTED)
    assert (changed["status"], "ipList" in changed) == ("1", False)
    read = await master.done("GET", RESTRICTION, **named)
    assert (read["ipRestrict"], read["ipList"]) == ("false", [])
    assert (await unlisted_host.signed(key)).status_code == 200


CALLS: list[tuple[str, str, dict[str, object]]] = [
    ("DELETE", KEYS, {}),
    ("POST", PERMISSION, {"canTrade": "true"}),
    ("GET", RESTRICTION, {}),
    ("POST", RESTRICT, {"status": 1}),
    ("DELETE", REMOVE, {"ipAddress": LISTED}),
]


@pytest.mark.parametrize(("method", "path", "form"), CALLS)
async def test_a_key_is_found_in_its_own_account_only(
    method: str, path: str, form: dict[str, object], host: Host, master: Master
) -> None:
    await open_account(host, "other@example.com")
    key = await master.hmac_key()
    for email, name in (("other@example.com", key.api_key), (EMAIL, UNKNOWN), (EMAIL, master.signer.api_key)):
        assert await master.refused(method, path, **form, email=email, subAccountApiKey=name) == SUB_ACCOUNT_REFUSAL
    assert (await host.signed(key)).status_code == 200


CREATION = {"apiName": "x", "status": 1}


@pytest.mark.parametrize(
    "form",
    [
        {"whitelist": None},
        {"permissions": {"enableReading": True}},
        {"permissions": {**EVERYTHING, "enableReading": False}},
        {"account": EMAIL},
    ],
)
async def test_a_key_that_is_no_master_key_writes_nothing(
    form: dict[str, object], host: Host, clock: ManualClock
) -> None:
    await open_account(host)
    caller = await master_of(host, clock, **form)
    assert await caller.refused("POST", KEYS, **CREATION) == (400, -2015)
    for method, path, rest in CALLS:
        if method != "GET":
            assert await caller.refused(method, path, **rest, subAccountApiKey=UNKNOWN) == (400, -2015)
    may_read = "permissions" in form or "whitelist" in form
    if may_read and form.get("permissions") != {**EVERYTHING, "enableReading": False}:
        assert await caller.rows() == []


async def test_the_master_key_must_come_from_its_address_with_its_secret(
    host: Host, other_host: Host, master: Master, clock: ManualClock
) -> None:
    elsewhere = Master(other_host, master.signer, clock)
    assert await elsewhere.refused("POST", KEYS, **CREATION) == (400, -2015)
    forged = Master(host, HmacSigner(master.signer.api_key, "s" * 64), clock)
    assert await forged.refused("POST", KEYS, **CREATION) == (400, -1022)
    assert await master.rows() == []


async def test_each_endpoint_bears_sixty_calls_a_minute_of_one_account(
    host: Host, master: Master, clock: ManualClock
) -> None:
    clock.now += 60 - NOW % 60
    for number in range(1, 61):
        answer = await master.call("GET", KEYS)
        assert (answer.status_code, answer.headers[UID_USED]) == (200, str(3000 * number))
    limited = await master.call("GET", KEYS)
    assert (refusal(limited), limited.headers["Retry-After"]) == ((429, -1003), "60")
    assert IP_USED not in limited.headers
    assert (await master.call("GET", LIST)).headers[IP_USED] == "1"
    key = await master.hmac_key()
    assert (await master.call("DELETE", KEYS, subAccountApiKey=key.api_key)).headers[UID_USED] == "3000"
    for _ in range(100):
        assert (await master.call("GET", KEYS)).status_code == 429
    clock.now += 60
    assert (await master.call("GET", KEYS)).headers[UID_USED] == "3000"


async def test_who_cannot_sign_uses_up_nothing_of_the_account(host: Host, master: Master, clock: ManualClock) -> None:
    forged = Master(host, HmacSigner(master.signer.api_key, "s" * 64), clock)
    for _ in range(61):
        assert await forged.refused("GET", KEYS) == (400, -1022)
    assert (await master.call("GET", KEYS)).headers[UID_USED] == "3000"


async def test_the_page_names_the_account_of_each_key_and_refuses_an_unknown_one(host: Host, master: Master) -> None:
    made = await master.create()
    accounts = {row["api_key"]: row["account"] for row in (await host.page("GET", "/keys")).json()}
    assert accounts == {master.signer.api_key: None, made["apiKey"]: EMAIL}
    for path, form in (
        ("/keys", {"account": "nobody@example.com"}),
        ("/sub-accounts", {"email": EMAIL}),
        ("/sub-accounts", {"email": "nobody"}),
        ("/sub-accounts", {"email": "new@example.com", "frozen": "no"}),
    ):
        assert (await host.page("POST", path, form)).status_code == 400


async def test_the_log_counts_creations_and_holds_no_secret(host: Host, master: Master) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    made = [await master.create(), await master.create(publicKey=public_pem(private))]
    assert await master.attempts("POST") == [200, 200]
    text = (await host.page("GET", "/log")).text
    assert made[0]["secretKey"] not in text
    assert made[1]["apiKey"] not in text
