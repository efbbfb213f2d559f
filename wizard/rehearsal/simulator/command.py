"""`key-wizard exchange`: the embedded exchange alone, for tests and other people's clients."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType

from starlette.types import ASGIApp, Receive, Scope, Send

from wizard.core.clock import Clock
from wizard.core.errors import Exit, WizardError
from wizard.rehearsal.simulator.server import PORT_UNUSABLE, Addresses, EmbeddedExchange, serve_app

_EXIT_CODES = {signal.SIGTERM: int(Exit.FINE), signal.SIGINT: 128 + signal.SIGINT}


def _announce(line: str) -> None:
    print(line, flush=True)


def run(
    port: int,
    as_json: bool,
    exchange: EmbeddedExchange | None = None,
    idle_limit: float | None = None,
    announce: Callable[[str], None] = _announce,
) -> int:
    """Serve until SIGTERM, SIGINT or idleness, and return the exit code.

    The first line on standard output says where; it is printed when the exchange already answers.
    Must be called from the main thread, because it handles signals.

    Args:
        port: The TCP port; 0 takes a free one.
        as_json: Print `{"base_url", "ws_url", "desk_url"}` instead of a sentence.
        exchange: What is served; None makes a new one.
        idle_limit: Seconds without a request after which it ends by itself; None never does.
        announce: Writes the first line.
    """
    try:
        return asyncio.run(_run(exchange or EmbeddedExchange(), port, as_json, idle_limit, announce))
    except WizardError as error:
        if error.code != PORT_UNUSABLE:
            raise
        print(f"{error.what}. {error.why} {error.advice}", file=sys.stderr)
        return Exit.INCONCLUSIVE


async def _run(
    exchange: EmbeddedExchange, port: int, as_json: bool, idle_limit: float | None, announce: Callable[[str], None]
) -> int:
    loop = asyncio.get_running_loop()
    watched = IdleWatch(exchange.app, loop.time)
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(code: int) -> None:
        if not stopped.done():
            stopped.set_result(code)

    with _signals(lambda code: loop.call_soon_threadsafe(stop, code)):
        async with serve_app(watched, port) as addresses:
            announce(_first_line(addresses, as_json))
            if idle_limit is None:
                return await stopped
            idle = asyncio.create_task(watched.idle_for(idle_limit))
            idle.add_done_callback(lambda _: stop(Exit.FINE))
            try:
                return await stopped
            finally:
                idle.cancel()


def _first_line(addresses: Addresses, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(addresses))
    served = f"{addresses.base_url} and {addresses.ws_url}"
    return f"The embedded exchange serves at {served}, its desk at {addresses.desk_url}. Ctrl+C ends it."


@contextmanager
def _signals(stop: Callable[[int], object]) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop it with their exit code; what handled them before does so again afterwards."""

    def handle(number: int, _frame: FrameType | None) -> None:
        stop(_EXIT_CODES[signal.Signals(number)])

    before = {number: signal.signal(number, handle) for number in _EXIT_CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class IdleWatch:
    """Passes requests on and knows for how long there has been none.

    Args:
        app: What is watched.
        now: A clock that never jumps, in seconds.
    """

    def __init__(self, app: ASGIApp, now: Clock) -> None:
        self._app = app
        self._now = now
        self._under_way = 0
        self._last = now()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one connection of another kind."""
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
            self._last = self._now()

    async def idle_for(self, seconds: float) -> None:
        """Return when there was no request for so long."""
        while (rest := self.remaining(seconds)) > 0:  # noqa: ASYNC110 - sleeps for exactly what is left
            await asyncio.sleep(rest)

    def remaining(self, seconds: float) -> float:
        """Return in how many seconds there will have been no request for so long; none is left at 0 or below."""
        return seconds if self._under_way else self._last + seconds - self._now()
