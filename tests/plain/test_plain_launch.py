"""From the command line to the line mode, and what becomes of a crash."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from wizard.core.errors import Exit, UsageError
from wizard.core.settings import Paths
from wizard.core.shutdown import Shutdown
from wizard.environments import RehearsalEnvironments
from wizard.plain.walk import Walk, open_wizard
from wizard.rehearsal.scenarios import SMOOTH


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "config", tmp_path / "state")


def test_a_crash_is_reported_without_its_text(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def crash(_walk: Walk) -> None:
        secret = "S3cr3tS3cr3t"
        raise RuntimeError(secret)

    monkeypatch.setattr(Walk, "run", crash)
    before = signal.getsignal(signal.SIGTERM)
    assert open_wizard(RehearsalEnvironments(paths, "0.0.0.0", SMOOTH), None, "", Shutdown()) == Exit.INTERNAL_ERROR
    assert signal.getsignal(signal.SIGTERM) is before
    said = capsys.readouterr()
    assert "RuntimeError" in said.err
    assert "S3cr3t" not in said.out + said.err


def test_without_an_output_it_refuses_in_words(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)
    with pytest.raises(UsageError) as refusal:
        open_wizard(RehearsalEnvironments(paths, "0.0.0.0", SMOOTH), None, "", Shutdown())
    assert refusal.value.why == "Standard output is closed."
