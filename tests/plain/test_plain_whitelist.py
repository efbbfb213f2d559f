"""The Whitelist step in lines: rows by their numbers, lists in several lines, the text to paste in its forms."""

from __future__ import annotations

from tests.canaries import leaked
from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import EGRESS, ROTATE
from tests.rotation.conftest import HERE
from wizard.rotation.model import Step

TO_WHITELIST = [*ROTATE, *EGRESS]
OFFICE = "198.51.100.7"


def added(*lines: str) -> list[Line]:
    """Type entries that are added to the list."""
    return [("What next?", "add"), *(("Line", line) for line in lines), ("Line", "")]


async def test_a_list_with_errors_says_what_is_wrong_with_each_row_and_is_not_kept(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added("198.51.100.007 # office", "10.0.0.1"),
        ("2. 198.51.100.007, office, leading zero, stops you.", "continue"),
        ("Not yet. 2 of 3 entries to fix.", "quit"),
    )
    assert f"     fix: change it to {OFFICE}." in ended.text
    assert "3. 10.0.0.1, not public, stops you." in ended.text
    assert ended.left_at is Step.WHITELIST


async def test_rows_are_fixed_named_edited_deleted_and_brought_back_by_their_numbers(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added("5.6.7.8:443", "9.9.9.9:443", "5.6.7.16/29"),
        ("2 of 4", "fix"),
        ("Numbers", "2, 3, 7"),
        ("There is no row of such a number", "name"),
        ("Its number, 1 to 4", "5.6.7.8"),
        ("Whose it is", "office"),
        ("2. 5.6.7.8, office", "edit"),
        ("Its number", "3"),
        ("Address or block", "9.9.9.10"),
        ("3. 9.9.9.10", "delete"),
        ("Numbers", "3,2"),
        ("2. 5.6.7.16/29", "undo"),
        ("2. 5.6.7.8, office", "expand"),
        ("10. 5.6.7.23", "quit"),
    )
    assert ended.left_at is Step.WHITELIST


async def test_the_only_row_that_has_a_fix_is_not_asked_for(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added(OFFICE, "5.6.7.8/28"),
        ("other: change it to 5.6.7.0/28", "other"),
        ("18 addresses, ready to paste", "undo"),
        ("1 of 3", "fix"),
        ("3 addresses, ready to paste", "continue"),
        ("", "quit"),
    )
    assert ended.left_at is Step.CREDENTIALS


async def test_the_text_to_paste_is_said_in_three_forms(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added(f"{OFFICE} 198.51.100.8", "198.51.100.16/28"),
        ("", "copy"),
        ("", "copy"),
        ("", "copy"),
        ("", "quit"),
    )
    entries = [HERE, OFFICE, "198.51.100.8", "198.51.100.16/28"]
    for text in (",".join(entries), " ".join(entries), "\n".join(entries)):
        assert f"\n{text}\n" in ended.text


async def test_a_key_among_the_lines_of_the_list_is_not_taken_and_not_repeated(plain: PlainWorld) -> None:
    key = "K3yz" * 16
    ended = await visit(plain, *TO_WHITELIST, *added(OFFICE, key), ("2 addresses", "quit"))
    assert "This looks like a key. It was not taken" in ended.text
    assert leaked(key, ended.text.encode()) == []


async def test_going_back_from_a_list_that_is_typed_leaves_the_other_one(plain: PlainWorld) -> None:
    way: list[Line] = [("", "add"), ("Line 1", "0.0.0.0/0"), ("Line 2", "back"), ("", "add"), ("Line 1", "")]
    ended = await visit(plain, *TO_WHITELIST, *way, ("", "continue"), ("", "quit"))
    assert ended.left_at is Step.CREDENTIALS


async def test_an_empty_proposal_is_named_and_not_kept(empty: PlainWorld) -> None:
    skip: list[Line] = [("", "create"), ("skip", "skip")]
    ended = await visit(
        empty, *skip, ("The list is empty.", "continue"), ("Not yet.", "quit"), interrupt_at=("Asking 3",)
    )
    assert ended.left_at is Step.WHITELIST


async def test_a_text_that_is_no_list_is_offered_reviewed_and_taken(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added(f"allow {OFFICE};  # office", "deny 198.51.100.66;"),
        ("1 address found in this text, 1 line left out.", "review"),
        ("198.51.100.66 was not taken, as it is denied.", "take"),
        ("2 addresses, ready to paste", "undo"),
        ("1 address, ready to paste", "continue"),
        ("", "quit"),
    )
    assert f"1. {OFFICE}, office, good." in ended.text
    assert ended.left_at is Step.CREDENTIALS


async def test_a_text_that_is_left_changes_nothing(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *added(f"please add {OFFICE}"),
        ("1 address found in this text.", "back"),
        ("Nothing of the text was taken.", "quit"),
    )
    assert ended.left_at is Step.WHITELIST
