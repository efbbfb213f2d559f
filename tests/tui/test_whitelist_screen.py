"""The list that is edited in place and its other face, the free text."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

from tests.tui.conftest import Wizard
from wizard.tui.widgets.entry_list import EntryList


def rows(wizard: Wizard) -> str:
    entries = wizard.app.screen.query_one(EntryList)
    return "\n".join(entries.render_line(number).text.rstrip() for number in range(entries.size.height))


def text(wizard: Wizard) -> str:
    return wizard.app.screen.query_one(EntryList).text


async def test_typing_a_digit_adds_an_entry_and_the_verdict_follows_each_key(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100")
    await wizard.until("#verdict", "Not ready: 1 to mend")
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


async def test_the_free_text_is_the_same_list_and_undone_as_one_change(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("f5")
    area = wizard.app.screen.query_one(TextArea)
    assert area.has_focus
    await wizard.press("enter", *"198.51.100.7 # office")
    await wizard.until("#verdict", "2 entries")
    await wizard.press("f5")
    assert "office" in rows(wizard)
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
