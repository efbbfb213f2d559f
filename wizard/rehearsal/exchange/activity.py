"""The API activity history: every signed call that reached the exchange, also the refused ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT_ENTRIES = 10_000
SUCCESS = 0


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One call."""

    time: int
    """Milliseconds since 1970, without the clock fault."""
    api_key: str = field(repr=False)
    """The key as the caller named it, also when there is no such key."""
    ip: str
    """The public address of the caller."""
    path: str
    """Without the query, which holds the signature."""
    status: int
    code: int
    """The JSON error code, or 0 for success."""


class ActivityLog:
    """The newest calls; the oldest are forgotten so that a long run does not fill the memory."""

    def __init__(self) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=KEPT_ENTRIES)

    def add(self, entry: LogEntry) -> None:
        """Write down one call."""
        self._entries.append(entry)

    def entries(self) -> Sequence[LogEntry]:
        """Return the calls, oldest first."""
        return tuple(self._entries)
