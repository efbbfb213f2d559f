"""What Binance's documents leave unknown about the keys of sub-accounts, each way: the end is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE
from tests.rotation.sub_account_lab import KEYS, KEYS_V2, POLICY, RESTRICT, Lab, lab
from tests.rotation.test_sub_account_keys import Account
from wizard.core.errors import Exit
from wizard.custody.records import Slot
from wizard.rotation.model import Mode, Step

WAYS: list[dict[str, object]] = [
    {},
    {"restriction_adds": True},
    {"masks_rows": True},
    {"key_after_s": 25},
    {"row_after_s": 25},
    {"restriction_after_s": 25},
    {"delete_after_s": 25},
    {"key_after_s": 25, "row_after_s": 25, "restriction_after_s": 25, "delete_after_s": 25},
    {"last_address": "open"},
    {"last_address": "closed"},
    {"hides_unknown": True},
    {"rows_named_list": True},
    {"unknown_fields": True},
]
TRADING, FIX = "enableSpotAndMarginTrading", "enableFixApiTrade"
LOST = {"method": "POST", "carried_out": 1, "sends": "nothing"}
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(f"{name}={value}" for name, value in way.items()))


async def lists(one: Lab) -> list[list[str]]:
    """Return the lists of the keys that live."""
    return [[str(block.network_address) for block in key.whitelist or ()] for key in one.keys]


@pytest.mark.parametrize(
    ("way", "permissions"), [*((way, (TRADING,)) for way in WAYS), (WAYS[0], (TRADING, FIX)), (WAYS[7], (TRADING, FIX))]
)
async def test_a_key_is_replaced(tmp_path: Path, way: dict[str, object], permissions: tuple[str, ...]) -> None:
    async with lab(tmp_path) as one:
        await one.begin(HERE, *permissions)
        await one.fault(sub_accounts=way, whitelist_delay_s=25 if "key_after_s" in way else 0)
        (ran,) = await one.finish(1)
        assert (ran.exit, await one.wrong(made=1)) == (Exit.FINE, []), ran
        (left,) = one.keys
        assert (left.permissions, await lists(one)) == ({"enableReading", *permissions}, [[HERE]])
        created = [call.path for call in await one.calls() if call.method == "POST" and call.path in (KEYS, KEYS_V2)]
        assert created == [KEYS_V2 if FIX in permissions else KEYS]


@ways
async def test_a_key_is_replaced_though_the_answer_is_lost(tmp_path: Path, way: dict[str, object]) -> None:
    async with lab(tmp_path) as one:
        await one.begin()
        await one.fault(sub_accounts=way, answers=[{"path": KEYS, **LOST}])
        ran = await one.finish(1)
        if "masks_rows" in way:
            assert ran[0].exit is Exit.ROTATION_OPEN, ran
            assert "hides which one it is" in " ".join(ran[0].verdict)
            (made,) = [key for key in one.keys if key.label != "in use"]
            assert f"Delete the key called {made.label} on Binance's page" in " ".join(ran[0].verdict)
            (again,) = await one.finish(1)
            assert (again.exit, len(one.keys)) == (Exit.ROTATION_OPEN, 2), again  # no further key is made
            await Account(one.world).request("DELETE", f"/desk/keys/{made.api_key}")
            ran = await one.finish(1)
        assert (ran[0].exit, await one.wrong(made=2 if "masks_rows" in way else 1)) == (Exit.FINE, []), ran


@ways
async def test_the_list_follows_the_address(tmp_path: Path, way: dict[str, object]) -> None:
    async with lab(tmp_path, policy=replace(POLICY, every=None)) as one:
        await one.begin(master=f"{HERE},{ELSEWHERE}")
        await one.run()
        await one.move(ELSEWHERE)
        await one.fault(sub_accounts=way, whitelist_delay_s=25 if "key_after_s" in way else 0)
        (ran,) = await one.finish(1)
        assert (ran.exit, await one.wrong(made=0)) == (Exit.FINE, []), ran
        assert await lists(one) == [[ELSEWHERE]]


@pytest.mark.parametrize("after", [100, 900, 5000])
async def test_a_key_that_is_listed_only_after_it_was_given_up_is_deleted(tmp_path: Path, after: float) -> None:
    async with lab(tmp_path) as one:
        await one.begin()
        await one.fault(sub_accounts={"row_after_s": after}, answers=[{"path": KEYS, **LOST}])
        ran = await one.finish(4)
        assert ran[-1].exit is Exit.FINE
        one.clock.now += 3600.0
        await one.run()
        assert await one.wrong() == []


async def test_where_no_key_is_free_nothing_changes(tmp_path: Path) -> None:
    async with lab(tmp_path) as one:
        await one.begin()
        await one.fault(sub_accounts={"max_keys": 1})
        (ran,) = await one.finish(1)
        assert ran.exit is not Exit.FINE
        assert "too many API keys" in " ".join(ran.verdict)
        await one.fault()
        assert (one.lost, len(one.ever)) == ([], 1)
        (ran,) = await one.finish(1)
        assert (ran.exit, await one.wrong(made=1)) == (Exit.FINE, []), ran


@pytest.mark.parametrize("adds", [False, True])
async def test_extra_addresses_go_and_the_last_one_is_never_removed(tmp_path: Path, adds: bool) -> None:
    async with lab(tmp_path) as one:
        await one.begin(f"{HERE},{ELSEWHERE}")
        await one.fault(sub_accounts={"restriction_adds": adds, "last_address": "open"})
        async with one.flow() as flow:
            assert flow.sub_account is not None
            await flow.begin(Mode.WHITELIST)
            await flow.egress.detect()
            flow.advance(Step.EGRESS)
            flow.whitelist.settle(flow.whitelist.proposal())
            flow.advance(Step.WHITELIST)
            current = flow.context.key(Slot.CURRENT)
            assert current is not None
            before = await flow.sub_account.listed(current)
            assert len(before) == 2
            await flow.sub_account.apply()
            wanted = flow.context.whitelist
            assert await flow.sub_account.listed(current) == tuple(block.network_address for block in wanted)


@pytest.mark.parametrize("master", [KEYS, RESTRICT])
async def test_a_refused_master_is_said_and_nothing_changes(tmp_path: Path, master: str) -> None:
    async with lab(tmp_path) as one:
        await one.begin()
        await one.fault(sub_accounts={"refuses_master" if master == KEYS else "refuses_kyc": True})
        (ran,) = await one.finish(1)
        assert ran.exit is not Exit.FINE
        assert (one.lost, len(one.ever), await lists(one)) == ([], 1, [[HERE]])
        await one.fault()
        (ran,) = await one.finish(1)
        assert (ran.exit, await one.wrong(made=1)) == (Exit.FINE, []), ran
