"""A real pseudo-terminal with a program in it: what a person sees, types and closes.

    with Terminal([sys.executable, "-m", "wizard", "rehearse"], env=environ) as terminal:
        terminal.wait_for("Egress address")
        terminal.send(ENTER)
        assert terminal.wait() == 0

Nothing sleeps: every wait ends when bytes arrive or the program ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import pyte

TIMEOUT = 20.0
"""Seconds after which a wait is a failure. Generous: it is not what the tests measure."""
ENDS_WITHIN = 5.0
"""Seconds in which a signal has ended the program: two are promised, the rest is for a busy machine."""

# setsid is done by Popen; a new session has no controlling terminal until it asks for one.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


class Terminal:
    """`argv` on a terminal of `size` columns and lines, as the leader of a session of its own.

    Args:
        env: The whole environment of the program; TERM is added when missing.
        size: Columns and lines.
        controlling: Whether the terminal is the program's controlling one, so that closing it sends SIGHUP.
        cwd: Where the program starts.
        popen: Starts it, as `subprocess.Popen` does.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
        controlling: bool = True,
        cwd: str | os.PathLike[str] | None = None,
        popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        self.raw = b""
        """Every byte that the program wrote."""
        self._lines: dict[str, None] = {}
        self._display = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._display)
        self._master, slave = os.openpty()
        self._name = os.ttyname(slave)
        self._is_open = True
        self.resize(*size)
        take = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL] if controlling else []
        try:
            self._process = popen(
                [*take, *argv],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env={"TERM": "xterm-256color", **env},
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self.hang_up()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._display.columns, self._display.lines

    @property
    def drawn(self) -> bytes:
        """What a look-out for secrets has to search: `raw`, and each line that stood on the screen.

        Only the cells that change are sent, so that a word can stand on the screen and never in `raw`.
        """
        return self.raw + "\n".join(self._lines).encode()

    @property
    def exit_code(self) -> int | None:
        """The exit code, -n when signal n ended the program, None while it runs."""
        return self._process.poll()

    def send(self, keys: str | bytes) -> None:
        """Type `keys` in one packet; names are in tests.terminal.keys."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self._master, data) :]

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size; the program gets SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._display.resize(lines, columns)

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the program."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal's window."""
        if self._is_open:
            self._is_open = False
            os.close(self._master)

    def stop_output(self) -> None:
        """Take no more output, as a frozen SSH client does."""
        terminal = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(terminal, termios.TCOOFF)
        os.close(terminal)

    def screen(self) -> str:
        """What stands on the screen now, lines without the spaces at their ends."""
        return "\n".join(self._line(row).rstrip() for row in range(self._display.lines))

    def scribble(self, text: str) -> None:
        """Write `text` on the terminal as another program, and show it."""
        terminal = os.open(self._name, os.O_WRONLY | os.O_NOCTTY)
        os.write(terminal, text.encode())
        os.close(terminal)
        self.wait_for(text.strip())

    def wait_for(self, *texts: str, timeout: float = TIMEOUT) -> str:
        """Wait until all of `texts` stand on the screen; return the screen."""
        self.wait_until(lambda screen: all(text in screen for text in texts), f"{texts}", timeout)
        return self.screen()

    def wait_until(self, condition: Callable[[str], bool], what: str, timeout: float = TIMEOUT) -> None:
        """Wait until `condition` holds for the screen."""
        deadline = time.monotonic() + timeout
        while not condition(self.screen()):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"did not see {what}; exit code {self.exit_code}; the screen:\n{self.screen()}")

    def wait_for_bytes(self, data: bytes, timeout: float = TIMEOUT) -> None:
        """Wait until the program has written `data`."""
        self.wait_until(lambda _: data in self.raw, repr(data), timeout)

    def listen(self, seconds: float) -> bytes:
        """Return what the program writes in the next `seconds`."""
        before = len(self.raw)
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self.raw[before:]

    def settle(self, quiet: float = 0.2) -> None:
        """Wait until the program has written nothing for `quiet` seconds."""
        while self._read(quiet):
            pass

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Read until the program ends; return its exit code (-n for signal n)."""
        deadline = time.monotonic() + timeout
        while self._is_open and self._read(deadline - time.monotonic()):
            pass
        try:
            return self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s; the screen:\n{self.screen()}") from None

    def mode(self, number: int) -> bool:
        """Whether DEC private mode `number` is on: 1049 alternate screen, 25 cursor, 2004 bracketed paste."""
        for numbers, switch in reversed(_MODE.findall(self.raw)):
            if str(number).encode() in numbers.split(b";"):
                return bool(switch == b"h")
        return number in {7, 25}

    def is_restored(self) -> bool:
        """Whether a shell would find the terminal as it was: main screen, cursor, line wrap, echo, no reports."""
        on = all(map(self.mode, (7, 25)))
        off = not any(map(self.mode, (1000, 1003, 1004, 1006, 1049, 2004, 2048)))
        return on and off and self.has_its_settings()

    def has_its_settings(self) -> bool:
        """Whether it shows what is typed, and reads it by lines."""
        local = self.settings()[3]
        return bool(local & termios.ECHO) and bool(local & termios.ICANON)

    def settings(self) -> list[Any]:
        """All settings of the terminal."""
        return termios.tcgetattr(self._master)

    def cells(self) -> Iterator[pyte.screens.Char]:
        """Return what was drawn on the screen, sign by sign, with its colours."""
        for row in self._display.buffer.values():
            yield from row.values()

    def _read(self, seconds: float) -> bool:
        """Read what comes within `seconds`; return False when nothing came or the program closed the terminal."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last one who had it open is gone
            return False
        self.raw += data
        self._stream.feed(data)
        self._lines.update(dict.fromkeys(map(self._line, self._display.dirty)))
        self._display.dirty.clear()
        return bool(data)

    def _line(self, row: int) -> str:
        cells = self._display.buffer[row]
        return "".join(cells[column].data for column in range(self._display.columns))
