"""`key-wizard deliver`, and what `status` and `check` say of targets: what scripts and people see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, Command
from wizard.custody.records import Slot
from wizard.custody.store import Store


@pytest.fixture
def files(bench: Bench, tmp_path: Path) -> list[Path]:
    """The files of two targets on this machine; the directory of the second is not there yet."""
    found = [tmp_path / name / "binance.json" for name in ("one", "two")]
    found[0].parent.mkdir(mode=0o700)
    bench.configure("".join(f'[environments.bench.deliver.{each.parent.name}]\nfile = "{each}"\n' for each in found))
    return found


def test_what_is_due_is_delivered_and_every_command_says_why_it_is_not(
    bench: Bench, fake_keyring: Store, files: list[Path], command: Command
) -> None:
    key = bench.put_in_use(fake_keyring)
    first = command("deliver", "bench", "--json")
    assert first.code == 1, first
    one, two = first.json["targets"]
    assert (one["outcome"], two["outcome"]) == ("passed", "failed")
    assert first.json["current"]["fingerprint"] == key.name.fingerprint
    assert "directory does not exist" in two["observed"]
    status = command("status")
    assert "directory does not exist" in status.out
    assert "one has" not in status.out
    assert [each["outcome"] for each in command("status", "--json").json["environments"][0]["targets"]] == [
        "passed",
        "failed",
    ]
    check = command("check", "bench", "--json")
    assert (check.code, check.check("Target two")["outcome"]) == (1, "failed")
    assert "key-wizard deliver bench" in check.check("Target two")["advice"]
    files[1].parent.mkdir(mode=0o700)
    written = files[0].stat().st_mtime_ns
    second = command("deliver", "bench")
    assert (second.code, second.err) == (0, "")
    assert "Target two" in second.out
    assert files[0].stat().st_mtime_ns == written
    assert json.loads(files[1].read_text())["secret"] == key.signing.reveal()
    assert command("check", "bench", "--quiet").code == 0
    for said in (first, second, status, check):
        assert key.signing.reveal() not in said.out + said.err
        assert key.api_key.reveal() not in said.out + said.err


def test_a_legacy_key_lives_as_long_as_a_target_is_due(
    bench: Bench, fake_keyring: Store, files: list[Path], command: Command
) -> None:
    bench.put_in_use(fake_keyring, slot=Slot.LEGACY)
    bench.put_in_use(fake_keyring)
    assert command("deliver", "bench").code == 4
    assert command("check", "bench").code == 4
    files[1].parent.mkdir(mode=0o700)
    assert command("deliver", "bench").code == 0
    assert command("status").code == 4


def test_without_targets_or_a_key_it_says_what_to_do(bench: Bench, files: list[Path], command: Command) -> None:
    assert command("deliver", "bench", "--json").code == 1
    bench.configure()
    said = command("deliver", "bench")
    assert said.code == 2
    assert "[environments.bench.deliver.bot-1]" in said.err
