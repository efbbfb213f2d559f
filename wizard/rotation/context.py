"""What the steps share: the environment, the journal, the keyring, and ways to the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.custody.records import KeyRecord, Slot
from wizard.custody.vault import Vault
from wizard.egress.services import EchoService
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import Circumstances
from wizard.exchange.resolution import Lookup, look_up
from wizard.exchange.sub_accounts import Pacer
from wizard.net.route import Route, decide_route
from wizard.rotation.exchange_calls import circumstances, open_exchange
from wizard.rotation.journal import Journal, networks_of
from wizard.rotation.model import RotationRecord

Pause = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds. `asyncio.sleep` is one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for what, in seconds."""

    call: float = 10.0
    egress: float = 6.0
    other_host: float = 20.0
    """The deadline of a call through another host, from the start of ssh."""
    sampling: float = 30.0
    """The deadline of sampling more, to find a pool of addresses."""
    between_passes: float = 0.5
    """Between two signed calls that must succeed in a row."""
    between_questions: float = 10.0
    """Before a refused new key is asked about for the second time: its whitelist may not count yet."""
    patience: float = 900.0
    """After which such waiting ends by itself."""
    listing: float = 60.0
    """For how long a new key or list may be missing from what the sub-account API shows: that is not documented."""
    between_polls: float = 5.0
    """Between two questions whether the legacy key is dead: closer ones would not count. The exchange's servers may
    differ for seconds, and a good key is reported to be refused for a moment (ccxt 11045, 17460). A poll weighs 50 of
    6,000 a minute at most."""


@dataclass(frozen=True)
class Context:
    """Passed to every step. What changes while a rotation runs is read from the journal each time."""

    environment: Environment
    journal: Journal
    vault: Vault
    services: tuple[EchoService, ...]
    environ: Mapping[str, str]
    clock: Clock
    pause: Pause
    stopwatch: Clock
    """Seconds from any start, for round trips. `time.perf_counter` is one."""
    pace: Pace = field(default_factory=Pace)
    lookup: Lookup = look_up
    pacer: Pacer | None = None
    """Keeps the master account's calls within its limit, where several environments share one."""

    @property
    def rotation(self) -> RotationRecord:
        """The open rotation. Raises `WizardError` where nothing was begun."""
        record = self.journal.open_rotation(self.environment.name)
        if record is None:
            raise WizardError("Nothing is open", advice="Start a job from the home screen.", code="rotation.none-open")
        return record

    def key(self, slot: Slot) -> KeyRecord | None:
        """Return the key in a slot (see `Journal.key_in`)."""
        return self.journal.key_in(self.environment.name, slot)

    @asynccontextmanager
    async def credentials(self, record: KeyRecord | None) -> AsyncIterator[Credentials | None]:
        """Lend the credentials of a key, None where they are not stored; they are wiped afterwards."""
        found = await self.vault.fetch(record) if record else None
        with found or nullcontext():
            yield found

    @property
    def egress(self) -> str:
        """The egress address on which operators agree in the newest detection; nothing where they do not."""
        seen = self.journal.last_verdict(self.environment.name)
        return str((seen and seen.address) or "")

    def circumstances(self, key: KeyRecord | None, whitelist: Sequence[IPv4Network] | None = None) -> Circumstances:
        """Return what is known about a signed call from here with `key`: its own list counts where none is given."""
        seen = self.journal.last_verdict(self.environment.name)
        is_shared = seen is not None and seen.is_shared
        if whitelist is None:
            whitelist = networks_of(key.whitelist) if key else ()
        return circumstances(self.environment.site, self.egress, whitelist, key, is_shared=is_shared)

    @property
    def whitelist(self) -> tuple[IPv4Network, ...]:
        """The list composed in this rotation."""
        return networks_of(self.journal.whitelist_of(self.rotation))

    def route(self) -> Route:
        """The one way that echo services and exchange are reached; a `RouteError` where the settings make none."""
        return decide_route(self.environment, self.environ)

    def exchange(self) -> ExchangeClient:
        """Return a client of this environment's exchange over `route`, to be used with `async with`."""
        site, timeout = self.environment.site, self.pace.call
        return open_exchange(site, self.route(), timeout=timeout, clock=self.clock, stopwatch=self.stopwatch)
