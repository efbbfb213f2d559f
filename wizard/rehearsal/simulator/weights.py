"""Request weight: 6,000 a minute for each address, whatever key it uses (rest-api.md, IP limits).

After the limit the answer is 429; a caller that goes on regardless is banned with 418. How many
429s Binance bears is UNKNOWN; bans "scale from 2 minutes to 3 days", here each lasts two minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

from wizard.core.clock import Clock
from wizard.rehearsal.simulator.refusals import BANNED, TOO_MUCH_WEIGHT, RequestError

USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
LIMIT = 6000
MINUTE = 60
_INTERVAL = "1 MINUTE"
TOLERATED_REFUSALS = 10
BAN = 120.0
"""Seconds."""


@dataclass(slots=True)
class _Usage:
    minute: int
    weight: int = 0
    refusals: int = 0
    banned_until: float = 0.0


class WeightMeter:
    """Counts the weight that each address used in the minute of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._usages: dict[str, _Usage] = {}

    def used(self, ip: str) -> int:
        """Return the weight that `ip` used in this minute."""
        return self._usage(ip, self._clock()).weight

    def rate_limits(self, ip: str) -> list[dict[str, object]]:
        """Return how much of the limit `ip` used, as the WebSocket API tells it with each answer."""
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": LIMIT}
        return [{**limit, "count": self.used(ip)}]

    def charge(self, ip: str, weight: int) -> None:
        """Count one request of `weight`.

        Raises:
            RequestError: with 429 above the limit, with 418 while banned; both with `Retry-After`.
        """
        now = self._clock()
        usage = self._usage(ip, now)
        usage.weight += weight
        if now < usage.banned_until:
            raise _banned(usage.banned_until, now)
        if usage.weight <= LIMIT:
            return
        usage.refusals += 1
        if usage.refusals > TOLERATED_REFUSALS:
            usage.banned_until = now + BAN
            raise _banned(usage.banned_until, now)
        raise RequestError(TOO_MUCH_WEIGHT, LIMIT, _INTERVAL, retry_after=MINUTE - now % MINUTE)

    def _usage(self, ip: str, now: float) -> _Usage:
        minute = int(now // MINUTE)
        usage = self._usages.setdefault(ip, _Usage(minute))
        if usage.minute != minute:
            usage = self._usages[ip] = _Usage(minute, banned_until=usage.banned_until)
        return usage


def slow_down_body() -> dict[str, object]:
    """Return the JSON body of a 429."""
    return {"code": TOO_MUCH_WEIGHT.code, "msg": TOO_MUCH_WEIGHT.text % (LIMIT, _INTERVAL)}


def _banned(until: float, now: float) -> RequestError:
    return RequestError(BANNED, round(until * 1000), retry_after=until - now)
