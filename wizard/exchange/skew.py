"""How far this host's clock is from the exchange's, with an error bound.

The sample with the shortest round trip says most: its offset is wrong by half of that trip at
most, however unequal the two ways were (docs/egress.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wizard.exchange.responses import ServerTime

WARN_FROM_MS = 250.0
BAD_FROM_MS = 800.0
"""A stamp 1000 ms ahead of the exchange's clock is refused with -1021, whatever `recvWindow` is (CONFIRMED)."""


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """The offset of the exchange's clock from this host's."""

    offset_ms: float
    """Exchange minus host: positive when this host's clock is slow."""
    error_ms: float
    """The offset is right within this much."""
    samples: int

    @property
    def is_good(self) -> bool:
        """Whether the clock is no trouble, at the worst that the error bound allows."""
        return self._worst_ms < WARN_FROM_MS

    @property
    def is_bad(self) -> bool:
        """Whether the exchange may refuse every signed call."""
        return self._worst_ms >= BAD_FROM_MS

    @property
    def _worst_ms(self) -> float:
        return abs(self.offset_ms) + self.error_ms

    def sentence(self) -> str:
        """Return the offset for people, with its bound."""
        bound = f"± {_length(self.error_ms)}, best of {self.samples}"
        if abs(self.offset_ms) <= self.error_ms:
            return f"This host's clock agrees with Binance's ({bound})."
        direction = "slow" if self.offset_ms > 0 else "fast"
        return f"This host's clock is {_length(abs(self.offset_ms))} {direction}, compared with Binance's ({bound})."


async def measure_skew(server_time: Callable[[], Awaitable[ServerTime]], samples: int = 5) -> ClockSkew:
    """Ask for `server_time` so many times over a connection that one more call opened; it raises what that raises."""
    await server_time()
    best = min([await server_time() for _ in range(samples)], key=lambda told: told.round_trip_ms)
    half_trip = best.round_trip_ms / 2
    return ClockSkew(best.epoch_ms - (best.sent_at * 1000 + half_trip), half_trip, samples)


def _length(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
