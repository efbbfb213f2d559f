"""The Whitelist step on a real terminal: a long paste, the clipboard."""

from __future__ import annotations

import base64
import time

import pytest

from tests.terminal.keys import ENTER, paste
from tests.terminal.walk import rehearsing

pytestmark = pytest.mark.terminal


def test_a_thousand_pasted_lines_are_judged_at_once_and_typing_goes_on() -> None:
    lines = "\n".join(f"198.51.{number // 250}.{number % 250}" for number in range(1000))
    with rehearsing({}) as walk:
        walk.begin()
        walk.egress()
        begun = time.monotonic()
        walk.press(paste(lines))
        walk.see("Too many IPs: 1001 of at most 20.")
        pasted = time.monotonic() - begun
        begun = time.monotonic()
        walk.press("a77" + ENTER)
        walk.see("1 of 1002 entries to fix.")
        print(f"1,000 lines: {pasted:.2f} s to the verdict, {time.monotonic() - begun:.2f} s for four keys")


def test_what_is_copied_is_shown_and_is_the_text_to_paste() -> None:
    with rehearsing({}) as walk:
        walk.begin()
        walk.egress()
        walk.press("c")
        walk.see("Copied")
        walk.terminal.wait_for_bytes(b"\x1b]52;c;" + base64.b64encode(b"203.0.113.42"))
