"""The way to the exchange, looked at once: name, connection, TLS, the first answer, and each as a finding.

All that can be asked at the same time is. Each part has its own time and evidence. What comes after a part that failed
is not run, never failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from wizard.core.clock import Clock, utc
from wizard.core.errors import sentences
from wizard.core.sites import Site
from wizard.exchange.client import Connection, ExchangeClient
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.resolution import AddressKind, Lookup, Resolution, look_up, resolve
from wizard.net.route import Route
from wizard.net.tls import Signer, who_signed
from wizard.net.trace import Phase
from wizard.rotation.exchange_calls import open_exchange
from wizard.rotation.findings import DNS, REACHABLE, TCP, TLS, FindingWriter
from wizard.rotation.model import Finding, Outcome

PARTS = (DNS, TCP, TLS, REACHABLE)
"""In the order in which they happen."""
_FAILS_AT = {Phase.DNS: DNS, Phase.TCP: TCP, Phase.PROXY: TCP, Phase.TLS: TLS}


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What was seen on the way to the exchange."""

    resolution: Resolution | ExchangeError | None
    """None where a proxy looks up the name."""
    connection: Connection
    route: Route
    is_encrypted: bool
    """Whether the exchange is called over TLS; this machine itself is not."""
    signer: Signer | None = None
    """Who signed a certificate that was not accepted."""
    answering: tuple[str, ...] = ()
    """Alternative hosts that answered where the chosen one did not."""

    @property
    def is_open(self) -> bool:
        """Whether the exchange answered."""
        return self.connection.error is None

    @property
    def failed_at(self) -> str:
        """The part that failed; nothing where the exchange answered."""
        error = self.connection.error
        if error is None:
            return ""
        if isinstance(self.resolution, ExchangeError) and self.connection.connected_ms is None:
            return DNS
        phase = error.during if error.phase is Phase.TIMEOUT else error.phase
        return _FAILS_AT.get(phase or Phase.READ, REACHABLE)


def describe_connection(seen: ConnectionCheck, writer: FindingWriter) -> tuple[Finding, ...]:
    """Return a finding for each part of what was seen."""
    passed = {DNS: _name, TCP: _connection, TLS: _tls, REACHABLE: _answer}
    if seen.is_open:
        return tuple(tell(seen, writer) for tell in passed.values())
    last = PARTS.index(seen.failed_at)
    before = tuple(passed[subject](seen, writer) for subject in PARTS[:last])
    return (*before, describe_failure(seen, writer), *writer.not_run(*PARTS[last + 1 :]))


def _name(seen: ConnectionCheck, writer: FindingWriter) -> Finding:
    found = seen.resolution
    if found is None:
        return writer.note(DNS, Outcome.NOT_APPLICABLE, "The proxy looks up the name of Binance's host.")
    if isinstance(found, ExchangeError):
        return writer.error(DNS, Outcome.WARNING, found)
    if found.kind is AddressKind.LITERAL:
        return writer.note(DNS, Outcome.NOT_APPLICABLE, found.sentence())
    outcome = Outcome.WARNING if found.advice else Outcome.PASSED
    gap = "" if found.advice else "that they belong to Binance, which the certificate shows"
    said, took_ms = found.sentence(), found.milliseconds
    return writer.note(DNS, outcome, said, does_not_prove=gap, advice=found.advice, milliseconds=took_ms)


def _connection(seen: ConnectionCheck, writer: FindingWriter) -> Finding:
    peer = f" to {seen.connection.peer}" if seen.connection.peer else ""
    took_ms = seen.connection.connected_ms
    return writer.note(TCP, Outcome.PASSED, f"A connection{peer} is open.", milliseconds=took_ms)


def _tls(seen: ConnectionCheck, writer: FindingWriter) -> Finding:
    handshake = seen.connection.handshake
    if not seen.is_encrypted:
        return writer.note(TLS, Outcome.NOT_APPLICABLE, "This machine itself is called, without TLS.")
    if handshake is None:
        return writer.note(TLS, Outcome.INCONCLUSIVE, "The connection is encrypted. Its certificate could not be read.")
    signed = f"{handshake.issuer} signed the certificate. It ends {utc(handshake.expires)}."
    gap = "that Binance usually has this issuer, as it is shown but not compared"
    took_ms = handshake.milliseconds
    return writer.note(TLS, Outcome.PASSED, f"{handshake.version}. {signed}", does_not_prove=gap, milliseconds=took_ms)


def _answer(seen: ConnectionCheck, writer: FindingWriter) -> Finding:
    gap, took_ms = "anything about a key, as the call is public", seen.connection.answered_ms
    observed = "Binance answered a public call."
    return writer.note(REACHABLE, Outcome.PASSED, observed, does_not_prove=gap, milliseconds=took_ms)


def describe_failure(seen: ConnectionCheck, writer: FindingWriter) -> Finding:
    """Return the finding for the part that failed, with what else was found out."""
    error = seen.connection.error
    if seen.failed_at == DNS and isinstance(seen.resolution, ExchangeError):
        error = seen.resolution
    assert error is not None  # noqa: S101 - only called where it failed
    observed, advice = list(sentences(error.what, error.why)), [error.advice]
    if seen.signer is not None:
        observed.append(seen.signer.sentence())
        advice = [seen.signer.advice(seen.route)]
    if seen.route.is_proxied:
        observed.append(f"The call goes through {seen.route.shown}, chosen by {seen.route.source}.")
    if isinstance(seen.resolution, Resolution) and seen.resolution.advice:
        observed.append(seen.resolution.sentence())
        advice = [seen.resolution.advice, *(advice if seen.signer else ())]
    if seen.answering:
        hosts = ", ".join(seen.answering)
        observed.append(f"At the same time {hosts} answered.")
        advice.append(
            f'To call that host instead, write this for the environment in config.toml:\nhost = "{seen.answering[0]}"'
        )
    return writer.note(seen.failed_at, Outcome.INCONCLUSIVE, " ".join(observed), advice=" ".join(advice))


async def check_connection(
    site: Site,
    route: Route,
    client: ExchangeClient,
    *,
    deadline: float,
    lookup: Lookup = look_up,
    stopwatch: Clock = time.perf_counter,
) -> ConnectionCheck:
    """Look up the name and call the exchange; where it does not answer, find out what else can be known.

    `deadline` holds for each question, in seconds.
    """
    resolution, connection = await asyncio.gather(
        _resolution(site, route, deadline, lookup, stopwatch), client.connect()
    )
    seen = ConnectionCheck(resolution, connection, route, is_encrypted=site.rest_url.startswith("https://"))
    if (error := connection.error) is None:
        return seen
    signer, answering = await asyncio.gather(
        _signer(site, route, deadline, error), _answering(site, route, deadline, error)
    )
    return replace(seen, signer=signer, answering=tuple(answering))


async def _resolution(
    site: Site, route: Route, deadline: float, lookup: Lookup, stopwatch: Clock
) -> Resolution | ExchangeError | None:
    if route.is_proxied:
        return None
    host = urlsplit(site.rest_url).hostname or ""
    try:
        return await resolve(host, deadline=deadline, lookup=lookup, stopwatch=stopwatch)
    except ExchangeError as error:
        return error


async def _signer(site: Site, route: Route, deadline: float, error: ExchangeError) -> Signer | None:
    if error.phase is not Phase.TLS:
        return None
    return await who_signed(f"{site.rest_url}/api/v3/ping", route, deadline)


async def _answering(site: Site, route: Route, deadline: float, error: ExchangeError) -> Sequence[str]:
    """Which of the site's other hosts answer a public call, where the chosen one was not reached."""
    if error.kind is not ErrorKind.NETWORK:
        return ()
    others = [replace(site, rest_url=url) for url in site.alternative_urls]
    answers = await asyncio.gather(*(_answers(other, route, deadline) for other in others))
    urls = (other.rest_url for other, answered in zip(others, answers, strict=True) if answered)
    return [urlsplit(url).hostname or "" for url in urls]


async def _answers(site: Site, route: Route, deadline: float) -> bool:
    async with open_exchange(site, route, timeout=deadline) as client:
        return (await client.connect()).error is None
