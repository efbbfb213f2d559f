"""Keys that were entered and is not in use: each is named until Binance refuses it, or the user says that it stays."""

from __future__ import annotations

import pytest

from tests.raises import raises_code
from tests.rotation.conftest import HERE, World
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.custody.records import Holding, Slot
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.flow import CERTIFIED, Flow
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.report import STAYS, Report, restore_report

UNLISTED = "198.51.100.7"


async def enter(world: World, flow: Flow, whitelist: str = HERE, **permissions: bool) -> NewKey:
    """Enter one more key at the Credentials step, and probe it."""
    if flow.step is Step.PROBE:
        flow.back()
    made = await world.make_key(whitelist, **permissions)
    await flow.credentials.store_hmac(made.api_key, made.secret)
    flow.advance(Step.CREDENTIALS)
    await flow.probe.run()
    return made


async def begin(world: World, flow: Flow) -> None:
    await flow.begin(Mode.ROTATE if flow.current else Mode.SET_UP)
    await flow.egress.detect()
    flow.advance(Step.EGRESS)
    flow.whitelist.settle(flow.whitelist.proposal())
    flow.advance(Step.WHITELIST)


async def switch(world: World, flow: Flow) -> Report | None:
    await enter(world, flow)
    return await flow.complete(await flow.probe.run())


async def with_two_left(world: World, flow: Flow) -> tuple[NewKey, NewKey, NewKey]:
    """Stand at Retire: a legacy key, one whose list lacks this host, and one without the permission to trade."""
    old = await world.put_key_in_use(flow)
    await begin(world, flow)
    refused = await enter(world, flow, UNLISTED)
    accepted = await enter(world, flow, enableReading=True)
    await switch(world, flow)
    return old, refused, accepted


def ends(report: Report) -> dict[str, str]:
    return {key.name.last_four: key.end for key in report.unused}


def last_four(*keys: NewKey) -> list[str]:
    return [key.api_key.last_four() for key in keys]


async def calls_with(world: World, value: Secret) -> int:
    return sum(one.api_key == value for one in await world.simulated_page.activity())


async def test_two_forgotten_keys_are_named_and_proven_dead_in_the_same_run(world: World) -> None:
    async with world.flow() as flow:
        old, *forgotten = await with_two_left(world, flow)
        assert [key.name.last_four for key in flow.retire.unused] == last_four(*forgotten)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.PROVEN
        grades = [flow.retire.death(key).grade for key in flow.retire.unused]
        assert grades == [Grade.WEAK, Grade.ALIVE], "one is refused from here, which is no death; the other lives"
        assert not flow.retire.is_settled
        for key in forgotten:
            await world.simulated_page.delete(key.api_key)
        await world.kill(flow)
        assert flow.retire.is_settled
        report = await flow.purge()
        assert ends(report) == dict.fromkeys(last_four(*forgotten), Grade.PROVEN)
        told = [text for label, text in report.rows() if label == "Unused key"]
        for name, text in zip(last_four(*forgotten), told, strict=True):
            assert text.startswith(f"…{name} was entered and is not in use. Binance no longer knows …{name}, ")
        assert report.left == ()
        held = [key.slot for key in flow.context.journal.keys("bench") if key.holding is Holding.STORED]
        assert held == [Slot.CURRENT]
        kept = restore_report(flow.context.journal.events(kind=CERTIFIED)[-1].detail)
        assert kept == report
    assert len(world.store.services) == 1


async def test_what_lives_when_the_job_ends_is_named_and_a_job_of_its_own_retires_it(world: World) -> None:
    async with world.flow() as flow:
        old, refused, accepted = await with_two_left(world, flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        report = await flow.purge()
        first, second = last_four(refused, accepted)
        assert report.left == (
            f"…{first} is not in use, and is not proven dead. Check on Binance that it is deleted.",
            f"…{second} is still active on Binance. Delete it there.",
        )
        (seen,) = flow.context.journal.overview([flow.context.environment])
        assert [key.name.last_four for key in seen.unused] == [first, second]
    async with world.flow() as flow:
        await flow.begin(Mode.RETIRE)
        assert flow.retire.legacy is None
        await world.simulated_page.delete(refused.api_key)
        await world.kill(flow)
        report = await flow.purge()
        assert ends(report) == {first: Grade.PROVEN, second: Grade.ALIVE}
        assert "Not all" in report.verdict
        await flow.begin(Mode.RETIRE)
        with raises_code("retire.not-dead"):
            await flow.purge()
        await world.simulated_page.delete(accepted.api_key)
        await world.kill(flow)
        assert ends(await flow.purge()) == {second: Grade.PROVEN}
        assert (flow.rotation, flow.retire.unused) == (None, ())
        with raises_code("rotation.out-of-place"):
            await flow.begin(Mode.RETIRE)


@pytest.mark.parametrize("is_given_up", [True, False])
@pytest.mark.parametrize("may", [{}, {"enableReading": True}], ids=["proven", "accepted"])
async def test_a_secret_that_worked_is_kept_where_another_was_entered_for_the_same_key(
    world: World, is_given_up: bool, may: dict[str, bool]
) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await begin(world, flow)
        made = await enter(world, flow, **may)
        flow.back()
        await flow.credentials.store_hmac(made.api_key, Secret("w" * 64))
        if is_given_up:
            await flow.abandon()
        else:
            await switch(world, flow)
        (unused,) = flow.retire.unused
        assert unused.name.last_four == made.api_key.last_four()
        held = await flow.context.vault.fetch(unused)
        assert held is not None
        assert held.signing == made.secret
        if is_given_up:
            return
        await world.simulated_page.delete(made.api_key)
        for key in filter(None, [flow.retire.legacy]):
            await world.simulated_page.delete(Secret((await flow.context.vault.fetch(key)).api_key.reveal()))
        await world.kill(flow)
        report = await flow.purge()
        assert ends(report) == {made.api_key.last_four(): Grade.PROVEN}
    assert len(world.store.services) == 1


async def test_a_job_that_retires_what_is_left_can_be_given_up(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await flow.abandon()
        left = flow.retire.unused
        await flow.begin(Mode.RETIRE)
        assert await flow.settle() is None, "it is not finished while a key is left"
        await flow.abandon()
        assert flow.retire.unused == left != ()


async def test_a_key_whose_job_was_given_up_is_proven_dead_in_the_next_one(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        forgotten = await world.to_probe(flow)
        await flow.probe.run()
        await flow.abandon()
    async with world.flow() as flow:
        await begin(world, flow)
        await switch(world, flow)
        for key in (old, forgotten):
            await world.simulated_page.delete(key.api_key)
        await world.kill(flow)
        assert ends(await flow.purge()) == {forgotten.api_key.last_four(): Grade.PROVEN}


async def test_an_import_that_is_given_up_leaves_no_key_to_be_named(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store_hmac(made.api_key, made.secret)
        await flow.abandon()
        assert flow.retire.unused == ()
    assert world.store.services == []


async def test_a_key_that_an_import_stored_before_the_one_in_use_is_not_named(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.ADOPT)
        for made in (await world.make_key(), await world.make_key()):
            if flow.step is Step.PROBE:
                flow.back()
            await flow.credentials.store_hmac(made.api_key, made.secret)
            flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        assert flow.retire.unused == ()


async def test_a_malformed_key_is_dropped_without_a_question_and_the_report_says_so(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await begin(world, flow)
        made = await world.make_key()
        await flow.credentials.store_hmac(Secret("M" * 63), made.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.probe.run()
        await switch(world, flow)
        assert flow.retire.unused == ()
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        report = await flow.purge()
    assert any("Binance does not know 1 entered key" in left for left in report.left)
    assert "MMMM" not in report.markdown()


@pytest.mark.parametrize("length", [63, 64])
async def test_a_mistyped_key_that_was_never_probed_is_asked_once(world: World, length: int) -> None:
    mistyped = Secret("M" * length)
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await begin(world, flow)
        await flow.credentials.store_hmac(mistyped, Secret("S" * 64))
        await switch(world, flow)
        assert len(flow.retire.unused) == 1
        await flow.retire.poll()
        asked = await calls_with(world, mistyped)
        assert asked
        await world.kill(flow)
        assert await calls_with(world, mistyped) == asked
        assert len(flow.retire.unused) == (length == 64), "one of the right form may be a key that is not visible yet"


@pytest.mark.parametrize("is_hmac", [True, False])
async def test_a_key_that_binance_does_not_show_yet_is_not_forgotten(world: World, is_hmac: bool) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await begin(world, flow)
        entered = Secret("M" * 64)
        if is_hmac:
            await flow.credentials.store_hmac(entered, Secret("S" * 64))
        else:
            await flow.credentials.store_pair(entered, await flow.credentials.public_key())
        flow.advance(Step.CREDENTIALS)
        for _ in range(3):
            await flow.probe.run()
        await switch(world, flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        report = await flow.purge()
        (left,) = flow.retire.unused
        assert (left.name.fingerprint, report.never_known) == (entered.fingerprint(), 0)
        assert str(left.name) in " ".join(report.left)


@pytest.mark.parametrize("has_sapi", [True, False])
async def test_a_secret_that_was_pasted_as_an_api_key_is_not_shown_to_binance_again(
    world: World, has_sapi: bool
) -> None:
    """The key that it belongs to lives, so that it stays named."""
    world.has_sapi = has_sapi
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await begin(world, flow)
        made = await world.make_key()
        await flow.credentials.store_hmac(made.secret, made.api_key)
        flow.advance(Step.CREDENTIALS)
        await flow.probe.run()
        asked = await calls_with(world, made.secret)
        await switch(world, flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.is_settled
        assert await calls_with(world, made.secret) == asked > 0
        assert len(flow.retire.unused) == 1
        for key in flow.retire.unused:
            death = flow.retire.death(key)
            assert (death.grade, death.is_missing) == (Grade.WEAK, True)
            assert made.secret.last_four() not in repr((key, death, flow.retire.unused_keys()))
            await flow.drop_unused_key(key, key.name.last_four, stays=False)
        typed = None if has_sapi else old.api_key.last_four()
        report = await flow.purge(typed)
        assert made.secret.last_four() not in repr(report)
        assert made.secret.last_four() not in [key.name.last_four for key in flow.context.journal.keys("bench")]


async def test_where_the_right_order_is_entered_next_the_wrong_one_was_no_key(world: World) -> None:
    world.has_sapi = False
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await begin(world, flow)
        made = await world.make_key()
        await flow.credentials.store_hmac(made.secret, made.api_key)
        flow.advance(Step.CREDENTIALS)
        await flow.probe.run()
        flow.back()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        assert flow.retire.unused == ()
        assert made.secret.last_four() not in [key.name.last_four for key in flow.context.journal.keys("bench")]


async def test_a_key_that_stays_is_no_longer_asked_about_and_the_report_says_so(world: World) -> None:
    async with world.flow() as flow:
        old, refused, accepted = await with_two_left(world, flow)
        await flow.retire.poll()
        first, second = flow.retire.unused
        with raises_code("retire.not-dead"):
            await flow.drop_unused_key(second, "0000", stays=True)
        with raises_code("retire.not-dead"):
            await flow.drop_unused_key(second, second.name.last_four, stays=False)  # it lives
        assert await flow.drop_unused_key(second, second.name.last_four, stays=True) is None
        asked = await calls_with(world, accepted.api_key)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        await flow.drop_unused_key(first, first.name.last_four, stays=False)
        report = await flow.purge()
        assert await calls_with(world, accepted.api_key) == asked
        assert ends(report) == {refused.api_key.last_four(): Grade.WEAK, accepted.api_key.last_four(): STAYS}
        assert f"…{accepted.api_key.last_four()} was entered and is not in use. It stays on" in report.markdown()
        (left,) = report.left
        assert left.startswith(f"…{refused.api_key.last_four()} is not in use, and is not proven dead. ")
    assert len(world.store.services) == 1


async def test_the_last_key_of_a_job_that_retires_what_is_left_ends_it(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await flow.probe.run()
        await flow.abandon()
        await flow.begin(Mode.RETIRE)
        (key,) = flow.retire.unused
        report = await flow.drop_unused_key(key, key.name.last_four, stays=True)
        assert report is not None
        assert (ends(report), flow.rotation) == ({key.name.last_four: STAYS}, None)


async def test_after_an_undone_switch_the_replaced_key_is_unused(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        undone = flow.current
        assert undone is not None
        found = await flow.context.vault.fetch(undone)
        assert found is not None
        await world.simulated_page.set_whitelist(found.api_key, UNLISTED)
        await flow.retire.poll()
        flow.revert()
        assert flow.retire.unused == ()
        flow.back()
        await switch(world, flow)
        assert [key.item for key in flow.retire.unused] == [undone.item]


async def test_an_unused_key_that_is_entered_again_is_the_key_in_use_and_never_to_be_deleted(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        again = await world.to_probe(flow)
        await flow.abandon()
        assert len(flow.retire.unused) == 1
        await world.to_probe(flow, again)
        assert flow.retire.unused == ()
        await flow.complete(await flow.probe.run())
        assert flow.retire.unused == ()
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert (await flow.purge()).unused == ()
        assert await world.accepts(Credentials(KeyKind.HMAC, again.api_key, again.secret))
    assert len(world.store.services) == 1


async def test_a_key_that_was_stored_twice_is_asked_about_once(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await begin(world, flow)
        made = await world.make_key()
        await flow.credentials.store_hmac(made.api_key, Secret("x" * 64))
        await flow.credentials.store_hmac(made.api_key, made.secret)
        await switch(world, flow)
        (key,) = flow.retire.unused
        assert key.version == 2
        await flow.retire.poll()
        assert flow.retire.polls(key)[-1].legacy_accepted


async def test_a_key_that_cannot_be_read_does_not_hold_the_legacy_key_up(world: World) -> None:
    async with world.flow() as flow:
        old, *_ = await with_two_left(world, flow)
        lost, foreign = flow.retire.unused
        await world.store.delete(lost.item)
        await world.store.write(foreign.item, Secret("{}"))
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.PROVEN
        assert flow.retire.death(lost).is_missing
        assert flow.retire.death(foreign).grade is Grade.INCONCLUSIVE
