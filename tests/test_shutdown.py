"""What signals do to a process of its own: on a pipe, on a terminal, at its start and at its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.harness import ENDS_WITHIN, TIMEOUT, Terminal
from tests.tiers import slow
from wizard.core.secret import Secret
from wizard.core.settings import paths
from wizard.custody.encrypted_file import make_file

REPOSITORY = Path(__file__).parents[1]
ENDING = (signal.SIGTERM, signal.SIGINT, *slow(signal.SIGHUP, signal.SIGQUIT))
WAITS = """
import sys, time
from wizard.core.shutdown import Shutdown
with Shutdown():
    print("ready", flush=True)
    time.sleep(60)
"""

LATE = """
import os, select, signal
from wizard.core.shutdown import Shutdown

class JustBefore(Shutdown):
    \"\"\"The first wake-up comes just before the main thread waits: it is seen by C, and the wait is not left.\"\"\"
    is_first = True

    def _interrupt(self):
        if self.is_first:
            self.is_first = False
            os.write(self._signals, bytes([signal.SIGURG]))
        else:
            super()._interrupt()

def taken(*_):
    raise SystemExit(7)

with JustBefore():
    signal.signal(signal.SIGUSR1, taken)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])  # another thread takes it
    os.kill(os.getpid(), signal.SIGUSR1)
    select.select([], [], [], 60)
"""


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """A pipe whose reader has stopped."""
    source, target = os.pipe()
    os.set_blocking(target, False)
    try:
        while True:
            os.write(target, bytes(4096))
    except BlockingIOError:
        os.set_blocking(target, True)
    yield target
    os.close(source)
    os.close(target)


def wait_until_blocked(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has taken its signals, and does nothing any more."""
    proc, before = Path(f"/proc/{process.pid}"), ""
    for _ in range(int(TIMEOUT / 0.2)):
        time.sleep(0.2)
        used = " ".join((proc / "stat").read_text().rpartition(")")[2].split()[11:13])
        if used == before and len(list((proc / "task").iterdir())) > 1:
            return
        before = used
    raise AssertionError("it is not blocked")


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("arguments", [["history", "--json"], ["--help"]], ids=" ".join)
def test_a_command_ends_although_nobody_takes_what_it_prints(
    full_pipe: int, arguments: list[str], number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "wizard", *arguments]
    with subprocess.Popen(command, stdout=full_pipe, cwd=REPOSITORY) as process:
        wait_until_blocked(process)
        process.send_signal(number)
        assert process.wait(ENDS_WITHIN) == 128 + number


def test_a_handler_runs_although_its_wake_up_came_just_before_the_wait() -> None:
    run = subprocess.run([sys.executable, "-c", LATE], timeout=TIMEOUT, cwd=REPOSITORY, check=False)
    assert run.returncode == 7


def test_what_was_ignored_stays_ignored() -> None:
    ignoring = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN){WAITS}"
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        assert process.wait(ENDS_WITHIN) == 143


def wait_for_children(process: int) -> list[str]:
    for _ in range(int(TIMEOUT / 0.1)):
        if children := Path(f"/proc/{process}/task/{process}/children").read_text().split():
            return children
        time.sleep(0.1)
    raise AssertionError("it started nothing")


def runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("arguments", [["doctor", "--only", "keyring"], ["egress", "--hosts", "bot-1"]], ids=" ".join)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_programs_that_a_command_waits_for(
    tmp_path: Path, arguments: list[str], number: signal.Signals
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\ntrap '' TERM HUP\nsleep 60\n")
    ssh.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        bus.listen()  # and never answer
        environ = {
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/bus",
            "HTTPS_PROXY": "http://127.0.0.1:1",  # the echo services are not what is asked
        }
        command = [sys.executable, "-m", "wizard", *arguments]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, cwd=REPOSITORY) as process:
            started = wait_for_children(process.pid)
            process.send_signal(number)
            assert process.wait(ENDS_WITHIN) == 128 + number
        assert [child for child in started if runs(child)] == []


@pytest.mark.terminal
@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("is_frozen", [False, True], ids=["", "frozen"])
async def test_a_signal_at_a_passphrase_restores_the_terminal(number: signal.Signals, is_frozen: bool) -> None:
    place = paths(os.environ)
    place.create()
    place.config_file.write_text('[custody]\nplace = "encrypted-file"\n')
    await make_file(place.encrypted_file, Secret("seven random words"), TIMEOUT)
    with Terminal(
        [sys.executable, "-m", "wizard", "storage", "--passphrase"], env=dict(os.environ), cwd=REPOSITORY
    ) as terminal:
        terminal.wait_for("Passphrase of the encrypted file:")
        assert not terminal.has_its_settings()
        if is_frozen:
            terminal.stop_output()
        terminal.kill(number)
        assert terminal.wait(ENDS_WITHIN) == 128 + number
        assert terminal.has_its_settings()


AT_EACH_LINE = """
import asyncio, os, signal, sys
from wizard.core.shutdown import Shutdown
from wizard.plain.interrupts import Interrupts
from wizard.plain.terminal import TerminalConsole

# Where an exception that a signal handler raises does harm: a lock is lost, or a task is never waked.
PLACES = {("threading.py", "start"), ("threading.py", "wait"), ("events.py", "_run")}

def ask(spot):
    seen = None

    def trace(frame, event, _):
        nonlocal seen
        place = os.path.basename(frame.f_code.co_filename), frame.f_code.co_name
        if seen is not None and event == "line" and place in PLACES:
            seen += 1
            if seen == spot:
                sys.settrace(None)
                signal.alarm(20)
                print(spot, *place, frame.f_lineno, end=" ", flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
        return trace

    class Console(TerminalConsole):
        def _send(self, text):
            nonlocal seen
            super()._send(text)
            seen = seen or 0

    with Shutdown():
        sys.settrace(trace)
        asyncio.run(Console(Interrupts(), source=terminal, target=terminal).ask_secret("> "))

for spot in range(1, 1000):
    master, terminal = os.openpty()
    if (child := os.fork()) == 0:
        signal.alarm(2)  # ends the first spot that is not reached
        ask(spot)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, flush=True)
    os.close(master), os.close(terminal)
"""


def test_a_signal_is_right_at_each_line_around_a_hidden_question() -> None:
    """Each line of a report is a place, and the exit code there; the first without a place was not reached."""
    program = [sys.executable, "-c", AT_EACH_LINE]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            *place, code = line.split()
            if not place:
                break
            seen.append((place, code))
        process.kill()
    assert len(seen) > 10
    assert [place for place, code in seen if code != "143"] == []
