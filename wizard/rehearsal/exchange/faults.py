"""Faults that a rehearsal plants: a slow line, a wrong clock, a whitelist that takes its time, canned answers.

They lie in front of the exchange, as a proxy or an outage would, and never touch the desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from starlette.responses import JSONResponse, Response

_ECHO = "/echo/"


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """The next `times` requests to `path` get this answer and do not reach the exchange."""

    path: str
    times: int = 1
    status: int = 503
    body: object = ""
    """A text is sent as it is, as HTML where `headers` do not say otherwise; anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return a new HTTP answer."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, dict(self.headers), media_type="text/html")
        return JSONResponse(self.body, self.status, dict(self.headers))


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that is wrong on purpose at one moment."""

    latency: float = 0.0
    """Seconds before every answer."""
    clock_offset: int = 0
    """Microseconds by which the exchange's clock is ahead of the true time."""
    whitelist_delay: float = 0.0
    """Seconds until a whitelist that is saved now begins to count."""
    answers: tuple[CannedAnswer, ...] = ()
    outage: CannedAnswer | None = None
    """The answer to everything but the echo services, which are other people's; its path means nothing."""

    def take(self, path: str) -> tuple[CannedAnswer | None, Faults]:
        """Return the canned answer for one request to `path`, if any, and the faults that are left."""
        for position, canned in enumerate(self.answers):
            if canned.path == path:
                left = (replace(canned, times=canned.times - 1),) if canned.times > 1 else ()
                answers = (*self.answers[:position], *left, *self.answers[position + 1 :])
                return canned, replace(self, answers=answers)
        return (None if path.startswith(_ECHO) else self.outage), self

    async def slow_down(self) -> None:
        """Wait out the latency."""
        if self.latency:
            await asyncio.sleep(self.latency)
