"""The console on a real terminal or a pipe.

Invariant: what goes out is what was given, in the terminal's encoding, and a line end.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from wizard.core.key_shape import holds_key
from wizard.core.secret import Secret
from wizard.plain.chunk_reader import ChunkReader, Continued
from wizard.plain.console import EndOfInput, Interrupted, SecretEntryRefused
from wizard.plain.interrupts import Interrupts
from wizard.plain.quiet_terminal import IS_POSSIBLE, QuietTerminal
from wizard.plain.typed_line import END_OF_FILE, TypedLine

LONGEST_LINE = 2**17
"""Bytes that are kept of what belongs to no answer yet."""
KEY_GAP = 0.03
"""Seconds in which no hand presses a second key: what comes within them is a paste."""
PASTE_GAP = 0.1
"""Seconds of silence after which a paste has ended. A serial line of 300 baud sends 30 characters in a second."""
SECRET_GAP = 0.3
"""The same, for the lines of a secret: each but the first one would be lost."""
KEY_IN_SIGHT_GAP = 1.5
"""The same, for what follows a key at a question in sight: it may be the secret."""

_IN_ASCII = str.maketrans(
    {"…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->", "±": "+/-", "–": "-", "·": "-"}
)
Answer = TypeVar("Answer")


class TerminalConsole:
    """Reads one descriptor and writes to another.

    A terminal is entered: until it is left it shows nothing by itself. What is typed at a question in sight
    is drawn here, once it was looked at.

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
        self._reader = ChunkReader(source)
        self._pending = bytearray()
        """What was read and belongs to no answer yet."""
        self._is_terminal = source is not None and os.isatty(source)
        self._terminal = (
            QuietTerminal(source, self._ask_again) if source is not None and self._is_terminal and IS_POSSIBLE else None
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_after_secret = False

    def __enter__(self) -> Self:
        if self._terminal is not None:
            self._terminal.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal is not None:
            self._terminal.__exit__()

    def write(self, line: str) -> None:
        """Write one line (see `Console.write`)."""
        if self._is_after_secret:
            # What still comes is the rest of a paste, no answer to what is asked next.
            self.forget_typed()
        self._send(line + "\n")

    async def ask(self, prompt: str) -> str:
        """Ask for a line (see `Console.ask`)."""
        if self._is_after_secret:
            self.forget_typed()
        try:
            if self._terminal is not None:
                return await self._answer(prompt, self._line_in_sight)
            self._send(prompt)
            return await self._interrupts.race(self._next_line())
        finally:
            if not self._is_terminal:
                self._send("\n")

    async def has_more(self) -> bool:
        """Return whether more of a paste has come (see `Console.has_more`)."""
        return self._terminal is not None and (bool(self._pending) or await self._has_come(PASTE_GAP))

    def forget_typed(self) -> None:
        """Drop what was typed at a terminal (see `Console.forget_typed`)."""
        self._is_after_secret = False
        if self._terminal is not None:
            self._pending.clear()
            self._reader.drop()
            self._terminal.forget()

    async def ask_secret(self, prompt: str) -> Secret:
        """Ask for a secret (see `Console.ask_secret`)."""
        self._refuse_insecure()
        # What was typed before may have been typed in sight, before the program was there.
        self.forget_typed()
        try:
            if self._terminal is not None:
                return Secret(await self._answer(prompt, self._hidden_lines))
            self._send(prompt)
            return Secret(await self._interrupts.race(self._next_line()))
        finally:
            self._is_after_secret = True
            self._send("\n")

    async def _answer(self, prompt: str, read: Callable[[], Awaitable[str]]) -> str:
        """Ask on the terminal, and once more each time when the program was stopped meanwhile."""
        assert self._terminal is not None  # noqa: S101 - whoever calls this has looked
        while True:
            self._terminal.claim()
            self._send(prompt)
            self._loop = asyncio.get_running_loop()
            try:
                return await self._interrupts.race(read())
            except Continued:
                self._pending.clear()
            except Interrupted:
                self.forget_typed()
                raise
            finally:
                self._loop = None

    def _ask_again(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._reader.start_over)

    async def _line_in_sight(self) -> str:
        line = TypedLine()
        while not await self._typed_into(line, is_shown=True):
            pass
        if holds_key(line.text):
            self.forget_typed()
            while await self._has_come(KEY_IN_SIGHT_GAP):
                self.forget_typed()
        return line.text

    async def _hidden_lines(self) -> str:
        """Return the first line and what came together with it: the lines of a paste after it, whole or not."""
        line = TypedLine()
        while not await self._typed_into(line, is_shown=False):
            pass
        while await self._has_come(SECRET_GAP):
            pass
        rest = _text(bytes(self._pending))
        self._pending.clear()
        return f"{line.text}\n{rest}" if rest else line.text

    async def _typed_into(self, line: TypedLine, *, is_shown: bool) -> bool:
        """Take what comes next in one go; return whether the line is whole."""
        burst = await self._burst()
        keys = burst.removesuffix(b"\n")
        if keys == END_OF_FILE and not line.text:
            raise EndOfInput
        shown = line.take(keys.replace(END_OF_FILE, b""))
        is_whole = keys != burst
        if is_whole:
            shown += f"{line.end()}\n"
        if is_shown:
            self._send(shown)
        return is_whole

    async def _burst(self) -> bytes:
        """Return what came in one go, no further than to the end of its line.

        Raises:
            EndOfInput: there is nothing, and there will be nothing.
        """
        if not self._pending:
            self._keep(await self._reader.chunk())
        if not self._pending:
            raise EndOfInput
        gap = KEY_GAP
        while b"\n" not in self._pending and await self._has_come(gap):
            gap = PASTE_GAP
        return self._taken(self._pending.find(b"\n") + 1 or len(self._pending))

    async def _next_line(self) -> str:
        """Return the next line of what is no terminal; the last one needs no end."""
        while b"\n" not in self._pending:
            chunk = await self._reader.chunk()
            self._keep(chunk)
            if not chunk and not self._pending:
                raise EndOfInput
            if not chunk:
                break
        return _text(self._taken(self._pending.find(b"\n") + 1 or len(self._pending)).removesuffix(b"\n"))

    def _keep(self, chunk: bytes) -> None:
        if len(self._pending) > LONGEST_LINE:
            chunk = chunk[chunk.find(b"\n") :] if b"\n" in chunk else b""
        self._pending += chunk

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._pending[:length])
        del self._pending[:length]
        return taken

    async def _has_come(self, gap: float) -> bool:
        """Wait for at most `gap` seconds, and return whether something more has come."""
        try:
            async with asyncio.timeout(gap):
                chunk = await self._reader.chunk()
        except TimeoutError:
            return False
        self._keep(chunk)
        return bool(chunk)

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

    def takes_output(self) -> bool:
        """Return whether a line could be written now; false where the line is frozen."""
        if not IS_POSSIBLE:
            return True
        output = select.poll()
        output.register(self._target, select.POLLOUT)
        return bool(output.poll(0))

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
