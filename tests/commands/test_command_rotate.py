"""`key-wizard rotate`: what a timer, a script and a person at a terminal see of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.conftest import HERE, Bench, Command
from tests.secret_service import secret_service
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import make_file
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore, Store
from wizard.custody.vault import Vault
from wizard.rotation.context import Pace
from wizard.rotation.opening import sole_writer

EMAIL = "bot+1@example.com"
PASSPHRASE = "correct horse battery"
PROGRAM = Path(sys.executable).with_name("key-wizard")


class Account:
    """Sub-accounts on the bench, each an environment, with one master's key."""

    def __init__(self, bench: Bench, store: Store) -> None:
        self.bench, self.store, self.canaries = bench, store, list[str]()

    def request(self, method: str, path: str, **body: Any) -> Any:
        answer = httpx.request(method, f"{self.bench.desk_url}/{path}", json=body or None, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def keys(self, email: str = EMAIL) -> list[Any]:
        return [row for row in self.request("GET", "keys") if row["account"] == email]

    def configure(self, policy: str = "", *, others: int = 0, custody: str = "") -> None:
        site = (
            f'site = "custom"\nbase_url = "{self.bench.base_url}"\nhas_sapi = true\n'
            'tolerated_ranges = ["documentation"]\n'
        )
        text = f"{custody}[environments.master]\n{site}"
        for number in range(1, 2 + others):
            text += f'[environments.bot-{number}]\n{site}sub_account = {{ email = "bot+{number}@example.com",'
            text += f' managed_by = "master" }}\n[environments.bot-{number}.rotation]\ngrace = "1 second"\n'
            text += f'allowed = ["203.0.113.0/24"]\n{policy}\n'
        self.bench.paths.config_file.write_text(text)

    def put(self, environment: str, account: str | None, whitelist: str = HERE, *permissions: str) -> None:
        """Make a key at the desk, and store it as the one in use."""
        granted = ["enableReading", "enableSpotAndMarginTrading", *permissions]
        about = {"label": "in use", "kind": "hmac", "permissions": granted, "whitelist": whitelist, "account": account}
        made = self.request("POST", "keys", **about)
        self.canaries += [made["api_key"], made["secret"]]
        asyncio.run(self._store(environment, made, whitelist))

    async def _store(self, environment: str, made: Any, whitelist: str) -> None:
        with self.bench.journal() as journal:
            vault = Vault(environment, journal, self.store, time.time)
            with Credentials(KeyKind.HMAC, Secret(made["api_key"]), Secret(made["secret"])) as credentials:
                await vault.put(credentials, Slot.CURRENT, whitelist=whitelist)

    def open(self, number: int = 1) -> None:
        email = f"bot+{number}@example.com"
        self.request("POST", "sub-accounts", email=email)
        self.put(f"bot-{number}", email)

    def spared(self, text: str) -> None:
        """Fail where a text holds a secret, or a whole API key."""
        live = [row["api_key"] for row in self.request("GET", "keys")]
        assert not [each for each in (*self.canaries, *live, PASSPHRASE, "PRIVATE KEY") if each in text]


@pytest.fixture
def account(bench: Bench, fake_keyring: Store) -> Account:
    made = Account(bench, fake_keyring)
    made.configure()
    made.put("master", None)
    return made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls that count need not be seconds apart here."""
    monkeypatch.setattr("wizard.rotation.opening.Pace", lambda: Pace(between_polls=0.02, between_passes=0.01))


@pytest.mark.usefixtures("hasty")
def test_a_first_key_then_nothing_then_a_new_key(account: Account, command: Command) -> None:
    account.request("POST", "sub-accounts", email=EMAIL)
    first = command("rotate", "bot-1", "--json")
    assert (first.code, first.json["outcome"], first.json["due"]) == (0, "done", ["first key"]), first
    assert first.json["whitelist"] == [HERE]
    second = command("rotate", "bot-1")
    assert (second.code, second.out) == (0, "✓ bot-1: Nothing is due.\n")
    third = command("rotate", "bot-1", "--now")
    assert third.code == 0, third
    verdict, *rows = third.out.splitlines()
    assert "The legacy key is dead and its secret is deleted" in verdict
    assert any("Whitelist" in row and HERE in row for row in rows)
    assert "bot-1: Probe, passed" in third.err
    (key,) = account.keys()
    assert key["kind"] == "ed25519"
    for said in (first, second, third):
        account.spared(said.out + said.err)
    account.spared(account.bench.paths.journal.read_bytes().decode("latin-1"))
    assert command("status").code == 0


@pytest.mark.usefixtures("hasty")
def test_all_go_on_where_one_fails_and_the_worst_is_the_exit(account: Account, command: Command) -> None:
    account.configure('every = "30 days"', others=2)
    for number in (1, 3):
        account.open(number)
    account.put("bot-2", "bot+3@example.com")  # nobody made that sub-account
    said = command("rotate", "--all-due", "--now", "--json")
    codes = {one["environment"]: one["exit"] for one in said.json["results"]}
    assert codes == {"bot-1": 0, "bot-2": 1, "bot-3": 0}, said
    assert said.json["exit"] == said.code == 1
    assert all(one["next_due"] for one in said.json["results"] if one["exit"] == 0)
    warned = [step["observed"] for one in said.json["results"] for step in one["steps"] if step["name"] == "Key type"]
    assert len(warned) == 2, "a bot that signs with the HMAC secret stops"
    assert all("BINANCE_PRIVATE_KEY" in each for each in warned)
    account.spared(said.out + said.err)


def test_no_key_is_made_that_would_break_the_policy(account: Account, command: Command) -> None:
    account.open()
    file = account.bench.paths.config_file
    file.write_text(f'{file.read_text()}[policy]\nforbidden = ["enableSpotAndMarginTrading"]\n')
    said = command("rotate", "bot-1", "--now", "--json")
    assert said.code == 1
    assert "Enable Spot & Margin Trading" in said.out
    (kept,) = account.keys()
    assert kept["label"] == "in use"


def test_what_failed_is_given_to_a_command_once(account: Account, command: Command, tmp_path: Path) -> None:
    told, given = tmp_path / "told", tmp_path / "environ"
    script = f"import os, sys; open({str(told)!r}, 'a').write(sys.stdin.read()); open({str(given)!r}, 'w').write("
    script += "repr(dict(os.environ))); sys.exit(3)"
    account.configure(f"on_failure = {json.dumps([sys.executable, '-c', script])}")
    account.open()
    (key,) = account.keys()
    account.request("PUT", f"keys/{key['api_key']}/whitelist", text=f"{HERE},198.51.100.9")
    said = command("rotate", "bot-1", "--now", "--json")
    assert (said.code, said.json["outcome"]) == (1, "failed"), said
    assert json.loads(told.read_text()) == said.json
    assert "do not allow 198.51.100.9" in said.json["verdict"][0]
    assert "The command of on_failure failed: exit 3" in said.err
    account.spared(told.read_text() + given.read_text())


def test_a_second_run_beside_it_changes_nothing(account: Account, command: Command) -> None:
    account.open()
    before = account.keys()
    with sole_writer(account.bench.paths.lock("bot-1"), "bot-1", time.time):
        said = command("rotate", "bot-1", "--now", "--json")
    assert (said.code, said.json["error"]) == (3, "environment.busy"), said
    assert account.keys() == before


def test_a_place_that_needs_a_passphrase_is_never_asked_for_one(account: Account, command: Command) -> None:
    account.configure(custody='[custody]\nplace = "encrypted-file"\n')
    asyncio.run(make_file(account.bench.paths.encrypted_file, Secret(PASSPHRASE), 60))
    said = command("rotate", "bot-1", "--json")
    assert (said.code, said.json["error"]) == (5, "file-closed"), said


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_a_keyring_that_is_unlocked_can_be_the_place(bench: Bench, keyring: Store, command: Command) -> None:
    account = Account(bench, keyring)
    account.configure()
    account.put("master", None)
    account.open()
    (before,) = account.keys()
    said = command("rotate", "bot-1", "--now", "--json")
    assert said.code == 0, said
    (after,) = account.keys()
    assert after != before
    account.spared(said.out + said.err)


def test_a_locked_keyring_ends_the_run(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    Account(bench, MemoryStore()).configure()
    with secret_service("locked") as environ:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environ["DBUS_SESSION_BUS_ADDRESS"])
        said = command("rotate", "bot-1", "--json")
    assert (said.code, said.json["error"]) == (5, "locked"), said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("master",), 'sub_account = { email = "bot@example.com", managed_by = "master" }'),
        ((), "Name one environment"),
        (("bot-1", "--all-due"), "Name one environment"),
        (("nobody",), "There is no environment"),
    ],
)
def test_what_cannot_be_rotated_is_a_matter_of_usage(
    account: Account, command: Command, arguments: tuple[str, ...], says: str
) -> None:
    said = command("rotate", *arguments)
    assert (said.code, account.keys()) == (2, [])
    assert says in said.err


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("arguments", [("bot-1",), ("--all-due", "--whitelist-only")])
def test_the_units_are_right_for_systemd(
    account: Account, command: Command, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    account.configure(custody='[custody]\nplace = "encrypted-file"\n')
    units = command("rotate", *arguments, "--print-systemd", "--json").json
    assert command("rotate", *arguments, "--print-systemd").out.rstrip("\n") == "\n".join(
        text for name, text in units.items() if name != "schema"
    ).rstrip("\n")
    for name, text in units.items():
        if name != "schema":
            (tmp_path / name).write_text(text)
    names = [name for name in units if name != "schema"]
    words = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    service = next(text for name, text in units.items() if name.endswith(".service"))
    assert f"LoadCredentialEncrypted={CREDENTIAL}:" in service
    assert f'"KEY_WIZARD_HOME={os.environ["KEY_WIZARD_HOME"]}"' in service


def test_no_path_adds_a_line_to_a_unit(
    account: Account, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a$b\nExecStartPre=x"
    shutil.copytree(account.bench.paths.config, home / "config")
    for directory in (home, home / "config"):
        directory.chmod(0o700)
    monkeypatch.setenv("KEY_WIZARD_HOME", str(home))
    service = command("rotate", "bot-1", "--print-systemd").out
    # systemd.exec(5): in Environment= a dollar sign means nothing more, and \\n in quotes is a line end.
    assert f'\nEnvironment="KEY_WIZARD_HOME={tmp_path}/a$b\\nExecStartPre=x"\n' in service


@dataclass
class Service:
    """What systemd starts: its keys are in the encrypted file, and it is given the passphrase."""

    account: Account
    environ: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command, pipe = [str(PROGRAM), "rotate", *arguments], subprocess.PIPE
        return subprocess.Popen(command, env=self.environ, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def service(bench: Bench, tmp_path: Path) -> Service:
    passphrase, credentials = Secret(PASSPHRASE), tmp_path / "credentials"
    account = Account(bench, asyncio.run(make_file(bench.paths.encrypted_file, passphrase, 60)))
    account.configure(custody='[custody]\nplace = "encrypted-file"\n')
    account.put("master", None)
    account.open()
    credentials.mkdir()
    (credentials / CREDENTIAL).write_text(PASSPHRASE)
    return Service(account, {**os.environ, "CREDENTIALS_DIRECTORY": str(credentials)})


@pytest.mark.slow
def test_the_installed_program_rotates_as_a_service(service: Service) -> None:
    (before,) = service.account.keys()
    process = service.start("bot-1", "--now", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    (after,) = service.account.keys()
    assert after["api_key"].endswith(json.loads(out)["key"]["last_four"])
    assert after != before
    service.account.spared(out + err)


def test_a_signal_ends_the_grace_time_with_both_keys_alive(service: Service) -> None:
    file = service.account.bench.paths.config_file
    file.write_text(file.read_text().replace('"1 second"', '"1 hour"'))
    process = service.start("bot-1", "--now")
    assert process.stderr is not None
    assert any("Grace" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM, out + err
    assert len(service.account.keys()) == 2
