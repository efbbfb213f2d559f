"""Sloppy pastes and private keys in a real terminal: nothing is lost, nothing is drawn."""

from __future__ import annotations

import random
import string

import pytest

from tests.canaries import leaked
from tests.terminal.keys import DOWN, ENTER, TAB, ctrl, paste
from tests.terminal.walk import Walk, rehearsing
from wizard.exchange.signing import generate_ed25519

pytestmark = pytest.mark.terminal

KEY, SECRET = ("".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=64)) for seed in (3, 4))
BOTH = (f"…{KEY[-4:]}", "64 characters")


def empty_both(walk: Walk) -> None:
    """From the secret's field, clear it and the API key's."""
    walk.press(ctrl("u") + "\x1b[Z" + ctrl("u"))
    walk.terminal.wait_until(lambda screen: screen.count("paste it, it stays hidden") == 2, "two empty fields")


def sloppy_pastes(walk: Walk) -> None:
    """Give the same pair in every way that a terminal or a person spoils it."""
    for text in (
        f"{KEY}{ENTER}{SECRET}",
        paste(f"{KEY}\r{SECRET}\r"),
        paste(f"export BINANCE_API_SECRET='{SECRET}'\rexport BINANCE_API_KEY=\"{KEY}\"\r"),
        paste(f"^[[200~{KEY}~\r200~{SECRET}201~"),
    ):
        walk.press(text)
        walk.terminal.wait_until(lambda screen: screen.count("• 64 characters") == 2, "two filled fields")
        walk.see(*BOTH)
        empty_both(walk)


@pytest.mark.slow
def test_sloppy_pastes_fill_both_fields_and_a_private_key_is_imported_unseen() -> None:
    pair = generate_ed25519()
    pem = pair.private_pem.reveal()
    with rehearsing({}, size=(60, 20)) as walk:
        walk.begin()
        walk.egress()
        walk.whitelist()
        walk.choose("hmac")
        sloppy_pastes(walk)
        walk.press(paste(SECRET) + TAB + paste(KEY))
        walk.see(f"…{SECRET[-4:]}")
        walk.press(ctrl("x"))
        walk.see(*BOTH)
        walk.press(ctrl("t"))
        walk.see("Your own")
        walk.press(DOWN * 3 + ENTER)
        walk.see("Path of its file")
        walk.press(paste(KEY))
        walk.see("looks like a key")
        walk.press(TAB + pem.replace("\n", ENTER))
        public = pair.public_pem.splitlines()[1][:50]
        # Keys that come slowly may end the typing themselves: then the key is opened already.
        walk.terminal.wait_until(lambda screen: f"{len(pem)} characters" in screen or public in screen, "the key")
        if public not in walk.terminal.screen():
            walk.press(ENTER)
        walk.see(public)
        walk.take_from_page()
        walk.store()
        walk.see("enter Switch to")
        assert walk.leave() == 3
        drawn = walk.terminal.drawn
    assert leaked(KEY, drawn) + leaked(SECRET, drawn) + leaked(pem.splitlines()[1], drawn, 24) == []
