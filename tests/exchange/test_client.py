"""What goes over the wire, what is read from it, and how each failure is named."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from ipaddress import IPv4Address

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.exchange.fake_exchange import (
    API_KEY,
    NOW,
    FakeExchange,
    answer,
    cut,
    drip,
    flood,
    hmac_credentials,
    hold,
)
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError, Flaw
from wizard.exchange.signing import SigningKeyError, generate_ed25519, sign
from wizard.net.trace import Phase

RESTRICTIONS = {
    "ipRestrict": True,
    "createTime": 1698645219000,
    "enableReading": True,
    "enableWithdrawals": False,
    "permitsUniversalTransfer": False,
    "enableFutures": None,
    "tradingAuthorityExpirationTime": 1628985600000,
}
ACCOUNT = {"canTrade": True, "accountType": "SPOT", "balances": [], "uid": 354937868}
RESTRICTED = "Service unavailable from a restricted location according to 'b. Eligibility' in the terms"
PORTAL = b"<!DOCTYPE html><title>Just a moment...</title>"
BANNED = "Way too much request weight used; IP banned until {ms}. Please use WebSocket Streams for live updates."
CLOUDFRONT = b"<H1>403 ERROR</H1> The Amazon CloudFront distribution is configured to block access from your country."


async def failure(fake: FakeExchange, deadline: float = 5.0) -> ExchangeError:
    async with fake, fake.client(deadline=deadline) as client:
        with pytest.raises(ExchangeError) as caught:
            async with asyncio.timeout(20):
                await client.api_restrictions(hmac_credentials())
    return caught.value


async def test_a_public_call_is_timed_and_carries_no_key() -> None:
    async with FakeExchange(answer(200, {})) as fake, fake.client() as client:
        assert (await client.connect()).answered_ms > 0
    assert fake.seen[0].target == "/api/v3/ping"
    assert "x-mbx-apikey" not in fake.seen[0].headers


async def test_the_server_time_is_asked_and_read_in_microseconds() -> None:
    async with FakeExchange(answer(200, {"serverTime": 1_790_000_000_123_456})) as fake, fake.client() as client:
        told = await client.server_time()
    assert told.epoch_ms == 1_790_000_000_123.456
    assert told.sent_at == NOW
    assert fake.seen[0].headers["x-mbx-time-unit"] == "MICROSECOND"


async def test_restrictions_are_read_with_every_flag_that_was_told() -> None:
    async with FakeExchange(answer(200, RESTRICTIONS)) as fake, fake.client() as client:
        told = await client.api_restrictions(hmac_credentials())
    assert told.ip_restricted is True
    assert told.created_ms == 1698645219000
    assert told.permissions == {"enableReading": True, "enableWithdrawals": False, "permitsUniversalTransfer": False}
    assert fake.seen[0].target.startswith("/sapi/v1/account/apiRestrictions?recvWindow=5000&timestamp=1790000000000&")


@pytest.mark.parametrize("created", [0, -1, 2**62, None])
async def test_a_creation_at_no_time_is_not_told(created: int | None) -> None:
    async with FakeExchange(answer(200, {**RESTRICTIONS, "createTime": created})) as fake, fake.client() as client:
        assert (await client.api_restrictions(hmac_credentials())).created_ms is None


async def test_the_account_is_read_with_its_number() -> None:
    async with FakeExchange(answer(200, ACCOUNT)) as fake, fake.client() as client:
        told = await client.account(hmac_credentials())
    assert (told.uid, told.can_trade) == (354937868, True)
    assert fake.seen[0].target.startswith("/api/v3/account?omitZeroBalances=true&recvWindow=5000&")


async def test_what_arrives_is_exactly_what_was_signed_with_hmac() -> None:
    async with FakeExchange(answer(200, ACCOUNT)) as fake, fake.client() as client:
        await client.account(hmac_credentials())
    payload, _, signature = fake.seen[0].query.rpartition("&signature=")
    assert signature == sign(hmac_credentials(), payload)
    assert fake.seen[0].headers["x-mbx-apikey"] == API_KEY


async def test_what_arrives_is_exactly_what_was_signed_with_ed25519() -> None:
    pair = generate_ed25519()
    async with FakeExchange(answer(200, ACCOUNT)) as fake, fake.client() as client:
        await client.account(Credentials(KeyKind.ED25519, Secret(API_KEY), pair.private_pem))
    payload, _, signature = fake.seen[0].query.rpartition("&signature=")
    public = load_pem_public_key(pair.public_pem.encode())
    assert isinstance(public, Ed25519PublicKey)
    encoded = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    public.verify(base64.b64decode(encoded, validate=True), payload.encode())


async def test_signed_requests_are_stamped_by_the_clock_that_was_passed_in() -> None:
    async with FakeExchange(answer(200, ACCOUNT)) as fake, fake.client(clock=lambda: 1234.5678) as client:
        await client.account(hmac_credentials())
    assert "&timestamp=1234567&" in fake.seen[0].query


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, -2008, "Invalid Api-Key ID."),
        (401, -2014, "API-key format invalid."),
        (400, -2015, "Invalid API-key, IP, or permissions for action."),
        (401, -2015, "Invalid API-key, IP, or permissions for action."),
        (400, -1021, "Timestamp for this request is outside of the recvWindow."),
        (400, -1022, "Signature for this request is not valid."),
        (200, -2015, "Invalid API-key, IP, or permissions for action."),
        (403, -2015, "Invalid API-key, IP, or permissions for action."),
    ],
)
async def test_a_refusal_keeps_the_code_the_words_and_the_status(status: int, code: int, message: str) -> None:
    error = await failure(FakeExchange(answer(status, {"code": code, "msg": message})))
    assert error.kind is ErrorKind.REFUSED
    assert (error.exchange_code, error.message, error.request_ip) == (code, message, None)
    assert f"(HTTP {status})" in error.why


@pytest.mark.parametrize(
    ("tail", "address"),
    [
        (", request ip: 185.93.111.189", IPv4Address("185.93.111.189")),
        (", request ip: 185.93.111.189.", IPv4Address("185.93.111.189")),
        (", request ip: 185.93.111.999", None),
        (", request ip: 2409:408c:adc5::1", None),
        (", request ip: ::ffff:185.93.111.189", IPv4Address("185.93.111.189")),
        (", request ip: ", None),
        ("", None),
    ],
)
async def test_the_address_that_the_exchange_names_is_read(tail: str, address: IPv4Address | None) -> None:
    message = "Invalid API-key, IP, or permissions for action" + tail
    error = await failure(FakeExchange(answer(401, {"code": -2015, "msg": message})))
    assert error.kind is ErrorKind.REFUSED
    assert error.request_ip == address


async def test_control_characters_in_the_exchanges_words_never_reach_the_user() -> None:
    message = "no\x1b]52;c;ZXZpbA==\x07 \u202e\ud800 key"
    error = await failure(FakeExchange(answer(400, {"code": -2015, "msg": message})))
    told = " ".join(error.sentences())
    assert told.isprintable()
    told.encode()


@pytest.mark.parametrize(
    ("reply", "retry_after", "code"),
    [
        (answer(429, {"code": -1003, "msg": "Too much request weight used"}, Retry_After="12"), 12.0, -1003),
        (answer(418, {"code": -1003, "msg": "IP banned"}, Retry_After="259200"), 259200.0, -1003),
        (answer(429, PORTAL), 0.0, None),
        (answer(429, {"code": -1015, "msg": "Too many new orders"}), 0.0, -1015),
        (answer(400, {"code": -1003}), 0.0, -1003),
        (answer(429, {}, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), 0.0, None),
        (answer(429, {}, Retry_After="-5"), 0.0, None),
        (answer(429, {}, Retry_After="nan"), 0.0, None),
        (answer(429, {}, Retry_After="5\x1f"), 0.0, None),
        (answer(429, {}, Retry_After="5\x85"), 0.0, None),
        (answer(429, {}, Retry_After="9" * 400), 0.0, None),
        (answer(429, {}, Retry_After="1e400"), 0.0, None),
        (answer(429, {"code": -2015, "msg": "banned"}), 0.0, -2015),
        (answer(418, {"code": -1003, "msg": BANNED.format(ms=1_790_000_090_000)}), 90.0, -1003),
        (answer(400, {"code": -1003, "msg": BANNED.format(ms=1_790_000_090_000)}), 90.0, -1003),
        (answer(418, {"code": -1003, "msg": BANNED.format(ms=1_790_000_090_000)}, Retry_After="7"), 7.0, -1003),
        (answer(418, {"code": -1003, "msg": BANNED.format(ms=1_789_999_000_000)}), 120.0, -1003),
        (answer(418, {"code": -1003, "msg": BANNED.format(ms=17_900_000_900_001)}), 120.0, -1003),
    ],
)
async def test_a_rate_limit_is_no_refusal_whatever_its_body(reply: bytes, retry_after: float, code: int | None) -> None:
    error = await failure(FakeExchange(reply))
    assert error.kind is ErrorKind.RATE_LIMIT
    assert (error.retry_after, error.exchange_code) == (retry_after, code)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(403, PORTAL), ErrorKind.FIREWALL),
        (answer(403, {"message": "Forbidden"}), ErrorKind.FIREWALL),
        (answer(403, CLOUDFRONT), ErrorKind.LOCATION),
        (answer(451, {"code": 0, "msg": RESTRICTED}), ErrorKind.LOCATION),
        (answer(451, PORTAL), ErrorKind.LOCATION),
        (answer(403, {"code": 0, "msg": RESTRICTED}), ErrorKind.LOCATION),
        (answer(500, PORTAL), ErrorKind.SERVER_FAULT),
        (answer(502, b""), ErrorKind.SERVER_FAULT),
        (answer(503, {"code": -1008, "msg": "busy"}), ErrorKind.SERVER_FAULT),
        (answer(503, {"code": -2015, "msg": "not by a gateway"}), ErrorKind.SERVER_FAULT),
    ],
)
async def test_an_answer_that_judges_no_key_has_its_own_type(reply: bytes, kind: ErrorKind) -> None:
    assert (await failure(FakeExchange(reply))).kind is kind


@pytest.mark.parametrize(
    ("reply", "flaw"),
    [
        (answer(200, PORTAL, Content_Type="application/json"), Flaw.NOT_JSON),
        (answer(200, b'{"ipRestrict": tr'), Flaw.NOT_JSON),
        (answer(200, b""), Flaw.NOT_JSON),
        (answer(200, b"null"), Flaw.NOT_JSON),
        (answer(200, b"\xff\xfe{}"), Flaw.NOT_JSON),
        (answer(200, b'{"createTime": NaN, "ipRestrict": true}'), Flaw.NOT_JSON),
        (answer(200, b"[" * 100_000), Flaw.NOT_JSON),
        (answer(200, b'{"createTime": ' + b"9" * 100_000 + b"}"), Flaw.NOT_JSON),
        (answer(200, [RESTRICTIONS]), Flaw.SHAPE),
        (answer(200, "ok"), Flaw.SHAPE),
        (answer(200, {}), Flaw.SHAPE),
        (answer(200, {"ipRestrict": "true"}), Flaw.SHAPE),
        (answer(200, {"ipRestrict": 1}), Flaw.SHAPE),
        (answer(200, {**RESTRICTIONS, "enableReading": "yes"}), Flaw.SHAPE),
        (answer(200, {**RESTRICTIONS, "createTime": True}), Flaw.SHAPE),
        (answer(200, {**RESTRICTIONS, "createTime": 10**400}), Flaw.SHAPE),
        (answer(200, {**RESTRICTIONS, "createTime": 1.5}), Flaw.SHAPE),
        (answer(404, PORTAL), Flaw.STATUS),
        (answer(401, {"code": True, "msg": "x"}), Flaw.STATUS),
        (answer(400, {"code": "-2015", "msg": "x"}), Flaw.STATUS),
        (answer(204), Flaw.STATUS),
        (answer(200, b" " * (1 << 20) + b"{}"), Flaw.TOO_LONG),
    ],
)
async def test_an_answer_of_another_shape_is_unreadable_never_guessed(reply: bytes, flaw: Flaw) -> None:
    error = await failure(FakeExchange(reply))
    assert error.kind is ErrorKind.UNREADABLE_ANSWER
    assert flaw in error.why


@pytest.mark.parametrize("told", [0, -1, True, 1.5e12, "1790000000000", None, 1_790_000_000, 10**30])
async def test_a_time_that_is_none_is_unreadable(told: object) -> None:
    async with FakeExchange(answer(200, {"serverTime": told})) as fake, fake.client() as client:
        with pytest.raises(ExchangeError, match="cannot be read"):
            await client.server_time()


async def test_an_account_that_does_not_say_whether_it_trades_is_unreadable() -> None:
    async with FakeExchange(answer(200, {"uid": 1})) as fake, fake.client() as client:
        with pytest.raises(ExchangeError, match="cannot be read"):
            await client.account(hmac_credentials())


async def test_a_redirect_is_not_followed() -> None:
    async with FakeExchange(answer(200, RESTRICTIONS)) as elsewhere:
        reply = answer(307, b"", Location=f"{elsewhere.site.rest_url}/sapi/v1/account/apiRestrictions")
        error = await failure(FakeExchange(reply))
    assert error.kind is ErrorKind.UNREADABLE_ANSWER
    assert Flaw.REDIRECT in error.why
    assert elsewhere.seen == []


async def test_a_cookie_is_not_kept_for_the_next_call() -> None:
    async with FakeExchange(answer(200, {}, Set_Cookie="follow=me; Path=/")) as fake, fake.client() as client:
        await client.connect()
        await client.connect()
    assert "cookie" not in fake.seen[1].headers


async def test_an_answer_without_end_is_cut_at_the_limit_and_the_connection_closed() -> None:
    fake = FakeExchange(flood)
    async with fake, fake.client() as client:
        with pytest.raises(ExchangeError, match="cannot be read") as caught:
            await client.server_time()
        await fake.left_alone()
    assert Flaw.TOO_LONG in caught.value.why


@pytest.mark.parametrize("script", [hold, drip])
async def test_a_slow_answer_ends_at_the_deadline(script: object) -> None:
    error = await failure(FakeExchange(script), deadline=0.2)  # type: ignore[arg-type]
    assert error.kind is ErrorKind.NETWORK
    assert (error.phase, error.during) == (Phase.TIMEOUT, Phase.READ)


@pytest.mark.parametrize("reply", [cut, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n"])
async def test_a_cut_or_foreign_answer_is_a_broken_connection(reply: object) -> None:
    error = await failure(FakeExchange(reply))  # type: ignore[arg-type]
    assert error.kind is ErrorKind.NETWORK
    assert error.phase is Phase.READ


async def unreachable(site: Site, transport: httpx.AsyncBaseTransport, proxied: bool = False) -> ExchangeError:
    async with ExchangeClient(site, transport, timeout=5.0, proxied=proxied) as client:
        with pytest.raises(ExchangeError) as caught:
            await client.server_time()
    return caught.value


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


async def test_a_refused_connection_is_the_tcp_phase_with_the_systems_reason() -> None:
    site = Site("custom", f"http://127.0.0.1:{closed_port()}", "")
    error = await unreachable(site, httpx.AsyncHTTPTransport())
    assert error.phase is Phase.TCP


async def test_a_name_that_does_not_resolve_is_the_dns_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await unreachable(Site("custom", "https://exchange.test", ""), httpx.AsyncHTTPTransport())
    assert error.phase is Phase.DNS
    assert error.what == "The name exchange.test could not be looked up"
    assert "Name or service not known" in error.why


async def test_a_dead_proxy_is_not_taken_for_a_dead_exchange() -> None:
    transport = httpx.AsyncHTTPTransport(proxy=f"http://127.0.0.1:{closed_port()}")
    error = await unreachable(Site("custom", "https://exchange.test", ""), transport, proxied=True)
    assert error.phase is Phase.PROXY


async def test_a_proxy_that_refuses_is_the_proxy_phase() -> None:
    async with FakeExchange(answer(407, b"")) as proxy:
        transport = httpx.AsyncHTTPTransport(proxy=proxy.site.rest_url)
        error = await unreachable(Site("custom", "https://exchange.test", ""), transport)
    assert error.phase is Phase.PROXY


async def test_a_proxy_that_is_silent_is_a_time_out_at_the_proxy() -> None:
    async with FakeExchange(hold) as proxy:
        transport = httpx.AsyncHTTPTransport(proxy=proxy.site.rest_url)
        site = Site("custom", "https://exchange.test", "")
        async with ExchangeClient(site, transport, timeout=0.2, proxied=True) as client:
            with pytest.raises(ExchangeError) as caught:
                await client.server_time()
    assert (caught.value.phase, caught.value.during) == (Phase.TIMEOUT, Phase.PROXY)


def server_tls(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's context that trusts its issuer."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(client)
    return server, client


async def test_over_tls_with_the_right_certificate_the_call_is_answered() -> None:
    server, trusting = server_tls("127.0.0.1")
    async with FakeExchange(answer(200, {}), tls=server) as fake, fake.client(verify=trusting) as client:
        assert (await client.connect()).error is None


async def test_an_unknown_authority_is_the_tls_phase_and_the_key_is_not_sent() -> None:
    server, _ = server_tls("127.0.0.1")
    fake = FakeExchange(answer(200, RESTRICTIONS), tls=server)
    error = await failure(fake)
    assert error.kind is ErrorKind.NETWORK
    assert error.phase is Phase.TLS
    assert "self-signed" in error.why or "issuer" in error.why
    assert fake.seen == []


async def test_a_certificate_for_another_name_is_the_tls_phase_and_says_so() -> None:
    server, trusting = server_tls("api.uzone.test")
    async with FakeExchange(answer(200, {}), tls=server) as fake:
        error = await unreachable(fake.site, httpx.AsyncHTTPTransport(verify=trusting))
    assert error.phase is Phase.TLS
    assert "mismatch" in error.why


async def test_plain_http_where_tls_is_spoken_is_the_tls_phase() -> None:
    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(302, b"", Location="http://login.test/"))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(portal, "127.0.0.1", 0) as server:
        site = Site("custom", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", "")
        error = await unreachable(site, httpx.AsyncHTTPTransport())
    assert error.phase is Phase.TLS
    assert "wrong version number" in error.why


async def test_a_handshake_that_is_not_answered_ends_at_the_deadline_and_the_connection_is_closed() -> None:
    async with FakeExchange(hold) as fake:
        site = Site("custom", f"https://127.0.0.1:{fake.port}", "")
        async with ExchangeClient(site, httpx.AsyncHTTPTransport(), timeout=0.2) as client:
            with pytest.raises(ExchangeError) as caught:
                await client.server_time()
            await fake.left_alone()
    assert (caught.value.phase, caught.value.during) == (Phase.TIMEOUT, Phase.TLS)


@pytest.mark.parametrize("key", ["", "has blank", "new\r\nX-Evil: 1", "ключ", "k" * 600, "\ud7ff", "tab\t"])
async def test_a_key_that_no_header_can_carry_is_never_sent_and_never_shown(key: str) -> None:
    async with FakeExchange(answer(200, RESTRICTIONS)) as fake, fake.client() as client:
        with pytest.raises(ExchangeError, match="was not sent") as caught:
            await client.api_restrictions(Credentials(KeyKind.HMAC, Secret(key), Secret("secret")))
    assert fake.seen == []
    assert not key or key not in repr(caught.value.sentences())


async def test_a_private_key_that_cannot_sign_sends_nothing() -> None:
    async with FakeExchange(answer(200, RESTRICTIONS)) as fake, fake.client() as client:
        with pytest.raises(SigningKeyError):
            await client.api_restrictions(Credentials(KeyKind.RSA, Secret(API_KEY), Secret("no PEM")))
    assert fake.seen == []


async def test_proxy_variables_of_the_environment_are_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    async with FakeExchange(answer(200, {})) as fake, fake.client() as client:
        assert (await client.connect()).error is None
    assert len(fake.seen) == 1
