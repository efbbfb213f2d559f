"""Signals: Ctrl-C ends a wait; a hang-up and a request to end unwind the program, so that echo comes back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from wizard.plain.interrupts import Interrupts

# No SIGHUP on Windows.
_ENDING = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))


@contextmanager
def signals_to(interrupts: Interrupts) -> Iterator[None]:
    """Take the signals while this lasts. To be entered in the main thread, with the loop running."""
    loop = asyncio.get_running_loop()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(interrupts.fire)

    before = {number: signal.signal(number, _end) for number in _ENDING}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former if former is not None else signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    # Raised here and not in the loop: a terminal that takes no output blocks the loop in a write.
    raise SystemExit(128 + number)
