"""How a wait ends early: by Ctrl-C, or because nobody answers any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

Result = TypeVar("Result")


class InterruptError(Exception):
    """Ctrl-C was pressed."""


class EndOfInputError(Exception):
    """Nobody answers any more: the user leaves, the input has ended, or the terminal is gone."""


class Interrupts:
    """Ctrl-C as an event that ends one wait, never the program. Between two waits it counts for the next one."""

    def __init__(self) -> None:
        self._waited_for: asyncio.Future[Any] | None = None
        self._has_fired = False

    def fire(self) -> None:
        """End the wait."""
        self._has_fired = True
        if self._waited_for is not None:
            self._waited_for.cancel()

    async def race(self, work: Awaitable[Result]) -> Result:
        """Wait for `work`, until Ctrl-C cancels it. Raises InterruptError where it was cancelled by Ctrl-C."""
        self._waited_for = task = asyncio.ensure_future(work)
        if self._has_fired:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            # Otherwise the program itself is being ended.
            if self._has_fired and task.cancelled():
                raise InterruptError from None
            raise
        finally:
            self._waited_for, self._has_fired = None, False
