"""The page of the other hosts, with a fake ssh on the path."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.egress.fake_ssh import calls, fake_ssh
from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.steps.face import FakeFace
from wizard.core.errors import UsageError
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode
from wizard.steps.hosts import NONE_KNOWN, HostsPresenter
from wizard.steps.view import PRIMARY, State, View


@pytest.fixture
async def flow(world: World, tmp_path: Path) -> AsyncIterator[Flow]:
    world.environ, world.hosts = fake_ssh(tmp_path), ("bot-1", "bot-2")
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        await flow.begin(Mode.ROTATE)
        yield flow


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


@pytest.fixture
async def page(flow: Flow, face: FakeFace) -> HostsPresenter:
    page = HostsPresenter(flow, face)
    await page.begin()
    return page


def ticked(view: View) -> dict[str, bool | None]:
    return {row.item: row.is_ticked for row in view.rows}


async def test_ticked_hosts_are_asked_and_their_addresses_used_with_their_names(
    page: HostsPresenter, face: FakeFace, flow: Flow, tmp_path: Path
) -> None:
    assert ticked(page.view()) == {"bot-1": True, "bot-2": True, "stranger": False}
    await page.toggle("stranger")
    assert page.view().action(PRIMARY).label == "Ask 3 hosts"
    await page.view().action(PRIMARY).run()
    view = page.view()
    assert (view.state, view.verdict) == (State.LOOK, "2 addresses found. 1 host gave none.")
    assert [row.cells[1] for row in view.rows][:2] == [HERE, ELSEWHERE]
    assert view.rows[2].state is State.STOP
    assert any("ssh stranger" in line for line in view.rows[2].detail)
    assert "3 of 3 have answered" in face.said
    assert sorted(call.split(" -- ")[1] for call in calls(tmp_path)) == [
        "bot-1 sh -s",
        "bot-2 sh -s",
        "stranger sh -s",
    ]
    await view.action(PRIMARY).run()
    assert face.left == "leave"
    assert f"{ELSEWHERE} (bot-2). 1 host gave no address." in face.notes[0]
    assert flow.selection.now.wanted()[IPv4Address(ELSEWHERE)] == "bot-2"


async def test_all_hosts_are_ticked_or_none(page: HostsPresenter) -> None:
    await page.toggle_all()
    assert set(ticked(page.view()).values()) == {True}
    await page.toggle_all()
    assert set(ticked(page.view()).values()) == {False}
    assert page.view().verdict == "No host is ticked."


async def test_a_name_is_judged_before_ssh_sees_it(page: HostsPresenter, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as hostile:
        await page.add("-oProxyCommand=touch x")
    assert "begins with a dash" in " ".join(hostile.value.sentences())
    key = "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=64))
    with pytest.raises(UsageError) as refused:
        await page.add(key)
    assert key not in " ".join(refused.value.sentences())
    await page.add("trader@bot-3")
    await page.add("bot-1")
    assert list(ticked(page.view())) == ["bot-1", "bot-2", "stranger", "trader@bot-3"]
    assert calls(tmp_path) == []


async def test_who_gave_no_address_is_asked_again(page: HostsPresenter, tmp_path: Path) -> None:
    await page.toggle_all()
    await page.ask()
    before = len(calls(tmp_path))
    await next(action for action in page.view().actions if action.word == "retry").run()
    assert [call.split(" -- ")[1] for call in calls(tmp_path)[before:]] == ["stranger sh -s"]


async def test_a_rehearsal_asks_no_real_host_and_says_so(
    page: HostsPresenter, face: FakeFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(page.flow.hosts), "is_rehearsal", True)
    assert "In a rehearsal no real host is asked." in page.view().because
    await page.ask()
    assert "no real host is asked" in face.errors[0].what
    assert calls(tmp_path) == []


async def test_without_a_host_one_is_to_be_added(world: World, face: FakeFace) -> None:
    async with world.flow() as flow:
        page = HostsPresenter(flow, face)
        await page.begin()
        assert (page.view().verdict, page.view().action(PRIMARY).word) == (NONE_KNOWN, "add")
