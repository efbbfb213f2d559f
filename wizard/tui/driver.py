"""The terminal driver for POSIX systems: it cannot be made deaf, and never waits for a terminal that is gone.

Textual's own driver lets an unterminated paste swallow every key, dies of one byte that is not
UTF-8, burns a whole processor when the terminal has hung up, and blocks for ever on one that takes
no more output (docs/terminal.md).
"""

from __future__ import annotations

import asyncio
import codecs
import os
import selectors
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, Full
from threading import Event, Lock
from typing import Any, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from wizard.core.shutdown import HANG_UP, Shutdown

_POLL = 0.1
_READ = 4096
_HAND_BACK = "".join(f"\x1b[?{mode}l" for mode in (2004, 2048, 1000, 1003, 1006, 1015)) + "\x1b[?7h\x1b[<u"
_HAND_BACK += "\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""What Textual writes at its end, in one piece."""

START = "\x1b[200~"
END = "\x1b[201~"
PAUSE = 2.0
"""Seconds of silence inside a paste after which a single key press means that the paste is over."""
LONGEST_KEY = 16
"""Characters of the longest sequence that one key sends (kitty keyboard protocol)."""


class SafeDriver(LinuxDriver):
    """Reads the terminal in a thread of its own, as its base does."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._shutdown: Shutdown = cast("Any", app).shutdown
        self._is_handed_back = Event()
        self._queueing = Lock()

    def _sigtstp_application(self, *_: object) -> None:
        _do_soon(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        _do_soon(self._go_on)

    def _go_on(self) -> None:
        # A stopped program that is asked to end is in the background: taking the terminal would stop it again.
        if not self._shutdown.has_begun:
            super()._sigcont_application()

    def hand_back(self) -> None:
        """Leave the screens for good, as soon as the terminal takes output. From any thread; nothing is waited for."""
        self.exit_event.set()
        with self._queueing:
            self._is_handed_back.set()
            if self._writer_thread is None or not self._writer_thread.is_alive():
                return
            with suppress(Empty):
                while True:
                    self._writer_thread._queue.get_nowait()
            for item in (_HAND_BACK, None):
                self._writer_thread._queue.put_nowait(item)

    def disable_input(self) -> None:
        """Stop reading; nothing is left to do where the terminal was handed back."""
        if not self._is_handed_back.is_set():
            super().disable_input()

    def stop_application_mode(self) -> None:
        """Leave the screens; nothing is left to do where the terminal was handed back."""
        if not self._is_handed_back.is_set():
            super().stop_application_mode()

    def write(self, data: str) -> None:
        """Queue `data` for the terminal; drop it when the terminal is gone."""
        self._queue(data)

    def close(self) -> None:
        """Let the writer finish what the terminal still takes."""
        self._queue(None)
        while self._writer_thread is not None and self._writer_thread.is_alive():
            self._writer_thread.join(_POLL)
            if self._is_handed_back.is_set():
                self._writer_thread.join(2 * _POLL)
                return

    def _queue(self, item: str | None) -> None:
        while not self._is_queued(item):
            self._is_handed_back.wait(_POLL)

    def _is_queued(self, item: str | None) -> bool:
        """Queue it; return whether it needs no further attempt."""
        writer = self._writer_thread
        with self._queueing:
            if self._is_handed_back.is_set() or writer is None or not writer.is_alive():
                return True
            try:
                writer._queue.put_nowait(item)
            except Full:
                return False
            return True

    def run_input_thread(self) -> None:
        """Read until told to stop, or until the terminal hangs up."""
        reader = _Reader(XTermParser(), PasteWatch(time.monotonic))
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_POLL) and not self._read(reader):
                    self._shutdown.begin(HANG_UP)
                    return
                self._hand_on(reader.tick())

    def _read(self, reader: _Reader) -> bool:
        """Hand on what there is to read; return False when the terminal has hung up."""
        try:
            data = os.read(self.fileno, _READ)
        except OSError:
            return False
        self._hand_on(reader.feed(data))
        return bool(data)

    def _hand_on(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if self._is_handed_back.is_set():  # thousands of keys may have been typed ahead
                return
            self.process_message(message)


def _do_soon(work: Callable[[], object]) -> None:
    """Do what a signal asks for between two turns of the loop.

    Its handler may interrupt a write, which holds a lock: another write within it would wait for ever.
    """
    try:
        asyncio.get_running_loop().call_soon_threadsafe(work)
    except RuntimeError:  # the app does not run, so nothing is written
        work()


class _Reader:
    """Bytes in, messages out; a paste that lost its end becomes an empty one."""

    def __init__(self, parser: XTermParser, watch: PasteWatch) -> None:
        self._parser = parser
        self._watch = watch
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode

    def feed(self, data: bytes) -> Iterable[Message]:
        text = self._decode(data)
        if not text:
            return
        if self._watch.is_key_after_lost_end(text):
            yield from self._close_paste()
        self._watch.note(text)
        yield from self._parser.feed(text)

    def tick(self) -> Iterable[Message]:
        return self._parser.tick()

    def _close_paste(self) -> Iterable[Message]:
        self._watch.note(END)
        for message in self._parser.feed(END):
            # Half a key is worse than none: what came before the loss is dropped.
            yield events.Paste("") if isinstance(message, events.Paste) else message


class PasteWatch:
    """Tells when a paste is over whose end never came; it keeps the last five characters of the stream, nothing else.

    Between `ESC[200~` and `ESC[201~` everything is pasted text, ctrl+q included: a terminal that loses the end (a cut
    SSH packet, a misconfigured multiplexer) leaves the program deaf for ever.
    """

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
