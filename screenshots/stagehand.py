"""Brings the wizard to a page without anybody at its keys, and presses those that a picture wants."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from textual.pilot import Pilot

from screenshots.scene import PictureWorld, stage
from wizard.core.credentials import KeyKind
from wizard.core.text import UNICODE, Glyphs
from wizard.rehearsal.simulated_page import ListedKey
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, RotationRecord, Step
from wizard.tui.app import WizardApp
from wizard.tui.theme import THEME

LONGEST_WAIT = 20.0
KEY_PAGE = "https://www.binance.com/en/my/settings/api-management"


Prepare = Callable[["Stagehand"], Awaitable[object]]


async def nothing(_: Stagehand) -> None:
    """Leave the stage as it is."""


@dataclass(frozen=True)
class Shot:
    """One picture: a page, how the world is prepared, and what is pressed."""

    name: str
    until: str
    """What stands on the page once it is done."""
    at: Step | None = None
    """The step that is gone to; None for home."""
    prepare: Prepare = nothing
    """Done when the steps before it are done."""
    before: Prepare = nothing
    """Done before the wizard opens."""
    first: Prepare = nothing
    """Done before the first step."""
    keys: tuple[str, ...] = ()
    then: str = ""
    """What stands there after the keys."""
    mode: Mode = Mode.ROTATE
    glyphs: Glyphs = UNICODE
    theme: str = THEME.name
    is_rehearsal: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)


class Stagehand:
    """The wizard, and who prepares its world."""

    def __init__(self, app: WizardApp, world: PictureWorld, shot: Shot) -> None:
        self.app = app
        self.world = world
        self.page = world.page
        self._shot = shot
        self._pilot: Pilot[int]
        if not shot.is_rehearsal:
            self._move_to_production()

    def _move_to_production(self) -> None:
        """Give names and pages those of Binance; calls still go to the embedded exchange."""
        world: Any = self.world
        site = replace(world.environment.site, name="binance.com", key_page=KEY_PAGE)
        # The Probe would call other hosts, and none is there.
        hosts = world.environment.hosts if self._shot.name.startswith(("egress", "hosts")) else ()
        world.environment = replace(world.environment, name="production", site=site, hosts=hosts, is_rehearsal=False)
        world.about, world.simulated_page = (), None

    @property
    def flow(self) -> Flow:
        """The open flow."""
        return self.app.flow

    @property
    def job(self) -> RotationRecord:
        """The open job."""
        return self.flow.context.rotation

    async def perform(self, pilot: Pilot[int]) -> None:
        """Go to the page and wait until it is done."""
        self._pilot = pilot
        shot = self._shot
        if shot.at:
            await self._go_to(shot.at)
        await self.until(shot.until)
        for key in shot.keys:
            await self._until_idle()
            await self.press(key)
        await self.until(shot.then)

    async def _go_to(self, step: Step) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            while self.app.opened.flow is None:
                await self._pilot.pause(0.02)
        await self._until_idle()
        await self._shot.first(self)
        await self.flow.begin(self._shot.mode)
        while (here := self.flow.step) not in (step, None):
            await self._do(here)
        await self._shot.prepare(self)
        self.app.show_step()

    async def _do(self, step: Step) -> None:
        flow = self.flow
        if step is Step.DELETE:
            await flow.delete.ask()
            await self.page.delete((await self.keys())[0].api_key)
            await flow.delete.ask()
        elif step is Step.EGRESS:
            await flow.egress.detect()
        elif step is Step.WHITELIST:
            flow.whitelist.settle(flow.whitelist.proposal())
        elif step is Step.APPLY:
            await self.page.set_whitelist((await self.keys())[0].api_key, flow.context.journal.whitelist_of(self.job))
        elif step is Step.CREDENTIALS:
            await self.store_new_key()
        elif step is Step.PROBE:
            await flow.complete(await flow.probe.run())
            return
        flow.advance(step)

    async def store_new_key(self) -> None:
        """Create the new key as the user does."""
        await self.world.put_pair(self.flow)
        pem = await self.flow.credentials.public_key(KeyKind.ED25519)
        whitelist = self.flow.context.journal.whitelist_of(self.job)
        made = await self.page.create(
            "new", KeyKind.ED25519, whitelist, public_key=pem, enableSpotAndMarginTrading=True
        )
        await self.flow.credentials.store_pair(made.api_key, pem)

    async def keys(self) -> tuple[ListedKey, ...]:
        """Return the keys on the simulated page, the one in use first."""
        return await self.page.keys()

    async def ask(self, count: int = 1) -> None:
        """Ask with both keys, so many times."""
        for _ in range(count):
            self.world.clock.now += 5
            self.world.gate.open()
            await self.flow.retire.poll()

    async def put(self, path: str, form: object) -> None:
        """Change the exchange from outside."""
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.put(f"{self.world.base_url}/desk/{path}", json=form)).raise_for_status()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def _until_idle(self) -> None:
        """Wait until a page takes keys: one at work does not."""
        async with asyncio.timeout(LONGEST_WAIT):
            while getattr(self.app.screen, "_is_busy", False):
                await self._pilot.pause(0.02)

    async def until(self, text: str) -> None:
        """Wait until a text stands on the screen."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                while text not in self._text():
                    await self._pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"{self._shot.name}: {text!r} is not on the screen:\n{self._text()}") from None
        await self._pilot.pause(0.1)

    def _text(self) -> str:
        drawn = (str(one.render()) for one in self.app.screen.walk_children() if one.display)
        return " ".join(" ".join(drawn).split())

    async def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        if self.app.size != (width, height):
            await self._pilot.resize_terminal(width, height)
            await self._pilot.pause(0.12)

    def picture(self) -> str:
        """Return the screen as SVG."""
        return self.app.export_screenshot(title="Key Wizard", simplify=True)


@asynccontextmanager
async def on_stage(shot: Shot) -> AsyncIterator[Stagehand]:
    """Open the wizard at the page of a shot."""
    with tempfile.TemporaryDirectory() as scratch:
        async with stage(Path(scratch)) as world:
            os.environ |= shot.environ
            app = WizardApp(world, shot.glyphs, command="key-wizard")
            for name in shot.environ:
                del os.environ[name]
            app.theme = shot.theme
            hand = Stagehand(app, world, shot)
            await shot.before(hand)
            async with app.run_test(size=(80, 24)) as pilot:
                await hand.perform(pilot)
                yield hand
