"""The Probe step: the verdict with its cause and fix, and the one key that leads out, for both faces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import httpx
import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.rotation.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.steps.face import FakeFace
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.custody.records import Slot
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Outcome, Step
from wizard.steps.apply import ApplyPresenter
from wizard.steps.presenter import Face, Presenter
from wizard.steps.probe import ProbePresenter
from wizard.steps.view import PRIMARY, State, View

RESTRICTIONS = "/sapi/v1/account/apiRestrictions"


@dataclass
class Pasting(FakeFace):
    """A user who does something on Binance's page while the lists are shown, and says that they are saved."""

    paste: Callable[[View], Awaitable[object]] | None = None
    shown: list[View] = field(default_factory=list)

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        page = make(self)
        assert isinstance(page, ApplyPresenter)
        self.shown.append(page.view())
        if self.paste:
            await self.paste(page.view())
            await page.view().actions[0].run()


async def move_host(world: World) -> None:
    """Give this host another public address, as a line that is renewed does."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.put(f"{world.base_url}/desk/nat", json={"127.0.0.1": ELSEWHERE})


async def probed(flow: Flow, face: FakeFace | None = None) -> ProbePresenter:
    page = ProbePresenter(flow, face or FakeFace())
    await page.begin()
    return page


def primary(page: ProbePresenter) -> str:
    first = page.view().actions[0]
    assert first.key == PRIMARY
    assert page.view().action(first.also or PRIMARY) == first
    return first.word


def words(page: ProbePresenter) -> set[str]:
    return {action.word for action in page.view().actions}


def text(view: View) -> str:
    """Everything that stands on the page."""
    rows = (cell for row in view.rows for cell in (*row.cells, *row.detail))
    actions = (f"{action.label} {action.about}" for action in view.actions)
    return "\n".join([view.verdict, *view.because, *view.fix, view.corner, view.not_proven, *rows, *actions])


def row(view: View, title: str) -> str:
    (found,) = [row for row in view.rows if row.cells[0] == title]
    return f"{found.state} {found.cells[1]}"


async def test_a_proven_key_is_switched_to_with_one_key(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        new = await world.to_probe(flow)
        page = await probed(flow)
        view = page.view()
        assert (view.state, view.verdict) == (State.GOOD, "The new key works from here.")
        assert view.corner == "8 passed"
        assert view.actions[0].label == f"Switch to …{new.api_key.last_four()}"
        assert "Binance's list" in view.not_proven
        await view.actions[0].run()
        assert flow.step is Step.RETIRE
        assert page.face.left == "leave"  # type: ignore[attr-defined]


async def test_no_key_is_switched_to_before_it_is_proven(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow, await world.make_key("198.51.100.7"))
        face = FakeFace()
        page = ProbePresenter(flow, face)
        assert words(page) == {"retry", "back"}
        await page.switch()
        await page.begin()
        assert not {"switch", "use"} & words(page)
        await page.switch()
        assert [error.code for error in face.errors] == ["probe.not-proven"]
        assert flow.step is Step.PROBE


async def test_a_changed_address_is_added_and_pasted_into_both_keys_and_the_page_goes_on_by_itself(
    world: World,
) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        new = await world.to_probe(flow)

        async def paste(view: View) -> None:
            for made, shown in zip((new, old), view.rows, strict=True):
                assert shown.cells[0].startswith(f"…{made.api_key.last_four()}")
                assert shown.cells[1] == f"{HERE},{ELSEWHERE}"
                await world.simulated_page.set_whitelist(made.api_key, shown.cells[1])

        await move_host(world)
        face = Pasting(paste=paste)
        page = await probed(flow, face)
        view = page.view()
        assert view.state is State.STOP
        assert "your address changed" in view.verdict
        assert any(f"{ELSEWHERE} ({HERE} until" in sentence for sentence in view.because)
        assert any(f"refuses …{old.api_key.last_four()} too" in sentence for sentence in view.because)
        assert view.cursor == "New key"
        assert "-2015" in row(view, "New key")
        assert ELSEWHERE in row(view, "New key")
        assert view.actions[0].label == f"Add {ELSEWHERE}"
        await view.actions[0].run()
        assert flow.context.journal.whitelist_of(flow.context.rotation) == f"{HERE},{ELSEWHERE}"
        assert primary(page) == "switch"


async def test_a_list_that_is_not_known_is_not_replaced_by_the_new_address(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key(f"{HERE},198.51.100.7")
        await flow.context.vault.put(Credentials(KeyKind.HMAC, made.api_key, made.secret), Slot.CURRENT)
        await world.to_probe(flow)
        await move_host(world)
        face = Pasting()
        page = await probed(flow, face)
        await page.add_address()
        (said,) = face.shown[0].because
        assert f"does not know the list of …{made.api_key.last_four()}" in said
        assert "delete none" in said


async def test_a_key_that_is_refused_at_the_switch_is_not_called_proven_any_more(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        new = await world.to_probe(flow)
        page = await probed(flow)
        await world.simulated_page.disable(new.api_key)
        await page.switch()
        assert page.view().state is State.STOP
        assert "switch" not in words(page)
        assert flow.step is Step.PROBE


async def test_an_address_that_was_added_is_not_added_again(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await move_host(world)
        page = await probed(flow, Pasting())
        await page.view().actions[0].run()
        assert primary(page) == "try"
        assert "list" in words(page)
        assert "on the list here" in page.view().fix[0]


async def test_a_list_that_is_not_saved_yet_is_waited_for(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        new = await world.to_probe(flow, await world.make_key("198.51.100.7"))
        face = FakeFace()
        page = await probed(flow, face)
        assert primary(page) == "try"
        assert "whitelist" not in page.view().verdict.replace("in its whitelist", ""), "nobody saw Binance's list"
        await world.simulated_page.set_whitelist(new.api_key, HERE)
        await page.view().actions[0].run()
        assert primary(page) == "switch"


async def test_each_question_and_the_next_one_are_said(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow, await world.make_key("198.51.100.7"))
        short = replace(flow.context, pace=replace(flow.context.pace, patience=15.0))
        flow.probe = type(flow.probe)(short)
        face = FakeFace()
        page = await probed(flow, face)
        await page.keep_trying()
        assert any("asked once. The next question is in 10 s, at" in said for said in face.said)
        assert "The wizard has stopped asking." in face.notes[-1]
        assert primary(page) == "try"


async def test_a_key_that_works_from_anywhere_gets_its_list(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        made = await world.simulated_page.create("new", KeyKind.HMAC, None, enableSpotAndMarginTrading=True)
        await world.to_probe(flow, made)
        face = Pasting(paste=lambda view: world.simulated_page.set_whitelist(made.api_key, view.rows[0].cells[1]))
        page = await probed(flow, face)
        view = page.view()
        assert view.verdict == "The new key works from any address."
        assert view.actions[0].label == "Show list"
        await view.actions[0].run()
        assert len(face.shown[0].rows) == 1
        assert primary(page) == "switch"


async def test_a_wrong_secret_leads_back_to_where_it_is_entered(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        made = await world.make_key()
        await world.to_probe(flow, NewKey(made.api_key, Secret("x" * 64)))
        page = await probed(flow)
        assert "signature" in page.view().verdict.lower()
        assert primary(page) == "again"
        await page.view().actions[0].run()
        assert flow.step is Step.CREDENTIALS


async def test_a_missing_permission_is_named_with_the_passed_checks_beside_it(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow, await world.make_key(enableReading=True))
        page = await probed(flow)
        view = page.view()
        assert "Enable Spot & Margin Trading" in view.verdict
        assert view.cursor == "Permissions"
        assert view.corner == "7 passed, 1 failed"
        assert primary(page) == "retry"


async def test_an_exchange_that_answers_nothing_useful_judges_no_key(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await world.plant("/api/v3/ping", "busy", times=5, status=503)
        view = (await probed(flow)).view()
        assert view.state is State.UNSURE
        assert "1 inconclusive, 6 waiting" in view.corner
        assert row(view, "Not asked yet").startswith("waiting")
        assert "New key" in row(view, "Not asked yet")


async def test_a_swap_asks_for_its_word_and_is_never_the_primary_action(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        made = await world.make_key()
        await world.to_probe(flow, NewKey(made.secret, made.api_key))
        face = FakeFace()
        page = await probed(flow, face)
        (swap,) = [action for action in page.view().actions if action.word == "swap"]
        assert swap.key == "y"
        assert primary(page) != "swap"
        await swap.run()
        assert "swap" in words(page), "without the word nothing happens"
        face.answers["Swap API key and secret?"] = "swap"
        await swap.run()
        assert primary(page) == "switch"
        assert "swapped" in face.notes[-1]


async def test_a_key_and_secret_in_their_places_are_not_offered_for_a_swap(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow, await world.make_key(enableReading=True))
        assert "swap" not in words(await probed(flow))


async def test_after_a_swap_that_failed_only_new_checks_are_offered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await world.to_probe(flow, NewKey(made.secret, made.api_key))
        face = FakeFace(answers={"Swap API key and secret?": "swap"})
        page = await probed(flow, face)

        async def fail(_typed: str) -> None:
            raise WizardError("The keyring did not answer")

        monkeypatch.setattr(flow.credentials, "swap", fail)
        await page.swap()
        assert words(page) == {"retry", "back"}
        assert primary(page) == "retry"


async def test_where_a_key_is_imported_nothing_speaks_of_a_new_key(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store(Credentials(KeyKind.HMAC, made.api_key, made.secret))
        flow.advance(Step.CREDENTIALS)
        face = FakeFace()
        page = await probed(flow, face)
        assert page.view().verdict == "The key works from here."
        assert page.view().actions[0].label == f"Use …{made.api_key.last_four()}"
        assert "new key" not in f"{text(page.view())} {page.TITLE} {page.ABOUT}".lower()
        await page.view().actions[0].run()
        assert face.left == "finish"
        assert face.report is not None


async def test_what_was_stored_a_moment_ago_is_the_first_row_and_after_a_restart_there_is_none(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        assert row((await probed(flow)).view(), "Storage").startswith("good saved in")
    async with world.flow() as flow:
        assert "Storage" not in [row.cells[0] for row in (await probed(flow)).view().rows]


async def test_a_check_that_failed_or_was_not_made_is_never_ticked(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow, await world.make_key("198.51.100.7"))
        page = await probed(flow)
        ticked = {row.cells[0] for row in page.view().rows if row.state is State.GOOD}
        assert ticked == {"Storage", "Connection", "Clock"}
        assert all(one.passed for one in page._findings if one.subject in ticked)
        assert any(one.outcome is Outcome.NOT_RUN for one in page._findings)


async def test_details_say_of_every_check_when_from_where_and_what_it_leaves_open(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        face = FakeFace()
        page = await probed(flow, face)
        await page.show_details()
        checks = [at for at, line in enumerate(face.said) if ", passed. " in line]
        assert len(checks) >= 10
        assert all(face.said[at + 1].startswith("  Seen 20") for at in checks)
        assert any("Not proven: " in line for line in face.said)
