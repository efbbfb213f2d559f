"""The list that is edited in place, and takes keys and pastes in the order in which they come."""

from __future__ import annotations

import random
import string

import pytest
from textual import events

from tests.canaries import leaked
from tests.tui.conftest import Wizard
from tests.whitelist.listed import text_of
from wizard.rotation.model import Step
from wizard.tui.screens.whitelist import EntryRows
from wizard.tui.widgets.action_bar import ActionBar
from wizard.whitelist.entries import Entries

HERE = "203.0.113.42"


def rows(wizard: Wizard) -> EntryRows:
    return wizard.app.screen.query_one(EntryRows)


def shown(wizard: Wizard) -> list[str]:
    """The lines of the list that are really on the screen."""
    drawn = [strip.text.rstrip() for strip in wizard.app.screen._compositor.render_strips()]
    top = rows(wizard).region.y
    return drawn[top : top + rows(wizard).region.height]


def here(wizard: Wizard) -> str:
    """The line under the cursor."""
    (line,) = [line for line in shown(wizard) if "❯" in line]
    return line


def footer(wizard: Wizard) -> str:
    return str(wizard.app.screen.query_one(ActionBar).render())


def listed(wizard: Wizard) -> Entries:
    return wizard.app.flow.whitelist.draft or ()


def text(wizard: Wizard) -> str:
    return text_of(listed(wizard))


def entries(wizard: Wizard) -> list[tuple[str, str | None]]:
    return [(entry.text, entry.label) for entry in listed(wizard)]


async def paste(wizard: Wizard, pasted: str) -> None:
    wizard.app.post_message(events.Paste(pasted))
    await wizard.pilot.pause()


async def packet(wizard: Wizard, *keys: str) -> None:
    """Keys that arrive before the screen has answered the first of them."""
    for key in keys:
        wizard.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await wizard.pilot.pause(0.2)


async def test_an_entry_is_typed_edited_and_brought_back(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.7", "enter")
    await wizard.until("#verdict", "2 addresses, ready to paste.")
    assert "198.51.100.7" in here(wizard)
    await wizard.press("e", "left", "left", "backspace", "1", "enter")
    assert text(wizard) == f"{HERE}\n198.51.101.7"
    await wizard.press("u")
    assert text(wizard) == f"{HERE}\n198.51.100.7"
    await wizard.press("u")
    assert text(wizard) == HERE


async def test_escape_ends_an_edit_and_keeps_what_was_typed(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51", "escape")
    assert text(wizard) == f"{HERE}\n198.51"
    assert wizard.app.flow.step is Step.WHITELIST
    await wizard.press("escape")
    await wizard.when(lambda: wizard.app.flow.step is Step.EGRESS)
    assert text(wizard) == f"{HERE}\n198.51"


async def test_a_row_that_is_typed_into_survives_a_resize_and_the_question_whether_to_close(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100")
    await wizard.pilot.resize_terminal(60, 20)
    await wizard.press("ctrl+q", "escape", *".7", "enter")
    assert text(wizard) == f"{HERE}\n198.51.100.7"


async def test_letters_are_text_while_a_row_is_typed_into_and_the_footer_says_which_keys_act(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    assert "e Edit" in footer(wizard)
    await wizard.press("n", *"quad", "space", *"bed")
    assert "e Edit" not in footer(wizard)
    assert "enter Keep" in footer(wizard)
    assert "quad bed" in here(wizard).replace("this host", "")
    await wizard.press("enter")
    assert entries(wizard) == [(HERE, "this hostquad bed")]
    assert "e Edit" in footer(wizard)


async def test_a_row_is_deleted_and_the_missing_one_is_put_back_by_its_fix(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("d")
    await wizard.until("#verdict", "The list is empty.")
    assert "missing" in shown(wizard)[1]
    await wizard.press("home", "f")
    await wizard.until("#verdict", "1 address, ready to paste.")
    assert text(wizard) == HERE


async def test_the_first_entry_is_typed_into_an_empty_list(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("d")
    await wizard.until("#verdict", "The list is empty.")
    await wizard.press("a", *HERE)
    assert HERE in here(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "1 address, ready to paste.")


async def test_a_name_stands_beside_its_entry_and_goes_again(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"198.51.100.7", "enter", "n", *"office", "enter")
    assert "office" in here(wizard)
    await wizard.press("n", "ctrl+u", "enter")
    assert entries(wizard)[1] == ("198.51.100.7", "")


@pytest.mark.parametrize("keys", [("n", "escape"), ("n", "enter"), ("n", *"bot", *["backspace"] * 3, "enter")])
async def test_a_name_that_stays_as_it_was_changes_nothing(wizard: Wizard, keys: tuple[str, ...]) -> None:
    await wizard.to_whitelist()
    await wizard.press("n", "escape", *"198.51.100.7", "enter", *keys, "u")
    assert text(wizard) == HERE


async def test_pasted_entries_are_fixed_one_after_the_other_by_one_key(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8:443\n９.9.9.9, 8.8.8.8/24")
    await wizard.until("#verdict", "3 of 4 entries to fix.")
    assert "5.6.7.8:443" in here(wizard), "the cursor is on the first one to fix"
    await wizard.press("f")
    assert "８" not in here(wizard)
    assert "lookalike" in here(wizard), "and goes on to the next"
    await wizard.press("F")
    assert "8.8.8.8/24" in here(wizard)
    assert "F Fix all" not in footer(wizard)
    await wizard.press("o")
    await wizard.until("#verdict", "ready to paste")
    assert text(wizard) == f"{HERE}\n5.6.7.8\n9.9.9.9\n8.8.8.0/24"


@pytest.mark.parametrize("mark", ["#", "＃"])
async def test_a_comment_mark_typed_into_a_row_names_its_entry_and_swallows_no_other(wizard: Wizard, mark: str) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8, 9.9.9.9 # dr")
    await wizard.press("up", "e", "space")
    await packet(wizard, mark)
    await wizard.press("ctrl+u", "space", *"bot 1", "enter")
    assert entries(wizard) == [(HERE, None), ("5.6.7.8", "bot 1"), ("9.9.9.9", "dr")]
    await wizard.press("u")
    assert entries(wizard)[1:] == [("5.6.7.8", "dr"), ("9.9.9.9", "dr")]


async def test_a_comment_mark_between_two_entries_of_one_row_names_the_one_before_it(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("a", *"5.6.7.8 9.9.9.9", *["left"] * 8, "#", *"bot", "enter")
    assert entries(wizard)[1:] == [("5.6.7.8", "bot"), ("9.9.9.9", None)]
    await wizard.press("a", "#", *"7.7.7.7", "enter")  # it names nothing in an empty row, and hides nothing
    assert entries(wizard)[-1] == ("7.7.7.7", None)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028"])
async def test_lines_pasted_into_a_row_become_entries_with_their_names(wizard: Wizard, end: str) -> None:
    await wizard.to_whitelist()
    await wizard.press("a")
    await paste(wizard, end.join(["5.6.7.8\t# bot", "9.9.9.9", "1.1.1.1 # dr", ""]))
    added = [("5.6.7.8", "bot"), ("9.9.9.9", None), ("1.1.1.1", "dr")]
    assert entries(wizard) == [(HERE, None), *added]
    await wizard.press("u", "home", "e")
    await paste(wizard, end.join(["5.6.7.8\t# bot", "9.9.9.9", "1.1.1.1 # dr"]))
    assert entries(wizard) == [(HERE, None), *added]
    await wizard.press("u")
    assert text(wizard) == HERE


async def test_one_line_with_its_end_is_pasted_into_the_middle_of_a_row(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("a", *"5..8", "left", "left")
    await paste(wizard, "6.7\r\n")
    await wizard.press("enter", "n")
    assert entries(wizard)[-1] == ("5.6.7.8", None)
    await paste(wizard, "the office\nin Bern, with a name that is far too long for a label")
    await wizard.press("enter")
    assert entries(wizard)[-1] == ("5.6.7.8", "the office in Bern, with a name that is")


async def test_keys_that_come_at_once_are_about_the_list_as_it_is_then(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8\n9.9.9.9\n1.1.1.1 # dr")
    await packet(wizard, "home", "d", "home", "down", "d", "n", "b", "enter", "end", "up", "d")
    await wizard.when(lambda: entries(wizard) == [("9.9.9.9", "b")])


async def test_enter_right_behind_an_address_ends_that_and_does_not_go_on(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await packet(wizard, *"5.6.7.8", "enter")
    assert (text(wizard), wizard.app.flow.step) == (f"{HERE}\n5.6.7.8", Step.WHITELIST)
    await packet(wizard, "a", *"9.9.9.9", "#", *"dr", "enter", "d")
    assert text(wizard) == f"{HERE}\n5.6.7.8"
    await packet(wizard, "up", "e", "backspace", "9", "enter", "enter")
    await wizard.when(lambda: wizard.app.flow.step is Step.CREDENTIALS)
    assert wizard.app.flow.context.journal.whitelist_of(wizard.app.flow.context.rotation) == f"{HERE},5.6.7.9"


async def test_a_list_with_a_nul_is_named_where_the_cursor_is(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "5.6.7.8\0,9.9.9.9")
    await wizard.press("end", "up", "n", *"bot", "enter")
    assert entries(wizard)[1:] == [("5.6.7.8\0", None), ("9.9.9.9", "bot")]


@pytest.mark.parametrize("keys", [(), ("a",), ("n",)], ids=["list", "row", "name"])
@pytest.mark.parametrize("alphabet", [string.ascii_letters + string.digits, "0123456789abcdef"], ids=["mixed", "hex"])
async def test_a_key_pasted_into_the_list_is_not_drawn_and_not_taken(
    wizard: Wizard, keys: tuple[str, ...], alphabet: str
) -> None:
    key = "".join(random.Random(5).choices(alphabet, k=64))
    await wizard.to_whitelist()
    await wizard.press(*keys)
    await paste(wizard, f"198.51.100.7\n{key}\n")
    await wizard.until("Notice", "looks like a key")
    assert leaked(key, wizard.app.export_screenshot().encode()) == []
    await wizard.press("escape")
    assert text(wizard) == HERE


@pytest.mark.parametrize("way", ["a", "e"])
async def test_a_key_that_a_terminal_types_for_a_paste_is_not_taken(wizard: Wizard, way: str) -> None:
    key = "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=64))
    await wizard.to_whitelist()
    await wizard.press(way, *("ctrl+u",) * (way == "e"), *key, "enter")
    await wizard.until("Notice", "looks like a key")
    await wizard.press("escape")
    assert leaked(key, wizard.app.export_screenshot().encode()) == []
    assert text(wizard) == HERE


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (160, 50)])
async def test_the_row_under_the_cursor_and_its_fix_are_in_sight_among_a_thousand(
    wizard: Wizard, size: tuple[int, int]
) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_whitelist()
    await paste(wizard, "\n".join(f"8.8.{number // 250}.{number % 250}" for number in range(1000)) + "\n07.7.7.7")
    await wizard.until("#verdict", "1 of 1002 entries to fix.")
    assert "leading zero" in here(wizard)
    drawn = "\n".join(strip.text for strip in wizard.app.screen._compositor.render_strips())
    assert "f  change it to 7.7.7.7" in drawn
    assert "Too many" in drawn
    await wizard.press("home")
    assert HERE in here(wizard)
    await wizard.press("end", "up", "up")
    assert "8.8.3.249" in here(wizard)
    assert len({line.index("8.8.") for line in shown(wizard) if "8.8." in line}) == 1


async def test_what_was_changed_can_be_undone_after_leaving_the_step(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press(*"5.6.7.8", "enter", "escape")
    await wizard.when(lambda: wizard.app.flow.step is Step.EGRESS)
    wizard.app.flow.advance(Step.EGRESS)
    wizard.app.show_step()
    await wizard.until("#verdict", "2 addresses")
    await wizard.press("u")
    assert text(wizard) == HERE


async def test_a_pasted_text_that_is_no_list_is_offered_and_taken_with_its_names(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "allow 5.6.7.8;  # bot\r\nallow 10.0.0.7;\r\ndeny 5.6.7.9;\r\n")
    await wizard.until("#verdict", "2 addresses found in this text, 1 line left out.")
    assert text(wizard) == HERE
    assert "add an address" not in "\n".join(shown(wizard))
    await wizard.press("7", "r", "end")
    await wizard.until("#detail", "5.6.7.9 was not taken, as it is denied.")
    assert "Review" not in footer(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "1 of 3 entries to fix.")
    assert entries(wizard)[1:] == [("5.6.7.8", "bot"), ("10.0.0.7", None)]
    await wizard.press("u")
    assert text(wizard) == HERE


async def test_a_pasted_text_that_is_left_changes_nothing(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await paste(wizard, "please add 5.6.7.8")
    await wizard.until("#verdict", "1 address found in this text.")
    await wizard.press("escape")
    await wizard.until("Notice", "Nothing of the text was taken.")
    await wizard.until("#verdict", "1 address, ready to paste.")
    assert text(wizard) == HERE
