"""Keys of a sub-account, made, restricted and deleted by API on the embedded exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import httpx
import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, World
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.custody.records import Slot
from wizard.custody.vault import Vault
from wizard.rotation.context import Pace
from wizard.rotation.flow import Flow
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.sub_account_keys import CREATED, CREATING, NOT_CREATED, SubAccountKeys

EMAIL = "bot+1@example.com"
CREATE = "/sapi/v1/sub-account/subAccountApi"
DELETE = CREATE
RESTRICT = "/sapi/v2/sub-account/subAccountApi/ipRestriction"
QUICK = Pace(call=2, egress=20, listing=0.2, patience=2)


async def shortly(seconds: float) -> None:
    """Wait, but not for long: asking without a pause would use up the weight of a minute."""
    await asyncio.sleep(min(seconds, 0.05))


@dataclass
class Account:
    """A sub-account whose bot has a key, and the master account's key."""

    world: World

    async def request(self, method: str, path: str, **body: Any) -> Any:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.request(method, f"{self.world.base_url}{path}", json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    async def keys(self) -> list[dict[str, Any]]:
        """Return the keys of the sub-account as the desk lists them."""
        return [row for row in await self.request("GET", "/desk/keys") if row["account"] == EMAIL]

    async def make(self, label: str, whitelist: str = HERE, *permissions: str, account: str | None = EMAIL) -> Any:
        granted = ["enableReading", *(permissions or ("enableSpotAndMarginTrading",))]
        about = {"label": label, "kind": "hmac", "permissions": granted, "whitelist": whitelist, "account": account}
        return await self.request("POST", "/desk/keys", **about)

    async def open(self, flow: Flow, whitelist: str = HERE, *permissions: str) -> None:
        """Store the master's key and, where the sub-account is to have one, its key in use."""
        await self.request("POST", "/desk/sub-accounts", email=EMAIL)
        master = await self.make("master", HERE, account=None)
        await self.store(flow, "master", master)
        if whitelist:
            await self.store(flow, flow.context.environment.name, await self.make("in use", whitelist, *permissions))

    async def store(self, flow: Flow, environment: str, made: Any, whitelist: str = HERE) -> None:
        from wizard.core.secret import Secret

        vault = Vault(environment, flow.context.journal, self.world.store)
        with Credentials(KeyKind.HMAC, Secret(made["api_key"]), Secret(made["secret"])) as credentials:
            await vault.put(credentials, Slot.CURRENT, whitelist=whitelist)

    @asynccontextmanager
    async def flow(self, **parts: Any) -> AsyncIterator[tuple[Flow, SubAccountKeys]]:
        async with self.world.flow(email=EMAIL, pace=QUICK, pause=shortly, **parts) as flow:
            assert flow.sub_account is not None
            yield flow, flow.sub_account


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


async def to_credentials(flow: Flow, mode: Mode = Mode.ROTATE) -> None:
    await flow.begin(mode)
    await flow.egress.detect()
    flow.advance(Step.EGRESS)
    flow.whitelist.settle(flow.whitelist.proposal())
    flow.advance(Step.WHITELIST)


async def test_a_whole_rotation_needs_no_page(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        assert "cannot withdraw" in (await keys.check_master()).observed
        made = await keys.create()
        assert f"Its list is {HERE}, read back" in made.observed
        flow.advance(Step.CREDENTIALS)
        report = await flow.probe.run()
        assert report.is_proven, [finding.observed for finding in report.findings]
        await flow.complete(report)
        legacy = flow.retire.legacy
        assert legacy is not None
        assert "no longer lists" in (await keys.delete(legacy)).observed
        for _ in range(3):
            death = await flow.retire.poll()
        assert death.grade is Grade.PROVEN
        await flow.purge()
        assert flow.current is not None
        (left,) = await account.keys()
        assert left["api_key"].endswith(flow.current.name.last_four)
        assert left["kind"] == "ed25519"
        assert flow.current.kind is KeyKind.ED25519


@pytest.mark.parametrize("carried_out", [0, 1, 2])
async def test_a_lost_answer_to_the_creation_is_settled_by_asking(account: Account, carried_out: int) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        answer = {"path": CREATE, "method": "POST", "carried_out": carried_out, "sends": "nothing"}
        await account.world.fault(answers=[answer])
        if carried_out:
            await keys.create()
        else:
            with pytest.raises(WizardError):
                await keys.create()
            await keys.create()
        assert len(await account.keys()) == 2
        assert flow.credentials.pending is not None
        kinds = [kind for kind in (CREATING, CREATED, NOT_CREATED) for _ in flow.context.journal.events(kind=kind)]
        assert kinds == ([CREATING, CREATED] if carried_out else [CREATING, CREATING, CREATED, NOT_CREATED])
        assert keys.unsettled == ()


async def test_a_crash_after_the_creation_is_settled_by_the_next_run(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)

        class Killed(BaseException):
            pass

        async def killed(*_: object) -> None:
            raise Killed

        flow.credentials.store_pair = killed  # type: ignore[method-assign, assignment]
        with pytest.raises(Killed):
            await keys.create()
    async with account.flow() as (flow, keys):
        assert len(keys.unsettled) == 1
        (said,) = await keys.settle()
        assert "It is stored" in said
        assert flow.credentials.pending is not None
        await keys.create()
        assert len(await account.keys()) == 2


async def test_a_key_that_is_listed_after_it_was_given_up_is_deleted_with_the_legacy_key(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        lost = {"path": CREATE, "method": "POST", "carried_out": 1, "sends": "nothing"}
        await account.world.fault(answers=[lost], sub_accounts={"row_after_s": 1})
        with pytest.raises(WizardError):
            await keys.create()
        assert flow.context.journal.events(kind=NOT_CREATED)
        await account.world.fault()
        await keys.create()
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        await asyncio.sleep(1)
        assert len(await account.keys()) == 3
        assert flow.retire.legacy is not None
        await keys.delete(flow.retire.legacy)
        (left,) = await account.keys()
        assert flow.current is not None
        assert left["api_key"].endswith(flow.current.name.last_four)


async def test_rows_that_are_masked_are_said_and_nothing_is_deleted(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        await account.world.fault(
            answers=[{"path": CREATE, "method": "POST", "carried_out": 1, "sends": "nothing"}],
            sub_accounts={"masks_rows": True},
        )
        with pytest.raises(WizardError) as raised:
            await keys.create()
        assert raised.value.code == "sub-account.masked"
        assert "kw" in raised.value.advice
        assert len(await account.keys()) == 2


async def test_a_new_key_that_is_no_longer_there_is_made_again(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        await keys.create()
        first = flow.credentials.pending
        assert first is not None
        (row,) = [row for row in await account.keys() if row["api_key"].endswith(first.name.last_four)]
        await account.request("DELETE", f"/desk/keys/{row['api_key']}")
        await keys.create()
        second = flow.credentials.pending
        assert second is not None
        assert second.name != first.name
        assert len(await account.keys()) == 2


@pytest.mark.parametrize("adds", [False, True])
async def test_a_list_becomes_what_was_composed_whether_binance_adds_or_replaces(account: Account, adds: bool) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow, f"{HERE},198.51.100.9")
        await account.world.fault(sub_accounts={"restriction_adds": adds})
        assert flow.current is not None
        assert await keys.listed(flow.current) == (IPv4Address("198.51.100.9"), IPv4Address(HERE))
        await flow.begin(Mode.WHITELIST)
        flow.advance(Step.EGRESS)
        from wizard.whitelist.entries import parse

        flow.whitelist.settle(parse(f"{HERE}, {ELSEWHERE}"))
        flow.advance(Step.WHITELIST)
        assert ELSEWHERE in (await keys.apply()).observed
        assert set(await keys.listed(flow.current)) == {IPv4Address(HERE), IPv4Address(ELSEWHERE)}


async def test_nothing_is_deleted_where_the_current_key_is_not_accepted(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        await keys.create()
        flow.advance(Step.CREDENTIALS)
        await flow.complete(await flow.probe.run())
        legacy, new = flow.retire.legacy, flow.current
        assert legacy is not None and new is not None
        with pytest.raises(WizardError):
            await keys.delete(new)
        (row,) = [row for row in await account.keys() if row["api_key"].endswith(new.name.last_four)]
        await account.request("PUT", f"/desk/keys/{row['api_key']}/whitelist", text=ELSEWHERE)
        with pytest.raises(WizardError, match="stopped"):
            await keys.delete(legacy)
        assert len(await account.keys()) == 2


@pytest.mark.parametrize(
    ("permissions", "whitelist", "says"),
    [
        (("enableSpotAndMarginTrading", "enableWithdrawals"), HERE, "can move the money out"),
        (("enableSpotAndMarginTrading", "enableInternalTransfer"), HERE, "can move the money out"),
        (("enableSpotAndMarginTrading",), None, "has no whitelist"),
        (("enableMargin",), HERE, "asks for Enable Spot"),
        (("enableSpotAndMarginTrading",), ELSEWHERE, ""),
    ],
)
async def test_a_master_key_that_is_not_fit_is_not_used(
    account: Account, permissions: tuple[str, ...], whitelist: str, says: str
) -> None:
    async with account.flow() as (flow, keys):
        await account.request("POST", "/desk/sub-accounts", email=EMAIL)
        master = await account.make("master", whitelist, *permissions, account=None)
        await account.store(flow, "master", master)
        with pytest.raises(WizardError) as raised:
            await keys.check_master()
        assert says in raised.value.why
        assert raised.value.code == "sub-account.master-unfit"


async def test_a_key_that_may_do_more_than_the_api_grants_is_not_replaced(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow, HERE, "enableSpotAndMarginTrading", "enableInternalTransfer")
        await to_credentials(flow)
        with pytest.raises(WizardError) as raised:
            await keys.create()
        assert raised.value.code == "sub-account.ungrantable"
        assert len(await account.keys()) == 1


async def test_without_a_master_key_it_says_what_to_import(account: Account) -> None:
    async with account.flow() as (_, keys):
        with pytest.raises(WizardError) as raised:
            await keys.check_master()
        assert "key-wizard import master" in raised.value.advice
        assert isinstance(keys.settings.master, Environment)
