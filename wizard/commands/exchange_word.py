"""What `key-wizard egress --ask-exchange` asks the exchange itself, with the key in use."""

from __future__ import annotations

import asyncio
import os

from wizard.commands.console import tell
from wizard.commands.observing import in_journal
from wizard.commands.place import place_opener
from wizard.consumers import current_key, fetch
from wizard.egress.exchange_word import ExchangeWord
from wizard.egress.quorum import EgressVerdict
from wizard.rotation.reaching import open_exchange, route_to_exchange
from wizard.rotation.signed import hear
from wizard.rotation.steps.egress import keep_word
from wizard.rotation.surroundings import networks_of
from wizard.settings import Environment, Paths, Settings
from wizard.threads import leaving_lookups_behind

HELP = "also ask the exchange itself, by read-only signed calls of the key in use: its word goes before the operators'"
CALL_DEADLINE = 10.0
"""Seconds for one call; there are two at the same time."""


def ask(environment: Environment, paths: Paths, known: Settings, verdict: EgressVerdict) -> ExchangeWord:
    """Ask, tell what it means beside the addresses that echo services saw, and keep an address that was named.

    Raises:
        wizard.errors.WizardError: no key is in use, or keyring or route cannot be used.
    """
    word = asyncio.run(leaving_lookups_behind(_ask(environment, paths, known)))
    tell(word.sentence(word.comparable(verdict)))
    route = route_to_exchange(environment, os.environ)
    in_journal(paths, lambda journal: keep_word(word, route, journal, environment.name))
    return word


async def _ask(environment: Environment, paths: Paths, known: Settings) -> ExchangeWord:
    key = current_key(environment.name, paths)
    credentials = await fetch(key, await place_opener(paths, known)())
    try:
        route = route_to_exchange(environment, os.environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            return await hear(client, credentials, environment.site, networks_of(key.whitelist))
    finally:
        credentials.wipe()


def as_json(word: ExchangeWord | None, verdict: EgressVerdict) -> dict[str, object] | None:
    """Return it as JSON shapes; null where it was not asked, or could not be.

    `address` is what its word points to: named by it, or alone on the list of the key that it accepts; else null.
    """
    if word is None:
        return None
    seen = word.comparable(verdict)
    told = word.address(seen)
    return {
        "site": word.site,
        "accepted": word.accepted,
        "address": str(told) if told else None,
        "confirms": word.confirms(seen),
        "sentence": word.sentence(seen),
    }
