"""What `key-wizard egress --ask-exchange` asks the exchange itself, with the key in use."""

from __future__ import annotations

import asyncio
import os

from wizard.commands.console import tell
from wizard.commands.observing import in_journal
from wizard.commands.place import place_opener
from wizard.consumers import current_key, fetch
from wizard.egress.agreement import EgressVerdict
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.rotation.reaching import open_exchange, route_to_exchange
from wizard.rotation.signed import observe_address
from wizard.rotation.steps.egress import keep_exchange_observation
from wizard.rotation.surroundings import networks_of
from wizard.settings import Environment, Paths, Settings
from wizard.threads import leaving_lookups_behind

HELP = "also ask the exchange itself, by read-only signed calls of the key in use: its word goes before the operators'"
CALL_DEADLINE = 10.0
"""Seconds for one call; there are two at the same time."""


def ask(environment: Environment, paths: Paths, known: Settings, verdict: EgressVerdict) -> ExchangeObservation:
    """Ask, tell what it means beside the addresses that echo services saw, and keep an address that was named.

    Raises:
        wizard.errors.WizardError: no key is in use, or keyring or route cannot be used.
    """
    observation = asyncio.run(leaving_lookups_behind(_ask(environment, paths, known)))
    tell(observation.sentence(observation.comparable(verdict)))
    route = route_to_exchange(environment, os.environ)
    in_journal(paths, lambda journal: keep_exchange_observation(observation, route, journal, environment.name))
    return observation


async def _ask(environment: Environment, paths: Paths, known: Settings) -> ExchangeObservation:
    key = current_key(environment.name, paths)
    credentials = await fetch(key, await place_opener(paths, known)())
    try:
        route = route_to_exchange(environment, os.environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            return await observe_address(client, credentials, environment.site, networks_of(key.whitelist))
    finally:
        credentials.wipe()


def as_json(observation: ExchangeObservation | None, verdict: EgressVerdict) -> dict[str, object] | None:
    """Return it as JSON shapes; null where it was not asked, or could not be.

    `address` is what it points to: named by the exchange, or alone on the list of the key that it accepts; else null.
    """
    if observation is None:
        return None
    seen = observation.comparable(verdict)
    told = observation.address(seen)
    return {
        "site": observation.site,
        "accepted": observation.accepted,
        "address": str(told) if told else None,
        "confirms": observation.confirms(seen),
        "sentence": observation.sentence(seen),
    }
