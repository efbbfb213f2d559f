"""The console on a real terminal or a pipe.

Invariant: what goes out is what was given, in the terminal's encoding, and a line end.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext

from wizard.plain.console import EndOfInput, SecretEntryRefused
from wizard.plain.hidden_typing import IS_POSSIBLE, PASTE_GAP, has_input, hidden_typing, rest_of_paste
from wizard.plain.interrupts import Interrupts
from wizard.plain.line_reader import LineReader
from wizard.secret import Secret

_IN_ASCII = str.maketrans(
    {"…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->", "±": "+/-", "–": "-", "·": "-"}
)


class TerminalConsole:
    """Reads one descriptor and writes to another.

    Args:
        interrupts: Ctrl-C.
        source: Where answers come from; None where the process was started without an input.
        target: Where lines go.
        encoding: Of the terminal; what it lacks is written in ASCII.
        may_pipe_secrets: Whether a secret may come from something that is not a terminal: in a
            rehearsal only, where it protects nothing.
    """

    def __init__(
        self,
        interrupts: Interrupts,
        *,
        source: int | None,
        target: int,
        encoding: str = "utf-8",
        may_pipe_secrets: bool = False,
    ) -> None:
        self._interrupts = interrupts
        self._source = source
        self._target = target
        self._encoding = encoding
        self._may_pipe_secrets = may_pipe_secrets
        self._reader = LineReader(source)
        self._is_terminal = source is not None and os.isatty(source)

    def write(self, line: str) -> None:
        """Write one line (see `Console.write`)."""
        self._send(line + "\n")

    async def ask(self, prompt: str) -> str:
        """Ask for a line (see `Console.ask`)."""
        self._send(prompt)
        try:
            return _text(await self._interrupts.race(self._reader.line()))
        finally:
            if not self._is_terminal:
                self._send("\n")

    async def has_more(self) -> bool:
        """Return whether more of a paste has come (see `Console.has_more`)."""
        if not self._is_terminal or self._source is None or not IS_POSSIBLE:
            return False
        await asyncio.sleep(PASTE_GAP)
        return has_input(self._source)

    async def ask_secret(self, prompt: str) -> Secret:
        """Ask for a secret (see `Console.ask_secret`)."""
        self._refuse_insecure()
        terminal = self._source if self._is_terminal else None
        with hidden_typing(terminal) if terminal is not None else nullcontext():
            # Written only now, so that what is typed after it is hidden.
            self._send(prompt)
            try:
                return Secret(_text(await self._interrupts.race(self._whole_paste(terminal))))
            finally:
                self._send("\n")

    async def _whole_paste(self, terminal: int | None) -> bytes:
        line = await self._reader.line()
        rest = await rest_of_paste(terminal) if terminal is not None else b""
        return line + b"\n" + rest if rest else line

    def _refuse_insecure(self) -> None:
        if not self._is_terminal and not self._may_pipe_secrets:
            raise SecretEntryRefused(
                "Keys and secrets are typed at a terminal only",
                why="The input is not a terminal here: what feeds it could keep what passes through.",
                advice="Start the wizard at a terminal; over SSH, use ssh -t.",
            )
        if self._is_terminal and not IS_POSSIBLE:
            raise SecretEntryRefused(
                "This terminal would show what is typed",
                why="There is no way to hide typing in line mode on this system.",
                advice="Use the screens: leave --plain out.",
            )

    def is_gone(self) -> bool:
        """Return whether it is a terminal that has hung up."""
        return self._is_terminal and self._source is not None and not os.isatty(self._source)

    def _send(self, text: str) -> None:
        data = _encoded(text, self._encoding)
        try:
            while data:
                data = data[os.write(self._target, data) :]
        except OSError:  # EIO, EPIPE: the reader is gone
            raise EndOfInput from None


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(_IN_ASCII).encode("ascii", "replace")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
