"""Signals that ask the program to end, handed to one function for as long as the screens are up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

# No SIGHUP on Windows.
ENDING = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM", "SIGINT") if hasattr(signal, name))
HANG_UP = 1
"""SIGHUP's number everywhere it exists; also the exit reason when the terminal is gone."""


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Send the ending signals to `handler`; give them back to their former handlers at the end.

    SIGHUP is taken also where it was ignored (nohup): a wizard without a terminal would hold
    secrets that nobody can use.
    """
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former if former is not None else signal.SIG_DFL)
