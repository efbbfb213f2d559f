"""`exec --watch` as real processes with a real Secret Service: what a bot, its terminal and its service manager see."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pytest

import wizard
from tests.commands.conftest import Bench
from tests.commands.watched import PATIENCE, REPOSITORY, Watched, is_alive, wait_until
from tests.secret_service import private_bus
from tests.terminal.harness import Terminal
from wizard.core.credentials import Credentials, KeyKind
from wizard.custody.keyring import open_keyring
from wizard.custody.store import Store
from wizard.rotation import current_credentials

BOT = "import os, time; print(os.getpid(), os.environ['BINANCE_API_KEY'], flush=True); time.sleep(600)"
SIGNALS = """
import os, signal, sys, time
def say(number, _):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(7)
for name in ('SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'):
    signal.signal(getattr(signal, name), say)
print(os.getpid(), os.environ['BINANCE_API_KEY'], flush=True)
while True:
    time.sleep(1)
"""
ON_TERMINAL = """
import signal, sys
count = 0
def say(number, _):
    global count
    count += 1
    print(signal.Signals(number).name, count, flush=True)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1):
    signal.signal(number, say)
print('started', 1, flush=True)
while (line := sys.stdin.readline()) != 'exit\\n':
    print('read', line, flush=True)
print('left', 5, flush=True)
"""
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, lambda *_: print('TERM', flush=True)); {BOT}"
STUBBORN = STUBBORN.replace("time.sleep(600)", "[time.sleep(1) for _ in range(600)]")


def argv(code: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "wizard", "exec", "bench", "--watch", *options, "--", sys.executable, "-c", code]


@contextmanager
def watched(code: str, *options: str) -> Iterator[Watched]:
    with Watched(argv(code, *options)) as bot:
        yield bot


@pytest.mark.keyring
class TestARestart:
    def test_comes_with_each_new_current_key_and_with_an_undone_switch(self, bench: Bench, keyring: Store) -> None:
        old = bench.put_in_use(keyring)
        with watched(BOT) as bot:
            first, key = bot.meet()
            assert key == old.api_key.reveal()
            new = bench.switch(keyring)
            second, key = bot.meet()
            assert (key, is_alive(first)) == (new.api_key.reveal(), False)
            assert bot.said() == f"key-wizard: {new.name} is the current key now. Your bot is started again."
            bench.make_current(old)
            third, key = bot.meet()
            assert (key, is_alive(second)) == (old.api_key.reveal(), False)
            bot.process.terminate()
            assert bot.end() == 128 + signal.SIGTERM
            assert not is_alive(third)

    def test_leaves_no_secret_in_what_others_see(self, bench: Bench, keyring: Store) -> None:
        old = bench.put_in_use(keyring, kind=KeyKind.ED25519)
        with watched(BOT, "--key-file") as bot:
            bot.meet()
            new = bench.switch(keyring, kind=KeyKind.ED25519)
            pid, _ = bot.meet()
            seen = Path(f"/proc/{bot.process.pid}/cmdline").read_text() + Path(f"/proc/{pid}/cmdline").read_text()
            held = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
            environ = Path(f"/proc/{pid}/environ").read_text()
        secrets = [each.reveal() for pair in (old, new) for each in (pair.api_key, pair.signing)]
        assert [secret for secret in secrets if secret in seen] == []
        assert len([each for each in held if "memfd:" in each]) == 1
        assert [secret for secret in secrets if secret in environ] == [new.api_key.reveal()]

    def test_kills_a_bot_that_does_not_end(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with watched(STUBBORN, "--stop-within", "0.5") as bot:
            first, _ = bot.meet()
            new = bench.switch(keyring)
            assert bot.hear() == "TERM"
            assert bot.meet()[1] == new.api_key.reveal()
            assert not is_alive(first)
            assert "did not end within 0.5 s" in bot.said() + bot.said()

    @pytest.mark.slow
    def test_does_not_come_where_the_user_ends_the_bot_meanwhile(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with watched(STUBBORN, "--stop-within", "3") as bot:
            bot.meet()
            bench.switch(keyring)
            assert bot.hear() == "TERM"
            bot.process.terminate()
            assert bot.hear() == "TERM"
            assert bot.end() == 128 + signal.SIGKILL

    @pytest.mark.slow
    def test_waits_for_a_keyring_that_is_locked_while_the_bot_runs_on(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with private_bus() as bus:
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.environ["DBUS_SESSION_BUS_ADDRESS"])
            bus.start_keyring(unlock=True)
            keyring = asyncio.run(open_keyring(environ=os.environ))
            bench.put_in_use(keyring)
            with watched(BOT) as bot:
                first, _ = bot.meet()
                bot.process.send_signal(signal.SIGSTOP)  # it looks only when the keyring is locked
                new = bench.switch(keyring)
                bus.kill_keyring()
                bus.start_keyring(unlock=False)
                bot.process.send_signal(signal.SIGCONT)
                assert "The keyring is locked. Your bot runs on with the key that it has." in bot.said()
                assert is_alive(first)
                bus.kill_keyring()
                bus.start_keyring(unlock=True)
                assert bot.meet()[1] == new.api_key.reveal()
                assert not is_alive(first)


@pytest.mark.keyring
class TestASignal:
    def test_is_passed_on_and_the_exit_code_comes_back(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with watched(SIGNALS) as bot:
            bot.meet()
            for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM"):
                bot.process.send_signal(signal.Signals[name])
                assert bot.hear() == name
            assert bot.end() == 7

    @pytest.mark.slow
    def test_may_be_all_that_a_new_key_causes(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with watched(SIGNALS, "--signal", "HUP") as bot:
            first, _ = bot.meet()
            bench.switch(keyring)
            assert bot.hear() == "SIGHUP"
            assert bot.is_silent()
            assert is_alive(first)

    def test_that_kills_key_wizard_ends_the_bot_in_order(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with watched(SIGNALS) as bot:
            first, _ = bot.meet()
            bot.process.kill()
            assert bot.hear() == "SIGTERM"
            wait_until(lambda: not is_alive(first))

    @pytest.mark.terminal
    def test_of_the_terminal_is_not_sent_to_the_bot_a_second_time(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with Terminal(argv(ON_TERMINAL), env=dict(os.environ), cwd=REPOSITORY) as terminal:
            terminal.wait_for("started 1")
            terminal.kill(signal.SIGSTOP)  # two that come at once would be one
            terminal.send("\x03")
            terminal.wait_for("SIGINT 1")
            terminal.kill(signal.SIGUSR1)
            terminal.kill(signal.SIGCONT)
            terminal.wait_for("SIGUSR1 2")  # the second signal of all

    @pytest.mark.terminal
    def test_of_the_terminal_lets_a_shell_stop_and_continue_the_bot(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        with Terminal(["bash", "--norc", "-i"], env=dict(os.environ), cwd=REPOSITORY) as terminal:
            terminal.send(f"{shlex.join(argv(ON_TERMINAL))}\r")
            terminal.wait_for("started 1")
            terminal.settle()  # it may have printed before the watch waits for it
            terminal.send("\x03")
            terminal.wait_for("SIGINT 1")
            terminal.send("\x1a")
            terminal.wait_for("Stopped")
            terminal.settle()  # what comes before the shell asks is dropped
            terminal.send("fg\r")
            terminal.wait_for_bytes(b"fg\r\n")
            terminal.settle()
            terminal.send("typed\r")
            terminal.wait_for("read typed")
            terminal.send("\x1c")
            terminal.wait_for("SIGQUIT 2")
            terminal.send("exit\r")
            terminal.wait_for("left 5")


@pytest.mark.keyring
def test_a_bot_starts_as_it_would_have_started_by_itself(
    bench: Bench, keyring: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put_in_use(keyring)
    monkeypatch.setenv("TEXTUAL_LOG", "mine")
    before = os.umask(0o027)
    try:
        words = ["sh", "-c", "umask; echo $TEXTUAL_LOG; ulimit -c; grep SigIgn /proc/self/status; cat"]
        alone = subprocess.run(words, input="typed", capture_output=True, text=True, check=True)
        command = [*argv("")[:-3], *words]
        under = subprocess.run(command, cwd=REPOSITORY, input="typed", capture_output=True, text=True, check=True)
    finally:
        os.umask(before)
    assert under.stdout == alone.stdout
    assert under.stdout.startswith("0027\nmine\n")


@pytest.mark.keyring
@pytest.mark.parametrize(
    ("words", "code"), [(["sh", "-c", "exit 42"], 42), (["sh", "-c", "kill -9 $$"], 137), (["no-such-bot"], 127)]
)
def test_a_bot_that_ends_by_itself_ends_the_watch(bench: Bench, keyring: Store, words: list[str], code: int) -> None:
    bench.put_in_use(keyring)
    command = [*argv("")[:-3], *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == code
    assert (words[0] in done.stderr) is (code == 127)


@pytest.mark.parametrize("name", ["", "NOPE", "_BLOCK", "DFL"])
def test_a_signal_that_is_none_is_wrong_usage(bench: Bench, name: str) -> None:
    done = subprocess.run(argv("", "--signal", name), cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "not the name of a signal" in done.stderr


def test_programs_in_python_get_each_current_key_in_turn(
    bench: Bench, fake_keyring: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_credentials, "LOOK_AGAIN", 0.01)
    old = bench.put_in_use(fake_keyring)
    stop = threading.Event()
    watch = wizard.watch_credentials("bench", stop)
    assert next(watch) == old
    new = bench.switch(fake_keyring)
    assert next(watch) == new
    bench.make_current(old)
    assert next(watch) == old
    stop.set()
    assert [*watch] == []


def test_a_read_that_fails_later_is_tried_again_in_silence(
    bench: Bench, fake_keyring: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_credentials, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr(current_credentials, "TRY_AGAIN", 0.01)
    bench.put_in_use(fake_keyring)
    watch = wizard.watch_credentials("bench")
    next(watch)
    new = bench.switch(fake_keyring)
    tries = iter(range(2))

    def read(environment: str) -> Credentials:
        if next(tries, None) is not None:
            raise current_credentials.NoCurrentKeyError("not now")
        return new

    monkeypatch.setattr(current_credentials, "current_credentials", read)
    assert next(watch) == new


def test_without_a_current_key_a_watch_fails_at_once(bench: Bench) -> None:
    with pytest.raises(current_credentials.NoCurrentKeyError):
        next(wizard.watch_credentials("bench"))


async def test_the_same_for_programs_with_an_event_loop(
    bench: Bench, fake_keyring: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_credentials, "LOOK_AGAIN", 0.01)
    old = await asyncio.to_thread(bench.put_in_use, fake_keyring)
    seen = []
    async for credentials in wizard.awatch_credentials("bench"):
        seen.append(credentials)
        if len(seen) == 2:
            break
        await asyncio.to_thread(bench.switch, fake_keyring)
    assert seen[0] == old
    assert seen[1] != old


def test_the_example_of_the_documentation_follows_the_key(
    bench: Bench, fake_keyring: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_credentials, "LOOK_AGAIN", 0.01)
    page = (REPOSITORY / "docs" / "commands.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    log_ins: SimpleQueue[tuple[str, str]] = SimpleQueue()

    class Bot:
        """Stands in for the reader's."""

        def log_in(self, api_key: str, secret: str) -> None:
            log_ins.put((api_key, secret))

    stop = threading.Event()
    monkeypatch.setattr(wizard, "watch_credentials", partial(current_credentials.watch_credentials, stop_event=stop))
    made = bench.put_in_use(fake_keyring)
    exec(example.replace("production", "bench"), {"bot": Bot()})
    assert log_ins.get(timeout=PATIENCE) == (made.api_key.reveal(), made.signing.reveal())
    made = bench.switch(fake_keyring)
    assert log_ins.get(timeout=PATIENCE) == (made.api_key.reveal(), made.signing.reveal())
    stop.set()
