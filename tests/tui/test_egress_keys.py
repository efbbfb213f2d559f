"""S and E on the Egress screen: more samples, and the exchange's own word."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address, IPv6Address

import httpx
import pytest
from textual.widgets import OptionList

from tests.tui.conftest import Wizard
from wizard.core.text import UNICODE
from wizard.egress.agreement import judge
from wizard.egress.detection import EgressReport
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.egress.ipv6 import Ipv6Route
from wizard.net.route import RouteError
from wizard.rotation.flow import Flow
from wizard.tui.screens.dialogs import TextScreen
from wizard.tui.screens.simulated_page import SimulatedPageScreen
from wizard.whitelist.entries import parse


async def test_s_asks_on_and_says_what_the_answers_prove(wizard: Wizard, monkeypatch: pytest.MonkeyPatch) -> None:
    await wizard.to_egress()
    monkeypatch.setattr("screenshots.scene._ORDER", {})
    await wizard.press("s")
    await wizard.until("#verdict", "The chance to miss another that is used as often is less than 1%")


async def test_e_asks_the_exchange_with_the_key_in_use(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("e")
    await wizard.until("#verdict", "sees 203.0.113.42, as the services do")


async def test_space_unticks_and_nothing_ticked_is_said_once(wizard: Wizard) -> None:
    await wizard.to_egress()
    rows = wizard.app.screen.query_one("#candidates", OptionList)
    assert str(rows.get_option_at_index(0).prompt) == "[x] 203.0.113.42  seen by operator plain and operator json"
    await wizard.press("space")
    assert str(rows.get_option_at_index(0).prompt).startswith("[ ] 203.0.113.42")
    await wizard.press("enter")
    await wizard.until("Notice", "No address is ticked for the whitelist")
    await wizard.press("space", "enter")
    await wizard.until("#verdict", "Ready to paste")


async def test_an_address_that_the_exchange_names_is_ticked_in_the_place_of_the_others(wizard: Wizard) -> None:
    await wizard.to_egress()
    wizard.app.flow.egress.ask_exchange = partial(_named_elsewhere, wizard.app.flow)
    await wizard.press("e")
    await wizard.until("#verdict", "Put it on the whitelist")
    assert candidates(wizard) == [
        "[x] 203.0.113.77  named by Binance",
        "[ ] 203.0.113.42  seen by operator plain and operator json",
    ]
    await wizard.press("r")
    await wizard.when(lambda: candidates(wizard)[0] == "[x] 203.0.113.77  seen by Binance earlier")
    async with httpx.AsyncClient(trust_env=False) as client:
        url = wizard.environments.environment.site.rest_url
        await client.put(f"{url}/desk/nat", json={"127.0.0.1": "203.0.113.99"})
    await wizard.press("r")
    await wizard.when(lambda: "outdated" in candidates(wizard)[0])
    assert candidates(wizard) == [
        "[ ] 203.0.113.77  seen by Binance earlier, now outdated",
        "[x] 203.0.113.99  seen by operator plain and operator json",
    ]


def candidates(wizard: Wizard) -> list[str]:
    rows = wizard.app.screen.query_one("#candidates", OptionList)
    return [str(rows.get_option_at_index(index).prompt) for index in range(rows.option_count)]


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_detection_that_grew_old_is_told_beside_the_list(wizard: Wizard, size: tuple[int, int]) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_egress()
    wizard.environments.clock.now += 14 * 3600
    # More warnings than are shown: none of them takes its place.
    wizard.app.flow.whitelist.draft = parse("\n".join(f"198.51.100.{last} # 9.9.9.{last}" for last in range(1, 6)))
    await wizard.press("enter")
    await wizard.until("#findings", "This host's address was detected 14 h ago")
    assert "and 8 more" in wizard.text("#findings")
    await wizard.press("f7")
    await wizard.until("#verdict", "The address is")
    await wizard.press("enter")
    await wizard.until("#verdict", "Ready to paste")
    assert "ago" not in wizard.text("#findings")


async def _named_elsewhere(flow: Flow) -> ExchangeObservation:
    flow.egress.observation = ExchangeObservation("the exchange", named=IPv4Address("203.0.113.77"))
    flow.selection.follow(flow.egress.observation)
    return flow.egress.observation


async def test_where_nobody_can_be_asked_it_is_said_and_nothing_seems_to_go_on(wizard: Wizard) -> None:
    await wizard.to_egress()
    wizard.app.flow.egress.sample_more = _no_route
    await wizard.press("s")
    await wizard.until("Notice", "The proxy cannot be used")
    assert "The address is 203.0.113.42" in wizard.text("#verdict")
    wizard.app.flow.egress.detect = _no_route
    await wizard.press("r")
    await wizard.until("#verdict", "No operator was asked.")
    await wizard.press("s")
    await wizard.until("Notice", "No operator was asked. R asks again.")


async def _no_route(*_: object) -> EgressReport:
    raise RouteError("The proxy cannot be used", advice="Write another.")


async def test_a_way_over_ipv6_is_warned_of(wizard: Wizard) -> None:
    await wizard.until("#next", "begins to replace")
    wizard.app.flow.egress.ipv6_route = _over_ipv6
    await wizard.press("enter")
    await wizard.until("#ipv6", "! api.binance.us has the IPv6 address")


async def _over_ipv6() -> Ipv6Route:
    return Ipv6Route("api.binance.us", IPv6Address("2600:9000::1"), IPv6Address("2a01:4f8::42"))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_d_tells_each_question(wizard: Wizard, size: tuple[int, int]) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_egress()
    await wizard.press("d")
    await wizard.until(".title", "Who said what of this host")
    assert "echo-plain (operator plain): saw 203.0.113.42, after 3 ms" in wizard.text(".text")
    assert "/echo/plain, read as plain" in wizard.text(".text")
    await wizard.press("escape", "enter")
    await wizard.until("#verdict", "Ready to paste")


async def test_the_simulated_page_has_help(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("f4", "f1")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    assert "stands in for the exchange's page" in wizard.text(".text")
    await wizard.press("escape")
    assert isinstance(wizard.app.screen, SimulatedPageScreen)


async def test_a_step_that_was_left_without_an_address_is_not_ticked(wizard: Wizard) -> None:
    """Nobody answers and the user goes on: the list of steps does not say that the address is settled."""
    await wizard.to_egress()
    nobody = EgressReport(judge(()), (), wizard.app.flow.context.route(), ())

    async def nobody_answers(*_: object) -> EgressReport:
        context = wizard.app.flow.context
        context.journal.note_egress(context.environment.name, nobody.verdict, nobody.route.shown)
        return nobody

    wizard.app.flow.egress.detect = nobody_answers
    await wizard.press("r")
    await wizard.until("#verdict", "No service saw a public IPv4 address")
    await wizard.press("enter", "enter")
    await wizard.until("StepList", f"{UNICODE.current} 2 Whitelist")
    assert f"{UNICODE.caution} 1 Egress" in wizard.text("StepList")


async def test_a_step_with_an_agreed_address_is_ticked(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    assert f"{UNICODE.passed} 1 Egress" in wizard.text("StepList")
