"""How long each wait may take, in seconds: the sum of the deadlines of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.custody.keyring_process import DEADLINE as OPERATION
from wizard.exchange.sub_accounts import CHANGE_DEADLINE
from wizard.rotation.context import Pace
from wizard.rotation.host_proofs import AGAIN_AT_A_TIME, AT_A_TIME
from wizard.rotation.probe import PASSES_IN_A_ROW
from wizard.rotation.retirement import POLLS_IN_A_ROW

Result = TypeVar("Result")

CUSTODY = 12 * OPERATION
"""So many operations at most are done at the place of the credentials: by a purge that drops what is not needed."""
FILES = 20.0
"""To read the usual files, or one and try its passphrase; a network disk must not hang the wizard."""
PAGE = 10.0
"""One question to the simulated page has 5."""

_CLEAN_UP = 2.0
_CLOCK_CALLS = 6
_CALLS_OF_ONE = 3
_POLL_CALLS = 2 + _CALLS_OF_ONE
"""The current key before and after; the legacy key, and each that was never used, on each of three surfaces."""
_HOST_TURNS = 1 + AT_A_TIME // AGAIN_AT_A_TIME
_WAY_CALLS = 2
"""The call itself; and, at the same time as each other, who signed and which other hosts answer."""


async def within(seconds: float, work: Awaitable[Result]) -> Result:
    """Return what the work comes to. Raises WizardError where it did not end in time."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    why = f"It was given {duration(seconds)}."
    raise WizardError("This took too long", why=why, advice="Retry.", code="wait.too-long")


def closed(seconds: float) -> float:
    """What has a deadline of its own, with its connections closed and its children ended."""
    return seconds + _CLEAN_UP


def probe(pace: Pace) -> float:
    """The way and what is known where it fails, the clock beside the signed calls, those in a row, a detection.

    And the other hosts, of which those that hung up are asked twice, four at a time.
    """
    calls = _WAY_CALLS + _CLOCK_CALLS + PASSES_IN_A_ROW
    hosts = _HOST_TURNS * closed(pace.other_host)
    return hosts + 2 * OPERATION + calls * pace.call + PASSES_IN_A_ROW * pace.between_passes + closed(pace.egress)


def call(pace: Pace) -> float:
    """The keyring, and one question to the exchange."""
    return OPERATION + pace.call


def by_api(pace: Pace) -> float:
    """Two calls that change something, with what shows late, and those around them. What is cut short is settled."""
    return CUSTODY + 2 * (CHANGE_DEADLINE + pace.listing) + _CLOCK_CALLS * pace.call


def poll(pace: Pace, unused: int) -> float:
    """The keys out of the keyring, one question after the other, and a detection before and after."""
    others = unused * (OPERATION + _CALLS_OF_ONE * pace.call)
    return OPERATION + _POLL_CALLS * pace.call + 2 * closed(pace.egress) + others


def purge(pace: Pace, unused: int) -> float:
    """To ask once more, as often as a row takes, then purge; `unused` keys as well."""
    return CUSTODY + unused * OPERATION + POLLS_IN_A_ROW * (pause(pace) + poll(pace, unused))


def pause(pace: Pace) -> float:
    """The time between two polls, with room for a busy machine."""
    return pace.between_polls + _CLEAN_UP
