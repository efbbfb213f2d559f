"""The network and the clock: can each exchange be reached, and does its time agree with ours?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.exchange.skew import measure_skew
from wizard.rotation.exchange_calls import open_exchange, route_to_exchange
from wizard.rotation.findings import FindingWriter
from wizard.rotation.model import Finding, Outcome

CALL_DEADLINE = 5.0
CLOCK_DEADLINE = 8.0
"""Seconds for all questions that measure the clock together."""


async def check_network(environment: Environment, environ: Mapping[str, str], writer: FindingWriter) -> Finding:
    """Decide the route of an environment and call its exchange's public ping."""
    subject = f"Network {environment.name}"
    try:
        route = route_to_exchange(environment, environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            milliseconds = await client.ping()
    except WizardError as error:
        return writer.error(subject, Outcome.INCONCLUSIVE, error)
    answered = f"{environment.site.name} answered in {milliseconds:.0f} ms"
    observed = f"{answered}, {route.shown} ({route.source})."
    gap = "anything about a key: the call is public"
    return writer.note(subject, Outcome.PASSED, observed, does_not_prove=gap)


async def check_clock(environment: Environment, environ: Mapping[str, str], writer: FindingWriter) -> Finding:
    """Compare this host's clock with the exchange's."""
    try:
        route = route_to_exchange(environment, environ)
        async with (
            asyncio.timeout(CLOCK_DEADLINE),
            open_exchange(environment, route, timeout=CALL_DEADLINE, clock=writer.clock) as client,
        ):
            measured = await measure_skew(client.server_time)
    except WizardError as error:
        return writer.error("Clock", Outcome.INCONCLUSIVE, error)
    except TimeoutError:
        observed = f"{environment.site.name} did not tell the time often enough within {CLOCK_DEADLINE:g} s."
        return writer.note("Clock", Outcome.INCONCLUSIVE, observed, advice="Try again when the network is faster.")
    finding = writer.skew(measured)
    # With a clock this wrong the exchange may refuse every signed call (-1021).
    return replace(finding, outcome=Outcome.FAILED) if measured.is_bad else finding
