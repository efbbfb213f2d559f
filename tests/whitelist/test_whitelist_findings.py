"""Inputs that people paste, what is said about them, and the text that mends them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from tests.whitelist.table import EGRESS, ENTRIES, FINE, told
from wizard.core.rules import Rules
from wizard.core.text import UNPRINTABLE
from wizard.whitelist.entries import Entries, parse
from wizard.whitelist.findings import ListContext
from wizard.whitelist.fixes import Fix, apply_alternative, apply_fix, fix_all
from wizard.whitelist.validation import validate


def judged(listed: str | Entries, *required: tuple[IPv4Address, str], rules: Rules | None = None):
    entries = parse(listed) if isinstance(listed, str) else listed
    return validate(entries, ListContext(rules or Rules(), dict(required)))


@pytest.mark.parametrize(("text", "severity", "code", "suggestion"), ENTRIES, ids=lambda value: ascii(value)[:40])
def test_an_entry_is_named_for_what_is_wrong_with_it(text, severity, code, suggestion):
    validation = judged(text, EGRESS)

    (entry,) = validation.entries
    assert told(entry) == (severity, code, suggestion)
    assert entry.has_error == (severity == "error")
    assert bool(validation.networks) == (not entry.has_error)


def test_the_table_is_long_enough_to_mean_something():
    assert len({row[0] for row in (*ENTRIES, *FINE)}) >= 120


@pytest.mark.parametrize(("text", "networks"), FINE, ids=lambda value: ascii(value)[:40])
def test_a_clean_list_has_no_finding(text, networks):
    validation = judged(text)

    assert [str(network) for network in validation.networks] == networks
    assert [entry.findings for entry in validation.entries] == [()] * len(networks)
    assert validation.errors == validation.warnings == ()


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("5.6.7.8,,5.6.7.9", [8]),
        ("5.6.7.8, ,5.6.7.9", [9]),
        ("5.6.7.8,\n\n;5.6.7.9", [10]),
        (",5.6.7.8", [0]),
        ("5.6.7.8,", [8]),
        ("5.6.7.8，，5.6.7.9", [8]),
        ('"",5.6.7.8', [2]),
        ("5.6.7.8, # and nothing more", [8]),
        (",", [0, 1]),
    ],
)
def test_an_empty_field_is_found_where_it_is(text, positions):
    empty = [entry for entry in judged(text).entries if entry.findings]

    assert [(entry.findings[0].code, entry.entry.position) for entry in empty] == [
        ("empty-field", position) for position in positions
    ]


@pytest.mark.parametrize("text", ["", "  \n ", "# nothing", "# 5.6.7.8", "[]", '""'])
def test_a_list_without_entries_is_empty(text):
    validation = judged(text)

    assert [finding.code for finding in validation.errors] == ["empty-list"]
    assert "Add the public IPv4 address" in validation.sentence()


def test_ipv6_is_said_to_lock_out_and_the_strength_of_that_is_told():
    (finding,) = judged("2001:db8::1").entries[0].findings

    assert "silently" in finding.message
    assert "locked out" in finding.message
    assert "Not confirmed" in finding.message


def test_host_bits_offer_the_address_and_the_block():
    (finding,) = judged("203.0.113.42/24").entries[0].findings

    assert "203.0.113.42 for the one address" in finding.message
    assert "203.0.113.0/24 for all 256" in finding.message
    assert (finding.suggestion, finding.alternative) == ("203.0.113.42", "203.0.113.0/24")
    swapped = apply_alternative(judged("203.0.113.42/24"), Fix(finding, 0))
    assert [entry.text for entry in swapped] == ["203.0.113.0/24"]


def test_a_netmask_beside_one_address_of_its_block_offers_both_as_well():
    (finding,) = judged("5.6.7.8/255.255.255.0").entries[0].findings

    assert (finding.suggestion, finding.alternative) == ("5.6.7.8", "5.6.7.0/24")


def test_a_block_too_wide_to_list_is_not_offered_for_host_bits():
    (finding,) = judged("5.6.7.8/8").entries[0].findings

    assert "5.0.0.0/8" not in finding.message
    assert finding.alternative is None
    assert apply_alternative(judged("5.6.7.8/8"), Fix(finding, 0)) is None


def test_the_password_of_a_url_is_not_repeated():
    assert "hunter2" not in judged("https://me:hunter2@5.6.7.8/").sentence()


def test_control_characters_do_not_reach_the_message():
    message = judged("5.6.7.8\x1b]52;c;aGk=\x07").sentence()

    assert not UNPRINTABLE.search(message)
    assert "U+001B" in message


def test_a_tolerated_range_gives_no_finding():
    rules = Rules(tolerated_ranges=frozenset({"documentation", "private"}))

    validation = judged("203.0.113.42,10.0.0.1", rules=rules)

    assert validation.is_valid
    assert validation.warnings == ()


def test_a_wide_block_is_held_by_the_range_that_is_not_tolerated():
    rules = Rules(tolerated_ranges=frozenset({"this-network"}))

    (entry,) = judged("0.0.0.0/4", rules=rules).entries

    assert [finding.code for finding in entry.findings] == ["private", "too-wide"]


def test_duplicates_and_covered_entries_can_be_removed_without_harm():
    validation = judged("5.6.7.0/24,5.6.7.8,5.6.7.0/24")

    assert [[finding.code for finding in entry.findings] for entry in validation.entries] == [
        ["block"],
        ["covered"],
        ["duplicate", "block"],
    ]
    assert [entry.fix and entry.fix.suggestion for entry in validation.entries] == [None, "", ""]
    assert validation.is_valid
    assert [str(network) for network in validation.networks] == ["5.6.7.0/24", "5.6.7.8/32"]


def safe(text: str, *required: tuple[IPv4Address, str]) -> list[bool]:
    validation = judged(text, *required)
    return [bool(entry.fix and entry.fix.is_safe) for entry in validation.entries]


def test_a_covered_entry_that_says_whose_it_is_is_not_removed_unread():
    assert safe("5.6.7.0/24\n5.6.7.8\n5.6.7.9 # bot-1") == [False, True, False]
    assert safe("93.184.1.0/24\n93.184.1.42\n93.184.1.43", EGRESS) == [False, False, True]
    assert (
        "93.184.1.42 (this host) is inside 93.184.1.0/24"
        in judged("93.184.1.0/24,93.184.1.42", EGRESS).entries[1].findings[0].message
    )


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("8.8.8.8 # bot, 9.9.9.9", "9.9.9.9"),
        ("8.8.8.8 #9.9.9.9,1.1.1.1 9.9.9.9", "9.9.9.9,1.1.1.1"),
        ("8.8.8.8\n# 9.9.9.9:443", "9.9.9.9:443"),
        ("8.8.8.8 ＃ ９.9.9.9", "9.9.9.9"),
        ("8.8.8.8 # office # 9.9.9.0/24", "9.9.9.0/24"),
        ("8.8.8.8 # https://9.9.9.9/", "9.9.9.9"),
        ("8.8.8.8 # [9.9.9.9]", "9.9.9.9"),
        ("8.8.8.8 # 5.6.7.8 - 5.6.7.9", "5.6.7.8 - 5.6.7.9"),
        ("8.8.8.8 # resolver 8.8.8.8", None),
        ("8.8.8.0/24 # resolver 8.8.8.8", None),
        ("8.8.8.8 # behind 10.0.0.1", None),
        ("8.8.8.8 # nginx v1.18.0.1, 1.2.3.4.5, 999.1.1.1, 1.2.3", None),
        ("8.8.8.8 # any, *, bot-1", None),
    ],
)
def test_an_address_in_a_comment_is_told_to_be_not_on_the_list(text, hidden):
    validation = judged(text)
    found = [each.findings[0] for each in validation.entries if each.entry.kind == "commented"]

    mended = {"9.9.9.9:443": "9.9.9.9", "5.6.7.8 - 5.6.7.9": "5.6.7.8,5.6.7.9"}
    assert ",".join(finding.suggestion for finding in found) == mended.get(hidden, hidden or "")
    assert all(finding.severity == "warning" and not finding.is_safe for finding in found)
    assert [network for network in validation.networks if str(network.network_address).startswith("9.9.9.")] == []
    assert fix_all(parse(text), judged) == parse(text)
    if hidden:
        assert f"{hidden.split(',')[0]} is in a comment, so it is not on the list." in found[0].message


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("8.8.8.8 # bot, 9.9.9.9\n1.2.3.4", [("8.8.8.8", "bot"), ("9.9.9.9", None), ("1.2.3.4", None)]),
        ("8.8.8.8 # bot,9.9.9.9,office", [("8.8.8.8", "bot, office"), ("9.9.9.9", None)]),
        (
            "8.8.8.8\r\n# 9.9.9.9 office\r\n1.2.3.4",
            [("8.8.8.8", None), ("9.9.9.9", "office"), ("1.2.3.4", None)],
        ),
        ("8.8.8.8\n#9.9.9.9", [("8.8.8.8", None), ("9.9.9.9", None)]),
        ('["8.8.8.8"] # https://9.9.9.9/ a', [("8.8.8.8", "a"), ("9.9.9.9", None)]),
    ],
)
def test_one_key_takes_an_address_out_of_its_comment(text, fixed):
    validation = judged(text)
    place = next(place for place, each in enumerate(validation.entries) if each.entry.kind == "commented")
    entries = apply_fix(validation, Fix(validation.entries[place].fix, place))

    assert [(entry.text, entry.label) for entry in entries] == fixed
    assert all(entry.network for entry in entries)


def test_a_commented_address_that_is_listed_by_now_is_removed_as_safe():
    entries = (*parse("8.8.8.8 # 9.9.9.9"), *parse("9.9.9.9"))

    assert [entry.text for entry in fix_all(entries, judged)] == ["8.8.8.8", "9.9.9.9"]


def test_an_unusable_block_covers_nothing():
    validation = judged("5.0.0.0/8,5.6.7.8,0.0.0.0/0", (IPv4Address("5.6.7.9"), "this host"))

    assert validation.entries[1].findings == ()
    assert "egress-not-covered" in [finding.code for finding in validation.errors]


def test_twenty_entries_are_the_limit():
    addresses = [f"5.6.7.{number}" for number in range(21)]

    assert judged(",".join(addresses[:20])).is_valid
    over = judged(",".join(addresses))
    assert [finding.code for finding in over.errors] == ["too-many"]
    assert "Too many IPs: 21 of at most 20. Remove 1 entry" in over.sentence()


def test_the_limit_is_a_setting():
    addresses = ",".join(f"5.6.7.{number}" for number in range(21))

    assert judged(addresses, rules=Rules(max_entries=30)).is_valid


def test_duplicates_are_named_as_the_way_below_the_limit():
    addresses = ",".join([*(f"5.6.7.{number}" for number in range(20)), "5.6.7.0"])

    assert "Duplicate or covered ones are enough" in judged(addresses).sentence()


def test_a_block_is_expanded_only_where_its_addresses_fit():
    nearly_full = ",".join([*(f"5.6.8.{number}" for number in range(17)), "5.6.7.0/30"])

    assert judged(nearly_full).entries[-1].fix is None
    assert judged(nearly_full, rules=Rules(max_entries=21)).entries[-1].fix is not None


def test_every_address_that_has_to_get_in_is_asked_for():
    other = (IPv4Address("93.184.1.43"), "bot-1")

    validation = judged("93.184.1.42", EGRESS, other)

    assert [(finding.code, finding.suggestion) for finding in validation.errors] == [
        ("egress-not-covered", "93.184.1.43")
    ]
    assert "bot-1" in validation.sentence()


def test_a_block_covers_the_address_inside_it():
    assert judged("93.184.1.0/24", EGRESS).is_valid


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("0.0.0.0/0", "93.184.1.42"),
        ("10.0.0.1,2001:db8::1", "93.184.1.42"),
        ("93.184.1.42/24", "93.184.1.42"),
        ("*, 10.0.0.1", "93.184.1.42"),
        ("93.184.1.42,,5.6.7.8,", "93.184.1.42,5.6.7.8"),
    ],
)
def test_applying_every_suggestion_in_turn_makes_a_usable_list(text, mended):
    entries = parse(text)
    for _ in range(10):
        validation = judged(entries, EGRESS)
        place = next((place for place, each in enumerate(validation.entries) if each.has_error), None)
        if place is None:
            break
        entries = apply_fix(validation, Fix(validation.entries[place].fix, place))

    assert validation.is_valid
    assert ",".join(entry.text for entry in entries) == mended


def test_the_sentence_counts_what_would_be_allowed():
    assert judged("5.6.7.8").sentence() == "Ready to paste: 1 entry."
    assert judged("5.6.7.0/24,5.6.8.1").sentence() == "Ready to paste: 2 entries, 257 addresses, 1 warning."


def test_the_sentence_of_a_bad_list_tells_the_first_problem_of_an_entry():
    sentence = judged("5.6.7.8:443", EGRESS).sentence()

    assert sentence.startswith("Not ready: 2 errors. 5.6.7.8:443 has a port.")


def test_an_end_of_a_range_is_no_duplicate_and_its_dash_no_mark_of_a_line() -> None:
    text = "1.2.3.4\n1.2.3.4 - 1.2.3.9/33"
    validation = judged(text)

    assert [finding.code for finding in validation.errors] == ["dash", "bad-prefix"]
    assert fix_all(parse(text), judged) == parse(text)


def test_a_comment_ends_where_a_text_area_ends_its_line() -> None:
    for end in "\x1c\x1d\x1e\x85\u2028":
        text = f"1.2.3.4 # bot{end}5.6.7.8"
        assert parse(text)[1:] == parse("\n".join(text.splitlines()))[1:]


def test_a_list_is_judged_beside_other_lists_observations_and_the_list_in_use() -> None:
    block, other = IPv4Network("93.184.1.4/30"), {"staging": (IPv4Network("93.184.1.5"),)}
    around = ListContext(others=other, previous=(block,), observed=(IPv4Network("93.184.1.4"),))
    validation = validate(parse("93.184.1.4,93.184.1.5"), around)

    assert [[each.code for each in entry.findings] for entry in validation.entries] == [[], ["shared", "unobserved"]]
    (lost,) = validation.findings
    assert (lost.code, lost.suggestion) == ("access-lost", "93.184.1.4/30")
