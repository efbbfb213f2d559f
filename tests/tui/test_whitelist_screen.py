"""The list that is edited in place."""

from __future__ import annotations

import random
import string

import pytest
from textual import events
from textual.widgets import Static

from tests.terminal.harness import leaked
from tests.tui.conftest import Wizard
from tests.whitelist.listed import text_of
from wizard.tui.screens.whitelist import broken_after
from wizard.tui.widgets.entry_list import EntryList
from wizard.tui.widgets.notice import Notice


def rows(wizard: Wizard) -> str:
    entries = wizard.app.screen.query_one(EntryList)
    return "\n".join(entries.render_line(number).text.rstrip() for number in range(entries.size.height))


def text(wizard: Wizard) -> str:
    return text_of(wizard.app.screen.query_one(EntryList).entries)


async def test_typing_a_digit_adds_an_entry_and_the_verdict_follows_each_key(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100")
    await wizard.until("#verdict", "Not ready: 1 to mend")
    assert wizard.text("#paste").strip() == "(nothing yet)"
    await wizard.press(*".7")
    await wizard.until("#paste", "203.0.113.42,198.51.100.7")
    await wizard.press("enter")
    assert text(wizard) == "203.0.113.42\n198.51.100.7"


async def test_an_entry_is_edited_in_the_middle_and_undo_brings_the_old_one_back(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.7", "enter", "e", "left", "left", "backspace", "1", "enter")
    assert text(wizard).endswith("198.51.101.7")
    await wizard.press("u")
    assert text(wizard).endswith("198.51.100.7")
    await wizard.press("u")
    assert text(wizard) == "203.0.113.42"


async def test_escape_ends_an_edit_and_keeps_what_was_typed(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51", "escape")
    assert text(wizard) == "203.0.113.42\n198.51"
    assert "✗" in rows(wizard)


async def test_a_row_is_deleted_and_comes_back(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("d")
    await wizard.until("#verdict", "to mend")
    assert "empty: a adds an entry" in rows(wizard)
    await wizard.press("u")
    await wizard.until("#verdict", "Ready to paste")


async def test_a_label_is_shown_beside_its_entry_and_never_in_the_text_to_paste(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.7", "enter", "l", *"office", "enter")
    assert "office" in rows(wizard)
    assert wizard.text("#paste").strip() == "203.0.113.42,198.51.100.7"
    await wizard.press("l", "ctrl+u", "enter")
    assert "office" not in rows(wizard)


async def test_a_paste_adds_its_entries_and_one_key_repairs_all_that_is_safe(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    wizard.app.screen.query_one(EntryList).post_message(events.Paste("5.6.7.8:443\n９.9.9.9, 8.8.8.8/24"))
    await wizard.until("#verdict", "3 to mend")
    await wizard.press("f9")
    await wizard.until("#verdict", "1 to mend")
    assert "8.8.8.8/24" in text(wizard)
    await wizard.press("f6")
    await wizard.until("#paste", "203.0.113.42,5.6.7.8,9.9.9.9,8.8.8.8")


async def paste(wizard: Wizard, pasted: str) -> None:
    wizard.app.screen.query_one(EntryList).post_message(events.Paste(pasted))
    await wizard.pilot.pause()


async def packet(wizard: Wizard, *keys: str) -> None:
    """Keys that arrive before the screen has answered the first of them."""
    entries = wizard.app.screen.query_one(EntryList)
    for key in keys:
        entries.post_message(events.Key(key, key if len(key) == 1 else None))
    await wizard.pilot.pause()


def entries(wizard: Wizard) -> list[tuple[str, str | None]]:
    return [(entry.text, entry.label) for entry in wizard.app.screen.query_one(EntryList).entries]


@pytest.mark.parametrize("mark", ["#", "＃"])
async def test_a_comment_mark_typed_into_a_row_labels_its_entry_and_swallows_no_other(
    wizard: Wizard, mark: str
) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8, 9.9.9.9 # dr")
    await wizard.press("up", "e", "space")
    await packet(wizard, mark)
    await wizard.press("ctrl+u", "space", *"bot 1", "enter")
    assert entries(wizard) == [("203.0.113.42", None), ("5.6.7.8", "bot 1"), ("9.9.9.9", "dr")]
    assert wizard.text("#paste").strip() == "203.0.113.42,5.6.7.8,9.9.9.9"
    assert "bot 1" in rows(wizard)
    await wizard.press("u")
    assert entries(wizard)[1:] == [("5.6.7.8", "dr"), ("9.9.9.9", "dr")]


async def test_a_comment_mark_between_two_entries_of_one_row_labels_the_one_before_it(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("a", *"5.6.7.8 9.9.9.9", *["left"] * 8, "#", *"bot", "enter")
    assert entries(wizard)[1:] == [("5.6.7.8", "bot"), ("9.9.9.9", None)]
    await wizard.press("a", "#", *"7.7.7.7", "enter")  # it labels nothing in an empty row, and hides nothing
    assert entries(wizard)[-1] == ("7.7.7.7", None)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028"])
async def test_lines_pasted_into_a_row_become_entries_with_their_labels(wizard: Wizard, end: str) -> None:
    await wizard.to_whitelist()
    await wizard.press("a")
    await paste(wizard, end.join(["5.6.7.8\t# bot", "9.9.9.9", "1.1.1.1 # dr", ""]))
    added = [("5.6.7.8", "bot"), ("9.9.9.9", None), ("1.1.1.1", "dr")]
    assert entries(wizard) == [("203.0.113.42", None), *added]
    await wizard.press("u", "e")
    await paste(wizard, end.join(["5.6.7.8\t# bot", "9.9.9.9", "1.1.1.1 # dr"]))
    assert entries(wizard) == [("203.0.113.42", None), *added]
    await wizard.press("u")
    assert text(wizard) == "203.0.113.42"


async def test_one_line_with_its_end_is_pasted_into_the_middle_of_a_row(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("a", *"5..8", "left", "left")
    await paste(wizard, "6.7\r\n")
    assert entries(wizard)[-1] == ("5.6.7.8", None)
    await wizard.press("enter", "l")
    await paste(wizard, "the office\nin Bern, with a name that is far too long for a label")
    await wizard.press("enter")
    assert entries(wizard)[-1] == ("5.6.7.8", "the office in Bern, with a name that is")


async def test_keys_that_come_at_once_are_about_the_list_as_it_is_then(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8\n9.9.9.9\n1.1.1.1 # dr")
    await packet(wizard, "home", "d", "d", "l", "b", "enter", "end", "d")
    assert entries(wizard) == [("9.9.9.9", "b")]


async def test_the_cursor_stays_at_the_entry_that_was_typed_and_labelled_at_once(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await packet(wizard, "a", *"5.6.7.8", "#", *"dr", "enter")
    assert "2 +5.6.7.8" in next(row for row in rows(wizard).splitlines() if "▶" in row)
    await wizard.press("d")
    assert entries(wizard) == [("203.0.113.42", None)]


async def test_a_list_with_a_nul_is_labelled_where_the_cursor_is(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8\0,9.9.9.9")
    await wizard.press("l", *"bot", "enter")
    assert entries(wizard)[1:] == [("5.6.7.8\0", None), ("9.9.9.9", "bot")]


async def test_an_address_in_a_comment_is_told_and_taken_out_by_one_key(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8 # bot, 9.9.9.9")
    await wizard.until("#findings", "F6 makes it 9.9.9.9. 9.9.9.9 is in a comment, so it is not on the list.")
    await wizard.press("f6")
    assert entries(wizard)[1:] == [("5.6.7.8", "bot"), ("9.9.9.9", None)]
    await wizard.until("#paste", "203.0.113.42,5.6.7.8,9.9.9.9")


@pytest.mark.parametrize("key", ["b", "f18"])
async def test_host_bits_are_made_one_address_or_the_block(wizard: Wizard, key: str) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8/28")
    await wizard.until("#findings", "F6 makes it 5.6.7.8, Shift+F6 5.6.7.0/28.")
    await wizard.press(key)
    await wizard.until("#paste", "203.0.113.42,5.6.7.0/28")


async def test_what_was_changed_can_be_undone_after_leaving_the_step(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"5.6.7.8", "ctrl+n")
    await wizard.press("f7")
    await wizard.until("#verdict", "2 entries")
    await wizard.press("a", *"9.9.9.9", "ctrl+n")
    await wizard.press("f7")
    await wizard.until("#verdict", "3 entries")
    await wizard.press("u")
    assert text(wizard) == "203.0.113.42\n5.6.7.8"
    await wizard.press("u")
    assert text(wizard) == "203.0.113.42"


async def test_blocks_are_spelled_out_and_neighbours_joined(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.8/31", "enter", "x")
    await wizard.until("#paste", "203.0.113.42,198.51.100.8,198.51.100.9")
    await wizard.press("c")
    await wizard.until("#paste", "203.0.113.42,198.51.100.8/31")


async def test_the_form_of_the_text_changes_at_one_key(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.7", "enter", "f2")
    await wizard.until("#caption", "spaces between")
    assert "203.0.113.42 198.51.100.7" in wizard.text("#paste")


def test_the_text_to_paste_is_broken_after_commas_and_nowhere_else() -> None:
    text = ",".join(["203.0.113.42", "198.51.100.7", "198.51.100.0/28", "8.8.8.8"])
    for width in range(16, 60):
        lines = broken_after(",", text, width).split("\n")
        assert "".join(lines) == text
        assert all(line.endswith(",") for line in lines[:-1])
        assert max(map(len, lines)) <= width


async def test_no_address_of_the_text_to_paste_is_broken_on_a_narrow_terminal(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.pilot.resize_terminal(60, 20)
    await paste(wizard, "\n".join(f"198.51.100.{last}" for last in range(107, 112)))
    await wizard.until("#paste", "198.51.100.111")
    shown = wizard.app.screen.query_one("#paste", Static)
    lines = [shown.render_line(number).text.strip() for number in range(shown.size.height)]
    assert len(lines) > 1
    assert all(line.endswith(",") for line in lines[:-1])


async def test_a_text_to_paste_that_is_partly_out_of_sight_says_so(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.pilot.resize_terminal(60, 20)
    await paste(wizard, "\n".join(f"198.51.100.{last}" for last in range(100, 119)))
    await wizard.press("f2", "f2")
    await wizard.until("#caption", "Ctrl+Down shows more")
    await wizard.press("f2")
    await wizard.until("#caption", "commas between")
    await wizard.pilot.resize_terminal(60, 12)
    await wizard.until("#caption", "Ctrl+Down shows more")


@pytest.mark.parametrize("keys", [(), ("a",), ("l",)], ids=["list", "row", "label"])
@pytest.mark.parametrize("alphabet", [string.ascii_letters + string.digits, "0123456789abcdef"], ids=["mixed", "hex"])
async def test_a_key_pasted_into_the_list_is_not_drawn_and_not_taken(
    wizard: Wizard, keys: tuple[str, ...], alphabet: str
) -> None:
    key = "".join(random.Random(5).choices(alphabet, k=64))
    await wizard.to_whitelist()
    await wizard.press(*keys)
    wizard.app.post_message(events.Paste(f"198.51.100.7\n{key}\n"))
    await wizard.until("Notice", "looks like a key")
    assert leaked(key, wizard.app.export_screenshot().encode()) == []
    assert entries(wizard) == [("203.0.113.42", None)]


async def test_what_is_copied_is_named_without_a_break_inside_an_address(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.pilot.resize_terminal(60, 20)
    await paste(wizard, "\n".join(f"198.51.100.{last}" for last in range(107, 115)))
    await wizard.press("f3")
    await wizard.until("Notice", "198.51.100.111 and 3 more")
    for width in (60, 71, 80):
        await wizard.pilot.resize_terminal(width, 20)
        await wizard.pilot.pause()
        bar = wizard.app.screen.query_one(Notice)
        lines = [bar.render_line(number).text.strip() for number in range(bar.outer_size.height)]
        assert len(lines) > 1
        assert all(f"198.51.100.{last}" in " ".join(lines) for last in range(107, 112))


@pytest.mark.parametrize("keys", [("l", "escape"), ("l", "enter"), ("l", *"bot", *["backspace"] * 3, "enter")])
async def test_a_label_that_stays_as_it_was_changes_nothing(wizard: Wizard, keys: tuple[str, ...]) -> None:
    await wizard.to_whitelist()
    before = text(wizard)
    await wizard.press("l", "escape")  # its label is known, not typed
    assert text(wizard) == before
    await wizard.press(*"198.51.100.7", "enter", *keys)
    assert text(wizard) == f"{before}\n198.51.100.7"
    await wizard.press("u")
    assert text(wizard) == before


def drawn(wizard: Wizard) -> str:
    """What the terminal shows, line by line."""
    return "\n".join(strip.text for strip in wizard.app.screen._compositor.render_strips())


async def test_the_rows_of_a_thousand_entries_stand_in_the_same_columns(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "\n".join(f"8.8.{number // 250}.{number % 250}" for number in range(1000)))
    await wizard.until("#verdict", "to mend")
    await wizard.press("up", "up")
    shown = rows(wizard).splitlines()
    assert any(" 999 +" in row for row in shown)
    assert any("1000 +" in row for row in shown)
    assert len({row.index("+8.8.") for row in shown if "+8.8." in row}) == 1


async def test_all_keys_of_the_list_are_named_beside_a_scrollbar(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.pilot.resize_terminal(60, 20)
    await paste(wizard, "\n".join(f"198.51.100.{last}" for last in range(100, 119)))
    await wizard.press("f2", "f2")
    await wizard.until("#caption", "Ctrl+Down shows more")
    keys = wizard.app.screen.query_one("#keys")
    assert keys.render_line(0).text.rstrip().endswith("c join")
