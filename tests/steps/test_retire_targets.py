"""Delivery targets on the Retire page: a row each, delivered unasked, and the legacy key is kept while one is due."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.rotation.conftest import World
from tests.steps.face import FakeFace
from wizard.core.targets import Target
from wizard.steps.retire import RetirePresenter, purging
from wizard.steps.view import State


@pytest.fixture
def homes(world: World, tmp_path: Path) -> list[Path]:
    """Two targets on this machine; the directory of the second is not there yet."""
    files = [tmp_path / name / "binance.json" for name in ("one", "two")]
    files[0].parent.mkdir(mode=0o700)
    world.environ = {"PATH": os.environ["PATH"]}
    world.targets = tuple(Target(file.parent.name, file=str(file)) for file in files)
    return files


@pytest.mark.parametrize("is_live", [True, False])
async def test_what_is_due_is_delivered_and_a_row_says_what_came_of_it(
    world: World, homes: list[Path], is_live: bool
) -> None:
    face = FakeFace(is_live=is_live)
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        page = RetirePresenter(flow, face)
        await page.begin()
        if is_live:
            await page._deliver()
        assert json.loads(homes[0].read_text())["api_key"] != old.api_key.reveal()
        await page.ask()
        rows = {row.item: row for row in page.view().rows}
        assert (rows["target one"].is_ticked, rows["target one"].state) == (True, State.GOOD)
        assert (rows["target two"].is_ticked, rows["target two"].state) == (False, State.STOP)
        assert "directory does not exist" in " ".join(rows["target two"].detail)
        assert "bots" not in rows
        await page.toggle("target two")  # nobody ticks what has to be read back
        await world.simulated_page.delete(old.api_key)
        await world.kill(flow)
        legacy, consent = flow.retire.legacy, purging(flow)
        assert legacy
        assert consent
        assert consent.word == legacy.name.last_four
        assert "two does not have the new key." in consent.text
        homes[1].parent.mkdir(mode=0o700)
        await page.restart("target two")
        assert homes[1].exists()
        consent = purging(flow)
        assert consent
        assert consent.word == "delete"
        assert "does not have" not in consent.text


async def test_an_undone_switch_is_delivered_too(world: World, homes: list[Path]) -> None:
    homes[1].parent.mkdir(mode=0o700)
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        page = RetirePresenter(flow, FakeFace(answers={"Undo the switch?": "undo"}))
        await page._deliver()
        await page.undo_switch()
        held = [json.loads(file.read_text())["api_key"] for file in homes]
        assert held == [old.api_key.reveal()] * 2


async def test_the_summary_names_a_target_that_has_no_key(world: World, homes: list[Path]) -> None:
    async with world.flow() as flow:
        await world.to_probe(flow)
        report = await flow.complete(await flow.probe.run())
        assert report
        (said,) = [each for each in report.left if "two" in each]
        assert said.endswith("\nkey-wizard deliver bench")
    assert homes[0].exists()
