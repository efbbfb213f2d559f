"""The table of answers, row by row: the exchange gives each through a real socket, and this is the verdict."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

import httpx
import pytest
import trustme

from tests.exchange.fake_exchange import FakeExchange, answer
from wizard.core.clock import utc
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import CallOutcome, Cause, Diagnosis, Surface, diagnose
from wizard.exchange.errors import ExchangeError
from wizard.exchange.signing import generate_ed25519
from wizard.exchange.skew import measure_skew
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_account, ask_futures, circumstances

HERE, ELSEWHERE = "203.0.113.42", "203.0.113.77"
ACCEPTED, REJECTED, INCONCLUSIVE = CallOutcome.ACCEPTED, CallOutcome.REJECTED, CallOutcome.INCONCLUSIVE


@dataclass
class Bench:
    """A running exchange, its desk, and calls from any loopback address."""

    site: Site
    simulated_page: SimulatedPage

    async def key(self, whitelist: str | None = HERE, **permissions: bool) -> Credentials:
        made = await self.simulated_page.create("row", KeyKind.HMAC, whitelist, **permissions)  # type: ignore[arg-type]
        return Credentials(KeyKind.HMAC, made.api_key, made.secret)

    async def fault(self, **faults: object) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            told = await client.put(f"{self.site.rest_url}/desk/faults", json=faults)
            assert told.is_success, told.text

    async def canned(self, path: str, status: int, body: object, **headers: str) -> None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        await self.fault(answers=[{"path": path, "status": status, "body": body, "headers": named}])

    async def ask(
        self,
        credentials: Credentials,
        surface: Surface = "sapi",
        *,
        source: str = "127.0.0.1",
        whitelist: str = HERE,
        egress: str | None = None,
        control: Credentials | None = None,
        site: Site | None = None,
        deadline: float = 5.0,
        measures_clock: bool = False,
        **known_besides: object,
    ) -> Diagnosis:
        """Make one signed call and judge it as the probe would."""
        transport = httpx.AsyncHTTPTransport(local_address=source)
        skew = None
        async with ExchangeClient(site or self.site, transport, timeout=deadline) as client:
            calls = {
                "sapi": client.api_restrictions,
                "api": client.account,
                "fapi": client.futures_balances,
                "websocket": client.websocket_session,
            }
            error = await failure(calls[surface](credentials))
            accepted = None if control is None else await failure(client.api_restrictions(control)) is None
            if measures_clock:
                skew = await measure_skew(client.server_time)
        listed = [IPv4Network(whitelist)] if whitelist else []
        seen = egress if egress is not None else (HERE if source == "127.0.0.1" else ELSEWHERE)
        known = circumstances(self.site, seen, listed)
        besides = {"control_accepted": accepted, **known_besides}
        known = replace(known, surface=surface, skew=skew, **besides)  # type: ignore[arg-type]
        return diagnose(error, known)


async def failure(call: Awaitable[object]) -> ExchangeError | None:
    try:
        await call
    except ExchangeError as error:
        return error
    return None


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with serve(EmbeddedExchange()) as addresses:
        yield Bench(embedded_site(addresses.base_url), SimulatedPage(addresses.desk_url))


async def accepted(bench: Bench, surface: Surface) -> Diagnosis:
    return await bench.ask(await bench.key(enableFutures=True), surface)


async def another_address(bench: Bench, surface: Surface) -> Diagnosis:
    return await bench.ask(await bench.key(enableFutures=True), surface, source="127.0.0.2")


async def address_changed_list_unknown(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key(enableFutures=True)
    assert (await bench.ask(key, surface)).is_accepted
    return await bench.ask(key, surface, source="127.0.0.2", whitelist="", accepted_from=IPv4Address(HERE))


async def address_unchanged_list_unknown(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key(enableReading=False)
    return await bench.ask(key, surface, whitelist="", accepted_from=IPv4Address(HERE))


async def permission_off(bench: Bench, surface: Surface) -> Diagnosis:
    other = await bench.key()
    return await bench.ask(await bench.key(enableReading=False), surface, control=other)


async def nothing_explains_it(bench: Bench, surface: Surface) -> Diagnosis:
    return await bench.ask(await bench.key(enableReading=False), surface, whitelist="")


async def futures_alone_refuse(bench: Bench, surface: Surface) -> Diagnosis:
    """The same key was accepted on /sapi in the same second, and no other key was asked (ccxt/ccxt#22397)."""
    return await bench.ask(await bench.key(enableFutures=False), surface, accepted_on_sapi=True)


async def futures_refuse_the_control_alike(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key(enableFutures=False)
    return await bench.ask(key, surface, accepted_on_sapi=True, control_accepted=False)


async def futures_accept_the_control(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key(enableFutures=False)
    return await bench.ask(key, surface, accepted_on_sapi=True, control_accepted=True)


async def futures_over_another_route(bench: Bench, surface: Surface) -> Diagnosis:
    """The list is not known, and the futures host sees another address than the services."""
    key = await bench.key(enableFutures=True)
    known = {"source": "127.0.0.2", "egress": HERE, "whitelist": "", "accepted_on_sapi": True}
    return await bench.ask(key, surface, **known)  # type: ignore[arg-type]


async def futures_testnet_key(bench: Bench, surface: Surface) -> Diagnosis:
    """JKorf/Binance.Net#1255: its keys are hexadecimal. Here it is one that this exchange never made."""
    key = replace(await bench.key(), api_key=Secret("a51f9c0e" * 8))
    return await bench.ask(key, surface, is_hexadecimal=True)


async def disabled(bench: Bench, surface: Surface) -> Diagnosis:
    key, other = await bench.key(enableFutures=True), await bench.key()
    await bench.simulated_page.disable(key.api_key)
    return await bench.ask(key, surface, control=other)


async def deleted(bench: Bench, surface: Surface) -> Diagnosis:
    key, other = await bench.key(), await bench.key()
    await bench.simulated_page.delete(key.api_key)
    return await bench.ask(key, surface, control=other)


async def whitelist_not_yet_active(bench: Bench, surface: Surface) -> Diagnosis:
    await bench.fault(whitelist_delay_s=60)
    return await bench.ask(await bench.key(), surface)


async def key_of_another_site(bench: Bench, surface: Surface) -> Diagnosis:
    async with serve(EmbeddedExchange()) as addresses:
        return await bench.ask(
            await Bench(embedded_site(addresses.base_url), SimulatedPage(addresses.desk_url)).key(), surface
        )


async def malformed_key(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key()
    return await bench.ask(replace(key, api_key=Secret(key.api_key.reveal() + '"')), surface)


async def wrong_secret(bench: Bench, surface: Surface) -> Diagnosis:
    return await bench.ask(replace(await bench.key(enableFutures=True), signing=Secret("x" * 64)), surface)


async def wrong_clock(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key(enableFutures=True)
    await bench.fault(clock_offset_ms=-7000)
    return await bench.ask(key, surface, measures_clock=True)


async def too_much_weight(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key()
    async with httpx.AsyncClient(base_url=bench.site.rest_url, trust_env=False) as client:
        # The weight is counted by the minute of the clock, which may end meanwhile.
        for _ in range(2 * (6000 // 20 + 1)):
            told = await client.get("/api/v3/exchangeInfo")
            if told.status_code == 429:
                break
    assert told.status_code == 429
    return await bench.ask(key, surface)


def canned(status: int, body: object, **headers: str) -> Callable[[Bench, Surface], Awaitable[Diagnosis]]:
    """A row that the exchange itself has no occasion for: its fault line answers in its place."""

    async def row(bench: Bench, surface: Surface) -> Diagnosis:
        key = await bench.key()
        path = {"websocket": "/ws-api/v3", "fapi": "/fapi/v3/balance"}.get(surface, "/sapi/v1/account/apiRestrictions")
        await bench.canned(path, status, body, **headers)
        return await bench.ask(key, surface)

    return row


async def order_limit_from_elsewhere(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key()
    await bench.canned("/sapi/v1/account/apiRestrictions", 429, ORDERS)
    return await bench.ask(key, surface, source="127.0.0.2")


async def no_answer(bench: Bench, surface: Surface) -> Diagnosis:
    key = await bench.key()
    await bench.fault(latency_ms=5000)
    return await bench.ask(key, surface, deadline=0.2)


async def nobody_listens(bench: Bench, surface: Surface) -> Diagnosis:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        nowhere = embedded_site(f"http://127.0.0.1:{port}")
        return await bench.ask(await bench.key(), surface, site=nowhere)


async def no_such_name(bench: Bench, surface: Surface) -> Diagnosis:
    nowhere = embedded_site("http://exchange.invalid")
    return await bench.ask(await bench.key(), surface, site=nowhere)


async def no_tls(bench: Bench, surface: Surface) -> Diagnosis:
    encrypted = embedded_site(bench.site.rest_url.replace("http:", "https:"))
    encrypted = replace(encrypted, websocket_api_url=bench.site.websocket_api_url.replace("ws:", "wss:"))
    return await bench.ask(await bench.key(), surface, site=encrypted)


Row = Callable[[Bench, Surface], Awaitable[Diagnosis]]
PORTAL = "<!DOCTYPE html><title>403 Forbidden</title>"
RESTRICTED = {"code": 0, "msg": "Service unavailable from a restricted location according to 'b. Eligibility'"}
BANNED = {"code": -1003, "msg": "Way too much request weight used; IP banned until 1790000000000."}
ORDERS = {"code": -1015, "msg": "Too many new orders; current limit is 50 orders per 10 SECOND."}
BEHIND = {"code": -1007, "msg": "Timeout waiting for response from backend server."}
IPV6 = {"code": -1100, "msg": "Illegal characters found in parameter 'ip'; legal range is '^[0-9]{1,3}'."}
COUNTRY = "<H1>403 ERROR</H1>The Amazon CloudFront distribution is configured to block access from your country."
"""sammchardy/python-binance#1413."""
REGION = "error code: 1009 The owner of this website has banned the country or region your IP address is in"
"""A likely wording of Cloudflare's error 1009."""
BAD_JSON = {"code": -1135, "msg": "Invalid JSON Request"}
NO_ROUTE = {"code": -1011, "msg": "This IP cannot access this route."}
NOT_FOUND = {"code": -1099, "msg": "Not found, authenticated, or authorized."}
SEEN_AS_IPV6 = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action, request ip: 2409:408c:adc5::1"}
REDIRECT = canned(302, "", Location="http://portal.test/")
ROWS: list[tuple[Row, str, tuple[CallOutcome, Cause], int | None]] = [
    (accepted, "sapi api fapi websocket", (ACCEPTED, Cause.NONE), None),
    (another_address, "sapi api websocket", (REJECTED, Cause.ADDRESS), -2015),
    (another_address, "fapi", (REJECTED, Cause.ADDRESS), -2015),
    (address_changed_list_unknown, "sapi api fapi websocket", (REJECTED, Cause.ADDRESS), -2015),
    (address_unchanged_list_unknown, "sapi api fapi websocket", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (permission_off, "sapi api fapi websocket", (REJECTED, Cause.PERMISSION_OR_KEY), -2015),
    (nothing_explains_it, "sapi api fapi websocket", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (futures_alone_refuse, "fapi", (REJECTED, Cause.FUTURES_ACCOUNT), -2015),
    (futures_refuse_the_control_alike, "fapi", (INCONCLUSIVE, Cause.FUTURES_ACCOUNT), -2015),
    (futures_accept_the_control, "fapi", (REJECTED, Cause.PERMISSION_OR_KEY), -2015),
    (futures_over_another_route, "fapi", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (futures_testnet_key, "sapi", (REJECTED, Cause.KEY_UNKNOWN), -2008),
    (futures_testnet_key, "api websocket", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (canned(401, SEEN_AS_IPV6), "fapi", (REJECTED, Cause.IPV6), -2015),
    (canned(400, BAD_JSON), "sapi", (INCONCLUSIVE, Cause.REQUEST), -1135),
    (canned(401, NO_ROUTE), "fapi", (INCONCLUSIVE, Cause.UNKNOWN), -1011),
    (canned(401, NOT_FOUND), "sapi", (REJECTED, Cause.NOT_ALLOWED), -1099),
    (canned(418, BANNED), "sapi", (INCONCLUSIVE, Cause.RATE_LIMIT), -1003),
    (canned(403, COUNTRY), "sapi", (INCONCLUSIVE, Cause.LOCATION), None),
    (canned(403, REGION), "sapi", (INCONCLUSIVE, Cause.LOCATION), None),
    (disabled, "sapi api fapi websocket", (REJECTED, Cause.PERMISSION_OR_KEY), -2015),
    (deleted, "sapi", (REJECTED, Cause.KEY_UNKNOWN), -2008),
    (deleted, "api fapi websocket", (REJECTED, Cause.PERMISSION_OR_KEY), -2015),
    (whitelist_not_yet_active, "sapi api websocket", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (key_of_another_site, "sapi", (REJECTED, Cause.KEY_UNKNOWN), -2008),
    (key_of_another_site, "api fapi websocket", (REJECTED, Cause.NOT_YET_VISIBLE), -2015),
    (malformed_key, "sapi api fapi websocket", (REJECTED, Cause.MALFORMED_KEY), -2014),
    (wrong_secret, "sapi api fapi websocket", (REJECTED, Cause.WRONG_SIGNATURE), -1022),
    (wrong_clock, "sapi api fapi websocket", (INCONCLUSIVE, Cause.CLOCK), -1021),
    (too_much_weight, "sapi websocket", (INCONCLUSIVE, Cause.RATE_LIMIT), -1003),
    (canned(418, BANNED, Retry_After="90"), "sapi websocket", (INCONCLUSIVE, Cause.RATE_LIMIT), -1003),
    (canned(429, ORDERS), "sapi", (INCONCLUSIVE, Cause.ORDER_RATE_LIMIT), -1015),
    (order_limit_from_elsewhere, "sapi", (INCONCLUSIVE, Cause.ADDRESS), -1015),
    (canned(400, IPV6), "sapi", (INCONCLUSIVE, Cause.IPV6), -1100),
    (canned(403, PORTAL), "sapi websocket", (INCONCLUSIVE, Cause.FIREWALL), None),
    (canned(451, RESTRICTED), "sapi websocket", (INCONCLUSIVE, Cause.LOCATION), None),
    (canned(503, ""), "sapi websocket", (INCONCLUSIVE, Cause.SERVER_FAULT), None),
    (canned(504, BEHIND), "sapi", (INCONCLUSIVE, Cause.SERVER_FAULT), -1007),
    (canned(200, PORTAL), "sapi websocket", (INCONCLUSIVE, Cause.UNREADABLE_ANSWER), None),
    (REDIRECT, "sapi websocket", (INCONCLUSIVE, Cause.UNREADABLE_ANSWER), None),
    (no_answer, "sapi websocket", (INCONCLUSIVE, Cause.NETWORK), None),
    (nobody_listens, "sapi websocket", (INCONCLUSIVE, Cause.NETWORK), None),
    (no_such_name, "sapi websocket", (INCONCLUSIVE, Cause.NETWORK), None),
    (no_tls, "sapi websocket", (INCONCLUSIVE, Cause.NETWORK), None),
]  # fmt: skip
CELLS = [
    pytest.param(row, surface, *rest, id=f"{row.__name__}-{rest[1] or rest[0][1]}-{surface}")
    for row, surfaces, *rest in ROWS
    for surface in surfaces.split()
]


@pytest.mark.parametrize(("row", "surface", "expected", "code"), CELLS)
async def test_a_row_of_the_table(
    bench: Bench, row: Row, surface: Surface, expected: tuple[CallOutcome, Cause], code: int | None
) -> None:
    verdict = await row(bench, surface)
    assert (verdict.outcome, verdict.cause) == expected, verdict
    assert verdict.code == code
    assert verdict.what
    assert verdict.why
    assert bool(verdict.advice) is (verdict.outcome is not ACCEPTED)


@pytest.mark.parametrize("surface", ["sapi", "fapi"])
async def test_only_an_address_that_the_exchange_names_is_certain(bench: Bench, surface: Surface) -> None:
    is_named = surface == "fapi"
    verdict = await another_address(bench, surface)
    assert ("most likely" in verdict.what) is not is_named
    assert ("Binance named this address" in verdict.why) is is_named


async def test_the_clock_is_told_with_its_offset(bench: Bench) -> None:
    assert "7.0 s fast, compared with Binance's (± " in (await wrong_clock(bench, "sapi")).why


@pytest.mark.parametrize("surface", ["sapi", "websocket"])
async def test_the_time_to_wait_is_told_by_header_and_by_frame_alike(bench: Bench, surface: Surface) -> None:
    assert (await too_much_weight(bench, surface)).advice.startswith("Wait ")


@pytest.mark.field(4, "answers", "https://github.com/ccxt/ccxt/issues/22397")
async def test_what_the_futures_host_alone_refuses_is_said_with_its_three_causes(bench: Bench) -> None:
    alone = await futures_alone_refuse(bench, "fapi")
    assert "site, key and address are right" in alone.why
    for cause in ("futures account is open", "older than it", "Portfolio Margin"):
        assert cause in alone.advice
    assert "refuses the current key alike" in (await futures_refuse_the_control_alike(bench, "fapi")).why
    assert "may take two routes" in (await futures_over_another_route(bench, "fapi")).why


async def test_the_form_of_a_key_of_the_futures_testnet_is_said_first(bench: Bench) -> None:
    verdict = await futures_testnet_key(bench, "sapi")
    assert "64 lower-case hexadecimal digits" in verdict.why
    assert verdict.advice.startswith("Check whether this is a key of the futures testnet.")


@pytest.mark.parametrize("question", [ask, ask_account, ask_futures])
async def test_each_signed_question_looks_at_the_form_of_its_key(
    bench: Bench, question: Callable[..., Awaitable[SignedAnswer]]
) -> None:
    key = replace(await bench.key(), api_key=Secret("a51f9c0e" * 8))
    async with ExchangeClient(bench.site, httpx.AsyncHTTPTransport()) as client:
        answered = await question(client, key, circumstances(bench.site))
    assert "futures testnet" in answered.diagnose().advice


@pytest.mark.field(50, "answers", "https://github.com/taniman/profit-trailer/issues/444")
async def test_a_ban_is_said_with_its_end_and_that_more_calls_lengthen_it(bench: Bench) -> None:
    until = (time.time() + 200) // 1 * 1000
    told = {"code": -1003, "msg": f"Way too much request weight used; IP banned until {until:.0f}."}
    verdict = await canned(418, told)(bench, "sapi")
    assert f"until {utc(until / 1000)}" in verdict.what
    assert "Wait 3 min" in verdict.advice
    assert "lengthen the ban" in verdict.advice
    assert 190 < verdict.retry_after <= 200
    passed = await canned(418, {"code": -1003, "msg": "IP banned until 1513693008350"})(bench, "sapi")
    assert "2017-12-19 14:16:48 UTC" in passed.what
    assert "check the clock" in passed.advice


@pytest.mark.field(48, "answers", "https://github.com/sammchardy/python-binance/issues/1413")
async def test_a_refused_country_is_no_matter_of_waiting_and_the_address_is_said(bench: Bench) -> None:
    verdict = await canned(403, COUNTRY)(bench, "sapi")
    assert f"Your address is {HERE}" in verdict.why
    assert "Waiting does not help" in verdict.advice
    assert not verdict.may_change


async def test_a_site_that_only_the_proxy_reaches_is_the_proxys_fault(bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        transport = httpx.AsyncHTTPTransport(proxy=f"http://127.0.0.1:{taken.getsockname()[1]}")
        async with ExchangeClient(bench.site, transport, proxied=True) as client:
            error = await failure(client.api_restrictions(await bench.key()))
    verdict = diagnose(error, circumstances(bench.site))
    assert (verdict.outcome, verdict.cause) == (INCONCLUSIVE, Cause.NETWORK)
    assert "proxy" in verdict.what


async def test_a_certificate_that_nobody_vouches_for_is_named(bench: Bench) -> None:
    authority = trustme.CA(organization_name="Inspector Ltd")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with (
        FakeExchange(answer(200, {}), tls) as fake,
        ExchangeClient(fake.site, httpx.AsyncHTTPTransport()) as client,
    ):
        error = await failure(client.api_restrictions(await bench.key()))
    assert fake.seen == [], "the key was sent over a connection that was not verified"
    verdict = diagnose(error, circumstances(bench.site))
    assert verdict.cause is Cause.NETWORK
    assert "trustworthy" in verdict.what


async def test_ed25519_logs_on_to_the_websocket_api_and_hmac_cannot(bench: Bench) -> None:
    pair = generate_ed25519()
    made = await bench.simulated_page.create("pair", KeyKind.ED25519, HERE, public_key=pair.public_pem)
    signed = Credentials(KeyKind.ED25519, made.api_key, pair.private_pem)
    async with ExchangeClient(bench.site, httpx.AsyncHTTPTransport()) as client:
        await client.websocket_session(signed)
        await client.websocket_session(await bench.key())
    paths = [line.path for line in await bench.simulated_page.activity()]
    assert paths == ["/ws-api/v3#session.logon", "/ws-api/v3#account.status", "/ws-api/v3#account.status"]
