"""How one call to the exchange can fail.

No error here holds a URL, a query, a header or a key. The exchange's own words are made printable
and are cleared of the key and the signature before they come here (`responses.py`).
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from wizard.core.clock import duration, utc
from wizard.core.errors import Exit, WizardError
from wizard.core.text import printable
from wizard.net.trace import Phase

BANNED = 418
EXECUTION_UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
"""None of them says that nothing was done; the last two say "execution status unknown" (CONFIRMED, errors.md)."""
AFTER_A_BAN = 120.0
"""Seconds after 418 without a time: bans begin at two minutes (CONFIRMED, rest-api.md)."""
AFTER_THE_FIREWALL = 300.0
"""Seconds after 403: five minutes (CONFIRMED for the limits of the web application firewall)."""
AFTER_A_FAULT = 10.0
"""Seconds after a fault of the exchange's own."""


class ErrorKind(StrEnum):
    """What sort of end a call had."""

    REFUSED = "refused"
    """The exchange answered with one of its negative JSON codes."""
    RATE_LIMIT = "rate-limit"
    """Too many requests from this address: HTTP 429, the ban 418, or code -1003."""
    FIREWALL = "firewall"
    """HTTP 403 without a JSON code: the web application firewall (CONFIRMED, rest-api.md)."""
    LOCATION = "location"
    """HTTP 451: the exchange does not serve the country of the egress address (REPORTED, ccxt 15872)."""
    SERVER_FAULT = "server-fault"
    """HTTP 5xx: the fault is the exchange's, and what became of the request is unknown (CONFIRMED)."""
    NETWORK = "network"
    """The exchange was not reached, or its answer did not arrive."""
    UNREADABLE_ANSWER = "unreadable-answer"
    """Something answered, but not as the exchange's documents say. The answer's text is not kept."""
    MALFORMED_KEY = "malformed-key"
    """The API key holds characters that no HTTP header can carry. Nothing was sent."""


class Flaw(StrEnum):
    """Why an answer could not be used, for people."""

    REDIRECT = "It is a redirect, which Binance never sends. It may come from a captive portal."
    TOO_LONG = "It is longer than 1 MiB."
    NOT_JSON = "It is not JSON, or was cut short. It may be a web page of a captive portal or proxy."
    SHAPE = "It is JSON, but not in the documented form."
    STATUS = "It has no Binance code. Perhaps this site does not serve this call."
    HANDSHAKE = "It does not open a WebSocket. Perhaps a proxy does not let WebSockets through."


class ExchangeError(WizardError):
    """A call did not end in the answer that was asked for; nothing may be asked for `retry_after` seconds."""

    exit_code = Exit.INCONCLUSIVE
    message = ""
    """The exchange's own words for a refusal, printable."""
    request_ip: IPv4Address | None = None
    """The caller's address as the exchange saw it. Futures hosts append it to -2015, not always
    (REPORTED, docs/binance.md)."""
    request_ipv6: IPv6Address | None = None
    """The same, where it is no IPv4 address."""
    phase: Phase | None = None
    """What failed on the network."""
    during: Phase | None = None
    """For a time-out, what was under way; None when it is not known."""
    is_sent = False
    """Whether the request left before the network failed."""

    def __init__(
        self,
        kind: ErrorKind,
        what: str,
        why: str,
        advice: str = "",
        *,
        exchange_code: int | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=f"exchange.{kind}")
        self.kind = kind
        self.exchange_code = exchange_code
        self.retry_after = retry_after

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether Binance may have done what was asked. False for a refusal and for what never left."""
        is_silent = self.is_sent or self.kind in (ErrorKind.SERVER_FAULT, ErrorKind.UNREADABLE_ANSWER)
        return is_silent or self.exchange_code in EXECUTION_UNKNOWN


def refused(code: int, message: str, status: int, request_ip: IPv4Address | IPv6Address | None = None) -> ExchangeError:
    """Return the error for a negative JSON code. It decides; the HTTP status differs per host, 0 is an unknown one."""
    said = f"Binance said “{message}”" if message else "Binance gave no reason"
    error = ExchangeError(
        ErrorKind.REFUSED,
        f"Binance refused the call with code {code}",
        f"{said} (HTTP {status})." if status else f"{said}.",
        exchange_code=code,
    )
    error.message = message
    if isinstance(request_ip, IPv6Address):
        error.request_ipv6 = request_ip
    else:
        error.request_ip = request_ip
    return error


def slow_down(
    retry_after: float | None, status: int, code: int | None = None, *, until: float | None = None
) -> ExchangeError:
    """Return the error for too many requests; `retry_after` is None where the exchange names no time.

    A ban that the exchange names ends at `until`, in seconds since 1970; then `retry_after` is what is left of it.
    """
    answered = f"HTTP {status}" + (f" (code {code})" if code is not None else "") if status else f"code {code}"
    what = "Binance asks you to slow down" if until is None else f"Binance bans your address until {utc(until)}"
    advice = f"Wait {duration(retry_after) if retry_after else 'a few minutes'}, then try again."
    if until is not None and not retry_after:
        advice = "By this host's clock that time has passed. Try again. If you are still banned, check the clock."
    elif until is not None or status == BANNED:
        advice += " Stop your bots until then, as more calls can lengthen the ban."
    return ExchangeError(
        ErrorKind.RATE_LIMIT,
        what,
        f"It answered {answered}. The limits count for your address or your account.",
        advice,
        exchange_code=code,
        retry_after=retry_after or (AFTER_A_BAN if status == BANNED else 0.0),
    )


def firewall_blocked() -> ExchangeError:
    """Return the error for a 403 without a code."""
    return ExchangeError(
        ErrorKind.FIREWALL,
        "Binance's firewall blocks your address",
        "It answered HTTP 403 without a Binance code.",
        "Wait five minutes, then try again. Such blocks count for the address, not for the key.",
        retry_after=AFTER_THE_FIREWALL,
    )


def location_restricted() -> ExchangeError:
    """Return the error for a country that is not served."""
    return ExchangeError(
        ErrorKind.LOCATION,
        "Binance does not serve the location of your address",
        "It answered that it does not serve your country or region.",
        "Waiting does not help. Call from the host and over the route that your bot uses. The key is not the problem.",
    )


def server_fault(status: int, code: int | None = None) -> ExchangeError:
    """Return the error for a fault of the exchange's servers."""
    return ExchangeError(
        ErrorKind.SERVER_FAULT,
        "Binance's servers have a problem",
        f"It answered HTTP {status}" + (f" with code {code}." if code is not None else "."),
        "Try again in a minute.",
        exchange_code=code,
        retry_after=AFTER_A_FAULT,
    )


_ENDED = {
    Phase.DNS: ("The name {host} could not be looked up", "Check the name service (DNS) of this host."),
    Phase.TCP: ("No connection to Binance could be opened", "Check the network, the firewall and the route."),
    Phase.TLS: (
        "No trustworthy TLS connection to Binance could be made",
        "Something may intercept the connection. It may be a captive portal, an inspecting proxy or a wrong DNS answer."
        " Do not switch verification off.",
    ),
    Phase.PROXY: ("The proxy did not let the call through", "Check the address, the rules and the login of the proxy."),
    Phase.READ: ("The connection broke before the answer was complete", "Try again."),
    Phase.TIMEOUT: ("Binance did not answer in time", "Try again. If it stays so, check the route."),
}
_LATE_IN = {
    Phase.TCP: "The time ran out before the connection was open.",
    Phase.TLS: "The connection opened, but the TLS handshake did not finish.",
    Phase.PROXY: "The time ran out at the proxy.",
    Phase.READ: "The connection opened, but the answer did not arrive in full.",
}


def unreachable(phase: Phase, host: str, *, during: Phase | None = None, detail: str = "") -> ExchangeError:
    """Return the error for a failure on the way to `host`; `detail` is the reason given by the system, printable."""
    what, advice = _ENDED[phase]
    why = _LATE_IN.get(during, "") if during else ""
    error = ExchangeError(
        ErrorKind.NETWORK,
        what.format(host=printable(host)),
        f"The reason given is “{detail}”." if detail else why,
        advice,
    )
    error.phase = phase
    error.during = during
    return error


def unreadable(flaw: Flaw, status: int = 200, field: str = "") -> ExchangeError:
    """Return the error for an answer that cannot be read; `field` is the name of the one at fault, for the shape."""
    where = f" The field is {field}." if field else ""
    return ExchangeError(
        ErrorKind.UNREADABLE_ANSWER,
        "Binance's answer cannot be read",
        f"{flaw} The HTTP status is {status}.{where}",
        "Check that this site is the right one. Check for a captive portal or a proxy, then try again.",
    )


def unsendable_key() -> ExchangeError:
    """Return the error for an API key that no header can carry."""
    return ExchangeError(
        ErrorKind.MALFORMED_KEY,
        "The API key was not sent",
        "It is empty, too long, or holds spaces, control characters or characters beyond ASCII.",
        "Enter the API key again.",
    )
