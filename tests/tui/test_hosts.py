"""Other hosts in the app, with a fake ssh on the path."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, OptionList

from screenshots.scene import stage
from tests.egress.fake_ssh import calls, fake_ssh
from tests.rotation.conftest import ELSEWHERE, HERE
from tests.terminal.harness import leaked
from tests.tui.conftest import Wizard
from tests.whitelist.listed import text_of
from wizard.core.text import UNICODE
from wizard.egress.ssh_hosts.hosts import HostAnswer, typed_host
from wizard.egress.ssh_hosts.ssh_errors import not_asked
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import TextScreen
from wizard.tui.screens.egress import EgressScreen
from wizard.tui.screens.hosts import HostsScreen
from wizard.tui.widgets.entry_list import EntryList
from wizard.whitelist.entries import parse


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


async def to_hosts(wizard: Wizard) -> None:
    await wizard.until("#next", "begins to replace")
    await wizard.press("enter")
    await wizard.until("#verdict", "The address is")
    await wizard.press("h")
    await wizard.when(lambda: isinstance(wizard.app.screen, HostsScreen))


def rows(wizard: Wizard) -> list[str]:
    options = wizard.app.screen.query_one("#hosts", OptionList)
    return [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]


def painted(wizard: Wizard) -> str:
    """What is really on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in wizard.app.screen._compositor.render_strips()
    )


async def test_answers_that_come_at_once_are_counted_together_not_each(
    real: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await to_hosts(real)
    counted: list[None] = []
    monkeypatch.setattr("wizard.tui.screens.hosts.what_enter_does", lambda *_, **__: counted.append(None) or "counted")
    screen = real.app.screen
    assert isinstance(screen, HostsScreen)
    for _ in range(400):
        screen.call_later(screen.show_answer, HostAnswer(typed_host("bot-1"), 0.0, trouble=not_asked(1)))
    await real.until("#next", "counted")
    screen.call_later(screen.show_end)
    await real.pilot.pause()
    assert 1 <= len(counted) < 200


async def test_checked_hosts_are_asked_and_taken_with_their_names(real: Wizard, tmp_path: Path) -> None:
    await to_hosts(real)
    assert rows(real) == ["[x] bot-1", "[x] bot-2", "[ ] stranger"]
    await real.press("space")
    assert rows(real)[0] == "[ ] bot-1"
    await real.press("space", "end", "space")
    assert "from ~/.ssh/config" in real.text("#detail")
    await real.until("#next", "Enter asks 3 hosts")
    await real.press("enter")
    await real.until("#next", "Enter takes 2 addresses to the whitelist. 1 of 3 hosts gave none: R asks them again.")
    assert all(words in painted(real) for words in ("them again.", "Esc Close")), painted(real)
    assert [f"✓ {HERE}" in rows(real)[0], f"✓ {ELSEWHERE}" in rows(real)[1]] == [True, True]
    assert "✗ Its host key is not known here" in rows(real)[2]
    assert "ssh stranger" in real.text("#detail")
    assert sorted(call.split(" -- ")[1] for call in calls(tmp_path)) == [
        "bot-1 sh -s",
        "bot-2 sh -s",
        "stranger sh -s",
    ]
    await real.press("enter")
    await real.until("Notice", f"{ELSEWHERE} (bot-2). Without an address: 1 of 3 ticked hosts")
    await real.press("enter")
    await real.until("#verdict", "Ready to paste: 2 entries")
    listed = real.app.screen.query_one(EntryList)
    assert text_of(listed.entries).splitlines() == [f"{HERE}  # bot-1", f"{ELSEWHERE}  # bot-2"]
    assert "No observation" not in real.text("#findings")
    listed.change(parse(HERE))
    await real.press("f7")
    await real.until("#verdict", "The address is")
    await real.press("enter")
    await real.until("#findings", f"{ELSEWHERE} (bot-2) is not on the list")
    assert (
        text_of(real.app.screen.query_one(EntryList).entries) == HERE
    )  # what was deleted does not come back by itself
    await real.press("f7")
    await real.until("#verdict", "The address is")
    await real.press("down", "space", "enter")
    await real.until("#verdict", "Ready to paste: 1 entry")


@pytest.mark.parametrize("size", [(80, 24)])
async def test_a_name_is_judged_under_its_field_and_nothing_is_lost(real: Wizard, tmp_path: Path) -> None:
    await to_hosts(real)
    hostile = "-oProxyCommand=touch x"
    await real.press("tab")
    real.app.screen.query_one(Input).value = hostile
    await real.press("enter")
    await real.until("#refusal", "begins with a dash")
    await real.press("escape", "h")
    assert real.app.screen.query_one(Input).value == hostile
    await real.press("tab")
    real.app.screen.query_one(Input).value = "trader@bot-3"
    await real.press("enter")
    assert rows(real)[-1] == "[x] trader@bot-3"
    assert not real.app.screen.query_one("#refusal").display
    await real.press("escape", "h")
    assert rows(real)[-1] == "[x] trader@bot-3"
    await real.press("f1")
    await real.when(lambda: isinstance(real.app.screen, TextScreen))
    assert calls(tmp_path) == []


@pytest.mark.parametrize("size", [(80, 24)])
async def test_who_closes_while_hosts_are_asked_keeps_the_answers_so_far(real: Wizard) -> None:
    await to_hosts(real)
    await real.press("tab", *"hung", "enter", "enter")
    await real.until("#next", "2 of 3 have answered")
    await real.press("enter")
    await real.until("Notice", "still being asked")
    await real.press("escape")
    assert isinstance(real.app.screen, EgressScreen)
    await real.press("h")
    await real.until("#next", "Enter asks 1 host.")
    assert f"✓ {ELSEWHERE}" in rows(real)[1]


async def test_a_rehearsal_asks_no_real_host_and_says_so(wizard: Wizard, tmp_path: Path) -> None:
    wizard.environments.environ = fake_ssh(tmp_path)
    await to_hosts(wizard)
    assert "no real host is asked" in wizard.text(".lede")
    await wizard.press("tab", *"bot-2", "enter", "enter")
    await wizard.until("Notice", "In a rehearsal no real host is asked")
    assert calls(tmp_path) == []


@pytest.mark.parametrize("size", [(80, 24)])
async def test_a_typed_name_that_is_known_is_checked_and_not_listed_twice(real: Wizard) -> None:
    await to_hosts(real)
    await real.press("space", "tab", *"bot-1", "enter")
    assert rows(real) == ["[x] bot-1", "[x] bot-2", "[ ] stranger"]


async def test_a_key_given_where_a_host_belongs_is_neither_drawn_when_pasted_nor_handed_to_ssh_when_typed(
    real: Wizard, tmp_path: Path
) -> None:
    key = "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=64))
    await to_hosts(real)
    field = real.app.screen.query_one(Input)
    field.focus()
    await real.pilot.pause()
    real.app.post_message(events.Paste(key))
    await real.until("Notice", "looks like a key")
    assert field.value == ""
    assert leaked(key, painted(real).encode()) == []
    field.value = key  # as a terminal without paste marks types it
    await real.press("enter")
    await real.until("#refusal", "is not a host for ssh")
    assert leaked(key, real.text("#refusal").encode()) == []
    assert key not in {host.name for host in real.app.flow.hosts.known()}
    assert calls(tmp_path) == []
