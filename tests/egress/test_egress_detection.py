"""Detection against echo services on loopback: every mood that the real ones have shown."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import ssl
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
import trustme

from wizard.core.rules import Rules
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.egress import detection
from wizard.egress.agreement import EgressState
from wizard.egress.detection import EgressReport, ask, detect, time_out
from wizard.egress.services import EchoService, Parser
from wizard.net.route import Route, decide_route
from wizard.net.trace import Trace

A, B = "203.0.113.42", "198.51.100.7"
DIRECT = Route("direct", "a test")
SITE = Site("binance.com", "https://api.binance.com", "")
PATIENT = 60.0


def proxied(port: int) -> Route:
    return decide_route(Environment("production", SITE), {"HTTPS_PROXY": f"http://127.0.0.1:{port}"})


def refusals(report: EgressReport) -> dict[str, str]:
    return {sample.service.name: sample.refusal for sample in report.samples}


async def detected(services, rules, route=DIRECT, deadline=PATIENT, **options) -> EgressReport:
    return await detect(services, route, rules=rules, deadline=deadline, **options)


async def test_two_operators_that_agree_settle_the_address(town, rules):
    plain = await town.operator("amazon", f"{A}\n")
    json = await town.operator("ipify", f'{{"ip":"{A}"}}', parser=Parser.JSON)

    report = await detected([plain, json], rules)

    assert report.verdict.state is EgressState.AGREED
    assert report.sentence() in {
        f"The address is {A}. Amazon and Ipify agree.",
        f"The address is {A}. Ipify and Amazon agree.",
    }
    assert report.unfinished == ()


async def test_three_silent_services_do_not_hold_up_two_that_agree(town, rules):
    silent = [await town.silent_operator(f"silent{number}") for number in range(3)]
    good = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected([*silent, *good], rules)

    assert report.verdict.state is EgressState.AGREED
    assert list(report.unfinished) == silent


async def test_whether_warp_is_on_is_waited_for_although_two_agree(town, rules):
    """The service that can say it answers only when the two that agree were heard."""
    two = asyncio.Event()
    heard = []

    def listen(sample):
        heard.append(sample)
        if len(heard) == 2:
            two.set()

    silent = await town.silent_operator("silent")
    trace = replace(await _after(town, two, "trace", f"h=127.0.0.1\nip={A}\nwarp=plus\n"), parser=Parser.TRACE)
    good = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected([trace, silent, *good], rules, on_sample=listen)

    assert report.verdict.state is EgressState.SHARED
    assert report.verdict.proposed == ()
    assert report.verdict.operators[IPv4Address(A)] in {("Amazon", "Ipify"), ("Ipify", "Amazon")}
    assert report.unfinished == (silent,)


async def test_a_service_that_could_say_it_and_never_answers_costs_its_own_deadline(town, rules):
    trace = replace(await town.silent_operator("trace"), parser=Parser.TRACE)
    good = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected([trace, *good], rules, deadline=1.0)

    assert report.verdict.state is EgressState.AGREED
    assert refusals(report)["trace"] == "connected, but no answer within 0.9 s"


async def test_every_kind_of_bad_answer_is_refused_with_its_reason(town, rules):
    trace = f"h=127.0.0.1\nip={A}\nwarp=on\n"
    bad = {
        "ipv6": await town.operator("ipv6", "2001:db8::5\n"),
        "portal": await town.operator("portal", "<!DOCTYPE html><title>Just a moment...</title>"),
        "redirect": await town.operator("redirect", status=302, headers="location: http://login.hotel/\r\n"),
        "astray": await town.operator("astray", status=302, headers="location: http://login.hotel:port/\r\n"),
        "limited": await town.operator("limited", '{"status":429}', status=429),
        "private": await town.operator("private", "10.0.0.1"),
        "cgnat": await town.operator("cgnat", "100.64.1.2"),
        "list": await town.operator("list", f"{A}, 10.0.0.2"),
        "huge": await town.operator("huge", "9" * 100_000),
        "warp": await town.operator("warp", trace, parser=Parser.TRACE),
        "zipped": await town.operator("zipped", gzip.compress(A.encode()), headers="content-encoding: gzip\r\n"),
        "dead": town.service("dead", town.dead_port()),
    }

    report = await detected(list(bad.values()), rules)

    said = refusals(report)
    assert report.verdict.addresses == ()
    assert {name: word in said[name] for name, word in EXPECTED.items()} == dict.fromkeys(bad, True), said


EXPECTED = {
    "ipv6": "IPv6",
    "portal": "web page",
    "redirect": "redirected to http://login.hotel/",
    "astray": "redirected to http://login.hotel:port/",
    "limited": "rate-limited",
    "private": "private LAN",
    "cgnat": "carrier-grade NAT",
    "list": "several",
    "huge": "more than 4096 bytes",
    "warp": "WARP",
    "zipped": "not text",
    "dead": "no connection: Connection refused",
}


async def test_bad_services_do_not_spoil_an_agreement(town, rules):
    services = [
        await town.operator("portal", "<html>"),
        town.service("dead", town.dead_port()),
        await town.operator("amazon", A),
        await town.operator("ipify", A),
    ]

    assert (await detected(services, rules)).verdict.state is EgressState.AGREED


async def test_one_operator_that_differs_is_a_dissent(town, rules):
    """The dissenter is heard first: the others answer only once it has."""
    heard = asyncio.Event()
    liar = await town.operator("liar", B)
    good = [await _after(town, heard, name, A) for name in ("amazon", "ipify")]

    report = await detected([liar, *good], rules, on_sample=lambda _: heard.set())

    assert report.verdict.state is EgressState.AGREED_WITH_DISSENT
    assert f"but Liar saw {B}" in report.sentence()


async def test_after_a_dissent_everybody_is_heard(town, rules):
    first, three = asyncio.Event(), asyncio.Event()
    heard = []

    def listen(sample):
        heard.append(sample)
        first.set()
        if len(heard) == 3:
            three.set()

    liar = await town.operator("liar", B)
    good = [await _after(town, first, name, A) for name in ("amazon", "ipify")]
    straggler = await _after(town, three, "straggler", B)

    report = await detected([liar, *good, straggler], rules, on_sample=listen)

    assert report.verdict.state is EgressState.SPLIT
    assert len(report.samples) == 4


async def _after(town, heard: asyncio.Event, name: str, body: str) -> EchoService:
    async def reply(_, __, writer):
        await heard.wait()
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())

    return town.service(name, await town.serve(reply))


async def test_two_addresses_of_one_operator_are_a_pool(town, rules):
    turn = itertools.cycle([A, B])
    services = [await town.operator(name, lambda: next(turn), run_by="Cloudflare") for name in ("plain", "trace")]

    report = await detected(services, rules)

    assert report.verdict.state is EgressState.POOL
    assert "There may be more" in report.sentence()


async def test_operators_that_disagree_are_a_split(town, rules):
    services = [await town.operator("amazon", A), await town.operator("ipify", B)]

    report = await detected(services, rules)

    assert report.verdict.state is EgressState.SPLIT
    assert "Amazon saw 203.0.113.42" in report.sentence()
    assert "Ipify saw 198.51.100.7" in report.sentence()


async def test_one_answer_is_not_enough(town, rules):
    services = [await town.operator("amazon", A), town.service("dead", town.dead_port())]

    report = await detected(services, rules)

    assert report.verdict.state is EgressState.SINGLE
    assert "Only Amazon answered" in report.sentence()


async def test_a_documentation_address_is_refused_outside_a_rehearsal(town):
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected(services, Rules())

    assert report.verdict.state is EgressState.UNKNOWN
    assert "documentation" in report.sentence()


async def test_without_services_nothing_is_known(rules):
    assert (await detected([], rules)).verdict.state is EgressState.UNKNOWN


async def test_services_that_never_answer_say_so_before_the_deadline(town, rules):
    silent = [await town.silent_operator(f"silent{number}") for number in range(6)]

    report = await detected(silent, rules, deadline=0.5)

    assert report.verdict.state is EgressState.UNKNOWN
    assert report.sentence().endswith("All failed for the same reason: connected, but no answer within 0.45 s.")


async def test_the_deadline_holds_for_questions_that_overrun(town, rules, monkeypatch):
    good = await town.operator("amazon", A)
    stuck = town.service("stuck", town.dead_port())

    async def overrun(service, *arguments, **named):
        if service is stuck:
            await asyncio.Event().wait()
        return await ask(service, *arguments, **named)

    monkeypatch.setattr(detection, "ask", overrun)
    report = await detected([stuck, good], rules, deadline=0.5)

    assert report.verdict.state is EgressState.SINGLE
    assert report.unfinished == (stuck,)


async def test_each_sample_is_told_as_it_comes_in(town, rules):
    told = []
    services = [await town.operator("amazon", A), await town.operator("portal", "<html>")]

    report = await detected(services, rules, on_sample=told.append)

    assert tuple(told) == report.samples
    assert {sample.service.name for sample in told} == {"amazon", "portal"}


async def test_cancelling_leaves_no_question_behind(town, rules):
    begun = asyncio.Event()

    async def wait(_, __, ___):
        begun.set()
        await town.over.wait()

    silent = town.service("silent", await town.serve(wait))
    before = asyncio.all_tasks()
    running = asyncio.create_task(detected([silent], rules))
    await begun.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert running.done()
    ours = {task for task in asyncio.all_tasks() - before if "ask" in repr(task.get_coro())}
    assert ours == set()


async def test_a_listener_that_fails_leaves_no_question_behind(town, rules):
    silent = await town.silent_operator("silent")
    good = await town.operator("amazon", A)

    def fail(_):
        raise RuntimeError("the screen is gone")

    with pytest.raises(RuntimeError, match="the screen is gone"):
        await detected([silent, good], rules, on_sample=fail)

    assert not [task for task in asyncio.all_tasks() if "ask" in repr(task.get_coro())]


async def test_every_service_is_asked_on_a_connection_of_its_own_from_the_bound_address(town, rules):
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]
    route = Route("direct from 127.0.0.2", "a test", "127.0.0.2")

    await detected(services, rules, route)

    assert {address for address, _ in town.callers} == {"127.0.0.2"}
    assert len(town.callers) == 2


async def test_an_address_that_this_host_does_not_have_is_named(town, rules):
    service = await town.operator("amazon", A)
    route = Route("direct from 192.0.2.77", "a test", "192.0.2.77")

    report = await detected([service], rules, route)

    assert "this host has no address 192.0.2.77" in report.sentence()


async def test_services_are_asked_through_the_proxy(town, proxy, rules):
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected(services, rules, proxied(proxy.port))

    assert report.verdict.state is EgressState.AGREED
    assert report.route.shown == f"proxy http://127.0.0.1:{proxy.port}"
    assert {head.split(" ")[1] for head in proxy.heads} == {service.url for service in services}


async def test_a_dead_proxy_is_the_proxys_fault(town, rules):
    port = town.dead_port()
    services = [await town.operator(name, A) for name in ("amazon", "ipify")]

    report = await detected(services, rules, proxied(port))

    assert f"the proxy http://127.0.0.1:{port} cannot be reached" in report.sentence()


async def test_a_proxy_that_refuses_is_the_proxys_fault(town, rules):
    async def forbid(_, __, writer):
        writer.write(b"HTTP/1.1 403 Not for you\r\ncontent-length: 0\r\n\r\n")

    port = await town.serve(forbid)
    secure = EchoService("amazon", "Amazon", "https://checkip.example/", Parser.PLAIN)

    report = await detected([secure], rules, proxied(port))

    assert f"the proxy http://127.0.0.1:{port} refused: 403 Not for you" in report.sentence()


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(town, rules):
    port = await _tls_operator(town, trustme.CA())

    report = await detected([_secure(port)], rules)

    assert "no TLS connection (unable to get local issuer certificate)" in report.sentence()


async def test_a_trusted_authority_makes_the_answer_count(town, rules, monkeypatch):
    authority = trustme.CA()
    port = await _tls_operator(town, authority)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    monkeypatch.setattr(detection, "public_roots", lambda: trusting)
    report = await detected([_secure(port)], rules)

    assert report.verdict.state is EgressState.SINGLE


async def test_plain_http_on_the_tls_port_is_suspected_to_be_a_portal(town, rules):
    async def portal(_, __, writer):
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://login.hotel/\r\n\r\n")

    port = await town.serve(portal, until=b"\x16")

    report = await detected([_secure(port)], rules)

    assert "no TLS connection" in report.sentence()


async def test_an_endless_answer_is_cut_off(town, rules):
    hung_up = asyncio.Event()

    async def endless(_, __, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"9" * 1000)
                await writer.drain()
        finally:
            hung_up.set()

    report = await detected([town.service("endless", await town.serve(endless))], rules)

    assert "more than 4096 bytes" in report.sentence()
    await asyncio.wait_for(hung_up.wait(), PATIENT)


async def test_a_server_that_hangs_up_gave_no_answer(town, rules):
    async def hang_up(_, __, writer):
        writer.close()

    service = town.service("amazon", await town.serve(hang_up))

    assert "closed without a valid HTTP answer" in (await detected([service], rules)).sentence()


async def test_a_name_that_does_not_resolve_is_said_so(rules):
    service = EchoService("amazon", "Amazon", "https://" + "x" * 70 + ".invalid/", Parser.PLAIN)

    report = await detected([service], rules)

    assert report.verdict.state is EgressState.UNKNOWN
    assert report.samples[0].refusal


async def test_a_sample_tells_how_long_it_took(town, rules):
    ticks = iter([10.0, 10.25])
    service = await town.operator("amazon", A)

    sample = await ask(service, DIRECT, rules=rules, timeout=PATIENT, timer=lambda: next(ticks))

    assert sample.milliseconds == 250.0


async def _tls_operator(town, authority: trustme.CA) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def reply(_, __, writer):
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(A)}\r\n\r\n{A}".encode())

    return await town.serve(reply, tls=context)


def _secure(port: int) -> EchoService:
    return EchoService("amazon", "Amazon", f"https://localhost:{port}/", Parser.PLAIN)


async def test_a_question_cancelled_in_its_tls_handshake_closes_its_connection(town, rules):
    hello, hung_up = asyncio.Event(), asyncio.Event()

    async def never_shake_hands(_, reader, __):
        hello.set()
        await reader.read()
        hung_up.set()

    port = await town.serve(never_shake_hands, until=b"\x16")
    running = asyncio.create_task(detected([_secure(port)], rules))
    await hello.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    await asyncio.wait_for(hung_up.wait(), PATIENT)


async def test_a_handshake_that_never_ends_is_told_from_a_server_that_cannot_be_reached(town, rules):
    silent = await town.serve(lambda *_: town.over.wait(), until=b"\x16")

    report = await detected([_secure(silent)], rules, deadline=2)

    assert "no TLS handshake within 1.8 s" in report.sentence()


@pytest.mark.parametrize("begun", ["", "connection.connect_tcp", "socks.connect_tcp"])
async def test_a_connection_that_never_comes_about_is_blamed_on_the_proxy_where_there_is_one(begun):
    for route, whom in ((DIRECT, "server"), (proxied(3128), "proxy http://127.0.0.1:3128")):
        trace = Trace(proxied=route is not DIRECT)
        if begun:
            await trace(f"{begun}.started", {})
        assert time_out(trace, route, 5.4) == f"no connection to the {whom} within 5.4 s"


async def test_details_tell_each_question_with_url_answer_reason_and_note(town, rules):
    good = await town.operator("good", A)
    portal = await town.operator("portal", "<html>", run_by="Hotel\x1b[2J")
    report = await detect((good, portal), DIRECT, rules=rules, deadline=2)
    text = "\n".join(report.details())
    assert "Route: direct over IPv4 (a test)." in text
    assert f"good (Good): saw {A}, after " in text
    assert f"{good.url}, read as plain." in text
    assert "portal (Hotel\ufffd[2J): no address after " in text
    assert "a web page, not an address" in text
