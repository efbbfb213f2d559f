"""A terminal that shows nothing by itself, also after it was stopped and continued, and the line typed at it.

A terminal that draws by itself would draw a pasted key, and an unfinished line that it holds would go to whoever reads
next: a shell shows that.
"""

from __future__ import annotations

import codecs
import os
import re
import signal
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

from wizard.core.key_shape import holds_key

if sys.platform != "win32":
    import termios

IS_POSSIBLE = sys.platform != "win32"
"""Whether there is a way to hide typing here."""

END_OF_FILE = b"\x04"
_LOCAL, _CHARACTERS = 3, 6
_ERASE, _ERASE_WORD, _ERASE_LINE = "\x7f\b", "\x17", "\x15"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
"""What a key without a character sends, and what terminals put around a paste."""
_GROWS = re.compile(r"[A-Za-z0-9+/]{12,}\Z")
"""The end of a paste that may be the first part of a key: a slow line brings the rest later."""


class QuietTerminal:
    """Lasts as long as it is entered; only settings change. In the main thread, where it takes signals of job control.

    `on_continued` is called in the main thread when the program goes on with the terminal after it was stopped.
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


class TypedLine:
    """One line while it is typed: keys in, what the terminal is to draw out. A line that holds a key is not drawn."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._drawn = 0
        """How many characters are drawn."""
        self._is_hidden = False
        self.text = ""

    def take(self, data: bytes) -> str:
        """Take what came in one go, without a line end; return what shows it.

        Several characters at once are a paste. It is drawn as soon as it cannot become a key any more.
        """
        new = self._decoder.decode(_SEQUENCE.sub(b"", data))
        erased = "".join(map(self._take, new))
        is_typed = len(new) <= 1 and self._drawn >= len(self.text) - 1
        return erased + self._draw(may_grow=not is_typed)

    def end(self) -> str:
        """Return what shows the rest of the line, which is whole now."""
        self.text += self._decoder.decode(b"", final=True)
        return self._draw()

    def _take(self, character: str) -> str:
        if character in _ERASE:
            return self._erase(self.text[:-1])
        if character == _ERASE_WORD:
            return self._erase(re.sub(r"\S*\s*\Z", "", self.text))
        if character == _ERASE_LINE:
            return self._erase("")
        self.text += character
        return ""

    def _erase(self, left: str) -> str:
        gone = self.text[len(left) : self._drawn]
        self.text = left
        self._drawn = min(self._drawn, len(left))
        return "\b \b" * sum(map(_cells, gone))

    def _draw(self, *, may_grow: bool = False) -> str:
        # What is left of a key that is being erased stays hidden too.
        self._is_hidden = holds_key(self.text) or (self._is_hidden and len(self.text) > self._drawn)
        if self._is_hidden or (may_grow and _GROWS.search(self.text)):
            return ""
        new = self.text[self._drawn :]
        self._drawn = len(self.text)
        return "".join(filter(str.isprintable, new.replace("\t", " ")))


def _cells(character: str) -> int:
    """Return how many cells of a terminal a character takes."""
    if unicodedata.combining(character) or not (character.isprintable() or character == "\t"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
