"""What a frame may say, how its signature is formed, and what becomes of frames that make no sense."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import httpx
import pytest
from embedded_client import NOW, HmacSigner, Host, ManualClock
from embedded_websocket import PATIENCE, line, refusal, signed, used
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError

from tests.examples import UNTIMED, examples
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve
from wizard.rehearsal.simulator.calls import read_frame
from wizard.rehearsal.simulator.server import MAX_MESSAGE

MILLI = int(NOW * 1000)
INVALID = (400, -1135)
MISSING = (400, -1102)


async def test_public_methods_need_no_key(addresses: Addresses, host: Host) -> None:
    async with line(addresses) as api:
        assert (await api.ask("ping"))["result"] == {}
        assert (await api.ask("time"))["result"] == {"serverTime": MILLI}
        info = (await api.ask("exchangeInfo", {"symbol": "BTCUSDT"}))["result"]
        assert [each["symbol"] for each in info["symbols"]] == ["BTCUSDT"]
    assert await host.log() == []


@pytest.mark.parametrize("request_id", [0, -1, 2**63 - 1, "e2a85d9f-07a5-4f94-8d5f-789dc3deb097", "", "Ω\n", None])
async def test_an_answer_carries_the_id_of_its_request(addresses: Addresses, request_id: object) -> None:
    async with line(addresses) as api:
        assert (await api.ask("ping", request_id=request_id))["id"] == request_id
        assert (await api.ask("no.such", request_id=request_id))["id"] == request_id


async def test_times_can_be_asked_for_in_microseconds(addresses: Addresses) -> None:
    async with line(addresses, "/ws-api/v3?timeUnit=MICROSECOND") as api:
        assert (await api.ask("time"))["result"] == {"serverTime": MILLI * 1000}
        assert (await api.ask("session.status"))["result"]["connectedSince"] == MILLI * 1000


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"recvWindow": 5000, "omitZeroBalances": True},
        {"omitZeroBalances": False, "note": "Ω & = %20"},
        {"timestamp": MILLI * 1000},
        {"recvWindow": 60000},
    ],
)
async def test_a_signature_covers_the_sorted_parameters_as_written(
    addresses: Addresses, key: HmacSigner, params: dict[str, object]
) -> None:
    async with line(addresses) as api:
        assert (await api.ask("account.status", signed(key, **params)))["status"] == 200


def test_the_documented_example_verifies_and_numbers_count_as_written() -> None:
    # binance-spot-api-docs web-socket-api.md, SIGNED request example (HMAC).
    frame = """{"id": "4885f793", "method": "v3/order.place", "params": {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
        "price": 52000.00, "newOrderRespType": "ACK", "recvWindow": 100, "timestamp": 1645423376532,
        "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"}}"""
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    request = read_frame(frame)
    assert request.method == "order.place"
    expected = "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a"
    assert HmacSigner("", secret).sign(request.parameters.payload) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"signature": "00"}, (400, -1022)),
        ({"omitZeroBalances": True}, (400, -1022)),
        ({"signature": ""}, MISSING),
        ({"signature": None}, MISSING),
        ({"timestamp": None}, MISSING),
        ({"apiKey": ""}, MISSING),
        ({"apiKey": None}, MISSING),
        ({"apiKey": "k" * 63}, (401, -2014)),
        ({"apiKey": "k" * 63 + "-"}, (401, -2014)),
        ({"apiKey": 5}, (401, -2014)),
        ({"apiKey": "k" * 64}, (401, -2015)),
        ({"timestamp": MILLI - 5001}, (400, -1021)),
        ({"timestamp": MILLI + 1000}, (400, -1021)),
        ({"timestamp": "soon"}, (400, -1100)),
        ({"timestamp": 1.5}, (400, -1100)),
        ({"timestamp": True}, (400, -1100)),
        ({"recvWindow": 60001}, (400, -1131)),
        ({"recvWindow": {"a": 1}}, INVALID),
        ({"extra": [1]}, INVALID),
        ({"extra": "\ud800"}, (400, -1022)),
        ({"\ud800": "extra"}, (400, -1022)),
    ],
)
async def test_a_signed_request_that_is_not_right_is_refused_for_the_right_reason(
    addresses: Addresses, host: Host, key: HmacSigner, change: dict[str, object], expected: tuple[int, int]
) -> None:
    async with line(addresses) as api:
        answer = await api.ask("account.status", {**signed(key), **change}, request_id="mine")
        assert refusal(answer) == expected
        assert answer["id"] == "mine"
        assert (await api.ask("account.status", signed(key)))["status"] == 200
    assert (await host.log())[0]["code"] == expected[1]


@pytest.mark.parametrize("member", ["apiKey", "timestamp", "signature"])
async def test_a_missing_parameter_is_named(addresses: Addresses, key: HmacSigner, member: str) -> None:
    async with line(addresses) as api:
        params = {name: value for name, value in signed(key).items() if name != member}
        answer = await api.ask("account.status", params)
        assert refusal(answer) == MISSING
        assert f"'{member}'" in answer["error"]["msg"]


@pytest.mark.parametrize(
    ("frame", "request_id", "expected"),
    [
        ("", None, INVALID),
        ("{", None, INVALID),
        ("null", None, INVALID),
        ("[]", None, INVALID),
        ("NaN", None, INVALID),
        ('{"id": NaN, "method": "ping"}', None, INVALID),
        ("[" * 60_000, None, INVALID),
        ("1" * 60_000, None, INVALID),
        (b'{"id": 1, "method": "ping"}', None, INVALID),
        ('{"method": "ping"}', None, MISSING),
        ('{"id": 1.5, "method": "ping"}', None, INVALID),
        ('{"id": true, "method": "ping"}', None, INVALID),
        ('{"id": [], "method": "ping"}', None, INVALID),
        ('{"id": %s, "method": "ping"}' % ("9" * 6000), None, INVALID),
        ('{"id": 1}', 1, MISSING),
        ('{"id": 1, "method": ""}', 1, MISSING),
        ('{"id": 1, "method": null}', 1, MISSING),
        ('{"id": 1, "method": 5}', 1, INVALID),
        ('{"id": 1, "method": {}}', 1, MISSING),
        ('{"id": 1, "method": ["ping"]}', 1, INVALID),
        ('{"id": 1, "method": "ping", "params": []}', 1, INVALID),
        ('{"id": 1, "method": "ping", "params": "x"}', 1, INVALID),
        ('{"id": 1, "method": "Ping"}', 1, (400, -1020)),
        ('{"id": 1, "method": "\\u0000"}', 1, (400, -1020)),
        ('{"id": 1, "method": "__class__"}', 1, (400, -1020)),
    ],
)
async def test_a_frame_that_makes_no_sense_is_answered_and_the_connection_goes_on(
    addresses: Addresses, frame: str | bytes, request_id: object, expected: tuple[int, int]
) -> None:
    async with line(addresses) as api:
        before = used(await api.ask("ping"))
        answer = await api.raw(frame)
        assert (answer["id"], refusal(answer)) == (request_id, expected)
        assert used(answer) == before + 1
        assert (await api.ask("ping"))["status"] == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
METHOD_NAMES = st.sampled_from(
    ["ping", "session.logon", "session.status", "account.status", "userDataStream.subscribe.signature"]
)
NAMES = st.sampled_from(["apiKey", "signature", "timestamp", "recvWindow", "returnRateLimits"])
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "method": METHOD_NAMES | JSON,
        "params": JSON | st.dictionaries(NAMES | st.text(), JSON, max_size=6),
    },
)
FRAMES = st.text() | st.binary() | JSON.map(json.dumps) | REQUESTS.map(json.dumps)


@settings(max_examples=examples(150), suppress_health_check=[*UNTIMED, HealthCheck.function_scoped_fixture])
@given(frames=st.lists(FRAMES, min_size=1, max_size=12))
def test_any_frame_gets_exactly_one_typed_answer(frames: list[str | bytes]) -> None:
    async def talk() -> None:
        async with serve(EmbeddedExchange(clock=ManualClock(), seed=1)) as addresses, line(addresses) as api:
            for frame in frames:
                answer = await api.raw(frame if isinstance(frame, bytes) else frame.encode(errors="replace").decode())
                assert set(answer) - {"rateLimits"} in ({"id", "status", "result"}, {"id", "status", "error"})
                assert answer["status"] in (200, 400, 401)
                if "error" in answer:
                    assert answer["error"]["code"] not in (0, -1000)
            assert (await api.ask("session.status"))["result"]["apiKey"] is None

    asyncio.run(talk())


async def test_a_message_that_is_too_long_ends_its_own_connection_only(addresses: Addresses) -> None:
    async with line(addresses) as good, line(addresses) as bad:
        await bad.socket.send("x" * (MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            await bad.socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await good.ask("ping"))["status"] == 200


def open_by_hand(addresses: Addresses) -> socket.socket:
    place = httpx.URL(addresses.ws_url)
    raw = socket.create_connection(("127.0.0.1", place.port or 0), timeout=PATIENCE)
    raw.sendall(
        b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += raw.recv(4096)
    assert received.startswith(b"HTTP/1.1 101 ")
    return raw


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x81\xfe\x10",  # half of a header
        b"\x81\x85\x00\x00\x00\x00{",  # a frame cut off
        b"\x01\x82\x00\x00\x00\x00{}",  # the first of several fragments
        b"\x81\x02{}",  # not masked
        b"\xff\xff\xff\xff\xff",  # no such opcode
        b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # not UTF-8
        b"\x80\x80\x00\x00\x00\x00",  # the end of something that never began
    ],
)
@pytest.mark.parametrize("resets", [False, True])
async def test_a_connection_that_dies_in_a_frame_harms_nobody(
    addresses: Addresses, capfd: pytest.CaptureFixture[str], bytes_sent: bytes, resets: bool
) -> None:
    async with line(addresses) as good:
        raw = await asyncio.to_thread(open_by_hand, addresses)
        raw.sendall(bytes_sent)
        if resets:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        with suppress(OSError):
            raw.close()
        for _ in range(3):
            assert (await good.ask("ping"))["status"] == 200
    assert capfd.readouterr() == ("", "")


async def test_a_client_that_leaves_while_its_answer_is_delayed_is_forgotten(
    addresses: Addresses, host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    async with line(addresses) as api:
        await host.faults(latency_ms=50)
        await api.socket.send('{"id": 1, "method": "ping"}')
        api.socket.transport.abort()
    await host.faults()
    async with line(addresses) as api:
        assert (await api.ask("ping"))["status"] == 200
    assert capfd.readouterr() == ("", "")


async def test_it_stops_although_connections_are_open(exchange: EmbeddedExchange) -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(PATIENCE):
        async with serve(exchange) as addresses:
            api, stream = line(addresses), line(addresses, "/ws/btcusdt@trade")
            open_api, open_stream = await api.__aenter__(), await stream.__aenter__()
            await open_stream.next()
        for each in (open_api, open_stream):
            with pytest.raises(ConnectionClosedError) as closed:
                await each.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        await api.__aexit__(None, None, None)
        await stream.__aexit__(None, None, None)
    assert asyncio.all_tasks() == before
