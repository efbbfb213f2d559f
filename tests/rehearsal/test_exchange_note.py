"""What the last rehearsal wrote down of its exchange: a later one ends the process that it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizard.rehearsal.process import ExchangeProcess, recall, remember

KNOWN = ExchangeProcess(4711, 8080, "smooth")


def test_what_is_remembered_is_recalled(tmp_path: Path) -> None:
    remember(KNOWN, tmp_path / "exchange.json")
    assert recall(tmp_path / "exchange.json") == KNOWN
    assert (tmp_path / "exchange.json").stat().st_mode & 0o777 == 0o600


def test_a_link_in_its_place_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    victim, note = tmp_path / "victim", tmp_path / "exchange.json"
    victim.write_text("precious")
    victim.chmod(0o644)
    note.symlink_to(victim)
    remember(KNOWN, note)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o644)
    assert recall(note) == KNOWN


@pytest.mark.parametrize(
    "changed",
    [
        {"pid": -1},
        {"pid": 0},
        {"pid": 1},
        {"pid": True},
        {"pid": "4711"},
        {"pid": 10**400},
        {"port": 0},
        {"port": 99999},
        {"port": "8080"},
        {"port": "8080@example.com"},
        {"port": True},
        {"base_url": "http://192.0.2.1:80"},
        {"scenario": []},
        {"more": 1},
    ],
)
def test_a_note_that_cannot_be_ours_names_no_process(tmp_path: Path, changed: dict[str, object]) -> None:
    note = {"pid": 4711, "port": 8080, "scenario": "smooth"}
    (tmp_path / "exchange.json").write_text(json.dumps({**note, **changed}))
    assert recall(tmp_path / "exchange.json") is None


@pytest.mark.parametrize("text", ["", "[]", "[" * 4000, "9" * 4000, "x" * 100_000])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "exchange.json").write_text(text)
    assert recall(tmp_path / "exchange.json") is None
