"""Text in, text out: forms, edits and differences."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.rules import Rules
from wizard.whitelist import (
    Form,
    RequiredAddress,
    Surroundings,
    append_entry,
    apply_suggestion,
    collapse,
    diff,
    expand,
    insert_lines,
    judge,
    mend,
    mend_all,
    parse,
    render,
    replace_entry,
)

NETWORKS = [IPv4Network("5.6.7.8/32"), IPv4Network("5.6.8.0/24")]


def applied(text: str, index: int, *required: RequiredAddress) -> str:
    judgement = judge(parse(text), Surroundings(Rules(), tuple(required)))
    return apply_suggestion(text, judgement.entries[index])


@pytest.mark.parametrize(
    ("form", "text"),
    [(Form.COMMAS, "5.6.7.8,5.6.8.0/24"), (Form.SPACES, "5.6.7.8 5.6.8.0/24"), (Form.LINES, "5.6.7.8\n5.6.8.0/24")],
)
def test_a_list_is_written_in_the_form_that_the_page_wants(form, text):
    assert render(NETWORKS, form) == text


def test_commas_without_spaces_are_the_default():
    assert render(NETWORKS) == "5.6.7.8,5.6.8.0/24"


@pytest.mark.parametrize(
    ("text", "index", "mended"),
    [
        ("5.6.7.8:443 # vps\n5.6.7.9", 0, "5.6.7.8 # vps\n5.6.7.9"),
        ('["5.6.7.8:443", "5.6.7.9"]', 0, '["5.6.7.8", "5.6.7.9"]'),
        ("5.6.7.9，5.6.7.8：443", 1, "5.6.7.9，5.6.7.8"),
        ("5.6.7.8,,5.6.7.9", 1, "5.6.7.8,5.6.7.9"),
        (",5.6.7.8", 0, "5.6.7.8"),
        ("5.6.7.8,", 1, "5.6.7.8"),
        ("5.6.7.8, 5.6.7.9, 5.6.7.8", 2, "5.6.7.8, 5.6.7.9"),
        ('"5.6.7.8", "5.6.7.8", "5.6.7.9"', 1, '"5.6.7.8", "5.6.7.9"'),
        ("5.6.7.8\n5.6.7.8\n5.6.7.9", 1, "5.6.7.8\n5.6.7.9"),
        ("5.6.7.8", 0, "5.6.7.8"),
    ],
)
def test_a_suggestion_replaces_just_its_entry(text, index, mended):
    assert applied(text, index) == mended


def test_a_suggestion_for_a_text_that_has_changed_since_changes_nothing():
    judged = judge(parse("5.6.7.8:443"), Surroundings(Rules(), ())).entries[0]

    assert apply_suggestion("1.2.3.4,5.6.7.8:443", judged) == "1.2.3.4,5.6.7.8:443"


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        ("", "1.2.3.4"),
        (" \n", "1.2.3.4"),
        ("5.6.7.8", "5.6.7.8,1.2.3.4"),
        ("5.6.7.8, ", "5.6.7.8,1.2.3.4"),
        ("5.6.7.8\n5.6.7.9\n", "5.6.7.8\n5.6.7.9\n1.2.3.4"),
        ("5.6.7.8 # vps", "5.6.7.8 # vps\n1.2.3.4"),
    ],
)
def test_an_entry_is_added_in_the_manner_of_the_list(text, longer):
    assert append_entry(text, "1.2.3.4") == longer
    assert parse(longer).entries[-1].network == IPv4Network("1.2.3.4")


@pytest.mark.parametrize("added", ["1.1.1.1 # bot", "1.1.1.1 ＃ bot", "1.1.1.1\n2.2.2.2 # bot"])
def test_the_label_of_what_is_added_is_not_given_to_what_was_there(added):
    first, *_, last = parse(append_entry("5.6.7.8", added)).entries

    assert (first.text, first.label, last.label) == ("5.6.7.8", None, "bot")


def mended(text: str) -> str:
    return mend_all(text, lambda each: judge(parse(each), Surroundings()))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("5.6.7.8\n5.6.7.8 # bot", "5.6.7.8  # bot"),
        ("5.6.7.8 # bot\n5.6.7.8", "5.6.7.8 # bot"),
        ("5.6.7.8 # bot\n5.6.7.8 # office", "5.6.7.8  # bot, office"),
        ("5.6.7.8, 9.9.9.9\n5.6.7.8 # bot", "5.6.7.8,  # bot\n9.9.9.9"),
        ("５.6.7.8 # bot\n5.6.7.8\n5.6.7.8:443 # office", "5.6.7.8  # bot, office"),
        ("5.6.7.8,5.6.7.8 # bot", "5.6.7.8 # bot"),
    ],
)
def test_the_label_of_a_repeated_entry_stays_with_the_one_that_is_left(text, left):
    assert mended(text) == left


def test_the_label_of_a_covered_entry_stays_with_its_block():
    text = "5.6.7.0/24\n5.6.7.8 # bot"
    judgement = judge(parse(text), Surroundings(Rules(max_entries=20)))

    assert mended(text) == text
    assert mend(text, judgement) == "5.6.7.0/24  # bot"


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("5.6.7.8 # bot\n5.6.7.9 # office\n1.1.1.1 # dr", "5.6.7.8/31  # bot, office\n1.1.1.1 # dr"),
        ("5.6.7.8\n5.6.7.9 # office", "5.6.7.8/31  # office"),
        ("5.6.7.8, 1.1.1.1 # bot\n5.6.7.9 # office", "5.6.7.8/31,  # bot, office\n1.1.1.1  # bot"),
        ("5.6.7.8 # bot\n5.6.7.9 # bot", "5.6.7.8/31 # bot"),
    ],
)
def test_the_labels_of_joined_entries_stand_behind_their_block(text, joined):
    assert collapse(text, judge(parse(text), Surroundings())) == joined


def test_labels_that_are_known_and_not_typed_are_not_lost_where_the_entry_changes():
    known = {IPv4Network("5.6.7.8"): "bot", IPv4Network("5.6.8.0/31"): "office"}
    text = "5.6.7.8\n5.6.7.9\n5.6.8.0/31"
    judgement = judge(parse(text), Surroundings(labels=known))

    assert collapse(text, judgement) == "5.6.7.8/31  # bot\n5.6.8.0/31"
    assert expand(text, judgement, 20) == "5.6.7.8\n5.6.7.9\n5.6.8.0,5.6.8.1  # office"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1.1.1.1,\n2.2.2.2\n,3.3.3.3", ["1.1.1.1", "3.3.3.3"]),
        ("1.1.1.1,\n2.2.2.2 # bot", ["1.1.1.1"]),
        ('[\r\n  "1.1.1.1",\r\n  "2.2.2.2"\r\n]', ["1.1.1.1"]),
        ("1.1.1.1 ＃ a\n2.2.2.2 ＃ b", ["1.1.1.1"]),
    ],
)
def test_removing_an_entry_leaves_no_empty_field_and_no_comment_of_its_own(text, left):
    rest = parse(replace_entry(text, parse(text).entries[1], ""))

    assert [entry.text for entry in rest.entries] == left
    assert "b" not in rest.text


def test_a_bracket_that_is_closed_inside_an_entry_goes_with_it():
    assert applied("[2001:db8::1]:443", 0, RequiredAddress(IPv4Address("5.6.7.8"), "this host")) == "5.6.7.8"
    assert applied("[5.6.7.8]:443, 9.9.9.9", 0) == "5.6.7.8, 9.9.9.9"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("", "", "1.1.1.1\r\n2.2.2.2", "", ""), "1.1.1.1\n2.2.2.2"),
        (("8.8.8.8, ", "9.9.9.9", "1.1.1.1 # a", "", ", 2.2.2.2 # b"),
         "8.8.8.8,  # b\n9.9.9.9  # b\n1.1.1.1 # a\n,\n2.2.2.2  # b"),
        (('["', "", "1.1.1.1\r2.2.2.2", "3.3.3.3", '","4.4.4.4"]'), '["1.1.1.1\n2.2.2.2\n3.3.3.3",\n"4.4.4.4"]'),
    ],
)  # fmt: skip
def test_lines_pasted_into_a_row_become_entries_beside_what_was_typed(parts, text):
    assert insert_lines(*parts) == text


def test_adding_what_a_finding_suggests_settles_it():
    required = RequiredAddress(IPv4Address("5.6.7.9"), "this host")
    (finding,) = judge(parse("5.6.7.8"), Surroundings(Rules(), (required,))).findings

    longer = append_entry("5.6.7.8", finding.suggestion)

    assert judge(parse(longer), Surroundings(Rules(), (required,))).is_valid


def test_an_entry_knows_where_it_stands_in_the_text():
    text = ' "5.6.7.8" ,\n5.6.7.9'

    assert [text[entry.position : entry.end] for entry in parse(text).entries] == ["5.6.7.8", "5.6.7.9"]


def test_a_difference_tells_what_came_and_what_went():
    old = [IPv4Network(block) for block in ("5.6.7.8", "5.6.7.9", "5.6.7.9")]
    new = [IPv4Network(block) for block in ("5.6.7.10", "5.6.7.8")]

    difference = diff(old, new)

    assert difference.added == (IPv4Network("5.6.7.10"),)
    assert difference.removed == (IPv4Network("5.6.7.9"),)
    assert difference.kept == (IPv4Network("5.6.7.8"),)


def test_a_list_of_many_thousand_lines_is_judged_like_a_short_one():
    text = "\n".join(f"5.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(5_000))

    judgement = judge(parse(text + "\n5.0.0.0/24"), Surroundings(Rules(), ()))

    assert [finding.code for finding in judgement.errors] == ["too-many"]
    assert judgement.entries[0].findings[0].code == "covered"


@pytest.mark.parametrize("text", ["1.1.1.1 # office,\n2.2.2.2 3.3.3.3", "1.1.1.1 # a;\n2.2.2.2 3.3.3.3 # b"])
def test_removing_an_entry_leaves_exactly_the_others(text: str) -> None:
    entry = parse(text).entries[1]
    left = [one.text for one in parse(replace_entry(text, entry, "")).entries]
    assert left == ["1.1.1.1", "3.3.3.3"]
