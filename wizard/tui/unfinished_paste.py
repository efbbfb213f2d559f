"""When is a paste over whose end never came?

Between `ESC[200~` and `ESC[201~` everything is pasted text, ctrl+q included: a terminal that loses
the end (a cut SSH packet, a misconfigured multiplexer) leaves the program deaf for ever.
"""

from __future__ import annotations

from collections.abc import Callable

START = "\x1b[200~"
END = "\x1b[201~"
PAUSE = 2.0
"""Seconds of silence inside a paste after which a single key press means that the paste is over."""
LONGEST_KEY = 16
"""Characters of the longest sequence that one key sends (kitty keyboard protocol)."""


class PasteWatch:
    """Follows the stream from the terminal; it keeps the last five characters of it and nothing else."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._is_open = False
        self._tail = ""
        self._last = now()

    def is_key_after_lost_end(self, data: str) -> bool:
        """Return whether `data`, just read, is a key press that a lost end would swallow.

        A paste that goes on after a pause comes in larger pieces, or brings its end.
        """
        paused = self._now() - self._last >= PAUSE
        return self._is_open and paused and len(data) <= LONGEST_KEY and END not in self._tail + data

    def note(self, data: str) -> None:
        """Take note of what was read."""
        seen = self._tail + data
        start, end = seen.rfind(START), seen.rfind(END)
        if start != end:
            self._is_open = start > end
        self._tail = seen[-(len(END) - 1) :]
        self._last = self._now()
