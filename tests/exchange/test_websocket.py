"""The WebSocket API: what is signed and sent, how each answer is read, and whatever a server does, a typed end."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from tests.examples import UNTIMED, examples
from tests.exchange.fake_exchange import API_KEY, NOW, SECRET, hmac_credentials
from tests.exchange.fake_websocket import Heard, text, websocket_server
from tests.exchange.test_answer_fuzz import JSON, OBJECTS
from tests.exchange.test_leaks import everything_told
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError, Flaw
from wizard.exchange.signing import SigningKeyError, generate_ed25519, sign, websocket_payload
from wizard.net.trace import Phase

_UNHEARD = logging.getLogger("unheard")
_UNHEARD.disabled = True
UNREADABLE = ErrorKind.UNREADABLE_ANSWER
ACCOUNT = {"canTrade": True, "uid": 7, "balances": []}


def answer(ident: str | None = "account.status", status: int = 200, **parts: object) -> bytes:
    return text(json.dumps({"id": ident, "status": status, **parts, "rateLimits": []}))


def refusal(code: int, status: int = 400, *, ident: str | None = "account.status", **data: object) -> bytes:
    error: dict[str, object] = {"code": code, "msg": "some words"}
    return answer(ident, status, error={**error, "data": data} if data else error)


@asynccontextmanager
async def client(url: str, deadline: float = 5.0) -> AsyncIterator[ExchangeClient]:
    site = Site("custom", "http://127.0.0.1:9", "", websocket_api_url=url, stream_url=url)
    async with ExchangeClient(site, httpx.AsyncHTTPTransport(), clock=lambda: NOW, timeout=deadline) as found:
        yield found


async def end(heard: Heard, credentials: Credentials | None = None, deadline: float = 5.0) -> Exception | None:
    """Hold one conversation; return how it failed."""
    async with client(heard.url, deadline) as found, asyncio.timeout(20):
        try:
            await found.websocket_session(credentials or hmac_credentials())
        except (ExchangeError, SigningKeyError) as error:
            return error
    return None


def requests(heard: Heard) -> list[dict[str, Any]]:
    """What the client sent, unmasked by the library's own server."""
    server = ServerProtocol(state=State.OPEN, logger=_UNHEARD)
    server.receive_data(b"".join(heard.frames))
    events = server.events_received()
    return [
        json.loads(bytes(frame.data)) for frame in events if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT
    ]


async def test_account_status_is_signed_over_all_parameters_sorted() -> None:
    async with websocket_server(answer(result=ACCOUNT)) as heard:
        assert await end(heard) is None
    (request,) = requests(heard)
    params = request["params"]
    assert (request["method"], params["apiKey"], params["timestamp"]) == ("account.status", API_KEY, int(NOW * 1000))
    signature = params.pop("signature")
    assert signature == sign(hmac_credentials(), websocket_payload(params))


async def test_an_ed25519_key_logs_on_first() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for ident in ("session.logon", "account.status"):
            heard.frames.append(await reader.read(65536))
            writer.write(answer(ident, result=ACCOUNT))

    credentials = Credentials(KeyKind.ED25519, Secret(API_KEY), generate_ed25519().private_pem)
    async with websocket_server(talk) as heard, client(heard.url) as found:
        assert (await found.websocket_session(credentials)).uid == 7
    assert [request["method"] for request in requests(heard)] == ["session.logon", "account.status"]


BANNED = f"Way too much request weight used; IP banned until {int(NOW * 1000) + 90_000}."


@pytest.mark.parametrize(
    ("sent", "kind", "expected"),
    [
        (refusal(-2015, 401), ErrorKind.REFUSED, -2015),
        (refusal(-2015, 401, ident=None), ErrorKind.REFUSED, -2015),
        (refusal(-1022), ErrorKind.REFUSED, -1022),
        (refusal(-1003, 429, retryAfter=int(NOW * 1000) + 12_000), ErrorKind.RATE_LIMIT, 12.0),
        (refusal(-1003, 418), ErrorKind.RATE_LIMIT, 120.0),
        (answer(status=418, error={"code": -1003, "msg": BANNED}), ErrorKind.RATE_LIMIT, 90.0),
        (refusal(-1003, 429, retryAfter="soon"), ErrorKind.RATE_LIMIT, 0.0),
        (refusal(-1003, 429, retryAfter=int(NOW * 1000) - 5), ErrorKind.RATE_LIMIT, 0.0),
        (refusal(-1000, 500), ErrorKind.SERVER_FAULT, -1000),
        (answer(status=451, error={"code": 0, "msg": ""}), ErrorKind.LOCATION, None),
        (answer(status=10**400), UNREADABLE, Flaw.SHAPE),
        (answer(status=404), UNREADABLE, Flaw.STATUS),
        (answer(result=[1]), UNREADABLE, Flaw.SHAPE),
        (answer(result={"uid": 1}), UNREADABLE, Flaw.SHAPE),
        (answer(status=True, result=ACCOUNT), UNREADABLE, Flaw.SHAPE),
        (text("<html>"), UNREADABLE, Flaw.NOT_JSON),
        (text("[]"), UNREADABLE, Flaw.SHAPE),
        (text(b"\xff\xfe"), UNREADABLE, Flaw.NOT_JSON),
        (Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False), ErrorKind.NETWORK, Phase.READ),
        (b"GET / HTTP/1.1\r\n\r\n", ErrorKind.NETWORK, Phase.READ),
    ],
)
async def test_each_answer_has_its_type(sent: bytes, kind: ErrorKind, expected: object) -> None:
    async with websocket_server(sent) as heard:
        error = await end(heard)
    assert isinstance(error, ExchangeError)
    assert error.kind is kind
    told = {
        ErrorKind.REFUSED: "exchange_code",
        ErrorKind.RATE_LIMIT: "retry_after",
        ErrorKind.SERVER_FAULT: "exchange_code",
        ErrorKind.NETWORK: "phase",
    }
    if isinstance(expected, Flaw):
        assert error.why.startswith(expected)
    elif kind in told:
        assert getattr(error, told[kind]) == expected
    else:
        assert kind is ErrorKind.LOCATION


async def test_messages_about_something_else_are_passed_over() -> None:
    event = text('{"subscriptionId": 1, "event": {"e": "balanceUpdate"}}')
    late = answer("session.logon", result={})
    ping = Frame(Opcode.PING, b"are you there").serialize(mask=False)
    async with websocket_server(event + ping + late + answer(result=ACCOUNT)) as heard:
        assert await end(heard) is None


async def test_an_answer_in_fragments_is_put_together() -> None:
    whole = json.dumps({"id": "account.status", "status": 200, "result": ACCOUNT}).encode()
    pieces = [
        Frame(Opcode.TEXT, whole[:9], fin=False),
        Frame(Opcode.PING, b""),
        Frame(Opcode.CONT, whole[9:]),
    ]
    async with websocket_server(b"".join(piece.serialize(mask=False) for piece in pieces)) as heard:
        assert await end(heard) is None


@pytest.mark.parametrize(
    ("handshake", "kind"),
    [
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            UNREADABLE,
        ),
        (b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: bm8=\r\n\r\n", UNREADABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", UNREADABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", UNREADABLE),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n",
            UNREADABLE,
        ),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", ErrorKind.SERVER_FAULT),
        (b"220 smtp.test ESMTP\r\n", ErrorKind.NETWORK),
    ],
)
async def test_what_is_no_websocket_gets_no_signed_frame(handshake: bytes, kind: ErrorKind) -> None:
    async with websocket_server(answer(result=ACCOUNT), handshake=handshake) as heard:
        error = await end(heard, deadline=0.5)
    assert isinstance(error, ExchangeError)
    assert error.kind is kind
    assert not [frame for frame in heard.frames if b"apiKey" in frame]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in Frame(Opcode.TEXT, b"x" * 100_000).serialize(mask=False):
        if writer.transport.is_closing():
            return
        writer.write(bytes([byte]))
        await asyncio.sleep(0.005)


async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.transport.is_closing():
        writer.write(Frame(Opcode.PING, b"x" * 125).serialize(mask=False) * 50)
        await writer.drain()


async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x81\x7f" + struct.pack("!Q", 1 << 40) + b"x" * 100_000)
    await reader.read()


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer(result=ACCOUNT)[:20])
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    ("talk", "phase"),
    [
        (silent, Phase.TIMEOUT),
        (drip, Phase.TIMEOUT),
        (chatter, Phase.TIMEOUT),
        (huge, Phase.READ),
        (cut, Phase.READ),
    ],
)
async def test_a_server_that_does_not_play_along_is_left(talk: Any, phase: Phase) -> None:
    async with websocket_server(talk) as heard:
        error = await end(heard, deadline=0.3)
        async with asyncio.timeout(10):
            await heard.left.wait()
    assert error.kind is ErrorKind.NETWORK
    assert error.phase is phase


@settings(max_examples=examples(150), suppress_health_check=[*UNTIMED, HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | (JSON | OBJECTS).map(lambda value: text(json.dumps(value)))
    | st.builds(lambda result: answer(result=result), JSON)
    | st.builds(lambda error, status: answer(status=status, error=error), JSON, st.integers(-1, 600))
)
async def test_any_bytes_end_in_an_answer_or_a_typed_error(raw: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(raw)
        writer.write_eof()

    async with websocket_server(talk) as heard:
        error = await end(heard)
        assert error is None or error.__context__ is None


async def test_a_secret_that_cannot_sign_and_a_key_that_cannot_be_sent_open_or_send_nothing() -> None:
    credentials = Credentials(KeyKind.RSA, Secret(API_KEY), Secret("no key"))
    async with websocket_server(answer(result=ACCOUNT)) as heard:
        error = await end(heard, credentials)
        assert isinstance(error, SigningKeyError)
        unsendable = Credentials(KeyKind.HMAC, Secret("bad\r\nkey"), Secret(SECRET))
        unsent = await end(heard, unsendable)
        assert isinstance(unsent, ExchangeError)
        assert unsent.kind is ErrorKind.MALFORMED_KEY
    assert not [frame for frame in heard.frames if b"apiKey" in frame]
    assert API_KEY not in everything_told(error)


@pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
async def test_an_error_shows_no_key_and_no_signature_and_no_frame(
    kind: KeyKind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    signing = Secret(SECRET) if kind is KeyKind.HMAC else generate_ed25519().private_pem

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.frames.append(await reader.read(65536))
        params = requests(heard)[0]["params"]
        message = f"bad {params['apiKey']} {params['signature']}"
        ident = requests(heard)[0]["id"]
        writer.write(answer(ident, status=400, error={"code": -1102, "msg": message}))
        await reader.read()

    async with websocket_server(repeat) as heard:
        error = await end(heard, Credentials(kind, Secret(API_KEY), signing))
    assert error.kind is ErrorKind.REFUSED
    signature = requests(heard)[0]["params"]["signature"]
    told = everything_told(error) + " ".join(record.getMessage() for record in caplog.records)
    assert not [hidden for hidden in (API_KEY, SECRET, signature) if hidden in told]
    assert error.message == "bad •••••••• ••••••••"


@pytest.mark.parametrize(
    ("sent", "flaw"),
    [
        (text('{"result": ["btcusdt@bookTicker"], "id": 1}'), None),
        (text('{"u": 1, "s": "BTCUSDT", "b": "1.0"}'), None),
        (text("[]"), Flaw.SHAPE),
        (text("hello"), Flaw.NOT_JSON),
    ],
)
async def test_a_market_stream_says_something_or_is_no_market_stream(sent: bytes, flaw: Flaw | None) -> None:
    async with websocket_server(sent) as heard, client(heard.url) as found:
        try:
            await found.market_stream()
        except ExchangeError as error:
            assert flaw in error.why
        else:
            assert flaw is None
    assert b"signature" not in b"".join(heard.frames)
