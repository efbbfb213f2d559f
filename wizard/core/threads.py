"""Threads that a program need not wait for.

A name lookup cannot be cancelled: where the name server is silent, `getaddrinfo` blocks for tens of
seconds, and `asyncio.run` would wait for its thread long after the deadline was told to the user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own. Only for work that may be cut off at any moment."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start the call at once."""
        future: Future[Any] = Future()
        Thread(target=_work, args=(future, lambda: fn(*args, **kwargs)), name="daemon", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave what still runs behind."""


def _work(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)


async def in_daemon_thread(call: Callable[[], Result], within: float | None = None) -> Result:
    """Do what may block, as on a dead network disk, in a thread; after `within` seconds leave it: TimeoutError."""
    async with asyncio.timeout(within):
        return await asyncio.get_running_loop().run_in_executor(DaemonThreads(), call)


def use_daemon_threads() -> None:
    """Let the running event loop end without waiting for its name lookups."""
    asyncio.get_running_loop().set_default_executor(DaemonThreads())


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work in an event loop of its own, which does not wait for name lookups when it ends."""

    async def main() -> Result:
        use_daemon_threads()
        return await work

    return asyncio.run(main())
