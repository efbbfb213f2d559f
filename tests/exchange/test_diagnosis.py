"""The table of answers, row by row: what an answer means for the key, and whether to ask again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.core.sites import Site
from wizard.exchange.diagnosis import SLOWEST, CallOutcome, Cause, Circumstances, Diagnosis, diagnose
from wizard.exchange.errors import (
    ErrorKind,
    ExchangeError,
    Flaw,
    firewall_blocked,
    location_restricted,
    refused,
    server_fault,
    slow_down,
    unreachable,
    unreadable,
    unsendable_key,
)
from wizard.exchange.skew import ClockSkew
from wizard.net.trace import Phase

HERE = IPv4Address("203.0.113.42")
ELSEWHERE = IPv4Address("198.51.100.7")
LISTED = (IPv4Network("203.0.113.0/24"),)
NOT_LISTED = (IPv4Network("192.0.2.1/32"),)
SITE = Site("binance.com", "https://api.binance.com", "")
PLAIN = Circumstances(SITE, "sapi", HERE, LISTED)
REFUSAL = refused(-2015, "Invalid API-key, IP, or permissions for action.", 400)


NAMED = f"Binance sees {ELSEWHERE}, which is not on the list you composed"
UNEXPLAINED = "Binance refuses this key, and it is not clear why"
BOTH = "Binance refuses both keys from here"
COMPARED = "Binance refuses this key, most likely because of your address"
ALTHOUGH = "Binance refuses this key although your address is on the list you composed"


def row(verdict: Diagnosis) -> tuple[CallOutcome, Cause]:
    return verdict.outcome, verdict.cause


def naming(address: IPv4Address) -> ExchangeError:
    return refused(-2015, f"Invalid API-key, IP, or permissions for action, request ip: {address}", 401, address)


def test_an_answered_call_is_accepted_and_names_the_address() -> None:
    verdict = diagnose(None, PLAIN)
    assert row(verdict) == (CallOutcome.ACCEPTED, Cause.NONE)
    assert str(HERE) in verdict.why
    assert not verdict.advice


def test_accepted_from_an_address_that_is_not_listed_asks_to_compare_the_lists() -> None:
    verdict = diagnose(None, replace(PLAIN, whitelist=NOT_LISTED))
    assert verdict.outcome is CallOutcome.ACCEPTED
    assert "not on the list you composed" in verdict.why
    assert "not restricted" in verdict.advice


REJECTED, INCONCLUSIVE = CallOutcome.REJECTED, CallOutcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused(-2008, "Invalid Api-Key ID.", 400), (REJECTED, Cause.KEY_UNKNOWN)),
        (refused(-2014, "API-key format invalid.", 401), (REJECTED, Cause.MALFORMED_KEY)),
        (refused(-1022, "Signature for this request is not valid.", 400), (REJECTED, Cause.WRONG_SIGNATURE)),
        (refused(-1002, "You are not authorized", 401), (REJECTED, Cause.NOT_ALLOWED)),
        (refused(-2017, "API Keys are locked on this account.", 400), (REJECTED, Cause.NOT_ALLOWED)),
        (refused(-1021, "Timestamp for this request", 400), (INCONCLUSIVE, Cause.CLOCK)),
        (refused(-1015, "Too many new orders", 400), (INCONCLUSIVE, Cause.ORDER_RATE_LIMIT)),
        (slow_down(None, 429, -1015), (INCONCLUSIVE, Cause.ORDER_RATE_LIMIT)),
        (slow_down(12.0, 429, -1003), (INCONCLUSIVE, Cause.RATE_LIMIT)),
        (slow_down(None, 418), (INCONCLUSIVE, Cause.RATE_LIMIT)),
        (slow_down(None, 429, -2015), (INCONCLUSIVE, Cause.RATE_LIMIT)),
        (firewall_blocked(), (INCONCLUSIVE, Cause.FIREWALL)),
        (location_restricted(), (INCONCLUSIVE, Cause.LOCATION)),
        (server_fault(503), (INCONCLUSIVE, Cause.SERVER_FAULT)),
        (server_fault(503, -2015), (INCONCLUSIVE, Cause.SERVER_FAULT)),
        (refused(-1001, "Internal error", 400), (INCONCLUSIVE, Cause.SERVER_FAULT)),
        (refused(-1016, "This service is no longer available.", 400), (INCONCLUSIVE, Cause.SERVER_FAULT)),
        (refused(-1102, "Mandatory parameter", 400), (INCONCLUSIVE, Cause.REQUEST)),
        (refused(-1131, "recvWindow must be less than 60000", 400), (INCONCLUSIVE, Cause.REQUEST)),
        pytest.param(
            refused(-1100, "Illegal characters found in parameter 'ip'", 400),
            (INCONCLUSIVE, Cause.IPV6),
            marks=pytest.mark.field(49, "answers", "https://github.com/ccxt/binance-trade-bot/issues/342"),
        ),
        (refused(-1100, "Illegal characters found in parameter 'x'", 400), (INCONCLUSIVE, Cause.REQUEST)),
        (refused(-71012, "IPv6 not supported", 400), (INCONCLUSIVE, Cause.IPV6)),
        (refused(-9999, "news", 400), (INCONCLUSIVE, Cause.UNKNOWN)),
        (unreadable(Flaw.NOT_JSON), (INCONCLUSIVE, Cause.UNREADABLE_ANSWER)),
        (unsendable_key(), (INCONCLUSIVE, Cause.MALFORMED_KEY)),
        *[(unreachable(phase, "api.binance.com"), (INCONCLUSIVE, Cause.NETWORK)) for phase in Phase],
    ],
)
def test_each_row_of_the_table(error: ExchangeError, expected: tuple[CallOutcome, Cause]) -> None:
    verdict = diagnose(error, PLAIN)
    assert row(verdict) == expected
    assert verdict.what
    assert verdict.advice
    assert "{" not in verdict.advice


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - {ErrorKind.REFUSED}))
def test_no_kind_of_error_is_without_a_cause(kind: ErrorKind) -> None:
    verdict = diagnose(ExchangeError(kind, "what", "why", "advice"), PLAIN)
    assert (verdict.outcome, verdict.cause) == (INCONCLUSIVE, Cause(kind.value))


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_the_code_decides_and_not_the_http_status(status: int) -> None:
    told = {diagnose(refused(code, "", status), PLAIN).cause for code in (-2008, -2014, -1022)}
    assert told == {Cause.KEY_UNKNOWN, Cause.MALFORMED_KEY, Cause.WRONG_SIGNATURE}


@pytest.mark.parametrize(
    ("error", "egress", "whitelist", "control", "expected"),
    [
        (naming(ELSEWHERE), HERE, LISTED, True, (Cause.ADDRESS, NAMED)),
        (naming(ELSEWHERE), None, LISTED, None, (Cause.ADDRESS, NAMED)),
        (
            naming(HERE),
            ELSEWHERE,
            LISTED,
            True,
            (Cause.PERMISSION_OR_KEY, ALTHOUGH),
        ),
        (naming(HERE), ELSEWHERE, LISTED, None, (Cause.NOT_YET_VISIBLE, UNEXPLAINED)),
        (REFUSAL, HERE, NOT_LISTED, None, (Cause.ADDRESS, COMPARED)),
        (REFUSAL, HERE, NOT_LISTED, True, (Cause.ADDRESS, COMPARED)),
        (
            REFUSAL,
            HERE,
            LISTED,
            True,
            (Cause.PERMISSION_OR_KEY, ALTHOUGH),
        ),
        (REFUSAL, HERE, LISTED, False, (Cause.NOT_YET_VISIBLE, BOTH)),
        (REFUSAL, HERE, LISTED, None, (Cause.NOT_YET_VISIBLE, UNEXPLAINED)),
        (REFUSAL, HERE, (), False, (Cause.NOT_YET_VISIBLE, BOTH)),
        (REFUSAL, HERE, (), True, (Cause.NOT_YET_VISIBLE, UNEXPLAINED)),
        (REFUSAL, None, LISTED, True, (Cause.NOT_YET_VISIBLE, UNEXPLAINED)),
        (naming(ELSEWHERE), None, (), None, (Cause.NOT_YET_VISIBLE, UNEXPLAINED)),
    ],
)
def test_the_causes_of_2015_are_told_apart(
    error: ExchangeError,
    egress: IPv4Address | None,
    whitelist: tuple[IPv4Network, ...],
    control: bool | None,
    expected: tuple[Cause, str],
) -> None:
    verdict = diagnose(error, Circumstances(SITE, "sapi", egress, whitelist, control))
    assert verdict.outcome is REJECTED
    assert (verdict.cause, verdict.what) == expected


def test_an_address_at_fault_is_named_with_what_to_do() -> None:
    verdict = diagnose(REFUSAL, replace(PLAIN, whitelist=NOT_LISTED))
    assert f"Add {HERE} to the key's list" in verdict.advice


ACCEPTED_FROM = replace(PLAIN, whitelist=(), accepted_from=ELSEWHERE, accepted_at=1793664000.0)
CHANGED = "Binance refuses this key, most likely because your address changed"


@pytest.mark.parametrize("control", [None, True, False])
def test_an_address_that_changed_is_the_cause_also_where_the_list_is_unknown(control: bool | None) -> None:
    verdict = diagnose(REFUSAL, replace(ACCEPTED_FROM, control_accepted=control))
    assert (verdict.outcome, verdict.cause, verdict.what) == (REJECTED, Cause.ADDRESS, CHANGED)
    since = f"Binance accepted this key from {ELSEWHERE} on 2026-11-03. Your calls now come from {HERE}."
    assert verdict.why.startswith(since)
    assert f"Add {HERE} to the key's list" in verdict.advice
    assert verdict.unlisted is None  # there is no list here to add it to
    ordered = diagnose(refused(-1015, "Too many new orders", 400), ACCEPTED_FROM)
    assert since in ordered.why


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (REFUSAL, replace(ACCEPTED_FROM, accepted_from=HERE)),
        (REFUSAL, replace(ACCEPTED_FROM, egress=None)),
        (naming(ELSEWHERE), ACCEPTED_FROM),  # for Binance it is the address that it was
        (REFUSAL, replace(ACCEPTED_FROM, whitelist=LISTED)),  # a list with the new address was composed
    ],
)
def test_an_address_that_did_not_change_for_binance_is_not_the_cause(
    error: ExchangeError, known: Circumstances
) -> None:
    verdict = diagnose(error, known)
    assert verdict.cause is Cause.NOT_YET_VISIBLE
    assert "now come from" not in verdict.why


def test_an_unlisted_address_is_told_with_from_where_the_key_worked_and_the_job_that_adds_it() -> None:
    job = "key-wizard --env bench --job whitelist"
    verdict = diagnose(REFUSAL, replace(ACCEPTED_FROM, whitelist=NOT_LISTED, change_list=job))
    assert verdict.what == CHANGED
    assert f"from {ELSEWHERE} on 2026-11-03" in verdict.why
    assert f"{HERE} is not on the list" in verdict.why
    assert (verdict.advice, verdict.unlisted) == (f"Add {HERE} to the whitelist of this key: {job}", HERE)


@pytest.mark.parametrize("error", [REFUSAL, naming(HERE)])
@pytest.mark.parametrize("egress", [HERE, None])
def test_with_warp_on_no_address_is_advised(error: ExchangeError, egress: IPv4Address | None) -> None:
    for whitelist in ((), NOT_LISTED):
        verdict = diagnose(error, replace(PLAIN, egress=egress, whitelist=whitelist, is_shared=True))
        assert verdict.unlisted is None
        assert verdict.advice.startswith("Switch WARP off")
        assert "many people share your address" in verdict.why


def test_an_address_that_only_the_exchange_saw_is_not_advised_without_asking_whose_it_is() -> None:
    verdict = diagnose(naming(ELSEWHERE), PLAIN)
    assert "Find out whose address 198.51.100.7 is" in verdict.advice
    assert "reported" in verdict.why


def test_a_refusal_that_may_be_another_sites_asks_for_the_site_first() -> None:
    for error in (REFUSAL, refused(-2008, "Invalid Api-Key ID.", 400)):
        known = replace(PLAIN, site=replace(SITE, name="testnet"))
        assert diagnose(error, known).advice.startswith("Was this key made on testnet?")
    accepted = replace(PLAIN, accepted_from=PLAIN.egress)
    assert "Was this key made" not in diagnose(REFUSAL, accepted).advice, "it was accepted there before"


def test_an_order_rate_limit_from_an_unlisted_address_points_at_the_address() -> None:
    verdict = diagnose(refused(-1015, "Too many new orders", 400), replace(PLAIN, whitelist=NOT_LISTED))
    assert row(verdict) == (INCONCLUSIVE, Cause.ADDRESS)
    assert "documented as the order rate limit" in verdict.why


def test_a_deleted_key_is_unknown_on_sapi_and_less_surely_so_elsewhere() -> None:
    error = refused(-2008, "Invalid Api-Key ID.", 400)
    assert "reported on /sapi only" not in diagnose(error, PLAIN).why
    assert "reported on /sapi only" in diagnose(error, replace(PLAIN, surface="api")).why
    assert "report" in diagnose(error, PLAIN).why


def test_a_wrong_clock_is_shown_with_its_offset_and_bound() -> None:
    error = refused(-1021, "Timestamp for this request is outside of the recvWindow.", 400)
    verdict = diagnose(error, replace(PLAIN, skew=ClockSkew(-6200.0, 40.0, 5)))
    assert "6.2 s fast, compared with Binance's (± 40 ms" in verdict.why
    assert "NTP" in verdict.advice
    assert "not been measured" in diagnose(error, PLAIN).why
    assert "jumped" in diagnose(error, replace(PLAIN, skew=ClockSkew(3.0, 10.0, 5))).advice


def test_a_time_to_wait_is_told() -> None:
    assert "Wait 12 s" in diagnose(slow_down(12.0, 429), PLAIN).advice


def test_diagnosis_and_permissions_are_light_to_import() -> None:
    script = (
        "import json, sys, wizard.exchange.diagnosis, wizard.rotation.permissions\n"
        "print(json.dumps([name for name in ('httpx', 'httpcore', 'cryptography', 'ssl') if name in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


@pytest.mark.parametrize(
    ("error", "heals"),
    [
        (refused(-2015, "", 400), True),
        (refused(-2008, "", 400), True),
        (slow_down(5.0, 429), True),
        (firewall_blocked(), True),
        (refused(-1022, "", 400), False),
        (refused(-2014, "", 401), False),
        (refused(-1021, "", 400), False),
        (location_restricted(), False),
        (None, False),
    ],
)
def test_waiting_is_offered_only_where_time_can_help(error: ExchangeError | None, heals: bool) -> None:
    assert diagnose(error, PLAIN).may_change is heals


def test_questions_become_rarer_and_never_rarer_than_once_a_minute() -> None:
    pauses = [diagnose(None, PLAIN).pause(questions, 10.0) for questions in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 10.0
    assert pauses[-1] == SLOWEST
    # Weight 1 each: a quarter of an hour of waiting costs less than one account call.
    assert sum(pauses[:11]) > 400


def test_the_exchanges_own_time_is_obeyed_where_it_is_longer() -> None:
    assert diagnose(slow_down(90.0, 429), PLAIN).pause(1, 10.0) == 90.0
    assert diagnose(slow_down(2.0, 429), PLAIN).pause(1, 10.0) == 10.0
    assert diagnose(slow_down(None, 429), PLAIN).pause(1, 10.0) == 10.0


def test_nothing_is_asked_before_the_time_that_the_advice_names() -> None:
    assert diagnose(slow_down(None, 418), PLAIN).pause(1, 10.0) == 120.0
    assert diagnose(firewall_blocked(), PLAIN).pause(1, 10.0) == 300.0
    assert diagnose(server_fault(503, None), PLAIN).pause(1, 1.0) == 10.0
    assert diagnose(None, PLAIN).pause(1000, 10.0) == 60.0
