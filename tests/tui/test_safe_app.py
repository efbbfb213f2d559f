from __future__ import annotations

import asyncio

import pytest
from textual.app import ComposeResult
from textual.widgets import Static

from wizard.tui.driver import SafeDriver
from wizard.tui.safe_app import SafeApp


class Empty(SafeApp):
    def compose(self) -> ComposeResult:
        yield Static("text", id="text")


@pytest.mark.parametrize(
    ("size", "classes"),
    [
        ((80, 24), {"-normal", "-tall"}),
        ((60, 20), {"-narrow", "-short"}),
        ((72, 22), {"-normal", "-tall"}),
        ((110, 21), {"-wide", "-short"}),
    ],
)
async def test_the_size_of_the_terminal_is_a_class_of_the_screen(size: tuple[int, int], classes: set[str]) -> None:
    async with Empty().run_test(size=size) as pilot:
        own = {"-narrow", "-normal", "-wide", "-short", "-tall"}
        assert pilot.app.screen.classes & own == classes


async def test_there_is_no_command_palette_and_nothing_moves() -> None:
    async with Empty().run_test() as pilot:
        await pilot.press("ctrl+p")
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.animation_level == "none"


async def test_screens_are_never_laid_out_for_less_than_they_need() -> None:
    async with Empty().run_test(size=(3, 2)) as pilot:
        assert pilot.app.screen.size == pilot.app.size == (60, 20)
        await pilot.resize_terminal(80, 24)
        assert pilot.app.screen.size == (80, 24)
        await pilot.resize_terminal(80, 1)
        async with asyncio.timeout(10):  # a busy machine lays it out late
            while pilot.app.screen.outer_size != (80, 20):
                await pilot.pause(0.02)


def test_no_other_driver_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.constants.DRIVER", "textual.drivers.web_driver:WebDriver")
    assert Empty().driver_class is SafeDriver
