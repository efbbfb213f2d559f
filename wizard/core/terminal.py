"""Is there a terminal here that full screens can be drawn on? Asked before the first escape sequence is written.

Textual draws on stderr and reads stdin. Without a terminal it hangs, with TERM=dumb it prints raw
escapes, and without UTF-8 its borders become \\u2594 (docs/terminal.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from wizard.core.errors import UsageError

MIN_COLUMNS = 60
MIN_LINES = 20


@dataclass(frozen=True, slots=True)
class TerminalReport:
    """What the terminal is, as far as that decides whether the wizard can draw."""

    stdin_is_tty: bool
    stderr_is_tty: bool
    term: str
    """The value of TERM; empty when unset."""
    encoding: str
    """The encoding of stderr, lower case: `utf-8`."""
    columns: int | None
    """None when the terminal does not say, as for `lines`."""
    lines: int | None

    def problem(self) -> UsageError | None:
        """Return what is in the way of full screens, with what to do, or None."""
        streams = (("stdin", self.stdin_is_tty), ("stderr", self.stderr_is_tty))
        if missing := [name for name, is_tty in streams if not is_tty]:
            return UsageError(
                "The screens need a terminal",
                why=f"There is none on {' and '.join(missing)}.",
                advice="Over SSH, use `ssh -t`. Or use `--plain`, which asks line by line.",
                code="terminal.missing",
            )
        columns, lines = self.columns or MIN_COLUMNS, self.lines or MIN_LINES
        if self.term in {"", "dumb"}:
            what, advice = "This terminal does not say that it can move the cursor", "Set TERM=xterm-256color"
            why = f"TERM is {self.term or 'not set'}."
        elif self.encoding.replace("_", "-") not in {"utf-8", "utf8"}:
            what, advice = "This terminal cannot show the lines of the screens", "Set PYTHONUTF8=1"
            why = f"Its encoding is {self.encoding or 'unknown'}, not UTF-8."
        elif columns < MIN_COLUMNS or lines < MIN_LINES:
            what, advice = "This terminal is too small for the screens", "Make it larger"
            why = f"It has {columns} columns and {lines} lines. The screens need {MIN_COLUMNS} and {MIN_LINES}."
        else:
            return None
        return UsageError(what, why=why, advice=f"{advice}, or use `--plain`.", code="terminal.unusable")


def inspect_terminal(environ: Mapping[str, str], stdin: TextIO | None, stderr: TextIO | None) -> TerminalReport:
    """Look at the terminal without writing to it: by TERM, `sys.__stdin__`, and `sys.__stderr__` for the screens."""
    # Windows consoles set no TERM and need none.
    term = environ.get("TERM", "") or ("windows" if sys.platform == "win32" else "")
    encoding = (getattr(stderr, "encoding", None) or "").lower()
    return TerminalReport(_is_tty(stdin), _is_tty(stderr), term, encoding, *_size(stderr))


def _is_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _size(stream: TextIO | None) -> tuple[int | None, int | None]:
    try:
        columns, lines = os.get_terminal_size(stream.fileno()) if stream else (0, 0)
    except (OSError, ValueError):
        return None, None
    return columns or None, lines or None  # serial consoles and some multiplexers answer 0x0
