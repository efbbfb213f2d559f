"""The job that changes the whitelist of the key in use, page by page, as both faces have it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.steps.face import FakeFace, press
from tests.steps.test_probe import move_host, primary, row, text, words
from wizard.core.credentials import Credentials, KeyKind
from wizard.custody.records import Slot
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.flow import CERTIFIED, CHANGED, Flow
from wizard.rotation.model import Mode, Step
from wizard.rotation.report import Report, restore_report
from wizard.steps.apply import ApplyPresenter
from wizard.steps.pages import PAGES
from wizard.steps.probe import ProbePresenter
from wizard.steps.summary import SummaryPresenter
from wizard.steps.view import PRIMARY, State
from wizard.steps.whitelist import WhitelistPresenter
from wizard.whitelist.entries import parse

RESTRICTIONS = "/sapi/v1/account/apiRestrictions"


async def key_whose_list_is_not_known(world: World, flow: Flow, whitelist: str | None = HERE) -> NewKey:
    """Put a key into use as an import does."""
    made = await world.simulated_page.create("in use", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True)  # type: ignore[arg-type]
    await flow.context.vault.put(Credentials(KeyKind.HMAC, made.api_key, made.secret), Slot.CURRENT)
    return made


async def to_apply(flow: Flow, text: str = "") -> None:
    """Walk the job as far as its Apply step, with this list or the proposed one."""
    if flow.rotation is None:
        await flow.begin(Mode.WHITELIST)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
    flow.whitelist.settle(parse(text) if text else flow.whitelist.proposal())
    flow.advance(Step.WHITELIST)


async def at_probe(flow: Flow) -> tuple[ProbePresenter, FakeFace]:
    """Say that the list is saved."""
    flow.advance(Step.APPLY)
    face = FakeFace()
    page = ProbePresenter(flow, face)
    await page.begin()
    return page, face


async def test_the_apply_page_says_what_to_paste_where_and_what_it_cannot_see(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow)
        await move_host(world)
        await to_apply(flow)
        assert PAGES[flow.step] is ApplyPresenter
        face = FakeFace()
        page = ApplyPresenter(flow, face)
        view, name = page.view(), f"…{made.api_key.last_four()}"
        assert view.verdict == f"Paste the list into {name} on Binance."
        assert [each.cells[1] for each in view.rows] == [f"{HERE},{ELSEWHERE}"]
        where = "\n".join(each.cells[0] for each in view.evidence)
        assert f"Edit restrictions for {name}" in where
        assert "Restrict access to trusted IPs only" in where
        assert "2FA" in where
        assert "One article says that logins on the web and in the app are not affected." in where
        assert "Binance's list" in view.not_proven
        assert page.progress.step is Step.APPLY
        await page.copy(view.rows[0].item)
        assert face.copied == [f"{HERE},{ELSEWHERE}"]
        await press(page, "escape")
        assert flow.step is Step.WHITELIST
        flow.advance(Step.WHITELIST)
        await press(page, PRIMARY)
        assert (flow.step, face.left) == (Step.PROBE, "leave")


async def test_the_list_in_use_is_what_it_begins_with_and_what_it_is_compared_with(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, f"{HERE},198.51.100.7")
        await move_host(world)
        await flow.begin(Mode.WHITELIST)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        view = WhitelistPresenter(flow, FakeFace()).view()
        assert [each.cells[0] for each in view.rows] == [HERE, "198.51.100.7", ELSEWHERE]
        assert view.evidence[0].cells[0] == "1 new, 0 removed, 2 kept."
        assert (view.rows[2].state, view.rows[2].cells[2]) == (State.GOOD, "new"), "that is what the job is for"
        assert "does not know" not in text(view)


async def test_of_a_list_that_is_not_known_it_says_so_and_takes_what_the_page_shows(world: World) -> None:
    async with world.flow() as flow:
        made = await key_whose_list_is_not_known(world, flow, f"{HERE},198.51.100.7")
        await flow.begin(Mode.WHITELIST)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        page = WhitelistPresenter(flow, FakeFace())
        view = page.view()
        assert view.state is State.LOOK
        assert view.because[0].startswith(f"The wizard does not know which list …{made.api_key.last_four()} has")
        assert "no address is lost" in view.because[1]
        await page.add(f"{HERE} 198.51.100.7")
        assert {each.cells[0] for each in page.view().rows} >= {HERE, "198.51.100.7"}


async def test_a_proven_list_is_recorded_and_the_summary_says_what_changed(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow, f"{HERE},198.51.100.7")
        await move_host(world)
        await to_apply(flow, f"198.51.100.7,{ELSEWHERE}")
        await world.simulated_page.set_whitelist(made.api_key, f"198.51.100.7,{ELSEWHERE}")
        page, face = await at_probe(flow)
        view, name = page.view(), f"…{made.api_key.last_four()}"
        assert (view.state, view.verdict) == (State.GOOD, "The key works from here.")
        assert "new key" not in text(view).lower()
        assert "Same account" not in text(view)
        assert (primary(page), view.actions[0].label) == ("record", "Record the list")
        assert flow.current is not None
        assert flow.current.whitelist == f"{HERE},198.51.100.7", "nothing is recorded before that"
        await press(page, PRIMARY)
        assert face.left == "finish"
        assert face.report is not None
        rows = dict(face.report.rows())
        assert face.report.verdict == f"{name} works from here. Its new whitelist is recorded."
        assert rows["Changed"] == f"{ELSEWHERE} added, {HERE} removed"
        assert rows["Proven from"] == ELSEWHERE
        gaps = [told for label, told in face.report.rows() if label == "Not proven"]
        assert "which list Binance has" in gaps[0]
        assert "198.51.100.7" in gaps[1]
        assert SummaryPresenter(face.report, FakeFace()).progress.steps[2] is Step.APPLY
        assert flow.rotation is None
        assert flow.current.name.fingerprint == made.api_key.fingerprint()
        assert flow.current.whitelist == f"198.51.100.7,{ELSEWHERE}"
        (done,) = flow.context.journal.rotations("bench")
        (event,) = flow.context.journal.events(kind=CERTIFIED)
        assert (done.outcome, restore_report(event.detail)) == (CHANGED, face.report)


async def test_a_job_that_was_stopped_after_the_list_was_recorded_still_says_what_changed(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow)
        await to_apply(flow, f"{HERE},198.51.100.7")
        await world.simulated_page.set_whitelist(made.api_key, f"{HERE},198.51.100.7")
        flow.advance(Step.APPLY)
        report = await flow.probe.run()
        flow._finish = lambda *_: cut()  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            await flow.complete(report)
        assert flow.step is Step.DONE
    async with world.flow() as flow:
        (event,) = flow.context.journal.events(kind=CERTIFIED)
        settled = restore_report(event.detail)
        assert settled is not None
        assert dict(settled.rows())["Changed"] == "198.51.100.7 added"


async def cut() -> Report:
    raise KeyboardInterrupt


async def test_of_a_list_that_was_not_known_the_report_claims_no_change(world: World) -> None:
    async with world.flow() as flow:
        await key_whose_list_is_not_known(world, flow)
        await to_apply(flow)
        page, face = await at_probe(flow)
        await press(page, PRIMARY)
        assert face.report is not None
        assert "not known" in dict(face.report.rows())["Changed"]


async def test_after_saved_it_asks_until_the_list_counts(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow, "198.51.100.7")
        await to_apply(flow, f"{HERE},198.51.100.7")
        asked = []

        async def save_at_the_third(seconds: float) -> None:
            asked.append(seconds)
            if len(asked) == 3:
                await world.simulated_page.set_whitelist(made.api_key, HERE)

        flow.probe = type(flow.probe)(replace(flow.context, pause=save_at_the_third))
        page, face = await at_probe(flow)
        assert any("Not accepted yet" in said for said in face.said)
        assert primary(page) == "record"


async def test_a_list_that_does_not_come_is_waited_for_with_one_key(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, "198.51.100.7")
        await to_apply(flow, f"{HERE},198.51.100.7")
        flow.probe = type(flow.probe)(replace(flow.context, pace=replace(flow.context.pace, patience=0.0)))
        page, face = await at_probe(flow)
        assert "The wizard has stopped asking." in face.notes[-1]
        assert "most likely because its list is not saved yet" in page.view().verdict
        assert primary(page) == "try"
        assert not {"swap", "again", "record"} & words(page), "the key in use is not entered again"
        await press(page, "w")
        assert (flow.step, face.left) == (Step.APPLY, "leave")


async def test_an_address_that_changed_again_goes_on_the_list_and_back_to_the_page(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await to_apply(flow)
        await move_host(world)
        page, face = await at_probe(flow)
        assert page.view().actions[0].label == f"Add {ELSEWHERE}"
        assert page.view().fix == (f"Add {ELSEWHERE}, then paste the list into the key on Binance.",)
        await press(page, PRIMARY)
        assert (flow.step, face.left) == (Step.APPLY, "leave")
        assert ApplyPresenter(flow, face).view().rows[0].cells[1] == f"{HERE},{ELSEWHERE}"


async def test_a_key_that_works_from_anywhere_is_not_recorded_as_restricted(world: World) -> None:
    async with world.flow() as flow:
        made = await key_whose_list_is_not_known(world, flow, None)
        await to_apply(flow)
        page, _ = await at_probe(flow)
        view = page.view()
        assert (view.state, view.verdict) == (State.STOP, "The key works from any address.")
        assert "Save it on Binance's page" in view.fix[0]
        assert primary(page) == "list"
        assert "record" not in words(page)
        await press(page, PRIMARY)
        await world.simulated_page.set_whitelist(made.api_key, HERE)
        page, _ = await at_probe(flow)
        assert primary(page) == "record"


async def test_permissions_that_changed_since_the_key_was_accepted_are_looked_at_and_stop_nothing(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow)
        assert flow.current is not None
        before = {"enableReading": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False}
        flow.context.journal.mark_proven(flow.current, HERE, before)
        await world.simulated_page.set_permissions(made.api_key, enableFutures=True)
        await to_apply(flow)
        page, face = await at_probe(flow)
        view = page.view()
        assert row(view, "Permissions").startswith("look The key lost permissions: Enable Spot & Margin Trading")
        assert "Enable Futures" in text(view)
        assert primary(page) == "record"
        await press(page, PRIMARY)
        assert face.left == "finish"


async def test_the_job_is_given_up_without_a_trace_in_the_key(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow)
        await to_apply(flow, f"{HERE},198.51.100.7")
        await flow.abandon()
        assert flow.current is not None
        assert (flow.current.whitelist, flow.current.name.fingerprint) == (HERE, made.api_key.fingerprint())
