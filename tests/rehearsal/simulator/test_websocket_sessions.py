"""Who a connection is: log-on, ad hoc requests, revocation; and that no connection knows of another."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from embedded_client import (
    ACCOUNT,
    EVERYTHING,
    NOW,
    Ed25519Signer,
    HmacSigner,
    Host,
    ManualClock,
    RsaSigner,
    public_pem,
)
from embedded_websocket import Answer, Line, line, refusal, signed

from wizard.rehearsal.simulator import Addresses

REJECTED_TEXT = "Invalid API-key, IP, or permissions for action."
NOT_LOGGED_ON = {"apiKey": None, "authorizedSince": None}


async def ed25519_key(host: Host, **form: object) -> Ed25519Signer:
    private = ed25519.Ed25519PrivateKey.generate()
    given = {"kind": "ed25519", "public_key": public_pem(private), "permissions": EVERYTHING}
    answer = await host.page("POST", "/keys", {"whitelist": "203.0.113.42", **given, **form})
    assert answer.status_code == 201, answer.text
    return Ed25519Signer(answer.json()["api_key"], private)


async def rsa_key(host: Host) -> RsaSigner:
    private = rsa.generate_private_key(65537, 2048)
    answer = await host.page("POST", "/keys", {"kind": "rsa", "public_key": public_pem(private)})
    return RsaSigner(answer.json()["api_key"], private)


@pytest.fixture
async def signer(host: Host) -> Ed25519Signer:
    return await ed25519_key(host)


def is_revocation(answer: Answer) -> bool:
    assert answer.pop("rateLimits")
    return answer == {"id": None, "status": 401, "error": {"code": -2015, "msg": REJECTED_TEXT}}


async def test_logging_on_lets_later_requests_go_without_key_and_signature(
    addresses: Addresses, host: Host, signer: Ed25519Signer, clock: ManualClock
) -> None:
    async with line(addresses) as api:
        before = (await api.ask("session.status"))["result"]
        assert before == {
            **NOT_LOGGED_ON,
            "connectedSince": int(NOW * 1000),
            "returnRateLimits": True,
            "serverTime": int(NOW * 1000),
            "userDataStream": False,
        }
        clock.now += 2
        on = (await api.ask("session.logon", signed(signer, at=clock.now)))["result"]
        assert on == {
            "apiKey": signer.api_key,
            "authorizedSince": int(NOW * 1000) + 2000,
            "connectedSince": int(NOW * 1000),
            "returnRateLimits": True,
            "serverTime": int(NOW * 1000) + 2000,
            "userDataStream": False,
        }
        account = await api.ask("account.status", {"timestamp": int(clock.now * 1000)})
        assert account["result"]["uid"] == (await host.signed(signer, at=clock.now)).json()["uid"]
        assert refusal(await api.ask("account.status")) == (400, -1102)


async def test_only_ed25519_keys_can_log_on_but_all_can_sign_a_request(addresses: Addresses, host: Host) -> None:
    async with line(addresses) as api:
        for signer, name in ((await host.hmac_key(), "HMAC_SHA256"), (await rsa_key(host), "RSA")):
            answer = await api.ask("session.logon", signed(signer))
            assert refusal(answer) == (400, -4056)
            assert answer["error"]["msg"] == f"{name} API key is not supported."
            assert (await api.ask("session.status"))["result"]["apiKey"] is None
            assert (await api.ask("account.status", signed(signer)))["status"] == 200
            assert (await api.ask("userDataStream.subscribe.signature", signed(signer)))["status"] == 200


async def test_logging_on_needs_a_signature_of_its_own_also_when_logged_on(
    addresses: Addresses, signer: Ed25519Signer
) -> None:
    forged = {**signed(signer), "signature": "AAAA"}
    async with line(addresses) as api:
        await api.log_on(signer)
        assert refusal(await api.ask("session.logon", {"timestamp": int(NOW * 1000)})) == (400, -1102)
        for method in ("session.logon", "userDataStream.subscribe.signature", "account.status"):
            assert refusal(await api.ask(method, forged)) == (400, -1022)


async def test_a_session_vouches_for_a_subscription_that_would_be_signed(
    addresses: Addresses, signer: Ed25519Signer
) -> None:
    # Binance's own SDK leaves key and signature out of every request once it is logged on.
    async with line(addresses) as api:
        await api.log_on(signer)
        answer = await api.ask("userDataStream.subscribe.signature", {"timestamp": int(NOW * 1000)})
        assert answer["result"] == {"subscriptionId": 0}
        assert (await api.ask("session.status"))["result"]["userDataStream"] is True


async def test_logging_on_again_changes_the_key(addresses: Addresses, host: Host, signer: Ed25519Signer) -> None:
    second = await ed25519_key(host)
    async with line(addresses) as api:
        await api.log_on(signer)
        await api.log_on(second)
        assert (await api.ask("session.status"))["result"]["apiKey"] == second.api_key


async def test_a_request_with_its_own_key_and_signature_is_judged_by_these(
    addresses: Addresses, host: Host, signer: Ed25519Signer, key: HmacSigner
) -> None:
    async with line(addresses) as api:
        await api.log_on(signer)
        assert (await api.ask("account.status", signed(key)))["status"] == 200
        assert refusal(await api.ask("account.status", signed(HmacSigner(key.api_key, "wrong")))) == (400, -1022)
        unsigned = {"apiKey": signer.api_key, "timestamp": int(NOW * 1000)}
        assert refusal(await api.ask("account.status", unsigned)) == (400, -1102)
        assert (await api.ask("session.status"))["result"]["apiKey"] == signer.api_key
        await host.page("DELETE", f"/keys/{key.api_key}")
        assert refusal(await api.ask("account.status", signed(key))) == (401, -2015)
        assert (await api.ask("account.status", {"timestamp": int(NOW * 1000)}))["status"] == 200


async def delete(host: Host, signer: Ed25519Signer) -> None:
    await host.page("DELETE", f"/keys/{signer.api_key}")


async def disable(host: Host, signer: Ed25519Signer) -> None:
    await host.page("POST", f"/keys/{signer.api_key}/disable")


async def take_off_the_list(host: Host, signer: Ed25519Signer) -> None:
    await host.page("PUT", f"/keys/{signer.api_key}/whitelist", {"text": "198.51.100.1"})


async def move_away(host: Host, _signer: Ed25519Signer) -> None:
    await host.page("PUT", "/nat", {"127.0.0.1": "198.51.100.9"})


async def forbid_reading(host: Host, signer: Ed25519Signer) -> None:
    await host.page("PUT", f"/keys/{signer.api_key}/permissions", {"permissions": ["enableFutures"]})


@pytest.mark.parametrize("harm", [delete, disable, take_off_the_list, move_away, forbid_reading])
@pytest.mark.parametrize("method", ["account.status", "session.status", "ping"])
async def test_a_session_whose_key_is_not_good_any_more_is_revoked_at_its_next_request(
    addresses: Addresses, host: Host, signer: Ed25519Signer, harm: object, method: str
) -> None:
    async with line(addresses) as api:
        await api.log_on(signer)
        assert callable(harm)
        await harm(host, signer)
        assert is_revocation(await api.ask(method, {"timestamp": int(NOW * 1000)}, request_id="mine"))
        assert (await api.ask("session.status", request_id="next"))["result"]["apiKey"] is None
        assert refusal(await api.ask("account.status", {"timestamp": int(NOW * 1000)})) == (400, -1102)
    last = [entry for entry in await host.log() if entry["code"] == -2015][-1]
    assert (last["api_key"], last["path"], last["status"]) == (signer.api_key, f"/ws-api/v3#{method}", 401)


async def test_a_whitelist_that_takes_its_time_revokes_when_it_counts(
    addresses: Addresses, host: Host, signer: Ed25519Signer, clock: ManualClock
) -> None:
    async with line(addresses) as api:
        await api.log_on(signer)
        await host.faults(whitelist_delay_s=30)
        await take_off_the_list(host, signer)
        assert (await api.ask("ping"))["status"] == 200
        clock.now += 30
        assert is_revocation(await api.ask("ping"))


async def test_a_connection_that_was_revoked_can_log_on_with_another_key(
    addresses: Addresses, host: Host, signer: Ed25519Signer
) -> None:
    async with line(addresses) as api:
        await api.log_on(signer)
        await delete(host, signer)
        assert is_revocation(await api.ask("ping"))
        await api.log_on(await ed25519_key(host))


async def test_two_connections_with_two_keys_know_nothing_of_each_other(
    addresses: Addresses, host: Host, signer: Ed25519Signer
) -> None:
    second = await ed25519_key(host)
    async with line(addresses) as first_line, line(addresses) as second_line:
        await first_line.log_on(signer)
        assert (await second_line.ask("session.status"))["result"]["apiKey"] is None
        await second_line.log_on(second)
        await first_line.ask("userDataStream.subscribe.signature", {"timestamp": int(NOW * 1000)})
        assert (await second_line.ask("session.status"))["result"]["userDataStream"] is False
        await delete(host, signer)
        assert is_revocation(await first_line.ask("ping"))
        assert (await second_line.ask("session.status"))["result"]["apiKey"] == second.api_key


async def test_a_key_is_let_in_from_its_own_address_only(
    addresses: Addresses, host: Host, signer: Ed25519Signer, key: HmacSigner
) -> None:
    async with line(addresses, local="127.0.0.2") as elsewhere:
        assert refusal(await elsewhere.ask("session.logon", signed(signer))) == (401, -2015)
        assert refusal(await elsewhere.ask("account.status", signed(key))) == (401, -2015)
        assert (await elsewhere.ask("session.status"))["result"]["apiKey"] is None
    assert {entry["ip"] for entry in await host.log()} == {"203.0.113.77"}


async def test_subscriptions_are_numbered(addresses: Addresses, signer: Ed25519Signer) -> None:
    async with line(addresses) as api:
        for number in range(2):
            own = await api.ask("userDataStream.subscribe.signature", signed(signer))
            assert own["result"] == {"subscriptionId": number}


async def test_a_key_that_may_not_read_gets_no_session_and_no_data(addresses: Addresses, host: Host) -> None:
    mute = await ed25519_key(host, permissions=["enableFutures"])
    async with line(addresses) as api:
        for method in ("session.logon", "account.status", "userDataStream.subscribe.signature"):
            assert refusal(await api.ask(method, signed(mute))) == (401, -2015)


async def test_fifty_connections_at_once_are_each_answered_with_their_own(addresses: Addresses, host: Host) -> None:
    signers = [await ed25519_key(host) for _ in range(50)]

    async def play(api: Line, signer: Ed25519Signer, number: int) -> None:
        await api.log_on(signer)
        for _ in range(5):
            status = await api.ask("session.status", request_id=number)
            assert (status["id"], status["result"]["apiKey"]) == (number, signer.api_key)

    async with asyncio.timeout(60), AsyncExitStack() as stack:
        lines = await asyncio.gather(*(stack.enter_async_context(line(addresses)) for _ in signers))
        await asyncio.gather(*(play(*each, number) for number, each in enumerate(zip(lines, signers, strict=True))))
    assert {entry["code"] for entry in await host.log()} == {0}


async def test_rest_and_websocket_are_written_to_one_log(
    addresses: Addresses, host: Host, key: HmacSigner, signer: Ed25519Signer
) -> None:
    async with line(addresses) as api:
        await host.signed(key)
        await api.ask("v3/account.status", signed(key))
        await api.log_on(signer)
        await api.ask("account.status", {"timestamp": int(NOW * 1000)})
        await api.ask("session.status")
    assert [(entry["path"], entry["api_key"], entry["code"]) for entry in await host.log()] == [
        (ACCOUNT, key.api_key, 0),
        ("/ws-api/v3#account.status", key.api_key, 0),
        ("/ws-api/v3#session.logon", signer.api_key, 0),
        ("/ws-api/v3#account.status", signer.api_key, 0),
    ]
