"""A key that breaks the policy is not proven, and no key that would break it is made."""

from __future__ import annotations

import time
from ipaddress import IPv4Network

import pytest

from tests.rotation.conftest import HERE, World
from tests.rotation.test_sub_account_keys import Account, account  # noqa: F401 - a fixture
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.unattended import FLAGS, PERMISSIONS, KeyPolicy
from wizard.exchange.responses import ApiRestrictions
from wizard.rotation import findings as say
from wizard.rotation.findings import FindingWriter
from wizard.rotation.model import Mode, Outcome, Step
from wizard.rotation.permissions import LABELS
from wizard.rotation.sub_account_keys import CREATING

STRICT = KeyPolicy(("ipRestrict", "enableReading"), ("enableWithdrawals",), 90 * 86400.0)
TRADING = {"enableSpotAndMarginTrading": True}


def test_a_policy_can_name_what_the_wizard_has_a_name_for() -> None:
    assert {*FLAGS} == {*LABELS, "ipRestrict"}
    assert {*PERMISSIONS} < {*FLAGS}


async def probed(world: World, policy: KeyPolicy, **permissions: bool) -> tuple[bool, Outcome | None, str]:
    async with world.flow(key_policy=policy) as flow:
        await world.to_probe(flow, await world.make_key(**permissions))
        report = await flow.probe.run()
        found = {each.subject: each for each in report.findings}.get(say.POLICY)
        if not report.is_proven:
            with pytest.raises(WizardError, match="not proven"):
                await flow.complete(report)
        return report.is_proven, found and found.outcome, found.observed if found else ""


async def test_a_key_that_keeps_to_the_policy_is_proven(world: World) -> None:
    assert await probed(world, STRICT, **TRADING) == (True, Outcome.PASSED, "The key keeps to your policy.")


async def test_without_a_policy_nothing_is_said_of_one(world: World) -> None:
    assert await probed(world, KeyPolicy(), enableWithdrawals=True) == (True, None, "")


@pytest.mark.parametrize(
    ("policy", "permissions", "named"),
    [
        (STRICT, {"enableWithdrawals": True}, "Enable Withdrawals"),
        (KeyPolicy(required=("enableFutures",)), TRADING, "Enable Futures"),
        (KeyPolicy(forbidden=("enableSpotAndMarginTrading",)), TRADING, "Enable Spot & Margin Trading"),
    ],
)
async def test_a_key_that_breaks_the_policy_is_not_proven(
    world: World, policy: KeyPolicy, permissions: dict[str, bool], named: str
) -> None:
    is_proven, outcome, observed = await probed(world, policy, **permissions)
    assert (is_proven, outcome) == (False, Outcome.FAILED)
    assert named in observed


async def test_an_imported_key_without_a_restriction_breaks_the_policy(world: World) -> None:
    async with world.flow(key_policy=STRICT) as flow:
        made = await world.simulated_page.create("in use", KeyKind.HMAC, None, **TRADING)  # type: ignore[arg-type]
        await flow.begin(Mode.ADOPT)
        await flow.credentials.store(Credentials(KeyKind.HMAC, made.api_key, made.secret))
        flow.advance(Step.CREDENTIALS)
        report = await flow.probe.run()
    assert not report.is_proven
    assert "ipRestrict" in {each.subject: each.observed for each in report.findings}[say.POLICY]


@pytest.mark.parametrize(
    ("told", "is_new", "outcome"),
    [
        ({}, True, Outcome.PASSED),
        ({"created_ms": 1}, True, Outcome.FAILED),
        ({"created_ms": 1}, False, Outcome.PASSED),  # `check` has a finding for it
        ({"created_ms": None}, True, Outcome.PASSED),
        ({"ip_restricted": None}, True, Outcome.INCONCLUSIVE),
        ({"ip_restricted": False}, True, Outcome.FAILED),
        ({"permissions": {"enableReading": True}}, True, Outcome.INCONCLUSIVE),
        ({"permissions": {"enableReading": False}}, True, Outcome.FAILED),
    ],
)
def test_what_binance_does_not_show_is_not_taken_for_kept(
    told: dict[str, object], is_new: bool, outcome: Outcome
) -> None:
    fine = {"enableReading": True, "enableWithdrawals": False}
    fields = {"ip_restricted": True, "created_ms": round(time.time() * 1000), "permissions": fine, **told}
    (found,) = FindingWriter(time.time, HERE).policy(STRICT, ApiRestrictions(**fields), is_new=is_new)  # type: ignore[arg-type]
    assert found.outcome is outcome
    assert bool(found.advice) is (outcome is not Outcome.PASSED)


async def test_a_new_key_that_would_break_the_policy_is_not_made(account: Account) -> None:  # noqa: F811
    policy = KeyPolicy(forbidden=("enableSpotAndMarginTrading",))
    async with account.flow(key_policy=policy) as (flow, keys):
        await account.open(flow)
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(Step.WHITELIST)
        with pytest.raises(WizardError) as stopped:
            await keys.create()
        assert not flow.context.journal.events(kind=CREATING)
    assert stopped.value.code == "policy.broken"
    assert "Enable Spot & Margin Trading" in stopped.value.why
    assert [row["label"] for row in await account.keys()] == ["in use"]


async def test_the_team_s_list_is_proposed_with_its_labels_where_no_list_is_in_use(world: World) -> None:
    listed = {IPv4Network("198.51.100.7"): "office", IPv4Network(HERE): "bot-1"}
    async with world.flow(whitelist=listed) as flow:
        await flow.begin(Mode.SET_UP)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        proposed = {each.network: each.label for each in flow.whitelist.proposal()}
        assert proposed == listed
        flow.whitelist.settle(flow.whitelist.proposal())
    async with world.flow(name="other", whitelist=listed) as flow:
        await world.put_key_in_use(flow, "203.0.113.0/30")
        await flow.begin(Mode.ROTATE)
        assert [each.text for each in flow.whitelist.proposal()] == ["203.0.113.0/30"]
