"""The journal cannot be read or written any more while a screen is open: it is said in words, and nothing crashes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import cast

import pytest

from screenshots.scene import PictureWorld, stage
from tests.commands.test_damaged_journal import fill
from tests.commands.test_unusable_journal import SAID
from tests.small_disk import fill_up, small_disk
from tests.tui.conftest import Wizard
from wizard.core.errors import WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.sites import known_sites
from wizard.core.text import UNICODE
from wizard.environments import RealEnvironments
from wizard.rotation.model import Step
from wizard.tui.app import WizardApp

STEP = "UPDATE rotations SET step = 'nowhere'"
KEY = "UPDATE keys SET slot = 'top', holding = 'lost'"
DAMAGE = {
    "home": ("DROP TABLE rotations", "DROP TABLE events", KEY),
    "egress": (STEP, "DROP TABLE egress_observations", "DROP TABLE events"),
    "whitelist": (STEP, "DROP TABLE whitelists"),
    "credentials": (STEP, KEY, "DROP TABLE events"),
}
KEYS = ("r", "enter", "f1", "escape", "escape", "down", "enter", "ctrl+q", "enter")
"""On each screen, one after the other: what goes on, back, asks again, explains; and, last, what closes."""


@asynccontextmanager
async def open_wizard(directory: Path) -> AsyncIterator[Wizard]:
    async with stage(directory) as world:
        app = WizardApp(world, UNICODE, command="key-wizard rehearse")
        async with app.run_test(size=(80, 24)) as pilot:
            yield Wizard(app, pilot, world)


async def go_to(screen: str, wizard: Wizard) -> None:
    if screen == "home":
        await wizard.at_home()
    elif screen == "egress":
        await wizard.to_egress()
    elif screen == "whitelist":
        await wizard.to_whitelist()
    else:
        await wizard.to_credentials("hmac")


@pytest.mark.parametrize(
    ("screen", "statement"),
    [
        pytest.param(screen, statement, marks=pytest.mark.slow if number else ())
        for screen, several in DAMAGE.items()
        for number, statement in enumerate(several)
    ],
)
async def test_damage_in_mid_flow_is_told_in_words(tmp_path: Path, screen: str, statement: str) -> None:
    said: list[str] = []
    try:
        async with open_wizard(tmp_path) as wizard:
            app = wizard.app
            await go_to(screen, wizard)
            with closing(sqlite3.connect(wizard.environments.paths.journal, isolation_level=None)) as raw:
                raw.execute(statement)
            for key in KEYS:
                if app.is_running:
                    await wizard.press(key)
                if app.is_running:
                    said.append(wizard.text("Notice, .dialog Static"))
    except WizardError as error:  # raised again for tests alone: the wizard ended, and has it to tell
        assert app.problem is error
    assert not app.return_code
    assert not app.is_running
    if app.problem is not None:
        said.extend(app.problem.sentences())
    assert f"The wizard's records {tmp_path}/state/journal.sqlite3" in " ".join(said)


async def test_a_step_on_a_full_disk_can_be_taken_again_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(2) as place:
        async with open_wizard(place) as wizard:
            await wizard.to_egress()
            ballast = fill_up(place)
            await wizard.press("enter")
            await wizard.until("Notice", "Free some space")
            assert wizard.app.flow.step is Step.EGRESS
            ballast.unlink()
            await wizard.press("enter")
            await wizard.until("#verdict", "ready to paste")


@pytest.mark.parametrize("make", SAID, ids=lambda make: make.__name__)
async def test_a_journal_that_cannot_be_used_at_the_start_is_told_at_home(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    own = Paths(tmp_path / "config", tmp_path / "state")
    own.create()
    fill(own).close()
    make(own.journal)
    world = RealEnvironments(own, Settings({"bench": Environment("bench", known_sites()["testnet"])}))
    app = WizardApp(world, UNICODE, command="key-wizard")
    async with app.run_test(size=(80, 24)) as pilot:
        wizard = Wizard(app, pilot, cast(PictureWorld, world))
        await wizard.until("#verdict", SAID[make])
        await wizard.press("r", "enter", "i", "down")
        await wizard.until("#verdict", SAID[make])
        await wizard.press("ctrl+q", "enter")
    assert (app.problem, app.return_code or 0, app.is_running) == (None, 0, False)
