"""Blocking work beside the event loop that can be given up.

`asyncio.to_thread` is not used for files of the user: a read from a dead network disk never returns, and
the interpreter would wait for that thread at its end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def aside(work: Callable[[], Result], within: float) -> Result:
    """Return what `work` returns, or raise what it raises.

    Args:
        work: Runs in a daemon thread.
        within: Seconds after which it is given up; the thread is left to itself.

    Raises:
        TimeoutError: it took longer.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # raised again where it is waited for
            failure = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="aside", daemon=True).start()
    async with asyncio.timeout(within):
        return await outcome
