from __future__ import annotations

import io
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.commands.conftest import HERE, Bench, Command
from tests.egress.fake_ssh import calls, fake_ssh
from wizard.commands.console import print_message
from wizard.custody.store import Store
from wizard.egress.ipv6 import Ipv6Lookup


def test_an_address_that_all_operators_see_is_fine(bench: Bench, command: Command) -> None:
    said = command("egress", "--json")
    assert said.code == 0
    assert said.json["environment"] == "bench"
    assert (said.json["state"], said.json["address"], said.json["proposed"]) == ("agreed", HERE, [HERE])
    assert said.json["route"] == {"kind": "direct", "shown": "direct", "source": "127.0.0.1 is this machine"}
    samples = said.json["samples"]
    assert {sample["address"] for sample in samples} == {HERE}
    assert len(samples) + len(said.json["unfinished"]) == 3
    assert [one["address"] for one in said.json["addresses"]] == [HERE]
    assert set(said.json["addresses"][0]["operators"]) == {sample["operator"] for sample in samples}


def test_people_read_the_address_on_stdout_and_who_said_what_on_stderr(bench: Bench, command: Command) -> None:
    bench.use("plain", "json")
    said = command("egress")
    assert (said.code, said.out.splitlines()[0].startswith(f"The address is {HERE}")) == (0, True)
    assert "Route of bench: direct (127.0.0.1 is this machine)." in said.err
    for shape in ("plain", "json"):
        (line,) = (line for line in said.err.splitlines() if f"echo-{shape}" in line)
        assert line.endswith(HERE)


def test_operators_that_disagree_give_no_address_and_exit_6(bench: Bench, command: Command) -> None:
    bench.use("plain", "json")
    bench.echo("plain", "203.0.113.99")
    said = command("egress", "--json")
    assert said.code == 6
    assert (said.json["state"], said.json["address"], said.json["proposed"]) == ("split", None, [])
    assert {one["address"] for one in said.json["addresses"]} == {HERE, "203.0.113.99"}


def test_with_warp_on_no_address_is_proposed_and_the_exit_code_is_1(bench: Bench, command: Command) -> None:
    bench.fault(warp=True)
    said = command("egress", "--json")
    assert said.code == 1
    assert (said.json["state"], said.json["address"], said.json["proposed"]) == ("shared", None, [])
    assert [one["address"] for one in said.json["addresses"]] == [HERE]
    lines = command("egress").out.splitlines()
    assert lines[0].startswith("Cloudflare WARP is on, so many people share your address.")
    assert lines[1].startswith("Switch WARP off")


def test_one_operator_alone_is_not_enough(bench: Bench, command: Command) -> None:
    bench.use("plain")
    said = command("egress", "--json")
    assert said.code == 6
    assert (said.json["state"], said.json["address"]) == ("single", None)


def test_what_a_service_answers_writes_no_control_character_to_the_terminal(bench: Bench, command: Command) -> None:
    bench.use("plain", "json")
    bench.echo("plain", "fe80::1%\x1b]52;c;aGk=\x07")
    said = command("egress")
    assert "the IPv6 address fe80::1%" in said.err
    assert all(line.isprintable() for line in said.err.splitlines())


def test_words_for_people_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_message("one \x1b]52;c;aGk=\x07\n✓ forged", "two \u202e")
    assert capsys.readouterr().err == "one \ufffd]52;c;aGk=\ufffd ✓ forged\ntwo \ufffd\n"


def test_a_refusal_says_why_there_is_no_address(bench: Bench, command: Command) -> None:
    bench.use("plain", "json")
    bench.echo("plain", "<html>log in</html>")
    said = command("egress", "--json")
    (refused,) = (sample for sample in said.json["samples"] if sample["provider"] == "echo-plain")
    assert refused["address"] is None
    assert "web page" in refused["refusal"]
    assert said.code == 6


def test_production_is_asked_for_unless_another_is_named(bench: Bench, command: Command) -> None:
    site = f'site = "custom"\nbase_url = "{bench.base_url}"\ntolerated_ranges = ["documentation"]\n'
    bench.configure(f"[environments.production]\n{site}")
    assert command("egress", "--json").json["environment"] == "production"
    assert command("egress", "--json", "--env", "bench").json["environment"] == "bench"
    assert command("--env", "bench", "egress", "--json").json["environment"] == "bench"


def test_a_route_that_cannot_be_decided_is_inconclusive_and_shows_no_password(bench: Bench, command: Command) -> None:
    bench.configure('[environments.far]\nsite = "demo"\nproxy = "gopher://user:hunter2@10.0.0.2:70"\n')
    said = command("egress", "--env", "far", "--json")
    assert (said.code, said.json["error"]["code"]) == (6, "route.proxy")
    assert "gopher" in said.err
    assert "hunter2" not in said.err + said.out


def test_every_observation_is_kept_and_its_history_told(bench: Bench, command: Command) -> None:
    first, second = command("egress", "--json"), command("egress", "--json")
    assert first.json["history"] == f"{HERE} is seen for the first time over this route."
    assert second.json["history"].startswith("Unchanged in 2 checks over ")
    assert second.json["history"] in second.err
    with bench.journal() as journal:
        assert len(journal.egress_history("bench", "direct")) == 2
        assert journal.last_verdict("bench") is None


def test_a_journal_that_cannot_be_written_spoils_no_answer(bench: Bench, command: Command) -> None:
    bench.paths.journal.write_text("no journal, " * 100)
    said = command("egress", "--json")
    assert (said.code, said.json["address"], said.json["history"]) == (0, HERE, "")
    assert "not kept" in said.err


def test_sampling_more_counts_its_answers_and_says_what_they_prove(bench: Bench, command: Command) -> None:
    said = command("egress", "--sample-more", "--json")
    assert (said.code, len(said.json["samples"])) == (0, 8)
    assert "1 address in 8 answers. The chance to miss another that is used as often is less than 1%." in said.err


def test_a_hostile_host_name_is_a_usage_error_and_nothing_is_asked(bench: Bench, command: Command) -> None:
    said = command("egress", "--json", "--hosts=-oProxyCommand=touch x")
    assert (said.code, said.json["error"]["code"]) == (2, "destination.invalid")
    assert "is not a host" in said.err


def test_hosts_of_the_settings_are_asked_and_one_without_an_answer_makes_it_inconclusive(
    bench: Bench, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh = tmp_path / "ssh"  # stands in for a client that meets an unknown host key
    fake_ssh.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    fake_ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    bench.configure('hosts = ["bot-1"]\n')
    said = command("egress", "--json", "--hosts")
    (host,) = said.json["hosts"]
    assert said.code == 6
    assert (host["host"], host["source"], host["address"], host["trouble"]) == (
        "bot-1",
        "settings",
        None,
        "unknown-host-key",
    )
    assert "ssh bot-1" in host["advice"]
    assert said.json["address"] == HERE


ANSIBLES = "  hosts (2):\n    bot-1\n    trader@bot-2\n"
"""What `ansible all --list-hosts` writes."""


@pytest.mark.parametrize(
    "given",
    [ANSIBLES.encode(), b"bot-1\r\n\r\ntrader@bot-2", ANSIBLES.encode("utf-16")],
    ids=["ansible", "lines", "utf"],
)
def test_hosts_named_on_standard_input_are_asked_once_each(
    bench: Bench, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bytes
) -> None:
    environ = fake_ssh(tmp_path)
    monkeypatch.setenv("PATH", environ["PATH"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    said = command("egress", "--json", "--hosts=-,bot-1")
    assert [host["host"] for host in said.json["hosts"]] == ["bot-1", "trader@bot-2"]
    assert sorted(call.split(" -- ")[1] for call in calls(tmp_path)) == ["bot-1 sh -s", "trader@bot-2 sh -s"]


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (b"bot-1\n-oProxyCommand=touch x\n", 2, "begins with a dash"),
        (b"playbook: site.yml\n", 2, "is not a host"),
        (b"A1b2" * 16, 2, "What looks like a key is not a host"),
        (b"  hosts (0):\n", 1, "Standard input names none."),
    ],
    ids=["option", "playbook", "key", "none"],
)
def test_standard_input_that_is_no_list_of_hosts_is_refused_whole(
    bench: Bench,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: bytes,
    code: int,
    told: str,
) -> None:
    environ = fake_ssh(tmp_path)
    monkeypatch.setenv("PATH", environ["PATH"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    said = command("egress", "--json", "--hosts", "-")
    assert (said.code, said.json["error"]["why"] in said.err, calls(tmp_path)) == (code, True, [])
    assert told in said.err
    assert "A1b2" not in said.err + said.out


def test_no_host_in_the_settings_is_told(bench: Bench, command: Command) -> None:
    said = command("egress", "--hosts")
    assert (said.code, said.out) == (1, "")
    assert "[environments.bench]" in said.err


def test_a_way_over_ipv6_is_told(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ipv6_of(_host: str) -> tuple[str]:
        return ("2600:9000::1",)

    fake = Ipv6Lookup(addresses_of=ipv6_of, source_towards=lambda _: "2a01:4f8::42")
    monkeypatch.setattr("wizard.rotation.exchange_calls.Ipv6Lookup", lambda: fake)
    assert command("egress", "--json").json["ipv6"] is None  # 127.0.0.1 has no other address
    by_name = bench.base_url.replace("127.0.0.1", "localhost")
    site = f'site = "custom"\nbase_url = "{by_name}"\ntolerated_ranges = ["documentation"]\n'
    bench.configure(f"[environments.named]\n{site}")
    said = command("egress", "--env", "named", "--json")
    assert (said.json["ipv6"]["host"], said.json["ipv6"]["source"]) == ("localhost", "2a01:4f8::42")
    assert "Force IPv4" in said.json["ipv6"]["note"]
    assert "Warning: localhost has the IPv6 address" in said.err


class TestTheExchangeItself:
    """Asked with the key in use, once out of a real keyring."""

    def test_its_word_is_told_beside_the_operators(self, bench: Bench, keyring: Store, command: Command) -> None:
        bench.put_in_use(keyring)
        said = command("egress", "--ask-exchange", "--json")
        assert (said.code, said.json["state"]) == (0, "agreed")
        assert (said.json["exchange"]["accepted"], said.json["exchange"]["confirms"]) == (True, True)
        assert said.json["exchange"]["address"] == HERE
        assert said.json["exchange"]["sentence"] in said.err

    def test_its_word_decides_where_operators_disagree(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.use("plain", "json")
        bench.echo("plain", "203.0.113.99")
        said = command("egress", "--ask-exchange", "--json")
        assert (said.code, said.json["state"], said.json["address"]) == (0, "split", None)
        assert said.json["exchange"]["address"] == HERE

    def test_an_address_that_it_names_is_kept(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring)
        bench.configure(f'futures_url = "{bench.base_url}"\n')
        message = "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.77"
        bench.fault(
            answers=[{"path": "/fapi/v3/balance", "body": {"code": -2015, "msg": message}, "times": 1, "status": 401}]
        )
        said = command("egress", "--ask-exchange", "--json")
        assert (said.code, said.json["exchange"]["address"]) == (6, "203.0.113.77")
        assert said.json["exchange"]["confirms"] is False
        with bench.journal() as journal:
            assert IPv4Address("203.0.113.77") in journal.observed_addresses()


def test_without_a_key_the_exchange_is_not_asked_and_the_rest_is_told(bench: Bench, command: Command) -> None:
    said = command("egress", "--ask-exchange", "--json")
    assert said.code == 1
    assert (said.json["state"], said.json["exchange"]) == ("agreed", None)
    assert "bench has no current key" in said.err
