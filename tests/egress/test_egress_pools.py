"""Sampling goes on until a pool would have shown itself, and says what that proves."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address

import pytest

from wizard.egress.agreement import EgressState, answers_missing, answers_needed, describe_sampling
from wizard.egress.detection import MOST_EACH, detect, sample_more
from wizard.egress.services import EchoService, Parser, Sample
from wizard.net.route import Route

A, B, C = "203.0.113.42", "198.51.100.7", "192.0.2.1"
DIRECT = Route("direct", "a test")
ECHO = EchoService("echo", "Echo", "https://x.example/", Parser.PLAIN)


def heard(*addresses: str | None) -> list[Sample]:
    return [Sample(ECHO, IPv4Address(one) if one else None, "" if one else "dead", 1.0) for one in addresses]


@pytest.mark.parametrize(("addresses", "answers"), [(2, 8), (3, 15), (4, 21), (6, 36), (8, 51), (16, 115)])
def test_the_number_of_answers_is_that_of_the_coupon_collector(addresses, answers):
    assert answers_needed(addresses) == answers


@pytest.mark.parametrize(
    ("samples", "missing"),
    [([], 1), (heard(A), 7), (heard(*[A] * 8), 0), (heard(*[A] * 8, None), 0), (heard(*[A, B] * 4), 7)],
)
def test_an_answer_without_an_address_does_not_count(samples, missing):
    assert answers_missing(samples) == missing


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([], "No service answered"),
        (heard(*[A] * 8), "1 address in 8 answers. The chance to miss another that is used as often is less"),
        (heard(*[A, B] * 8), "At least 2 addresses in 16 answers. The chance to miss a third"),
        (heard(*[A, B, C] * 7), "At least 3 addresses in 21 answers. The chance to miss a fourth"),
        (heard(A), "7 more would show whether there is another that is used as often."),
        (heard(*[A] * 8), "One that is rarely used, or used for other destinations, is not found this way."),
    ],
)
def test_what_is_proven_is_said_with_its_count(samples, told):
    assert told in describe_sampling(samples)


async def test_one_address_is_sampled_until_a_second_would_have_shown(town, rules):
    services = [await town.operator(name, A) for name in ("amazon", "ipify", "ipinfo")]
    report = await detect(services, DIRECT, rules=rules)

    more = await sample_more(report, services, rules=rules)

    assert len(more.samples) == 8
    assert more.verdict.state is EgressState.AGREED
    assert len(set(town.callers)) == len(town.callers)


async def test_two_addresses_in_turn_are_a_pool_of_at_least_two(town, rules):
    turn = itertools.cycle([A, B])
    services = [await town.operator(name, lambda: next(turn)) for name in ("amazon", "ipify", "ipinfo")]
    heard_of = []

    report = await detect(services, DIRECT, rules=rules)
    more = await sample_more(report, services, rules=rules, on_sample=heard_of.append)

    assert more.verdict.state is EgressState.POOL
    assert len(more.samples) >= 15
    assert describe_sampling(more.samples).startswith("At least 2 addresses in ")
    assert tuple(heard_of) == more.samples[len(report.samples) :]


async def test_a_service_that_refuses_is_asked_once_and_the_others_not_too_often(town, rules):
    asked = []

    def new_address() -> str:
        asked.append(1)
        return f"203.0.113.{len(asked)}"

    limited = await town.operator("limited", "{}", status=429)
    endless = await town.operator("endless", new_address)

    report = await detect([limited, endless], DIRECT, rules=rules)
    more = await sample_more(report, [limited, endless], rules=rules)

    assert [sample.service.name for sample in more.samples].count("limited") == 1
    assert len(asked) == MOST_EACH
    assert "more would show" in describe_sampling(more.samples)


async def test_sampling_ends_at_its_deadline_with_what_there_is(town, rules):
    good, silent = await town.operator("amazon", A), await town.silent_operator("silent")
    report = await detect([good], DIRECT, rules=rules)

    more = await sample_more(report, [good, silent], rules=rules, deadline=0.4)

    assert {sample.service.name for sample in more.samples} == {"amazon"}
