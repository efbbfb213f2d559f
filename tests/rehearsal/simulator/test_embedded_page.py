from __future__ import annotations

import pytest
from conftest import machine
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from embedded_client import ACCOUNT, NOW, RESTRICTIONS, HmacSigner, Host, ManualClock, public_pem, refusal

from wizard.rehearsal.simulator import EmbeddedExchange, serve

ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


async def test_a_new_key_and_its_secret_have_64_letters_and_digits(host: Host) -> None:
    made = await host.hmac_key()
    for text in (made.api_key, made.secret):
        assert len(text) == 64
        assert text.isascii()
        assert text.isalnum()


async def test_the_list_of_keys_tells_everything_but_the_secret(host: Host) -> None:
    made = await host.hmac_key(label="grid bot", whitelist="203.0.113.42, 198.51.100.0/24")
    answer = await host.page("GET", "/keys")
    assert made.secret not in answer.text
    (shown,) = answer.json()
    assert shown["permissions"]["enableFutures"] is True
    assert shown["permissions"]["enableWithdrawals"] is False
    del shown["permissions"]
    assert shown == {
        "label": "grid bot",
        "kind": "hmac",
        "api_key": made.api_key,
        "whitelist": ["203.0.113.42", "198.51.100.0/24"],
        "created": int(NOW * 1000),
        "state": "active",
        "account": None,
    }


async def test_no_record_prints_a_key_or_a_secret(host: Host, exchange: EmbeddedExchange, key: HmacSigner) -> None:
    await host.signed(key)
    printed = repr([*exchange.state.keys.values(), *exchange.state.log])
    assert key.api_key not in printed
    assert key.secret not in printed


async def test_a_changed_whitelist_counts_at_once(host: Host, other_host: Host, key: HmacSigner) -> None:
    answer = await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "203.0.113.77"})
    assert answer.json()["whitelist"] == ["203.0.113.77"]
    assert refusal(await host.signed(key)) == (401, -2015)
    assert (await other_host.signed(key)).status_code == 200


async def test_a_block_lets_in_every_address_that_it_covers(host: Host, other_host: Host) -> None:
    made = await host.hmac_key(whitelist="203.0.113.64/26")
    assert (await other_host.signed(made)).status_code == 200
    assert refusal(await host.signed(made)) == (401, -2015)


async def test_null_makes_a_key_unrestricted(host: Host, other_host: Host, key: HmacSigner) -> None:
    assert refusal(await other_host.signed(key)) == (401, -2015)
    await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": None})
    assert (await other_host.signed(key)).status_code == 200
    assert (await other_host.signed(key, RESTRICTIONS)).json()["ipRestrict"] is False


async def test_a_form_without_a_list_does_not_lift_the_restriction(host: Host, key: HmacSigner) -> None:
    assert (await host.page("PUT", f"/keys/{key.api_key}/whitelist", {})).status_code == 400
    assert (await host.signed(key, RESTRICTIONS)).json()["ipRestrict"] is True


async def test_a_refused_list_leaves_the_old_one_in_force(host: Host, key: HmacSigner) -> None:
    answer = await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "203.0.113.300"})
    assert answer.status_code == 400
    assert answer.json() == {"msg": "Illegal IP: 203.0.113.300"}
    assert (await host.signed(key)).status_code == 200


async def test_a_list_of_ipv6_alone_locks_everybody_out(host: Host, key: HmacSigner) -> None:
    answer = await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "2001:db8::1"})
    assert (answer.status_code, answer.json()["whitelist"]) == (200, [])
    assert refusal(await host.signed(key)) == (401, -2015)


async def test_a_delayed_whitelist_lets_the_old_one_count_until_then(
    host: Host, other_host: Host, key: HmacSigner, clock: ManualClock
) -> None:
    await host.faults(whitelist_delay_s=90)
    await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "203.0.113.77"})
    clock.now = NOW + 89
    assert (await host.signed(key, at=clock.now)).status_code == 200
    assert refusal(await other_host.signed(key, at=clock.now)) == (401, -2015)
    clock.now = NOW + 90
    assert refusal(await host.signed(key, at=clock.now)) == (401, -2015)
    assert (await other_host.signed(key, at=clock.now)).status_code == 200


async def test_a_new_key_waits_for_its_delayed_whitelist_too(host: Host, clock: ManualClock) -> None:
    await host.faults(whitelist_delay_s=90)
    made = await host.hmac_key(whitelist="203.0.113.42")
    assert refusal(await host.signed(made)) == (401, -2015)
    clock.now = NOW + 90
    assert (await host.signed(made, at=clock.now)).status_code == 200


async def test_the_last_of_two_delayed_lists_wins(host: Host, key: HmacSigner, clock: ManualClock) -> None:
    await host.faults(whitelist_delay_s=90)
    await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "203.0.113.77"})
    clock.now = NOW + 60
    await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": "203.0.113.42, 203.0.113.77"})
    for moment in (100, 150):
        clock.now = NOW + moment
        assert (await host.signed(key, at=clock.now)).status_code == 200


async def test_changed_permissions_count_at_once(host: Host, key: HmacSigner) -> None:
    answer = await host.page("PUT", f"/keys/{key.api_key}/permissions", {"permissions": {"enableReading": False}})
    assert not any(answer.json()["permissions"].values())
    assert refusal(await host.signed(key)) == (401, -2015)
    await host.page("PUT", f"/keys/{key.api_key}/permissions", {"enableReading": True})
    assert (await host.signed(key)).status_code == 200


async def test_withdrawals_need_a_whitelist(host: Host, key: HmacSigner) -> None:
    wanted = {"permissions": {"enableWithdrawals": True}}
    assert (await host.page("POST", "/keys", wanted)).status_code == 400
    assert (await host.page("POST", "/keys", {**wanted, "whitelist": "203.0.113.42"})).status_code == 201
    assert (await host.page("PUT", f"/keys/{key.api_key}/permissions", wanted)).status_code == 200
    assert (await host.page("PUT", f"/keys/{key.api_key}/whitelist", {"text": None})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("PUT", "/whitelist", {"text": "203.0.113.42"}),
        ("PUT", "/permissions", {}),
        ("POST", "/disable", None),
        ("DELETE", "", None),
    ],
)
async def test_a_key_that_does_not_exist_is_not_found(host: Host, method: str, path: str, form: object) -> None:
    assert (await host.page(method, f"/keys/{'k' * 64}{path}", form)).status_code == 404


def private_text(key: ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def pkcs1(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("kind", "public_key"),
    [
        ("ed25519", None),
        ("ed25519", "ssh-ed25519 AAAA"),
        ("ed25519", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
        ("ed25519", private_text(ED25519)),
        ("ed25519", public_pem(RSA)),
        ("ed25519", elliptic()),
        ("rsa", public_pem(ED25519)),
        ("rsa", pkcs1(RSA)),
        ("rsa", public_pem(rsa.generate_private_key(65537, 1024))),
        ("hmac", public_pem(ED25519)),
    ],
)
async def test_a_public_key_of_the_wrong_kind_is_refused_and_not_repeated(
    host: Host, kind: str, public_key: str | None
) -> None:
    answer = await host.page("POST", "/keys", {"kind": kind, "public_key": public_key})
    assert answer.status_code == 400
    assert set(answer.json()) == {"msg"}
    assert not any(line in answer.text for line in (public_key or "").splitlines()[1:])
    assert (await host.page("GET", "/keys")).json() == []


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "dsa"},
        {"label": 7},
        {"label": "\ud800"},
        {"whitelist": ["203.0.113.42"]},
        {"whitelist": ""},
        {"permissions": {"enableMiracles": True}},
        {"permissions": {"enableReading": "yes"}},
        {"permissions": "enableReading"},
        ["label"],
    ],
)
async def test_a_form_that_makes_no_sense_makes_no_key(host: Host, form: object) -> None:
    answer = await host.page("POST", "/keys", form)
    assert answer.status_code == 400
    assert answer.json()["msg"]
    assert (await host.page("GET", "/keys")).json() == []


async def test_a_body_that_is_not_json_is_refused(host: Host) -> None:
    answer = await host.client.put("/desk/nat", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"msg": "The body is not JSON"})


async def test_the_log_tells_who_called_what_from_where(host: Host, other_host: Host, key: HmacSigner) -> None:
    await host.signed(key, query="omitZeroBalances=true")
    await other_host.signed(key, RESTRICTIONS)
    await host.raw("GET", ACCOUNT, "short", "")
    await host.get("/api/v3/time")
    common = {"time": int(NOW * 1000), "method": "GET"}
    assert await host.log() == [
        {**common, "api_key": key.api_key, "ip": "203.0.113.42", "path": ACCOUNT, "status": 200, "code": 0},
        {**common, "api_key": key.api_key, "ip": "203.0.113.77", "path": RESTRICTIONS, "status": 400, "code": -2015},
        {**common, "api_key": "short", "ip": "203.0.113.42", "path": ACCOUNT, "status": 401, "code": -2014},
    ]


async def test_two_exchanges_side_by_side_know_nothing_of_each_other(host: Host, key: HmacSigner) -> None:
    async with serve(EmbeddedExchange(seed=2)) as elsewhere, machine(elsewhere, "127.0.0.1") as there:
        assert refusal(await there.signed(key, RESTRICTIONS)) == (400, -2008)
        await there.page("PUT", "/nat", {"127.0.0.1": "198.51.100.7"})
        await there.faults(answers=[{"path": "/api/v3/ping", "status": 503}])
        assert (await there.page("GET", "/keys")).json() == []
        assert (await host.get("/echo/json")).json() == {"ip": "203.0.113.42"}
        assert (await host.get("/api/v3/ping")).status_code == 200
        assert await host.log() == []


async def made_with(seed: int | None) -> list[str]:
    async with serve(EmbeddedExchange(seed=seed, clock=ManualClock())) as found, machine(found, "127.0.0.1") as there:
        first, second = await there.hmac_key(), await there.hmac_key()
        uid = (await there.signed(first)).json()["uid"]
        return [first.api_key, first.secret, second.api_key, second.secret, str(uid)]


async def test_a_seed_makes_the_same_keys_again_and_no_seed_never_does() -> None:
    assert await made_with(5) == await made_with(5)
    assert len(set(await made_with(None)) | set(await made_with(None)) | set(await made_with(6))) == 15
