"""A key whose list does not count yet: the screen offers to wait, counts down, stops on Esc, goes on by itself."""

from __future__ import annotations

import httpx

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.tui.widgets.secret_field import SecretField

DELAY = 60


async def to_refused_probe(wizard: Wizard) -> None:
    """Store a key whose whitelist begins to count in a minute of the still clock."""
    await wizard.to_credentials("hmac")
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.put(
            f"{wizard.environments.environment.site.rest_url}/desk/faults", json={"whitelist_delay_s": DELAY}
        )
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api-key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "enter Keep trying")


async def test_waiting_counts_down_and_probes_in_full_when_the_list_counts(wizard: Wizard) -> None:
    await to_refused_probe(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "asked once. The next question is in 10 s.")
    wizard.environments.clock.now += 4
    await wizard.until("#verdict", "The next question is in 6 s")
    wizard.environments.clock.now += DELAY
    wizard.environments.gate.open()
    await wizard.until("#verdict", "works from here")


async def test_esc_stops_waiting_and_the_evidence_stays(wizard: Wizard) -> None:
    await to_refused_probe(wizard)
    await wizard.press("k")
    await wizard.until("#verdict", "The next question")
    await wizard.press("escape")
    await wizard.until("ActionBar", "enter Keep trying")
    assert "-2015" in str(wizard.app.screen.query_one("RowList").render())


async def test_a_proven_key_offers_no_waiting(wizard: Wizard) -> None:
    await to_refused_probe(wizard)
    wizard.environments.clock.now += DELAY
    await wizard.press("r")
    await wizard.until("#verdict", "works from here")
    assert "Keep trying" not in wizard.text("ActionBar")
    await wizard.press("k")
    assert "works from here" in wizard.text("#verdict")
