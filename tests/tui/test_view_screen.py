"""The screen that draws any page: what is offered is drawn, a key runs its action, and a wait can be stopped."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from screenshots.scene import stage
from tests.canaries import leaked
from tests.egress.fake_ssh import calls, fake_ssh
from tests.rotation.conftest import ELSEWHERE
from tests.tui.conftest import Wizard
from wizard.core.text import UNICODE
from wizard.egress.detection import EgressReport
from wizard.egress.ssh_hosts.hosts import HostAnswer, Trouble, typed_host
from wizard.steps.egress import NOTHING_TICKED
from wizard.steps.hosts import HostsPresenter
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import FormScreen, TextScreen
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.action_bar import ActionBar, key_name
from wizard.tui.widgets.row_list import RowList


@pytest.fixture(params=[pytest.param((80, 24), id="80x24", marks=pytest.mark.slow), pytest.param((60, 20), id="60x20")])
async def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


@pytest.fixture
async def real(tmp_path: Path, size: tuple[int, int]) -> AsyncIterator[Wizard]:
    """An environment that is no rehearsal."""
    async with stage(tmp_path) as world:
        world.environ = fake_ssh(tmp_path)
        world.environment = replace(world.environment, is_rehearsal=False, hosts=("bot-1", "bot-2"))
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=size) as pilot:
            yield Wizard(app, pilot, world)


def screen(wizard: Wizard) -> ViewScreen:
    shown = wizard.app.screen
    assert isinstance(shown, ViewScreen)
    return shown


def painted(wizard: Wizard) -> str:
    """What is really on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in wizard.app.screen._compositor.render_strips()
    )


async def to_hosts(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("o")
    await wizard.when(lambda: isinstance(screen(wizard).presenter, HostsPresenter))
    await wizard.until("#verdict", "to ask" if wizard.app.flow.hosts.checked() else "host")


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (160, 50)])
async def test_every_action_of_the_page_is_in_the_footer_and_in_its_help(wizard: Wizard, size: tuple[int, int]) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_egress()
    actions = screen(wizard).shown.actions
    footer = " ".join(str(screen(wizard).query_one(ActionBar).render()).split())
    drawn = " ".join(painted(wizard).split())
    for action in actions:
        assert f"{key_name(action.key)} {action.label}" in footer
        assert f"{key_name(action.key)} {action.label}" in drawn
    await wizard.press("question_mark")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    help_text = " ".join(wizard.text("TitledRows").split())
    for action in actions:
        assert f"{key_name(action.key)} {action.about}" in help_text


async def test_space_ticks_and_that_nothing_is_ticked_is_said_once(wizard: Wizard) -> None:
    await wizard.to_egress()
    assert wizard.app.screen.query_one(RowList).row.is_ticked
    await wizard.press("space")
    await wizard.when(lambda: not wizard.app.screen.query_one(RowList).row.is_ticked)
    await wizard.press("enter")
    await wizard.until("Notice", NOTHING_TICKED)
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app.flow.step == "whitelist")


async def test_enter_held_down_through_a_wait_is_no_answer_to_what_it_comes_to(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.tui.screens.view_screen.STILL_HELD", 1.0)
    is_over = asyncio.Event()

    async def wait(report: EgressReport, _: object) -> EgressReport:
        await is_over.wait()
        return report

    await wizard.to_egress()
    wizard.app.flow.egress.sample_more = wait
    await wizard.press("m")
    await wizard.until("#verdict", "Asking on fresh connections")
    await wizard.press("enter")
    is_over.set()
    await wizard.when(lambda: "Asking" not in wizard.text("#verdict"))
    await wizard.press("enter", "enter")
    assert wizard.app.flow.step == "egress"
    await asyncio.sleep(1.1)
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app.flow.step == "whitelist")


async def test_a_wait_is_said_with_its_limit_after_a_while_and_is_stopped_by_escape(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.tui.screens.view_screen.PATIENCE", 0.2)

    async def hang(*_: object) -> EgressReport:
        await asyncio.Event().wait()
        raise AssertionError

    await wizard.to_egress()
    before = wizard.text("#verdict")
    wizard.app.flow.egress.sample_more = hang
    await wizard.press("m")
    await wizard.until("#verdict", "Asking on fresh connections… This takes at most")
    await wizard.press("r", "b", "enter")  # nothing else begins meanwhile
    assert "esc Stop" in str(wizard.app.screen.query_one(ActionBar).render())
    await wizard.press("escape")
    await wizard.until("Notice", "You stopped it.")
    await wizard.when(lambda: wizard.text("#verdict") == before)
    assert wizard.app.flow.step == "egress"


async def test_answers_that_come_at_once_are_drawn_together_not_each(
    real: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_hosts(real)
    drawn: list[None] = []
    answer = HostAnswer(typed_host("bot-1"), 0.0, trouble=Trouble("not-asked", "not asked", "Ask it again."))
    monkeypatch.setattr(screen(real), "draw_main", lambda _: drawn.append(None))

    async def ask(_hosts: object, take: object) -> None:
        for _ in range(400):
            take(answer)  # type: ignore[operator]
            await asyncio.sleep(0)

    real.app.flow.hosts.ask = ask
    await real.press("enter")
    await real.when(lambda: bool(drawn) and screen(real)._waited_for is None)
    assert 1 <= len(drawn) < 100


async def test_hosts_are_asked_and_their_addresses_used(real: Wizard, tmp_path: Path) -> None:
    await to_hosts(real)
    await real.press("space", "space", "end", "space", "enter")
    await real.until("#verdict", "2 addresses found. 1 host gave none.")
    await real.press("enter")
    await real.until("Notice", f"{ELSEWHERE} (bot-2). 1 host gave no address.")
    assert [row.cells[0] for row in real.app.screen.query_one(RowList)._rows][-1] == ELSEWHERE
    assert len(calls(tmp_path)) == 3


@pytest.mark.parametrize("size", [(80, 24)])
async def test_what_was_typed_into_a_question_is_kept_until_it_is_taken(real: Wizard, tmp_path: Path) -> None:
    await to_hosts(real)
    hostile = "-oProxyCommand=touch x"
    await real.press("a")
    await real.when(lambda: isinstance(real.app.screen, FormScreen))
    real.app.screen.query_one(Input).value = hostile
    await real.press("enter")
    await real.until("Notice", "begins with a dash")
    await real.press("escape", "a")
    await real.when(lambda: isinstance(real.app.screen, FormScreen))
    assert real.app.screen.query_one(Input).value == hostile
    real.app.screen.query_one(Input).value = "trader@bot-3"
    await real.press("enter")
    await real.when(lambda: isinstance(real.app.screen, ViewScreen))
    assert "trader@bot-3" in {host.name for host in real.app.flow.hosts.known()}
    assert calls(tmp_path) == []


@pytest.mark.parametrize("size", [(80, 24)])
async def test_who_stops_while_hosts_are_asked_keeps_the_answers_so_far(real: Wizard) -> None:
    await to_hosts(real)
    real.app.flow.hosts.add("hung")
    await real.press("enter")
    await real.until("#verdict", "2 of 3 have answered")
    await real.press("escape")
    await real.until("#verdict", "1 host to ask.")
    assert ELSEWHERE in painted(real)


async def test_a_key_pasted_where_a_host_belongs_is_not_drawn(real: Wizard, tmp_path: Path) -> None:
    key = "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=64))
    await to_hosts(real)
    await real.press("a")
    await real.when(lambda: isinstance(real.app.screen, FormScreen))
    real.app.post_message(events.Paste(key))
    await real.until("Notice", "looks like a key")
    assert real.app.screen.query_one(Input).value == ""
    assert leaked(key, painted(real).encode()) == []
    assert calls(tmp_path) == []
