"""Whatever a server answers, a call ends in an answer of the documented types or in a typed error."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import UNTIMED, examples
from tests.exchange.fake_exchange import FakeExchange, answer, hmac_credentials
from wizard.core.sites import Site
from wizard.exchange.diagnosis import CallOutcome, Circumstances, diagnose
from wizard.exchange.errors import ExchangeError
from wizard.exchange.responses import (
    Json,
    RawAnswer,
    interpret,
    read_account,
    read_api_restrictions,
    read_futures_balances,
    read_server_time,
)

NAMES = st.sampled_from(
    ["code", "msg", "serverTime", "ipRestrict", "createTime", "enableReading", "enableFutures", "canTrade", "uid"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-2015, -2008, -1003, -1015, -1021, 1_790_000_000_000, 10**400])
    | st.floats(allow_nan=True)
    | st.text(max_size=30)
    | st.just("Invalid API-key, IP, or permissions for action, request ip: 203.0.113.42")
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=6),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, SCALARS, max_size=6)
BODIES = st.binary(max_size=200) | (JSON | OBJECTS).map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from([200, 200, 200, 204, 301, 400, 401, 403, 404, 409, 418, 429, 451, 500, 503, 599])
CONTEXT = Circumstances(Site("binance.com", "https://api.binance.com", ""), "sapi")


def damaged(raw: bytes, at: int, instead: bytes) -> bytes:
    """A whole answer with a few bytes replaced: more is understood before it goes wrong."""
    at %= len(raw)
    return raw[:at] + instead + raw[at + len(instead) :]


ANSWERS = st.builds(answer, STATUSES, BODIES)
ON_THE_WIRE = (
    st.binary(max_size=120) | ANSWERS | st.builds(damaged, ANSWERS, st.integers(0, 500), st.binary(max_size=4))
)

READERS: list[Callable[[Json], object]] = [
    read_api_restrictions,
    read_account,
    lambda told: read_server_time(told, 1.0, 1.0),
]


@settings(max_examples=examples(400))
@given(STATUSES, st.text(max_size=12), BODIES)
def test_any_answer_is_read_or_fails_by_type_and_only_a_200_is_read(status: int, retry_after: str, body: bytes) -> None:
    told = interpret(RawAnswer(status, retry_after, body), lambda text: text, 1_790_000_000.0)
    if isinstance(told, ExchangeError):
        verdict = diagnose(told, CONTEXT)
        assert verdict.outcome is not CallOutcome.ACCEPTED
        shown = " ".join((verdict.what, verdict.why, verdict.advice))
        assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cs", "Zl", "Zp"}
        return
    assert status == 200
    readers = [read_futures_balances] if isinstance(told, list) else READERS
    for reader in readers:
        try:
            reader(told)  # type: ignore[arg-type]
        except ExchangeError as error:
            assert diagnose(error, CONTEXT).outcome is CallOutcome.INCONCLUSIVE


@settings(max_examples=examples(100), suppress_health_check=[*UNTIMED, HealthCheck.function_scoped_fixture])
@given(ON_THE_WIRE, st.booleans())
async def test_any_bytes_on_the_wire_end_in_an_answer_or_a_typed_error(raw: bytes, is_signed: bool) -> None:
    async def reply(seen: object, reader: object, writer: object) -> None:
        writer.write(raw)  # type: ignore[attr-defined]
        writer.write_eof()  # type: ignore[attr-defined]

    async with FakeExchange(reply) as fake, fake.client() as client:
        try:
            await (client.account(hmac_credentials()) if is_signed else client.server_time())
        except ExchangeError as error:
            assert error.__context__ is None
