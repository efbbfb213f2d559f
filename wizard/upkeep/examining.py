"""Looks at the current key of one environment from all sides, and changes nothing.

Invariant: it takes no lock and writes to no journal. What was observed is for the caller to keep. While a wizard
works on the environment, this reads what stands in the journal and in the place of the credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import Environment, Paths
from wizard.custody.records import KeyRecord
from wizard.custody.store import Store
from wizard.egress.detection import EgressReport, detect
from wizard.egress.services import EchoService
from wizard.rotation.current_credentials import NoCurrentKey, current_key, fetch
from wizard.rotation.model import Finding
from wizard.rotation.reaching import open_exchange, route_to_exchange
from wizard.rotation.signed import SignedAnswer, ask, circumstances
from wizard.upkeep.judging import Seen, judge, no_key

CALL_DEADLINE = 10.0
"""Seconds for one call to the exchange; there is one."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was found about the current key."""

    key: KeyRecord | None
    findings: tuple[Finding, ...]
    egress: EgressReport | None = None
    """What was observed of this host's address; None where nobody could be asked."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """Examines the current key of one environment, from this host."""

    environment: Environment
    paths: Paths
    services: tuple[EchoService, ...]
    open_store: Callable[[], Awaitable[Store]]
    environ: Mapping[str, str]
    clock: Clock
    place: str
    """What `open_store` opens, as a phrase within a sentence."""

    async def examine(self, max_age: float) -> Upkeep:
        """Ask the echo services, the place of the credentials and the exchange; each trouble becomes a finding.

        Args:
            max_age: Seconds after which a key is too old.

        Raises:
            wizard.core.errors.WizardError: the journal cannot be read.
        """
        try:
            key = current_key(self.environment.name, self.paths)
        except NoCurrentKey as error:
            return Upkeep(None, no_key(error, self.clock))
        egress, answer = await asyncio.gather(self._observe(), self._ask(key))
        seen = Seen(self.environment, key, egress, answer, self.place)
        return Upkeep(key, judge(seen, self.clock, max_age), egress if isinstance(egress, EgressReport) else None)

    async def _observe(self) -> EgressReport | WizardError:
        try:
            route = route_to_exchange(self.environment, self.environ)
            return await detect(self.services, route, rules=self.environment.rules)
        except WizardError as error:
            return error

    async def _ask(self, key: KeyRecord) -> SignedAnswer | WizardError:
        try:
            credentials = await fetch(key, await self.open_store())
            try:
                route = route_to_exchange(self.environment, self.environ)
                async with open_exchange(self.environment, route, timeout=CALL_DEADLINE, clock=self.clock) as client:
                    return await ask(client, credentials, circumstances(self.environment.site))
            finally:
                credentials.wipe()
        except WizardError as error:
            return error
