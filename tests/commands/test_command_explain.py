"""No place of the credentials can be opened here: what is explained is explained without a key."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import HERE, Bench, Command, Said
from tests.exchange.test_logged import BAN, CASES, KEY
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode

NAMED = 'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 198.51.100.7"}'
REFUSED = 'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}'


class Explain:
    def __init__(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        self._command, self._monkeypatch = command, monkeypatch

    def __call__(self, text: str | bytes, *arguments: str) -> Said:
        given = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        return self._command("explain", "bench", *arguments)


@pytest.fixture
def explain(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> Explain:
    return Explain(command, monkeypatch)


def test_an_address_that_is_not_on_the_list_is_the_cause_and_the_way_to_the_list_is_shown(
    explain: Explain, bench: Bench, memory: MemoryStore
) -> None:
    key = bench.put_in_use(memory, whitelist="203.0.113.1")
    said = explain(REFUSED, "--json")
    assert said.code == 0
    assert (said.json["outcome"], said.json["cause"], said.json["code"]) == ("rejected", "address", -2015)
    assert "key-wizard --env bench --job whitelist" in said.json["advice"]
    assert (said.json["egress"]["address"], said.json["key"]["last_four"]) == (HERE, key.name.last_four)
    lines = explain(REFUSED).out.splitlines()
    assert lines[0].startswith("Binance refuses this key, most likely because of your address")
    assert any(line.startswith(f"  This host    The address is {HERE}.") for line in lines)
    assert any(line.startswith("  Whitelist    203.0.113.1, of …") for line in lines)
    assert lines[-1].startswith("  Not proven   that your bot runs on this host and uses …")


def test_the_address_that_binance_named_goes_before_what_this_host_sees(
    explain: Explain, bench: Bench, memory: MemoryStore
) -> None:
    bench.put_in_use(memory, whitelist=HERE)
    said = explain(NAMED, "--json")
    assert (said.json["named"], said.json["hosts"], said.json["cause"]) == ("198.51.100.7", [], "address")
    assert said.json["what"] == "Binance sees 198.51.100.7, which is not on the list you composed"


def test_while_a_job_is_open_no_other_is_advised(explain: Explain, bench: Bench, memory: MemoryStore) -> None:
    bench.put_in_use(memory, whitelist="203.0.113.1")
    with bench.journal() as journal:
        journal.begin_rotation("bench", Mode.ROTATE)
    said = explain(REFUSED, "--json")
    assert "--job whitelist" not in said.json["advice"]
    assert HERE in said.json["advice"]


def test_the_clock_is_measured_where_the_error_is_about_it(explain: Explain, bench: Bench) -> None:
    bench.fault(clock_offset_ms=-90_000)
    said = explain(CASES["python-binance"].text, "--json")
    assert (said.code, said.json["cause"], said.json["line"]) == (0, "clock", 3)
    assert "has not been measured" not in said.json["why"]
    assert "90" in said.json["why"]


def test_without_a_network_the_error_is_explained_and_the_exit_code_is_6(
    explain: Explain, bench: Bench, dead_url: str
) -> None:
    bench.configure(base_url=dead_url)
    bench.use()
    said = explain(CASES["python-binance"].text, "--json")
    assert (said.code, said.json["cause"], said.json["egress"]["address"]) == (6, "clock", None)


def test_what_a_bot_sends_wrongly_is_no_defect_of_the_wizard(explain: Explain) -> None:
    said = explain('{"code":-1102,"msg":"Mandatory parameter \'timestamp\' was not sent."}', "--json")
    assert (said.json["cause"], "defect" in said.json["advice"]) == ("request", False)


def test_others_are_counted_and_a_file_is_read_like_standard_input(
    explain: Explain, bench: Bench, command: Command, tmp_path: Path
) -> None:
    log = tmp_path / "bot.log"
    log.write_text(f'{REFUSED}\n{REFUSED}\nbinance 418 I\'m a teapot {{"code":-1003,"msg":"{BAN}"}}\n')
    said = command("explain", "bench", str(log), "--json")
    assert (said.json["code"], said.json["status"], said.json["line"]) == (-1003, 418, 3)
    assert said.json["others"] == {"-2015": 2}
    text = explain(log.read_text()).out
    assert "  Error        -1003, HTTP 418, line 3\n  Also found   -2015 (2)\n" in text


def test_a_text_without_an_error_is_refused_and_what_is_looked_for_is_said(explain: Explain) -> None:
    for text in ("", "all is well", "\0\1\2"):
        said = explain(text, "--json")
        assert (said.code, said.json["error"]["code"]) == (1, "explain.none")
    assert "-2015" in said.err


def test_a_log_that_is_too_long_is_refused_and_not_read_to_its_end(
    explain: Explain, command: Command, tmp_path: Path
) -> None:
    long = f"{REFUSED}\n".encode() * (6 * 2**20 // len(REFUSED))
    assert (explain(long).code, explain(long, "--json").json["error"]["code"]) == (2, "input.unreadable")
    log = tmp_path / "bot.log"
    log.write_bytes(long)
    assert command("explain", "bench", str(log), "--json").json["error"]["code"] == "file.too_large"
    assert command("explain", "bench", str(tmp_path / "none"), "--json").json["error"]["code"] == "file.missing"


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_nothing_of_a_hostile_log_is_repeated_and_no_key_of_it(explain: Explain, arguments: tuple[str, ...]) -> None:
    log = (
        f"apiKey={KEY} signature={KEY.lower()}\x1b]52;c;aGk=\x07\n"
        f'{{"code":-2010,"msg":"\x1b[2J\u202e{KEY} secret {KEY[:30]}\r\n","apiKey":"{KEY}"}} \udce9'
    )
    said = explain(log, *arguments)
    shown = said.out + said.err
    assert said.code == 0
    assert "-2010" in shown
    assert not any(part in shown for part in (KEY[:20], KEY.lower()[:20], "\x1b", "\u202e", "]52;"))


def test_utf_16_and_latin_1_are_read(explain: Explain, command: Command, tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "latin-1")):
        log = tmp_path / f"{number}.log"
        log.write_bytes(f"Fehlerübersicht\n{REFUSED}".encode(encoding))
        assert command("explain", "bench", str(log), "--json").json["code"] == -2015
