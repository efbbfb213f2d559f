"""A sub-account's pages: each act is confirmed once, nothing is pasted, and the page on Binance stays the other way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE
from tests.rotation.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.rotation.test_sub_account_keys import CREATE, EMAIL, Account, account, to_credentials
from tests.steps.face import FakeFace, press
from wizard.core.credentials import KeyKind
from wizard.core.unattended import RotationPolicy
from wizard.exchange.sub_accounts import SubAccountClient
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step
from wizard.steps.apply import ApplyPresenter
from wizard.steps.by_api import ApiCredentialsPresenter
from wizard.steps.delete import DeletePresenter
from wizard.steps.pages import PAGES
from wizard.steps.presenter import Presenter
from wizard.steps.retire import DELETED, RetirePresenter
from wizard.steps.view import PRIMARY, State, View

__all__ = ["account"]
CREATION = f"Create a key in the sub-account {EMAIL}?"
ACCOUNTS = "/sapi/v1/sub-account/list"
REFUSED = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}


def text(view: View) -> str:
    rows = (cell for row in (*view.evidence, *view.rows) for cell in row.cells)
    return "\n".join((view.verdict, *view.because, *view.fix, *rows))


def first(page: Presenter) -> str:
    return page.view().actions[0].word


def words(page: Presenter) -> set[str]:
    return {action.word for action in page.view().actions}


async def at_credentials(account: Account, flow: Flow, face: FakeFace, *permissions: str) -> ApiCredentialsPresenter:
    await account.open(flow, HERE, *permissions)
    await to_credentials(flow)
    page = PAGES[flow.step](flow, face)
    assert isinstance(page, ApiCredentialsPresenter)
    await page.watch()
    return page


async def to_retire(account: Account, flow: Flow) -> None:
    await account.open(flow)
    await to_credentials(flow)
    assert flow.sub_account is not None
    await flow.sub_account.create()
    flow.advance(Step.CREDENTIALS)
    await flow.complete(await flow.probe.run())
    assert flow.step is Step.RETIRE


# --- create -------------------------------------------------------------------------------------


async def test_the_page_and_its_question_name_the_account_the_list_and_the_permissions(account: Account) -> None:
    async with account.flow() as (flow, _):
        face = FakeFace()
        page = await at_credentials(account, flow, face, "enableSpotAndMarginTrading", "enableFutures")
        assert EMAIL in page.view().verdict
        assert "Reading · Spot & Margin Trading · Futures" in text(page.view())
        assert "cannot use the new key" in text(page.view()), "the current key is HMAC"
        assert page.fields == ()
        await press(page, PRIMARY)
        (asked,) = face.confirmed
        assert (asked.title, asked.word) == (CREATION, "create")
        assert f"It works from {HERE}. It may do this: Reading · Spot & Margin Trading · Futures." in asked.text
        assert "list of symbols" in asked.text
        assert len(await account.keys()) == 1, "nothing is created before the answer"
        assert flow.step is Step.CREDENTIALS


async def test_after_the_word_the_key_is_created_stored_and_read_back_and_nothing_is_pasted(account: Account) -> None:
    async with account.flow() as (flow, _):
        face = FakeFace(answers={CREATION: "create"})
        page = await at_credentials(account, flow, face)
        await press(page, PRIMARY)
        assert (flow.step, face.left, face.filled, face.errors) == (Step.PROBE, "leave", [], [])
        assert "read back" in face.notes[-1]
        pending = flow.credentials.pending
        assert pending is not None
        assert pending.kind is KeyKind.ED25519
        made = (await account.keys())[-1]
        assert (made["whitelist"], made["api_key"][-4:]) == ([HERE], pending.name.last_four)
        flow.back()
        page = ApiCredentialsPresenter(flow, face)
        assert page.view().verdict == f"Binance has created {pending.name}."
        assert page.view().actions[0].label == f"Keep {pending.name}"


async def test_a_creation_that_was_stopped_is_said_and_no_second_key_is_made(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = SubAccountClient.create

    async def stopped(*given: Any) -> NoReturn:
        await create(*given)
        raise asyncio.CancelledError

    async with account.flow() as (flow, _):
        page = await at_credentials(account, flow, FakeFace(answers={CREATION: "create"}))
        assert page.view().state is State.EMPTY
        monkeypatch.setattr(SubAccountClient, "create", stopped)
        with suppress(asyncio.CancelledError):
            await page.create()
        monkeypatch.undo()
        view = page.view()
        assert view.state is State.LOOK
        assert view.because == ("Binance may have created a key already. The wizard looks for it first.",)
        await page.create()
        assert (flow.step, len(await account.keys())) == (Step.PROBE, 2)


async def test_where_binance_refuses_the_master_the_page_says_so_and_offers_the_other_way(account: Account) -> None:
    async with account.flow() as (flow, _):
        face = FakeFace(answers={CREATION: "create"}, page=SimulatedPage(f"{account.world.base_url}/desk", EMAIL))
        page = await at_credentials(account, flow, face)
        await account.world.plant(ACCOUNTS, REFUSED, times=9, status=400)
        await press(page, PRIMARY)
        view = page.view()
        assert (view.state, view.verdict) == (State.STOP, "Binance refuses the key of master for this.")
        assert "Invalid API-key, IP, or permissions" in text(view)
        assert "do it by hand" in " ".join(view.fix)
        assert (first(page), face.confirmed, len(await account.keys())) == ("other", [], 1)
        await press(page, PRIMARY)
        assert (first(page), [field.name for field in page.fields]) == ("save", ["api_key"])
        assert "Tick what" in " ".join(each.text for each in page.view().instructions)
        assert page.order() is not None
        assert face.page is not None
        await face.page.create("new", KeyKind.ED25519, HERE, public_key=page._public_pem)
        await page.back()
        assert (first(page), page.fields, page.order()) == ("create", (), None)
        assert flow.step is Step.CREDENTIALS
        await page.back()
        assert flow.step is Step.WHITELIST


@pytest.mark.parametrize("path", [CREATE, "/sapi/v1/account/apiRestrictions"])
async def test_a_fault_at_binance_is_no_refusal_and_enter_tries_again(account: Account, path: str) -> None:
    async with account.flow() as (flow, _):
        face = FakeFace(answers={CREATION: "create"})
        page = await at_credentials(account, flow, face)
        await account.world.plant(path, "busy", times=99, status=503)
        await press(page, PRIMARY)
        assert (page.view().state, first(page)) == (State.STOP, "create")
        assert "503" in text(page.view())
        assert len(await account.keys()) == 1
        await account.world.fault()
        await press(page, PRIMARY)
        assert (flow.step, len(await account.keys())) == (Step.PROBE, 2)


async def test_what_an_interrupted_run_had_created_is_taken_and_said_and_no_second_key_is_made(
    account: Account,
) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)

        async def killed(*_: object) -> None:
            raise KeyboardInterrupt

        flow.credentials.store_pair = killed  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyboardInterrupt):
            await keys.create()
    async with account.flow() as (flow, _):
        face = FakeFace()
        page = ApiCredentialsPresenter(flow, face)
        await press(page, PRIMARY)
        assert "It is stored." in face.notes[0]
        assert (flow.step, face.confirmed, len(await account.keys())) == (Step.PROBE, [], 2)


async def test_a_first_key_gets_what_the_settings_say(account: Account) -> None:
    policy = RotationPolicy(permissions=("enableFutures",))
    async with account.flow(policy=policy) as (flow, _):
        await account.open(flow, "")
        await to_credentials(flow, Mode.SET_UP)
        face = FakeFace(answers={CREATION: "create"}, is_live=False)
        page = ApiCredentialsPresenter(flow, face)
        await page.begin()
        assert "Reading · Futures" in text(page.view())
        assert "rotation.permissions" in text(page.view())
        await press(page, PRIMARY)
        (made,) = await account.keys()
        assert [name for name, is_on in made["permissions"].items() if is_on] == ["enableReading", "enableFutures"]


# --- change the list ----------------------------------------------------------------------------


async def at_apply(account: Account, flow: Flow, face: FakeFace, listed: str) -> ApplyPresenter:
    await account.open(flow, listed)
    await to_credentials(flow, Mode.WHITELIST)
    assert flow.step is Step.APPLY
    return ApplyPresenter(flow, face)


async def test_the_list_is_changed_by_one_key_that_says_who_loses_access(account: Account) -> None:
    async with account.flow() as (flow, _):
        face = FakeFace()
        page = await at_apply(account, flow, face, f"{HERE},{ELSEWHERE}")
        assert "by API" in page.view().verdict
        await press(page, PRIMARY)
        (asked,) = face.confirmed
        assert (HERE in asked.text, asked.word) == (True, "change")
        assert f"Binance refuses {ELSEWHERE} from then on." in asked.text
        assert (await account.keys())[0]["whitelist"] == [HERE, ELSEWHERE]
        face.answers[asked.title] = "change"
        await press(page, PRIMARY)
        assert (await account.keys())[0]["whitelist"] == [HERE]
        assert (flow.step, face.left) == (Step.PROBE, "leave")


async def test_a_list_is_saved_by_hand_where_the_api_refuses(account: Account) -> None:
    async with account.flow() as (flow, _):
        page = await at_apply(account, flow, FakeFace(), HERE)
        assert {"saved", "change", "copy"} <= words(page)
        await account.world.plant(ACCOUNTS, REFUSED, times=99, status=400)
        await press(page, PRIMARY)
        assert (page.view().state, first(page)) == (State.STOP, "saved")
        await press(page, PRIMARY)
        assert flow.step is Step.PROBE


# --- delete -------------------------------------------------------------------------------------


async def test_a_leaked_key_is_deleted_once_its_last_four_are_typed(account: Account) -> None:
    async with account.flow() as (flow, _):
        await account.open(flow)
        await flow.begin(Mode.LEAKED)
        assert flow.current is not None
        face, four = FakeFace(), flow.current.name.last_four
        page = DeletePresenter(flow, face)
        await page.ask()
        assert page.view().actions[0].label == f"Delete …{four} by API"
        await press(page, PRIMARY)
        (asked,) = face.confirmed
        assert (asked.word, EMAIL in asked.text, "cannot undo" in asked.text) == (four, True, True)
        assert "cannot work without it" in asked.text
        assert len(await account.keys()) == 1
        face.answers[asked.title] = four
        await press(page, PRIMARY)
        assert await account.keys() == []
        assert (page.view().state, first(page)) == (State.GOOD, "continue")
        assert "delete-key" not in words(page)


async def test_the_legacy_key_is_deleted_by_api_ticked_and_watched_until_it_is_dead(account: Account) -> None:
    async with account.flow() as (flow, _):
        await to_retire(account, flow)
        legacy = flow.retire.legacy
        assert legacy is not None
        face = FakeFace()
        page = RetirePresenter(flow, face)
        await flow.retire.poll()
        page.point(DELETED)
        assert page.view().actions[0].label == f"Delete {legacy.name} by API"
        assert not next(row for row in page.view().rows if row.item == DELETED).detail, "no page is to be opened first"
        await page.view().actions[0].run(DELETED)
        (asked,) = face.confirmed
        assert (asked.word, EMAIL in asked.text) == ("delete", True)
        assert "did not tick that your bots have the new key" in asked.text
        assert len(await account.keys()) == 2
        face.answers[asked.title] = "delete"
        await page.view().actions[0].run(DELETED)
        (left,) = await account.keys()
        assert flow.current is not None
        assert left["api_key"].endswith(flow.current.name.last_four)
        assert DELETED in flow.retire.done()
        await account.world.kill(flow)
        assert page.view().verdict == f"{legacy.name} is dead."
        assert "delete-key" not in words(page)


async def test_production_asks_for_the_last_four(account: Account) -> None:
    async with account.flow() as (flow, _):
        await to_retire(account, flow)
        face = FakeFace()
        page = RetirePresenter(flow, face)
        legacy = flow.retire.legacy
        assert legacy is not None
        environment = replace(flow.context.environment, name="production")
        consent = page.deleting(legacy, asks_for_key=environment.is_production)
        assert consent.word == legacy.name.last_four


async def test_a_key_that_was_never_used_is_deleted_by_api_too(account: Account) -> None:
    async with account.flow() as (flow, keys):
        await account.open(flow)
        await to_credentials(flow)
        await keys.create()
        await flow.abandon()
        (unused,) = flow.retire.unused
        await flow.begin(Mode.RETIRE)
        face = FakeFace(answers={f"Delete {unused.name} on Binance?": "delete"})
        page = RetirePresenter(flow, face)
        await flow.retire.poll()
        assert page.view().actions[0].label == f"Delete {unused.name} by API"
        await page.view().actions[0].run(page.view().rows[0].item)
        (left,) = await account.keys()
        assert flow.current is not None
        assert left["api_key"].endswith(flow.current.name.last_four)


async def test_a_refused_deletion_leaves_the_key_and_leads_to_the_page(account: Account) -> None:
    async with account.flow() as (flow, _):
        await to_retire(account, flow)
        legacy = flow.retire.legacy
        assert legacy is not None
        face = FakeFace(answers={f"Delete {legacy.name} on Binance?": "delete"})
        page = RetirePresenter(flow, face)
        await flow.retire.poll()
        page.point(DELETED)
        await account.world.plant(CREATE, REFUSED, times=99, status=400)
        await page.view().actions[0].run(DELETED)
        view = page.view()
        assert (view.state, view.verdict) == (State.STOP, "Binance refuses the key of master for this.")
        assert (first(page), len(await account.keys())) == ("details", 2)
        assert "delete-key" in words(page)
        assert DELETED not in flow.retire.done()
