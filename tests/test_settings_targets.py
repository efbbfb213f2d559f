"""Delivery targets in `config.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_settings_unattended import load
from wizard.core.bot_variables import OWN, Names
from wizard.core.errors import WizardError
from wizard.core.targets import Target


def targets(tmp_path: Path, text: str) -> tuple[Target, ...]:
    return load(tmp_path, f"[environments.bot]\n{text}").targets


def test_targets_are_read_in_their_order(tmp_path: Path) -> None:
    found = targets(
        tmp_path,
        """[environments.bot.deliver.bot-1]
host = "trader@bot-1"
file = "/srv/bot/binance.json"
restart = ["systemctl", "--user", "restart", "bot"]
[environments.bot.deliver.local]
systemd_credential = "binance"
format = "env"
[environments.bot.deliver.vault]
openbao = "secret/bots/binance"
format = "KEY=A,SECRET=B"
[environments.bot.deliver.cloud]
command = ["/usr/local/bin/to-cloud", "--now"]
""",
    )
    assert found == (
        Target("bot-1", "trader@bot-1", "/srv/bot/binance.json", restart=("systemctl", "--user", "restart", "bot")),
        Target("local", file="/etc/credstore.encrypted/binance", credential="binance", names=OWN),
        Target("vault", openbao="secret/bots/binance", names=Names("A", "B", "B")),
        Target("cloud", command=("/usr/local/bin/to-cloud", "--now")),
    )
    places = ["trader@bot-1:/srv/bot/binance.json", "/etc/credstore.encrypted/binance"]
    assert [each.place for each in found] == [*places, "OpenBao secret/bots/binance", "/usr/local/bin/to-cloud"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 2, "It names one place."),
        ('file = "/a/b"\nopenbao = "a/b"', 2, "It names one place."),
        ('file = "binance.json"', 3, "A path is absolute"),
        ('file = "/a/../etc/binance.json"', 3, "A path is absolute"),
        ('file = "/a/.."', 3, "A path is absolute"),
        ('file = "/a/b;rm x"', 3, "A path is absolute"),
        ('file = "/a/b c"', 3, "A path is absolute"),
        ("file = \"/a/'b'\"", 3, "A path is absolute"),
        ('file = "/a/b\\n"', 3, "A path is absolute"),
        ('systemd_credential = "../x"', 3, "A path is absolute"),
        ('openbao = "secret"', 3, "begins with its mount"),
        ('openbao = "/secret/x"', 3, "A path is absolute"),
        ('openbao = "a/b"\nhost = "bot-1"', 3, "Only a file can be on another host"),
        ('command = ["x"]\nhost = "bot-1"', 3, "Only a file can be on another host"),
        ('file = "/a/b"\nhost = "-oProxyCommand=x"', 4, "It begins with a dash"),
        ('file = "/a/b"\nformat = "yaml"', 4, "There is no such format."),
        ('file = "/a/b"\nfromat = "env"', 4, ""),
        ("file = 3", 3, ""),
        (f'command = ["x", "{"a1" * 32}"]', 3, "looks like a key"),
        ('file = "/a/b"\nrestart = [""]', 4, "It names no program."),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(WizardError) as raised:
        targets(tmp_path, f"[environments.bot.deliver.one]\n{text}\n")
    assert raised.value.what.endswith(f", line {line}"), raised.value.what
    assert says in raised.value.why


def test_a_target_has_a_plain_name(tmp_path: Path) -> None:
    with pytest.raises(WizardError, match="bot 1"):
        targets(tmp_path, '[environments.bot.deliver."bot 1"]\nfile = "/a/b"\n')
