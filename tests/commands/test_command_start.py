from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Bench, Command
from tests.terminal.harness import Terminal
from wizard import cli
from wizard.cli import COMMANDS, run
from wizard.commands import history
from wizard.core.safety import Inherited

REPOSITORY = Path(__file__).parents[2]
SLOW = {"httpx", "textual", "keyring", "cryptography"}


@pytest.mark.parametrize("arguments", [["--version"], ["whitelist", "8.8.8.8"], ["status"]])
def test_a_quick_command_loads_no_slow_library(arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom wizard.__main__ import main\nsys.argv = ['key-wizard', *{arguments}]\n"
        f"try:\n  main()\nexcept SystemExit:\n  pass\nprint({SLOW} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_an_environment_that_is_not_there_is_wrong_usage_and_says_which_are(bench: Bench, command: Command) -> None:
    for arguments in (["egress", "--env", "benhc"], ["check", "benhc"], ["exec", "benhc", "--", "true"]):
        said = command(*arguments)
        assert (said.code, said.out) == (2, "")
        assert "'benhc'" in said.err
        assert "The settings have bench." in said.err


def test_settings_that_cannot_be_read_are_told_by_every_command(bench: Bench, command: Command) -> None:
    bench.paths.config_file.write_text("[environments")
    for arguments in (["egress"], ["whitelist", "8.8.8.8"], ["check", "bench"], ["exec", "bench", "--", "true"]):
        said = command(*arguments)
        assert (said.code, said.out) == (1, "")
        assert f"The wizard cannot read {bench.paths.config_file}" in said.err


def test_with_json_an_error_is_an_object_with_a_code_as_well_as_words(bench: Bench, command: Command) -> None:
    said = command("check", "benhc", "--json")
    assert said.code == 2
    assert said.json["error"]["code"] == "environment.unknown"
    assert said.json["error"]["what"] in said.err
    bench.paths.config_file.write_text("[custody]\nplac = 3\n")
    said = command("status", "--json")
    assert said.code == 1
    assert said.json["error"]["code"] == "settings.invalid"
    assert said.json["error"]["advice"] == "Did you mean place?"


def test_a_defect_ends_with_70_and_tells_no_value(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr(history, "read_journal", fail)
    said = command("history")
    assert (said.code, said.out) == (70, "")
    assert "Internal error: ValueError" in said.err
    assert "hunter2" not in said.err


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_s_help_begins_with_examples_that_can_be_parsed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([name, "--help"], Inherited({}, umask=0o022, core_limit=0))
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    examples = re.findall(rf"^  (?:.*\| )?key-wizard ({name}.*?)(?:   .*)?$", shown, re.MULTILINE)
    assert len(examples) > 1
    assert shown.index("examples:") < shown.index("options:")
    for example in examples:
        words = shlex.split(re.split(" [<>]", example)[0])
        cli.parse(words, argparse.Namespace())


@pytest.mark.terminal
@pytest.mark.parametrize(
    ("environ", "arguments", "seen"),
    [
        ({"TERM": "dumb"}, [], "What next?"),
        ({"TERM": ""}, [], "What next?"),
        ({"KEY_WIZARD_PLAIN": "1"}, [], "What next?"),
        ({"KEY_WIZARD_PLAIN": "1"}, ["rehearse"], "What next?"),
        ({"KEY_WIZARD_PLAIN": "0"}, [], "\x1b[?1049h"),
    ],
    ids=str,
)
def test_a_terminal_that_cannot_draw_and_a_user_who_wants_lines_get_lines(
    clean_environment: Path, environ: dict[str, str], arguments: list[str], seen: str
) -> None:
    with Terminal(
        [sys.executable, "-m", "wizard", *arguments], env={**os.environ, **environ}, cwd=REPOSITORY
    ) as terminal:
        terminal.wait_until(lambda screen: seen in screen or seen.encode() in terminal.raw, seen)
        assert (b"\x1b" in terminal.raw) == (seen != "What next?")
        terminal.kill()
        assert terminal.wait() == 143


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"KEY_WIZARD_PLAIN": "1"}], ids=str)
def test_lines_need_no_terminal(clean_environment: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wizard"],
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # There is no keyring either.
    assert (done.returncode, "What next?" in done.stdout) == (5, True), done.stderr


def test_a_reader_that_went_away_is_no_defect(bench: Bench) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "wizard", "history", "--json"],
        cwd=REPOSITORY,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rehearse", "--kind", "rsa"], "invalid choice: 'rsa' (choose from "),
        (["doctor", "--only", "foo"], "invalid choice: 'foo' (choose from "),
        (["check", "production", "--max-age", "x"], "it is not a number of 0 or more"),
    ],
)
def test_a_wrong_value_is_told_in_the_words_of_the_command_line(
    arguments: list[str], said: str, command: Command
) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
