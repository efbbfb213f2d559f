"""What people expect of a command line that they script: variables, corrections, completion."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.commands.conftest import Bench, Command
from tests.commands.test_keys_given import GIVEN
from wizard.cli import COMMANDS

PLACES = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}


def test_a_variable_stands_for_an_option_and_the_command_line_goes_before_it(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_WIZARD_WHITELIST_FORMAT", "lines")
    assert command("whitelist", "8.8.8.8", "9.9.9.9").out == "8.8.8.8\n9.9.9.9\n"
    assert command("whitelist", "8.8.8.8", "9.9.9.9", "--format", "commas").out == "8.8.8.8,9.9.9.9\n"
    monkeypatch.setenv("KEY_WIZARD_WHITELIST_FORMAT", "")
    assert command("whitelist", "8.8.8.8", "9.9.9.9").out == "8.8.8.8,9.9.9.9\n"


@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)])
def test_a_variable_switches_an_option_on(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch, value: str, is_on: bool
) -> None:
    monkeypatch.setenv("KEY_WIZARD_STATUS_JSON", value)
    assert command("status").out.startswith("{") is is_on


def test_a_variable_of_all_commands_names_the_environment(
    bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_WIZARD_ENV", "benhc")
    said = command("egress")
    assert (said.code, said.out) == (2, "")
    assert "Did you mean bench?" in said.err


def test_what_a_variable_says_wrongly_is_refused_with_its_name(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_WIZARD_CHECK_MAX_AGE", "soon")
    said = command("check", "production", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "usage")
    assert "KEY_WIZARD_CHECK_MAX_AGE" in said.err


@pytest.mark.parametrize("shape", GIVEN)
def test_a_key_in_a_variable_is_refused_and_not_repeated(
    command: Command, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setenv("KEY_WIZARD_CHECK_NOTIFY", GIVEN[shape])
    said = command("check", "production", "--json")
    assert (said.code, said.json["error"]["code"]) == (2, "argument.key")
    assert GIVEN[shape][:12] not in said.out + said.err


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_s_help_names_a_variable_for_each_option(name: str, command: Command) -> None:
    shown = command(name, "--help").out
    options, _, variables = shown.partition("options:\n")[2].partition("Variables:")
    listed = {line.split()[0].rstrip(",") for line in options.splitlines() if line.startswith("  -")}
    for option in listed - {"-h", "--env", "--plain"}:
        assert f"KEY_WIZARD_{name}_{option[2:]}".replace("-", "_").upper() in variables.replace(",", "").split()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["chek", "production"], "check"),
        (["check", "production", "--quite"], "--quiet"),
        (["check", "prodction"], "production"),
        (["--env", "stagin"], "staging"),
        (["rehearse", "--scenario", "adress-changed"], "address-changed"),
        (["--job", "replcae"], "replace"),
        (["doctor", "--only", "netwrok"], "network"),
        (["--plian"], "--plain"),
    ],
)
def test_a_slip_is_answered_with_what_was_probably_meant(command: Command, arguments: list[str], meant: str) -> None:
    said = command(*arguments)
    assert (said.code, said.out) == (2, "")
    assert f"Did you mean {meant}?" in said.err


@pytest.mark.parametrize("arguments", [["--hel"], ["--env=bench", "--vers"], *([name, "--hel"] for name in COMMANDS)])
def test_a_shortened_option_is_refused_as_a_later_option_could_change_its_meaning(
    command: Command, arguments: list[str]
) -> None:
    said = command(*arguments)
    assert (said.code, said.out) == (2, "")


@pytest.mark.parametrize("shell", PLACES)
def test_a_shell_can_read_its_completion_which_names_every_command_that_help_lists(
    command: Command, shell: str
) -> None:
    said = command("completion", shell)
    assert (said.code, said.err) == (0, "")
    assert all(name in said.out for name in COMMANDS if name != "exchange")
    assert "clock-skewed" in said.out
    if shutil.which(shell):
        subprocess.run([shell, *PLACES[shell], "/dev/stdin"], input=said.out, text=True, check=True)


def test_bash_completes_commands_options_and_values(command: Command) -> None:
    script = command("completion", "bash").out
    for words, found in (("ch", "check"), ("check production --m", "--max-age"), ("doctor --only fil", "files")):
        ask = (
            f"COMP_WORDS=(key-wizard {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _shtab_key_wizard;"
            ' echo "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [found]
