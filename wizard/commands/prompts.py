"""Questions on the terminal itself, whatever standard input and output are. Nothing typed is shown, words neither."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wizard.core.errors import UsageError
from wizard.core.secret import Secret
from wizard.core.settings import Paths, Settings
from wizard.core.threads import in_daemon_thread
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.store import Store
from wizard.plain.quiet_terminal import END_OF_FILE, QuietTerminal, TypedLine

TERMINAL = Path("/dev/tty")
_CHUNK = 4096


def ask(prompt: str, what: str = "A passphrase") -> Secret:
    """Ask on the terminal, or raise UsageError, which begins with `what`; CustodyError for what is no text."""
    with _asked(prompt) as question:
        typed = question.answer() if question else None
    if typed is None:
        raise UsageError(
            f"{what} is needed, and there is no terminal to type it on",
            why="It is never taken from arguments, variables or a pipe.",
            advice="Run the command in a terminal. Over SSH use: ssh -t",
            code="terminal.missing",
        )
    return typed


async def _ask_for_passphrase() -> Secret | None:
    """Ask while other work goes on. Ctrl+C gives the question up, and the terminal shows typing again."""
    with _asked("Passphrase of the encrypted file") as question:
        return await in_daemon_thread(question.answer) if question else None


def place_opener(paths: Paths, known: Settings) -> Callable[[], Awaitable[Store]]:
    """Return what opens the place that the settings name."""
    custodian = Custodian(known.custody, paths.encrypted_file, paths.config_file)

    async def open_place() -> Store:
        try:
            return await custodian.open()
        except CustodyError as needed:
            # A new file is made in the wizard, where the passphrase is typed twice.
            if needed.remedy is not Remedy.OPEN_FILE or (passphrase := await _ask_for_passphrase()) is None:
                raise
        with passphrase:
            await custodian.help(Remedy.OPEN_FILE, passphrase)
        return await custodian.open()

    return open_place


class _Question:
    def __init__(self, terminal: int, prompt: str) -> None:
        self._terminal = terminal
        self._prompt = prompt
        self._line = TypedLine()

    def begin(self) -> None:
        """Ask; what was typed before the program was stopped is forgotten."""
        self._line = TypedLine()
        os.write(self._terminal, f"{self._prompt}: ".encode())

    def answer(self) -> Secret | None:
        """Return the line that is typed. Reads until it comes."""
        is_whole = False
        while not is_whole:
            try:
                data = os.read(self._terminal, _CHUNK)
            except OSError:  # EIO: the terminal is gone
                return None
            keys, end, _ = data.partition(b"\n")
            if not data or (keys == END_OF_FILE and not self._line.text):
                return None
            self._line.take(keys)
            is_whole = bool(end)
        self._line.end()
        os.write(self._terminal, b"\n")
        if "\ufffd" in self._line.text:
            raise CustodyError(
                "What was typed is not text in UTF-8",
                why="The terminal sends accents and other letters in another encoding.",
                advice="Set the terminal to UTF-8 and type it again. Nothing was done.",
            )
        return Secret(self._line.text)


@contextmanager
def _asked(prompt: str) -> Iterator[_Question | None]:
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        yield None
        return
    question = _Question(terminal, prompt)
    with QuietTerminal(terminal, question.begin) as quiet:
        quiet.claim()
        # What was typed before was typed in sight.
        quiet.forget()
        question.begin()
        yield question
    # Not where the question was given up: a thread may read there still.
    os.close(terminal)
