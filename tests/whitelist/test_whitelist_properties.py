"""What holds for every text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.rules import Rules
from wizard.text import UNPRINTABLE
from wizard.whitelist import (
    Form,
    RequiredAddress,
    append_entry,
    apply_suggestion,
    diff,
    judge,
    parse,
    render,
)

steady = settings(derandomize=True, deadline=None)

addresses = st.integers(0, 2**32 - 1).map(IPv4Address)
public = st.integers(0, 255).map(lambda last: IPv4Address(f"93.184.1.{last}"))
blocks = st.tuples(addresses, st.integers(0, 32)).map(lambda pair: IPv4Network(pair, strict=False))
# Close enough to lists that the rules are reached, far enough from them to surprise.
scraps = st.lists(
    st.one_of(
        blocks.map(str),
        addresses.map(str),
        st.text(max_size=6),
        st.sampled_from(
            [",", ";", " ", "\n", "#", '"', "[", "]", ":443", "-", "/24", "/0", "*", "::", "0", ".", "，", "²"]
        ),
    ),
    max_size=12,
).map("".join)
required = st.lists(public.map(lambda address: RequiredAddress(address, "this host")), max_size=2)
separators = st.sampled_from([",", ", ", ";", " ", "\n", "\r\n", "\t", "，", "、", " ; ", ",\n", "\u3000"])


def judged(text, must_cover=()):
    return judge(parse(text), rules=Rules(), must_cover=must_cover)


@steady
@given(st.one_of(st.text(), scraps), required)
def test_no_text_makes_parsing_or_judging_fail(text, must_cover):
    judgement = judged(text, must_cover)

    assert not UNPRINTABLE.search(judgement.sentence())
    assert judgement.is_valid == (not judgement.errors)


@steady
@given(st.one_of(st.text(), scraps))
def test_every_entry_is_a_part_of_the_text_in_order(text):
    entries = parse(text).entries

    assert all(text[entry.position : entry.end] == entry.text for entry in entries)
    assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)


@steady
@given(st.lists(blocks, min_size=1), st.sampled_from(Form))
def test_a_written_list_reads_as_the_same_networks(networks, form):
    assert [entry.network for entry in parse(render(networks, form)).entries] == networks


@steady
@given(st.lists(blocks, min_size=1), st.data())
def test_separators_do_not_matter(networks, data):
    text = ""
    for network in networks:
        text += (data.draw(separators) if text else "") + str(network)

    assert [entry.network for entry in parse(text).entries] == networks
    assert judged(text).networks == judged(render(networks)).networks


@steady
@given(scraps, required)
def test_nothing_is_allowed_that_no_entry_names(text, must_cover):
    judgement = judged(text, must_cover)

    for network in judgement.networks:
        spelled = {str(network), str(network.network_address)} if network.prefixlen == 32 else {str(network)}
        assert spelled & {str(entry.entry.network) for entry in judgement.entries} or any(
            spelling in text for spelling in spelled
        )
    named = {judged.entry.network for judged in judgement.entries if not judged.has_error}
    assert set(judgement.networks) == named - {None}


@steady
@given(st.lists(st.sampled_from("0123456789./,\u200b\u00a0 "), max_size=24).map("".join))
def test_a_network_is_read_only_from_its_own_digits(text):
    for entry in parse(text).entries:
        if entry.network is not None:
            digits = entry.text.replace("\u200b", "")
            assert digits in {str(entry.network), str(entry.network.network_address)}


@steady
@given(scraps, required)
def test_an_applied_suggestion_is_usable_or_has_an_error_of_its_own(text, must_cover):
    before = judged(text, must_cover)
    for entry in before.entries:
        if not entry.suggestion:
            continue
        mended = apply_suggestion(text, entry)
        after = [
            other
            for other in judged(mended, must_cover).entries
            if entry.entry.position <= other.entry.position < entry.entry.position + len(entry.suggestion)
        ]
        assert after
        assert all(other.entry.network is not None or other.has_error for other in after)


@steady
@given(scraps)
def test_removing_an_entry_removes_no_other(text):
    parsed = parse(text)
    for index, entry in enumerate(judged(text).entries):
        if entry.suggestion == "":
            rest = [other.network for place, other in enumerate(parsed.entries) if place != index]
            left = [other.network for other in parse(apply_suggestion(text, entry)).entries]
            assert [network for network in left if network] == [network for network in rest if network]


@steady
@given(st.lists(public, unique=True, min_size=1, max_size=20), st.lists(public, max_size=3))
def test_adding_every_missing_address_settles_a_clean_list(listed, hosts):
    must_cover = [RequiredAddress(address, "a host") for address in hosts]
    text = render([IPv4Network(address) for address in listed])
    for finding in judged(text, must_cover).findings:
        if finding.code == "egress-not-covered":
            text = append_entry(text, finding.suggestion)

    assert "egress-not-covered" not in [finding.code for finding in judged(text, must_cover).findings]


@steady
@given(st.lists(blocks), st.lists(blocks))
def test_a_difference_leads_from_the_old_list_to_the_new(old, new):
    difference = diff(old, new)

    assert {*difference.kept, *difference.added} == set(new)
    assert {*difference.kept, *difference.removed} == set(old)
    assert not {*difference.added} & set(old)
