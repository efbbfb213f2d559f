"""The Probe page on a screen: Enter leads out, a wait says when it ends, Esc stops it, and only a typed word swaps."""

from __future__ import annotations

import httpx

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.rotation.model import Mode, Step
from wizard.tui.widgets.row_list import RowList

DELAY = 60
HERE = "203.0.113.42"


async def to_probe(wizard: Wizard, whitelist: str = HERE) -> str:
    """Show the Probe page of a key with this list; return its secret."""
    await wizard.at_home()
    flow = wizard.app.flow
    await flow.begin(Mode.ROTATE)
    await flow.egress.detect()
    flow.advance(Step.EGRESS)
    flow.whitelist.settle(flow.whitelist.proposal())
    flow.advance(Step.WHITELIST)
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True
    )
    secret = made.secret.reveal()
    await flow.credentials.store_hmac(made.api_key, made.secret)
    flow.advance(Step.CREDENTIALS)
    wizard.app.show_step()
    return secret


async def set_fault(wizard: Wizard, **fault: object) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.put(f"{wizard.environments.environment.site.rest_url}/desk/faults", json=fault)


async def test_waiting_says_when_it_asks_next_and_goes_on_by_itself_when_the_list_counts(wizard: Wizard) -> None:
    await set_fault(wizard, whitelist_delay_s=DELAY)
    await to_probe(wizard)
    await wizard.until("ActionBar", "enter Keep trying")
    await wizard.press("enter")
    await wizard.until("#verdict", "asked once. The next question is in 10 s, at")
    wizard.environments.clock.now += DELAY
    wizard.environments.gate.open()
    await wizard.until("#verdict", "works from here")
    assert "Keep trying" not in wizard.text("ActionBar")


async def test_esc_stops_waiting_and_what_was_seen_stays(wizard: Wizard) -> None:
    await set_fault(wizard, whitelist_delay_s=DELAY)
    await to_probe(wizard)
    await wizard.until("ActionBar", "enter Keep trying")
    await wizard.press("k")
    await wizard.until("#verdict", "The next question")
    await wizard.press("escape")
    await wizard.until("ActionBar", "enter Keep trying")
    row = wizard.app.screen.query_one(RowList).row
    assert row is not None
    assert row.item == "New key", "the cursor is on what stands in the way"
    assert "-2015" in row.cells[1]


async def test_an_address_is_added_and_its_list_shown_by_two_keys(wizard: Wizard) -> None:
    await to_probe(wizard)
    await wizard.until("ActionBar", "enter Switch to")
    async with httpx.AsyncClient(trust_env=False) as client:
        base = wizard.environments.environment.site.rest_url
        await client.put(f"{base}/desk/nat", json={"127.0.0.1": "203.0.113.92"})
    await wizard.press("r")
    await wizard.until("ActionBar", "enter Add 203.0.113.92")
    assert "your address changed" in wizard.text("#verdict")
    await wizard.press("enter")
    await wizard.until("#verdict", "Paste the list into both keys on Binance.")
    await wizard.press("c")
    await wizard.until("Notice", "Copied the list for")
    assert f"{HERE},203.0.113.92" in str(wizard.app.screen.query_one(RowList).render())
    await wizard.press("enter")
    await wizard.until("#verdict", "The next question")


async def test_at_60_columns_the_footer_has_all_keys_and_help(wizard: Wizard) -> None:
    await wizard.pilot.resize_terminal(60, 20)
    await to_probe(wizard, "198.51.100.9")
    await wizard.until("ActionBar", "enter Keep trying")
    bar = wizard.text("ActionBar")
    assert max(map(len, bar.splitlines())) <= 58
    assert "? Help" in bar
    assert "Switch" not in bar


async def test_no_key_alone_shows_the_secret_of_a_refused_key_to_the_exchange(wizard: Wizard) -> None:
    secret = await to_probe(wizard, "198.51.100.7")
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("y", "enter", "enter", "s", "w", "a", "enter")
    await wizard.until("Notice", "That is not swap")
    await wizard.press("escape")
    await wizard.press("y", "escape")
    await wizard.press("enter")
    await wizard.until("#verdict", "The next question")
    assert secret not in [line.api_key.reveal() for line in await wizard.environments.simulated_page.activity()]
