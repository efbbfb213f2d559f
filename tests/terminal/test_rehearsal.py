"""A full rehearsal by keyboard in a real terminal, without a mouse and without a keyring."""

from __future__ import annotations

import re

import pytest

from tests.terminal.keys import TAB, ctrl, paste
from tests.terminal.walk import Walk, rehearsing

pytestmark = pytest.mark.terminal
_KEY = re.compile(rb"[A-Za-z0-9]{64}")


def whole_rotation(walk: Walk, kind: str) -> None:
    walk.begin()
    walk.egress()
    walk.whitelist()
    if kind != "ed25519":
        walk.choose(kind)
    walk.take_from_page()
    walk.store()
    walk.switch()
    walk.see("both keys work for")
    walk.delete_legacy()
    walk.delete_secret()


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        pytest.param("hmac", (80, 24), id="hmac-80x24"),
        pytest.param("ed25519", (60, 20), id="ed25519-60x20", marks=pytest.mark.slow),
        pytest.param("ed25519", (80, 24), id="ed25519-80x24", marks=pytest.mark.slow),
        pytest.param("hmac", (60, 20), id="hmac-60x20", marks=pytest.mark.slow),
    ],
)
def test_a_rotation_is_walked_to_its_end_by_keyboard_and_the_terminal_keeps_its_report(
    kind: str, size: tuple[int, int]
) -> None:
    with rehearsing({}, size=size) as walk:
        whole_rotation(walk, kind)
        walk.see("Both alive", "Not proven")
        assert walk.leave() == 0
        after = walk.terminal.screen()
        assert not _KEY.search(walk.terminal.drawn), "a whole key or secret was drawn"
        assert b"\x1b[?1000h" not in walk.terminal.raw, "the mouse was asked for"
    assert "Legacy key" in after
    assert "secret is deleted" in " ".join(after.split())


def test_where_no_keyring_is_there_every_storing_screen_says_so() -> None:
    with rehearsing({}) as walk:
        assert "memory" in walk.see("enter Replace")
        walk.begin()
        walk.egress()
        walk.whitelist()
        assert "in memory only" in walk.terminal.screen()
        walk.choose("hmac")
        assert "in memory only" in walk.terminal.screen()
        walk.take_from_page()
        walk.store()
        assert "in memory only" in walk.see("enter Switch to")


def test_help_explains_each_step_and_names_its_keys() -> None:
    with rehearsing({}) as walk:
        walk.begin()
        walk.press("?")
        walk.see("Public services are asked", "Asks all services again.")


def test_what_is_typed_is_masked_and_ctrl_c_does_not_copy_it() -> None:
    secret = "S3cr3t" + "x" * 58
    with rehearsing({}) as walk:
        walk.begin()
        walk.egress()
        walk.whitelist()
        walk.choose("hmac")
        walk.press(paste("A" * 64) + TAB + paste(secret))
        walk.see("64 characters")
        walk.press(ctrl("c"))
        walk.see("Quit Key Wizard?")
        walk.terminal.settle()
        assert secret.encode() not in walk.terminal.drawn
        assert b"]52;" not in walk.terminal.raw


def test_one_paste_with_both_is_understood_and_never_drawn() -> None:
    key, secret = "K3y" + "a" * 61, "S3cr3t" + "x" * 58
    with rehearsing({}) as walk:
        walk.begin()
        walk.egress()
        walk.whitelist()
        walk.choose("hmac")
        walk.press(paste(f"export API_SECRET='{secret}'\rexport API_KEY='{key}'\r"))
        walk.see("an API key of 64 characters, …aaaa")
        walk.terminal.settle()
        assert secret[:12].encode() not in walk.terminal.drawn
        assert key[:12].encode() not in walk.terminal.drawn


def test_the_simulated_page_is_one_key_away_on_every_step() -> None:
    with rehearsing({}) as walk:
        walk.begin()
        walk.press("p")
        walk.see("The simulated Binance page", "current")
