"""A key as an argument, or on standard input, is refused: no word of any command repeats it."""

from __future__ import annotations

import io
import random
import string
import sys

import pytest

from tests.canaries import leaked
from tests.commands.conftest import Command
from wizard.cli import COMMANDS
from wizard.exchange.signing import generate_ed25519

_RANDOM = random.Random(7)
_PEM = generate_ed25519().private_pem.reveal()
GIVEN = {
    "hexadecimal": "".join(_RANDOM.choices("0123456789abcdef", k=64)),
    "hexadecimal, 40": "".join(_RANDOM.choices("0123456789abcdef", k=40)),
    "digits": "".join(_RANDOM.choices(string.digits, k=64)),
    "mixed": "".join(_RANDOM.choices(string.ascii_letters + string.digits, k=64)),
    "within": f"key={''.join(_RANDOM.choices('0123456789abcdef', k=64))},",
    "PEM": _PEM,
    "PEM on one line": _PEM.replace("\n", " "),
    "PEM without its frame": _PEM.splitlines()[1],
}
PLACES = [
    *([name, "{}"] for name in COMMANDS),
    *([name, "production", "{}"] for name in COMMANDS if name != "exec"),
    ["{}"],
    ["--env", "{}"],
    ["--env={}", "--plain"],
    ["--{}"],
    ["whitelist", "198.51.100.7", "{}", "--json"],
    ["whitelist", "198.51.100.7 # {}"],
    ["whitelist", "--env", "{}", "198.51.100.7"],
    ["whitelist", "--egress", "{}", "198.51.100.7"],
    ["whitelist", "--format", "{}", "198.51.100.7"],
    ["whitelist", "--", "{}"],
    ["egress", "--hosts", "{}"],
    ["egress", "--hosts", "bot-1,{}"],
    ["egress", "--hosts={}", "--json"],
    ["egress", "--env", "{}"],
    ["exec", "{}", "--", "true"],
    ["check", "exec", "--", "{}"],
    ["whitelist", "exec", "--", "{}"],
    ["--env", "exec", "check", "production", "--", "{}"],
    ["--env", "exec", "--", "{}"],
    ["check", "production", "--notify", "{}"],
    ["rehearse", "--scenario", "{}"],
    ["rehearse", "--kind", "{}", "--auto"],
    ["rehearse", "--source-address", "{}", "--auto"],
    ["exchange", "--port", "{}"],
    ["exchange", "--seed", "{}"],
    ["exchange", "--scenario", "{}"],
    ["storage", "production", "--import", "{}"],
    ["storage", "production", "--delete", "{}"],
    ["doctor", "--only", "{}"],
]


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
@pytest.mark.parametrize("shape", GIVEN)
def test_a_key_as_an_argument_is_refused_and_not_repeated(command: Command, place: list[str], shape: str) -> None:
    said = command(*(word.format(GIVEN[shape]) for word in place))
    assert said.code == 2
    assert "An argument looks like a key" in said.err
    assert leaked(GIVEN[shape], said.out + said.err) == []


@pytest.mark.parametrize("arguments", [["--json"], [], ["--env", "production"]], ids=" ".join)
@pytest.mark.parametrize("line", ["{}", "198.51.100.7 # {}", "198.51.100.7,{}"])
@pytest.mark.parametrize("shape", GIVEN)
def test_a_key_on_standard_input_is_refused_and_its_line_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str, shape: str
) -> None:
    given = f"203.0.113.42\n{line.format(GIVEN[shape])}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    said = command("whitelist", "-", *arguments)
    assert said.code == 2
    assert "Line 2 of the list looks like a key" in said.err
    if "--json" in arguments:
        assert said.json["error"]["code"] == "argument.key"
    else:
        assert said.out == ""
    assert leaked(GIVEN[shape], said.out + said.err) == []


def test_a_key_among_the_hosts_on_standard_input_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"bot-1\n{GIVEN['hexadecimal']}\n".encode())))
    said = command("egress", "--hosts", "-")
    assert said.code == 2
    assert leaked(GIVEN["hexadecimal"], said.err.encode()) == []


def test_the_command_that_exec_starts_may_hold_a_digest(command: Command) -> None:
    image = f"bot@sha256:{GIVEN['hexadecimal']}"
    for before in ((), ("--plain",), ("--env", "production"), ("--env=exec",)):
        said = command(*before, "exec", "nowhere", "--", "docker", "run", image)
        assert "There is no environment called 'nowhere'" in said.err


@pytest.mark.parametrize(
    "word",
    [
        "key-wizard:production:0123456789ab:0123456789abcdef",
        "bot-eu-west-1.very-long-name.of-a-department.of-a-company.internal.example.com",
        "ip-10-0-12-34.eu-central-1.compute.internal",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    ],
)
def test_fingerprints_items_and_long_host_names_are_no_keys(command: Command, word: str) -> None:
    assert "looks like a key" not in command("storage", word).err
