"""From what the way to the exchange showed to findings: name, connection, TLS, the first answer. Pure.

Each part has its own time and evidence. What comes after a part that failed is not run, never failed.
"""

from __future__ import annotations

from dataclasses import dataclass

from wizard.core.clock import utc
from wizard.core.errors import sentences
from wizard.exchange.client import Connection
from wizard.exchange.errors import ExchangeError
from wizard.exchange.resolving import AddressKind, Resolution
from wizard.net.tls import Signer
from wizard.net.trace import Phase
from wizard.rotation.findings import DNS, REACHABLE, TCP, TLS, Scribe
from wizard.rotation.model import Finding, Outcome

WAY = (DNS, TCP, TLS, REACHABLE)
"""In the order in which they happen."""

_FAILS_AT = {Phase.DNS: DNS, Phase.TCP: TCP, Phase.PROXY: TCP, Phase.TLS: TLS}


@dataclass(frozen=True, slots=True)
class Way:
    """What was seen on the way to the exchange."""

    resolution: Resolution | ExchangeError | None
    """None where a proxy looks up the name."""
    connection: Connection
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


def tell_way(way: Way, scribe: Scribe) -> tuple[Finding, ...]:
    """Return a finding for each part of the way."""
    passed = {DNS: _name, TCP: _connection, TLS: _tls, REACHABLE: _answer}
    if way.is_open:
        return tuple(tell(way, scribe) for tell in passed.values())
    last = WAY.index(way.failed_at)
    before = tuple(passed[subject](way, scribe) for subject in WAY[:last])
    return (*before, _failure(way, scribe), *scribe.not_run(*WAY[last + 1 :]))


def _name(way: Way, scribe: Scribe) -> Finding:
    resolution = way.resolution
    if resolution is None:
        return scribe.note(DNS, Outcome.NOT_APPLICABLE, "The proxy looks up the exchange's name.")
    if isinstance(resolution, ExchangeError):
        return scribe.note(DNS, Outcome.WARNING, " ".join(sentences(resolution.what, resolution.why)))
    if resolution.kind is AddressKind.LITERAL:
        return scribe.note(DNS, Outcome.NOT_APPLICABLE, resolution.sentence())
    return scribe.note(
        DNS,
        Outcome.WARNING if resolution.advice else Outcome.PASSED,
        resolution.sentence(),
        does_not_prove="" if resolution.advice else "that they are the exchange's; the certificate does",
        advice=resolution.advice,
        milliseconds=resolution.milliseconds,
    )


def _connection(way: Way, scribe: Scribe) -> Finding:
    connection = way.connection
    what = f"A connection to {connection.peer} was opened." if connection.peer else "A connection was opened."
    return scribe.note(TCP, Outcome.PASSED, what, milliseconds=connection.connected_ms)


def _tls(way: Way, scribe: Scribe) -> Finding:
    handshake = way.connection.handshake
    if not way.is_encrypted:
        return scribe.note(TLS, Outcome.NOT_APPLICABLE, "This machine itself is called, without TLS.")
    if handshake is None:
        return scribe.note(TLS, Outcome.INCONCLUSIVE, "The connection is encrypted; its certificate could not be read.")
    return scribe.note(
        TLS,
        Outcome.PASSED,
        f"{handshake.version}; the certificate was signed by {handshake.issuer} and ends {utc(handshake.expires)}.",
        does_not_prove="that the issuer is the exchange's usual one; it is shown, not compared",
        milliseconds=handshake.milliseconds,
    )


def _answer(way: Way, scribe: Scribe) -> Finding:
    return scribe.note(
        REACHABLE,
        Outcome.PASSED,
        "The exchange answered a public call.",
        does_not_prove="anything about a key: the call is public",
        milliseconds=way.connection.answered_ms,
    )


def _failure(way: Way, scribe: Scribe) -> Finding:
    error = way.connection.error
    if way.failed_at == DNS and isinstance(way.resolution, ExchangeError):
        error = way.resolution
    assert error is not None  # noqa: S101 - only called where the way failed
    observed, advice = list(sentences(error.what, error.why)), [error.advice]
    if way.signer is not None:
        observed.append(way.signer.sentence())
    if isinstance(way.resolution, Resolution) and way.resolution.advice:
        observed.append(way.resolution.sentence())
        advice = [way.resolution.advice]
    if way.answering:
        hosts = ", ".join(way.answering)
        observed.append(f"Meanwhile {hosts} answered.")
        advice.append(f'To call it instead, write host = "{way.answering[0]}" for this environment in config.toml.')
    return scribe.note(way.failed_at, Outcome.INCONCLUSIVE, " ".join(observed), advice=" ".join(advice))


def is_worth_inspecting(error: ExchangeError | None) -> bool:
    """Return whether a certificate was refused, so that it is worth asking who signed it."""
    return error is not None and error.phase is Phase.TLS
