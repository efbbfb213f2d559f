"""The Retire page: orders that never contradict each other, and a secret that is deleted only when its key is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.rotation.conftest import HERE, World
from tests.rotation.test_unused_keys import with_two_left
from tests.steps.face import FakeFace
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Bot
from wizard.custody.records import Holding, Slot
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Journal
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.report import STAYS
from wizard.rotation.retirement import Poll, judge_death
from wizard.steps import deadlines
from wizard.steps.retire import DELETED, RetirePresenter, purging
from wizard.steps.view import PRIMARY, State


@pytest.fixture
async def flow(world: World) -> AsyncIterator[Flow]:
    async with world.flow() as flow:
        yield flow


@pytest.fixture
async def old(world: World, flow: Flow) -> NewKey:
    """The legacy key; the rotation stands at Retire."""
    return await world.to_retire(flow)


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def page(flow: Flow, face: FakeFace, old: NewKey) -> RetirePresenter:
    page = RetirePresenter(flow, face)
    await page.begin()
    return page


def words(page: RetirePresenter) -> list[str]:
    return [action.word for action in page.view().actions]


async def secret_is_kept(flow: Flow) -> bool:
    legacy = flow.context.key(Slot.LEGACY)
    return legacy is not None and await flow.context.vault.fetch(legacy) is not None


async def test_two_things_are_left_and_no_secret_can_be_deleted_yet(page: RetirePresenter, old: NewKey) -> None:
    await page.ask()
    view = page.view()
    assert "Two things are left" in view.verdict
    assert [row.is_ticked for row in view.rows] == [False, False]
    assert f"Delete …{old.api_key.last_four()}" in view.rows[1].cells[0]
    assert "delete" not in words(page)
    assert view.corner.startswith("both keys work for")
    assert view.corner_state is State.EMPTY


async def test_enter_does_what_the_row_under_the_cursor_needs(page: RetirePresenter, face: FakeFace) -> None:
    assert page.view().action(PRIMARY).word == "ask"  # Enter pressed twice at the switch does nothing more
    await page.ask()
    assert page.view().action(PRIMARY).word == "copy"
    assert page.point(DELETED)
    assert page.view().action(PRIMARY).word == "details"
    await page.toggle(DELETED)
    assert page.view().action(PRIMARY).word == "ask"
    assert page.view().action("v").word == "details"
    face.is_live = False
    assert page.view().action(PRIMARY).word == "ask"


async def test_two_keys_that_work_for_too_long_are_said_in_red(
    page: RetirePresenter, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = flow.current
    assert current is not None
    await page.ask()
    for minutes, corner, state in (
        (59, "both keys work for 59 min", State.EMPTY),
        (90, "both keys work for 1 h 30 min, 30 min too long", State.STOP),
    ):
        now = current.stored_at + 60.0 * minutes
        monkeypatch.setattr(flow.retire, "_context", replace(flow.context, clock=partial(float, now)))
        view = page.view()
        assert (view.corner, view.corner_state) == (corner, state)


async def test_what_is_done_stays_noted_after_a_restart(page: RetirePresenter, flow: Flow) -> None:
    await page.toggle("bots")
    assert RetirePresenter(flow, FakeFace()).view().rows[0].is_ticked


@pytest.fixture
async def with_bots(world: World, tmp_path: Path) -> AsyncIterator[Flow]:
    """Stands at Retire, with two bots; the second one fails its check until it is repaired."""
    world.bots = (
        Bot("freqtrade", ("sh", "-c", "echo all is well")),
        Bot("b2", ("sh", "-c", "echo began"), ("sh", "-c", f"echo checked; test -e {tmp_path}/repaired")),
    )
    async with world.flow() as flow:
        await world.to_retire(flow)
        yield flow


async def test_each_bot_is_a_row_that_its_restart_ticks(with_bots: Flow, face: FakeFace, tmp_path: Path) -> None:
    page = RetirePresenter(with_bots, face)
    await page.ask()
    first, second, last = page.view().rows
    assert [row.cells for row in (first, second)] == [("1  Restart freqtrade",), ("   Restart b2",)]
    assert last.item == DELETED
    assert page.view().action("x").label == "Restart freqtrade"
    await page.view().action(PRIMARY).run(first.item)
    assert page.point(second.item)
    await page.view().action("x").run(second.item)
    first, second, last = page.view().rows
    assert (first.is_ticked, first.state) == (True, State.GOOD)
    assert (second.is_ticked, second.state) == (False, State.STOP)
    assert first.cells[1].startswith("exit 0 at ")
    assert second.cells[1].startswith("check exit 1 at ")
    assert "  | all is well" in first.detail
    assert second.detail[1:] == ("  | began", "  | checked"), "of the command and of its check"
    assert face.said[-1] == "  | checked"
    (tmp_path / "repaired").touch()
    await page.restart(DELETED)  # all that are not ticked
    assert face.notes[-1].startswith("Restart of b2, checked at ")
    resumed = RetirePresenter(with_bots, FakeFace())
    assert [row.is_ticked for row in resumed.view().rows] == [True, True, False]
    assert resumed.view().rows[1].cells[1].startswith("checked at ")


async def test_while_a_bot_is_not_ticked_the_secret_wants_the_last_four_and_the_bot_is_named(
    with_bots: Flow, face: FakeFace, world: World
) -> None:
    page = RetirePresenter(with_bots, face)
    legacy = with_bots.retire.legacy
    assert legacy is not None
    await world.simulated_page.delete((await world.simulated_page.keys())[0].api_key)
    await page.watch()
    assert page.view().fix == ("You did not tick freqtrade and b2.",)
    assert [row.item for row in page.view().rows] == ["bot freqtrade", "bot b2"]
    consent = purging(with_bots)
    assert consent is not None
    assert consent.word == legacy.name.last_four
    assert consent.text.endswith("You did not tick freqtrade and b2.")
    await page.toggle("bot freqtrade")
    await page.toggle("bot b2")
    consent = purging(with_bots)
    assert consent is not None
    assert (consent.word, page.view().rows, page.view().fix) == ("delete", (), ())


async def test_a_restart_that_was_stopped_is_not_ticked(with_bots: Flow) -> None:
    bot = Bot("freqtrade", ("sleep", "600"))
    with_bots.retire.note_done(frozenset({"bot freqtrade"}))
    task = asyncio.ensure_future(with_bots.retire.restart(bot))
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bot.name in [each.name for each in with_bots.retire.bots_left]


async def test_a_key_whose_secret_was_half_deleted_stays_dead(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.simulated_page.delete(old.api_key)
    await page.watch()

    async def stopped(_: str) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as during:
        during.setattr(world.store, "delete", stopped)
        face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = "delete"
        with pytest.raises(asyncio.CancelledError):
            await page.delete_secret()
    legacy = flow.retire.legacy
    assert legacy is not None
    assert legacy.holding is Holding.PURGING
    await world.store.delete(legacy.item)  # the deletion had arrived
    await page.ask()
    assert (page.view().state, page.view().verdict) == (State.GOOD, f"{legacy.name} is dead.")
    await page.delete_secret()
    assert (face.left, face.report.grade) == ("finish", Grade.PROVEN)


async def test_deleted_the_wrong_one_is_asked_where_the_legacy_key_lives_on(page: RetirePresenter, old: NewKey) -> None:
    await page.toggle(DELETED)
    await page.ask()
    view = page.view()
    assert (view.state, view.verdict) == (
        State.LOOK,
        f"Deleted it? Check that it was …{old.api_key.last_four()}.",
    )


async def test_where_the_new_key_stops_working_the_order_to_delete_is_gone(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    new = (await world.simulated_page.keys())[-1]
    await world.simulated_page.delete(new.api_key)
    await page.ask()
    view = page.view()
    assert (view.state, view.corner) == (State.STOP, "")
    assert view.verdict == (f"Stop. …{new.api_key.last_four()} no longer works. Keep …{old.api_key.last_four()}.")
    assert view.rows == ()
    assert "delete" not in words(page)
    assert "Delete" not in " ".join((view.verdict, *view.because, *view.fix))
    face.answers["Undo the switch?"] = "undo"
    await page.undo_switch()
    assert (face.left, flow.step) == ("leave", Step.PROBE)


async def test_nothing_is_to_be_deleted_while_neither_key_works(
    page: RetirePresenter, world: World, old: NewKey
) -> None:
    for key in await world.simulated_page.keys():
        await world.simulated_page.set_whitelist(key.api_key, "198.51.100.7")
    await page.ask()
    view = page.view()
    assert (view.state, view.verdict) == (State.UNSURE, f"Do not delete …{old.api_key.last_four()} now.")
    assert (view.rows, "delete" in words(page), "tick" in words(page)) == ((), False, False)


async def test_a_legacy_secret_that_is_lost_is_no_refusal_by_binance(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    legacy = flow.retire.legacy
    assert legacy is not None
    await world.store.delete(legacy.item)
    await page.ask()
    view = page.view()
    assert "refuses" not in " ".join((view.verdict, *view.because))
    assert view.action(PRIMARY).label == "Finish"
    assert any(f"Delete {legacy.name} on Binance" in row.cells[0] for row in view.rows)
    await world.simulated_page.delete((await world.simulated_page.keys())[-1].api_key)
    await page.ask()
    assert page.view().rows == ()
    face.answers[f"Finish without proof that {legacy.name} is dead?"] = old.api_key.last_four()
    await page.delete_secret()
    assert face.report.grade is Grade.WEAK


async def test_without_the_current_key_in_its_place_the_legacy_key_is_kept(
    page: RetirePresenter, flow: Flow, world: World, old: NewKey
) -> None:
    current = flow.current
    assert current is not None
    value = await world.store.read(current.item)
    assert value is not None
    await world.store.delete(current.item)
    with pytest.raises(WizardError):
        await page.watch()
    view = page.view()
    assert view.state is State.STOP
    assert view.verdict.startswith(f"Keep …{old.api_key.last_four()}. The current key is not in ")
    assert view.rows == ()
    assert view.action(PRIMARY).word == "undo"
    await world.store.write(current.item, value)
    await world.simulated_page.delete(old.api_key)
    await page.ask()  # which goes on watching
    assert page._watching is not None
    await asyncio.wait_for(page._watching, 20)
    assert page.view().state is State.GOOD


async def test_what_was_noted_before_the_switch_was_undone_is_not_done_after_the_next_one(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World
) -> None:
    await page.toggle("bots")
    await page.toggle(DELETED)
    new = (await world.simulated_page.keys())[-1]
    await world.simulated_page.set_whitelist(new.api_key, "198.51.100.7")
    await page.ask()
    face.answers["Undo the switch?"] = "undo"
    await page.undo_switch()
    await world.simulated_page.set_whitelist(new.api_key, HERE)
    await flow.complete(await flow.probe.run())
    assert [row.is_ticked for row in RetirePresenter(flow, face).view().rows] == [False, False]


async def test_the_switch_can_be_undone_while_both_keys_work_and_enter_does_not_offer_it(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    assert "undo" not in words(page)  # Binance was not asked yet
    await page.ask()
    view = page.view()
    assert view.action("u").word == "undo"
    assert view.action(PRIMARY).word != "undo"
    assert "Stop" not in view.verdict
    new = flow.current
    face.answers["Undo the switch?"] = "undo"
    await page.undo_switch()
    assert (face.left, flow.step, flow.credentials.pending) == ("leave", Step.PROBE, replace(new, slot=Slot.PENDING))
    assert flow.current is not None
    assert flow.current.name.fingerprint == old.api_key.fingerprint()


async def test_a_legacy_key_that_died_meanwhile_does_not_become_the_current_one(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    await page.ask()
    await world.simulated_page.delete(old.api_key)
    face.answers["Undo the switch?"] = "undo"
    with pytest.raises(WizardError, match="cannot be undone"):
        await page.undo_switch()
    assert flow.step is Step.RETIRE


async def test_undoing_wants_its_word(page: RetirePresenter, flow: Flow, world: World) -> None:
    await world.simulated_page.delete((await world.simulated_page.keys())[-1].api_key)
    await page.ask()
    await page.undo_switch()
    assert flow.step is Step.RETIRE


async def test_a_dead_key_loses_its_secret_after_its_word(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    await world.simulated_page.delete(old.api_key)
    await page.watch()
    view = page.view()
    assert (view.state, view.verdict) == (State.GOOD, f"…{old.api_key.last_four()} is dead.")
    assert "API activity history" in view.evidence[-2].cells[0]
    assert view.corner.startswith("both keys worked for")
    await view.action(PRIMARY).run()
    assert await secret_is_kept(flow)  # nothing was typed
    face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = "delete"
    await view.action(PRIMARY).run()
    assert (face.left, face.report.grade) == ("finish", Grade.PROVEN)
    assert not await secret_is_kept(flow)


async def test_a_disabled_key_is_refused_and_wants_the_last_four(
    page: RetirePresenter, face: FakeFace, flow: Flow, world: World, old: NewKey
) -> None:
    last_four = old.api_key.last_four()
    await world.simulated_page.disable(old.api_key)
    await page.watch()
    assert page.view().verdict == f"Binance refuses …{last_four} now."
    face.answers[f"Delete the secret of …{last_four}?"] = last_four
    await page.delete_secret()
    assert face.report.grade is Grade.STRONG


async def test_a_death_that_is_not_proven_is_not_called_one(face: FakeFace, flow: Flow, world: World) -> None:
    old = await world.put_key_in_use(flow)
    await world.simulated_page.delete(old.api_key)
    await world.to_probe(flow)
    await flow.complete(await flow.probe.run())
    page = RetirePresenter(flow, face)
    await page.watch()
    view = page.view()
    assert view.state is State.LOOK
    assert "not proven" in view.verdict
    face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = "delete"
    await page.delete_secret()
    assert await secret_is_kept(flow)
    face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = old.api_key.last_four()
    await page.delete_secret()
    assert face.report.grade is Grade.WEAK


async def test_a_key_that_cannot_be_asked_about_is_not_called_refused(page: RetirePresenter, flow: Flow) -> None:
    legacy = flow.retire.legacy
    assert legacy is not None
    await flow.context.vault.store.delete(legacy.item)
    await page.ask()
    view = page.view()
    assert (view.state, "refuse" in " ".join((view.verdict, *view.because))) == (State.LOOK, False)
    assert "cannot be asked" in view.because[0]


async def test_nothing_is_finished_whose_report_cannot_be_kept(
    page: RetirePresenter, face: FakeFace, world: World, old: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise WizardError("The disk is full")

    await world.simulated_page.delete(old.api_key)
    await page.watch()
    monkeypatch.setattr(Journal, "finish", full)
    face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = "delete"
    await page.delete_secret()
    assert face.left == ""
    assert [error.what for error in face.errors] == ["The disk is full"]


async def test_files_that_still_hold_the_legacy_key_are_named(
    page: RetirePresenter, world: World, old: NewKey, tmp_path: Path
) -> None:
    world.environ["HOME"] = str(tmp_path)  # type: ignore[index]
    (tmp_path / ".bashrc").write_text(f"export KEY={old.api_key.reveal()}\n")
    (tmp_path / ".zshrc").symlink_to(".zshrc")
    await page.ask()
    said = [row.cells[0] for row in page.view().evidence]
    assert f"…{old.api_key.last_four()} is still in {tmp_path}/.bashrc, line 1." in said
    assert any(f"{tmp_path}/.zshrc" in line and "Not searched" in line for line in said)
    (tmp_path / ".bashrc").unlink()
    await page.ask()
    assert not any(".bashrc" in row.cells[0] for row in page.view().evidence)


async def test_keys_that_were_never_used_are_named_answered_and_settled_one_by_one(
    face: FakeFace, flow: Flow, world: World
) -> None:
    old, refused, accepted = await with_two_left(world, flow)
    first, second = (f"…{key.api_key.last_four()}" for key in (refused, accepted))
    page = RetirePresenter(flow, face)
    await page.ask()
    view = page.view()
    assert [row.cells[0].strip() for row in view.rows[2:]] == [
        f"Also delete {each}. It was entered and is not in use." for each in (first, second)
    ]
    said = {row.cells[1]: row.cells[2] for row in view.evidence if len(row.cells) > 1}
    assert (said[first], said[second]) == ("refused (-2015)", "still accepted")
    item = view.rows[3].item
    page.point(item)
    assert page.view().action("k").label == f"Keep {second}"
    await page.toggle(item)
    assert page.view().rows[3].is_ticked is None
    await world.kill(flow)
    page.point(view.rows[2].item)
    assert page.view().action("k").label == f"Give up {first}"
    await page.show_details()
    assert f"Delete {first}" in face.said, "and not the legacy key"
    await page.keep(item)  # nothing was typed
    assert len(flow.retire.unused) == 2
    face.answers[f"Keep {second} on Binance?"] = accepted.api_key.last_four()
    await page.keep(item)
    assert [str(key.name) for key in flow.retire.unused] == [first]
    for key in (old, refused):
        await world.simulated_page.delete(key.api_key)
    await page.watch()
    assert page.view().state is State.GOOD
    consent = purging(flow)
    assert consent is not None
    assert f"The secret of {first} is deleted too." in consent.text
    face.answers[f"Delete the secret of …{old.api_key.last_four()}?"] = consent.word
    await page.delete_secret()
    assert {key.end for key in face.report.unused} == {Grade.PROVEN, STAYS}


async def test_a_wait_has_time_for_each_key_that_was_never_used(face: FakeFace, flow: Flow, world: World) -> None:
    _, first, _ = await with_two_left(world, flow)
    page, pace, asking = RetirePresenter(flow, face), flow.context.pace, "Asking Binance with both keys"
    await page.ask()
    assert face.limits[asking] == deadlines.poll(pace, 2)
    face.is_live = False
    await page.ask()
    assert face.limits[asking] > deadlines.poll(pace, 2)
    undo = "Asking once more, then undoing the switch"
    face.answers["Undo the switch?"] = "undo"
    item = f"unused {first.api_key.fingerprint()}"
    await world.kill(flow)
    name = f"…{first.api_key.last_four()}"
    face.answers[f"Give up {name}?"] = face.answers[f"Keep {name} on Binance?"] = first.api_key.last_four()
    await page.keep(item)
    assert face.limits[f"Deleting the secret of {name}"] == deadlines.purge(pace, 2)
    await page.undo_switch()
    assert face.limits[undo] == deadlines.poll(pace, 1)


async def test_a_job_of_its_own_retires_keys_that_were_never_used(face: FakeFace, flow: Flow, world: World) -> None:
    old, *forgotten = await with_two_left(world, flow)
    await world.simulated_page.delete(old.api_key)
    await world.kill(flow)
    await flow.purge()
    await flow.begin(Mode.RETIRE)
    page = RetirePresenter(flow, face)
    await page.ask()
    view = page.view()
    assert view.verdict.endswith(" stays in use. Delete on Binance:")
    assert [row.cells[0] for row in view.rows] == [
        f"Delete …{key.api_key.last_four()}. It was entered and is not in use." for key in forgotten
    ]
    assert [row.cells[0] for row in view.evidence if len(row.cells) > 1] == ["Current", "Unused", "Unused"]
    assert not {"undo", "restart"} & set(words(page))
    for key in forgotten:
        await world.simulated_page.delete(key.api_key)
    await page.watch()
    view = page.view()
    assert (view.state, view.rows, view.action(PRIMARY).word) == (State.GOOD, (), "delete")
    consent = purging(flow)
    assert consent is not None
    face.answers[consent.title] = consent.word
    await page.delete_secret()
    assert {key.end for key in face.report.unused} == {Grade.PROVEN}


POLL = Poll(1.0, False, -2008, "", True, "", "203.0.113.42")


@pytest.mark.parametrize(
    ("polls", "state"),
    [
        ([POLL] * 3, State.GOOD),
        ([POLL] * 2, State.UNSURE),
        ([replace(POLL, legacy_code=-2015, from_address="198.51.100.7")] * 3, State.UNSURE),
        ([POLL, POLL, replace(POLL, control_accepted=False)], State.LOOK),
        ([POLL, POLL, replace(POLL, legacy_code=-1022)], State.LOOK),
        ([POLL, POLL, replace(POLL, legacy_code=-1021)], State.LOOK),
        ([POLL, POLL, replace(POLL, legacy_code=-2014)], State.LOOK),
        ([POLL, POLL, replace(POLL, legacy_code=None, legacy_said="timeout")], State.UNSURE),
    ],
)
async def test_only_a_proven_death_is_ticked(
    page: RetirePresenter, flow: Flow, monkeypatch: pytest.MonkeyPatch, polls: list[Poll], state: State
) -> None:
    spaced = [replace(poll, is_first=at == 0, is_spaced=True) for at, poll in enumerate(polls)]
    monkeypatch.setattr(flow.retire, "polls", lambda *_: spaced)
    monkeypatch.setattr(flow.retire, "death", lambda *_: judge_death(spaced, "203.0.113.42"))
    legacy = next(row for row in page.view().evidence if row.cells[0] == "Legacy")
    assert legacy.state is state


async def test_lines_ask_until_the_matter_is_settled_and_say_each_answer(
    page: RetirePresenter, face: FakeFace, world: World, old: NewKey
) -> None:
    face.is_live = False
    await world.simulated_page.delete(old.api_key)
    await page.ask()
    assert sum("legacy key was refused (-2008), current key was accepted" in line for line in face.said) == 3


async def test_a_current_key_that_got_no_answer_is_not_said_to_fail_and_the_switch_stays(
    page: RetirePresenter, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Poll(1.0, True, None, "", False, "Binance limits the calls", "203.0.113.42")
    monkeypatch.setattr(flow.retire, "polls", lambda *_: [silent])
    monkeypatch.setattr(type(flow.retire), "current_accepted", False)
    view = page.view()
    assert "no longer works" not in view.verdict
    assert view.action(PRIMARY).word != "undo"
    assert view.rows == ()  # nor is the legacy key to be deleted now
    refused = replace(silent, is_control_refused=True)
    monkeypatch.setattr(flow.retire, "polls", lambda *_: [refused])
    assert page.view().action(PRIMARY).word == "undo"


async def test_where_the_last_unused_key_was_mistyped_the_job_ends(world: World, flow: Flow, face: FakeFace) -> None:
    await world.put_key_in_use(flow)
    await world.to_probe(flow, NewKey(Secret("M" * 63), Secret("S" * 64)))
    await flow.abandon()
    await flow.begin(Mode.RETIRE)
    page = RetirePresenter(flow, face)
    await flow.retire.poll()
    assert "No key is left to delete." in page.view().verdict
    await page.ask()
    assert face.report is not None
    assert flow.rotation is None
