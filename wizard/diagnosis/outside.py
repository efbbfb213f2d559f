"""The network and the clock: can each exchange be reached, and does its time agree with ours?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.diagnosis.notes import note, of_error
from wizard.exchange.skew import measure_skew
from wizard.rotation.findings import Scribe
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.reaching import open_exchange, route_to_exchange

CALL_DEADLINE = 5.0
CLOCK_DEADLINE = 8.0
"""Seconds for all questions that measure the clock together."""


async def network(environment: Environment, environ: Mapping[str, str], clock: Clock) -> Finding:
    """Decide the route of an environment and call its exchange's public ping."""
    subject = f"Network {environment.name}"
    try:
        route = route_to_exchange(environment, environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            milliseconds = await client.ping()
    except WizardError as error:
        return of_error(subject, Outcome.INCONCLUSIVE, error, clock)
    answered = f"{environment.site.name} answered in {milliseconds:.0f} ms"
    observed = f"{answered}, {route.shown} ({route.source})."
    gap = "anything about a key: the call is public"
    return note(subject, Outcome.PASSED, observed, clock, does_not_prove=gap)


async def skew(environment: Environment, environ: Mapping[str, str], clock: Clock) -> Finding:
    """Compare this host's clock with the exchange's."""
    try:
        route = route_to_exchange(environment, environ)
        async with (
            asyncio.timeout(CLOCK_DEADLINE),
            open_exchange(environment, route, timeout=CALL_DEADLINE, clock=clock) as client,
        ):
            measured = await measure_skew(client.server_time)
    except WizardError as error:
        return of_error("Clock", Outcome.INCONCLUSIVE, error, clock)
    except TimeoutError:
        observed = f"{environment.site.name} did not tell the time often enough within {CLOCK_DEADLINE:g} s."
        return note("Clock", Outcome.INCONCLUSIVE, observed, clock, advice="Try again when the network is faster.")
    finding = Scribe(clock, "").skew(measured)
    # With a clock this wrong the exchange may refuse every signed call (-1021).
    return replace(finding, outcome=Outcome.FAILED) if measured.is_bad else finding
