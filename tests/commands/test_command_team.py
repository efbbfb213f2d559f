"""`key-wizard team` and `--team`: nothing secret goes out, nothing comes in unseen, nothing that is there changes."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import HERE, Bench, Command
from wizard.core.secret import Secret
from wizard.custody.store import MemoryStore, Store
from wizard.rotation.model import Mode

Join = Callable[..., tuple[int, str]]
KEY = "aB3" * 21 + "x"
SET_UP = """
[policy]
forbidden = ["enableWithdrawals"]
max_age = "90 days"

[environments.master]

[environments.bot]
proxy = "http://alice:secret@proxy.example:3128"
source_address = "192.0.2.9"
hosts = ["trader@198.51.100.7"]
uses_futures = true
sub_account = { email = "bot@example.com", managed_by = "master" }

[environments.bot.bots.grid]
restart = ["systemctl", "--user", "restart", "grid.service"]

[environments.bot.deliver.bot-1]
host = "trader@bot-1"
file = "/run/bot/binance.json"

[environments.moved]
bots = { one = { restart = ["HOME/restart.sh"] } }
"""
PLAIN = '[environments.paper]\nsite = "testnet"\nuses_futures = true\n[policy]\nforbidden = ["enableWithdrawals"]\n'
OF_OTHERS = {
    "a custom site": 'site = "custom"\nbase_url = "https://api.example"\n',
    "a proxy": 'proxy = "http://proxy.example:3128"\n',
    "hosts": 'hosts = ["bot-9"]\n',
    "a source": 'source_address = "192.0.2.10"\n',
    "a target": 'deliver = { x = { host = "trader@elsewhere", file = "/run/x.json" } }\n',
    "a bot": 'bots = { x = { restart = ["curl", "example"] } }\n',
    "a hook": 'rotation = { on_switch = ["curl", "example"] }\n',
    "a list": 'whitelist = { "8.8.8.8" = "office" }\n',
}


@pytest.fixture
def team(tmp_path: Path) -> Path:
    return tmp_path / "team.toml"


@pytest.fixture
def join(command: Command, team: Path, monkeypatch: pytest.MonkeyPatch) -> Join:
    """Take over a team file; the typed word and the wizard that opens then are given."""
    monkeypatch.setattr("wizard.cli.open_wizard", lambda *_, **__: 0)

    def run(text: str, typed: str) -> tuple[int, str]:
        team.write_text(text)
        monkeypatch.setattr("wizard.commands.team.ask", lambda *_: Secret(typed))
        said = command("--team", str(team))
        return said.code, said.err

    return run


def own(bench: Bench) -> dict[str, Any]:
    return tomllib.loads(bench.paths.config_file.read_text())


# --- export --------------------------------------------------------------------------------------


def test_an_export_has_what_all_share_and_nothing_of_this_machine(bench: Bench, command: Command) -> None:
    bench.configure(SET_UP.replace("HOME", os.environ["HOME"]))
    bench.put_in_use(MemoryStore())
    said = command("team", "export")
    found = tomllib.loads(said.out)
    assert said.code == 0
    assert found["policy"] == {"forbidden": ["enableWithdrawals"], "max_age": "90 days"}
    assert found["environments"]["bench"]["whitelist"] == {HERE: ""}
    assert found["environments"]["bot"]["bots"]["grid"]["restart"][-1] == "grid.service"
    assert set(found["environments"]["bot"]) == {"site", "uses_futures", "bots", "deliver"}
    assert found["environments"]["moved"] == {"site": "binance.com"}
    for private in ("alice", "secret", "192.0.2.9", "198.51.100.7", "bot@example.com", os.environ["HOME"]):
        assert private not in said.out + said.err
    for name in ("bot.proxy", "bot.hosts", "bot.sub_account", "moved.bots"):
        assert name in said.err


@pytest.mark.parametrize(
    "word",
    [
        "https://hooks.slack.example/services/T02AB3CD4/B05EF6GH7/aB3dE5fG7hI9jK1lM3nO5pQ7",
        "https://api.telegram.example/bot4751334686:FOGB9dBSZS_C_W-5bQh6PjdfzIZmvYk-vDl/sendMessage",
        "https://ops.example/restart?token=5f4dcc3b5aa765d61d8327deb882cf99",
        "carol@example.com",
    ],
)
def test_a_hook_with_a_token_or_an_email_is_left_out_of_an_export(bench: Bench, command: Command, word: str) -> None:
    unit = 'restart = ["systemctl", "restart", "freqtrade-production-2@1.service"]'
    hook = f'[environments.a.rotation]\non_failure = ["notify", "{word}"]\n'
    bench.configure(f"[environments.a]\n[environments.a.bots.x]\n{unit}\n{hook}")
    said = command("team", "export")
    assert "Left out: a.rotation." in said.err
    assert unit in said.out
    assert "notify" not in said.out


def test_emails_are_exported_on_request_alone(bench: Bench, command: Command) -> None:
    bench.configure(SET_UP)
    found = command("team", "export", "--with-emails", "--json").json
    assert found["team"]["environments"]["bot"]["sub_account"]["email"] == "bot@example.com"
    assert "bot.sub_account" not in found["left_out"]


def test_what_was_exported_can_be_taken_over_and_then_nothing_differs(
    bench: Bench, command: Command, join: Join, team: Path
) -> None:
    bench.configure(SET_UP.replace("HOME", "/opt"))
    exported = command("team", "export", "--with-emails").out
    bench.paths.config_file.unlink()
    assert join(exported, "trust")[0] == 0
    assert own(bench) == tomllib.loads(exported)
    said = command("team", "check", str(team))
    assert (said.code, said.out) == (0, f"All is as {team} says.\n")
    assert command("team", "export", "--with-emails").out == exported


# --- what comes in -------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "trust", "yes"])
def test_nothing_is_written_without_the_word(bench: Bench, join: Join, typed: str) -> None:
    before = own(bench)
    assert join(PLAIN, typed)[0] == 1
    assert own(bench) == before


def test_what_only_the_file_has_is_added_and_the_rest_stays_as_it_was_written(bench: Bench, join: Join) -> None:
    bench.configure("# mine\n")
    before = bench.paths.config_file.read_text()
    assert join(PLAIN, "add")[0] == 0
    assert bench.paths.config_file.read_text().startswith(before)
    assert own(bench)["environments"]["paper"] == {"site": "testnet", "uses_futures": True}
    assert own(bench)["policy"] == {"forbidden": ["enableWithdrawals"]}


@pytest.mark.parametrize("what", OF_OTHERS)
def test_what_redirects_calls_or_starts_programs_is_named_and_needs_a_word_of_its_weight(
    bench: Bench, join: Join, what: str
) -> None:
    before = own(bench)
    code, said = join(f"[environments.theirs]\n{OF_OTHERS[what]}", "add")
    assert (code, own(bench)) == (1, before)
    assert f"  theirs.{OF_OTHERS[what].split()[0]} = " in said
    assert join(f"[environments.theirs]\n{OF_OTHERS[what]}", "trust")[0] == 0
    assert "theirs" in own(bench)["environments"]


def test_an_environment_that_is_there_is_never_changed(bench: Bench, command: Command, join: Join, team: Path) -> None:
    before = own(bench)
    redirected = (
        '[environments.bench]\nsite = "custom"\nbase_url = "https://evil.example"\nproxy = "http://evil.example"\n'
    )
    assert join(redirected, "trust")[0] == 0
    assert own(bench) == before
    said = command("team", "check", str(team), "--json")
    assert (said.code, said.json["fine"]) == (1, False)
    observed = " ".join(each["observed"] for each in said.json["checks"])
    assert "environments.bench.base_url differs here" in observed
    assert "environments.bench.proxy is not set here" in observed
    assert bench.base_url not in said.out


def test_usual_environments_with_a_key_stay_where_the_file_names_others(bench: Bench, join: Join) -> None:
    bench.paths.config_file.unlink()
    with bench.journal() as journal:
        journal.begin_rotation("production", Mode.SET_UP)
    assert join(PLAIN, "add")[0] == 0
    assert own(bench)["environments"]["production"] == {"site": "binance.com"}
    assert set(own(bench)["environments"]) == {"production", "paper"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[environments.x]\nbots = {{ b = {{ restart = ["x", "{KEY}"] }} }}', "line 2 holds a secret"),
        (f"[environments.x]  # {KEY}", "line 1 holds a secret"),
        ('[environments.x]\nproxy = "http://me:pass@proxy.example:1"', "line 2 holds a secret"),
        ('[environments.x]\nproxy = "http://me:pass\\u0040proxy.example:1"', "holds a secret"),
        ('[custody]\nplace = "encrypted-file"', "no such setting"),
        ("[environments.x]\nuse_futures = true", "Did you mean uses_futures?"),
        ('[policy]\nforbidden = ["enableWithdrawal"]', "Did you mean enableWithdrawals?"),
        ("[policy]\nmax_age = 90", "It has to be a text"),
        ('[environments.x]\nwhitelist = { "8.0.0.0/6" = "all" }', "too many addresses"),
        ('[environments.x]\nwhitelist = { "office" = "10.0.0.1" }', "not an IPv4 address"),
        ('[environments.x]\nsub_account = { email = "a@b.c", managed_by = "y" }', "environment of the master"),
        ("# " + "x y " * 2_600_000, "more than 1048576 bytes"),
        ("[rules]\n# " + "x y " * 20_000 + "\nmax_entries = 30", "not a team file"),
        ("", "not a team file"),
        ("[" * 5000, "cannot read"),
    ],
)
def test_a_file_that_makes_no_sense_or_holds_a_secret_is_refused_unseen(
    bench: Bench, command: Command, team: Path, text: str, says: str
) -> None:
    before = own(bench)
    team.write_text(text)
    for arguments in (("team", "check", str(team)), ("--team", str(team))):
        said = command(*arguments)
        assert said.code not in {0, 70}
        assert says in " ".join((said.out + said.err).split())
        assert KEY[:12] not in said.out + said.err
        assert "pass" not in said.err.replace("password", "")
    assert own(bench) == before


def test_what_a_hostile_file_shows_cannot_draw_or_turn_the_text(bench: Bench, join: Join) -> None:
    evil = '[environments.x]\nbots = { b = { restart = ["\\u001b]52;c;AA\\u0007", "\\u202e", "[bold]x"] } }\n'
    code, said = join(evil, "no")
    assert code == 1
    assert "x.bots" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_nothing_is_added_that_nobody_would_read_to_its_end(bench: Bench, join: Join) -> None:
    before = own(bench)
    for words in (f'"{" " * 990}"', ", ".join(['"a"'] * 300)):
        code, said = join(f'[environments.x.rotation]\non_failure = ["/bin/echo", {words}, "/bin/evil"]\n', "trust")
        assert code == 2
        assert "too long for you to read" in said
    assert own(bench) == before


# --- differences ---------------------------------------------------------------------------------


def test_a_key_that_breaks_the_file_s_policy_or_lacks_its_addresses_differs(
    bench: Bench, command: Command, team: Path
) -> None:
    bench.put_in_use(MemoryStore())
    with bench.journal() as journal, journal._database.transaction() as write:
        write.execute("""UPDATE keys SET permissions = '{"enableWithdrawals": true}'""")
    site = f'site = "custom"\nbase_url = "{bench.base_url}"'
    team.write_text(
        f'[policy]\nforbidden = ["enableWithdrawals"]\n[environments.bench]\n{site}\n'
        f'[environments.bench.whitelist]\n"{HERE}" = "office"\n"203.0.113.43" = "bot-1"\n'
    )
    said = command("team", "check", str(team))
    assert said.code == 1
    assert "Your policy forbids what the key has: Enable Withdrawals." in said.out
    assert f"environments.bench.whitelist.{HERE} differs here." in said.out
    assert "environments.bench.whitelist.203.0.113.43 is not set here." in said.out
    assert "policy.forbidden is not set here." in said.out


def test_a_site_that_the_file_leaves_out_is_binance_com(bench: Bench, command: Command, team: Path) -> None:
    bench.configure('[environments.paper]\nsite = "testnet"\n')
    team.write_text("[environments.paper]\n")
    said = command("team", "check", str(team))
    assert (said.code, said.out.count("\n")) == (1, 1)
    assert 'environments.paper.site differs here. The file says "binance.com".' in said.out
    team.write_text("[environments.bench]\n[environments.paper]\nsite = 'testnet'\n")
    assert "environments.bench.site differs" in command("team", "check", str(team)).out


@pytest.mark.parametrize("arguments", [("check",), ("export", "team.toml"), ("impot",), ()])
def test_how_it_is_called_wrongly(command: Command, arguments: tuple[str, ...]) -> None:
    said = command("team", *arguments)
    assert (said.code, said.out) == (2, "")


# --- the policy in `check` -----------------------------------------------------------------------


def test_check_fails_on_a_key_that_breaks_the_policy(bench: Bench, command: Command, fake_keyring: Store) -> None:
    bench.put_in_use(fake_keyring)
    assert command("check", "bench").code == 0
    bench.configure('[policy]\nrequired = ["enableFutures"]\n')
    said = command("check", "bench", "--json")
    assert said.code == 1
    assert said.check("Policy")["outcome"] == "failed"
    assert "Enable Futures" in said.check("Policy")["observed"]


def test_check_fails_on_a_key_that_the_policy_calls_too_old(
    bench: Bench, command: Command, fake_keyring: Store
) -> None:
    bench.put_in_use(fake_keyring, clock=lambda: time.time() - 3 * 86400)
    bench.configure('[policy]\nmax_age = "2 days"\n')
    said = command("check", "bench", "--json", "--max-age", "30")
    assert (said.code, said.check("Age")["outcome"]) == (1, "failed")
    assert command("check", "bench").code == 1
