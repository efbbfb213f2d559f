"""Lists in, lists out: forms, fixes and differences."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from wizard.core.rules import Rules
from wizard.whitelist.entries import Entries, parse
from wizard.whitelist.findings import ListContext
from wizard.whitelist.fixes import (
    Fix,
    add_labelled,
    apply_fix,
    collapse,
    expand,
    fix_all,
    remove_addresses,
    replace_entry,
)
from wizard.whitelist.rendering import Separator, diff, render
from wizard.whitelist.validation import Validation, validate

NETWORKS = [IPv4Network("5.6.7.8/32"), IPv4Network("5.6.8.0/24")]


def checked(entries: Entries, *required: tuple[IPv4Address, str]) -> Validation:
    return validate(entries, ListContext(Rules(), dict(required)))


def said(entries: Entries) -> list[tuple[str, str | None]]:
    return [(entry.text, entry.label) for entry in entries]


def applied(text: str, place: int, *required: tuple[IPv4Address, str]) -> Entries:
    validation = checked(parse(text), *required)
    return apply_fix(validation, Fix(validation.entries[place].fix, place))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Separator.COMMAS, "5.6.7.8,5.6.8.0/24"),
        (Separator.SPACES, "5.6.7.8 5.6.8.0/24"),
        (Separator.LINES, "5.6.7.8\n5.6.8.0/24"),
    ],
)
def test_a_list_is_written_in_the_form_that_the_page_wants(form, text):
    assert render(NETWORKS, form) == text


def test_commas_without_spaces_are_the_default():
    assert render(NETWORKS) == "5.6.7.8,5.6.8.0/24"


@pytest.mark.parametrize(
    ("text", "place", "fixed"),
    [
        ("5.6.7.8:443 # vps\n5.6.7.9", 0, [("5.6.7.8", "vps"), ("5.6.7.9", None)]),
        ('["5.6.7.8:443", "5.6.7.9"]', 0, [("5.6.7.8", None), ("5.6.7.9", None)]),
        ("5.6.7.9，5.6.7.8：443", 1, [("5.6.7.9", None), ("5.6.7.8", None)]),
        ("5.6.7.8,,5.6.7.9", 1, [("5.6.7.8", None), ("5.6.7.9", None)]),
        ("5.6.7.8,", 1, [("5.6.7.8", None)]),
        ("5.6.7.8, 5.6.7.9, 5.6.7.8", 2, [("5.6.7.8", None), ("5.6.7.9", None)]),
        ("5.6.7.8-9 # vps\n1.1.1.1", 0, [("5.6.7.8", "vps"), ("5.6.7.9", "vps"), ("1.1.1.1", None)]),
    ],
)
def test_a_suggestion_replaces_just_its_entry_and_keeps_its_label(text, place, fixed):
    assert said(applied(text, place)) == fixed


def test_the_comment_of_a_line_labels_its_entries_and_no_others():
    text = "1.1.1.1 # bot\n2.2.2.2\n3.3.3.3, 4.4.4.4 ＃ office\n5.5.5.5 #"

    assert [entry.label for entry in parse(text)] == ["bot", None, "office", "office", ""]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("5.6.7.8\n5.6.7.8 # bot", [("5.6.7.8", "bot")]),
        ("5.6.7.8 # bot\n5.6.7.8", [("5.6.7.8", "bot")]),
        ("5.6.7.8 # bot\n5.6.7.8 # office", [("5.6.7.8", "bot, office")]),
        ("5.6.7.8, 9.9.9.9\n5.6.7.8 # bot", [("5.6.7.8", "bot"), ("9.9.9.9", None)]),
        ("５.6.7.8 # bot\n5.6.7.8\n5.6.7.8:443 # office", [("5.6.7.8", "bot, office")]),
        ("5.6.7.8,5.6.7.8 # bot", [("5.6.7.8", "bot")]),
    ],
)
def test_the_label_of_a_repeated_entry_stays_with_the_one_that_is_left(text, left):
    assert said(fix_all(parse(text), checked)) == left


def test_the_label_of_a_covered_entry_stays_with_its_block():
    text = "5.6.7.0/24\n5.6.7.8 # bot"

    assert fix_all(parse(text), checked) == parse(text)
    assert said(applied(text, 1)) == [("5.6.7.0/24", "bot")]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("5.6.7.8 # bot\n5.6.7.9 # office\n1.1.1.1 # dr", [("5.6.7.8/31", "bot, office"), ("1.1.1.1", "dr")]),
        ("5.6.7.8\n5.6.7.9 # office", [("5.6.7.8/31", "office")]),
        ("5.6.7.8, 1.1.1.1 # bot\n5.6.7.9 # office", [("5.6.7.8/31", "bot, office"), ("1.1.1.1", "bot")]),
        ("5.6.7.8 # bot\n5.6.7.9 # bot", [("5.6.7.8/31", "bot")]),
    ],
)
def test_the_labels_of_joined_entries_go_to_their_block(text, joined):
    assert said(collapse(checked(parse(text)))) == joined


def test_labels_that_are_known_and_not_typed_are_not_lost_where_the_entry_changes():
    known = {IPv4Network("5.6.7.8"): "bot", IPv4Network("5.6.8.0/31"): "office"}
    validation = validate(parse("5.6.7.8\n5.6.7.9\n5.6.8.0/31"), ListContext(labels=known))

    assert said(collapse(validation)) == [("5.6.7.8/31", "bot"), ("5.6.8.0/31", None)]
    assert said(expand(validation, 20))[2:] == [("5.6.8.0", "office"), ("5.6.8.1", "office")]


def test_a_bracket_that_is_closed_inside_an_entry_belongs_to_it():
    required = (IPv4Address("5.6.7.8"), "this host")

    assert said(applied("[2001:db8::1]:443", 0, required)) == [("5.6.7.8", None)]
    assert said(applied("[5.6.7.8]:443, 9.9.9.9", 0)) == [("5.6.7.8", None), ("9.9.9.9", None)]


def test_a_typed_entry_takes_over_the_label_of_the_one_before_unless_it_brings_its_own():
    entries = parse("5.6.7.8 # bot\n9.9.9.9")

    assert said(replace_entry(entries, 0, "1.1.1.1, 2.2.2.2 # dr\n3.3.3.3")) == [
        ("1.1.1.1", "dr"),
        ("2.2.2.2", "dr"),
        ("3.3.3.3", "bot"),
        ("9.9.9.9", None),
    ]
    assert said(replace_entry(entries, 0, "")) == [("9.9.9.9", None)]


def test_adding_what_a_finding_suggests_settles_it():
    required = (IPv4Address("5.6.7.9"), "this host")
    validation = checked(parse("5.6.7.8"), required)
    (finding,) = validation.findings

    assert checked(apply_fix(validation, Fix(finding, None)), required).is_valid


def test_addresses_from_elsewhere_are_added_once_with_their_labels_and_taken_out_again():
    entries = parse("5.6.7.0/24\n9.9.9.9\n1.1.1.1 # mine")
    found = {IPv4Address("5.6.7.8"): "bot-1", IPv4Address("9.9.9.9"): "bot-2", IPv4Address("1.1.1.1"): "bot-3"}

    longer = add_labelled(entries, {**found, IPv4Address("8.8.8.8"): "bot-4", IPv4Address("8.8.4.4"): ""})

    assert said(longer) == [
        ("5.6.7.0/24", None),
        ("9.9.9.9", "bot-2"),
        ("1.1.1.1", "mine"),
        ("8.8.8.8", "bot-4"),
        ("8.8.4.4", None),
    ]
    assert said(remove_addresses(longer, [IPv4Address("5.6.7.8"), IPv4Address("8.8.8.8")])) == [
        *said(longer)[:3],
        ("8.8.4.4", None),
    ]


def test_an_entry_knows_where_it_stands_in_the_text():
    text = ' "5.6.7.8" ,\n5.6.7.9'

    assert [text[entry.position :][: len(entry.text)] for entry in parse(text)] == ["5.6.7.8", "5.6.7.9"]


def test_a_difference_tells_what_came_and_what_went():
    old = [IPv4Network(block) for block in ("5.6.7.8", "5.6.7.9", "5.6.7.9")]
    new = [IPv4Network(block) for block in ("5.6.7.10", "5.6.7.8")]

    difference = diff(old, new)

    assert difference.added == (IPv4Network("5.6.7.10"),)
    assert difference.removed == (IPv4Network("5.6.7.9"),)
    assert difference.kept == (IPv4Network("5.6.7.8"),)


def test_a_list_of_many_thousand_lines_is_validated_like_a_short_one():
    text = "\n".join(f"5.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(5_000))

    validation = checked(parse(text + "\n5.0.0.0/24"))

    assert [finding.code for finding in validation.errors] == ["too-many"]
    assert validation.entries[0].findings[0].code == "covered"
