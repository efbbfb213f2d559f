"""The whole app on the stage of the pictures: real flow, real embedded exchange, still clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screenshots.scene import PictureWorld, stage
from wizard.core.text import UNICODE
from wizard.rotation.model import Mode, Step
from wizard.tui.app import WizardApp
from wizard.tui.widgets.page_header import PageHeader
from wizard.tui.widgets.row_list import RowList, TitledRows

PATIENCE = 20.0
DRAWN = Static | PageHeader | RowList | TitledRows
QUIET = 3
"""Turns of the event loop."""


class Wizard:
    """The app with a pilot in it."""

    def __init__(self, app: WizardApp, pilot: Pilot[int], world: PictureWorld) -> None:
        self.app = app
        self.pilot = pilot
        self.environments = world

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    def text(self, selector: str) -> str:
        shown = self.app.screen.query(selector)
        return "\n".join(str(one.render()) for one in shown if isinstance(one, DRAWN))

    async def until(self, selector: str, text: str) -> None:
        try:
            await self.when(lambda: text in self.text(selector))
        except TimeoutError:
            raise AssertionError(f"{selector} never said {text!r}; it says {self.text(selector)!r}") from None

    async def at_home(self) -> None:
        """Wait until the environment is open and can be replaced."""
        await self.until("ActionBar", "enter Replace")
        await self.when(lambda: self.app.opened.flow is not None)

    async def to_egress(self) -> None:
        await self.at_home()
        await self.press("enter")
        await self.until("#verdict", "The address is")

    async def to_whitelist(self) -> None:
        await self._resume(Step.WHITELIST)
        await self.until("#verdict", "ready to paste")

    async def to_credentials(self, kind: str) -> None:
        await self._resume(Step.CREDENTIALS)
        await self.until("#numbered", "END PUBLIC KEY")
        if kind == "hmac":
            await self.press("ctrl+t")
            await self.until("#verdict", "is HMAC.")
            await self.press("down", "enter")
            await self.until("#numbered", "the API key and the secret")

    async def _resume(self, step: Step) -> None:
        """Go from home to this step of a rotation that was begun without the screens."""
        await self.at_home()
        flow = self.app.flow
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        if step is Step.CREDENTIALS:
            flow.whitelist.settle(flow.whitelist.proposal())
            flow.advance(Step.WHITELIST)
        self.app.show_step()


async def nothing_to_do(_least: float = 0.0) -> None:
    """Return when the event loop has nothing left to do but to wait."""
    quiet = 0
    while quiet < QUIET:
        await asyncio.sleep(0)
        quiet = 0 if asyncio.get_running_loop()._ready else quiet + 1  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def keys_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press the next key of several as soon as the one before was taken; Textual waits 40 ms for each."""
    monkeypatch.setattr("textual.app.wait_for_idle", nothing_to_do)
    # On a busy machine an answer may take longer than a user is made to wait.
    monkeypatch.setattr("wizard.tui.safe_app.HOLD_LIMIT", PATIENCE)


@pytest.fixture
async def wizard(tmp_path: Path) -> AsyncIterator[Wizard]:
    async with stage(tmp_path) as world:
        app = WizardApp(world, UNICODE, command="key-wizard rehearse")
        async with app.run_test(size=(80, 24)) as pilot:
            yield Wizard(app, pilot, world)
