from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, Command
from tests.custody.refusals import refused
from tests.terminal.harness import Terminal
from wizard.commands import prompts
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import make_file, open_file

OLD, NEW = "seven random words", "eight other random words"


@pytest.fixture
def file(bench: Bench) -> Path:
    bench.configure('[custody]\nplace = "encrypted-file"\n')
    asyncio.run(make_file(bench.paths.encrypted_file, Secret(OLD), 10))
    return bench.paths.encrypted_file


def terminal(*arguments: str) -> Terminal:
    return Terminal([sys.executable, "-m", "wizard", *arguments], env=dict(os.environ), cwd=Path(__file__).parents[2])


@pytest.mark.terminal
def test_it_is_changed_on_a_terminal_and_nothing_typed_is_seen(file: Path) -> None:
    with terminal("storage", "--passphrase") as seen:
        seen.wait_for("Passphrase of the encrypted file:")
        seen.send(f"{OLD}\r")
        seen.wait_for("New passphrase:")
        seen.send(f"{NEW}\r")
        seen.wait_for("The new one once more:")
        seen.send(f"{NEW}\r")
        seen.wait_for("The new passphrase now opens the encrypted file")
        assert seen.wait() == 0
        assert b"random" not in seen.raw
    asyncio.run(open_file(file, Secret(NEW), 10))
    with refused("wrong-passphrase"):
        asyncio.run(open_file(file, Secret(OLD), 10))


@pytest.mark.terminal
@pytest.mark.parametrize("arguments", [["storage", "--passphrase"], ["doctor", "--only", "keyring"]], ids=" ".join)
def test_ctrl_c_at_the_question_ends_it_at_once_and_typing_is_seen_again(file: Path, arguments: list[str]) -> None:
    with terminal(*arguments) as seen:
        seen.wait_for("Passphrase of the encrypted file:")
        assert not seen.is_restored()
        seen.send("\x03")
        assert seen.wait(timeout=10) == 130
        assert seen.is_restored()


@pytest.mark.terminal
def test_what_is_not_typed_in_utf_8_is_told_and_is_no_internal_error(file: Path) -> None:
    with terminal("storage", "--passphrase") as seen:
        seen.wait_for("Passphrase of the encrypted file:")
        seen.send(b"caf\xe9 as a Latin-1 terminal sends it\r")
        seen.wait_for("What was typed is not text in UTF-8")
        assert seen.wait() == 5
        assert b"Latin-1" not in seen.raw
        assert seen.is_restored()


def test_a_wrong_old_one_is_told_before_a_new_one_is_typed_and_two_that_differ_change_nothing(
    file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    for typed, code, words in (
        (["wrong one"], 5, "This passphrase does not open the encrypted file"),
        ([OLD, NEW, f"{NEW}x"], 1, "The two new passphrases are not the same"),
        ([OLD, "short", "short"], 5, "12 characters or more"),
    ):
        answers = iter(typed)
        monkeypatch.setattr("wizard.commands.storage.ask", lambda *_, answers=answers: Secret(next(answers)))
        said = command("storage", "--passphrase")
        assert (said.code, words in said.err) == (code, True), said.err
        assert not list(answers)
    assert file.read_bytes() == before


def test_it_is_asked_for_on_a_terminal_only(
    file: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "TERMINAL", tmp_path / "no-terminal")
    said = command("storage", "--passphrase")
    assert (said.code, "there is no terminal" in said.err) == (2, True)


def test_with_the_keyring_as_the_place_there_is_nothing_to_change(bench: Bench, command: Command) -> None:
    said = command("storage", "--passphrase")
    assert (said.code, "not in the encrypted file" in said.err) == (5, True)
