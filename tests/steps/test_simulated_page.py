"""The simulated Binance page, for both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.rotation.conftest import HERE, World
from tests.rotation.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.steps.face import FakeFace
from wizard.core.credentials import KeyKind
from wizard.rehearsal.scenarios import SMOOTH
from wizard.rehearsal.session import Rehearsal
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.steps.egress import EgressPresenter
from wizard.steps.presenter import Presenter, StepPresenter
from wizard.steps.retire import RetirePresenter
from wizard.steps.simulated_page import SimulatedPagePresenter
from wizard.steps.whitelist import WhitelistPresenter


@pytest.fixture
async def flow(world: World) -> AsyncIterator[Flow]:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        yield flow


async def visited(step: StepPresenter, face: FakeFace) -> SimulatedPagePresenter:
    """Open the page from a step."""
    await step.visit_page()
    page = face.visited[-1]
    assert isinstance(page, SimulatedPagePresenter)
    await page.begin()
    return page


def row(page: Presenter, number: int) -> tuple[str, ...]:
    return page.view().rows[number].cells


async def test_it_says_that_it_is_simulated_and_lists_keys_by_role_and_last_four(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    await world.make_key("198.51.100.7")
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)
    assert "simulated" in page.view().verdict
    assert "No real key is touched" in page.view().because[0]
    in_use, new = await world.simulated_page.keys()
    assert row(page, 0) == (f"…{in_use.api_key.last_four()}", "current", "HMAC", "active", HERE)
    assert row(page, 1) == (f"…{new.api_key.last_four()}", "not stored", "HMAC", "active", "198.51.100.7")
    assert in_use.api_key.reveal()[:8] not in str(page.view())


async def test_after_the_switch_the_roles_are_those_of_now(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        face = FakeFace(page=world.simulated_page)
        page = await visited(RetirePresenter(flow, face), face)
        assert [row(page, number)[1] for number in (0, 1)] == ["legacy", "current"]


async def test_a_step_pastes_the_list_that_it_shows_whether_it_is_kept_yet_or_not(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    await flow.egress.detect()
    flow.advance(Step.EGRESS)
    face = FakeFace(page=world.simulated_page)
    step = WhitelistPresenter(flow, face)
    await step.begin()
    await step.add("198.51.100.9")
    page = await visited(step, face)
    await page.paste_whitelist(page.view().rows[0].item)
    assert sorted((await world.simulated_page.keys())[0].whitelist or ()) == ["198.51.100.9", HERE]


async def test_a_list_that_the_page_refuses_is_said_and_changes_nothing(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)  # no list is composed yet
    await page.paste_whitelist(page.view().rows[0].item)
    assert face.errors[0].code == "rehearsal.page-refused"
    assert row(page, 0)[4] == HERE


async def test_a_permission_that_the_other_key_has_is_granted(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    await world.simulated_page.create("new", KeyKind.HMAC, HERE, enableSpotAndMarginTrading=False)
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)
    await page.grant(page.view().rows[1].item)
    in_use, new = await world.simulated_page.keys()
    assert new.permissions == in_use.permissions
    assert new.permissions["enableSpotAndMarginTrading"]


async def test_a_key_is_deleted_only_after_the_typed_word(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)
    item, name = page.view().rows[0].item, row(page, 0)[0]
    await page.delete(item)
    assert len(await world.simulated_page.keys()) == 1
    face.answers = {f"Delete {name} for good?": "delete"}
    await page.delete(item)
    assert await world.simulated_page.keys() == ()
    assert page.view().rows == ()


async def test_after_a_change_that_was_refused_the_keys_are_those_of_now(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)
    item, name = page.view().rows[0].item, row(page, 0)[0]
    await world.simulated_page.delete((await world.simulated_page.keys())[0].api_key)  # as by a call that was stopped
    face.answers = {f"Delete {name} for good?": "delete"}
    await page.delete(item)
    assert face.errors[0].code == "rehearsal.page-refused"
    assert page.view().rows == ()


async def test_the_log_names_keys_by_their_last_four(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        face = FakeFace(page=world.simulated_page)
        page = await visited(RetirePresenter(flow, face), face)
        await page.show_log()
        last_four = (await world.simulated_page.keys())[-1].api_key.last_four()
        assert any(line.startswith(f"…{last_four}  {HERE} ") and line.endswith(" calls") for line in face.said)
        assert any(f"…{last_four}  {HERE}  accepted  /sapi/v1/account/apiRestrictions" in line for line in face.said)


async def test_a_rehearsal_leaves_one_call_of_a_stranger_to_find(world: World) -> None:
    async with world.flow() as flow:
        environment, services = flow.context.environment, flow.context.services
    rehearsal = Rehearsal(environment, world.paths, services, world.simulated_page, world.store, "", SMOOTH)
    async with rehearsal.flow() as flow:
        await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        face = FakeFace(page=world.simulated_page)
        page = await visited(RetirePresenter(flow, face), face)
        await page.show_log()
        (copied, _) = await world.simulated_page.keys()
    (call,) = (line for line in await world.simulated_page.activity() if line.address != HERE)
    assert (call.address, call.code, call.api_key) == ("192.0.2.66", -2015, copied.api_key)
    assert f"…{copied.api_key.last_four()}  192.0.2.66       1 call" in face.said
    assert "not on the whitelist" in " ".join(face.said)


async def test_a_key_is_created_only_where_a_step_waits_for_one(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE)
    face = FakeFace(page=world.simulated_page)
    page = await visited(EgressPresenter(flow, face), face)
    assert "create" not in {action.word for action in page.view().actions}
