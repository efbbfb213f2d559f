"""For `exec --watch`: key-wizard stays, passes signals on, and starts the command again with each new current key.

The command stays in the process group of key-wizard, so the terminal treats both as one job: Ctrl+Z, `fg` and the size
of the window need nothing. Credentials are read before the command is stopped. Where that fails it runs on.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

from wizard.core.credentials import Credentials

# Windows has two of them.
_NAMES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
PASSED_ON = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
_BY_TERMINAL = _NAMES[:3]
"""A terminal sends these to the whole job by itself."""
_NEW_KEY = 0
"""On the pipe of the signals; none has this number."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Plan:
    """What `supervise` is to do."""

    start: Callable[[Credentials], subprocess.Popen[bytes]]
    """Starts the command; an OSError where it cannot."""
    on_change: int | None
    """The signal that says to the command that the key has changed; None starts it again."""
    stop_within: float
    """Seconds from SIGTERM to SIGKILL when it is started again."""
    say: Callable[[str], None]


def supervise(plan: Plan, credentials: Credentials, changes: Iterator[Credentials]) -> int:
    """Run the command until it ends by itself or by a signal that was passed on; return its exit code.

    Args:
        plan: What to do.
        credentials: To start with; wiped.
        changes: Yields new credentials, in a thread of its own; wiped.
    """
    with _signals() as (source, sink):
        return _Supervisor(plan, source).run(credentials, changes, sink)


class _Supervisor:
    def __init__(self, plan: Plan, source: int) -> None:
        self._plan = plan
        self._source = source
        self._found: SimpleQueue[Credentials] = SimpleQueue()
        self._next: Credentials | None = None
        """What the command is to be started with when it has ended."""
        self._kill_at: float | None = None
        self._is_ending = False

    def run(self, credentials: Credentials, changes: Iterator[Credentials], sink: int) -> int:
        child = self._start(credentials)
        Thread(target=self._look, args=(changes, sink), name="watch", daemon=True).start()
        while True:
            code = child.poll()
            if code is None:
                self._wait(child)
            elif self._next is None or self._is_ending:
                return code if code >= 0 else 128 - code
            else:
                child = self._start(self._next)

    def _start(self, credentials: Credentials) -> subprocess.Popen[bytes]:
        self._next = self._kill_at = None
        with credentials:
            return self._plan.start(credentials)

    def _look(self, changes: Iterator[Credentials], sink: int) -> None:
        for credentials in changes:
            self._found.put(credentials)
            with suppress(OSError):  # the command has ended
                os.write(sink, bytes([_NEW_KEY]))

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        left = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
        if not select.select([self._source], [], [], left)[0]:
            self._plan.say(f"Your bot did not end within {self._plan.stop_within:g} s of SIGTERM. It is killed.")
            self._kill_at = None
            child.kill()
            return
        for number in os.read(self._source, 64):
            if number == _NEW_KEY:
                self._change(child, self._found.get())
            elif number != signal.SIGCHLD:
                self._pass_on(child, number)

    def _pass_on(self, child: subprocess.Popen[bytes], number: int) -> None:
        name = signal.Signals(number).name
        # A bot may read its settings again at SIGHUP, and live on.
        self._is_ending |= name in ("SIGINT", "SIGQUIT", "SIGTERM") or (name == "SIGHUP" and self._next is not None)
        if name not in _BY_TERMINAL or not _is_job_of_terminal():
            child.send_signal(number)

    def _change(self, child: subprocess.Popen[bytes], credentials: Credentials) -> None:
        if self._is_ending:
            credentials.wipe()
            return
        if self._plan.on_change is not None:
            with credentials:
                self._plan.say(f"{credentials.name} is the current key now. Your bot is sent a signal.")
            child.send_signal(self._plan.on_change)
            return
        self._plan.say(f"{credentials.name} is the current key now. Your bot is started again.")
        if self._next is not None:
            self._next.wipe()
        else:
            self._kill_at = time.monotonic() + self._plan.stop_within
            child.terminate()
        self._next = credentials


@contextmanager
def _signals() -> Iterator[tuple[int, int]]:
    """Take signals as bytes on a pipe, whichever thread they come to; what was ignored (nohup) stays so."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    taken = [number for number in PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in (*taken, signal.SIGCHLD)}
    signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    try:
        yield source, sink
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_job_of_terminal() -> bool:
    """Return whether this process is in the foreground of a terminal, with the command."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False


def start(command: Sequence[str], environ: Mapping[str, str], restore: Callable[[], None]) -> subprocess.Popen[bytes]:
    """Start a command as `exec` would: with what was inherited, open files too. An OSError where it cannot.

    On Linux it gets SIGTERM where key-wizard ends without having waited for it, as by `kill -9`.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        restore()
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(128 + signal.SIGTERM)

    return subprocess.Popen(command, env=environ, close_fds=False, preexec_fn=prepare)  # noqa: PLW1509 - no other thread starts or imports now
