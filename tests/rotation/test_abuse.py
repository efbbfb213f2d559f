"""What a rotation must not do, whatever the exchange, the keyring, the clock or an impatient user does to it."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.egress_notes import note_egress
from tests.raises import raises_code
from tests.rotation.conftest import ELSEWHERE, HERE, OpenStore, World
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.errors import CustodyError, ItemOccupiedError, KeptElsewhereError
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.rehearsal.player import Player
from wizard.rehearsal.scenarios import SCENARIOS
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation import findings as say
from wizard.rotation.flow import Flow
from wizard.rotation.model import Finding, Grade, Mode, Outcome, Step, exit_code
from wizard.rotation.probe import ProbeReport
from wizard.rotation.retirement import judge_death
from wizard.rotation.state_machine import Move, Transition
from wizard.whitelist.entries import parse

RESTRICTIONS = "/sapi/v1/account/apiRestrictions"
ACCOUNT = "/api/v3/account"
REFUSED = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
UNLISTED = "198.51.100.7"
SUBJECTS = [subject for group in say.GROUPS.values() for subject in group]


def found(report: ProbeReport, subject: str) -> Finding:
    return next(finding for finding in report.findings if finding.subject == subject)


def keys(flow: Flow) -> tuple[KeyRecord, ...]:
    return flow.context.journal.keys("bench")


async def holds(world: World, made: NewKey) -> bool:
    return Credentials(KeyKind.HMAC, made.api_key, made.secret) in await world.store.credentials()


async def delete_newest(world: World) -> None:
    *_, newest = await world.simulated_page.keys()
    await world.simulated_page.delete(newest.api_key)


class Moving:
    """A clock that can be set."""

    def __init__(self) -> None:
        self.ahead = 3600.0

    def __call__(self) -> float:
        return time.time() + self.ahead


# --- what counts as proof --------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["Binance reachable", "New key", "Account", "In a row", "IP restriction"])
def test_no_proof_without_each_of_the_checks(subject: str) -> None:
    passed = [Finding(name, Outcome.PASSED, "seen", 1.0) for name in SUBJECTS]
    assert say.prove(passed)
    assert not say.prove([finding for finding in passed if finding.subject != subject])
    passed[SUBJECTS.index(subject)] = Finding(subject, Outcome.INCONCLUSIVE, "not seen", 1.0)
    assert not say.prove(passed)


@pytest.mark.parametrize("subject", ["Permissions", "Same account"])
def test_no_proof_against_what_speaks_against_the_key(subject: str) -> None:
    seen = [Finding(name, Outcome.FAILED if name == subject else Outcome.PASSED, "seen", 1.0) for name in SUBJECTS]
    assert not say.prove(seen)


@pytest.mark.parametrize("last_good", [1, 2])
async def test_a_key_that_dies_between_the_passes_is_not_proven(world: World, last_good: int) -> None:
    made = await world.make_key()
    passes = 1

    async def die(_seconds: float) -> None:
        nonlocal passes
        if passes == last_good:
            await world.simulated_page.delete(made.api_key)
        passes += 1

    async with world.flow(pause=die) as flow:
        await world.to_probe(flow, made)
        report = await flow.probe.run()
    assert found(report, say.NEW_KEY).passed
    assert found(report, say.IN_A_ROW).outcome is Outcome.FAILED
    assert not report.is_proven


async def test_a_pass_without_an_answer_is_not_a_pass(world: World) -> None:
    async def break_off(_seconds: float) -> None:
        await world.plant(RESTRICTIONS, "Bad gateway", status=502)

    async with world.flow(pause=break_off) as flow:
        await world.to_probe(flow)
        report = await flow.probe.run()
    assert found(report, say.IN_A_ROW).outcome is Outcome.INCONCLUSIVE
    assert not report.is_proven


async def test_a_key_of_another_account_is_not_promoted(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await world.plant(ACCOUNT, {"canTrade": True, "uid": 7})
        report = await flow.probe.run()
        assert found(report, say.SAME_ACCOUNT).outcome is Outcome.FAILED
        with raises_code("probe.not-proven"):
            await flow.complete(report)


async def test_a_key_that_cannot_read_its_account_is_not_proven(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        await world.plant(ACCOUNT, REFUSED, status=401)
        report = await flow.probe.run()
    assert found(report, say.NEW_KEY).passed
    assert found(report, say.ACCOUNT).outcome is Outcome.FAILED
    assert not report.is_proven


async def test_a_key_whose_restriction_is_not_told_is_not_proven(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        await world.plant(RESTRICTIONS, {"enableReading": True})
        report = await flow.probe.run()
    assert found(report, say.IP_RESTRICTION).outcome is Outcome.INCONCLUSIVE
    assert "does not say" in found(report, say.IP_RESTRICTION).observed
    assert not report.is_proven


@pytest.mark.parametrize("has_key_in_use", [True, False])
@pytest.mark.parametrize(
    "told", [{"ipRestrict": True}, {"ipRestrict": True, "enableReading": None}, {"ipRestrict": True, "createTime": 5}]
)
async def test_an_answer_that_tells_no_permission_ticks_nothing_about_the_key(
    world: World, told: dict[str, object], has_key_in_use: bool
) -> None:
    async with world.flow() as flow:
        if has_key_in_use:
            await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await world.plant(RESTRICTIONS, told, times=50)
        report = await flow.probe.run()
        about_keys = {say.NEW_KEY, say.CONTROL, say.PERMISSIONS, say.IP_RESTRICTION, say.IN_A_ROW}
        assert not [finding.subject for finding in report.findings if finding.passed and finding.subject in about_keys]
        with raises_code("probe.not-proven"):
            await flow.complete(report)


async def test_an_adopted_key_whose_restriction_is_not_told_is_not_taken_over(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(flow.context.rotation.step)
        await world.plant(RESTRICTIONS, {"enableReading": True, "enableWithdrawals": False}, times=50)
        report = await flow.probe.run()
    assert found(report, say.IP_RESTRICTION).outcome is Outcome.INCONCLUSIVE
    assert not report.is_proven


async def test_permissions_without_a_control_are_not_ticked(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, enableSpotAndMarginTrading=True, enableFutures=True)
        await world.simulated_page.disable(old.api_key)
        await world.to_probe(flow)
        report = await flow.probe.run()
    assert found(report, say.PERMISSIONS).outcome is Outcome.INCONCLUSIVE
    assert "Not compared" in found(report, say.PERMISSIONS).observed


async def test_a_first_key_has_no_permissions_to_compare(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        assert found(await flow.probe.run(), say.PERMISSIONS).outcome is Outcome.NOT_APPLICABLE


async def test_a_detection_that_finds_nothing_leaves_no_stale_address(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        assert flow.context.egress == HERE
    async with world.flow(is_deaf=True) as flow:
        report = await flow.probe.run()
    assert {finding.from_address for finding in report.findings} == {""}


@pytest.mark.parametrize(
    ("seen", "state", "address"),
    [
        ({HERE: ["a", "b"]}, "agreed", HERE),
        ({HERE: ["a", "b"], ELSEWHERE: ["c"]}, "agreed-with-dissent", HERE),
        ({HERE: ["a", "b"], ELSEWHERE: ["c", "d"]}, "split", ""),
        ({HERE: ["a"], ELSEWHERE: ["b"]}, "split", ""),
        ({HERE: ["a", "b"], ELSEWHERE: ["a"]}, "pool", ""),
        ({HERE: ["a"]}, "single", ""),
        ({}, "unknown", ""),
    ],
)
async def test_nothing_is_said_to_be_seen_from_an_address_that_is_not_agreed(
    world: World, seen: dict[str, list[str]], state: str, address: str
) -> None:
    async with world.flow() as flow:
        note_egress(flow.context.journal, "bench", seen, state, "direct")
        assert flow.context.egress == address


async def test_a_secret_is_not_sent_unasked_in_the_place_of_its_key(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key(whitelist=UNLISTED)
        await world.to_probe(flow, made)
        assert (await flow.probe.run()).may_be_swapped
    assert made.secret not in [line.api_key for line in await world.simulated_page.activity()]


@pytest.mark.parametrize("typed", ["", " ", "s", "y", "yes", "swap\n", "1", "swa", "swapswap"])
async def test_without_its_word_nothing_is_swapped_whoever_asks(world: World, typed: str) -> None:
    async with world.flow() as flow:
        made = await world.make_key(whitelist=UNLISTED)
        await world.to_probe(flow, made)
        with raises_code("credentials.not-swapped", match="not swapped"):
            await flow.credentials.swap(typed)
        assert [stored.api_key for stored in await world.store.credentials()] == [made.api_key]
        await flow.probe.run()
    assert made.secret not in [line.api_key for line in await world.simulated_page.activity()]


async def test_the_unattended_rehearsal_never_swaps(world: World) -> None:
    class ForgetfulPage(SimulatedPage):
        async def create(self, label: str, kind: KeyKind, whitelist: str | None, **rest: Any) -> NewKey:
            made.append(await super().create(label, kind, UNLISTED, **rest))
            return made[-1]

    made: list[NewKey] = []
    simulated_page = ForgetfulPage(f"{world.base_url}/desk")
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        assert not await Player(flow, simulated_page, KeyKind.HMAC, SCENARIOS["wrong-secret"]).play()
    sent = [line.api_key for line in await world.simulated_page.activity()]
    assert len(made) > 1
    assert all(new.api_key in sent and new.secret not in sent for new in made)


# --- promotion -------------------------------------------------------------------------------------


async def test_a_key_refused_at_the_moment_of_promotion_is_not_promoted(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        new = await world.to_probe(flow)
        report = await flow.probe.run()
        assert report.is_proven
        await world.simulated_page.delete(new.api_key)
        with raises_code("probe.not-proven", match="does not accept this key now"):
            await flow.complete(report)
        assert flow.step is Step.PROBE
        assert flow.current is not None
        assert flow.current.name.fingerprint == old.api_key.fingerprint()


async def test_a_key_that_left_the_keyring_is_not_promoted(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        report = await flow.probe.run()
        await world.store.delete(report.item)
        with raises_code("probe.no-key", match="no key to probe"):
            await flow.complete(report)


async def test_out_of_the_probe_only_its_proof_leads(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        assert flow.advance(Step.PROBE) is Step.PROBE
        assert flow.advance(Step.CREDENTIALS) is Step.PROBE


async def test_a_report_that_comes_too_late_costs_no_key(world: World) -> None:
    async with world.flow() as flow:
        made = await world.to_probe(flow)
        report = await flow.probe.run()
        flow.back()
        with raises_code("rotation.out-of-place"):
            await flow.complete(report)
        assert flow.step is Step.CREDENTIALS
    assert await holds(world, made)


async def test_after_promotion_there_is_no_way_back(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        assert flow.back() is Step.RETIRE
        with raises_code("rotation.out-of-place"):
            await flow.abandon()
        assert flow.step is Step.RETIRE
    assert len(world.store.services) == 2


async def test_beginning_twice_loses_nothing(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        made = await world.to_probe(flow)
        with raises_code("rotation.out-of-place"):
            await flow.begin(Mode.ROTATE)
        assert flow.step is Step.PROBE
    assert await holds(world, made)


@pytest.mark.parametrize("mode", [Mode.SET_UP, Mode.ADOPT])
async def test_a_key_in_use_is_replaced_by_a_rotation_only(world: World, mode: Mode) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        with raises_code("rotation.out-of-place"):
            await flow.begin(mode)
        assert flow.rotation is None


async def test_nothing_is_rotated_where_no_key_is_in_use(world: World) -> None:
    async with world.flow() as flow:
        with raises_code("rotation.out-of-place"):
            await flow.begin(Mode.ROTATE)


async def test_the_report_names_the_list_that_was_settled_last(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await world.to_probe(flow)
        flow.back()
        flow.back()
        flow.whitelist.settle(parse(f"{HERE},{UNLISTED}"))
        flow.advance(Step.WHITELIST)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        done = await flow.purge()
    assert set(done.whitelist.split(",")) == {HERE, UNLISTED}


# --- going back to the legacy key ------------------------------------------------------------------


async def test_nobody_goes_back_before_binance_was_seen_to_accept_the_legacy_key(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        with raises_code("rotation.not-reverted"):
            flow.revert()
        await world.simulated_page.delete(old.api_key)
        await flow.retire.poll()
        with raises_code("rotation.not-reverted"):
            flow.revert()
        assert flow.current is not None
        assert flow.current.name.fingerprint != old.api_key.fingerprint()


async def test_nobody_goes_back_to_a_key_whose_secret_is_lost_or_whose_purge_was_announced(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        await flow.retire.poll()
        assert flow.can_be_reverted
        assert flow.retire.legacy is not None
        await world.store.delete(flow.retire.legacy.item)
        await flow.retire.poll()
        assert not flow.can_be_reverted
    async with world.flow() as flow:
        assert flow.retire.legacy is not None
        flow.context.journal.announce_purge(flow.retire.legacy, "a test")
        assert not flow.can_be_reverted


@pytest.mark.parametrize("is_legacy_deleted", [False, True])
@pytest.mark.parametrize("asked_before", [False, True])
async def test_where_the_current_key_is_lost_one_goes_back_and_on(
    world: World, asked_before: bool, is_legacy_deleted: bool
) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        if is_legacy_deleted:
            await world.simulated_page.delete(old.api_key)
        if asked_before:
            faults = {"path": "/sapi/v1/account/apiRestrictions", "body": {}, "times": 9, "status": 503}
            await world.fault(answers=[] if is_legacy_deleted else [faults])
            await flow.retire.poll()
            await world.fault()
        assert flow.current is not None
        await world.store.delete(flow.current.item)
        with raises_code("retire.no-key"):
            await flow.retire.poll()
        flow.revert()
        assert flow.current is not None
        assert flow.current.name.fingerprint == old.api_key.fingerprint()
        flow.back()
        made = await world.make_key()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        assert flow.step is Step.RETIRE
        assert not flow.can_be_reverted, "with this current key Binance was not asked yet"


async def test_where_both_keys_are_lost_the_job_can_be_left(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        for item in [*world.store.services]:
            await world.store.delete(item)
    async with world.flow() as flow:
        with raises_code("retire.no-key"):
            await flow.retire.poll()
        flow.revert()
        await flow.abandon()
    async with world.flow() as flow:
        await flow.forget_missing()
        assert (flow.current, flow.rotation) == (None, None)


async def test_nobody_goes_back_to_a_key_that_does_not_answer(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
    world.base_url = "http://127.0.0.1:9"
    async with world.flow() as flow:
        await flow.retire.poll()
        assert not flow.can_be_reverted
        with raises_code("rotation.not-reverted"):
            flow.revert()


async def test_going_back_keeps_both_keys_and_the_old_one_works(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        assert flow.current is not None
        new = flow.current
        await delete_newest(world)
        assert "does not accept the current key" in (await flow.retire.poll()).sentence
        flow.revert()
        assert flow.step is Step.PROBE
        assert flow.credentials.pending is not None
        assert flow.credentials.pending.name == new.name
        in_use = await flow.context.vault.fetch(flow.current)
        assert in_use is not None
        assert in_use.name.fingerprint == old.api_key.fingerprint()
        assert await world.accepts(in_use)
        assert await flow.context.vault.fetch(flow.credentials.pending) is not None


# --- the death of the legacy key -------------------------------------------------------------------


async def test_after_a_change_of_address_the_death_of_the_legacy_key_is_proven(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
    async with world.flow("127.0.0.2") as flow:
        await world.to_probe(flow, await world.make_key(ELSEWHERE))
        report = await flow.probe.run()
        assert [each.outcome for each in report.findings if each.subject == say.CONTROL] == [Outcome.FAILED]
        await flow.complete(report)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.WEAK  # it lives: its list lacks the new address
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.PROVEN
        await flow.purge()
    assert not await holds(world, old)


async def test_another_site_that_does_not_know_the_legacy_key_proves_nothing(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
    async with serve(EmbeddedExchange()) as addresses:
        other = World(
            addresses.base_url, SimulatedPage(addresses.desk_url), world.paths, world.store, name="other site"
        )
        async with other.flow() as flow:
            await other.to_probe(flow)
            await flow.complete(await flow.probe.run())
            await other.kill(flow)
            assert flow.retire.polls()[-1].legacy_code == -2008
            assert flow.retire.death().grade is Grade.WEAK


async def test_a_baseline_of_an_earlier_rotation_makes_no_refusal_strong(world: World) -> None:
    async with world.flow() as flow:
        made = await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.set_whitelist(made.api_key, UNLISTED)
        await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.WEAK
        with raises_code("retire.not-dead"):
            await flow.purge()


async def test_a_key_that_a_poll_saw_alive_has_its_baseline(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, whitelist=UNLISTED)
        await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.set_whitelist(old.api_key, HERE)
        assert (await flow.retire.poll()).grade is Grade.ALIVE
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.PROVEN


async def test_a_word_is_not_enough_to_give_up_a_living_key(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        with raises_code("retire.not-dead", match="cannot be given up yet"):
            await flow.purge(old.api_key.last_four())
    assert await holds(world, old)


async def test_a_word_is_not_enough_while_nothing_is_known(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        with raises_code("retire.not-dead", match="cannot be given up yet"):
            await flow.purge(old.api_key.last_four())
        assert flow.retire.death().grade is Grade.INCONCLUSIVE
    assert await holds(world, old)


async def test_nothing_is_purged_once_the_current_key_is_refused(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().allows_purge
        await delete_newest(world)
        with raises_code("retire.not-dead", match="not proven dead"):
            await flow.purge()
        assert flow.step is Step.RETIRE
    assert await holds(world, old)


async def test_a_key_that_came_back_to_life_is_not_purged_on_old_polls(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.set_whitelist(old.api_key, UNLISTED)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.STRONG
    await world.simulated_page.set_whitelist(old.api_key, HERE)
    async with world.flow() as flow:
        with raises_code("retire.not-dead"):
            await flow.purge()
    assert await holds(world, old)


async def test_without_sapi_an_unknown_key_is_strong_at_most(world: World) -> None:
    world.has_sapi = False
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        polls = [replace(poll, legacy_code=-2008) for poll in flow.retire.polls()]
    assert judge_death(polls, HERE).grade is Grade.STRONG
    assert judge_death([replace(poll, is_on_sapi=True) for poll in polls], HERE).grade is Grade.PROVEN


async def test_a_legacy_key_that_left_the_keyring_goes_on_the_users_word(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        assert flow.retire.legacy is not None
        await world.store.delete(flow.retire.legacy.item)
        with raises_code("retire.not-dead"):
            await flow.purge()
        done = await flow.purge(old.api_key.last_four())
        assert flow.rotation is None
    assert done.grade is Grade.WEAK
    assert "Look at Binance's page" in done.does_not_prove


# --- what the keyring holds ------------------------------------------------------------------------


async def test_abandoning_leaves_no_draft_behind(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        await flow.credentials.public_key()
        assert len(world.store.services) == 2
        await flow.abandon()
    assert len(world.store.services) == 1
    assert await holds(world, old)


async def test_a_pair_that_was_not_used_is_not_offered_again(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        first = await flow.credentials.public_key()
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        flow.whitelist.settle(parse(HERE))
        flow.advance(Step.WHITELIST)
        new = await world.make_key()
        await flow.credentials.store_hmac(new.api_key, new.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        await flow.purge()
        assert len(world.store.services) == 1
        await flow.begin(Mode.ROTATE)
        assert await flow.credentials.public_key() != first


async def test_a_draft_left_by_an_earlier_rotation_is_purged_at_the_start(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        left = Credentials(KeyKind.ED25519, Secret("public key of another day"), Secret("a private key"))
        await flow.context.vault.put(left, Slot.DRAFT)
        await flow.begin(Mode.ROTATE)
    assert left not in await world.store.credentials()


async def test_the_legacy_key_is_not_taken_for_the_new_one(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        with raises_code("credentials.already-stored", match="want to replace"):
            await flow.credentials.store_hmac(old.api_key, old.secret)


async def test_a_key_is_not_shared_between_environments(world: World) -> None:
    async with world.flow(name="production") as flow:
        made = await world.to_probe(flow)
    async with world.flow(name="staging") as flow:
        await flow.begin(Mode.SET_UP)
        with raises_code("credentials.already-stored", match="production"):
            await flow.credentials.store_hmac(made.api_key, made.secret)
    assert len(world.store.services) == 1


async def test_what_was_never_a_proven_key_leaves_no_characters(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await world.to_probe(flow, NewKey(made.secret, made.api_key))
        flow.back()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        assert {(key.slot, key.name.last_four) for key in keys(flow)} == {
            (Slot.CURRENT, made.api_key.last_four()),
            (Slot.DISCARDED, ""),
        }


async def test_an_entry_that_could_not_be_read_back_is_not_probed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        made = await world.make_key()
        read, reads = world.store.read, 0

        async def hang(name: str) -> Secret | None:
            nonlocal reads
            reads += 1
            if reads == 2:
                raise CustodyError("Reading from the keyring took longer than 1 s and was ended", code="timeout")
            return await read(name)

        monkeypatch.setattr(world.store, "read", hang)
        with pytest.raises(WizardError):
            await flow.credentials.store_hmac(made.api_key, made.secret)
        assert flow.credentials.pending is None
        await flow.credentials.store_hmac(made.api_key, made.secret)
        assert flow.credentials.pending is not None
        await flow.abandon()
        assert len(flow.retire.unused) == 1
    assert len(world.store.services) == 2, "what was written first is deleted"


async def test_a_trial_with_a_journal_of_its_own_leaves_the_real_item_alone(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
    real, world.paths = world.paths, Paths(world.paths.config / "trial", world.paths.state / "trial")
    async with world.flow() as trial:
        await trial.begin(Mode.ADOPT)
        await trial.credentials.store_hmac(old.api_key, old.secret)
        await trial.abandon()
    world.paths = real
    async with world.flow() as flow:
        assert flow.current is not None
        in_use = await flow.context.vault.fetch(flow.current)
    assert in_use is not None
    assert in_use.signing == old.secret
    assert len(world.store.services) == 1


FOREIGN = {
    "another schema": {"schema": 2, "kind": "hmac", "api_key": "a", "signing": "b", "created": "now", "owner": ""},
    "another owner": {"schema": 1, "kind": "hmac", "api_key": "a", "signing": "b", "created": "now", "owner": "else"},
    "another program": ["a list"],
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
async def test_an_item_of_somebody_else_is_never_deleted(world: World, body: object) -> None:
    made = await world.make_key()
    service, foreign = f"key-wizard:bench:{made.api_key.fingerprint()}", Secret(json.dumps(body))
    await world.store.write(service, foreign)
    async with world.flow() as flow:
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store_hmac(made.api_key, made.secret)
        await flow.abandon()
    assert await world.store.read(service) == foreign
    assert world.store.services == [service]


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
async def test_an_item_that_was_replaced_by_somebody_else_is_not_purged(world: World, body: object) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.ADOPT)
        made = await world.make_key()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        assert flow.credentials.pending is not None
        item, foreign = flow.credentials.pending.item, Secret(json.dumps(body))
        await world.store.write(item, foreign)
        with pytest.raises(ItemOccupiedError):
            await flow.abandon()
    assert await world.store.read(item) == foreign


async def test_a_purge_begun_in_one_keyring_is_not_ended_in_another(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        assert flow.retire.legacy is not None
        flow.context.journal.announce_purge(flow.retire.legacy, "death proven")

    class OtherStore(OpenStore):
        backend = "other"

    first, world.store = world.store, OtherStore()
    async with world.flow() as flow:
        assert "Open that place" in " ".join(flow.preflight.recovered)
        assert Holding.PURGING in {key.holding for key in keys(flow)}
    world.store = first
    assert await holds(world, old)
    async with world.flow() as flow:
        assert flow.rotation is None
    assert not await holds(world, old)


async def test_a_purge_whose_item_lies_in_a_closed_collection_waits_and_locks_nobody_out(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        assert flow.retire.legacy is not None
        flow.context.journal.announce_purge(flow.retire.legacy, "death proven")

    class AnotherCollection(OpenStore):
        async def read(self, name: str) -> Secret | None:
            found = await super().read(name)
            if found is None and ":trial:" not in name:
                raise KeptElsewhereError("What is looked for lies in another collection")
            return found

    world.store = AnotherCollection()
    async with world.flow() as flow:
        told = " ".join([*flow.preflight.recovered, *flow.preflight.losses()])
        assert "is not deleted yet. What is looked for lies in another collection" in told
        assert "the place that is open now does not hold it" in told
        assert Holding.PURGING in {key.holding for key in keys(flow)}
        await flow.retire.poll()
        assert flow.retire.polls() == []  # a key whose purge was announced is not asked about


# --- clocks, files and other readers ---------------------------------------------------------------


async def test_a_clock_set_back_between_two_entries_loses_nothing(world: World) -> None:
    clock = Moving()
    async with world.flow(clock=clock) as flow:
        wrong, right = await world.make_key(), await world.make_key()
        await world.to_probe(flow, NewKey(wrong.api_key, Secret("x" * 64)))
        flow.back()
        clock.ahead = 0.0
        await flow.credentials.store_hmac(right.api_key, right.secret)
        flow.advance(Step.CREDENTIALS)
        assert await holds(world, right)
        assert len(world.store.services) == 2
        await flow.complete(await flow.probe.run())
        assert flow.current is not None
        assert flow.current.name.fingerprint == right.api_key.fingerprint()
    assert await holds(world, right)


async def test_a_clock_set_back_brings_back_no_old_address_and_no_old_list(world: World) -> None:
    clock = Moving()
    async with world.flow(clock=clock) as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        flow.whitelist.settle(parse(HERE))
        clock.ahead = 0.0
        flow.whitelist.settle(parse(f"{HERE},{ELSEWHERE}"))
        assert set(flow.context.journal.whitelist_of(flow.context.rotation).split(",")) == {HERE, ELSEWHERE}
    async with world.flow("127.0.0.2", clock=clock) as flow:
        await flow.egress.detect()
        assert flow.context.egress == ELSEWHERE


async def test_every_commit_waits_for_the_disk(world: World) -> None:
    async with world.flow() as flow:
        (found,) = flow.context.journal._database.select(tuple, "PRAGMA synchronous")
    assert found == (2,), "FULL: a key announced here is on the disk before the keyring is touched"


async def test_a_change_that_fails_half_way_is_undone(world: World) -> None:
    async with world.flow() as flow:
        finish = Transition(await flow.begin(Mode.SET_UP), Move.FINISH, Step.DONE)
        with pytest.raises(TypeError):
            flow.context.journal.finish(finish, "stored", "rotation.certified", {"not JSON": object()})
    async with world.flow() as flow:
        assert flow.step is Step.EGRESS


async def test_a_reader_does_not_hold_a_rotation_up(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        reader = sqlite3.connect(world.paths.journal, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM keys").fetchall()
        assert flow.advance(Step.EGRESS) is Step.WHITELIST
        reader.close()


@pytest.mark.parametrize(
    ("step", "code"), [(None, 0), (Step.DONE, 0), (Step.EGRESS, 3), (Step.PROBE, 3), (Step.RETIRE, 4)]
)
def test_the_exit_code_tells_what_is_open(step: Step | None, code: int) -> None:
    assert exit_code(step) == exit_code(step, Outcome.FAILED) == code


def test_a_probe_without_an_answer_is_inconclusive_as_long_as_it_is_the_step() -> None:
    assert exit_code(Step.PROBE, Outcome.INCONCLUSIVE) == 6
    assert exit_code(Step.RETIRE, Outcome.INCONCLUSIVE) == 4


async def test_a_watch_over_a_key_that_lives_for_days_asks_less_often_until_it_is_refused(world: World) -> None:
    paused, later = list[float](), 0.0

    async def note(seconds: float) -> None:
        paused.append(seconds)

    async with world.flow(clock=lambda: time.time() + later, pause=note) as flow:
        old = await world.to_retire(flow)
        await flow.retire.poll()
        paused.clear()
        for later in (0.0, 3600.0, 10 * 86400.0):  # noqa: B007 - the clock reads it
            await flow.retire.wait(is_watching=True)
        await flow.retire.wait()
        later = 0.0
        await world.simulated_page.delete(old.api_key)
        await flow.retire.poll()
        later = 10 * 86400.0
        await flow.retire.wait(is_watching=True)
    assert paused == pytest.approx([5, 72, 120, 5, 5], abs=2)
