"""A sub-account's key is replaced by keyboard in a real terminal: nothing is pasted and no page is opened."""

from __future__ import annotations

import re

import pytest

from tests.terminal.keys import DOWN, ENTER, ESCAPE
from tests.terminal.walk import Walk, rehearsing
from tests.tiers import slow, whole

pytestmark = pytest.mark.terminal
ARGUMENTS = ("--scenario", "sub-account")
_KEY = re.compile(rb"[A-Za-z0-9]{64}")


def to_credentials(walk: Walk) -> None:
    walk.begin()
    walk.egress()
    walk.press(ENTER)
    walk.see("by API", "Spot & Margin Trading", "enter Create the key by API")


def create(walk: Walk) -> None:
    walk.press(ENTER)
    walk.see("Create a key in the sub-account", "bot-1@example.com?", "203.0.113.42", "Spot &", "Type create")
    walk.press("create" + ENTER)
    walk.see("read back")


@pytest.mark.parametrize("size", [(80, 24), *slow((60, 20)), *whole((160, 50))])
def test_a_rotation_is_walked_to_its_report_and_nothing_is_pasted(size: tuple[int, int]) -> None:
    with rehearsing({}, *ARGUMENTS, size=size) as walk:
        walk.see("enter Replace", "sub-", "The key of rehearsal-master manages")
        to_credentials(walk)
        create(walk)
        walk.switch()
        walk.see("both keys work for", "still accepted")
        walk.press(DOWN)
        walk.see("enter Delete …", "deletes it by API")
        walk.press(ENTER)
        walk.see("on Binance?", "Type delete")
        walk.press("delete" + ENTER)
        walk.delete_secret()
        walk.see("Both alive", "Not proven")
        assert walk.leave() == 0
        assert not _KEY.search(walk.terminal.drawn), "a whole key or secret was drawn"
        assert b"Paste" not in walk.terminal.drawn


@pytest.mark.slow
def test_a_leaked_key_and_a_list_are_changed_by_one_confirmed_key_each() -> None:
    with rehearsing({}, *ARGUMENTS) as walk:
        walk.see("w Whitelist")
        walk.press("w")
        walk.egress()
        walk.press(ENTER)
        walk.see("enter Change the list by API", "s Saved, try now")
        walk.press(ENTER)
        walk.see("It becomes 203.0.113.42.", "Type change")
        walk.press("change" + ENTER)
        walk.see("enter Record the list")
        walk.press(ENTER)
        walk.see("Its new whitelist is recorded.")
        walk.press(ENTER)
        walk.see("l Leaked")
        walk.press("l")
        walk.see("still works", "enter Delete …")
        walk.press(ENTER)
        four = re.search(r"Type (\w{4})\b", walk.see("cannot undo", "Type "))
        assert four is not None
        walk.press(four[1] + ENTER)
        walk.see("The proof follows", "enter Continue")


def test_the_way_by_hand_is_one_key_away_and_back() -> None:
    with rehearsing({}, *ARGUMENTS) as walk:
        to_credentials(walk)
        walk.press("o")
        walk.see("-----END PUBLIC KEY-----", "enter Save and probe")
        walk.press("too-short" + ENTER)
        walk.see("API key")
        walk.press(ESCAPE)
        walk.see("enter Create the key by API")
        create(walk)


@pytest.mark.slow
def test_where_the_master_is_refused_enter_leads_to_the_page() -> None:
    with rehearsing({}, "--scenario", "master-refused") as walk:
        to_credentials(walk)
        walk.press(ENTER)
        walk.see("Binance refuses the key of rehearsal-master", "-2015", "enter Create it by hand")
        walk.press(ENTER)
        walk.see("-----END PUBLIC KEY-----", "Save and probe")
        walk.take_from_page()
        walk.store()
        walk.switch()
