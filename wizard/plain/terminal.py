"""The console on a real terminal or a pipe.

Invariant: what goes out is what was given, in the terminal's encoding, and a line end.
"""

from __future__ import annotations

import asyncio
import os
import select
import textwrap
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.secret import Secret
from wizard.plain.interrupts import EndOfInputError, InterruptError, Interrupts
from wizard.plain.quiet_terminal import END_OF_FILE, IS_POSSIBLE, QuietTerminal, TypedLine

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

_CHUNK = 4096
_ENDS = ".?!:"
"""Of sentences and questions; commands, lists and keys have none."""
_IN_ASCII = str.maketrans(
    {"…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->", "±": "+/-", "–": "-", "·": "-"}
)


class _InputReader:
    """Reads one descriptor in a daemon thread: a read that nobody answers does not keep the program alive.

    It is read only when something is asked for. Python's own `sys.stdin` is not used: what it reads ahead
    would be hidden from the terminal's settings, and its lock, held by a blocked thread, aborts the
    interpreter at its end. The descriptor None is an input that has ended.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._has_ended = descriptor is None
        self._awaited: asyncio.Future[None] | None = None
        self._is_reading = False
        self.arrived = bytearray()
        """What belongs to no answer yet. Filled where it is read, so that what is dropped is all of it."""

    async def has_more(self) -> bool:
        """Wait until more arrives; return False at the end."""
        before = len(self.arrived)
        while len(self.arrived) <= before and not self._has_ended:
            loop = asyncio.get_running_loop()
            self._awaited = loop.create_future()
            if not self._is_reading:
                self._is_reading = True
                threading.Thread(target=self._read, args=(loop,), name="input reader", daemon=True).start()
            await self._awaited
        return len(self.arrived) > before

    def take(self, length: int) -> bytes:
        """Take the first bytes of what has arrived."""
        taken = bytes(self.arrived[:length])
        del self.arrived[:length]
        return taken

    def take_line(self) -> bytes:
        """Take what has arrived, no further than to the end of its line."""
        return self.take(self.arrived.find(b"\n") + 1 or len(self.arrived))

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            data = b"" if self._descriptor is None else os.read(self._descriptor, _CHUNK)
        except OSError:  # EIO: the terminal is gone
            data = b""
        if len(self.arrived) > LONGEST_LINE:
            self.arrived += data[data.find(b"\n") :] if b"\n" in data else b""
        else:
            self.arrived += data
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._deliver, not data)

    def _deliver(self, has_ended: bool) -> None:
        self._is_reading = False
        self._has_ended = has_ended
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)


class TerminalConsole:
    """Where the conversation takes place: reads one descriptor and writes to another. It is given printable text only.

    A terminal is entered: until it is left it shows nothing by itself. What is typed at a question in sight
    is drawn here, once it was looked at.

    `source` is None where the process was started without an input. What `encoding` lacks is written in ASCII.
    `may_pipe_secrets` says that a secret may come from a pipe: in a rehearsal only, where it protects nothing.
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
        self._reader = _InputReader(source)
        self._is_terminal = source is not None and os.isatty(source)
        self._terminal = (
            QuietTerminal(source, self._on_continued)
            if source is not None and self._is_terminal and IS_POSSIBLE
            else None
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        """While a question is open on the terminal."""
        self._is_continued = False
        self._is_after_secret = False

    def __enter__(self) -> Self:
        if self._terminal is not None:
            self._terminal.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal is not None:
            self._terminal.__exit__()

    def write(self, line: str) -> None:
        """Write one line. Raises EndOfInputError where nobody can read it any more."""
        if self._is_after_secret:
            # What still comes is the rest of a paste, no answer to what is asked next.
            self.forget_typed()
        self._send(self._wrapped(line) + "\n")

    async def ask(self, prompt: str) -> str:
        """Write the prompt and return the line that answers it, without its end.

        On a terminal a line that holds a key is not shown, and what comes right after it is dropped. Raises
        InterruptError on Ctrl-C, and EndOfInputError where no answer will come.
        """
        if self._is_after_secret:
            self.forget_typed()
        try:
            return await self._answer(prompt, self._line_in_sight)
        finally:
            if not self._is_terminal:
                self._send("\n")

    async def has_more(self) -> bool:
        """Return whether more of a paste, a further line or the beginning of one, stands in a terminal's input already.

        Never of a pipe: its lines are answers, one by one.
        """
        return self._terminal is not None and (bool(self._reader.arrived) or await self._has_come(PASTE_GAP))

    def forget_typed(self) -> None:
        """Drop what was typed at a terminal before now: it answers no question that comes after this."""
        self._is_after_secret = False
        if self._terminal is not None:
            self._reader.take(len(self._reader.arrived))
            self._terminal.forget()

    async def ask_secret(self, prompt: str) -> Secret:
        """Write the prompt and return what was typed or pasted, all that came in one go; nothing of it is shown.

        Raises InterruptError and EndOfInputError as `ask` does, and WizardError where others would see a secret.
        """
        self._refuse_insecure()
        # What was typed before may have been typed in sight, before the program was there.
        self.forget_typed()
        try:
            return Secret(await self._answer(prompt, self._hidden_lines))
        finally:
            self._is_after_secret = True
            self._send("\n")

    async def _answer(self, prompt: str, read: Callable[[], Awaitable[str]]) -> str:
        """Ask, on a terminal once more each time when the program was stopped meanwhile."""
        if self._terminal is None:
            self._send(self._wrapped(prompt))
            return await self._interrupts.race(self._next_line())
        while True:
            self._terminal.claim()
            self._send(self._wrapped(prompt))
            self._loop = asyncio.get_running_loop()
            try:
                return await self._interrupts.race(read())
            except InterruptError:
                self.forget_typed()
                if not self._is_continued:
                    raise
            finally:
                self._loop, self._is_continued = None, False

    def _on_continued(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ask_again)

    def _ask_again(self) -> None:
        if self._loop is not None:
            self._is_continued = True
            self._interrupts.fire()

    async def _line_in_sight(self) -> str:
        text = await self._typed_line(is_shown=True)
        if holds_key(text):
            self.forget_typed()
            while await self._has_come(KEY_IN_SIGHT_GAP):
                self.forget_typed()
        return text

    async def _hidden_lines(self) -> str:
        """Return the first line and what came together with it: the lines of a paste after it, whole or not."""
        text = await self._typed_line(is_shown=False)
        while await self._has_come(SECRET_GAP):
            pass
        rest = _text(self._reader.take(len(self._reader.arrived)))
        return f"{text}\n{rest}" if rest else text

    async def _typed_line(self, *, is_shown: bool) -> str:
        line, is_whole = TypedLine(), False
        while not is_whole:
            burst = await self._burst()
            is_whole = burst.endswith(b"\n")
            keys = burst.removesuffix(b"\n")
            if keys == END_OF_FILE and not line.text:
                raise EndOfInputError
            shown = line.take(keys.replace(END_OF_FILE, b""))
            if is_whole:
                shown += f"{line.end()}\n"
            if is_shown:
                self._send(shown)
        return line.text

    async def _burst(self) -> bytes:
        """Return what came in one go, at most to the end of its line. Raises EndOfInputError where none will come."""
        if not self._reader.arrived and not await self._reader.has_more():
            raise EndOfInputError
        gap = KEY_GAP
        while b"\n" not in self._reader.arrived and await self._has_come(gap):
            gap = PASTE_GAP
        return self._reader.take_line()

    async def _next_line(self) -> str:
        """Return the next line of what is no terminal; the last one needs no end."""
        while b"\n" not in self._reader.arrived and await self._reader.has_more():
            pass
        if not self._reader.arrived:
            raise EndOfInputError
        return _text(self._reader.take_line().removesuffix(b"\n"))

    async def _has_come(self, gap: float) -> bool:
        """Wait for at most `gap` seconds, and return whether something more has come."""
        try:
            async with asyncio.timeout(gap):
                return await self._reader.has_more()
        except TimeoutError:
            return False

    def _refuse_insecure(self) -> None:
        if not self._is_terminal and not self._may_pipe_secrets:
            raise WizardError(
                "Keys and secrets are typed at a terminal only",
                why="The input is not a terminal here: what feeds it could keep what passes through.",
                advice="Start the wizard at a terminal. Over SSH, use `ssh -t`.",
                code="plain.no_terminal",
            )
        if self._is_terminal and not IS_POSSIBLE:
            raise WizardError(
                "This terminal would show what is typed",
                why="There is no way to hide typing in line mode on this system.",
                advice="Use the screens: leave --plain out.",
                code="plain.typing_is_shown",
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

    def _wrapped(self, line: str) -> str:
        """Break a sentence between its words, where a terminal would break one of them. What is copied stays whole."""
        text = line.rstrip()
        with suppress(OSError):  # no terminal
            # The last column stays free: some terminals begin a new line there, and some do not.
            width = os.get_terminal_size(self._target).columns - 1
            if len(text) > width > 0 and text[-1] in _ENDS:
                indent = " " * (len(text) - len(text.lstrip()))
                broken = textwrap.wrap(
                    text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
                )
                return "\n".join(broken) + line[len(text) :]
        return line

    def _send(self, text: str) -> None:
        try:
            data = text.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            data = text.translate(_IN_ASCII).encode("ascii", "replace")
        try:
            while data:
                data = data[os.write(self._target, data) :]
        except OSError:  # EIO, EPIPE: the reader is gone
            raise EndOfInputError from None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
