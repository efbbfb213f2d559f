"""A sub-account's keys: the bytes on the wire, what is read from them, what a failure leaves open, and the pace."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import UNTIMED, examples
from tests.exchange.fake_exchange import (
    API_KEY,
    SECRET,
    FakeExchange,
    Script,
    Seen,
    answer,
    cut,
    drip,
    flood,
    hmac_credentials,
    hold,
)
from tests.exchange.test_leaks import everything_told
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.exchange import sub_accounts
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.responses import decode
from wizard.exchange.signing import SigningKeyError, generate_ed25519, sign
from wizard.exchange.sub_accounts import Pacer, SubAccountClient, grantable, parameters
from wizard.rehearsal.simulator import EmbeddedExchange, serve

EMAIL = "bot+one@example.test"
SUB_KEY = "Sq7u2Nn0Xv4eRrTz9LkPw3YbHc8mDf6GjAo5iE1WsQKtUyVxZaBnCpMlOdFhJg0L"
CREATED_SECRET = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210aBcDeFgHiJkLmNoPqRsTuVwXyZ01"
TRADING = ("enableSpotAndMarginTrading", "enableFutures")
PEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
LIST = ["203.0.113.42", "198.51.100.7"]
CREATED = {
    "apiName": "kw-7",
    "apiKey": SUB_KEY,
    "secretKey": CREATED_SECRET,
    "canTrade": True,
    "status": 2,
    "ipList": LIST,
    "news": {"unknown": [1]},
}
KEYS = "/sapi/v1/sub-account/subAccountApi"
Call = Callable[[SubAccountClient], Awaitable[object]]
CHANGES: dict[str, Call] = {
    "create": lambda client: client.create("kw-7", TRADING, LIST, PEM),
    "restrict": lambda client: client.restrict(Secret(SUB_KEY), LIST),
    "remove": lambda client: client.remove(Secret(SUB_KEY), LIST),
    "delete": lambda client: client.delete(Secret(SUB_KEY)),
}
CALLS = {
    **CHANGES,
    "account": lambda client: client.account(),
    "keys": lambda client: client.keys(),
    "restriction": lambda client: client.restriction(Secret(SUB_KEY)),
}
each_change = pytest.mark.parametrize("call", CHANGES.values(), ids=CHANGES.keys())
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


class SimulatedClock:
    """Time that passes only where somebody waits."""

    now = 1000.0

    def read(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@asynccontextmanager
async def sub_account(
    reply: object, master: Credentials | None = None, deadline: float = 5.0
) -> AsyncIterator[tuple[FakeExchange, SubAccountClient]]:
    """A client whose exchange answers with the JSON, the bytes or the script `reply`."""
    whole = reply if isinstance(reply, bytes) or callable(reply) else answer(200, reply)
    clock = SimulatedClock()
    async with FakeExchange(whole) as fake, fake.client(deadline=deadline) as client:
        pacer = Pacer(clock.read, clock.pause)
        yield fake, SubAccountClient(client, master or hmac_credentials(), EMAIL, pacer)


async def failure(reply: object, call: Call, master: Credentials | None = None, deadline: float = 5.0) -> WizardError:
    async with sub_account(reply, master, deadline) as (_, client):
        error = await ended(client, call)
    assert error is not None
    return error


async def ended(client: SubAccountClient, call: Call) -> WizardError | None:
    """The failure of a call, its traceback without the frames of the test."""
    try:
        await call(client)
    except WizardError as error:
        return error
    return None


# What goes over the wire


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (
            CHANGES["create"],
            "POST",
            KEYS,
            "apiName=kw-7&status=2&ipAddress=203.0.113.42%2C198.51.100.7&canTrade=true&canMarginLoanRepay=false"
            "&canFuturesTrade=true&canUniversalTransfer=false&canVanillaOptions=false"
            "&publicKey=-----BEGIN%20PUBLIC%20KEY-----%0AMCowBQYDK2VwAyEA%0A-----END%20PUBLIC%20KEY-----%0A",
        ),
        (
            CHANGES["restrict"],
            "POST",
            "/sapi/v2/sub-account/subAccountApi/ipRestriction",
            f"subAccountApiKey={SUB_KEY}&status=2&ipAddress=203.0.113.42%2C198.51.100.7",
        ),
        (
            CHANGES["remove"],
            "DELETE",
            f"{KEYS}/ipRestriction/ipList",
            f"subAccountApiKey={SUB_KEY}&ipAddress=203.0.113.42%2C198.51.100.7",
        ),
        (CHANGES["delete"], "DELETE", KEYS, f"subAccountApiKey={SUB_KEY}"),
    ],
    ids=CHANGES.keys(),
)
async def test_a_change_has_all_its_parameters_in_the_signed_form_body(
    call: Call, method: str, path: str, body: str
) -> None:
    async with sub_account(CREATED) as (fake, client):
        await call(client)
    seen = fake.seen[0]
    assert (seen.method, seen.target) == (method, path)
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["x-mbx-apikey"] == API_KEY
    payload, _, signature = seen.body.rpartition("&signature=")
    assert payload == f"email=bot%2Bone%40example.test&{body}&recvWindow=5000&timestamp=1790000000000"
    assert signature == sign(hmac_credentials(), payload)


@pytest.mark.parametrize(
    ("name", "reply", "target"),
    [
        ("keys", {"total": 0, "rows": []}, f"{KEYS}?email=bot%2Bone%40example.test&page=1&size=100&"),
        (
            "restriction",
            {"ipRestrict": "true"},
            f"{KEYS}/ipRestriction?email=bot%2Bone%40example.test&subAccountApiKey={SUB_KEY}&",
        ),
        (
            "account",
            {"subAccounts": [{"email": EMAIL}]},
            "/sapi/v1/sub-account/list?email=bot%2Bone%40example.test&",
        ),
    ],
)
async def test_a_question_has_its_parameters_in_the_query_and_no_body(name: str, reply: object, target: str) -> None:
    async with sub_account(reply) as (fake, client):
        await CALLS[name](client)
    seen = fake.seen[0]
    assert seen.method == "GET"
    assert seen.target.startswith(f"{target}recvWindow=5000&timestamp=")
    assert not {"content-type", "content-length"} & seen.headers.keys()
    payload, _, signature = seen.query.rpartition("&signature=")
    assert signature == sign(hmac_credentials(), payload)


async def test_the_public_key_and_the_name_are_sent_whole() -> None:
    pem = generate_ed25519().public_pem
    async with sub_account(CREATED) as (fake, client):
        await client.create("a name & more", TRADING, LIST, pem)
    assert "publicKey=-----BEGIN%20PUBLIC%20KEY-----%0AMCowBQYDK2VwAyEA" in fake.seen[0].body
    form = parse_qs(fake.seen[0].body, strict_parsing=True)
    assert form["publicKey"] == [pem]
    assert form["apiName"] == ["a name & more"]


async def test_flags_of_fix_go_to_the_second_version_with_every_other_flag() -> None:
    async with sub_account(CREATED) as (fake, client):
        await client.create("kw-7", ("enableSpotAndMarginTrading", "enableFixReadOnly"), LIST, PEM)
    assert fake.seen[0].target == "/sapi/v2/sub-account/subAccountApi"
    flags = {name: value for name, value in parse_qsl(fake.seen[0].body) if name.startswith("can")}
    assert len(flags) == 7
    assert [name for name, value in flags.items() if value == "true"] == ["canTrade", "canFixApiReading"]


async def test_a_master_key_of_ed25519_signs_a_body() -> None:
    master = Credentials(KeyKind.ED25519, Secret(API_KEY), generate_ed25519().private_pem)
    async with sub_account(CREATED, master) as (fake, client):
        await CHANGES["delete"](client)
    payload, _, signature = fake.seen[0].body.rpartition("&signature=")
    assert parse_qs(f"s={signature}")["s"] == [sign(master, payload)]


# What is never sent


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [""],
        "203.0.113.42",
        ["203.0.113.0/24"],
        ["2001:db8::1"],
        ["203.0.113.042"],
        ["203.0.113.42,0.0.0.0"],
        ["203.0.113.42 "],
        [f"203.0.113.{last}" for last in range(31)],
    ],
)
async def test_a_list_that_binance_may_read_in_another_way_is_not_sent(addresses: list[str]) -> None:
    async with sub_account(CREATED) as (fake, client):
        for call in (client.create("kw-7", TRADING, addresses, PEM), client.restrict(Secret(SUB_KEY), addresses)):
            with pytest.raises(WizardError) as caught:
                await call
            assert caught.value.code == "sub-account.addresses"
    assert fake.seen == []


async def test_thirty_of_the_longest_addresses_are_within_the_limit() -> None:
    longest = [f"203.113.113.{last}" for last in range(100, 130)]
    async with sub_account(CREATED) as (fake, client):
        await client.restrict(Secret(SUB_KEY), longest)
    assert parse_qs(fake.seen[0].body)["ipAddress"] == [",".join(longest)]


async def test_what_binance_lists_can_be_removed_but_never_nothing() -> None:
    async with sub_account({}) as (fake, client):
        await client.remove(Secret(SUB_KEY), ["203.0.113.0/24", "2001:db8::1"])
        for addresses in ([], ["203.0.113.42,198.51.100.7"], ["none"]):
            with pytest.raises(WizardError):
                await client.remove(Secret(SUB_KEY), addresses)
    assert [parse_qs(seen.body)["ipAddress"] for seen in fake.seen] == [["203.0.113.0/24,2001:db8::1"]]


@pytest.mark.parametrize("api_key", ["", "vmP***", "…0L94", API_KEY], ids=["empty", "masked", "name", "the master's"])
async def test_a_masked_key_and_the_masters_key_are_never_changed_or_deleted(api_key: str) -> None:
    async with sub_account({}) as (fake, client):
        key = Secret(api_key)
        for call in (client.delete(key), client.restrict(key, LIST)):
            with pytest.raises(WizardError) as caught:
                await call
            assert caught.value.code == "sub-account.key"
    assert fake.seen == []


# What is read


@pytest.mark.parametrize("spelled", ["apiKey", "apikey"])
@pytest.mark.parametrize("status", [2, "2"])
async def test_a_created_key_is_read_in_both_spellings_and_types(spelled: str, status: object) -> None:
    reply = {**{name: value for name, value in CREATED.items() if name != "apiKey"}, spelled: SUB_KEY, "status": status}
    async with sub_account(reply) as (_, client):
        created = await client.create("kw-7", TRADING, LIST, PEM)
    assert created == Secret(SUB_KEY)


@pytest.mark.parametrize(
    ("reply", "is_restricted", "addresses"),
    [
        ({"ipRestrict": "true", "ipList": LIST, "apiKey": SUB_KEY}, True, set(LIST)),
        ({"ipRestrict": True, "ipList": LIST, "apikey": SUB_KEY}, True, set(LIST)),
        ({"ipRestrict": "false", "updateTime": 1}, False, set()),
        ({"ipRestrict": False, "ipList": None}, False, set()),
        ({"ipRestrict": "perhaps", "ipList": []}, None, set()),
        ({}, None, set()),
    ],
)
async def test_a_restriction_is_read_in_both_types(reply: object, is_restricted: bool, addresses: set[str]) -> None:
    async with sub_account(reply) as (_, client):
        told = await client.restriction(Secret(SUB_KEY))
    assert told.is_restricted is is_restricted
    assert told.addresses == addresses


@pytest.mark.parametrize("reply", [{"apiKey": API_KEY, "ipRestrict": "true"}, {"ipList": "1.2.3.4"}, {"ipList": [4]}])
async def test_the_restriction_of_another_key_or_of_no_list_is_unreadable(reply: object) -> None:
    error = await failure(reply, CALLS["restriction"])
    assert isinstance(error, ExchangeError)
    assert error.kind is ErrorKind.UNREADABLE_ANSWER


def row(number: int, **more: object) -> dict[str, object]:
    return {"email": EMAIL, "apiName": f"kw-{number}", "apikey": f"{number:062}", "canTrade": True, **more}


def pages(rows: list[dict[str, object]], field: str = "rows", total: object = None, at_most: int = 100) -> Script:
    async def reply(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
        asked = {name: int(value) for name, value in parse_qsl(seen.query) if name in ("page", "size")}
        size = min(asked["size"], at_most)
        first = (asked["page"] - 1) * size
        writer.write(answer(200, {"total": len(rows) if total is None else total, field: rows[first : first + size]}))

    return reply


@pytest.mark.parametrize("field", ["rows", "list"])
@pytest.mark.parametrize(("count", "at_most", "calls"), [(0, 100, 1), (100, 100, 1), (250, 100, 3), (95, 30, 4)])
async def test_all_pages_of_the_list_are_read(field: str, count: int, at_most: int, calls: int) -> None:
    async with sub_account(pages([row(n) for n in range(count)], field, at_most=at_most)) as (fake, client):
        keys = await client.keys()
    assert [key.api_name for key in keys] == [f"kw-{n}" for n in range(count)]
    assert len({key.name for key in keys}) == count
    assert len(fake.seen) == calls


@pytest.mark.parametrize(
    "reply",
    [
        pages([row(1), row(2)], total=3),
        pages([row(1)], total="1"),
        pages([row(1), row(1)]),
        pages([row(1)], field="keys"),
        answer(200, {"total": 1, "rows": [7]}),
        answer(200, {"total": 10**9, "rows": [row(1)]}),
    ],
    ids=["short", "total of text", "twice", "no rows", "no row", "without end"],
)
async def test_a_list_that_may_lack_a_key_is_unreadable(reply: Script | bytes) -> None:
    error = await failure(reply, CALLS["keys"])
    assert isinstance(error, ExchangeError)
    assert error.kind is ErrorKind.UNREADABLE_ANSWER


@pytest.mark.parametrize("masked", ["vmP***", "****0L94", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIg", "", None])
async def test_a_masked_row_has_no_key(masked: str | None) -> None:
    async with sub_account(pages([row(1, apikey=masked), row(2, apikey=masked)])) as (_, client):
        keys = await client.keys()
    assert [(key.api_key, key.name, key.api_name) for key in keys] == [(None, None, "kw-1"), (None, None, "kw-2")]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "sub-account.unknown"),
        ([{"email": "bot@example.test"}], "sub-account.unknown"),
        ([{"email": EMAIL.upper()}], "sub-account.unknown"),
        ([{"email": EMAIL}, {"email": EMAIL}], "sub-account.unknown"),
        ([{"email": EMAIL, "isFreeze": "true"}], "sub-account.unfit"),
        ([{"email": EMAIL, "isFreeze": True}], "sub-account.unfit"),
        ([{"email": EMAIL, "isManagedSubAccount": True}], "sub-account.unfit"),
        ([{"email": EMAIL, "isAssetManagementSubAccount": True}], "sub-account.unfit"),
    ],
)
async def test_an_account_that_is_not_the_one_or_unfit_is_refused(rows: list[object], code: str) -> None:
    error = await failure({"subAccounts": rows}, CALLS["account"])
    assert error.code == code


async def test_an_ordinary_account_among_others_is_found() -> None:
    ordinary = {"email": EMAIL, "isFreeze": "false", "isManagedSubAccount": False, "isAssetManagementSubAccount": False}
    async with sub_account({"subAccounts": [{"email": "a@example.test", "isFreeze": "true"}, ordinary]}) as (_, client):
        await client.account()


# What a failure leaves open

CATCH_ALL = "Unsupported operation"
FAILURES: dict[str, tuple[bytes | Script, bool]] = {
    "no answer": (hold, True),
    "slow answer": (drip, True),
    "cut answer": (cut, True),
    "endless answer": (flood, True),
    "no HTTP": (b"220 smtp.test ESMTP\r\n\r\n", True),
    "server fault": (answer(503, {"code": -1008, "msg": "Server is currently overloaded"}), True),
    "gateway": (answer(504, b"<html>"), True),
    "no JSON": (answer(200, b"<html>"), True),
    "list": (answer(200, [1]), True),
    "redirect": (answer(302, b"", Location="/elsewhere"), True),
    "no code": (answer(404, b""), True),
    "unknown error": (answer(400, {"code": -1000, "msg": "An unknown error occurred"}), True),
    "disconnected": (answer(400, {"code": -1001, "msg": "Internal error"}), True),
    "unexpected": (answer(400, {"code": -1006, "msg": "Execution status unknown."}), True),
    "backend time-out": (answer(408, {"code": -1007, "msg": "Execution status unknown."}), True),
    "catch-all": (answer(400, {"code": -9000, "msg": CATCH_ALL}), False),
    "refused": (answer(400, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}), False),
    "unknown code": (answer(400, {"code": -12022, "msg": "News"}), False),
    "slow down": (answer(429, {"code": -1003, "msg": "Too many"}, Retry_After="7"), False),
    "banned": (answer(418, b""), False),
    "firewall": (answer(403, b"<html>"), False),
    "country": (answer(451, b""), False),
}


@pytest.mark.parametrize(("reply", "is_unknown"), FAILURES.values(), ids=FAILURES.keys())
@each_change
async def test_a_failure_says_whether_the_change_may_have_been_made(
    reply: bytes | Script, is_unknown: bool, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sub_accounts, "CHANGE_DEADLINE", 0.2)
    async with sub_account(reply) as (fake, client):
        with pytest.raises(ExchangeError) as caught:
            await call(client)
    assert caught.value.is_outcome_unknown is is_unknown
    assert len(fake.seen) == 1, "nothing is repeated"


async def test_the_words_of_the_catch_all_code_and_of_unknown_codes_are_shown() -> None:
    error = await failure(answer(400, {"code": -9000, "msg": CATCH_ALL}), CHANGES["create"])
    assert isinstance(error, ExchangeError)
    assert (error.exchange_code, error.message) == (-9000, CATCH_ALL)
    assert CATCH_ALL in " ".join(error.sentences())
    assert "-9000" in " ".join(error.sentences())


async def test_the_time_to_wait_is_kept_and_nothing_else_is_asked() -> None:
    error = await failure(answer(429, b"", Retry_After="7"), CHANGES["create"])
    assert isinstance(error, ExchangeError)
    assert error.retry_after == 7


async def test_an_answer_without_a_whole_key_leaves_open_whether_one_was_created() -> None:
    for reply in ({}, {**CREATED, "apiKey": "vmP***"}, {**CREATED, "apiKey": 7}):
        error = await failure(reply, CHANGES["create"])
        assert isinstance(error, ExchangeError)
        assert error.is_outcome_unknown


async def test_a_change_may_take_longer_than_the_clients_own_deadline() -> None:
    async def late(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer(200, CREATED))

    async with sub_account(late, deadline=0.1) as (_, client):
        await CHANGES["create"](client)
    assert isinstance(await failure(late, CALLS["keys"], deadline=0.1), ExchangeError)


async def is_open_after(transport: httpx.AsyncBaseTransport, url: str, *, proxied: bool = False) -> bool:
    """Whether a creation over this transport, which fails, may have been carried out."""
    async with ExchangeClient(Site("custom", url, ""), transport, proxied=proxied) as client:
        with pytest.raises(ExchangeError) as caught:
            await CHANGES["create"](SubAccountClient(client, hmac_credentials(), EMAIL, Pacer()))
    return caught.value.is_outcome_unknown


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://nowhere.invalid"])
async def test_what_never_left_changed_nothing(url: str) -> None:
    assert await is_open_after(httpx.AsyncHTTPTransport(), url) is False


async def test_a_certificate_that_is_not_trusted_keeps_the_request_back() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with FakeExchange(answer(200, CREATED), tls=context) as fake:
        assert await is_open_after(httpx.AsyncHTTPTransport(), fake.site.rest_url) is False
        assert fake.seen == []


async def test_a_tls_connection_that_breaks_after_the_request_leaves_the_outcome_open() -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def garble(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
        # Below TLS: the client sees a record that does not decrypt.
        transport: Any = writer.transport
        transport._ssl_protocol._transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))

    for script in (garble, cut_off):
        async with FakeExchange(script, tls=context) as fake:
            assert await is_open_after(httpx.AsyncHTTPTransport(verify=trusting), fake.site.rest_url) is True
            assert len(fake.seen) == 1


async def cut_off(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize(
    ("url", "is_unknown"), [("https://api.exchange.test", False), ("http://api.exchange.test", True)]
)
@pytest.mark.parametrize("reply", [hold, answer(502, b"")], ids=["silent", "refusing"])
async def test_a_proxy_that_opens_no_tunnel_saw_nothing_but_one_without_a_tunnel_may_have_passed_it_on(
    url: str, is_unknown: bool, reply: bytes | Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sub_accounts, "CHANGE_DEADLINE", 0.3)
    async with FakeExchange(reply) as proxy:
        transport = httpx.AsyncHTTPTransport(proxy=f"http://127.0.0.1:{proxy.port}")
        assert await is_open_after(transport, url, proxied=True) is is_unknown
        assert (API_KEY in str(proxy.seen[0].headers)) is is_unknown


# What nobody may see

SECRETS = (API_KEY, SECRET, SUB_KEY, CREATED_SECRET)
LEAKY: dict[str, bytes | Script] = {
    **{name: reply for name, (reply, _) in FAILURES.items()},
    "list at fault": answer(200, {**CREATED, "ipList": 7}),
    "created, key masked": answer(200, {**CREATED, "apiKey": "vmP***"}),
    "created, twice nested": answer(200, [{"data": CREATED}]),
    "created, cut short": answer(200, json.dumps(CREATED).encode()[:-1]),
    "rows at fault": answer(200, {"total": "1", "rows": [{"apikey": SUB_KEY, "secretKey": CREATED_SECRET}]}),
    "accounts at fault": answer(200, {"subAccounts": [{"email": EMAIL, "apiKey": SUB_KEY, "isFreeze": True}]}),
    "another key": answer(200, {"apiKey": API_KEY, "ipRestrict": "true"}),
    "text with keys": answer(400, {"code": -9000, "msg": f"{CREATED_SECRET} of {SUB_KEY} by {API_KEY}"}),
}


@pytest.mark.parametrize("reply", LEAKY.values(), ids=LEAKY.keys())
@each_call
async def test_an_error_shows_neither_the_masters_nor_a_sub_accounts_keys(
    reply: bytes | Script, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sub_accounts, "CHANGE_DEADLINE", 0.2)
    async with sub_account(reply, deadline=0.2) as (fake, client):
        error = await ended(client, call)
        sent = fake.seen[0]
    if error is None:
        return
    told = everything_told(error)
    signature = (sent.body or sent.query).rpartition("signature=")[2]
    assert len(signature) == 64
    assert not [hidden for hidden in (*SECRETS, signature) if hidden in told]
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_an_answer_that_repeats_the_body_is_cleared_of_keys_and_signature() -> None:
    async def echo(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(400, {"code": -9000, "msg": f"{seen.body[seen.body.index('recvWindow') :]} {SUB_KEY}"}))

    master = Credentials(KeyKind.ED25519, Secret(API_KEY), generate_ed25519().private_pem)
    async with sub_account(echo, master) as (fake, client):
        error = await ended(client, CHANGES["delete"])
        signature = fake.seen[0].body.rpartition("signature=")[2]
    assert isinstance(error, ExchangeError)
    assert error.message.startswith("recvWindow=5000&timestamp=1790000000000&signature=••••")
    assert not [hidden for hidden in (SUB_KEY, signature, signature[:80]) if hidden in everything_told(error)]


@each_call
async def test_a_master_key_that_cannot_sign_shows_no_key_and_sends_nothing(call: Call) -> None:
    unusable = Credentials(KeyKind.ED25519, Secret(API_KEY), Secret(SECRET))
    async with sub_account({}, unusable) as (fake, client):
        error = await ended(client, call)
    assert isinstance(error, SigningKeyError)
    assert fake.seen == []
    assert not [hidden for hidden in SECRETS if hidden in everything_told(error)]


async def test_no_repr_and_no_log_shows_a_key_or_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with sub_account({**CREATED, "total": 1, "rows": [row(1, apikey=SUB_KEY)]}) as (_, client):
        created = await client.create("kw-7", TRADING, LIST, PEM)
        keys = await client.keys()
        told = await client.restriction(Secret(SUB_KEY))
        shown = f"{created!r} {created} {keys!r} {told!r} {vars(client)!r}"
    assert keys[0].api_key == Secret(SUB_KEY)
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert not [hidden for hidden in (*SECRETS, "signature=") if hidden in shown + logged]


# The pace


def most_in_a_minute(moments: list[float]) -> int:
    moments = sorted(moments)
    return max(sum(1 for one in moments[first:] if one < moments[first] + 60) for first in range(len(moments)))


async def test_a_hundred_accounts_stay_within_the_limit_of_each_path_and_minute() -> None:
    clock, moments = SimulatedClock(), defaultdict(list)
    changed: dict[str, list[float]] = defaultdict(list)

    async def reply(seen: Seen, reader: object, writer: asyncio.StreamWriter) -> None:
        path = seen.target.partition("?")[0]
        moments[path].append(clock.now)
        form = parse_qs(seen.body)
        if path == KEYS and form:
            changed[f"{seen.method} {form['email'][0]}"].append(clock.now)
        writer.write(answer(200, {**CREATED, "total": 0, "rows": []}))

    async with FakeExchange(reply) as fake, fake.client() as client:
        pacer = Pacer(clock.read, clock.pause)

        async def rotate(email: str) -> None:
            account = SubAccountClient(client, hmac_credentials(), email, pacer)
            await account.keys()
            await account.create("kw-7", TRADING, LIST, PEM)
            await account.restriction(Secret(SUB_KEY))
            await account.restrict(Secret(SUB_KEY), LIST)
            await account.delete(Secret(SUB_KEY))

        for ten in range(10):
            await asyncio.gather(*(rotate(f"bot{ten}{one}@example.test") for one in range(10)))
    assert sum(map(len, moments.values())) == 500
    assert {path: most_in_a_minute(times) for path, times in moments.items() if most_in_a_minute(times) > 60} == {}
    assert most_in_a_minute(moments[KEYS]) == 60, "no slower than it has to be"
    assert clock.now - 1000 < 6 * 60


async def test_a_call_that_arrives_late_counts_in_the_minute_of_its_arrival() -> None:
    clock, arrived, chance = SimulatedClock(), [], random.Random(7)
    pacer = Pacer(clock.read, clock.pause)
    for _ in range(400):
        async with pacer.turn("/path"):
            clock.now += chance.choice([0, 0, 0, 0.5, 20])
            arrived.append(clock.now)
            clock.now += chance.choice([0, 0, 0, 0.5, 20])
    assert most_in_a_minute(arrived) <= 60


async def test_calls_under_way_count_until_they_end() -> None:
    clock, started, may_end = SimulatedClock(), [], asyncio.Event()
    pacer = Pacer(clock.read, clock.pause)

    async def call() -> None:
        async with pacer.turn("/path"):
            started.append(clock.now)
            await may_end.wait()

    calls = [asyncio.create_task(call()) for _ in range(61)]
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(started) == 60
    may_end.set()
    await asyncio.gather(*calls)
    assert len(started) == 61


async def test_what_others_spent_for_the_account_is_waited_for() -> None:
    clock = SimulatedClock()
    reply = answer(400, {"code": -9000}, **{"X_SAPI_USED_UID_WEIGHT_1M": "177000"})
    async with FakeExchange(reply) as fake, fake.client() as client:
        account = SubAccountClient(client, hmac_credentials(), EMAIL, Pacer(clock.read, clock.pause))
        for _ in range(3):
            with pytest.raises(ExchangeError):
                await account.restrict(Secret(SUB_KEY), LIST)
        assert (clock.now - 1000) // 60 == 1


@pytest.mark.parametrize("used", ["", "0", "many", "-1", "9" * 5000, "²"])
async def test_a_weight_that_is_none_holds_up_nothing(used: str) -> None:
    clock = SimulatedClock()
    async with FakeExchange(answer(200, {}, **{"X_SAPI_USED_UID_WEIGHT_1M": used})) as fake, fake.client() as client:
        account = SubAccountClient(client, hmac_credentials(), EMAIL, Pacer(clock.read, clock.pause))
        await account.restrict(Secret(SUB_KEY), LIST)
    assert clock.now == 1000


async def test_two_creations_in_one_sub_account_are_a_second_apart() -> None:
    clock = SimulatedClock()
    async with FakeExchange(answer(200, CREATED)) as fake, fake.client() as client:
        pacer = Pacer(clock.read, clock.pause)
        one, other = (SubAccountClient(client, hmac_credentials(), email, pacer) for email in ("a@b.test", "c@d.test"))
        await CHANGES["create"](one)
        await CHANGES["create"](other)
        await CHANGES["delete"](one)
        assert clock.now == 1000
        await CHANGES["create"](one)
        assert clock.now >= 1001
        await CHANGES["delete"](one)
        assert clock.now < 1002


# Which permissions can be granted

READING = {"enableReading": True, "enableWithdrawals": False}


def test_what_a_key_has_is_what_a_new_one_is_given() -> None:
    names = {
        "enableSpotAndMarginTrading": "canTrade",
        "enableMargin": "canMarginLoanRepay",
        "enableFutures": "canFuturesTrade",
        "permitsUniversalTransfer": "canUniversalTransfer",
        "enableVanillaOptions": "canVanillaOptions",
        "enableFixApiTrade": "canFixApiTrading",
        "enableFixReadOnly": "canFixApiReading",
    }
    for flag, parameter in names.items():
        grant = grantable({**READING, **dict.fromkeys(names, False), flag: True})
        sent = parameters(grant.granted)
        assert [name for name, is_on in sent.items() if is_on] == [parameter]
        assert ("canFixApiReading" in sent) is ("Fix" in flag)
        assert (grant.ungrantable, grant.doubtful) == ((), ())


def test_what_no_call_grants_is_named() -> None:
    flags = {**READING, "enableWithdrawals": True, "enableInternalTransfer": True, "enableNews": True}
    assert grantable(flags).ungrantable == ("enableWithdrawals", "enableInternalTransfer", "enableNews")


def test_portfolio_margin_is_doubtful_only_and_what_is_not_shown_is_not_granted() -> None:
    grant = grantable({**READING, "enablePortfolioMarginTrading": True, "enableFutures": True})
    assert (grant.ungrantable, grant.doubtful) == ((), ("enablePortfolioMarginTrading",))
    assert grant.granted == ("enableFutures",)


# Against the embedded exchange


async def test_a_key_lives_its_whole_life_in_the_embedded_exchange() -> None:
    async with serve(EmbeddedExchange()) as addresses, httpx.AsyncClient(trust_env=False) as page:

        async def desk(path: str, form: object) -> Any:
            told = await page.post(addresses.desk_url + path, json=form)
            assert told.status_code == 201, told.text
            return told.json()

        await desk("/sub-accounts", {"email": EMAIL})
        permissions = ["enableReading", "enableSpotAndMarginTrading"]
        key = {"label": "master", "kind": "hmac", "permissions": permissions, "whitelist": "203.0.113.42"}
        made = await desk("/keys", key)
        master = Credentials(KeyKind.HMAC, Secret(made["api_key"]), Secret(made["secret"]))
        site = Site("custom", addresses.base_url, "")
        async with ExchangeClient(site, httpx.AsyncHTTPTransport()) as client:
            account = SubAccountClient(client, master, EMAIL, Pacer())
            await account.account()
            assert await account.keys() == ()
            pair = generate_ed25519()
            created = await account.create("kw-7", TRADING, LIST, pair.public_pem)
            (listed,) = await account.keys()
            assert (listed.api_key, listed.api_name) == (created, "kw-7")

            own = Credentials(KeyKind.ED25519, created, pair.private_pem)
            restrictions = await client.api_restrictions(own)
            assert restrictions.ip_restricted
            assert grantable(restrictions.permissions).granted == TRADING

            more = [*LIST, "192.0.2.9"]
            await account.restrict(created, more)
            await account.remove(created, ["198.51.100.7"])
            restriction = await account.restriction(created)
            assert (restriction.is_restricted, restriction.addresses) == (True, {"203.0.113.42", "192.0.2.9"})

            await account.delete(created)
            assert await account.keys() == ()
            with pytest.raises(ExchangeError) as caught:
                await client.api_restrictions(own)
            assert caught.value.exchange_code == -2008


# Whatever is answered


class Answering:
    """In the place of the exchange's client: gives each call the same JSON."""

    def __init__(self, told: object) -> None:
        self._told = told

    async def call_signed(self, *_: object, **__: object) -> object:
        return self._told


FIELDS = ["apiKey", "apikey", "secretKey", "ipList", "ipRestrict", "rows", "list", "total", "subAccounts", "email"]
VALUES = st.sampled_from([SUB_KEY, EMAIL, "vmP***", "true", "\ud800", LIST, 1, -1, 10**300, True, None, {}, [], 0.5])
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES | st.text(max_size=8), max_size=8)
ANSWERS = st.dictionaries(
    st.sampled_from(FIELDS), VALUES | OBJECTS | st.lists(OBJECTS | VALUES, max_size=3), max_size=8
)


@settings(max_examples=examples(200), suppress_health_check=UNTIMED)
@given(ANSWERS | st.lists(OBJECTS), st.sampled_from(sorted(CALLS)))
def test_any_answer_ends_in_a_result_or_a_failure_by_type(told: object, name: str) -> None:
    clock, body = SimulatedClock(), json.dumps(told).encode()
    client: Any = Answering(decode(body))
    account = SubAccountClient(client, hmac_credentials(), EMAIL, Pacer(clock.read, clock.pause))
    error = asyncio.run(ended(account, CALLS[name]))
    if error is not None:
        assert isinstance(error, ExchangeError) or error.code.startswith("sub-account.")
        assert not [hidden for hidden in (API_KEY, SECRET) if hidden in everything_told(error)]
