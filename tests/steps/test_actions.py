"""One key means one thing on every page, and whatever a page offers is offered by screens and lines alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from screenshots.shots import SHOTS
from screenshots.stagehand import on_stage
from tests.plain.script import ScriptedConsole
from tests.steps.test_summary_page import REPORT
from tests.tui.conftest import Wizard, wizard
from wizard.plain.interrupts import EndOfInputError, Interrupts
from wizard.plain.lines import Lines
from wizard.plain.talk import Talk
from wizard.steps.presenter import Presenter
from wizard.steps.view import BACK, PRIMARY, TOGGLE
from wizard.tui.screens.dialogs import TextScreen
from wizard.tui.screens.view_screen import KEYS, ViewScreen
from wizard.tui.widgets.action_bar import ActionBar, key_name

__all__ = ["wizard"]
STEPS = Path(__file__).parents[2] / "wizard" / "steps"
MEANINGS = {
    BACK: "back",
    TOGGLE: "tick",
    "F": "fix-all",
    "V": "openbao",  # is shown to be read, as v
    "a": "add create change permissions replace",  # brings something new
    "b": "ask",  # Binance
    "c": "copy",
    "d": "delete delete-key",
    "e": "edit again skip",  # the user types it, or types it anew
    "f": "fix",
    "g": "give-up",
    "h": "history",
    "i": "import",
    "j": "join",
    "k": "try keep",
    "l": "leaked",
    "m": "more expand",  # addresses
    "n": "name",
    "o": "hosts other file",  # another one than the one at hand
    "p": "page",
    "r": "retry ask review",  # is asked, or looked at, once more
    "s": "save saved",
    "t": "all retire",
    "u": "undo",
    "v": "details keyring log service",  # is shown to be read
    "w": "list whitelist",  # the list, to be pasted
    "x": "restart",
    "y": "swap",
    "ctrl+g": "pick",
    "ctrl+k": "keep",
    "ctrl+p": "key",
    "ctrl+r": "read",
    "ctrl+t": "type",
    "ctrl+y": "list",
}
"""The words in the lines' menu that each key has on screens. The primary action has Enter, whatever it is."""


def written() -> Iterator[tuple[str, str, str]]:
    """Yield module, word and key of each action of a page, as they stand in the source."""
    for module in sorted(STEPS.glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Action":
                word, key = (ast.unparse(each).strip("'") for each in node.args[:2])
                yield module.name, word, {"PRIMARY": PRIMARY, "BACK": BACK, "TOGGLE": TOGGLE, "key": "p"}.get(key, key)


def test_one_key_means_one_thing_on_every_page() -> None:
    actions = [each for each in written() if each[2] not in (PRIMARY, "")]
    assert len(actions) > 50
    assert [each for each in actions if each[1] not in MEANINGS.get(each[2], "").split()] == []


def test_every_key_is_taken_by_the_screens() -> None:
    keys = {key for _, _, key in written()} - {""}
    assert keys <= set(KEYS)
    assert set(MEANINGS) <= keys, "the table names a key that nothing has"


async def test_whatever_a_page_offers_is_offered_on_screens_and_in_lines(wizard: Wizard) -> None:
    """Walk through a whole rehearsal; each page is drawn, and spoken, by the same presenter."""
    await wizard.at_home()
    await offers_the_same(wizard)
    await wizard.to_egress()
    await offers_the_same(wizard)
    await wizard.press("o")
    await wizard.until("#verdict", "host")
    await offers_the_same(wizard)
    await wizard.press("escape", "enter")
    await wizard.until("#verdict", "ready to paste")
    await wizard.press("d")
    await wizard.until("#verdict", "The list is empty.")
    await offers_the_same(wizard)
    await wizard.press("u", "enter")
    await wizard.until("#numbered", "END PUBLIC KEY")
    await offers_the_same(wizard)
    await wizard.press("ctrl+t")
    await wizard.until("#verdict", "is HMAC.")
    await offers_the_same(wizard)
    await wizard.press("down", "enter")
    await wizard.until("#numbered", "the API key and the secret")
    await offers_the_same(wizard)
    await wizard.press("ctrl+o")
    await wizard.until("ActionBar", "Create key")
    await offers_the_same(wizard)
    await wizard.press("enter")
    await wizard.until("Notice", "is filled in")
    await wizard.press("enter")
    await wizard.until("ActionBar", "enter Switch to")
    await offers_the_same(wizard)
    await move(wizard, "203.0.113.92")
    await wizard.press("r")
    await wizard.until("ActionBar", "enter Add 203.0.113.92")
    await offers_the_same(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "Paste the list into both keys")
    await offers_the_same(wizard)
    await wizard.press("escape")
    await wizard.until("ActionBar", "Show list")
    await move(wizard, "203.0.113.42")
    await wizard.press("r")
    await wizard.until("ActionBar", "enter Switch to")
    await wizard.press("enter")
    await wizard.until("#verdict", "Two things are left")
    await offers_the_same(wizard)
    wizard.app.show_summary(REPORT)
    await wizard.until("#verdict", "replaced")
    await offers_the_same(wizard)


async def test_the_pages_of_the_whitelist_job_are_the_same_on_screens_and_in_lines(wizard: Wizard) -> None:
    await wizard.at_home()
    await wizard.press("w")
    await wizard.until("#verdict", "agree")
    await wizard.press("enter")
    await wizard.until("#verdict", "ready to paste")
    await offers_the_same(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "Paste the list into")
    await offers_the_same(wizard)
    await wizard.press("enter")
    await wizard.until("ActionBar", "enter Record the list")
    await offers_the_same(wizard)
    await move(wizard, "203.0.113.92")
    await wizard.press("r")
    await wizard.until("ActionBar", "enter Add 203.0.113.92")
    await offers_the_same(wizard)
    await wizard.press("enter")
    await wizard.until("#verdict", "Paste the list into")


async def test_the_pages_of_a_sub_account_are_the_same_on_screens_and_in_lines() -> None:
    shots = {shot.name: shot for shot in SHOTS}
    for name in ("credentials-api", "credentials-api-stop", "apply-api", "delete-api", "retire-api"):
        async with on_stage(shots[name]) as hand:
            await offers_the_same(Wizard(hand.app, hand._pilot, hand.world))


async def move(wizard: Wizard, address: str) -> None:
    """Have the exchange see this host at another address."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.put(f"{wizard.environments.environment.site.rest_url}/desk/nat", json={"127.0.0.1": address})


async def offers_the_same(wizard: Wizard) -> None:
    """Compare what the page on the screen offers with the footer, with help, and with the menu of the lines."""
    screen = wizard.app.screen
    assert isinstance(screen, ViewScreen)
    presenter = screen.presenter
    footer, actions = "", screen.presenter.view().actions

    def is_drawn() -> bool:
        """Whether the footer is that of the view as it is now: Retire changes by itself."""
        nonlocal footer, actions
        actions, footer = presenter.view().actions, " ".join(str(screen.query_one(ActionBar).render()).split())
        return all(f"{key_name(each.key)} {each.label}" in footer for each in actions if each.is_in_footer)

    await wizard.when(is_drawn)
    await wizard.press("f1")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    help_text = " ".join(wizard.text("TitledRows").split())
    await wizard.press("escape")
    await wizard.when(lambda: wizard.app.screen is screen)
    menu = await spoken(wizard, presenter)
    for action in actions:
        assert action.key
        assert f"{key_name(action.key)} {action.about}" in help_text
        assert action.key == BACK or f". {action.word}: {action.about}" in menu
    assert len({action.key for action in actions}) == len({action.word for action in actions}) == len(actions)


async def spoken(wizard: Wizard, presenter: Presenter) -> str:
    """Return what the lines say of a page that has begun already."""

    class Begun:
        """The presenter as it is."""

        def __getattr__(self, name: str) -> object:
            return getattr(presenter, name)

        async def begin(self) -> None:
            pass

        def forget(self) -> None:
            pass

    console = ScriptedConsole([], interrupts := Interrupts())
    with pytest.raises(EndOfInputError):
        await Lines(Talk(console, interrupts), wizard.app.opened, lambda _: cast("Presenter", Begun())).run()
    return console.text
