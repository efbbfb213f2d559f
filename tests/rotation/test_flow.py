"""A rotation through real sockets: what a user would see of each step, and what is left afterwards."""

from __future__ import annotations

import pytest

from tests.canaries import Canaries
from tests.raises import raises_code
from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.whitelist.listed import text_of
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.custody.records import Holding, Slot
from wizard.rotation import findings as say
from wizard.rotation.model import Grade, Mode, Outcome, Step
from wizard.rotation.probe import ProbeReport
from wizard.whitelist.entries import parse


def outcomes(report: ProbeReport) -> dict[str, Outcome]:
    return {finding.subject: finding.outcome for finding in report.findings}


async def test_a_whole_rotation_ends_with_one_key_and_a_dead_one(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        done = await flow.purge()
        assert done.grade is Grade.PROVEN
        assert flow.rotation is None
        slots = {key.slot: key.holding for key in flow.context.journal.keys("bench")}
    assert slots == {Slot.CURRENT: Holding.STORED, Slot.RETIRED: Holding.PURGED}
    assert len(world.store.services) == 1


async def test_the_egress_is_agreed_by_the_echo_services(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        report = await flow.egress.detect()
        finding = flow.egress.finding(report)
    assert finding.outcome is Outcome.PASSED
    assert HERE in finding.observed


async def test_the_proposal_covers_the_egress_and_keeps_the_old_list(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist="198.51.100.7")
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        assert text_of(flow.whitelist.proposal()).split() == ["198.51.100.7", HERE]
        assert flow.whitelist.validate(flow.whitelist.proposal()).is_valid


async def test_a_list_without_the_egress_is_not_kept(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        with raises_code("whitelist.invalid"):
            flow.whitelist.settle(parse("198.51.100.7"))
        assert flow.context.journal.whitelist_of(flow.context.rotation) == ""


async def test_a_proven_probe_has_evidence_for_every_check(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
        report = await flow.probe.run()
    assert report.is_proven
    unasked = {subject for subject, outcome in outcomes(report).items() if outcome is Outcome.NOT_APPLICABLE}
    assert unasked == {say.DNS, say.TLS}, "this machine is called by its address, without TLS"
    assert set(outcomes(report).values()) == {Outcome.PASSED, Outcome.NOT_APPLICABLE}
    assert outcomes(report).keys() >= say.MUST_NOT_FAIL - {say.FUTURES, say.POLICY} | {
        say.CONTROL,
        say.CLOCK,
        say.MARKET_STREAM,
    }
    assert all(finding.observed and finding.at and finding.from_address == HERE for finding in report.findings)


async def test_from_another_address_the_refusal_names_the_address(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await world.to_probe(flow)
    async with world.flow(source_address="127.0.0.2") as flow:
        report = await flow.probe.run()
        key = next(finding for finding in report.findings if finding.subject == say.NEW_KEY)
        with raises_code("probe.not-proven"):
            await flow.complete(report)
        assert flow.step is Step.PROBE
    assert not report.is_proven
    assert key.outcome is Outcome.FAILED
    assert f"{ELSEWHERE}, which is not on the list you composed" in key.observed
    assert "-2015" in key.observed


async def test_a_wrong_secret_is_told_and_the_right_one_takes_its_place(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await world.to_probe(flow, type(made)(made.api_key, Secret("x" * 64)))
        report = await flow.probe.run()
        assert report.diagnosis is not None
        assert report.diagnosis.code == -1022
        flow.back()
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(flow.context.rotation.step)
        assert (await flow.probe.run()).is_proven
        held = [key for key in flow.context.journal.keys("bench") if key.holding is Holding.STORED]
        assert len(held) == len(world.store.services) == 2, "the earlier entry is kept until the new one is proven"
        await flow.complete(await flow.probe.run())
    assert len(world.store.services) == 1


async def test_swapped_key_and_secret_are_recognised_and_put_right(world: World) -> None:
    async with world.flow() as flow:
        made = await world.make_key()
        await world.to_probe(flow, type(made)(made.secret, made.api_key))
        report = await flow.probe.run()
        assert not report.is_proven
        assert report.may_be_swapped
        assert all(line.api_key != made.secret for line in (await world.simulated_page.activity())[1:])
        await flow.credentials.swap("swap")
        assert (await flow.probe.run()).is_proven
        assert made.secret.last_four() not in [key.name.last_four for key in flow.context.journal.keys("bench")]


async def test_a_key_that_works_from_anywhere_is_not_promoted(world: World) -> None:
    async with world.flow() as flow:
        made = await world.simulated_page.create("open", KeyKind.HMAC, None, enableSpotAndMarginTrading=True)
        await world.to_probe(flow, made)
        report = await flow.probe.run()
    assert outcomes(report)[say.IP_RESTRICTION] is Outcome.FAILED
    assert not report.is_proven


async def test_a_missing_permission_blocks_and_withdrawals_warn(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, enableSpotAndMarginTrading=True, enableFutures=True)
        await world.to_probe(flow, await world.make_key(enableSpotAndMarginTrading=True, enableWithdrawals=True))
        report = await flow.probe.run()
        permissions = next(finding for finding in report.findings if finding.subject == say.PERMISSIONS)
    assert not report.is_proven
    assert permissions.outcome is Outcome.FAILED
    assert "Futures" in permissions.observed
    assert "withdraw" in permissions.observed


async def test_the_key_in_use_is_not_taken_for_the_new_one(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        with raises_code("credentials.already-stored"):
            await flow.credentials.store_hmac(old.api_key, old.secret)


async def test_an_unreachable_exchange_leaves_checks_not_run(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
    world.base_url = "http://127.0.0.1:9"
    async with world.flow() as flow:
        report = await flow.probe.run()
    assert outcomes(report)[say.TCP] is Outcome.INCONCLUSIVE
    assert outcomes(report)[say.REACHABLE] is outcomes(report)[say.NEW_KEY] is Outcome.NOT_RUN
    assert not report.is_proven


async def test_a_living_legacy_key_is_not_purged(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.ALIVE
        with raises_code("retire.not-dead"):
            await flow.purge()
        assert flow.retire.legacy is not None
    assert len(world.store.services) == 2


async def test_a_disabled_key_is_strong_and_no_more(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.disable(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.STRONG


async def test_polls_from_an_address_that_is_not_listed_prove_nothing(world: World) -> None:
    async with world.flow() as flow:
        await world.to_retire(flow)
    async with world.flow(source_address="127.0.0.2") as flow:
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.INCONCLUSIVE


async def test_a_legacy_key_whose_list_lacks_the_new_address_is_not_taken_for_dead(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow, whitelist=HERE)
        await world.to_probe(flow, await world.make_key(whitelist=f"{HERE},{ELSEWHERE}"))
        await flow.complete(await flow.probe.run())
    async with world.flow(source_address="127.0.0.2") as flow:
        await world.kill(flow)
        death = flow.retire.death()
        assert death.grade is Grade.WEAK
        assert ELSEWHERE in death.sentence
        with raises_code("retire.not-dead"):
            await flow.purge()


async def test_a_report_on_one_key_does_not_promote_another(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        report = await flow.probe.run()
        flow.back()
        other = await world.make_key()
        await flow.credentials.store_hmac(other.api_key, other.secret)
        flow.advance(flow.context.rotation.step)
        with raises_code("probe.not-proven"):
            await flow.complete(report)


async def test_a_key_that_never_worked_here_goes_on_the_users_word_only(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow, whitelist="198.51.100.7")
        await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.WEAK
        with raises_code("retire.not-dead"):
            await flow.purge()
        with raises_code("retire.not-dead"):
            await flow.purge("zzzz")
        done = await flow.purge(old.api_key.last_four())
    assert done.grade is Grade.WEAK


async def test_where_sapi_is_missing_death_is_strong_at_most(world: World) -> None:
    world.has_sapi = False
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.death().grade is Grade.STRONG


async def test_ed25519_comes_back_with_nothing_but_its_api_key(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        flow.advance(flow.context.rotation.step)
        flow.whitelist.settle(parse(HERE))
        flow.advance(flow.context.rotation.step)
        public_key = await flow.credentials.public_key()
    async with world.flow() as flow:
        assert await flow.credentials.public_key() == public_key
        made = await world.simulated_page.create(
            "new", KeyKind.ED25519, HERE, public_key=public_key, enableSpotAndMarginTrading=True
        )
        await flow.credentials.store_pair(made.api_key, public_key)
        flow.advance(flow.context.rotation.step)
        assert (await flow.probe.run()).is_proven
    assert len(world.store.services) == 1


async def test_a_mistyped_api_key_does_not_lose_the_private_key(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        flow.advance(flow.context.rotation.step)
        flow.whitelist.settle(parse(HERE))
        flow.advance(flow.context.rotation.step)
        public_key = await flow.credentials.public_key()
        made = await world.simulated_page.create(
            "new", KeyKind.ED25519, HERE, public_key=public_key, enableSpotAndMarginTrading=True
        )
        await flow.credentials.store_pair(Secret("mistyped" * 8), public_key)
        flow.advance(flow.context.rotation.step)
        assert not (await flow.probe.run()).is_proven
        flow.back()
        await flow.credentials.store_pair(made.api_key, public_key)
        flow.advance(flow.context.rotation.step)
        assert (await flow.probe.run()).is_proven


async def test_setting_up_the_first_key_needs_no_retirement(world: World) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        done = await flow.complete(await flow.probe.run())
        assert done is not None
        assert done.grade is None
        assert flow.current is not None
        assert flow.rotation is None


async def test_adopting_a_key_brings_it_under_care_as_it_is(world: World) -> None:
    async with world.flow() as flow:
        made = await world.simulated_page.create("in use", KeyKind.HMAC, None, enableSpotAndMarginTrading=True)
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(flow.context.rotation.step)
        report = await flow.probe.run()
        assert outcomes(report)[say.IP_RESTRICTION] is Outcome.WARNING
        assert (await flow.complete(report)) is not None
        assert flow.current is not None


async def test_abandoning_leaves_the_current_key_alone(world: World) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        await world.to_probe(flow)
        await flow.abandon()
        assert flow.rotation is None
        assert flow.current is not None
        assert flow.current.name.fingerprint == old.api_key.fingerprint()
        assert len(flow.retire.unused) == 1
    assert len(world.store.services) == 2


async def test_a_second_wizard_is_told_who_has_the_environment(world: World) -> None:
    async with world.flow():
        with raises_code("environment.busy") as caught:
            async with world.flow():
                raise AssertionError("a second wizard got in")
    assert "Process" in caught.value.why


async def test_the_time_in_which_both_keys_work_ends_at_the_death(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        growing = flow.retire.overlap()
        assert flow.retire.overlap() > growing > 0.0
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        assert flow.retire.overlap() == flow.retire.overlap()


async def test_two_environments_are_open_side_by_side(world: World) -> None:
    async with world.flow(name="one") as one, world.flow(name="two") as two:
        await world.put_key_in_use(one)
        assert two.current is None


async def test_no_secret_reaches_a_file(world: World) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        await flow.purge()
    held = await world.store.credentials()
    assert held
    secrets = [old.api_key, old.secret, *(text for one in held for text in (one.api_key, one.signing))]
    canaries = Canaries({each.fingerprint(): each.reveal() for each in secrets})
    assert canaries.in_files(world.paths.state) == {}
    assert Canaries({"the end of a key": f"{old.api_key.last_four()}"}, 4).in_files(world.paths.state)


async def test_the_current_key_is_never_purged(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        assert flow.current is not None
        with pytest.raises(ValueError, match="current key"):
            await flow.context.vault.purge(flow.current, "a mistake")


async def test_a_probe_without_a_new_key_leads_back_to_the_credentials(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        with raises_code("probe.no-key") as caught:
            await flow.probe.run()
    assert "no key to probe" in caught.value.why
    assert "Go back to the Credentials step" in caught.value.advice
