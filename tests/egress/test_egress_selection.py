"""What goes to the whitelist: by the evidence, by the exchange's own word, by the user."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.egress.selection import THIS_HOST, ExchangeObservation, Selection, candidates

NOTHING = Selection()
A, B, C = (IPv4Address(f"203.0.113.{last}") for last in (1, 2, 3))
AMAZON, CLOUDFLARE, IPIFY, IPINFO = "Amazon", "Cloudflare", "ipify", "IPinfo"


def verdict(state: EgressState, **operators: tuple[str, ...]) -> EgressVerdict:
    addresses = {"a": A, "b": B, "c": C}
    return EgressVerdict(state, {addresses[name]: who for name, who in operators.items()})


AGREED = verdict(EgressState.AGREED, a=(AMAZON, CLOUDFLARE))
DISSENT = verdict(EgressState.AGREED_WITH_DISSENT, a=(AMAZON, CLOUDFLARE), b=(IPIFY,))
POOL = verdict(EgressState.POOL, a=(AMAZON, CLOUDFLARE), b=(AMAZON, IPIFY), c=(IPIFY,))
SPLIT = verdict(EgressState.SPLIT, a=(AMAZON, CLOUDFLARE), b=(IPIFY, IPINFO))


def ticked(
    seen: EgressVerdict, selection: Selection = NOTHING, observation: ExchangeObservation | None = None
) -> list[IPv4Address]:
    found = candidates(replace(selection, verdict=seen), observation=observation)
    return [each.address for each in found if each.is_wanted]


def followed(observation: ExchangeObservation, seen: EgressVerdict, selection: Selection = NOTHING) -> Selection:
    return replace(selection, verdict=seen).follow(observation)


@pytest.mark.parametrize(
    ("seen", "proposed"),
    [
        (AGREED, [A]),
        (DISSENT, [A]),
        (POOL, [A, B]),
        (SPLIT, []),
        (verdict(EgressState.SINGLE, a=(AMAZON,)), []),
        (verdict(EgressState.UNKNOWN), []),
        (verdict(EgressState.SHARED, a=(AMAZON, IPIFY, IPINFO)), []),
    ],
    ids=lambda value: value.state if isinstance(value, EgressVerdict) else "",
)
def test_only_what_two_operators_carry_is_ticked_by_itself(seen: EgressVerdict, proposed: list[IPv4Address]) -> None:
    assert ticked(seen) == proposed
    assert {each.address for each in candidates(Selection(seen))} == set(seen.addresses)


@pytest.mark.parametrize("named", [A, C])
def test_with_warp_on_not_even_an_address_that_binance_names_is_ticked_but_the_user_can(named: IPv4Address) -> None:
    shared = verdict(EgressState.SHARED, a=(AMAZON, IPIFY))
    told = ExchangeObservation("binance.com", named=named)
    selection = followed(told, shared)
    assert ticked(shared, selection, told) == []
    assert ticked(shared, selection.tick(named, THIS_HOST), told) == [named]
    assert candidates(selection)[-1 if named == C else 0].witnesses.endswith("shared")


def test_each_candidate_says_who_says_it() -> None:
    told = ExchangeObservation("binance.com", named=C)
    found = candidates(Selection(DISSENT), observation=told, hosts={A: "bot-1", IPv4Address("203.0.113.9"): "bot-2"})
    assert [f"{each.address}: {each.witnesses}" for each in found] == [
        "203.0.113.3: named by Binance",
        "203.0.113.1: seen by Amazon and Cloudflare, address of bot-1",
        "203.0.113.2: seen by ipify alone",
        "203.0.113.9: address of bot-2",
    ]


@pytest.mark.parametrize("named", [A, B, C])
def test_in_a_split_the_exchanges_word_decides(named: IPv4Address) -> None:
    observation = ExchangeObservation("binance.com", named=named)
    selection = followed(observation, SPLIT)
    assert ticked(SPLIT, selection, observation) == [named]
    assert candidates(selection, observation=observation)[0].address == named


def test_the_exchanges_word_goes_before_an_agreement_but_does_not_empty_a_pool() -> None:
    observation = ExchangeObservation("binance.com", named=C)
    assert ticked(AGREED, followed(observation, AGREED), observation) == [C]
    assert set(ticked(POOL, followed(observation, POOL), observation)) == {A, B, C}


def test_a_list_that_the_exchange_accepts_tells_only_where_one_address_is_on_it() -> None:
    def accepted(*listed: IPv4Address) -> ExchangeObservation:
        return ExchangeObservation(
            "binance.com", accepted=True, is_restricted=True, listed=tuple(map(IPv4Network, listed))
        )

    assert ticked(SPLIT, followed(accepted(B), SPLIT)) == [B]
    assert ticked(SPLIT, followed(accepted(A, B), SPLIT)) == []
    # The list may have been changed on the page: what operators agree on stays.
    assert ticked(AGREED, followed(accepted(C), AGREED)) == [A]


def test_a_lone_operator_does_not_tell_which_address_of_a_list_this_host_has() -> None:
    def accepted(*listed: str) -> ExchangeObservation:
        return ExchangeObservation(
            "binance.com", accepted=True, is_restricted=True, listed=tuple(map(IPv4Network, listed))
        )

    alone = verdict(EgressState.SINGLE, b=(IPIFY,))
    for observation in (accepted(f"{A}/32", f"{B}/32"), accepted("203.0.113.0/24")):
        assert ticked(alone, followed(observation, alone), observation) == []
        assert observation.confirms(alone) is None
        assert observation.confirms(AGREED) is True
    # Two operators see an address that is not on the list of the accepted key: the one that is proves nothing of them.
    assert accepted(f"{B}/32", f"{C}/32").confirms(DISSENT) is False
    only = accepted(f"{B}/32")
    assert ticked(alone, followed(only, alone), only) == [B]


def test_what_the_user_decided_stays_when_the_evidence_changes() -> None:
    selection = Selection().untick(A).tick(B, THIS_HOST)
    assert ticked(AGREED, selection) == [B]
    later = verdict(EgressState.AGREED, c=(AMAZON, CLOUDFLARE))
    assert set(ticked(later, selection)) == {B, C}
    assert ticked(later, selection.untick(B)) == [C]


class TestALaterDetection:
    """The exchange's word is as old as the call: what operators see afterwards can contradict it."""

    ELSEWHERE = verdict(EgressState.AGREED, c=(AMAZON, CLOUDFLARE))
    NOBODY = verdict(EgressState.UNKNOWN)

    def test_that_sees_the_same_leaves_the_word_standing(self) -> None:
        selection = followed(ExchangeObservation("binance.com", named=B), AGREED)
        assert (ticked(AGREED, selection), ticked(DISSENT, selection), ticked(self.NOBODY, selection)) == (
            [B],
            [B],
            [B],
        )
        assert candidates(selection)[0].witnesses == "seen by Binance earlier"

    @pytest.mark.parametrize("before", [AGREED, DISSENT, POOL, SPLIT], ids=lambda seen: seen.state)
    def test_that_sees_another_address_unticks_what_the_exchange_named_and_says_so(self, before: EgressVerdict) -> None:
        named = IPv4Address("203.0.113.9")
        selection = followed(ExchangeObservation("binance.com", named=named), before)
        assert ticked(self.ELSEWHERE, selection) == [C]
        first = candidates(replace(selection, verdict=self.ELSEWHERE))[0]
        assert (first.address, first.is_wanted) == (named, False)
        assert first.witnesses == "seen by Binance earlier, now outdated"

    def test_that_settles_nothing_and_sees_other_addresses_only_leaves_no_word_standing(self) -> None:
        alone, apart = verdict(EgressState.SINGLE, c=(AMAZON,)), verdict(EgressState.SPLIT, b=(AMAZON,), c=(IPIFY,))
        selection = followed(ExchangeObservation("binance.com", named=A), AGREED)
        assert (ticked(alone, selection), ticked(apart, selection)) == ([], [])
        # Nothing has changed where the operators were apart before: they still are.
        assert ticked(apart, followed(ExchangeObservation("binance.com", named=A), apart)) == [A]

    def test_that_sees_another_address_unticks_a_word_that_was_the_operators_too(self) -> None:
        listed = ExchangeObservation("binance.com", accepted=True, is_restricted=True, listed=(IPv4Network(f"{A}/32"),))
        for observation in (ExchangeObservation("binance.com", named=A), listed):
            assert ticked(self.ELSEWHERE, followed(observation, AGREED)) == [C]

    def test_does_not_undo_what_the_user_ticked_or_unticked_afterwards(self) -> None:
        selection = followed(ExchangeObservation("binance.com", named=B), AGREED)
        assert ticked(AGREED, selection.untick(B)) == []
        assert ticked(AGREED, selection.tick(A, THIS_HOST)) == [B, A]
        assert ticked(self.ELSEWHERE, selection.tick(B, THIS_HOST)) == [B, C]
        again = followed(ExchangeObservation("binance.com", named=B), AGREED, selection.untick(B))
        assert ticked(AGREED, again) == [B]

    def test_leaves_another_host_s_address_on_the_list_that_the_exchange_does_not_see_here(self) -> None:
        selection = followed(ExchangeObservation("binance.com", named=B), AGREED, NOTHING.tick(A, "bot-1"))
        assert selection.wanted() == {B: THIS_HOST, A: "bot-1"}


def test_an_address_of_the_exchange_s_own_network_is_not_taken_for_this_host_s() -> None:
    edge = IPv4Address("130.176.146.87")
    observation = ExchangeObservation("binance.com", named=edge)
    assert ticked(SPLIT, followed(observation, SPLIT), observation) == []
    assert ticked(AGREED, followed(observation, AGREED), observation) == [A]
    assert observation.confirms(AGREED) is None
    assert "it says nothing about this host" in observation.sentence(AGREED)
    seen_so = EgressVerdict(EgressState.AGREED, {edge: (AMAZON, CLOUDFLARE)})
    assert observation.confirms(seen_so) is True
