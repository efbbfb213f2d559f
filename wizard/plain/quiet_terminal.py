"""A terminal that shows nothing by itself and hands over each key, also after it was stopped and continued.

Only its settings change; nothing is written to it. Where lines are read by the terminal, what it holds of an
unfinished one goes to whoever reads next, and a shell shows that.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

if sys.platform != "win32":
    import termios

IS_POSSIBLE = sys.platform != "win32"
"""Whether there is a way to hide typing here."""

_LOCAL, _CHARACTERS = 3, 6


class QuietTerminal:
    """Lasts as long as it is entered. To be entered in the main thread, where it takes the signals of job control.

    Args:
        terminal: Its descriptor.
        on_continued: Called in the main thread when the program goes on with the terminal after it was stopped.
    """

    def __init__(self, terminal: int, on_continued: Callable[[], object] = lambda: None) -> None:
        self._terminal = terminal
        self._on_continued = on_continued
        self._before = termios.tcgetattr(terminal)
        self._quiet = termios.tcgetattr(terminal)
        self._quiet[_LOCAL] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN)
        characters = self._quiet[_CHARACTERS]
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        self._is_quiet = False

    def __enter__(self) -> Self:
        self._hush()
        signal.signal(signal.SIGTSTP, self._stop)
        signal.signal(signal.SIGCONT, self._go_on)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        self._restore()

    def claim(self) -> None:
        """Show nothing, whatever others have set meanwhile; in the background, stop until a shell gives it to us."""
        if not self._is_ours():
            signal.raise_signal(signal.SIGTTIN)
        self._hush()

    def forget(self) -> None:
        """Drop what was typed and not read yet."""
        with suppress(termios.error):  # the terminal is gone
            if self._is_ours():
                termios.tcflush(self._terminal, termios.TCIFLUSH)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)
        if not self._is_quiet:
            # Nobody stopped us: without a shell above us nobody could continue us.
            self._go_on()

    def _go_on(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        if self._is_ours():
            self._hush()
            self.forget()
            self._on_continued()

    def _hush(self) -> None:
        # From the background this would stop us.
        if self._is_ours():
            self._is_quiet = True
            self._set(self._quiet)

    def _restore(self) -> None:
        self.forget()
        self._is_quiet = False
        if self._is_ours():
            self._set(self._before)

    def _set(self, settings: list[int | list[bytes | int]]) -> None:
        # Not TCSAFLUSH, which waits until all output is out: for ever, on a terminal that takes none.
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._terminal, termios.TCSANOW, settings)

    def _is_ours(self) -> bool:
        """Return whether we may set it: it is in the foreground, or under nobody's job control."""
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:
            return True
