"""More at the Egress step, line by line: further samples, and the exchange's own word."""

from __future__ import annotations

from tests.plain.conftest import PlainWorld
from tests.plain.script import visit
from tests.plain.walks import ROTATE


async def test_sampling_more_and_the_exchanges_word_are_said(plain: PlainWorld) -> None:
    ended = await visit(
        plain, *ROTATE, ("Observed", "more"), ("8 answers", "exchange"), ("itself named", "next"), ("Ready to", "quit")
    )
    assert "Another, equally used one would have been missed with less than 1%" in ended.text
    assert "itself named 203.0.113.42, which echo services saw too" in ended.text


async def test_what_goes_to_the_whitelist_is_chosen_by_number_or_address(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *ROTATE,
        ("1. 203.0.113.42: ticked; seen by", "choose"),
        ("Numbers or addresses", "203.0.113.42, 7"),
        ("1. 203.0.113.42: not ticked", "choose"),
        ("Numbers or addresses", "1"),
        ("1. 203.0.113.42: ticked", "next"),
        ("Ready to", "quit"),
    )
    assert "7 is none of these" in ended.text
