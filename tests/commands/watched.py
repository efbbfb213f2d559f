"""A command under `exec --watch` as a process in a session of its own, and what it and key-wizard say meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Self

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds for one line; only a hang takes so long."""


class Watched:
    """The command; all that is in its process group ends with the block."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._complaints: SimpleQueue[str] = SimpleQueue()
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        streams = ((self.process.stdout, self._lines), (self.process.stderr, self._complaints))
        self._readers = [Thread(target=_read, args=stream) for stream in streams]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self._readers:
            reader.join()

    def hear(self) -> str:
        """Return the next line that the command writes."""
        return self._lines.get(timeout=PATIENCE)

    def meet(self) -> tuple[int, str]:
        """Return process id and API key of a command that starts by saying both."""
        pid, key = self.hear().split()
        return int(pid), key

    def said(self) -> str:
        """Return the next line on standard error."""
        return self._complaints.get(timeout=PATIENCE)

    def is_silent(self) -> bool:
        """Whether the command says nothing for longer than a look at the journal takes to come."""
        with suppress(Empty):
            return not self._lines.get(timeout=2.5)
        return True

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(PATIENCE)


def _read(stream: IO[str], lines: SimpleQueue[str]) -> None:
    with stream:
        for line in stream:
            lines.put(line.strip())


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie is none."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    expires = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < expires
        time.sleep(0.02)
