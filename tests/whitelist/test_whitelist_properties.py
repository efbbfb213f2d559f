"""What holds for every text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from wizard.core.rules import Rules
from wizard.core.text import UNPRINTABLE
from wizard.whitelist.entries import Entries, parse
from wizard.whitelist.findings import ListContext
from wizard.whitelist.fixes import Fix, apply_fix, collapse, expand, fix_all, label_entry
from wizard.whitelist.rendering import Separator, diff, render
from wizard.whitelist.validation import Validation, validate

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
required = st.lists(public.map(lambda address: (address, "this host")), max_size=2)
separators = st.sampled_from([",", ", ", ";", " ", "\n", "\r\n", "\t", "，", "、", " ; ", ",\n", "\u3000"])


def judged(listed: str | Entries, must_cover=()) -> Validation:
    entries = parse(listed) if isinstance(listed, str) else listed
    return validate(entries, ListContext(Rules(), dict(must_cover)))


def applied(validation: Validation, place: int) -> Entries:
    return apply_fix(validation, Fix(validation.entries[place].fix, place))


@given(st.one_of(st.text(), scraps), required)
def test_no_text_makes_parsing_or_judging_fail(text, must_cover):
    validation = judged(text, must_cover)

    assert not UNPRINTABLE.search(validation.sentence())
    assert validation.is_valid == (not validation.errors)


@given(st.one_of(st.text(), scraps))
def test_every_entry_is_a_part_of_the_text_in_order(text):
    listed = [entry for entry in parse(text) if entry.kind != "commented"]

    assert all(text[entry.position :].startswith(entry.text) for entry in listed)
    assert [entry.position for entry in listed] == sorted(entry.position for entry in listed)


@given(st.lists(blocks, min_size=1), st.sampled_from(Separator))
def test_a_written_list_reads_as_the_same_networks(networks, form):
    assert [entry.network for entry in parse(render(networks, form))] == networks


@given(st.lists(blocks, min_size=1), st.data())
def test_separators_do_not_matter(networks, data):
    text = ""
    for network in networks:
        text += (data.draw(separators) if text else "") + str(network)

    assert [entry.network for entry in parse(text)] == networks
    assert judged(text).networks == judged(render(networks)).networks


@given(scraps, required)
def test_nothing_is_allowed_that_no_entry_names(text, must_cover):
    validation = judged(text, must_cover)

    for network in validation.networks:
        spelled = {str(network), str(network.network_address)} if network.prefixlen == 32 else {str(network)}
        assert spelled & {str(entry.entry.network) for entry in validation.entries} or any(
            spelling in text for spelling in spelled
        )
    named = {judged.entry.network for judged in validation.entries if not judged.has_error}
    assert set(validation.networks) == named - {None}


@given(st.lists(st.sampled_from("0123456789./,\u200b\u00a0 "), max_size=24).map("".join))
def test_a_network_is_read_only_from_its_own_digits(text):
    for entry in parse(text):
        if entry.network is not None:
            digits = entry.text.replace("\u200b", "")
            assert digits in {str(entry.network), str(entry.network.network_address)}


@given(scraps, required)
def test_an_applied_suggestion_is_usable_or_has_an_error_of_its_own(text, must_cover):
    before = judged(text, must_cover)
    for place, entry in enumerate(before.entries):
        if not (entry.fix and entry.fix.suggestion):
            continue
        count = len(parse(entry.fix.suggestion))
        after = judged(applied(before, place), must_cover).entries[place : place + count]
        assert count
        assert all(other.entry.network is not None or other.has_error for other in after)


@given(scraps)
def test_removing_an_entry_removes_no_other(text):
    before = judged(text)
    for place, entry in enumerate(before.entries):
        if entry.fix and entry.fix.suggestion == "":
            rest = [other.entry.network for number, other in enumerate(before.entries) if number != place]
            assert [other.network for other in applied(before, place)] == rest


@given(st.lists(public, unique=True, min_size=1, max_size=20), st.lists(public, max_size=3))
def test_adding_every_missing_address_settles_a_clean_list(listed, hosts):
    must_cover = [(address, "a host") for address in hosts]
    entries = parse(render([IPv4Network(address) for address in listed]))
    for finding in judged(entries, must_cover).findings:
        if finding.code == "egress-not-covered":
            entries = apply_fix(judged(entries, must_cover), Fix(finding, None))

    assert "egress-not-covered" not in [finding.code for finding in judged(entries, must_cover).findings]


@given(st.lists(blocks), st.lists(blocks))
def test_a_difference_leads_from_the_old_list_to_the_new(old, new):
    difference = diff(old, new)

    assert {*difference.kept, *difference.added} == set(new)
    assert {*difference.kept, *difference.removed} == set(old)
    assert not {*difference.added} & set(old)


@given(st.one_of(st.text(), scraps), required)
def test_repairing_all_that_is_safe_leaves_nothing_safe_to_repair_and_opens_nothing_new(text, must_cover):
    repaired = fix_all(parse(text), lambda each: judged(each, must_cover))

    after = judged(repaired, must_cover)
    assert not [entry for entry in after.entries if entry.fix and entry.fix.is_safe]
    assert set(judged(text, must_cover).networks) - set(after.networks) <= {
        entry.entry.network
        for entry in judged(text, must_cover).entries
        if {finding.code for finding in entry.findings} & {"covered", "duplicate"}
    }


@given(st.lists(st.one_of(public.map(IPv4Network), blocks), min_size=1, max_size=12), st.randoms())
def test_the_order_of_the_entries_does_not_matter(networks, random):
    shuffled = random.sample(networks, len(networks))
    first, second = judged(render(networks)), judged(render(shuffled))

    assert first.is_valid == second.is_valid
    assert {*first.networks} == {*second.networks}
    assert sorted(finding.code for finding in first.errors) == sorted(finding.code for finding in second.errors)


# A text, and the last numbers of the addresses 93.184.1.x that a reader takes it for.
FULL_WIDTH = str.maketrans("0123456789./:", "０１２３４５６７８９．／：")
spellings = st.sampled_from(
    [
        str,
        "https://{}/".format,
        "{}:443".format,
        "{}.".format,
        "::ffff:{}".format,
        "\u200b{}".format,
        '"{}"'.format,
        lambda address: address.translate(FULL_WIDTH),
    ]
)
lasts = st.integers(0, 250)
spelled = st.tuples(spellings, lasts).map(lambda pair: (pair[0](f"93.184.1.{pair[1]}"), {pair[1]}))


@st.composite
def ranges(draw):
    first, more = draw(lasts), draw(st.integers(0, 4))
    dash = "".join(draw(st.sampled_from(choice)) for choice in (" \t\xa0\u3000", "-–—−", " \t\xa0\u3000"))
    ends = [draw(spellings)(f"93.184.1.{number}") for number in (first, first + more)]
    text = draw(st.sampled_from(["{}", '"{}"', "({})"])).format(dash.join(ends))
    return text, set(range(first, first + more + 1))


@given(st.lists(st.one_of(spelled, ranges()), min_size=1, max_size=4), separators, st.booleans())
def test_what_is_repaired_unread_lets_in_exactly_whom_a_reader_would(entries, separator, is_bulleted):
    meant = {IPv4Address(f"93.184.1.{last}") for _, numbers in entries for last in numbers}
    text = "\n".join("- " + entry for entry, _ in entries) if is_bulleted else separator.join(e for e, _ in entries)
    repaired = judged(fix_all(parse(text), judged))

    let_in = {address for network in repaired.networks for address in network}

    assert let_in <= meant
    if repaired.is_valid:
        assert let_in == meant


near = st.integers(0, 63).map(lambda last: f"93.184.1.{last}")
near_blocks = st.integers(26, 31).flatmap(lambda length: near.map(lambda address: f"{address}/{length}"))
near_lists = st.lists(
    st.one_of(near, near_blocks.map(lambda block: str(IPv4Network(block, strict=False)))), min_size=1, max_size=16
)


def allowed(listed: str | Entries) -> set[IPv4Address]:
    return {address for network in judged(listed).networks for address in network}


@given(near_lists, separators)
def test_expanding_and_collapsing_change_no_address(entries, separator):
    text = separator.join(entries)
    validation = validate(parse(text), ListContext(Rules(max_entries=40)))
    for other in (expand(validation, 40), collapse(validation)):
        if other is not None:
            assert allowed(other) == allowed(text)
            assert not [entry for entry in judged(other).entries if entry.has_error]


@given(near_lists, separators, st.data())
def test_a_label_changes_no_address_and_no_other_label(entries, separator, data):
    before = parse(separator.join(entries))
    place = data.draw(st.integers(0, len(before) - 1))
    after = label_entry(before, place, "dr")

    assert [entry.network for entry in after] == [entry.network for entry in before]
    assert [entry.label for entry in after if entry.label] == ["dr"]
    assert after[place].label == "dr"


labelled = st.lists(
    st.tuples(near, st.sampled_from(["", "", " # dr", " # bot, 5.6.7.8", "\n# 5.6.7.8 office"]), separators),
    min_size=1,
    max_size=8,
).map(lambda parts: "".join(entry + comment + ("\n" if comment else end) for entry, comment, end in parts))


@given(labelled)
def test_what_comments_hold_is_added_where_it_is_taken_and_nothing_else_changes(text):
    before = judged(text)
    now = before
    for _ in range(20):
        place = next((place for place, each in enumerate(now.entries) if each.entry.kind == "commented"), None)
        if place is None:
            break
        now = judged(applied(now, place))

    hidden = "5.6.7.8" in text
    assert not [each for each in now.entries if each.entry.kind == "commented"]
    assert {*now.networks} == {*before.networks} | ({IPv4Network("5.6.7.8")} if hidden else set())
