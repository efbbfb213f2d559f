"""Who lies, who may too much, whose key it is: nothing is changed or deleted that must not be."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE
from tests.rotation.sub_account_lab import DAY, KEYS, MASTER, POLICY, RESTRICT, RESTRICTION, Lab, lab
from tests.rotation.test_sub_account_keys import Account
from wizard.core.errors import Exit, WizardError
from wizard.custody.records import Slot
from wizard.custody.vault import Vault
from wizard.rotation.host_proofs import HostProof, ProofOutcome
from wizard.rotation.sub_account_keys import CREATING
from wizard.rotation.unattended import WAITING, UnattendedRun

FOREIGN = "198.51.100.9"
TRADING = "enableSpotAndMarginTrading"
LOST = {"path": KEYS, "method": "POST", "carried_out": 1, "sends": "nothing"}


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Lab]:
    async with lab(tmp_path) as made:
        yield made


async def changes(one: Lab) -> list[str]:
    """Return the calls that changed something."""
    return [call.method for call in await one.calls() if call.method != "GET"]


def label_of_new(one: Lab) -> str:
    return str(one.events(CREATING)[-1].detail["api_name"])


async def make(one: Lab, label: str) -> str:
    """Make a key of the sub-account that this program knows nothing of."""
    made = await Account(one.world).make(label, HERE, account=one.emails[0])
    return str(made["api_key"])


# --- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [FOREIGN, "203.0.114.1"])
async def test_an_address_outside_what_is_allowed_changes_nothing(one: Lab, address: str) -> None:
    await one.begin(master=f"{HERE},{address}")
    await one.run()  # the key is renewed
    await one.move(address)
    await one.fault()
    one.clock.now += 40 * DAY
    (ran,) = await one.finish(1)
    assert ran.exit is Exit.SAYS_NO, ran
    assert f"do not allow {address}" in " ".join(ran.verdict)
    assert await changes(one) == []
    assert all([str(block.network_address) for block in key.whitelist or ()] == [HERE] for key in one.keys)


@pytest.mark.parametrize("lie", [ELSEWHERE, FOREIGN])
async def test_services_that_agree_on_a_lie_change_nothing(one: Lab, lie: str) -> None:
    await one.begin()
    bodies = {"plain": lie, "json": {"ip": lie}, "trace": f"ip={lie}\nwarp=off\n"}
    said = {"status": 200, "times": 99}
    await one.fault(answers=[{"path": f"/echo/{shape}", "body": body, **said} for shape, body in bodies.items()])
    (ran,) = await one.finish(1)
    assert (ran.exit, await changes(one), len(one.ever)) == (Exit.SAYS_NO, [], 1), ran
    assert "disagree about your address" in " ".join(ran.verdict)


async def test_a_list_on_binance_with_a_foreign_address_is_not_copied(one: Lab) -> None:
    await one.begin()
    (key,) = one.keys
    await Account(one.world).request("PUT", f"/desk/keys/{key.api_key}/whitelist", text=f"{HERE},{FOREIGN}")
    await one.fault()
    (ran,) = await one.finish(1)
    assert (ran.exit, await changes(one), len(one.ever)) == (Exit.SAYS_NO, [], 1), ran
    assert FOREIGN in " ".join(ran.verdict)


# --- the master account's key ----------------------------------------------------------------


@pytest.mark.parametrize("flag", ["enableWithdrawals", "enableInternalTransfer"])
async def test_a_master_key_that_may_move_money_is_not_used(one: Lab, flag: str) -> None:
    await one.begin()
    (master,) = [key for key in one.exchange.state.keys.values() if key.account is None]
    await Account(one.world).request(
        "PUT", f"/desk/keys/{master.api_key}/permissions", permissions=["enableReading", TRADING, flag]
    )
    await one.fault()
    (ran,) = await one.finish(1)
    assert (ran.exit, await changes(one), len(one.ever)) == (Exit.SAYS_NO, [], 1), ran
    assert "may do too much" in " ".join(ran.verdict)


async def test_a_master_key_without_a_list_is_not_used(one: Lab) -> None:
    await one.begin()
    (master,) = [key for key in one.exchange.state.keys.values() if key.account is None]
    one.exchange.state.put(replace(master, whitelist=None))
    await one.fault()
    (ran,) = await one.finish(1)
    assert (ran.exit, await changes(one), len(one.ever)) == (Exit.SAYS_NO, [], 1), ran
    assert "works from everywhere" in " ".join(ran.verdict)


async def test_a_legacy_key_that_is_the_masters_is_never_deleted(one: Lab) -> None:
    await one.begin("")
    (master,) = one.exchange.state.keys
    async with one.flow() as flow:
        found = await Vault(MASTER, flow.context.journal, one.world.store).fetch(flow.context.journal.keys(MASTER)[0])
        assert found is not None
        await flow.context.vault.put(found, Slot.LEGACY)
        other = await Account(one.world).make("in use", HERE, account=one.emails[0])
        await Account(one.world).store(flow, "bot-1", other)
        legacy = flow.retire.legacy
        assert legacy is not None and flow.sub_account is not None
        await one.fault()
        with pytest.raises(WizardError, match="not deleted"):
            await flow.sub_account.delete(legacy)
    assert master in one.exchange.state.keys
    assert await changes(one) == []


# --- whose key it is -------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["somebody's", "kw1800000000abcdef", "kw"])
@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_key_that_was_never_announced_here_lives_on(one: Lab, label: str, is_lost: bool) -> None:
    await one.begin()
    theirs = await make(one, label)
    await one.fault(answers=[LOST] if is_lost else [])
    ran = await one.finish(2)
    assert ran[-1].exit is Exit.FINE, ran
    current = await one.current("bot-1")
    assert current is not None
    assert {key.api_key for key in one.keys} == {theirs, current.api_key.reveal()}


async def test_of_two_keys_of_one_announced_name_the_one_that_works_is_kept(one: Lab) -> None:
    await one.begin()
    await one.fault(answers=[{**LOST, "carried_out": 2}])
    ran = await one.finish(3)
    assert (ran[-1].exit, await one.wrong()) == (Exit.FINE, []), ran
    assert len([key for key in one.ever.values() if key.label == label_of_new(one)]) == 2


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_stranger_who_takes_the_announced_name_cannot_have_his_key_used(one: Lab, is_first: bool) -> None:
    """Another program made a key of this very name with a key pair of its own: only ours can sign."""
    await one.begin()
    await one.fault(answers=[LOST])
    original = one.exchange.state.create_key
    theirs: list[str] = []

    def create(label: str, kind: object, verifier: object, *rest: object, **named: object) -> object:
        def refuse(_payload: object, _signature: object) -> bool:
            return False

        ours = None
        for is_theirs in (True, False) if is_first else (False, True):
            key = original(label, kind, refuse if is_theirs else verifier, *rest, **named)  # type: ignore[arg-type]
            theirs.append(key.api_key) if is_theirs else None
            ours = key if not is_theirs else ours
        return ours

    one.exchange.state.create_key = create  # type: ignore[method-assign, assignment]
    ran = await one.finish(1)
    one.exchange.state.create_key = original  # type: ignore[method-assign]
    ran += await one.finish(3)
    assert (ran[-1].exit, one.lost) == (Exit.FINE, []), ran
    current = await one.current("bot-1")
    assert current is not None and current.api_key.reveal() not in theirs
    assert await one.world.accepts(current, one.clock)


# --- the moment of deletion ------------------------------------------------------------------


@pytest.mark.parametrize(("how", "path"), [("POST", "/disable"), ("PUT", "/whitelist"), ("DELETE", "")])
async def test_nothing_is_deleted_once_the_current_key_is_refused(one: Lab, how: str, path: str) -> None:
    await one.begin()
    (old,) = one.keys
    pause, account = one.clock.pause, Account(one.world)

    async def strike(seconds: float) -> None:
        await pause(seconds)
        if seconds > 500:  # the grace time
            current = await one.current("bot-1")
            assert current is not None
            about = {"text": ELSEWHERE} if how == "PUT" else {}
            await account.request(how, f"/desk/keys/{current.api_key.reveal()}{path}", **about)

    one.clock.pause = strike  # type: ignore[method-assign]
    await one.fault()
    (ran,) = await one.finish(1)
    assert ran.exit is Exit.LEGACY_ALIVE, ran
    assert old.api_key in {key.api_key for key in one.keys}
    assert "DELETE" not in await changes(one)


# --- time and copies -------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_after_the_announcement_loses_nothing_and_holds_nothing_up(
    one: Lab, hours: int
) -> None:
    await one.begin()
    await one.fault(answers=[LOST, {"path": KEYS, "method": "GET", "times": 3, "sends": "nothing"}])
    (ran,) = await one.finish(1)
    assert ran.exit is not Exit.FINE
    # By the clock of now the announcement lies an hour ahead, or an hour further back.
    with one.journal._database.transaction() as write:
        write.execute("DROP TRIGGER events_are_not_changed")
        write.execute("UPDATE events SET at = at + ?", (hours * 3600.0,))
    before = one.clock.paused
    ran = (await one.finish(3))[-1]
    assert (ran.exit, await one.wrong(made=1)) == (Exit.FINE, []), ran
    assert one.clock.paused - before < 700  # little more than the grace time, never an hour


def restore(one: Lab, copy: Path) -> None:
    """Put an older copy of the journal in the place of the one in use."""
    one.close()
    one._journal = None
    shutil.rmtree(one.world.paths.state)
    shutil.copytree(copy, one.world.paths.state)


@pytest.mark.parametrize("lost", [("/api/v3/account", "GET"), (KEYS, "DELETE")], ids=["probe", "deletion"])
async def test_a_journal_from_a_copy_of_before_loses_no_working_key(
    one: Lab, tmp_path: Path, lost: tuple[str, str]
) -> None:
    await one.begin()
    shutil.copytree(one.world.paths.state, tmp_path / "copy")
    await one.fault(answers=[{"path": lost[0], "method": lost[1], "status": 503, "times": 99}])
    await one.finish(1)
    await one.fault()
    restore(one, tmp_path / "copy")
    ran = await one.finish(3)
    current = await one.current("bot-1")
    assert (ran[-1].exit, one.lost) == (Exit.FINE, []), ran
    assert current is not None and await one.world.accepts(current, one.clock)


@pytest.mark.parametrize("times", [1, 2], ids=["one key", "two keys"])
async def test_a_copy_that_knows_the_working_key_as_lost_does_not_delete_it(
    one: Lab, tmp_path: Path, times: int
) -> None:
    """The copy was made between the announcement and its settlement; since then that key has come into use."""
    await one.begin()
    silent = {"path": KEYS, "method": "GET", "times": 3, "sends": "nothing"}
    await one.fault(answers=[{**LOST, "carried_out": times}, silent])
    await one.finish(1)
    shutil.copytree(one.world.paths.state, tmp_path / "copy")
    await one.fault()
    ran = await one.finish(3)
    assert (ran[-1].exit, await one.wrong()) == (Exit.FINE, []), ran
    working = await one.current("bot-1")
    assert working is not None
    restore(one, tmp_path / "copy")
    ran = await one.finish(3)
    assert ran[-1].exit is not Exit.FINE
    assert [key.api_key for key in one.keys] == [working.api_key.reveal()]


# --- a person beside the timer ---------------------------------------------------------------


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_a_switch_that_a_person_undid_is_not_done_again_and_no_bot_loses_its_key(
    one: Lab, is_given_up: bool
) -> None:
    one.policy = replace(POLICY, every=None)
    await one.begin()
    (old,) = one.keys
    async with one.flow() as flow:
        assert (await UnattendedRun(flow, True, False, False, lambda _: None).run()).exit is Exit.ROTATION_OPEN
        await flow.retire.poll()
        flow.revert()
        if is_given_up:
            await flow.abandon()
    one.clock.now += DAY
    ran = await one.run(may_wait=False)
    current = await one.current("bot-1")
    assert (ran.exit, len(one.keys)) == (Exit.ROTATION_OPEN, 2), ran
    assert current is not None and current.api_key.reveal() == old.api_key
    assert ("undone" in ran.verdict[0]) is not is_given_up
    if is_given_up:  # the bots were given the old key again, and the grace time of the other one has passed
        assert ((await one.finish(1))[-1].exit, [key.api_key for key in one.keys]) == (Exit.FINE, [old.api_key])


async def test_nothing_is_deleted_where_the_key_in_use_is_deleted_by_hand_while_binance_asks_to_slow_down(
    one: Lab,
) -> None:
    await one.begin()
    (old,) = one.keys
    pause = one.clock.pause

    async def strike(seconds: float) -> None:
        await pause(seconds)
        if 250 < seconds < 350 and (current := await one.current("bot-1")):
            await Account(one.world).request("DELETE", f"/desk/keys/{current.api_key.reveal()}")

    one.clock.pause = strike  # type: ignore[method-assign]
    slow = {"status": 429, "headers": {"Retry-After": "300"}, "body": {"code": -1003, "msg": ""}}
    await one.fault(answers=[{"path": KEYS, "method": "DELETE", **slow}])
    (ran,) = await one.finish(1)
    assert (ran.exit, [key.api_key for key in one.keys]) == (Exit.LEGACY_ALIVE, [old.api_key]), ran


@pytest.mark.parametrize("is_switched", [True, False])
async def test_the_list_follows_the_address_though_a_job_is_open(one: Lab, is_switched: bool) -> None:
    await one.begin(master=f"{HERE},{ELSEWHERE}")
    lost = {"path": "/api/v3/account", "method": "GET", "status": 503, "times": 99}
    await one.fault(answers=[] if is_switched else [lost])
    assert (await one.run(may_wait=False)).exit is not Exit.FINE
    await one.fault()
    await one.move(ELSEWHERE)
    ran = await one.finish(2)
    assert (ran[-1].exit, await one.wrong()) == (Exit.FINE, []), ran
    assert [str(block.network_address) for block in one.keys[0].whitelist or ()] == [ELSEWHERE]


async def test_a_block_on_the_list_is_left_to_a_person(one: Lab) -> None:
    await one.begin()
    (key,) = one.keys
    await Account(one.world).request("PUT", f"/desk/keys/{key.api_key}/whitelist", text=f"{HERE},203.0.113.128/25")
    await one.fault()
    (ran,) = await one.finish(1)
    assert (ran.exit, await changes(one)) == (Exit.SAYS_NO, []), ran
    assert "203.0.113.128/25" in " ".join(ran.verdict)


async def test_a_permission_that_was_switched_off_by_hand_does_not_come_back(one: Lab) -> None:
    await one.begin(HERE, TRADING, "enableFutures")
    async with one.flow() as flow:
        assert flow.current
        flow.context.journal.mark_proven(
            flow.current, HERE, {"enableReading": True, TRADING: True, "enableFutures": True}
        )
    (key,) = one.keys
    await Account(one.world).request(
        "PUT", f"/desk/keys/{key.api_key}/permissions", permissions=["enableReading", TRADING]
    )
    for asked in range(4):
        lost = {"path": "/sapi/v1/account/apiRestrictions", "status": 503, "times": 2, "skip": asked}
        await one.fault(answers=[lost])
        await one.run(may_wait=False)
    assert not any("enableFutures" in each.permissions for each in one.keys)


# --- settings that change, and lists that lie ------------------------------------------------


async def test_a_key_of_a_lost_answer_is_looked_for_in_the_sub_account_where_it_was_announced(one: Lab) -> None:
    await one.begin()
    await Account(one.world).request("POST", "/desk/sub-accounts", email="other@example.com")
    await one.fault(answers=[LOST, {"path": KEYS, "method": "GET", "times": 3, "sends": "nothing"}])
    await one.run()
    assert len(one.keys) == 2
    await one.fault()
    one.emails = ("other@example.com",)
    await one.run()
    assert len(one.keys) == 1


async def test_a_key_that_an_empty_list_hid_is_looked_for(one: Lab) -> None:
    one.policy = replace(POLICY, permissions=(TRADING,))
    await one.begin("")
    await one.fault(answers=[{"path": RESTRICTION, "method": "GET", "status": 503, "times": 99}])
    await one.run()
    empty = {"path": KEYS, "method": "GET", "status": 200, "body": {"total": 0, "rows": []}}
    await one.fault(answers=[{**empty, "times": 16}])
    await one.run()
    assert len(one.keys) == 2
    await one.fault()
    assert ((await one.run()).exit, len(one.keys)) == (Exit.FINE, 1)


async def test_a_legacy_key_that_an_empty_list_hides_is_deleted_as_binance_accepts_it(one: Lab) -> None:
    await one.begin()
    await one.fault(
        answers=[{"path": KEYS, "method": "GET", "body": {"total": 0, "rows": []}, "status": 200, "times": 99}]
    )
    assert ((await one.finish(1))[-1].exit, await one.wrong()) == (Exit.FINE, [])


async def test_a_run_for_the_list_makes_no_key_that_an_earlier_run_did_not_make(one: Lab) -> None:
    await one.begin()
    await one.fault(answers=[{"path": KEYS, "method": "POST", "status": 400, "body": {"code": -9000, "msg": ""}}])
    await one.run()
    await one.fault()
    async with one.flow() as flow:
        assert (await UnattendedRun(flow, False, True, True, lambda _: None).run()).exit is Exit.FINE
    assert len(one.ever) == 1


async def test_a_long_grace_time_keeps_nobody_waiting(one: Lab) -> None:
    one.policy = replace(POLICY, grace=2 * DAY)
    await one.begin()
    ran = await one.run()
    assert (ran.exit, ran.outcome, one.clock.paused < 600) == (Exit.ROTATION_OPEN, WAITING, True), ran
    one.clock.now += 3 * DAY
    assert ((await one.run()).exit, await one.wrong()) == (Exit.FINE, [])


async def test_a_deletion_whose_answer_is_lost_ends_also_where_rows_are_masked(one: Lab) -> None:
    await one.begin()
    lost = {"path": KEYS, "method": "DELETE", "carried_out": 1, "sends": "nothing"}
    await one.fault(sub_accounts={"masks_rows": True}, answers=[lost])
    assert ((await one.finish(2))[-1].exit, await one.wrong()) == (Exit.FINE, [])


async def test_an_address_that_a_person_added_since_stays_on_the_list(one: Lab) -> None:
    one.policy = replace(POLICY, every=None)
    await one.begin(master=f"{HERE},{ELSEWHERE}")
    await one.run()
    await one.move(ELSEWHERE)
    await one.fault(answers=[{"path": RESTRICT, "method": "POST", "status": 400, "body": {"code": -9000, "msg": ""}}])
    assert (await one.run()).exit is not Exit.FINE
    (key,) = one.keys
    await Account(one.world).request("PUT", f"/desk/keys/{key.api_key}/whitelist", text=f"{HERE},203.0.113.90")
    assert (await one.run()).exit is Exit.FINE
    assert {str(block.network_address) for block in one.keys[0].whitelist or ()} == {ELSEWHERE, "203.0.113.90"}


async def test_a_copy_of_before_the_first_key_makes_no_other_one(one: Lab, tmp_path: Path) -> None:
    one.policy = replace(POLICY, permissions=(TRADING,))
    await one.begin("")
    shutil.copytree(one.world.paths.state, tmp_path / "copy")
    assert (await one.run()).exit is Exit.FINE
    restore(one, tmp_path / "copy")
    ran = await one.run()
    assert (ran.exit, len(one.keys)) == (Exit.SAYS_NO, 1), ran


async def test_a_key_that_another_host_cannot_use_is_not_switched_to(one: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [ProofOutcome.REFUSED]

    async def prove(*_: object, **__: object) -> tuple[HostProof, ...]:
        return (HostProof("bot-2", "", said[0]),)

    monkeypatch.setattr("wizard.rotation.probe.prove_from_hosts", prove)
    await one.begin()
    (old,) = one.keys
    for _ in range(3):
        ran = await one.run()
        current = await one.current("bot-1")
        assert (ran.exit, len(one.keys), one.lost) == (Exit.SAYS_NO, 2, []), ran
        assert current is not None and current.api_key.reveal() == old.api_key
    said[0] = ProofOutcome.NOT_TRIED
    ran = await one.run()
    assert (ran.exit, await one.wrong(made=1)) == (Exit.FINE, []), ran
    assert any("bot-2 not tried" in step.observed for step in ran.steps)


async def test_a_key_that_is_due_does_not_wait_for_a_former_address(one: Lab) -> None:
    one.policy = replace(POLICY, grace=2 * DAY)
    await one.begin(master=f"{HERE},{ELSEWHERE}")
    async with one.flow() as flow:
        assert flow.current
        flow.context.journal.mark_proven(flow.current, HERE)
    await one.move(ELSEWHERE)
    ran = await one.run()
    assert (ran.due, ran.exit) == (["changed address", "age"], Exit.ROTATION_OPEN), ran


@pytest.mark.parametrize("change", ["open", "permission", "legacy list", "new list"])
async def test_a_key_that_was_changed_in_the_grace_time_keeps_the_legacy_key_alive(one: Lab, change: str) -> None:
    await one.begin(f"{HERE},203.0.113.50")
    (old,) = one.keys
    pause = one.clock.pause

    async def strike(seconds: float) -> None:
        await pause(seconds)
        if seconds < 500:
            return
        (new,) = [key for key in one.keys if key.api_key != old.api_key]
        changed = {
            "open": replace(new, whitelist=None),
            "permission": replace(new, permissions=new.permissions - {TRADING}),
            "legacy list": replace(old, whitelist=(*(old.whitelist or ()), IPv4Network("203.0.113.90"))),
            "new list": replace(new, whitelist=(IPv4Network(HERE),)),
        }
        one.exchange.state.put(changed[change])

    one.clock.pause = strike  # type: ignore[method-assign]
    await one.fault()
    (ran,) = await one.finish(1)
    assert ran.exit is Exit.LEGACY_ALIVE, ran
    assert "DELETE" not in await changes(one)
    assert old.api_key in {key.api_key for key in one.keys}
