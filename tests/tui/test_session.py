"""Work in the background: one at a time in its group, and nothing is shown of what newer work has replaced."""

from __future__ import annotations

import asyncio
from functools import partial

from wizard.core.errors import WizardError
from wizard.tui.safe_app import SafeApp
from wizard.tui.session import SessionScreen


class Working(SessionScreen[None]):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def begin(self, name: str, gate: asyncio.Event, group: str = "custody") -> None:
        self.start(partial(self.work, name, gate), self.shown.append, doing=name, group=group)

    async def work(self, name: str, gate: asyncio.Event) -> str:
        self.show_later(self.shown.append, f"{name} begins")
        await gate.wait()
        if name == "fails":
            raise WizardError("It failed")
        return name

    def show_error(self, error: WizardError) -> None:
        self.shown.append(error.what)


class App(SafeApp):
    def get_default_screen(self) -> Working:
        return Working()


async def work_on(*names: str, stop: bool = False) -> list[str]:
    """Begin all in one group before the first has ended; return what was shown."""
    async with App().run_test() as pilot:
        screen, gate = pilot.app.screen, asyncio.Event()
        assert isinstance(screen, Working)
        for name in names:
            screen.begin(name, gate)
            await pilot.pause()
        assert screen.is_at_work()
        assert not screen.is_at_work("other")
        gate.set()
        if stop:
            screen.stop("custody")
        await pilot.pause()
        assert not screen.is_at_work()
        return screen.shown


async def test_newer_work_takes_the_place_of_older() -> None:
    assert await work_on("old", "new") == ["old begins", "new begins", "new"]


async def test_what_was_stopped_shows_nothing_more() -> None:
    assert await work_on("old", stop=True) == ["old begins"]


async def test_an_error_is_shown_in_the_place_of_a_result() -> None:
    assert await work_on("fails") == ["fails begins", "It failed"]


async def test_a_result_that_waits_for_its_turn_is_left_out_when_newer_work_has_begun() -> None:
    async with App().run_test() as pilot:
        screen, gate = pilot.app.screen, asyncio.Event()
        assert isinstance(screen, Working)
        gate.set()
        late = asyncio.Event()

        async def busy() -> None:
            await late.wait()

        screen.call_later(busy)
        await asyncio.sleep(0)
        screen.begin("old", gate)
        await pilot.app.workers.wait_for_complete()
        assert not screen.is_at_work()
        screen.begin("new", gate)
        late.set()
        await pilot.pause()
        assert screen.shown == ["new begins", "new"]


async def test_other_groups_go_on() -> None:
    async with App().run_test() as pilot:
        screen, gate = pilot.app.screen, asyncio.Event()
        assert isinstance(screen, Working)
        screen.begin("one", gate)
        screen.begin("other", gate, "other")
        await pilot.pause()
        gate.set()
        await pilot.pause()
        assert sorted(screen.shown) == ["one", "one begins", "other", "other begins"]
