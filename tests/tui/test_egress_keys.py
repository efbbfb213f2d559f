"""S and E on the Egress screen: more samples, and the exchange's own word."""

from __future__ import annotations

from tests.tui.conftest import Wizard


async def test_s_asks_on_and_says_what_the_answers_prove(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("s")
    await wizard.until("#verdict", "Another, equally used one would have been missed with less than 1%")


async def test_e_asks_the_exchange_with_the_key_in_use(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("e")
    await wizard.until("#verdict", "itself named 203.0.113.42, which echo services saw too")
