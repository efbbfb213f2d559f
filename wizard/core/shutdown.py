"""The end by a signal: in order where that goes, and within two seconds whatever happens.

Signals are taken in a thread of their own. Python runs signal handlers in the main thread alone, and a terminal or a
pipe that takes no output blocks that one in a write.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Self

if sys.platform != "win32":
    import termios
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

HANG_UP = 1
"""SIGHUP's number everywhere it exists; also the reason to end where the terminal is gone."""
INTERRUPT_AFTER = 1.0
"""Seconds after a signal at which the main thread is thrown out of what blocks it."""
KILL_AFTER = 1.6
"""Seconds after a signal at which the process ends as it stands, which is as safe as `kill -9`."""
_TICK = 0.05
_MOST_AT_ONCE = 64

# Windows has the last two.
_ENDING = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGQUIT", "SIGINT", "SIGTERM") if hasattr(signal, name))

BeginShutdown = Callable[[int], None]


class Shutdown:
    """What signals do to this process while the block runs: the first one ends it, with exit code 128+n.

    The main thread unwinds, so that all is closed in order; further signals change nothing. What was ignored at the
    start (nohup) stays ignored.
    """

    def __init__(self) -> None:
        self.has_begun = False
        """Whether a signal has come. It is known before the handler of any signal with a higher number runs."""
        self._number: int | None = None
        self._begin_shutdown: BeginShutdown = self.unwind
        self._terminal: tuple[int, list[Any]] | None = None
        self._signals: int | None = None
        self._before: dict[int, Any] = {}
        self._is_cancelled = Event()
        self._is_interrupted = True
        self._is_overdue = False
        self._is_leaving = False

    def __enter__(self) -> Self:
        if sys.platform != "win32":
            self._terminal = _find_terminal()
            taken = [number for number in _ENDING if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._on_signal) for number in taken}
            # SIGURG does no harm where nobody takes it.
            signal.signal(signal.SIGURG, self._on_interrupt)
            source, self._signals = os.pipe()
            os.set_blocking(self._signals, False)
            signal.set_wakeup_fd(self._signals, warn_on_full_buffer=False)
            Thread(target=self._read_signals, args=(source,), name="signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_leaving = True
        if self._number is None:
            _flush()
        if self._number is not None:
            self._end(self._number)

    @contextmanager
    def handled_by(self, begin: BeginShutdown) -> Iterator[None]:
        """Let `begin` begin the end as long as the block runs; a thread of its own calls it with the signal's number.

        Signals that were ignored are taken too: a wizard without a terminal would hold secrets that nobody can use.
        """
        taken = self._on_signal if sys.platform != "win32" else lambda number, _: begin(number)
        handlers = {number: signal.signal(number, taken) for number in _ENDING}
        before, self._begin_shutdown = self._begin_shutdown, begin
        try:
            yield
        finally:
            self._begin_shutdown = before
            for number, handler in handlers.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def restore_handlers(self) -> None:
        """Leave signals to what runs from now on."""
        if self._signals is not None:
            signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self, number: int) -> None:
        """End as if the signal had come."""
        self.has_begun = True
        if self._signals is None:
            self._begin_shutdown(number)
        else:
            os.write(self._signals, bytes([number]))

    def cancel(self) -> bool:
        """Go on after all, as the signal that has just come is only a question; return whether it is not too late."""
        if self._is_overdue:
            return False
        self.has_begun, self._number = False, None
        self._is_cancelled.set()
        return True

    def unwind(self, number: int) -> None:
        """Make the main thread leave what it does: its tasks are cancelled; without a loop it gets SystemExit."""
        if sys.platform == "win32":
            raise SystemExit(128 + number)
        self._is_interrupted = False
        self._interrupt()

    def restore_terminal(self) -> None:
        """Give the terminal the settings that it had at the start. From any thread; it is not waited for.

        What was typed ahead is dropped: it was meant for this program, not for the shell.
        """
        if self._terminal is None:
            return
        descriptor, settings = self._terminal
        # In the background the terminal is another program's, and changing it would stop this one.
        with suppress(OSError):  # ENOTTY: it is not the one that has a foreground
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return
        with suppress(termios.error):  # it is gone
            # TCSANOW: the others wait until the terminal has taken all output.
            termios.tcsetattr(descriptor, termios.TCSANOW, settings)
            termios.tcflush(descriptor, termios.TCIFLUSH)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.has_begun = True  # the rest is done where the number is read

    def _read_signals(self, source: int) -> None:
        while data := os.read(source, _MOST_AT_ONCE):
            # Of signals that come at once the handler of the last runs first.
            for number in sorted(data):
                if number in _ENDING:
                    self._shut_down(number)
            if set(data).difference(_ENDING, [signal.SIGURG]):
                # Others have handlers of their own. They run once the main thread leaves what it waits in.
                self._is_interrupted = False
                self._interrupt()
            elif not self._is_interrupted:
                time.sleep(_TICK)
                if not self._is_interrupted:
                    self._interrupt()

    def _shut_down(self, number: int) -> None:
        begun = time.monotonic()
        self._is_cancelled.clear()
        self._is_overdue = False
        self._number = number
        with suppress(Exception):  # what begins the end must not stop it
            self._begin_shutdown(number)
        while not self._is_cancelled.wait(_TICK):
            age = time.monotonic() - begun
            if age > KILL_AFTER:
                self._end(number)
            if age > INTERRUPT_AFTER and not self._is_overdue:
                self._is_overdue = True
                self.unwind(number)
            if not self._is_interrupted:
                self._interrupt()

    def _interrupt(self) -> None:
        # Sent again until it has arrived: just before a system call it would wait for the call's end.
        signal.pthread_kill(main_thread().ident or 0, signal.SIGURG)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._is_interrupted = True
        if self._number is None or self._is_leaving:
            return
        loop = _running_loop()
        if loop is None or self._is_overdue:
            raise SystemExit(128 + self._number)
        loop.call_soon_threadsafe(_cancel_tasks, loop)

    def _end(self, number: int) -> NoReturn:
        self.restore_terminal()
        os._exit(128 + number)


def _find_terminal() -> tuple[int, list[Any]] | None:
    """Return a terminal with the settings that it has."""
    with suppress(OSError):
        controlling = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        return controlling, termios.tcgetattr(controlling)
    return next(((each, termios.tcgetattr(each)) for each in (0, 2, 1) if os.isatty(each)), None)


def _running_loop() -> AbstractEventLoop | None:
    if "asyncio" not in sys.modules:
        return None
    import asyncio  # noqa: PLC0415 - it takes longer than some commands do

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _cancel_tasks(loop: AbstractEventLoop) -> None:
    import asyncio  # noqa: PLC0415

    for task in asyncio.all_tasks(loop):
        task.cancel()


def discard_output() -> None:
    """Keep the interpreter from flushing at its end what could not be written: it would exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _flush() -> None:
    """Write what is left now: at the interpreter's end no signal could stop it any more."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        discard_output()
