from __future__ import annotations

import pytest
from embedded_client import NOW, HmacSigner, Host, refusal


async def test_each_echo_service_tells_the_public_address(host: Host) -> None:
    plain, json, trace = [await host.get(f"/echo/{shape}") for shape in ("plain", "json", "trace")]
    assert (plain.text, plain.headers["content-type"]) == ("203.0.113.42\n", "text/plain; charset=utf-8")
    assert (json.json(), json.headers["content-type"]) == ({"ip": "203.0.113.42"}, "application/json")
    fields = dict(line.split("=", 1) for line in trace.text.splitlines())
    assert (fields["h"], fields["ip"], fields["warp"]) == ("127.0.0.1", "203.0.113.42", "off")
    assert fields["ts"] == f"{NOW:.3f}"


async def test_the_trace_says_that_warp_is_on_where_it_is_asked_to(host: Host) -> None:
    await host.faults(warp=True)
    assert "\nwarp=on\n" in (await host.get("/echo/trace")).text
    await host.faults()
    assert "\nwarp=off\n" in (await host.get("/echo/trace")).text


async def test_the_trace_names_the_host_that_was_asked_for(host: Host) -> None:
    trace = await host.get("/echo/trace", Host="trace.example:8443")
    assert "\nh=trace.example\n" in trace.text


async def test_another_loopback_address_is_another_host(other_host: Host) -> None:
    assert (await other_host.get("/echo/plain")).text == "203.0.113.77\n"


async def test_an_address_that_is_not_in_the_table_is_seen_as_itself(unlisted_host: Host) -> None:
    assert (await unlisted_host.get("/echo/plain")).text == "127.0.0.3\n"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
async def test_headers_do_not_move_a_caller(host: Host, header: str) -> None:
    elsewhere = await host.hmac_key(whitelist="198.51.100.9")
    host.client.headers[header] = "for=198.51.100.9" if header == "Forwarded" else "198.51.100.9"
    assert (await host.get("/echo/plain")).text == "203.0.113.42\n"
    assert refusal(await host.signed(elsewhere)) == (401, -2015)


async def test_a_new_table_replaces_the_old_one_at_once(host: Host, other_host: Host, key: HmacSigner) -> None:
    answer = await host.page("PUT", "/nat", {"127.0.0.2": "203.0.113.42"})
    assert answer.json() == {"127.0.0.2": "203.0.113.42"}
    assert (await other_host.signed(key)).status_code == 200
    assert (await host.get("/echo/plain")).text == "127.0.0.1\n"
    assert refusal(await host.signed(key)) == (401, -2015)


async def test_a_caller_over_ipv6_is_on_no_list(host: Host, key: HmacSigner) -> None:
    await host.page("PUT", "/nat", {"127.0.0.1": "2001:db8::1"})
    assert refusal(await host.signed(key)) == (401, -2015)


@pytest.mark.parametrize("table", [{"127.0.0.1": "nowhere"}, {"127.0.0.1": 1}, {"here": "203.0.113.1"}, []])
async def test_a_table_that_makes_no_sense_changes_nothing(host: Host, table: object) -> None:
    assert (await host.page("PUT", "/nat", table)).status_code == 400
    assert (await host.get("/echo/plain")).text == "203.0.113.42\n"
