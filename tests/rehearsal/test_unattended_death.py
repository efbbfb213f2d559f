"""What the unattended rehearsal says of a death that is less than proven, or proven and not kept."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.test_corrections import rehearsing
from tests.rehearsal.test_unattended import HURRIED, program
from tests.terminal.walk import end_exchange
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit
from wizard.rehearsal.player import PlayedStep, Player
from wizard.rehearsal.scenarios import SMOOTH
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.flow import CERTIFIED
from wizard.rotation.model import Grade, Outcome

DISABLES = "from wizard.rehearsal.simulated_page import SimulatedPage; SimulatedPage.delete = SimulatedPage.disable"
"""The page disables what it was told to delete."""
FULL = """
from wizard.core.errors import WizardError
from wizard.rotation.journal import Journal
def full(*_, **__):
    raise WizardError("The disk is full")
Journal.finish = full
"""


@pytest.fixture(autouse=True)
def _no_exchange_is_left() -> Iterator[None]:
    yield
    end_exchange(Path(os.environ["KEY_WIZARD_HOME"]))


def rehearse(changed: str, *arguments: str) -> tuple[int, str, str]:
    """Run the program with something in it changed first."""
    ended = subprocess.run(
        [*program(HURRIED + changed), "rehearse", "--auto", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


async def test_a_disabled_key_keeps_its_secret_and_is_not_proven(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedPage, "delete", SimulatedPage.disable)
    told: list[PlayedStep] = []
    async with rehearsing(SMOOTH) as (flow, simulated_page):
        player = Player(flow, simulated_page, KeyKind.HMAC, SMOOTH, on_step=told.append)
        assert not await player.play()
        assert player.as_json()["grade"] is Grade.STRONG
        assert flow.retire.legacy is not None
        assert await flow.context.vault.fetch(flow.retire.legacy) is not None
    assert told[-1].outcome is Outcome.INCONCLUSIVE
    assert "disabled" in told[-1].evidence[-1].does_not_prove


async def test_what_is_called_proven_has_its_report_in_the_journal(clean_environment: Path) -> None:
    kept: list[bool] = []
    async with rehearsing(SMOOTH) as (flow, simulated_page):

        def look(_: PlayedStep) -> None:
            kept.append(any(event.kind == CERTIFIED for event in flow.context.journal.events()))

        player = Player(flow, simulated_page, KeyKind.HMAC, SMOOTH, on_step=look)
        assert await player.play()
    assert kept == [False, False, False, False, True]


def test_only_proven_is_fine() -> None:
    code, out, err = rehearse(DISABLES, "--json")
    assert code == Exit.INCONCLUSIVE, err
    assert "not proven: strong." in err
    assert json.loads(out)["grade"] == "strong"


def test_nothing_is_called_proven_whose_report_could_not_be_kept() -> None:
    code, out, err = rehearse(FULL, "--json")
    assert code == Exit.INCONCLUSIVE, err
    assert "The disk is full" in err
    assert "not proven: inconclusive." in err
    said = (out + err).replace('"proven_at"', "").replace('"proven_from"', "")  # of the key that has taken over
    assert "proven" not in said.replace("The legacy key is proven dead, and", "").replace("not proven", "")
