"""Operators are counted, not answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.egress.agreement import EgressState, judge
from wizard.egress.services import EchoService, Parser, Sample

A, B, C = "203.0.113.42", "198.51.100.7", "192.0.2.1"


def sample(operator: str, address: str | None) -> Sample:
    service = EchoService(operator.lower(), operator, "https://x.example/", Parser.PLAIN)
    return Sample(service, IPv4Address(address) if address else None, "" if address else "no answer", 1.0)


@pytest.mark.parametrize(
    ("said", "state", "sentence"),
    [
        ([("Amazon", A), ("ipify", A)], "agreed", f"The address is {A}. Amazon and ipify agree."),
        ([("Amazon", A), ("ipify", None), ("IPinfo", A)], "agreed", f"The address is {A}. Amazon and IPinfo agree."),
        (
            [("Amazon", A), ("ipify", A), ("IPinfo", B)],
            "agreed-with-dissent",
            f"The address is {A}. Amazon and ipify agree, but IPinfo saw {B}. "
            "That service is wrong, or the route depends on the destination.",
        ),
        ([("Amazon", A), ("ipify", A), ("IPinfo", B), ("ident.me", C)], "split", "The services disagree"),
        ([("Amazon", A), ("ipify", A), ("IPinfo", B), ("ident.me", B)], "split", "Ask Binance, or choose"),
        ([("Amazon", A), ("ipify", B)], "split", f"Amazon saw {A}"),
        ([("Amazon", A), ("Amazon", B)], "pool", "There may be more"),
        (
            [("Amazon", A), ("Amazon", B), ("ipify", A), ("IPinfo", A)],
            "pool",
            f"Several addresses are in use: {A}, {B}.",
        ),
        ([("Amazon", A)], "single", f"Only Amazon answered and saw {A}."),
        ([("Amazon", A), ("Amazon", A)], "single", "One service is not enough"),
        ([("Amazon", None)], "unknown", "No service saw a public IPv4 address."),
        ([], "unknown", "No service saw a public IPv4 address."),
    ],
)
def test_each_constellation_has_its_state_and_its_sentence(said, state, sentence):
    verdict = judge([sample(*words) for words in said])

    assert verdict.state.value == state
    assert sentence in verdict.sentence()


def test_the_address_with_most_operators_comes_first():
    verdict = judge([sample("ipify", B), sample("Amazon", A), sample("IPinfo", A)])

    assert list(map(str, verdict.addresses)) == [A, B]
    assert verdict.operators[IPv4Address(A)] == ("Amazon", "IPinfo")


@pytest.mark.parametrize(
    ("said", "is_settled"),
    [
        ([("Amazon", A), ("ipify", A)], True),
        ([("Amazon", A)], False),
        ([("Amazon", A), ("ipify", B)], False),
        ([("Amazon", A), ("ipify", B), ("IPinfo", A)], False),
        ([("Amazon", None), ("ipify", None)], False),
    ],
)
def test_only_agreement_without_dissent_ends_the_wait(said, is_settled):
    assert judge([sample(*words) for words in said]).is_settled == is_settled


@pytest.mark.parametrize("said", [[("Amazon", A), ("ipify", A)], [("Amazon", A), ("Amazon", B)], []])
def test_one_service_that_says_warp_is_on_keeps_every_address_off_the_whitelist(said):
    warp = replace(sample("Cloudflare", None), is_shared=True)

    verdict = judge([*(sample(*words) for words in said), warp])

    assert (verdict.state.value, verdict.proposed, verdict.is_agreed) == ("shared", (), False)
    assert verdict.sentence().startswith("Cloudflare WARP is on, so many people share your address.")
    assert verdict.advice


def test_only_agreement_may_be_shown_as_the_address():
    agreed = {state for state in EgressState if state.value.startswith("agreed")}

    shown = {
        verdict.state
        for verdict in (
            judge([sample("Amazon", A), sample("ipify", A)]),
            judge([sample("Amazon", A), sample("ipify", A), sample("IPinfo", B)]),
            judge([sample("Amazon", A), sample("Amazon", B)]),
            judge([sample("Amazon", A), sample("ipify", B)]),
            judge([sample("Amazon", A)]),
            judge([]),
        )
        if verdict.is_agreed
    }
    assert shown == agreed


answers = st.lists(
    st.tuples(st.sampled_from(["Amazon", "ipify", "IPinfo"]), st.sampled_from([A, B, C, None])), max_size=8
)


@given(st.lists(st.sampled_from([A, B, None]), max_size=8))
def test_one_operator_alone_never_makes_an_agreement(said):
    assert not judge([sample("Amazon", address) for address in said]).is_agreed


@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_does_not_matter(said, random):
    shuffled = random.sample(said, len(said))

    one, other = (judge([sample(*words) for words in words_of]) for words_of in (said, shuffled))
    assert (one.state, one.addresses) == (other.state, other.addresses)


@given(answers)
def test_an_agreed_address_was_seen_by_two_operators(said):
    verdict = judge([sample(*words) for words in said])

    if verdict.is_agreed:
        assert len({operator for operator, address in said if address == str(verdict.addresses[0])}) >= 2


def test_judging_loads_no_http_library():
    code = "import sys, wizard.egress.agreement, wizard.egress.services; print('httpx' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"
