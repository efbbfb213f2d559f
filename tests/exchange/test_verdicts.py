"""The table of answers, row by row: what an answer means for the key."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.exchange.errors import (
    AnswerUnreadable,
    ApiKeyUnsendable,
    ExchangeError,
    FirewallBlocked,
    Flaw,
    LocationRestricted,
    Refused,
    ServerFault,
    SlowDown,
    Unreachable,
)
from wizard.exchange.outcomes import Cause, Certainty, Context, Outcome, Verdict
from wizard.exchange.skew import ClockSkew
from wizard.exchange.verdicts import _BY_TYPE, judge
from wizard.net.trace import Phase

HERE = IPv4Address("203.0.113.42")
ELSEWHERE = IPv4Address("198.51.100.7")
LISTED = (IPv4Network("203.0.113.0/24"),)
NOT_LISTED = (IPv4Network("192.0.2.1/32"),)
PLAIN = Context("sapi", HERE, LISTED, None, None, "binance.com")
REFUSAL = Refused(-2015, "Invalid API-key, IP, or permissions for action.", 400)


def row(verdict: Verdict) -> tuple[Outcome, Cause, Certainty]:
    return verdict.outcome, verdict.cause, verdict.certainty


def naming(address: IPv4Address) -> Refused:
    return Refused(-2015, f"Invalid API-key, IP, or permissions for action, request ip: {address}", 401, address)


def test_an_answered_call_is_accepted_and_names_the_address() -> None:
    verdict = judge(None, PLAIN)
    assert row(verdict) == (Outcome.ACCEPTED, Cause.NONE, Certainty.CERTAIN)
    assert str(HERE) in verdict.why
    assert not verdict.advice


def test_accepted_from_an_address_that_is_not_listed_asks_to_compare_the_lists() -> None:
    verdict = judge(None, replace(PLAIN, whitelist=NOT_LISTED))
    assert verdict.outcome is Outcome.ACCEPTED
    assert "not in the whitelist" in verdict.why
    assert "not restricted" in verdict.advice


REJECTED, INCONCLUSIVE = Outcome.REJECTED, Outcome.INCONCLUSIVE
CERTAIN, LIKELY, UNKNOWN = Certainty.CERTAIN, Certainty.LIKELY, Certainty.UNKNOWN


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused(-2008, "Invalid Api-Key ID.", 400), (REJECTED, Cause.KEY_UNKNOWN, LIKELY)),
        (Refused(-2014, "API-key format invalid.", 401), (REJECTED, Cause.MALFORMED_KEY, CERTAIN)),
        (Refused(-1022, "Signature for this request is not valid.", 400), (REJECTED, Cause.WRONG_SIGNATURE, LIKELY)),
        (Refused(-1002, "You are not authorized", 401), (REJECTED, Cause.PERMISSION_OR_KEY, LIKELY)),
        (Refused(-2017, "API Keys are locked on this account.", 400), (REJECTED, Cause.PERMISSION_OR_KEY, CERTAIN)),
        (Refused(-1021, "Timestamp for this request", 400), (INCONCLUSIVE, Cause.CLOCK, CERTAIN)),
        (Refused(-1015, "Too many new orders", 400), (INCONCLUSIVE, Cause.ORDER_RATE_LIMIT, LIKELY)),
        (SlowDown(None, 429, -1015), (INCONCLUSIVE, Cause.ORDER_RATE_LIMIT, LIKELY)),
        (SlowDown(12.0, 429, -1003), (INCONCLUSIVE, Cause.RATE_LIMIT, CERTAIN)),
        (SlowDown(None, 418), (INCONCLUSIVE, Cause.RATE_LIMIT, CERTAIN)),
        (SlowDown(None, 429, -2015), (INCONCLUSIVE, Cause.RATE_LIMIT, CERTAIN)),
        (FirewallBlocked(), (INCONCLUSIVE, Cause.FIREWALL, LIKELY)),
        (LocationRestricted(), (INCONCLUSIVE, Cause.LOCATION, CERTAIN)),
        (ServerFault(503), (INCONCLUSIVE, Cause.SERVER_FAULT, CERTAIN)),
        (ServerFault(503, -2015), (INCONCLUSIVE, Cause.SERVER_FAULT, CERTAIN)),
        (Refused(-1001, "Internal error", 400), (INCONCLUSIVE, Cause.SERVER_FAULT, CERTAIN)),
        (Refused(-1016, "This service is no longer available.", 400), (INCONCLUSIVE, Cause.SERVER_FAULT, CERTAIN)),
        (Refused(-1102, "Mandatory parameter", 400), (INCONCLUSIVE, Cause.REQUEST, LIKELY)),
        (Refused(-1131, "recvWindow must be less than 60000", 400), (INCONCLUSIVE, Cause.REQUEST, LIKELY)),
        (Refused(-71012, "IPv6 not supported", 400), (INCONCLUSIVE, Cause.IPV6, LIKELY)),
        (Refused(-9999, "news", 400), (INCONCLUSIVE, Cause.UNKNOWN, UNKNOWN)),
        (AnswerUnreadable(Flaw.NOT_JSON), (INCONCLUSIVE, Cause.UNREADABLE_ANSWER, CERTAIN)),
        (ApiKeyUnsendable(), (INCONCLUSIVE, Cause.MALFORMED_KEY, CERTAIN)),
        *[(Unreachable(phase), (INCONCLUSIVE, Cause.NETWORK, CERTAIN)) for phase in Phase],
    ],
)
def test_each_row_of_the_table(error: ExchangeError, expected: tuple[Outcome, Cause, Certainty]) -> None:
    verdict = judge(error, PLAIN)
    assert row(verdict) == expected
    assert verdict.what
    assert verdict.advice
    assert "{" not in verdict.advice


def subclasses(kind: type[ExchangeError]) -> set[type[ExchangeError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_no_type_of_error_is_without_a_row() -> None:
    assert subclasses(ExchangeError) == {ExchangeError, Refused, *_BY_TYPE}


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_the_code_decides_and_not_the_http_status(status: int) -> None:
    told = {judge(Refused(code, "", status), PLAIN).cause for code in (-2008, -2014, -1022)}
    assert told == {Cause.KEY_UNKNOWN, Cause.MALFORMED_KEY, Cause.WRONG_SIGNATURE}


@pytest.mark.parametrize(
    ("error", "egress", "whitelist", "control", "expected"),
    [
        (naming(ELSEWHERE), HERE, LISTED, True, (Cause.ADDRESS, CERTAIN)),
        (naming(ELSEWHERE), None, LISTED, None, (Cause.ADDRESS, CERTAIN)),
        (naming(HERE), ELSEWHERE, LISTED, True, (Cause.PERMISSION_OR_KEY, LIKELY)),
        (naming(HERE), ELSEWHERE, LISTED, None, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (REFUSAL, HERE, NOT_LISTED, None, (Cause.ADDRESS, LIKELY)),
        (REFUSAL, HERE, NOT_LISTED, True, (Cause.ADDRESS, LIKELY)),
        (REFUSAL, HERE, LISTED, True, (Cause.PERMISSION_OR_KEY, LIKELY)),
        (REFUSAL, HERE, LISTED, False, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (REFUSAL, HERE, LISTED, None, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (REFUSAL, HERE, None, True, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (REFUSAL, HERE, (), True, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (REFUSAL, None, LISTED, True, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
        (naming(ELSEWHERE), None, None, None, (Cause.NOT_YET_VISIBLE, UNKNOWN)),
    ],
)
def test_the_triage_of_2015(
    error: Refused,
    egress: IPv4Address | None,
    whitelist: tuple[IPv4Network, ...] | None,
    control: bool | None,
    expected: tuple[Cause, Certainty],
) -> None:
    verdict = judge(error, Context("sapi", egress, whitelist, control, None, "binance.com"))
    assert verdict.outcome is REJECTED
    assert (verdict.cause, verdict.certainty) == expected


def test_an_address_at_fault_is_named_with_what_to_do() -> None:
    verdict = judge(REFUSAL, replace(PLAIN, whitelist=NOT_LISTED))
    assert f"Add {HERE} to the key's whitelist" in verdict.advice


def test_an_address_that_only_the_exchange_saw_is_not_advised_without_asking_whose_it_is() -> None:
    verdict = judge(naming(ELSEWHERE), PLAIN)
    assert "Find out whose address 198.51.100.7 is" in verdict.advice
    assert "reported" in verdict.why


def test_a_refusal_that_may_be_another_sites_asks_for_the_site_first() -> None:
    for error in (REFUSAL, Refused(-2008, "Invalid Api-Key ID.", 400)):
        assert judge(error, replace(PLAIN, site="testnet")).advice.startswith("Was this key made on testnet?")


def test_an_order_rate_limit_from_an_unlisted_address_points_at_the_address() -> None:
    verdict = judge(Refused(-1015, "Too many new orders", 400), replace(PLAIN, whitelist=NOT_LISTED))
    assert row(verdict) == (INCONCLUSIVE, Cause.ADDRESS, LIKELY)
    assert "documented as the order rate limit" in verdict.why


def test_a_deleted_key_is_unknown_on_sapi_and_less_surely_so_elsewhere() -> None:
    error = Refused(-2008, "Invalid Api-Key ID.", 400)
    assert judge(error, PLAIN).certainty is LIKELY
    assert judge(error, replace(PLAIN, surface="api")).certainty is UNKNOWN
    assert "report" in judge(error, PLAIN).why


def test_a_wrong_clock_is_shown_with_its_offset_and_bound() -> None:
    error = Refused(-1021, "Timestamp for this request is outside of the recvWindow.", 400)
    verdict = judge(error, replace(PLAIN, skew=ClockSkew(-6200.0, 40.0, 5)))
    assert "6.2 s ahead of the exchange's (± 40 ms" in verdict.why
    assert "NTP" in verdict.advice
    assert "not been measured" in judge(error, PLAIN).why
    assert "jumped" in judge(error, replace(PLAIN, skew=ClockSkew(3.0, 10.0, 5))).advice


def test_a_time_to_wait_is_told() -> None:
    assert "Wait 12 s" in judge(SlowDown(12.0, 429), PLAIN).advice


def test_verdicts_shapes_and_permissions_are_light_to_import() -> None:
    script = (
        "import json, sys, wizard.exchange.verdicts, wizard.exchange.shapes, wizard.exchange.permissions\n"
        "print(json.dumps([name for name in ('httpx', 'httpcore', 'cryptography', 'ssl') if name in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []
