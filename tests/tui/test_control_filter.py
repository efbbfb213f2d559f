from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from wizard.tui.safe_app import ControlFilter


def filtered(segment: Segment) -> Segment:
    return ControlFilter().apply([segment], Color(0, 0, 0))[0]


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x202E, 0x2066, 0xFEFF])
def test_no_control_character_stays_and_the_width_does_not_change(code: int) -> None:
    before = Segment(f"a{chr(code)}b")
    after = filtered(before)
    assert chr(code) not in after.text
    assert Strip([after]).cell_length == Strip([before]).cell_length


def test_ordinary_text_is_left_alone() -> None:
    segment = Segment("✓ ✗ … → • é 漢字", Style(bold=True))
    assert filtered(segment) == segment


def test_a_link_with_a_control_character_is_dropped_and_others_stay() -> None:
    hostile = filtered(Segment("text", Style(link="https://a/\x1b]52;c;x\x07")))
    honest = filtered(Segment("text", Style(link="https://www.binance.com/")))
    assert hostile.style is not None
    assert hostile.style.link is None
    assert honest.style is not None
    assert honest.style.link == "https://www.binance.com/"
