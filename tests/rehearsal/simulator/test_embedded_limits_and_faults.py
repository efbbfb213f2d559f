from __future__ import annotations

import asyncio

import pytest
from embedded_client import ACCOUNT, NOW, HmacSigner, Host, ManualClock, refusal

from wizard.rehearsal.simulator import EmbeddedExchange

USED = "X-MBX-USED-WEIGHT-1M"
BASE_URLS = "/api/v3/ping"


async def use_up(host: Host) -> None:
    for _ in range(300):
        assert (await host.get("/api/v3/exchangeInfo")).status_code == 200


async def test_every_answer_tells_the_weight_that_the_address_used(host: Host, other_host: Host) -> None:
    assert (await host.get(BASE_URLS)).headers[USED] == "1"
    assert (await host.get("/api/v3/exchangeInfo")).headers[USED] == "21"
    assert (await host.raw("GET", ACCOUNT, "short", "")).headers[USED] == "41"
    assert (await host.get("/fapi/v1/time")).headers[USED] == "42"
    assert (await other_host.get(BASE_URLS)).headers[USED] == "1"


async def test_the_weight_starts_again_with_the_minute(host: Host, clock: ManualClock) -> None:
    await host.get("/api/v3/exchangeInfo")
    clock.now = NOW - NOW % 60 + 60
    assert (await host.get(BASE_URLS)).headers[USED] == "1"


async def test_6000_a_minute_are_served_and_not_one_more(
    host: Host, other_host: Host, key: HmacSigner, clock: ManualClock
) -> None:
    await use_up(host)
    answer = await host.signed(key)
    assert refusal(answer) == (429, -1003)
    assert answer.headers["Retry-After"] == str(60 - round(NOW) % 60)
    assert (await host.log())[-1]["code"] == -1003
    assert (await other_host.get(BASE_URLS)).status_code == 200
    clock.now = NOW + int(answer.headers["Retry-After"])
    assert (await host.signed(key, at=clock.now)).status_code == 200


async def test_the_simulated_page_and_the_echo_services_weigh_nothing(host: Host) -> None:
    await host.page("GET", "/keys")
    await host.get("/echo/plain")
    assert (await host.get(BASE_URLS)).headers[USED] == "1"


async def test_canned_answers_come_as_often_as_asked_and_only_on_their_path(host: Host, key: HmacSigner) -> None:
    page = {"path": ACCOUNT, "times": 2, "status": 403, "body": "<html>no</html>"}
    busy = {"path": ACCOUNT, "status": 429, "body": {"code": -1003, "msg": "slow"}, "headers": {"Retry-After": "7"}}
    await host.faults(answers=[page, busy])
    assert (await host.get("/api/v3/time")).status_code == 200
    for _ in range(2):
        answer = await host.signed(key)
        assert (answer.status_code, answer.text) == (403, "<html>no</html>")
        assert answer.headers["content-type"].startswith("text/html")
    limited = await host.signed(key)
    assert (refusal(limited), limited.headers["Retry-After"]) == ((429, -1003), "7")
    assert (await host.signed(key)).status_code == 200
    assert [entry["status"] for entry in await host.log()] == [200]


async def test_an_echo_service_can_be_made_to_lie(host: Host) -> None:
    await host.faults(answers=[{"path": "/echo/plain", "status": 200, "body": "198.51.100.9\n"}])
    assert (await host.get("/echo/plain")).text == "198.51.100.9\n"
    assert (await host.get("/echo/plain")).text == "203.0.113.42\n"


async def test_an_empty_form_repairs_everything(host: Host) -> None:
    await host.faults(clock_offset_ms=5000, answers=[{"path": BASE_URLS}])
    await host.faults()
    assert (await host.get(BASE_URLS)).status_code == 200
    assert (await host.get("/api/v3/time")).json() == {"serverTime": int(NOW * 1000)}


async def test_latency_holds_answers_back_but_never_the_simulated_page(host: Host) -> None:
    await host.faults(latency_ms=3_600_000)
    slow = asyncio.create_task(host.get(BASE_URLS))
    assert (await host.page("GET", "/keys")).status_code == 200
    assert not slow.done()
    slow.cancel()
    await asyncio.wait([slow])
    await host.faults(latency_ms=1)
    assert (await host.get(BASE_URLS)).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"latency": 5},
        {"latency_ms": "5"},
        {"latency_ms": -1},
        {"latency_ms": True},
        {"clock_offset_ms": None},
        {"answers": {}},
        {"answers": [{"path": "ping"}]},
        {"answers": [{"path": "/desk/keys"}]},
        {"answers": [{"path": BASE_URLS, "times": 0}]},
        {"answers": [{"path": BASE_URLS, "status": 99}]},
        {"answers": [{"path": BASE_URLS, "statuss": 500}]},
        {"answers": [{"path": BASE_URLS, "body": "\ud800"}]},
        {"answers": [{"path": BASE_URLS, "body": {"x": ["\udfff"]}}]},
        {"answers": [{"path": BASE_URLS, "headers": {"X-Why": "a\r\nSet-Cookie: b"}}]},
        {"answers": [{"path": BASE_URLS, "headers": {"X Why": "a"}}]},
        {"answers": [{"path": BASE_URLS, "headers": {"X-Why": "ä"}}]},
        {"latency_ms": 3_600_001},
        {"clock_offset_ms": 10**12},
        {"whitelist_delay_s": 10**9},
        {"warp": "on"},
        {"trading_until": 10**13},
        {"sub_accounts": []},
        {"sub_accounts": {"restriction_adds": "yes"}},
        {"sub_accounts": {"key_after_s": -1}},
        {"sub_accounts": {"max_keys": True}},
        {"sub_accounts": {"last_address": "lost"}},
        {"sub_accounts": {"masked": True}},
        {"answers": [{"path": BASE_URLS, "method": 1}]},
        {"answers": [{"path": BASE_URLS, "skip": -1}]},
        {"answers": [{"path": BASE_URLS, "carried_out": 3}]},
        {"answers": [{"path": BASE_URLS, "sends": "result"}]},
        {"answers": [{"path": BASE_URLS, "sends": ["nothing"]}]},
    ],
)
async def test_faults_that_make_no_sense_are_refused(host: Host, form: object) -> None:
    assert (await host.page("PUT", "/faults", form)).status_code == 400


async def test_what_can_be_wrong_is_named_when_something_else_is_asked_for(host: Host) -> None:
    refused = await host.page("PUT", "/faults", {"latency": 5})
    assert refused.json()["msg"] == (
        "There is no such field: latency."
        " There are: latency_ms, clock_offset_ms, whitelist_delay_s, answers, warp, trading_until, sub_accounts"
    )


@pytest.mark.parametrize("body", ["[" * 100_000, '{"answers": [{"path": "/x", "body": NaN}]}', "{", "[]", "\xff"])
async def test_a_body_that_cannot_be_read_or_sent_back_is_refused(host: Host, body: str) -> None:
    assert (await host.client.put("/desk/faults", content=body.encode("latin-1"))).status_code == 400


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_a_web_page_does_not_get_to_the_simulated_page(host: Host, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/desk/log"), ("GET", "/desk/keys"), ("DELETE", "/desk/keys/" + "A" * 64)):
        assert (await host.client.request(method, path, headers=headers)).status_code == 403


async def test_planted_answers_tell_the_used_weight_too(host: Host) -> None:
    await host.faults(answers=[{"path": BASE_URLS, "status": 503}])
    assert (await host.get(BASE_URLS)).headers[USED] == "0"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_numbers_without_a_size_are_refused(host: Host, number: str) -> None:
    answer = await host.client.put("/desk/faults", content=f'{{"latency_ms": {number}}}')
    assert answer.status_code == 400


async def test_a_defect_of_the_exchange_is_told_as_the_documented_error(
    host: Host, exchange: EmbeddedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(exchange.state, "nat")
    answer = await host.get(BASE_URLS)
    assert refusal(answer) == (500, -1000)
