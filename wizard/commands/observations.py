"""What commands observe of this host's address, kept in the journal. A journal that is shut spoils no answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from wizard.commands.console import fail, tell
from wizard.commands.place import place_opener
from wizard.core.errors import WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.threads import leaving_lookups_behind
from wizard.egress.agreement import EgressVerdict
from wizard.egress.detection import EgressReport
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.rotation.current_credentials import current_key, fetch
from wizard.rotation.exchange_calls import observe_address, open_exchange, route_to_exchange
from wizard.rotation.journal import Journal, networks_of, open_journal
from wizard.rotation.steps.egress import history_of, keep, keep_exchange_observation

CALL_DEADLINE = 10.0
"""Seconds for one call; there are two at the same time."""

Result = TypeVar("Result")


def keep_observation(report: EgressReport, environment: Environment, paths: Paths, asked_by: str) -> str:
    """Keep what was seen, and return what all observations over its route show; nothing where it was not kept.

    Args:
        report: The detection.
        environment: By whose route it was made.
        paths: Where the journal is.
        asked_by: The command's name: its observation is kept for the history alone.
    """

    def write(journal: Journal) -> str:
        keep(report, journal, environment.name, asked_by=asked_by)
        return history_of(report, journal, environment.name)

    return _in_journal(paths, write) or ""


def ask_exchange(
    environment: Environment, paths: Paths, known: Settings, verdict: EgressVerdict
) -> ExchangeObservation:
    """Ask, tell what it means beside the addresses that echo services saw, and keep an address that was named.

    Raises:
        wizard.core.errors.WizardError: no key is in use, or keyring or route cannot be used.
    """
    observation = asyncio.run(leaving_lookups_behind(_ask_exchange(environment, paths, known)))
    tell(observation.sentence(verdict))
    route = route_to_exchange(environment, os.environ)
    _in_journal(paths, lambda journal: keep_exchange_observation(observation, route, journal, environment.name))
    return observation


async def _ask_exchange(environment: Environment, paths: Paths, known: Settings) -> ExchangeObservation:
    key = current_key(environment.name, paths)
    credentials = await fetch(key, await place_opener(paths, known)())
    try:
        route = route_to_exchange(environment, os.environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            return await observe_address(client, credentials, environment.site, networks_of(key.whitelist))
    finally:
        credentials.wipe()


def _in_journal(paths: Paths, write: Callable[[Journal], Result]) -> Result | None:
    """Write to the journal; where that cannot be, say so and return None."""
    try:
        with closing(open_journal(paths)) as journal:
            return write(journal)
    except WizardError as error:
        fail(error)
        tell("The address was observed, but not kept.")
        return None
