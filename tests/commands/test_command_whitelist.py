from __future__ import annotations

import io
import subprocess
import sys

import pytest

from tests.commands.conftest import Bench, Command
from wizard.cli import COMMANDS
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


def test_the_limit_on_entries_is_the_environment_s(bench: Bench, command: Command) -> None:
    bench.configure("max_entries = 2\n")
    three = ("whitelist", "8.8.8.8,8.8.4.4,9.9.9.9")
    assert "Too many IPs: 3 of at most 2" in command(*three).err
    bench.configure("max_entries = 3\n")
    assert command(*three).code == 0


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
    assert (finding["position"], finding["safe"]) == (15, False)
    (bits,) = said.json["entries"][1]["findings"]
    assert (bits["suggestion"], bits["alternative"]) == ("1.1.1.1", "1.1.1.0/24")
    told = command("whitelist", "8.8.8.8 # bot, 9.9.9.9", "1.1.1.1/24").err
    assert "warning  list       9.9.9.9 is in a comment, so it is not on the list." in told
    assert "Instead: 1.1.1.1 or 1.1.1.0/24" in told


def test_many_repeated_entries_are_repaired_at_once_and_the_label_is_kept(command: Command) -> None:
    said = command("whitelist", "--json", "\n".join(["8.8.8.8"] * 3000 + ["8.8.8.8 # bot"]))
    assert said.json["repaired"] == "8.8.8.8"


def test_options_may_stand_between_addresses(command: Command) -> None:
    assert (
        command("whitelist", "8.8.8.8", "--format", "lines", "9.9.9.9", "1.1.1.1").out == "8.8.8.8\n9.9.9.9\n1.1.1.1\n"
    )
    assert command("whitelist", "8.8.8.8", "--nonsense", "9.9.9.9").code == 2


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["-", "8.8.8.8"], "9.9.9.9,8.8.8.8"),
        (["8.8.8.8", "-"], "8.8.8.8,9.9.9.9"),
        (["-", "-"], "9.9.9.9"),
        (["8.8.8.8", "-", "8.8.8.9"], None),
    ],
)
def test_a_dash_at_either_end_is_standard_input_and_one_in_the_middle_a_range(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: list[str], out: str | None
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"9.9.9.9 # a")))
    assert command("whitelist", "--json", *words).json["output"] == out


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_as_windows_writes_it_and_no_address_is_made_up(
    command: Command, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("8.8.8.8\n9.9.9.9\n".encode(encoding))))
    said = command("whitelist", "-")
    if encoding == "utf-16-be":  # nothing says so, and no program of Windows writes it
        assert (said.code, said.out) == (1, "")
    else:
        assert said.out == "8.8.8.8,9.9.9.9\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_what_is_wrong_with_the_arguments_is_said_without_control_characters(command: Command, name: str) -> None:
    for wrong in (["--no\x1b]52;c;AAAA\x07", "x\x9b31m"], ["--env", "\x1b[31m\u202e", "\x1b[0m", "\x1b[1m"]):
        said = command(*filter(None, [name]), *wrong)
        assert said.code == 2
        assert (said.out + said.err).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("redirected", "why"),
    [("> /dev/full", "No space left"), (">&-", "It is closed"), ("--json > /dev/full", "No space left")],
)
def test_a_list_that_cannot_be_written_is_an_error_with_a_remedy(redirected: str, why: str) -> None:
    shell = f"{sys.executable} -m wizard whitelist 8.8.8.8 {redirected}"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "Standard output cannot be written" in done.stderr
    assert why in done.stderr


def test_an_input_without_end_is_refused_in_words_and_a_little_memory() -> None:
    shell = f"ulimit -v 1000000; yes | {sys.executable} -m wizard whitelist -"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "128 KiB" in done.stderr
    assert "only the lines that matter" in done.stderr


def test_without_standard_input_or_a_place_for_errors_nothing_is_made_up() -> None:
    command = f"{sys.executable} -m wizard whitelist"
    shell = f"{command} - <&-; echo $? >&2; {command} 10.0.0.1 2>&-; echo $? >&2"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert "Standard input cannot be read" in done.stderr
    assert [line for line in done.stderr.splitlines() if line.isdecimal()] == ["2", "1"]


def test_a_text_that_is_no_list_is_told_and_not_taken(command: Command) -> None:
    text = "allow 8.8.8.8;  # bot\nallow 10.0.0.7;\ndeny 9.9.9.9;\n"
    said = command("whitelist", text)
    assert (said.code, said.out) == (1, "")
    assert "found    line 1     8.8.8.8 (bot)" in said.err
    assert "found    line 2     10.0.0.7 (private)" in said.err
    assert "left out line 3     9.9.9.9 was not taken, as it is denied." in said.err
    assert "2 addresses found in this text, 1 line left out." in said.err
    assert "To take them: key-wizard whitelist 8.8.8.8\n" in said.err
    told = command("whitelist", "--json", text).json
    assert [each["network"] for each in told["found"]] == ["8.8.8.8/32", "10.0.0.7/32"]
    assert told["found"][0] == {"network": "8.8.8.8/32", "label": "bot", "line": 1, "remark": None}
    reason = "9.9.9.9 was not taken, as it is denied."
    assert told["left_out"] == [{"line": 3, "text": "deny 9.9.9.9;", "reason": reason}]
    assert (told["valid"], told["output"], told["repaired"]) == (False, None, "8.8.8.8")


def test_json_names_what_a_plain_list_holds_too(command: Command) -> None:
    told = command("whitelist", "--json", "8.8.8.8 # bot", "9.9.9.9").json
    assert [(each["network"], each["label"]) for each in told["found"]] == [("8.8.8.8/32", "bot"), ("9.9.9.9/32", None)]
    assert (told["left_out"], told["output"]) == ([], "8.8.8.8,9.9.9.9")
