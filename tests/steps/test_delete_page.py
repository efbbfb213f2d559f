"""A key that has leaked: deleted on Binance first, replaced then, and proven dead by what was seen before."""

from __future__ import annotations

import httpx
import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.rotation.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.steps.face import FakeFace, press
from tests.steps.test_credentials import evidence, instructed, opened
from wizard.core.credentials import KeyKind
from wizard.core.settings import Bot
from wizard.custody.records import Slot
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation import findings
from wizard.rotation.flow import Flow
from wizard.rotation.journal import read_journal
from wizard.rotation.model import Grade, Mode, Outcome, Step, exit_code
from wizard.steps.delete import DeletePresenter
from wizard.steps.pages import PAGES
from wizard.steps.probe import ProbePresenter
from wizard.steps.retire import DELETED, RetirePresenter
from wizard.steps.view import PRIMARY, State, View

RESTRICTIONS = "/sapi/v1/account/apiRestrictions"


async def begun(world: World, flow: Flow, **permissions: bool) -> NewKey:
    """Begin the job; return the key that has leaked."""
    old = await world.put_key_in_use(flow, **permissions)
    await flow.begin(Mode.LEAKED)
    assert flow.step is Step.DELETE
    return old


def text(view: View) -> str:
    return "\n".join((view.verdict, *view.because, *(row.cells[0] for row in view.evidence), view.not_proven))


def keys(view: View) -> list[str]:
    return [action.key for action in view.actions]


async def to_probe(world: World, flow: Flow, new: NewKey) -> None:
    """From Delete on, with a new key."""
    flow.advance(Step.DELETE)
    await flow.egress.detect()
    flow.advance(Step.EGRESS)
    flow.whitelist.settle(flow.whitelist.proposal())
    flow.advance(Step.WHITELIST)
    await flow.credentials.store_hmac(new.api_key, new.secret)
    flow.advance(Step.CREDENTIALS)


async def test_a_key_is_not_said_to_be_accepted_from_an_address_that_this_host_has_left(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, f"{HERE},{ELSEWHERE}")
        await flow.begin(Mode.LEAKED)
        await flow.delete.ask()
        assert flow.current is not None
        assert flow.current.proven_from == HERE
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            await client.put(f"{world.base_url}/desk/nat", json={"127.0.0.1": ELSEWHERE})
        await flow.delete.ask()
        assert flow.delete.was_accepted
        assert flow.current.proven_from == ""
    assert (await world.simulated_page.activity())[-1].address == ELSEWHERE


async def test_the_page_says_which_key_to_delete_and_what_stops_and_that_it_still_works(world: World) -> None:
    world.bots = (Bot("freqtrade", ("true",)), Bot("hedger", ("true",)))
    async with world.flow() as flow:
        old = await begun(world, flow)
        name = f"…{old.api_key.last_four()}"
        page = DeletePresenter(flow, FakeFace(is_live=False))
        assert f"Delete {name} on Binance now." in page.view().verdict
        await page.begin()
        view = page.view()
        assert (view.state, view.verdict) == (State.STOP, f"{name} still works. Delete it on Binance now.")
        assert "freqtrade and hedger cannot work without it until the new key is there" in text(view)
        assert "key-wizard exec bench" in text(view)
        assert f"Delete {name}, and no other key." in text(view)
        assert "dead" not in text(view)
        first, skip, *_ = view.actions
        assert (first.key, first.word, skip.label) == (PRIMARY, "ask", "Go on anyway")
        current = flow.current
        assert current is not None
        assert (current.proven_from, current.permissions and current.permissions["enableReading"]) == (HERE, True)
        assert flow.exit_code == exit_code(Step.DELETE, None, Mode.LEAKED) == 4


async def test_it_watches_until_binance_refuses_the_key_and_calls_nothing_dead(world: World) -> None:
    async with world.flow() as flow:
        old = await begun(world, flow)
        face = FakeFace()
        page = DeletePresenter(flow, face)
        seen: list[State] = []
        wait = flow.delete.wait

        async def delete_meanwhile() -> None:
            seen.append(page.view().state)
            await world.simulated_page.delete(old.api_key)
            await wait()

        flow.delete.wait = delete_meanwhile  # type: ignore[method-assign]
        await page.watch()
        assert seen == [State.STOP]
        view = page.view()
        name = f"…{old.api_key.last_four()}"
        assert (view.state, view.verdict) == (
            State.GOOD,
            f"Binance refuses {name}. The proof follows with the new key.",
        )
        assert view.not_proven == f"that {name} is dead, as there is no other key to compare with"
        assert "(-2008), asked at" in text(view)
        await press(page, PRIMARY)
        assert (flow.step, face.left) == (Step.EGRESS, "leave")
        assert Step.DELETE not in PAGES[flow.step](flow, face).progress.skipped


async def test_a_refusal_that_may_be_older_than_the_deletion_is_no_good_sign(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, "198.51.100.7")
        await flow.begin(Mode.LEAKED)
        page = DeletePresenter(flow, FakeFace())
        await page.ask()
        assert page.view().state is State.LOOK
        assert "It did not work from here before either" in text(page.view())
        await world.simulated_page.delete(old.api_key)
        await page.ask()
        assert page.view().state is State.GOOD


async def test_no_answer_is_no_refusal_and_going_on_stays_possible(world: World) -> None:
    async with world.flow() as flow:
        await begun(world, flow)
        await world.plant(RESTRICTIONS, "busy", times=9, status=503)
        face = FakeFace()
        page = DeletePresenter(flow, face)
        await page.ask()
        view = page.view()
        assert view.state is State.UNSURE
        assert "Binance gave no clear answer" in view.verdict
        await press(page, "e")
        assert flow.step is Step.EGRESS
        assert Step.DELETE in PAGES[flow.step](flow, face).progress.skipped, "it has no tick"
        assert flow.back() is Step.DELETE


async def test_a_key_that_is_not_stored_any_more_can_still_be_deleted(world: World) -> None:
    async with world.flow() as flow:
        await begun(world, flow)
        current = flow.current
        assert current is not None
        await world.store.delete(current.item)
        face = FakeFace()
        page = DeletePresenter(flow, face)
        await page.ask()
        assert face.errors[0].code == "leaked.no-key"
        assert "Delete it on Binance all the same" in text(page.view())
        assert "e" in keys(page.view())


@pytest.mark.parametrize("is_killed", [False, True])
async def test_the_whole_job_ends_with_a_proven_death_and_a_report_of_the_leak(world: World, is_killed: bool) -> None:
    async with world.flow() as flow:
        old = await begun(world, flow, enableSpotAndMarginTrading=True, enableFutures=True)
        page = DeletePresenter(flow, FakeFace())
        await page.ask()
        if not is_killed:
            await world.simulated_page.delete(old.api_key)
            await page.ask()
    name = f"…{old.api_key.last_four()}"
    async with world.flow() as flow:  # a new process, after the first one was killed
        assert flow.step is Step.DELETE
        if is_killed:
            await world.simulated_page.delete(old.api_key)
            await flow.delete.ask()
        assert DeletePresenter(flow, FakeFace()).view().state is State.GOOD
        flow.advance(Step.DELETE)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(Step.WHITELIST)
        credentials = await opened(flow, FakeFace())
        assert f"Tick what {name} has: Reading · Spot & Margin Trading · Futures" in instructed(credentials)
        assert "Binance said that on 20" in evidence(credentials)
        new = await world.make_key(enableSpotAndMarginTrading=True, enableFutures=True)
        await flow.credentials.store_hmac(new.api_key, new.secret)
        flow.advance(Step.CREDENTIALS)
        face = FakeFace()
        probe = ProbePresenter(flow, face)
        await probe.begin()
        states = {row.cells[0]: row.state for row in probe.view().rows}
        assert State.STOP not in states.values()
        told = {finding.subject: finding for finding in probe._findings}
        assert told[findings.CONTROL].outcome is Outcome.NOT_APPLICABLE
        assert "deleted on purpose" in told[findings.CONTROL].observed
        assert told[findings.PERMISSIONS].outcome is Outcome.PASSED
        assert f"Compared with what {name} had at" in told[findings.PERMISSIONS].observed
        assert told[findings.SAME_ACCOUNT].outcome is Outcome.INCONCLUSIVE
        assert "The leaked key is refused" in told[findings.SAME_ACCOUNT].observed
        await press(probe, PRIMARY)
        assert flow.step is Step.RETIRE
        retire = RetirePresenter(flow, FakeFace())
        await world.kill(flow)
        assert retire.view().verdict == f"{name} is dead."
        assert retire.view().corner == ""
        report = await flow.purge()
    assert report.grade is Grade.PROVEN
    assert f"replaced {name}, which had leaked. The legacy key is dead" in report.verdict
    said = dict(report.rows())
    assert "Both alive" not in said
    assert said["Accepted until"] <= said["Refused since"]
    assert report.accepted_until is not None
    assert report.refused_since is not None
    assert report.accepted_until < report.refused_since
    assert any("activity history" in each for each in report.left)


async def test_a_new_key_that_lacks_what_the_leaked_one_could_do_is_not_switched_to(world: World) -> None:
    async with world.flow() as flow:
        old = await begun(world, flow, enableSpotAndMarginTrading=True, enableFutures=True)
        await flow.delete.ask()
        await world.simulated_page.delete(old.api_key)
        await to_probe(world, flow, await world.make_key(enableSpotAndMarginTrading=True))
        report = await flow.probe.run()
        assert not report.is_proven
        (finding,) = [one for one in report.findings if one.subject == findings.PERMISSIONS]
        assert finding.outcome is Outcome.FAILED
        assert "Enable Futures" in finding.observed


async def test_a_leaked_key_that_was_not_deleted_is_a_warning_in_the_probe_and_alive_at_the_end(world: World) -> None:
    async with world.flow() as flow:
        await begun(world, flow)
        await flow.delete.ask()
        await to_probe(world, flow, await world.make_key())
        report = await flow.probe.run()
        (control,) = [one for one in report.findings if one.subject == findings.CONTROL]
        assert (control.outcome, report.is_proven) == (Outcome.WARNING, True)
        assert "still accepts" in control.observed
        await flow.complete(report)
        assert (await flow.retire.poll()).grade is Grade.ALIVE
        view = RetirePresenter(flow, FakeFace()).view()
        assert view.state is State.STOP
        assert view.verdict.endswith("has leaked and still works. Delete it on Binance now.")
        assert [row.item for row in view.rows] == [DELETED, "bots"], "the leak is closed first"


async def test_the_journal_holds_no_secret_of_the_leaked_key(world: World) -> None:
    async with world.flow() as flow:
        old = await begun(world, flow)
        key, secret = old.api_key.reveal(), old.secret.reveal()
        await flow.delete.ask()
    with read_journal(world.paths) as journal:
        kept = str(journal.events()) + str(journal.keys("bench"))
    assert key not in kept
    assert secret not in kept
    assert KeyKind.HMAC in kept
    assert Slot.CURRENT in kept


async def test_the_page_never_says_that_a_leaked_key_is_to_be_kept(world: World) -> None:
    async with world.flow() as flow:
        leaked = await begun(world, flow)
        new = await world.make_key()
        await to_probe(world, flow, new)
        await flow.complete(await flow.probe.run())
        page, name = RetirePresenter(flow, FakeFace()), f"…{leaked.api_key.last_four()}"

        async def said() -> str:
            await page.ask()
            shown = text(page.view()) + " ".join(page.view().fix)
            assert "not delete" not in shown
            assert f"Keep {name}" not in shown
            return shown

        await world.fault(answers=[{"path": RESTRICTIONS, "body": {}, "times": 1, "status": 503}])
        await said()
        await world.fault()
        await world.simulated_page.delete(new.api_key)
        assert f"Delete {name} all the same" in await said()
        await world.simulated_page.delete(leaked.api_key)
        assert "undo the switch and enter another new key" in await said()
        flow.revert()
        flow.back()
        again = await world.make_key()
        await flow.credentials.store_hmac(again.api_key, again.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        await world.kill(flow)
        report = await flow.purge()
        assert (report.grade, report.current.last_four) == (Grade.PROVEN, again.api_key.last_four())
