from __future__ import annotations

import io
import sys

import pytest

from tests.commands.conftest import Bench, Command
from wizard.custody.store import MemoryStore


def test_a_valid_list_is_all_that_stands_on_stdout(command: Command) -> None:
    said = command("whitelist", "8.8.8.8 ;", "9.9.9.9")
    assert (said.code, said.out) == (0, "8.8.8.8,9.9.9.9\n")
    assert "Ready to paste: 2 entries" in said.err


def test_a_comment_does_not_swallow_the_arguments_behind_it(command: Command) -> None:
    assert command("whitelist", "8.8.8.8 # bot-1", "9.9.9.9 # bot-2").out == "8.8.8.8,9.9.9.9\n"


@pytest.mark.parametrize(("form", "between"), [("commas", ","), ("spaces", " "), ("lines", "\n")])
def test_the_page_s_separator_can_be_chosen(command: Command, form: str, between: str) -> None:
    assert command("whitelist", "8.8.8.8,9.9.9.9", "--format", form).out == f"8.8.8.8{between}9.9.9.9\n"


def test_a_list_with_an_error_is_not_printed(command: Command) -> None:
    said = command("whitelist", "8.8.8.8,10.0.0.1")
    assert (said.code, said.out) == (1, "")
    (line,) = (line for line in said.err.splitlines() if "entry 2" in line)
    assert line.startswith("error")
    assert "private LAN address" in line


def test_json_names_each_finding_at_its_entry(command: Command) -> None:
    said = command("whitelist", "--json", "8.8.8.8,9.9.9.9/24,")
    assert said.code == 1
    good, bad, empty = said.json["entries"]
    assert (good["network"], good["findings"]) == ("8.8.8.8/32", [])
    assert (bad["text"], bad["position"], bad["network"]) == ("9.9.9.9/24", 8, None)
    (finding,) = bad["findings"]
    assert (finding["code"], finding["severity"], finding["suggestion"]) == ("host-bits", "error", "9.9.9.9")
    assert finding["message"]
    assert [finding["code"] for finding in empty["findings"]] == ["empty-field"]
    assert (said.json["valid"], said.json["output"]) == (False, None)


def test_json_holds_the_text_to_paste(command: Command) -> None:
    said = command("whitelist", "--json", "--format", "lines", "8.8.8.8", "9.9.9.9")
    assert (said.code, said.json["valid"], said.json["output"]) == (0, True, "8.8.8.8\n9.9.9.9")
    assert said.err == ""


def test_an_egress_address_that_is_not_covered_is_an_error_of_the_list(command: Command) -> None:
    said = command("whitelist", "8.8.8.8", "--egress", "8.8.8.8", "--egress", "9.9.9.9", "--json")
    assert said.code == 1
    (finding,) = said.json["findings"]
    assert (finding["code"], finding["suggestion"]) == ("egress-not-covered", "9.9.9.9")


def test_the_limit_on_entries_is_the_option_s_else_the_environment_s(bench: Bench, command: Command) -> None:
    bench.configure("max_entries = 2\n")
    three = ("whitelist", "8.8.8.8,8.8.4.4,9.9.9.9")
    assert "Too many IPs: 3 of at most 2" in command(*three).err
    assert command(*three, "--max-entries", "3").code == 0
    assert command(*three, "--max-entries", "0").code == 2
    assert command(*three, "--max-entries", "many").code == 2


def test_the_rules_are_those_of_the_environment_named(bench: Bench, command: Command) -> None:
    bench.configure('[environments.lan]\nsite = "demo"\ntolerated_ranges = ["private"]\n')
    assert command("whitelist", "10.0.0.1").code == 1
    assert command("whitelist", "10.0.0.1", "--env", "lan").code == 0
    assert command("--env", "lan", "whitelist", "10.0.0.1").code == 0
    assert command("whitelist", "10.0.0.1", "--env", "nowhere").code == 2


def read(command: Command, monkeypatch: pytest.MonkeyPatch, given: bytes) -> str:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    said = command("whitelist", "-", "--json")
    return said.out if said.code == 0 else f"exit {said.code}: {said.out}"


def test_a_dash_reads_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '"8.8.8.8,9.9.9.9"' in read(command, monkeypatch, b"8.8.8.8 # the bot\r\n9.9.9.9\n")


def test_bytes_that_are_no_text_are_an_error_at_their_entry(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    told = read(command, monkeypatch, b"8.8.8.8,9.9.9.\xff")
    assert told.startswith("exit 1")
    assert "malformed" in told


@pytest.mark.parametrize("text", ["8.8.8.8\x1b]52;c;AAAA\x07", "8.8.8.8\x9b31m", "8.8.8.8\u202e", "8.8.8.8\udcff"])
def test_no_control_character_reaches_the_terminal(command: Command, text: str) -> None:
    for said in (command("whitelist", text), command("whitelist", text, "--json")):
        assert (said.out + said.err).replace("\n", "").isprintable()
        assert said.code == 1


def test_an_address_that_is_none_is_wrong_usage(command: Command) -> None:
    said = command("whitelist", "8.8.8.8", "--egress", "8.8.8")
    assert said.code == 2
    assert "'8.8.8' is not an IPv4 address" in said.err


def test_json_tells_labels_what_is_safe_and_the_repaired_list(command: Command) -> None:
    said = command("whitelist", "--json", "8.8.8.8:53 # resolver\n９.9.9.9")
    first, second = said.json["entries"]
    assert (first["label"], second["label"]) == ("resolver", None)
    assert [entry["findings"][0]["safe"] for entry in (first, second)] == [True, True]
    assert (said.code, said.json["output"], said.json["repaired"]) == (1, None, "8.8.8.8,9.9.9.9")


def test_what_needs_a_choice_is_not_repaired(command: Command) -> None:
    assert command("whitelist", "--json", "8.8.8.8/24").json["repaired"] is None


def test_an_environment_named_is_judged_beside_what_its_journal_knows(
    bench: Bench, command: Command, memory: MemoryStore
) -> None:
    bench.put_in_use(memory, whitelist="203.0.113.42,203.0.113.7")
    said = command("whitelist", "--json", "--env", "bench", "203.0.113.42,203.0.113.9")
    assert [finding["code"] for finding in said.json["findings"]] == ["access-lost"]
    assert said.json["difference"] == {
        "added": ["203.0.113.9/32"],
        "removed": ["203.0.113.7/32"],
        "kept": ["203.0.113.42/32"],
    }
    assert command("whitelist", "--json", "203.0.113.42").json["difference"] is None
    assert command("whitelist", "--json", "--env", "bench", "203.0.113.42,203.0.113").json["difference"] is None


def test_json_names_an_address_in_a_comment_and_the_alternative_of_host_bits(command: Command) -> None:
    said = command("whitelist", "--json", "8.8.8.8 # bot, 9.9.9.9", "1.1.1.1/24")
    (finding,) = said.json["findings"]
    assert (finding["code"], finding["severity"], finding["suggestion"]) == ("address-in-comment", "warning", "9.9.9.9")
    assert (finding["position"], finding["safe"]) == (8, False)
    (bits,) = said.json["entries"][1]["findings"]
    assert (bits["suggestion"], bits["alternative"]) == ("1.1.1.1", "1.1.1.0/24")
    told = command("whitelist", "8.8.8.8 # bot, 9.9.9.9", "1.1.1.1/24").err
    assert "warning  list       A comment holds 9.9.9.9: it is not on the list." in told
    assert "Instead: 1.1.1.1 or 1.1.1.0/24" in told


def test_many_repeated_entries_are_repaired_at_once_and_the_label_is_kept(command: Command) -> None:
    said = command("whitelist", "--json", "\n".join(["8.8.8.8"] * 3000 + ["8.8.8.8 # bot"]))
    assert said.json["repaired"] == "8.8.8.8"
