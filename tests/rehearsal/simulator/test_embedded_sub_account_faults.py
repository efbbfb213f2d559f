"""What Binance leaves unknown of sub-accounts' keys, and lost, late, repeated and refused calls."""

from __future__ import annotations

import httpx
import pytest
from conftest import machine
from embedded_client import RESTRICTIONS, Host, ManualClock, refusal
from embedded_sub_accounts import (
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

from wizard.rehearsal.scenarios import SCENARIOS
from wizard.rehearsal.simulator import EmbeddedExchange, serve

LOOPBACK = "127.0.0.1"
NEXT = "203.0.113.77"
CREATION = {"apiName": "rotated", "status": 2, "ipAddress": LISTED}


@pytest.fixture
async def master(host: Host, clock: ManualClock) -> Master:
    await open_account(host)
    return await master_of(host, clock)


async def switch(host: Host, **switches: object) -> None:
    await host.faults(sub_accounts=switches)


async def plant(host: Host, *answers: dict[str, object]) -> None:
    await host.faults(answers=answers)


@pytest.mark.parametrize(("adds", "left"), [(True, [LISTED, NEXT]), (False, [NEXT])])
async def test_a_change_of_the_list_adds_or_replaces(adds: bool, left: list[str], host: Host, master: Master) -> None:
    key = await master.hmac_key()
    await switch(host, restriction_adds=adds)
    named = {"subAccountApiKey": key.api_key}
    assert (await master.done("POST", RESTRICT, **named, status=2, ipAddress=NEXT))["ipList"] == left
    assert (await master.done("GET", RESTRICTION, **named))["ipList"] == left


@pytest.mark.parametrize(
    ("effect", "restricted", "here", "elsewhere"), [("open", "false", 200, 200), ("closed", "true", 401, 401)]
)
async def test_without_its_last_address_a_key_is_open_or_closed_to_all(
    effect: str, restricted: str, here: int, elsewhere: int, host: Host, unlisted_host: Host, master: Master
) -> None:
    key = await master.hmac_key()
    await switch(host, last_address=effect)
    answer = await master.done("DELETE", REMOVE, subAccountApiKey=key.api_key, ipAddress=LISTED)
    assert (answer["ipRestrict"], answer["ipList"]) == (restricted, [])
    assert ((await host.signed(key)).status_code, (await unlisted_host.signed(key)).status_code) == (here, elsewhere)


async def test_a_key_its_row_and_its_list_are_seen_later(host: Host, master: Master, clock: ManualClock) -> None:
    await switch(host, key_after_s=10, row_after_s=20, restriction_after_s=30)
    key = await master.hmac_key()
    named, start = {"subAccountApiKey": key.api_key}, clock.now
    seen = []
    for seconds in (9.9, 10, 19.9, 20, 29.9, 30):
        clock.now = start + seconds
        works = (await host.signed(key, RESTRICTIONS, at=clock.now)).status_code == 200
        shown = (await master.done("GET", RESTRICTION, **named))["ipList"]
        seen.append((works, len(await master.rows()), shown))
    assert seen == [
        (False, 0, []),
        *[(True, 0, [])] * 2,
        *[(True, 1, [])] * 2,
        (True, 1, [LISTED]),
    ]
    clock.now = start
    assert refusal(await host.signed(key, RESTRICTIONS)) == (400, -2008)


async def test_a_changed_list_counts_before_it_is_shown(
    host: Host, other_host: Host, master: Master, clock: ManualClock
) -> None:
    key = await master.hmac_key()
    await switch(host, restriction_after_s=30)
    await master.done("POST", RESTRICT, subAccountApiKey=key.api_key, status=2, ipAddress=NEXT)
    assert (await other_host.signed(key)).status_code == 200
    for seconds, shown in ((0, LISTED), (30, NEXT)):
        clock.now += seconds
        assert (await master.done("GET", RESTRICTION, subAccountApiKey=key.api_key))["ipList"] == [shown]


async def test_a_deleted_key_may_work_on_for_a_while_unlisted(host: Host, master: Master, clock: ManualClock) -> None:
    key = await master.hmac_key()
    await switch(host, delete_after_s=5)
    named = {"subAccountApiKey": key.api_key}
    assert await master.done("DELETE", KEYS, **named) == {}
    assert await master.rows() == []
    assert await master.refused("DELETE", KEYS, **named) == SUB_ACCOUNT_REFUSAL
    assert (await host.signed(key)).status_code == 200
    clock.now += 5
    assert refusal(await host.signed(key, RESTRICTIONS, at=clock.now)) == (400, -2008)
    assert key.api_key not in (await host.page("GET", "/keys")).text


async def test_rows_are_masked_named_otherwise_and_have_unknown_fields(host: Host, master: Master) -> None:
    key = await master.hmac_key()
    await switch(host, masks_rows=True, rows_named_list=True, unknown_fields=True)
    answer = await master.done("GET", KEYS)
    assert "rows" not in answer
    (row,) = answer["list"]
    assert row["apikey"] == f"{key.api_key[:3]}***"
    assert row["notDocumented"] == answer["notDocumented"] == 1
    assert await master.done("DELETE", KEYS, subAccountApiKey=key.api_key) == {"notDocumented": 1}


async def test_the_limit_of_keys_is_reached_and_a_deletion_makes_room(host: Host, master: Master) -> None:
    await switch(host, max_keys=1)
    key = await master.hmac_key()
    assert await master.refused("POST", KEYS_V2, **CREATION) == SUB_ACCOUNT_REFUSAL
    await master.done("DELETE", KEYS, subAccountApiKey=key.api_key)
    await master.create()


async def test_the_master_or_its_country_may_be_refused(host: Host, master: Master) -> None:
    key = await master.hmac_key()
    named = {"subAccountApiKey": key.api_key}
    await switch(host, refuses_kyc=True)
    for method, path, form in (("POST", KEYS_V2, CREATION), ("POST", PERMISSION, named), ("DELETE", KEYS, named)):
        assert await master.refused(method, path, **form) == SUB_ACCOUNT_REFUSAL
    assert len(await master.rows()) == 1
    await master.done("POST", RESTRICT, **named, status=2, ipAddress=LISTED)
    await switch(host, refuses_master=True)
    for method, path, form in (("POST", KEYS_V2, CREATION), ("GET", KEYS, {}), ("GET", LIST, {})):
        assert await master.refused(method, path, **form) == (400, -2015)
    assert (await host.signed(master.signer)).status_code == 200


@pytest.mark.parametrize(("carried_out", "made", "logged"), [(0, 0, [0]), (1, 1, [200]), (2, 2, [200, 200])])
async def test_an_answer_is_lost_before_or_after_the_effect(
    carried_out: int, made: int, logged: list[int], host: Host, master: Master
) -> None:
    await plant(host, {"path": KEYS_V2, "carried_out": carried_out, "sends": "nothing"})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await master.call("POST", KEYS_V2, **CREATION)
    assert (len(await master.rows()), await master.attempts("POST")) == (made, logged)


async def test_a_request_that_is_carried_out_twice_is_answered_once(host: Host, master: Master) -> None:
    await plant(host, {"path": KEYS_V2, "carried_out": 2, "sends": "result"})
    made = await master.create()
    rows = await master.rows()
    assert [row["apiName"] for row in rows] == ["rotated", "rotated"]
    assert rows[0]["apikey"] == made["apiKey"]


@pytest.mark.parametrize("carried_out", [0, 1])
async def test_a_call_is_never_answered_and_the_others_are(carried_out: int, host: Host, master: Master) -> None:
    await plant(host, {"path": KEYS_V2, "carried_out": carried_out, "sends": "silence"})
    host.client.timeout = httpx.Timeout(30, read=0.5)
    with pytest.raises(httpx.ReadTimeout):
        await master.call("POST", KEYS_V2, **CREATION)
    host.client.timeout = httpx.Timeout(30)
    assert (len(await master.rows()), await master.attempts("POST")) == (carried_out, [carried_out * 200])
    await master.create()


async def test_the_method_and_the_number_of_a_call_decide_which_one_meets_it(host: Host, master: Master) -> None:
    busy = {"code": -1003, "msg": "slow"}
    limited = {
        "path": KEYS,
        "method": "DELETE",
        "skip": 1,
        "status": 429,
        "body": busy,
        "headers": {"Retry-After": "7"},
    }
    broken = {"path": KEYS, "method": "DELETE", "status": 503, "carried_out": 1}
    await plant(host, limited, broken)
    first, second, third = [await master.hmac_key() for _ in range(3)]
    assert len(await master.rows()) == 3
    answer = await master.call("DELETE", KEYS, subAccountApiKey=first.api_key)
    assert answer.status_code == 503
    answer = await master.call("DELETE", KEYS, subAccountApiKey=second.api_key)
    assert (refusal(answer), answer.headers["Retry-After"]) == ((429, -1003), "7")
    assert [row["apikey"] for row in await master.rows()] == [second.api_key, third.api_key]
    assert await master.attempts("DELETE", KEYS) == [200, 429]
    codes = [entry["code"] for entry in await host.log() if entry["method"] == "DELETE"]
    assert codes == [0, -1003]


async def test_the_drill_of_a_lost_answer_loses_one_and_makes_the_key(clock: ManualClock) -> None:
    exchange = EmbeddedExchange(clock=clock, seed=1, scenario=SCENARIOS["answer-lost"])
    async with serve(exchange) as addresses, machine(addresses, LOOPBACK) as host:
        await open_account(host)
        master = await master_of(host, clock)
        with pytest.raises(httpx.RemoteProtocolError):
            await master.call("POST", KEYS_V2, **CREATION)
        assert [row["apiName"] for row in await master.rows()] == ["rotated"]
        await master.create()


async def test_the_drill_of_a_refused_master_lets_the_keys_of_the_account_work(clock: ManualClock) -> None:
    exchange = EmbeddedExchange(clock=clock, seed=1, scenario=SCENARIOS["master-refused"])
    async with serve(exchange) as addresses, machine(addresses, LOOPBACK) as host:
        await open_account(host)
        master = await master_of(host, clock)
        key = await host.hmac_key(account="bot+1@example.com", whitelist=LISTED)
        assert await master.refused("GET", LIST) == (400, -2015)
        assert (await host.signed(key)).status_code == 200


@pytest.mark.parametrize("name", ["answer-lost", "master-refused"])
def test_each_drill_says_what_happens_and_the_way_out(name: str) -> None:
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert all(sentence.endswith(".") for sentence in scenario.sentences)
