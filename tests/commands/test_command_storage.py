from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, Command
from tests.terminal.harness import Terminal
from wizard.commands import prompts
from wizard.core.credentials import Credentials
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import make_file, open_file

PASSPHRASE = "seven random words"


@pytest.fixture
def lost(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """A key in the encrypted file, which opens by itself, and a journal that is gone."""
    bench.configure('[custody]\nplace = "encrypted-file"\n')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key-wizard-passphrase").write_text(PASSPHRASE)
    made = bench.put_in_use(asyncio.run(make_file(bench.paths.encrypted_file, Secret(PASSPHRASE), 10)))
    for file in bench.paths.state.glob("journal.*"):
        file.unlink()
    return made


def item_of(made: Credentials) -> str:
    return f"key-wizard:bench:{made.name.fingerprint}"


def test_the_doctor_and_the_list_name_what_the_journal_does_not_know_and_make_no_journal(
    bench: Bench, lost: Credentials, command: Command
) -> None:
    said = command("doctor", "--only", "keyring", "--json")
    assert (said.code, said.check("Storage")["state"]) == (0, "ready")
    assert said.check("Stored keys")["outcome"] == "warning"
    assert item_of(lost) in said.check("Stored keys")["observed"]
    assert "key-wizard storage" in said.check("Stored keys")["advice"]
    assert not bench.paths.journal.exists()
    said = command("storage", "bench", "--json")
    (stray,) = said.json["strays"]
    assert (said.code, stray["item"], stray["can_be_adopted"]) == (1, item_of(lost), True)
    assert lost.signing.reveal() not in said.out + said.err
    assert f"the HMAC key {lost.name}" in command("storage", "bench").out


def test_an_imported_one_waits_for_its_proof_and_what_is_unknown_is_told(
    bench: Bench, lost: Credentials, command: Command
) -> None:
    assert command("storage", "bench", "--import", "key-wizard:bench:no-such").code == 1
    said = command("storage", "bench", "--import", item_of(lost))
    assert (said.code, "key-wizard --env bench" in said.out) == (0, True), said.err
    assert command("status").code == 3
    assert command("exec", "bench", "--", "true").code == 1  # nothing is in use before it is proven


@pytest.mark.terminal
@pytest.mark.parametrize(("typed", "code", "is_there"), [("yes", 1, True), ("delete", 0, False)])
def test_an_unknown_key_is_deleted_by_the_typed_word_alone(
    bench: Bench, lost: Credentials, typed: str, code: int, is_there: bool
) -> None:
    arguments = [sys.executable, "-m", "wizard", "storage", "bench", "--delete", item_of(lost)]
    with Terminal(arguments, env=dict(os.environ), cwd=Path(__file__).parents[2]) as terminal:
        terminal.wait_for("Type delete to go on:")
        terminal.send(f"{typed}\r")
        assert terminal.wait() == code
    store = asyncio.run(open_file(bench.paths.encrypted_file, Secret(PASSPHRASE), 10))
    assert (asyncio.run(store.read(item_of(lost))) is not None) == is_there


def test_without_a_terminal_nothing_is_deleted(
    lost: Credentials, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "TERMINAL", tmp_path / "no" / "terminal")
    assert command("storage", "bench", "--delete", item_of(lost)).code == 2
    assert command("storage", "bench").code == 1


def test_a_key_that_the_journal_has_and_the_place_lacks_is_exit_1(
    bench: Bench, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.configure('[custody]\nplace = "encrypted-file"\n')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "key-wizard-passphrase").write_text(PASSPHRASE)
    store = asyncio.run(make_file(bench.paths.encrypted_file, Secret(PASSPHRASE), 10))
    shutil.copy(bench.paths.encrypted_file, tmp_path / "older")
    made = bench.put_in_use(store)
    assert command("doctor", "--only", "keyring").code == 0
    shutil.copy(tmp_path / "older", bench.paths.encrypted_file)  # a rollback, which the file itself does not show
    said = command("doctor", "--only", "keyring", "--json")
    assert (said.code, said.check("Stored keys")["outcome"]) == (1, "failed")
    assert f"the current key {made.name} of bench" in said.check("Stored keys")["observed"]
