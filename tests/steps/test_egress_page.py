"""The Egress IP page: what it says, what it offers, and what its actions do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.rotation.conftest import HERE, World
from tests.steps.face import FakeFace
from wizard.egress.agreement import judge
from wizard.egress.detection import EgressReport
from wizard.egress.ipv6 import Ipv6Route
from wizard.egress.selection import ExchangeObservation
from wizard.net.route import RouteError
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.steps.egress import NOTHING_TICKED, EgressPresenter
from wizard.steps.hosts import HostsPresenter
from wizard.steps.view import PRIMARY, State


@pytest.fixture
async def flow(world: World) -> AsyncIterator[Flow]:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        yield flow


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def page(flow: Flow, face: FakeFace) -> EgressPresenter:
    page = EgressPresenter(flow, face)
    await page.begin()
    return page


def words(page: EgressPresenter) -> list[str]:
    return [action.word for action in page.view().actions]


async def test_it_asks_at_once_and_ticks_what_services_agree_on(page: EgressPresenter) -> None:
    view = page.view()
    assert view.state is State.GOOD
    assert HERE in view.verdict
    assert [(row.cells[0], row.is_ticked) for row in view.rows] == [(HERE, True)]
    assert [row.cells[1] for row in view.evidence if len(row.cells) == 3][:2] == [HERE, HERE]
    assert view.action(PRIMARY).word == "continue"
    assert view.not_proven


async def test_where_nobody_is_asked_it_says_so_and_offers_to_retry_or_skip(
    flow: Flow, face: FakeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow.egress, "detect", _no_route)
    page = EgressPresenter(flow, face)
    await page.begin()
    view = page.view()
    assert (view.state, view.action(PRIMARY).word) == (State.STOP, "retry")
    assert "The proxy cannot be used" in [error.what for error in face.errors]
    assert {"more", "details", "ask"}.isdisjoint(words(page))
    await next(action for action in view.actions if action.word == "skip").run()
    assert (face.left, flow.step) == ("leave", Step.WHITELIST)
    assert flow.is_open(Step.EGRESS)  # a step that was skipped is not ticked


async def _no_route(*_: object) -> EgressReport:
    raise RouteError("The proxy cannot be used", advice="Write another.")


async def test_what_was_found_stays_where_asking_further_fails(
    page: EgressPresenter, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow.egress, "sample_more", _no_route)
    await page.sample_more()
    assert HERE in page.view().verdict


async def test_more_answers_say_what_they_prove(page: EgressPresenter) -> None:
    await page.sample_more()
    assert "less than 1%" in " ".join(page.view().because)


async def test_nobody_answers(flow: Flow, face: FakeFace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: object) -> EgressReport:
        return EgressReport(judge(()), (), flow.context.route(), ())

    monkeypatch.setattr(flow.egress, "detect", nobody)
    page = EgressPresenter(flow, face)
    await page.begin()
    assert page.view().state is State.STOP
    assert page.view().rows == ()


@pytest.mark.field(5, "surroundings", "https://github.com/X4BNet/lists_vpn/issues/173")
async def test_with_warp_on_nothing_is_ticked_and_the_page_says_why_and_the_way_out(
    flow: Flow, face: FakeFace, world: World
) -> None:
    await world.plant("/echo/trace", f"h=127.0.0.1\nip={HERE}\nwarp=on\n")
    page = EgressPresenter(flow, face)
    await page.begin()
    view = page.view()
    assert (view.state, view.action(PRIMARY).word) == (State.UNSURE, "retry")
    assert "many people share your address" in view.verdict
    assert [(row.cells[0], row.is_ticked, row.cells[1].endswith("shared")) for row in view.rows] == [
        (HERE, False, True)
    ]
    assert "Switch WARP off" in " ".join(view.fix)
    await page.ask_binance()  # it accepts the key from here: the list lets this address in
    assert (page.view().state, page.view().rows[0].is_ticked) == (State.UNSURE, False)
    await page.begin()
    assert (page.view().state, page.view().fix) == (State.GOOD, ())


async def test_an_address_is_unticked_and_that_nothing_is_ticked_is_said_once(
    page: EgressPresenter, face: FakeFace, flow: Flow
) -> None:
    await page.toggle(HERE)
    assert [row.is_ticked for row in page.view().rows] == [False]
    await page.advance()
    assert (face.notes, face.left) == ([NOTHING_TICKED], "")
    await page.advance()
    assert (face.left, flow.step) == ("leave", Step.WHITELIST)


async def test_binance_is_asked_only_with_a_current_key(page: EgressPresenter, world: World) -> None:
    assert "ask" in words(page)
    async with world.flow(name="other") as empty:
        await empty.begin(Mode.SET_UP)
        other = EgressPresenter(empty, FakeFace())
        await other.begin()
        assert "ask" not in words(other)


async def test_what_binance_says_comes_first(page: EgressPresenter) -> None:
    await page.ask_binance()
    view = page.view()
    assert HERE in view.verdict + " ".join(view.because)
    assert "the same address" not in view.not_proven


async def test_an_address_that_binance_names_is_ticked_in_the_place_of_the_others(
    page: EgressPresenter, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = IPv4Address("203.0.113.77")

    async def elsewhere() -> ExchangeObservation:
        flow.egress.observation = ExchangeObservation("the exchange", named=named)
        flow.selection.follow(flow.egress.observation)
        return flow.egress.observation

    monkeypatch.setattr(flow.egress, "ask_exchange", elsewhere)
    await page.ask_binance()
    assert {row.cells[0]: row.is_ticked for row in page.view().rows} == {str(named): True, HERE: False}


async def test_a_way_over_ipv6_is_a_warning(flow: Flow, face: FakeFace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def over_ipv6() -> Ipv6Route:
        return Ipv6Route("api.binance.us", IPv6Address("2600:9000::1"), IPv6Address("2a01:4f8::42"))

    monkeypatch.setattr(flow.egress, "ipv6_route", over_ipv6)
    page = EgressPresenter(flow, face)
    await page.begin()
    assert ["IPv6" in row.cells[0] for row in page.view().evidence if row.state is State.LOOK] == [True]


async def test_details_name_each_service_with_its_url(page: EgressPresenter, face: FakeFace) -> None:
    face.said.clear()
    await page.show_details()
    assert any("/echo/plain" in line for line in face.said)


async def test_other_hosts_are_a_page_of_their_own(page: EgressPresenter, face: FakeFace) -> None:
    await page.show_hosts()
    assert [type(visited) for visited in face.visited] == [HostsPresenter]


async def test_answers_are_reported_as_they_come(page: EgressPresenter, face: FakeFace) -> None:
    assert sum(HERE in line and "ms" in line for line in face.said) >= 2


@pytest.mark.parametrize("leave", [EgressPresenter.back])
async def test_back_from_the_first_step_leads_home(
    page: EgressPresenter, face: FakeFace, leave: Callable[[EgressPresenter], object]
) -> None:
    await leave(page)  # type: ignore[misc]
    assert face.left == "home"
