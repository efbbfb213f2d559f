"""What one connection remembers: who logged on, since when, and what it subscribed to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription to a user data stream."""

    id: int
    is_of_session: bool
    """Made with the session's key, so that it ends with the log-on."""


@dataclass(slots=True)
class Session:
    """The state of one connection; no two share one."""

    connected_since: int
    """Microseconds since 1970, by the exchange's clock; so are the others."""
    returns_rate_limits: bool
    time_unit: str
    api_key: str | None = field(default=None, repr=False)
    authorized_since: int | None = None
    subscriptions: tuple[Subscription, ...] = ()
    subscribed_ever: int = 0

    def log_on(self, api_key: str, now: int) -> None:
        """Let `api_key` vouch for the requests to come."""
        self.api_key, self.authorized_since = api_key, now

    def log_out(self) -> None:
        """Forget the key, and what was subscribed to in its name."""
        self.api_key = self.authorized_since = None
        self.subscriptions = tuple(each for each in self.subscriptions if not each.is_of_session)

    def subscribe(self, *, is_of_session: bool) -> int:
        """Add a subscription and return its number, which no other of this connection ever has."""
        number = self.subscribed_ever
        self.subscribed_ever += 1
        self.subscriptions = (*self.subscriptions, Subscription(number, is_of_session))
        return number

    def unsubscribe(self, number: int | None) -> None:
        """End one subscription, or all."""
        self.subscriptions = tuple(each for each in self.subscriptions if number not in (None, each.id))

    def status(self, server_time: int) -> dict[str, object]:
        """Return what `session.status` tells; `server_time` is in microseconds."""
        unit = 1 if self.time_unit.upper() == "MICROSECOND" else 1000
        return {
            "apiKey": self.api_key,
            "authorizedSince": None if self.authorized_since is None else self.authorized_since // unit,
            "connectedSince": self.connected_since // unit,
            "returnRateLimits": self.returns_rate_limits,
            "serverTime": server_time // unit,
            "userDataStream": bool(self.subscriptions),
        }
