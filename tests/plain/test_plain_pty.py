"""The program itself, line by line, on a terminal that can do nothing, and on a pipe."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.terminal.harness import ENDS_WITHIN, Terminal
from tests.terminal.walk import end_exchange
from tests.tiers import slow
from wizard.core.credentials import KeyKind
from wizard.rehearsal.process import recall
from wizard.rehearsal.simulated_page import NewKey, SimulatedPage

pytestmark = pytest.mark.terminal
REPOSITORY = Path(__file__).parents[2]
REHEARSE = [sys.executable, "-m", "wizard", "rehearse", "--plain"]
_WHOLE_VALUE = re.compile(rb"[A-Za-z0-9]{64}")


def home() -> Path:
    return Path(os.environ["KEY_WIZARD_HOME"])


def exchange_note() -> Path:
    return home() / "state" / "rehearsal" / "exchange.json"


class DumbTerminal:
    """`rehearse --plain` on a terminal without cursor movement."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._read = 0

    def see(self, *texts: str) -> None:
        """Wait until each of `texts` has been written, however wrapped, in this order, after what was seen before."""
        for text in texts:
            said = re.compile(re.sub(rb"(?<=[^ ])\\ (?=[^ ])", rb"\\s+", re.escape(text.encode())))
            self.terminal.wait_until(lambda _, said=said: said.search(self.terminal.raw, self._read), repr(text))  # type: ignore[misc]
            found = said.search(self.terminal.raw, self._read)
            assert found is not None
            self._read = found.end()

    def answer(self, said: str, answer: str) -> None:
        self.see(said, ": ")
        self.terminal.send(f"{answer}\r")

    def hidden(self, said: str, value: str) -> None:
        self.see(said, "typing is not shown", ": ")
        self.terminal.send(f"{value}\r")

    def to_credentials(self) -> None:
        self.answer("[replace]", "")
        self.answer("[continue]", "continue")
        self.answer("1 address, ready to paste.", "continue")
        self.see("Create the key on Binance", "[save]: ")

    def to_type(self, kind: str) -> None:
        """Choose a type of key."""
        self.terminal.send("type\r")
        self.answer("[use]", "use")
        self.answer("Its number, 1 to 4 (back, help or quit)", str(("ed25519", "hmac").index(kind) + 1))
        self.see("[save]: ")

    def from_page(self) -> None:
        """Create the key on the simulated page and store what it shows."""
        self.terminal.send("page\r")
        self.answer("[create]", "create")
        self.see("is filled in")
        self.answer("[save]", "save")

    def save(self) -> None:
        """Begin to enter the values."""
        self.terminal.send("save\r")

    @property
    def simulated_page(self) -> SimulatedPage:
        """The exchange's page, from behind the wizard's back."""
        known = recall(exchange_note())
        assert known is not None
        return SimulatedPage(known.desk_url)

    def make_key(self, whitelist: str = "203.0.113.42") -> NewKey:
        """What the exchange's page would show."""
        return asyncio.run(self.simulated_page.create("new", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True))

    def sent(self) -> list[str]:
        """What reached the exchange as an API key, call by call."""
        return [line.api_key.reveal() for line in asyncio.run(self.simulated_page.activity())]


@pytest.fixture
def dumb() -> Iterator[DumbTerminal]:
    try:
        with Terminal(REHEARSE, env={**os.environ, "TERM": "dumb"}, cwd=REPOSITORY) as terminal:
            yield DumbTerminal(terminal)
    finally:
        end_exchange(home())


def retire(dumb: DumbTerminal) -> None:
    dumb.see("The new key works from here.")
    dumb.answer("Answer with", "switch")
    dumb.answer("Answer with", "page")
    dumb.see("legacy, HMAC")
    dumb.answer("Answer with", "delete")
    dumb.answer("Numbers", "1")
    dumb.answer("Type delete to do it", "delete")
    dumb.see("is deleted now.")
    dumb.answer("Answer with", "back")
    dumb.answer("Answer with", "ask")
    dumb.see("is dead")
    dumb.answer("Answer with", "delete")
    dumb.answer("Type delete to do it", "delete")
    dumb.see("its secret is deleted", "What next?")


def test_a_rehearsal_goes_to_its_end_without_one_escape(dumb: DumbTerminal) -> None:
    dumb.to_credentials()
    dumb.from_page()
    retire(dumb)
    dumb.terminal.send("quit\r")
    assert dumb.terminal.wait() == 0
    assert set(dumb.terminal.raw) & set(range(32)) == set(b"\r\n")
    assert not _WHOLE_VALUE.search(dumb.terminal.raw)
    assert dumb.terminal.is_restored()


def test_empty_lines_within_a_pasted_list_end_neither_it_nor_the_step(dumb: DumbTerminal) -> None:
    dumb.answer("Replaces …", "")
    dumb.answer("The address is 203.0.113.42", "continue")
    dumb.answer("1 address, ready to paste.", "add")
    dumb.answer("Line 1", "5.6.7.8 # bot\r\r\r\r# office\r9.9.9.9\r\r")
    dumb.see("3 addresses, ready to paste", "2. 5.6.7.8, bot", "3. 9.9.9.9", "What next?")


def test_a_pasted_list_may_end_without_a_line_end_also_after_empty_lines(dumb: DumbTerminal) -> None:
    dumb.answer("Replaces …", "")
    dumb.answer("The address is 203.0.113.42", "continue")
    dumb.answer("1 address, ready to paste.", "add")
    dumb.see("Line 1", ": ")
    dumb.terminal.send("5.6.7.8 # bot\r\r\r9.9.9.9")
    dumb.answer("Line 4", "")
    dumb.answer("Line 5", "")
    dumb.see("3 addresses, ready to paste", "2. 5.6.7.8, bot", "3. 9.9.9.9", "What next?")


def test_typed_keys_and_secrets_are_never_echoed(dumb: DumbTerminal) -> None:
    dumb.to_credentials()
    made = dumb.make_key()
    dumb.to_type("hmac")
    dumb.save()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    dumb.hidden("API key", f"{key}\r{secret}\r{key}")
    dumb.see("Problem: The paste holds 3 lines. This field takes one value.", "Nothing was taken.")
    dumb.hidden("API key", f"\x1b[200~{key}\r{secret}\x1b[201~")
    dumb.see("This holds an API key of 64 characters")
    retire(dumb)
    dumb.terminal.send("quit\r")
    assert dumb.terminal.wait() == 0
    assert b"\x1b" not in dumb.terminal.raw
    for secret in (made.api_key.reveal(), made.secret.reveal()):
        assert leaked(secret, dumb.terminal.raw) == []


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("\r", id="enter", marks=pytest.mark.slow),
        pytest.param("\r\r", id="enter twice", marks=pytest.mark.slow),
        pytest.param("\r" * 20, id="enter held"),
        pytest.param("y\ryes\r\r", id="typed ahead", marks=pytest.mark.slow),
        pytest.param("swap\r\r\r", id="swap without its word", marks=pytest.mark.slow),
    ],
)
def test_the_secret_of_a_refused_key_never_goes_to_the_exchange_without_its_word(dumb: DumbTerminal, keys: str) -> None:
    dumb.to_credentials()
    made = dumb.make_key("198.51.100.7")
    dumb.to_type("hmac")
    dumb.save()
    dumb.hidden("API key", made.api_key.reveal())
    dumb.hidden("Secret", made.secret.reveal())
    dumb.see("-2015", "swap: ", "Answer with", ": ")
    before = dumb.sent()
    dumb.terminal.send(keys)
    dumb.see("Type swap to do it" if keys.startswith("swap") else "Not accepted yet")
    dumb.terminal.settle(1)
    sent = dumb.sent()
    assert (sent == before) is keys.startswith("swap")
    assert made.api_key.reveal() in sent
    assert made.secret.reveal() not in sent


@pytest.mark.parametrize("delay", [0, *slow(0.05, 0.15, 0.4, 1.0)])
def test_a_key_and_its_secret_that_a_slow_line_brings_are_taken_and_never_shown(
    dumb: DumbTerminal, delay: float
) -> None:
    dumb.to_credentials()
    made = dumb.make_key()
    dumb.to_type("hmac")
    dumb.save()
    dumb.see("API key, typing is not shown", ": ")
    for value in (made.api_key, made.secret):
        dumb.terminal.send(f"{value.reveal()}\r")
        dumb.terminal.listen(delay)
    dumb.see("The new key works from here.")
    for value in (made.api_key, made.secret):
        assert leaked(value.reveal(), dumb.terminal.raw) == []


@pytest.mark.parametrize("delay", [0, *slow(0.05, 0.15, 0.4, 1.0)])
def test_what_no_question_takes_of_a_slow_paste_is_not_shown(dumb: DumbTerminal, delay: float) -> None:
    lines = ["0f1e2d3c4b5a6978" * 4, "a1b2c3d4e5f60718" * 4, "9a8b7c6d5e4f3021" * 4]
    dumb.to_credentials()
    dumb.save()
    dumb.see("API key, typing is not shown", ": ")
    for line in lines:
        dumb.terminal.send(f"{line}\r")
        dumb.terminal.listen(delay)
    dumb.terminal.listen(3)
    assert [leaked(line, dumb.terminal.raw) for line in lines] == [[], [], []]


@pytest.mark.parametrize("delay", [0, *slow(0.05, 0.15, 0.4, 1.0)])
def test_a_key_and_its_secret_pasted_where_all_is_shown_are_refused_unseen(dumb: DumbTerminal, delay: float) -> None:
    key, secret = "0f1e2d3c4b5a6978" * 4, "a1b2c3d4e5f60718" * 4
    dumb.to_credentials()
    for value in (key, secret):
        dumb.terminal.send(f"{value}\r")
        dumb.terminal.listen(delay)
    dumb.see("This looks like a key. It was not taken", "What next?", "[save]: ")
    dumb.terminal.send("save\r")
    dumb.see("save\r\n", "API key, typing is not shown")
    assert leaked(key, dumb.terminal.raw) + leaked(secret, dumb.terminal.raw) == []


def test_ctrl_c_asks_and_leaving_a_living_key_behind_is_exit_code_4(dumb: DumbTerminal) -> None:
    dumb.to_credentials()
    dumb.from_page()
    dumb.see("The new key works from here.")
    dumb.answer("Answer with", "switch")
    dumb.answer("Answer with", "ask")
    dumb.see("Asking Binance with both keys", "accepted")
    dumb.terminal.send("\x03")
    dumb.see("Stopped waiting.", "Answer with", ": ")
    dumb.terminal.send("\x03")
    dumb.answer("Quit, yes or no?", "no")
    dumb.see("The wizard stays open.", "or quit) [ask]: ")
    dumb.terminal.send("\x04")
    dumb.see("Key Wizard is closed.")
    assert dumb.terminal.wait() == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, *slow(signal.SIGHUP, signal.SIGQUIT)])
def test_a_signal_at_a_hidden_prompt_restores_the_terminal(dumb: DumbTerminal, number: signal.Signals) -> None:
    dumb.to_credentials()
    dumb.to_type("hmac")
    dumb.save()
    dumb.see("API key", "typing is not shown", ": ")
    assert not dumb.terminal.is_restored()
    dumb.terminal.send("S3cr3tS3cr3t")
    dumb.terminal.settle()
    dumb.terminal.kill(number)
    assert dumb.terminal.wait(ENDS_WITHIN) == 128 + number
    assert dumb.terminal.is_restored()
    assert b"S3cr3t" not in dumb.terminal.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, *slow(signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)])
def test_a_signal_ends_it_while_the_terminal_takes_no_output(dumb: DumbTerminal, number: signal.Signals) -> None:
    dumb.see("Replaces …", "[replace]: ")
    dumb.terminal.stop_output()
    dumb.terminal.send("next\r" * 3)
    dumb.terminal.kill(number)
    assert dumb.terminal.wait(ENDS_WITHIN) == 128 + number
    assert dumb.terminal.has_its_settings()
    assert recall(exchange_note()) is None, "the exchange was left running"


@pytest.mark.parametrize("number", [signal.SIGTERM, *slow(signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)])
def test_a_signal_at_a_hidden_prompt_ends_it_while_the_terminal_takes_no_output(
    dumb: DumbTerminal, number: signal.Signals
) -> None:
    dumb.to_credentials()
    dumb.to_type("hmac")
    dumb.save()
    dumb.see("API key", "typing is not shown", ": ")
    dumb.terminal.stop_output()
    dumb.terminal.kill(number)
    assert dumb.terminal.wait(ENDS_WITHIN) == 128 + number
    assert dumb.terminal.has_its_settings()


@pytest.mark.parametrize("controlling", [True, False])
def test_the_program_ends_when_its_terminal_is_closed(controlling: bool) -> None:
    try:
        with Terminal(REHEARSE, env=dict(os.environ), cwd=REPOSITORY, controlling=controlling) as terminal:
            DumbTerminal(terminal).see("Replaces …", "[replace]: ")
            terminal.hang_up()
            assert terminal.wait(ENDS_WITHIN) == 129
            assert recall(exchange_note()) is None, "the exchange was left running"
    finally:
        end_exchange(home())


def run(*arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-m", "wizard", *arguments],
            input=answers,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=REPOSITORY,
            check=False,
        )
    finally:
        end_exchange(home())


@pytest.mark.parametrize("arguments", [("rehearse", "--plain"), ("--plain", "rehearse")])
def test_a_pipe_can_rehearse(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, answers="1\ncontinue\ncontinue\n1\nquit\n")
    assert done.returncode == 3
    assert done.stderr == ""
    assert "-----END PUBLIC KEY-----" in done.stdout
    assert "Key Wizard is closed." in done.stdout


def test_a_pipe_that_ends_at_once_is_quit() -> None:
    done = run("rehearse", "--plain")
    assert done.returncode == 0
    assert "Key Wizard is closed." in done.stdout


def test_a_reader_that_goes_away_is_quit() -> None:
    with subprocess.Popen(REHEARSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert b"Key Wizard" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    end_exchange(home())


def test_without_a_keyring_the_real_environments_say_why_and_stay_closed() -> None:
    done = run("--env", "development", "--plain", answers="file\n")
    assert done.stdout.count("This login has no session bus") == 1
    assert "file: Use an encrypted file. " in done.stdout
    assert "legacy" not in done.stdout
    assert done.returncode == 5


def test_an_unknown_environment_is_refused_before_anything_is_opened() -> None:
    done = run("--plain", "--env", "nowhere")
    assert done.returncode != 0
    assert "There is no environment called 'nowhere'" in done.stderr


def test_the_line_mode_loads_no_textual() -> None:
    code = "import sys, wizard.plain.walk; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "False\n"
