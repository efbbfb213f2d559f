"""The words of a verdict: what one observation means for one key, how sure we are, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from wizard.exchange.skew import ClockSkew

Surface = Literal["sapi", "api", "fapi", "websocket"]
"""Which part of the exchange was called: it decides what some codes mean."""

SURFACES: dict[Surface, str] = {
    "sapi": "/sapi",
    "api": "/api",
    "fapi": "the futures host",
    "websocket": "the WebSocket API",
}
"""The same for people."""


class Outcome(StrEnum):
    """What happened to the signed call."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """The exchange judged this key or its signature, and said no."""
    INCONCLUSIVE = "inconclusive"
    """The key was not judged. Never shown as success, never as failure of the key."""


class Cause(StrEnum):
    """Why, in a word for code."""

    NONE = "none"
    ADDRESS = "address"
    KEY_UNKNOWN = "key-unknown"
    MALFORMED_KEY = "malformed-key"
    WRONG_SIGNATURE = "wrong-signature"
    PERMISSION_OR_KEY = "permission-or-key"
    NOT_YET_VISIBLE = "not-yet-visible"
    CLOCK = "clock"
    RATE_LIMIT = "rate-limit"
    ORDER_RATE_LIMIT = "order-rate-limit"
    FIREWALL = "firewall"
    LOCATION = "location"
    IPV6 = "ipv6"
    SERVER_FAULT = "server-fault"
    NETWORK = "network"
    UNREADABLE_ANSWER = "unreadable-answer"
    REQUEST = "request"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """How sure the cause is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the answer."""

    surface: Surface
    egress: IPv4Address | None
    """The address that echo services see this host call from."""
    whitelist: Sequence[IPv4Network] | None
    """The list that the key is meant to have. None or empty when it is not known or not restricted."""
    control_accepted: bool | None
    """Whether another key was accepted from here in the same minute; None when none was asked."""
    skew: ClockSkew | None
    site: str
    """The name of the site, for people."""
    seen_as: IPv4Address | None = None
    """The caller's address as the exchange named it in another refusal of the same minute."""

    def lists(self, address: IPv4Address | None) -> bool | None:
        """Return whether the whitelist covers `address`; None when one of them is not known."""
        if address is None or not self.whitelist:
            return None
        return any(address in network for network in self.whitelist)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one observation means."""

    outcome: Outcome
    cause: Cause
    certainty: Certainty
    """How sure `cause` is; `outcome` is what was seen."""
    what: str
    why: str
    advice: str
    code: int | None = None
    """The exchange's JSON code, if it gave one."""
    retry_after: float = 0.0
    """Seconds that must pass before the next question, by the exchange's word or by the advice given here."""

    @property
    def is_accepted(self) -> bool:
        """Whether the signed call succeeded."""
        return self.outcome is Outcome.ACCEPTED
