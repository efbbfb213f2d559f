"""A host that can be asked, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from wizard.core.ssh_destination import read_destination
from wizard.egress.agreement import EgressVerdict, judge
from wizard.egress.answers import Sample

OUTPUT_LIMIT = 512 * 1024
"""Bytes that are read of what a host writes; an honest one writes about 8 KiB."""


class HostSource(StrEnum):
    """Who named a host."""

    TYPED = "typed"
    SETTINGS = "settings"
    SSH_CONFIG = "ssh-config"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that ssh can reach, as far as its name tells."""

    name: str
    """What ssh is given, `[user@]host`; also the label of its address in a whitelist."""
    source: HostSource = HostSource.TYPED


def typed_host(text: str, source: HostSource = HostSource.TYPED) -> Host:
    """Return the host that was written as `[user@]host`.

    Raises:
        wizard.core.ssh_destination.InvalidDestination: it names no host.
    """
    return Host(read_destination(text), source)


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """What a host wrote until the end mark, the end of ssh or the deadline."""

    output: bytes
    """At most `OUTPUT_LIMIT` bytes."""
    errors: bytes
    exit_status: int | None
    """Of ssh; 255 is its own failure. None when it was ended before."""
    is_out_of_time: bool = False


class TroubleKind(StrEnum):
    """Why a host gave no address."""

    UNKNOWN_HOST_KEY = "unknown-host-key"
    CHANGED_HOST_KEY = "changed-host-key"
    REVOKED_HOST_KEY = "revoked-host-key"
    LOGIN_REFUSED = "login-refused"
    NAME_NOT_FOUND = "name-not-found"
    CONNECTION_REFUSED = "connection-refused"
    UNREACHABLE = "unreachable"
    TIME_OUT = "time-out"
    HUNG_UP = "hung-up"
    NO_COMMON_ALGORITHM = "no-common-algorithm"
    SSH_CONFIGURATION = "ssh-configuration"
    NO_CLIENT = "no-client"
    """Nothing on the host can ask a web server."""
    NOT_UNDERSTOOD = "not-understood"
    """The login works, but what runs there did not run the script."""
    NO_ADDRESS = "no-address"
    """The host asked, and got no usable answer."""
    NOT_ASKED = "not-asked"
    """Time was up before its turn."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a host gave no address, for people."""

    kind: TroubleKind
    reason: str
    """A phrase, without a full stop."""
    advice: str
    """What to do, as sentences; `{host}` stands for the host's name."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What one host said. Its words are untrusted: a host can lie about its address, and about nothing else."""

    host: Host
    milliseconds: float
    """From the start of ssh to the end of the script."""
    samples: tuple[Sample, ...] = ()
    """What the echo services said to the host."""
    trouble: Trouble | None = None
    """Why there is no address at all; None when there is one."""
    client: str = ""
    """The program on the host that asked: `curl`, `wget` or `python3`."""
    has_proxy: bool = False
    """Whether a proxy is set in the environment of that login; it was not used."""
    verdict: EgressVerdict = field(init=False)

    def __post_init__(self) -> None:
        """Judge the samples as those of this host are judged."""
        object.__setattr__(self, "verdict", judge(self.samples))

    @property
    def address(self) -> IPv4Address | None:
        """The address that at least two operators agree on."""
        return self.verdict.addresses[0] if self.verdict.is_agreed else None

    def sentence(self) -> str:
        """Return what was found, for people."""
        if self.trouble is not None:
            reason = self.trouble.reason
            return f"{reason[:1].upper()}{reason[1:]}."
        return self.verdict.sentence()

    def advice(self) -> str:
        """Return what the user can do about it; nothing where there is nothing to do."""
        return self.trouble.advice.replace("{host}", self.host.name) if self.trouble else ""


def labels(answers: Iterable[HostAnswer]) -> dict[IPv4Address, tuple[str, ...]]:
    """Return the addresses that hosts agreed on, each with the hosts that have it: what a whitelist says about it."""
    found: dict[IPv4Address, dict[str, None]] = {}
    for answer in answers:
        if answer.address is not None:
            found.setdefault(answer.address, {})[answer.host.name] = None
    return {address: tuple(names) for address, names in found.items()}
