"""Sub-accounts and the policy of unattended rotation in `config.toml`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from wizard.core import settings
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.core.unattended import RotationPolicy

ACCOUNT = 'sub_account = { email = "bot+1@example.com", managed_by = "master" }'


def load(tmp_path: Path, text: str, name: str = "bot") -> Environment:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return settings.load(file).environment(name)


def test_a_sub_account_knows_its_master_and_its_policy(tmp_path: Path) -> None:
    bot = load(
        tmp_path,
        f"""[environments.bot]
{ACCOUNT}
[environments.bot.rotation]
every = "30 days"
grace = "10 minutes"
allowed = ["203.0.113.0/24"]
permissions = ["enableFutures"]
on_switch = ["systemctl", "restart", "bot"]
[environments.master]
source_address = "192.0.2.9"
""",
    )
    assert bot.sub_account is not None
    assert (bot.sub_account.email, bot.sub_account.master.source_address) == ("bot+1@example.com", "192.0.2.9")
    assert bot.rotation == RotationPolicy(
        2592000.0, 600.0, (IPv4Network("203.0.113.0/24"),), ("enableFutures",), ("systemctl", "restart", "bot")
    )


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('sub_account = { email = "bot", managed_by = "master" }', "names no email address"),
        ('sub_account = { email = "a@b.c", managed_by = "nobody" }', "environment of the master account"),
        ('sub_account = { email = "a@b.c", managed_by = "bot" }', "environment of the master account"),
        ('sub_account = { email = "a@b.c", managed_by = "other" }', "environment of the master account"),
        ('sub_account = { email = "a@b.c", master = "master" }', "no such setting"),
        (f'site = "testnet"\n{ACCOUNT}', "site of master is not that of bot"),
        ('rotation = { every = "monthly" }', "a whole number and a unit"),
        ("rotation = { every = 30 }", "has to be a text"),
        ('rotation = { grace = "0 seconds" }', "a whole number and a unit"),
        ('rotation = { allowed = ["0.0.0.0/0"] }', "allows too many addresses"),
        ('rotation = { allowed = ["203.0.113.7/24"] }', "not an IPv4 address or block"),
        ('rotation = { permissions = ["enableWithdrawals"] }', "No permission of that name"),
        ("rotation = { on_switch = [] }", "names no program"),
        (f'rotation = {{ on_failure = ["x", "{"a" * 64}"] }}', "looks like a key"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(tmp_path: Path, lines: str, says: str) -> None:
    others = f"[environments.master]\n[environments.other]\n{ACCOUNT}\n[environments.bot]\n{lines}\n"
    with pytest.raises(WizardError) as raised:
        load(tmp_path, others)
    assert says in raised.value.why
    assert ", line " in raised.value.what
    assert "a" * 64 not in " ".join(raised.value.sentences())


def test_without_blocks_only_the_list_in_use_is_allowed() -> None:
    listed = (IPv4Network("203.0.113.42"),)
    assert RotationPolicy().allows(IPv4Address("203.0.113.42"), listed)
    assert not RotationPolicy().allows(IPv4Address("203.0.113.43"), listed)
    assert not RotationPolicy(allowed=(IPv4Network("198.51.100.0/24"),)).allows(listed[0].network_address, listed)


@pytest.mark.parametrize(
    ("every", "max_age", "due"), [("30 days", "20 days", 20), ("30 days", "40 days", 30), ("", "40 days", 40)]
)
def test_a_key_is_due_before_the_policy_calls_it_too_old(tmp_path: Path, every: str, max_age: str, due: int) -> None:
    rotation = f'[environments.bot.rotation]\nevery = "{every}"\n' if every else ""
    bot = load(tmp_path, f'[policy]\nmax_age = "{max_age}"\n[environments.bot]\n{rotation}')
    assert bot.rotation.every == due * 86400.0
    assert bot.policy.max_age is not None
    assert bot.rotation.every <= bot.policy.max_age
