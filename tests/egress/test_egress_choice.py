"""What goes to the whitelist: by the evidence, by the exchange's own word, by the user."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.egress.choice import THIS_HOST, Choice, candidates
from wizard.egress.exchange_word import ExchangeWord
from wizard.egress.quorum import EgressState, EgressVerdict

NOTHING = Choice()
A, B, C = (IPv4Address(f"203.0.113.{last}") for last in (1, 2, 3))
AMAZON, CLOUDFLARE, IPIFY, IPINFO = "Amazon", "Cloudflare", "ipify", "IPinfo"


def verdict(state: EgressState, **operators: tuple[str, ...]) -> EgressVerdict:
    addresses = {"a": A, "b": B, "c": C}
    return EgressVerdict(state, {addresses[name]: who for name, who in operators.items()}, is_settled=True)


AGREED = verdict(EgressState.AGREED, a=(AMAZON, CLOUDFLARE))
DISSENT = verdict(EgressState.AGREED_WITH_DISSENT, a=(AMAZON, CLOUDFLARE), b=(IPIFY,))
POOL = verdict(EgressState.POOL, a=(AMAZON, CLOUDFLARE), b=(AMAZON, IPIFY), c=(IPIFY,))
SPLIT = verdict(EgressState.SPLIT, a=(AMAZON, CLOUDFLARE), b=(IPIFY, IPINFO))


def ticked(seen: EgressVerdict, choice: Choice = NOTHING, word: ExchangeWord | None = None) -> list[IPv4Address]:
    return [each.address for each in candidates(seen, choice, word=word) if each.is_wanted]


@pytest.mark.parametrize(
    ("seen", "proposed"),
    [
        (AGREED, [A]),
        (DISSENT, [A]),
        (POOL, [A, B]),
        (SPLIT, []),
        (verdict(EgressState.SINGLE, a=(AMAZON,)), []),
        (verdict(EgressState.UNKNOWN), []),
    ],
    ids=lambda value: value.state if isinstance(value, EgressVerdict) else "",
)
def test_only_what_two_operators_carry_is_ticked_by_itself(seen: EgressVerdict, proposed: list[IPv4Address]) -> None:
    assert ticked(seen) == proposed
    assert {each.address for each in candidates(seen, Choice())} == set(seen.addresses)


def test_each_candidate_says_who_says_it() -> None:
    told = ExchangeWord("binance.com", named=C)
    found = candidates(DISSENT, Choice(), word=told, hosts={A: "bot-1", IPv4Address("203.0.113.9"): "bot-2"})
    assert [f"{each.address}: {each.witnesses}" for each in found] == [
        "203.0.113.3: named by binance.com itself",
        "203.0.113.1: seen by Amazon, Cloudflare; address of bot-1",
        "203.0.113.2: seen by ipify alone",
        "203.0.113.9: address of bot-2",
    ]


@pytest.mark.parametrize("named", [A, B, C])
def test_in_a_split_the_exchanges_word_decides(named: IPv4Address) -> None:
    word = ExchangeWord("binance.com", named=named)
    choice = Choice().follow(word, SPLIT)
    assert ticked(SPLIT, choice, word) == [named]
    assert candidates(SPLIT, choice, word=word)[0].address == named


def test_the_exchanges_word_goes_before_an_agreement_but_does_not_empty_a_pool() -> None:
    word = ExchangeWord("binance.com", named=C)
    assert ticked(AGREED, Choice().follow(word, AGREED), word) == [C]
    assert set(ticked(POOL, Choice().follow(word, POOL), word)) == {A, B, C}


def test_a_list_that_the_exchange_accepts_tells_only_where_one_address_is_on_it() -> None:
    def accepted(*listed: IPv4Address) -> ExchangeWord:
        return ExchangeWord("binance.com", accepted=True, is_restricted=True, listed=tuple(map(IPv4Network, listed)))

    assert ticked(SPLIT, Choice().follow(accepted(B), SPLIT)) == [B]
    assert ticked(SPLIT, Choice().follow(accepted(A, B), SPLIT)) == []
    # The list may have been changed on the page: what operators agree on stays.
    assert ticked(AGREED, Choice().follow(accepted(C), AGREED)) == [A]


def test_a_lone_operator_does_not_tell_which_address_of_a_list_this_host_has() -> None:
    def accepted(*listed: str) -> ExchangeWord:
        return ExchangeWord("binance.com", accepted=True, is_restricted=True, listed=tuple(map(IPv4Network, listed)))

    alone = verdict(EgressState.SINGLE, b=(IPIFY,))
    for word in (accepted(f"{A}/32", f"{B}/32"), accepted("203.0.113.0/24")):
        assert ticked(alone, Choice().follow(word, alone), word) == []
        assert word.confirms(word.comparable(alone)) is None
        assert word.confirms(word.comparable(AGREED)) is True
    # Two operators see an address that is not on the list of the accepted key: the one that is proves nothing of them.
    assert accepted(f"{B}/32", f"{C}/32").confirms(accepted(f"{B}/32", f"{C}/32").comparable(DISSENT)) is False
    only = accepted(f"{B}/32")
    assert ticked(alone, Choice().follow(only, alone), only) == [B]


def test_what_the_user_decided_stays_when_the_evidence_changes() -> None:
    choice = Choice().untick(A).tick(B, THIS_HOST)
    assert ticked(AGREED, choice) == [B]
    later = verdict(EgressState.AGREED, c=(AMAZON, CLOUDFLARE))
    assert set(ticked(later, choice)) == {B, C}
    assert ticked(later, choice.untick(B)) == [C]


class TestALaterDetection:
    """The exchange's word is as old as the call: what operators see afterwards can contradict it."""

    ELSEWHERE = verdict(EgressState.AGREED, c=(AMAZON, CLOUDFLARE))
    NOBODY = verdict(EgressState.UNKNOWN)

    def test_that_sees_the_same_leaves_the_word_standing(self) -> None:
        choice = NOTHING.follow(ExchangeWord("binance.com", named=B), AGREED)
        assert (ticked(AGREED, choice), ticked(DISSENT, choice), ticked(self.NOBODY, choice)) == ([B], [B], [B])
        assert candidates(AGREED, choice)[0].witnesses == "the exchange's word, earlier"

    @pytest.mark.parametrize("before", [AGREED, DISSENT, POOL, SPLIT], ids=lambda seen: seen.state)
    def test_that_sees_another_address_unticks_what_the_exchange_named_and_says_so(self, before: EgressVerdict) -> None:
        named = IPv4Address("203.0.113.9")
        choice = NOTHING.follow(ExchangeWord("binance.com", named=named), before)
        assert ticked(self.ELSEWHERE, choice) == [C]
        first = candidates(self.ELSEWHERE, choice)[0]
        assert (first.address, first.is_wanted) == (named, False)
        assert first.witnesses == "the exchange's word, outdated: ask it again"

    def test_that_settles_nothing_and_sees_other_addresses_only_leaves_no_word_standing(self) -> None:
        alone, apart = verdict(EgressState.SINGLE, c=(AMAZON,)), verdict(EgressState.SPLIT, b=(AMAZON,), c=(IPIFY,))
        choice = NOTHING.follow(ExchangeWord("binance.com", named=A), AGREED)
        assert (ticked(alone, choice), ticked(apart, choice)) == ([], [])
        # Nothing has changed where the operators were apart before: they still are.
        assert ticked(apart, NOTHING.follow(ExchangeWord("binance.com", named=A), apart)) == [A]

    def test_that_sees_another_address_unticks_a_word_that_was_the_operators_too(self) -> None:
        listed = ExchangeWord("binance.com", accepted=True, is_restricted=True, listed=(IPv4Network(f"{A}/32"),))
        for word in (ExchangeWord("binance.com", named=A), listed):
            assert ticked(self.ELSEWHERE, NOTHING.follow(word, AGREED)) == [C]

    def test_does_not_undo_what_the_user_ticked_or_unticked_afterwards(self) -> None:
        choice = NOTHING.follow(ExchangeWord("binance.com", named=B), AGREED)
        assert ticked(AGREED, choice.untick(B)) == []
        assert ticked(AGREED, choice.tick(A, THIS_HOST)) == [B, A]
        assert ticked(self.ELSEWHERE, choice.tick(B, THIS_HOST)) == [B, C]
        again = choice.untick(B).follow(ExchangeWord("binance.com", named=B), AGREED)
        assert ticked(AGREED, again) == [B]

    def test_leaves_another_host_s_address_on_the_list_that_the_exchange_does_not_see_here(self) -> None:
        choice = NOTHING.tick(A, "bot-1").follow(ExchangeWord("binance.com", named=B), AGREED)
        assert choice.wanted(AGREED) == {B: THIS_HOST, A: "bot-1"}


def test_an_address_of_the_exchange_s_own_network_is_not_taken_for_this_host_s() -> None:
    edge = IPv4Address("130.176.146.87")
    word = ExchangeWord("binance.com", named=edge)
    assert ticked(SPLIT, NOTHING.follow(word, SPLIT), word) == []
    assert ticked(AGREED, NOTHING.follow(word, AGREED), word) == [A]
    assert word.confirms(AGREED.addresses) is None
    assert "it saw its own network there, not this host" in word.sentence(AGREED.addresses)
    seen_so = EgressVerdict(EgressState.AGREED, {edge: (AMAZON, CLOUDFLARE)}, is_settled=True)
    assert word.confirms(seen_so.addresses) is True
