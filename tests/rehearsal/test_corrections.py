"""A way out that is not open any more is said in words; the rehearsal does not go round in circles."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wizard.core.clock import Clock
from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.rules import Rules
from wizard.core.settings import Environment, paths
from wizard.custody.store import MemoryStore
from wizard.egress.services import EchoService, Parser
from wizard.rehearsal.player import Player
from wizard.rehearsal.scenarios import SCENARIOS, Scenario
from wizard.rehearsal.session import Rehearsal, embedded_site
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.context import Pause
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Outcome, Step


async def at_once(_seconds: float) -> None:
    """Waits for nothing."""


@asynccontextmanager
async def rehearsing(
    scenario: Scenario, *, passes_after: float = 3600, clock: Clock = time.time, pause: Pause = at_once
) -> AsyncIterator[tuple[Flow, SimulatedPage]]:
    """Open a rehearsal in this process, with credentials in memory; the exchange goes by the same clock."""
    exchange = EmbeddedExchange(clock=clock, seed=1, scenario=scenario, passes_after=passes_after)
    own = paths().within("rehearsal")
    own.create()
    async with serve(exchange) as addresses:
        environment = Environment(
            name="rehearsal",
            site=embedded_site(addresses.base_url),
            rules=Rules(tolerated_ranges=frozenset({"documentation"})),
            is_rehearsal=True,
        )
        services = tuple(
            EchoService(f"echo-{shape}", f"operator {shape}", f"{addresses.base_url}/echo/{shape}", shape, "embedded")
            for shape in Parser
        )
        simulated_page = SimulatedPage(addresses.desk_url)
        rehearsal = Rehearsal(environment, own, services, simulated_page, MemoryStore(), "", scenario)
        async with rehearsal.flow(clock=clock, pause=pause) as flow:
            yield flow, simulated_page


async def play(
    flow: Flow, simulated_page: SimulatedPage, scenario: Scenario
) -> tuple[bool, list[str], dict[str, object]]:
    told: list[str] = []
    player = Player(flow, simulated_page, KeyKind.HMAC, scenario, on_correction=told.append)
    return await player.play(), told, player.as_json()


async def test_a_fault_that_does_not_pass_is_waited_for_a_few_times_only(clean_environment: Path) -> None:
    async with rehearsing(SCENARIOS["rate-limited"]) as (flow, simulated_page):
        is_done, told, result = await play(flow, simulated_page, SCENARIOS["rate-limited"])
        assert not is_done
        assert len(told) == 5
        assert flow.step is Step.PROBE
        steps = result["steps"]
        assert isinstance(steps, list)
        assert {step["outcome"] for step in steps[3:]} == {Outcome.INCONCLUSIVE}


async def test_a_key_that_is_gone_from_the_simulated_page_cannot_be_corrected() -> None:
    scenario = SCENARIOS["permission-missing"]
    async with rehearsing(scenario) as (flow, simulated_page):
        await flow.begin(Mode.ROTATE)
        with pytest.raises(WizardError, match="not on the simulated Binance page"):
            await Player(flow, simulated_page, KeyKind.HMAC, scenario).correct()


async def test_a_rotation_that_has_no_list_yet_has_none_to_correct() -> None:
    scenario = SCENARIOS["address-changed"]
    async with rehearsing(scenario) as (flow, simulated_page):
        await flow.begin(Mode.ROTATE)
        with pytest.raises(WizardError, match="no whitelist"):
            await Player(flow, simulated_page, KeyKind.HMAC, scenario).correct()
