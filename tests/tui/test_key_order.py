from __future__ import annotations

import asyncio

import pytest
from textual import events, on
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input

from wizard.tui import safe_app
from wizard.tui.safe_app import SafeApp

KEYS = {"\r": "enter", "\x7f": "backspace", "\t": "tab"}


class Second(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Input(id="second")


class First(Screen[None]):
    """Enter in the input, or on the button, goes to a screen with another input."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__()
        self.gate = gate

    def compose(self) -> ComposeResult:
        yield Input(id="first", select_on_focus=False)
        yield Button("Next")

    @on(Input.Submitted, "#first")
    @on(Button.Pressed)
    async def go_on(self) -> None:
        await self.gate.wait()
        self.app.push_screen(Second())


class TwoScreens(SafeApp):
    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    def get_default_screen(self) -> Screen[None]:
        return First(self.gate)


async def packet(pilot: Pilot[int], keys: str) -> None:
    """Send `keys` as one packet does: all of them before the app answers the first."""
    for key in keys:
        pilot.app.post_message(events.Key(KEYS.get(key, key), key))
    await pilot.pause()


def value(app: SafeApp, selector: str) -> str:
    return app.screen.query_one(selector, Input).value


async def test_keys_after_enter_reach_the_screen_that_enter_opened() -> None:
    async with TwoScreens().run_test() as pilot:
        await packet(pilot, "ab\rcd")
        assert value(pilot.app, "#second") == "cd"
        pilot.app.pop_screen()
        assert value(pilot.app, "#first") == "ab"


class Dialog(ModalScreen[None]):
    """Enter in its input closes it, before it can answer the keys."""

    def compose(self) -> ComposeResult:
        yield Input(id="dialog")

    @on(Input.Submitted)
    def close(self) -> None:
        self.dismiss()

    def on_key_order_barrier(self, barrier: SafeApp.Barrier) -> None:
        barrier.stop()


async def test_keys_after_the_enter_that_closes_a_dialog_do_not_wait_for_what_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(safe_app, "HOLD_LIMIT", 600)
    async with TwoScreens().run_test() as pilot:
        await pilot.app.push_screen(Dialog())
        await packet(pilot, "x\rab")
        async with asyncio.timeout(20):
            while value(pilot.app, "#first") != "ab":
                await pilot.pause(0.01)


async def test_keys_after_a_pressed_button_reach_the_screen_that_it_opened() -> None:
    async with TwoScreens().run_test() as pilot:
        await packet(pilot, "\t\rcd")
        assert value(pilot.app, "#second") == "cd"


async def test_backspace_erases_the_character_before_it() -> None:
    async with TwoScreens().run_test() as pilot:
        await packet(pilot, "ab\x7f\x7fcd\x7fe")
        assert value(pilot.app, "#first") == "ce"


async def test_a_paste_waits_behind_enter() -> None:
    async with TwoScreens().run_test() as pilot:
        pilot.app.post_message(events.Key("enter", "\r"))
        pilot.app.post_message(events.Paste("pasted"))
        await pilot.pause()
        assert value(pilot.app, "#second") == "pasted"


@pytest.mark.slow
async def test_keys_are_delivered_although_the_answer_to_enter_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_app, "HOLD_LIMIT", 4.0)  # a busy machine looks before that
    app = TwoScreens()
    app.gate.clear()
    async with app.run_test() as pilot:
        changed = asyncio.Event()
        await packet(pilot, "ab\rcd")
        assert value(app, "#first") == "ab"
        app.screen.query_one(Input).watch(app.screen.query_one(Input), "value", lambda _: changed.set(), init=False)
        await asyncio.wait_for(changed.wait(), 60)
        app.gate.set()
        await pilot.pause()
        app.pop_screen()
        assert value(app, "#first").startswith("abc")


async def test_a_key_whose_widget_is_removed_does_not_hold_the_others() -> None:
    async with TwoScreens().run_test() as pilot:
        app = pilot.app
        app.post_message(events.Key("enter", "\r"))
        app.screen.query_one("#first").remove()
        await packet(pilot, "\t\rx")
        async with asyncio.timeout(20):
            while not isinstance(app.screen, Second) or value(app, "#second") != "x":
                await pilot.pause()
