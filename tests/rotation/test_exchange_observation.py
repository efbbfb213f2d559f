"""The exchange's own word about this host's address, asked with the key in use."""

from __future__ import annotations

from dataclasses import replace

from tests.rotation.conftest import ELSEWHERE, HERE, World
from wizard.egress.agreement import judge
from wizard.rotation.model import Outcome


async def test_a_listed_key_that_is_accepted_confirms_the_address(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        observation = await flow.egress.ask_exchange()
        finding = flow.egress.finding(await flow.egress.detect(), observation)
    assert observation is not None
    assert finding.outcome is Outcome.PASSED
    assert finding.does_not_prove == "that the address will stay the same"


async def test_one_operator_is_not_confirmed_by_a_list_of_several_addresses(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=f"{HERE},{ELSEWHERE}")
        report = await flow.egress.detect()
        alone = judge(report.samples[:1])
        observation = await flow.egress.ask_exchange()
        assert observation is not None and observation.accepted
        finding = flow.egress.finding(replace(report, verdict=alone), replace(observation, named=None))
    assert finding.outcome is Outcome.INCONCLUSIVE


async def test_a_futures_refusal_names_the_address_and_goes_before_the_echo_services(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, enableSpotAndMarginTrading=True)
        report = await flow.egress.detect()
        message = f"Invalid API-key, IP, or permissions for action, request ip: {ELSEWHERE}"
        await world.plant("/fapi/v3/balance", {"code": -2015, "msg": message}, status=401)
        observation = await flow.egress.ask_exchange()
        finding = flow.egress.finding(report, observation)
        observed = [*map(str, flow.context.journal.observed_addresses())]
    assert observation is not None
    assert str(observation.named) == ELSEWHERE
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert ELSEWHERE in observed
    assert f"Binance sees {ELSEWHERE}, not {HERE}. The route depends on the destination" in finding.observed


async def test_a_key_without_futures_is_told_the_address_by_the_refusal(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, enableSpotAndMarginTrading=True)
        observation = await flow.egress.ask_exchange()
    assert observation is not None
    assert (observation.accepted, str(observation.named)) == (True, HERE)


async def test_without_a_key_in_use_nobody_is_asked(world: World) -> None:
    async with world.flow() as flow:
        assert await flow.egress.ask_exchange() is None
