"""What the steps share: the environment, the journal, the keyring, and ways to the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from urllib.parse import urlsplit

from wizard.clock import Clock
from wizard.egress.providers import Provider
from wizard.egress.route import Route, RouteKind, decide_route, open_transport
from wizard.errors import WizardError
from wizard.exchange.client import ExchangeClient
from wizard.rotation.journal import Journal
from wizard.rotation.model import RotationRecord
from wizard.rotation.safekeeping import Safekeeping
from wizard.settings import Environment
from wizard.whitelist import parse

Pause = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds. `asyncio.sleep` is one."""


class NoOpenRotation(WizardError):
    """A step was asked to work although nothing was begun."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what, in seconds."""

    call: float = 10.0
    """The deadline of one call to the exchange."""
    egress: float = 6.0
    """The deadline of one egress detection."""
    between_passes: float = 0.5
    """Between two signed calls that must succeed in a row."""
    between_polls: float = 5.0
    """Between two questions whether the legacy key is dead. Two calls of weight 1 each."""


@dataclass(frozen=True)
class Context:
    """Passed to every step. Nothing in it changes while a rotation runs."""

    environment: Environment
    journal: Journal
    keeping: Safekeeping
    providers: tuple[Provider, ...]
    environ: Mapping[str, str]
    clock: Clock
    pause: Pause
    stopwatch: Clock
    """Seconds from any start, for round trips. `time.perf_counter` is one."""
    pace: Pace = field(default_factory=Pace)

    @property
    def rotation(self) -> RotationRecord:
        """The open rotation.

        Raises:
            NoOpenRotation: nothing was begun.
        """
        record = self.journal.open_rotation(self.environment.name)
        if record is None:
            raise NoOpenRotation("No rotation is open", advice="Start one from the home screen.")
        return record

    @property
    def egress(self) -> str:
        """The egress address seen last, or nothing."""
        return next(iter(self.journal.last_egress(self.environment.name)), "")

    @property
    def whitelist(self) -> tuple[IPv4Network, ...]:
        """The list composed in this rotation."""
        return networks_of(self.journal.whitelist_of(self.rotation))

    def route(self) -> Route:
        """The one way that echo services and exchange are reached.

        Raises:
            wizard.errors.WizardError: the proxy settings cannot be used.
        """
        return decide_route(self.environment, urlsplit(self.environment.site.rest_url).hostname or "", self.environ)

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[ExchangeClient]:
        """Open a client of this environment's exchange over the decided route."""
        route = self.route()
        async with ExchangeClient(
            self.environment.site,
            open_transport(route),
            clock=self.clock,
            stopwatch=self.stopwatch,
            timeout=self.pace.call,
            proxied=route.kind is RouteKind.PROXY,
        ) as client:
            yield client


def networks_of(text: str) -> tuple[IPv4Network, ...]:
    """Return the networks in a list that was judged valid when it was kept."""
    return tuple(entry.network for entry in parse(text).entries if entry.network is not None)
