"""How one call to the exchange can fail, as types.

No error here holds a URL, a query, a header or a key. The exchange's own words are made printable
and are cleared of the key and the signature before they come here (`answers.py`).
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.net.trace import Phase


class ExchangeError(WizardError):
    """A call did not end in the answer that was asked for."""


class Refused(ExchangeError):
    """The exchange answered with one of its negative JSON codes.

    Args:
        code: The JSON code, for example -2015. It decides; the HTTP status differs per host.
        message: The exchange's own words, printable.
        status: The HTTP status.
        request_ip: The caller's address as the exchange saw it. Futures hosts append it to -2015,
            not always (REPORTED, docs/binance.md).
    """

    def __init__(self, code: int, message: str, status: int, request_ip: IPv4Address | None = None) -> None:
        super().__init__(
            f"The exchange refused the call with code {code}",
            why=f"It said “{message}” (HTTP {status})." if message else f"It gave no reason (HTTP {status}).",
        )
        self.exchange_code = code
        self.message = message
        self.status = status
        self.request_ip = request_ip


class SlowDown(ExchangeError):
    """Too many requests from this address: HTTP 429, the ban 418, or code -1003.

    Args:
        retry_after: Seconds that the exchange asks to wait; None when it names none.
        status: The HTTP status.
        code: The JSON code, if there was one. -1015 is the order rate limit.
    """

    def __init__(self, retry_after: float | None, status: int, code: int | None = None) -> None:
        named = f" (code {code})" if code is not None else ""
        wait = (
            f"Wait {duration(retry_after)}, then ask again." if retry_after else "Wait a few minutes, then ask again."
        )
        super().__init__(
            "The exchange asks this address to slow down", why=f"It answered HTTP {status}{named}.", advice=wait
        )
        self.retry_after = retry_after
        self.status = status
        self.exchange_code = code


class FirewallBlocked(ExchangeError):
    """HTTP 403 without a JSON code: the web application firewall (CONFIRMED, rest-api.md)."""

    def __init__(self) -> None:
        super().__init__(
            "The exchange's firewall blocked this address",
            why="It answered HTTP 403 without one of the exchange's own codes.",
            advice="Wait five minutes without asking, then try again. Such blocks are per address.",
        )


class LocationRestricted(ExchangeError):
    """HTTP 451: the exchange does not serve the country of the egress address (REPORTED, ccxt 15872)."""

    def __init__(self) -> None:
        super().__init__(
            "The exchange does not serve the location of this egress address",
            why="It answered that the service is unavailable from a restricted location.",
            advice="Call from the host and by the route that your software uses. The key is not at fault.",
        )


class ServerFault(ExchangeError):
    """HTTP 5xx: the fault is the exchange's, and what became of the request is unknown (CONFIRMED)."""

    def __init__(self, status: int, code: int | None = None) -> None:
        super().__init__(
            "The exchange has a fault of its own",
            why=f"It answered HTTP {status}" + (f" with code {code}." if code is not None else "."),
            advice="Try again in a minute.",
        )
        self.status = status
        self.exchange_code = code


_ENDED = {
    Phase.DNS: ("The exchange's name could not be resolved", "Check the name service of this host (DNS)."),
    Phase.TCP: ("No connection to the exchange could be opened", "Check the network, the firewall and the route."),
    Phase.TLS: (
        "No trustworthy TLS connection to the exchange could be made",
        "Somebody may stand in between: a captive portal, an inspecting proxy, a wrong DNS answer."
        " Do not switch verification off.",
    ),
    Phase.PROXY: ("The proxy did not let the call through", "Check the proxy's address, its rules and its log-in."),
    Phase.READ: ("The connection broke before the answer was complete", "Try again."),
    Phase.TIMEOUT: ("The exchange did not answer in time", "Try again. If it stays so, check the route."),
}

_LATE_IN = {
    Phase.TCP: "The time ran out while the name was resolved or the connection was opened.",
    Phase.TLS: "The connection was opened, but the TLS handshake did not finish.",
    Phase.PROXY: "The time ran out at the proxy.",
    Phase.READ: "The connection was made, but the answer did not arrive in full.",
}


class Unreachable(ExchangeError):
    """The exchange was not reached, or its answer did not arrive.

    Args:
        phase: What failed.
        during: For a time-out, what was under way; None when it is not known.
        detail: The system's or the TLS library's reason, printable.
    """

    def __init__(self, phase: Phase, *, during: Phase | None = None, detail: str = "") -> None:
        what, advice = _ENDED[phase]
        why = _LATE_IN.get(during, "") if during else ""
        super().__init__(what, why=f"The reason given is: {detail}." if detail else why, advice=advice)
        self.phase = phase
        self.during = during
        self.detail = detail


class Flaw(StrEnum):
    """Why an answer could not be used."""

    REDIRECT = "redirect"
    TOO_LONG = "too-long"
    NOT_JSON = "not-json"
    SHAPE = "shape"
    STATUS = "status"
    HANDSHAKE = "handshake"


_FLAWS = {
    Flaw.REDIRECT: "It is a redirect, which the exchange's API never sends: perhaps a captive portal.",
    Flaw.TOO_LONG: "It is longer than 1 MiB.",
    Flaw.NOT_JSON: "It is not JSON, or was cut short: perhaps a web page from somewhere in between.",
    Flaw.SHAPE: "It is JSON, but not of the documented shape.",
    Flaw.STATUS: "It has no code of the exchange: perhaps this site does not serve this call.",
    Flaw.HANDSHAKE: "It does not open a WebSocket: perhaps a proxy in between does not let them through.",
}


class AnswerUnreadable(ExchangeError):
    """Something answered, but not as the exchange's documents say. The answer's text is not kept.

    Args:
        flaw: What is wrong with it.
        status: The HTTP status.
        detail: The name of the field at fault, for the shape.
    """

    def __init__(self, flaw: Flaw, status: int = 200, detail: str = "") -> None:
        where = f" The field is {detail}." if detail else ""
        super().__init__(
            "The answer cannot be read",
            why=f"{_FLAWS[flaw]} The HTTP status is {status}.{where}",
            advice="Check that this site is the right one and that nothing stands in between, then try again.",
        )
        self.flaw = flaw
        self.status = status


class ApiKeyUnsendable(ExchangeError):
    """The API key holds characters that no HTTP header can carry. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "The API key was not sent",
            why="It is empty, too long, or holds blanks, control characters or characters beyond ASCII.",
            advice="Enter the API key again.",
        )
