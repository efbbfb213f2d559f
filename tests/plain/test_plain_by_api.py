"""A sub-account in words: whole jobs in which nothing is pasted and no page is opened."""

from __future__ import annotations

import pytest

from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import EGRESS, PURGE, ROTATE, SWITCH, WATCH, WHITELIST
from tests.rotation.conftest import ELSEWHERE, HERE
from tests.rotation.conftest import World as Bench
from tests.rotation.test_sub_account_keys import EMAIL, Account
from wizard.custody.records import Slot

CREATE: list[Line] = [("Has Binance create the key", "create"), ("Type create", "create")]


@pytest.fixture
def account(bench: Bench) -> Account:
    return Account(bench)


async def opened(account: Account, whitelist: str = HERE) -> PlainWorld:
    async with account.flow() as (flow, _):
        await account.open(flow, whitelist)
    return PlainWorld(account.world, has_simulated_page=False, email=EMAIL)


async def stored(account: Account) -> list[str]:
    """Return the last four of the keys in use."""
    async with account.flow() as (flow, _):
        return [key.name.last_four for key in flow.context.journal.keys("bench") if key.slot is Slot.CURRENT]


async def listed(account: Account) -> list[str]:
    return [row["api_key"][-4:] for row in await account.keys()]


async def test_a_rotation_is_walked_to_its_report_and_nothing_is_pasted(account: Account) -> None:
    plain = await opened(account)
    (legacy,) = await listed(account)
    delete: list[Line] = [(f"Delete …{legacy} on Binance", "delete-key"), ("Type delete", "delete")]
    ended = await visit(
        plain, *ROTATE, *EGRESS, *WHITELIST, *CREATE, *SWITCH, *delete, *PURGE, ("What is proven?", "quit")
    )
    assert f"The key of master manages {EMAIL} on bench site." in ended.text
    assert f"Create the key in {EMAIL} by API." in ended.text
    assert "typing is not shown" not in ended.text
    assert "The legacy key is dead and its secret is deleted." in ended.text
    assert await listed(account) == await stored(account) != [legacy]


async def test_the_list_is_changed_and_proven(account: Account) -> None:
    plain = await opened(account, f"{HERE},{ELSEWHERE}")
    steps: list[Line] = [("Changes the whitelist", "whitelist"), *EGRESS, *WHITELIST]
    change: list[Line] = [("by API", "change"), (f"Binance refuses {ELSEWHERE}", "change")]
    ended = await visit(plain, *steps, *change, ("works from here", "record"), ("new whitelist", "quit"))
    assert "Paste the list" not in ended.text
    assert (await account.keys())[0]["whitelist"] == [HERE]


async def test_a_leaked_key_is_deleted_then_replaced(account: Account) -> None:
    plain = await opened(account)
    (leaked,) = await listed(account)
    delete: list[Line] = [(f"Deletes …{leaked} first", "leaked"), ("still works", "delete-key")]
    delete += [(f"Type {leaked}", leaked), ("The proof follows with the new key.", "continue")]
    ended = await visit(
        plain, *delete, *EGRESS, *WHITELIST, *CREATE, *SWITCH, *WATCH, *PURGE, ("which had leaked", "quit")
    )
    assert "typing is not shown" not in ended.text
    assert await listed(account) == await stored(account) != [leaked]


async def test_where_the_master_is_refused_the_page_is_offered_first_and_leads_on(account: Account) -> None:
    plain = await opened(account)
    refused = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    await account.world.plant("/sapi/v1/sub-account/list", refused, times=99, status=400)
    made = await account.make("by hand")
    by_hand: list[Line] = [
        ("by API", "create"),
        ("Binance refuses the key of master for this.", ""),
        ("Create the key on Binance", "back"),
        ("Create the key in", "other"),
        ("", "type"),
        ("Ed25519", "use"),
        ("Its number", "2"),
        ("What next?", "save"),
        ("API key", made["api_key"]),
        ("Secret", made["secret"]),
    ]
    ended = await visit(plain, *ROTATE, *EGRESS, *WHITELIST, *by_hand, *SWITCH, ("is now the key in use", "quit"))
    assert "Type create" not in ended.text
    assert await stored(account) == [made["api_key"][-4:]]
