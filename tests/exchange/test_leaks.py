"""No key, secret or signature in an error, its chain, its frames or a log, however a call ends."""

from __future__ import annotations

import logging
import traceback
from urllib.parse import unquote

import pytest

from tests.canaries import leaked
from tests.exchange.fake_exchange import (
    API_KEY,
    SECRET,
    FakeExchange,
    Script,
    answer,
    cut,
    drip,
    flood,
    hmac_credentials,
    hold,
)
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.signing import generate_ed25519

REPLIES: dict[str, bytes | Script] = {
    "refused": answer(400, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
    "banned": answer(418, {"code": -1003}),
    "firewall": answer(403, b"<html>"),
    "restricted": answer(451, b""),
    "fault": answer(500, b""),
    "redirect": answer(302, b"", Location="/elsewhere"),
    "not-json": answer(200, b"<html>"),
    "shape": answer(200, {"ipRestrict": "yes"}),
    "foreign": b"220 smtp.test ESMTP\r\n\r\n",
    "cut": cut,
    "hold": hold,
    "drip": drip,
    "flood": flood,
}


async def call(fake: FakeExchange, credentials: Credentials) -> ExchangeError:
    async with fake.client(deadline=0.2) as client:
        try:
            await client.api_restrictions(credentials)
        except ExchangeError as error:
            return error
    raise AssertionError("the call was answered")


def everything_told(error: BaseException) -> str:
    """All that a log, a crash report or a debugger's traceback with locals would show."""
    parts = []
    one: BaseException | None = error
    while one is not None:
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
        one = one.__cause__ or one.__context__
    parts += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return " ".join(parts)


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
async def test_an_error_shows_no_key_no_secret_and_no_signature(reply: bytes | Script) -> None:
    async with FakeExchange(reply) as fake:
        error = await call(fake, hmac_credentials())
        signature = fake.seen[0].query.rpartition("=")[2]
    told = everything_told(error)
    assert len(signature) == 64
    assert [leaked(hidden, told) for hidden in (API_KEY, SECRET, signature)] == [[]] * 3


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
async def test_an_error_has_no_other_exception_chained_to_it(reply: bytes | Script) -> None:
    async with FakeExchange(reply) as fake:
        error = await call(fake, hmac_credentials())
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
async def test_an_answer_that_repeats_the_request_is_cleared_of_key_and_signature(kind: KeyKind) -> None:
    signing = Secret(SECRET) if kind is KeyKind.HMAC else generate_ed25519().private_pem
    credentials = Credentials(kind, Secret(API_KEY), signing)

    async def echo(seen: object, reader: object, writer: object) -> None:
        query, headers = fake.seen[0].query, fake.seen[0].headers
        message = f"bad {headers['x-mbx-apikey']} {query} {unquote(query)}"
        writer.write(answer(400, {"code": -1102, "msg": message[:180]}))  # type: ignore[attr-defined]
        writer.write_eof()  # type: ignore[attr-defined]

    async with FakeExchange(echo) as fake:
        error = await call(fake, credentials)
        signature = fake.seen[0].query.rpartition("signature=")[2]
    assert error.kind is ErrorKind.REFUSED
    assert error.message.startswith("bad ••••")
    told = everything_told(error)
    assert [leaked(hidden, told) for hidden in (API_KEY, unquote(signature))] == [[], []]


async def test_nothing_is_logged_by_the_http_libraries_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "httpcore.proxy"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with FakeExchange(answer(200, {"ipRestrict": True, "enableReading": True})) as fake, fake.client() as client:
        await client.api_restrictions(hmac_credentials())
        await client.connect()
    assert [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))] == []
    told = " ".join(record.getMessage() for record in caplog.records)
    assert [leaked(hidden, told) for hidden in (API_KEY, SECRET, "signature=")] == [[]] * 3
