"""How long each wait of the line mode may take, in seconds: the sum of the deadlines of its parts."""

from __future__ import annotations

from wizard.custody.keyring_process import DEADLINE as OPERATION
from wizard.rotation.context import Pace
from wizard.rotation.retirement import POLLS_IN_A_ROW
from wizard.rotation.steps.credentials import SEARCH_DEADLINE as SEARCH
from wizard.rotation.steps.probe import PASSES_IN_A_ROW

OPEN_ENVIRONMENTS = 60.0
"""To start the embedded exchange (15) after a look at the keyring and at what the last rehearsal left."""
OPEN_ENVIRONMENT = 9 * OPERATION
"""To find the keyring, four operations for its canary, and as many to settle what was interrupted."""
OPEN_PLACE = 2 * OPERATION
MAKE_PAIR = 4 * OPERATION
STORE = 8 * OPERATION
"""To read, write and read back, and to purge what it supersedes."""
SWAP = 6 * OPERATION
ABANDON = 6 * OPERATION
PURGE = 12 * OPERATION
"""To delete, read back, and drop what is not needed any more."""
LOOK = OPERATION + SEARCH
"""The keyring, and the usual files."""
PAGE = 10.0
"""One question to the simulated page has 5."""
READ_FILE = 10.0
"""A file on a network disk must not hang the conversation."""
OPEN_PRIVATE_KEY = 20.0
"""To read the file and to try the passphrase."""

_CLEAN_UP = 2.0
_CLOCK_CALLS = 6
_POLL_CALLS = 5
"""The current key before and after; the legacy key on each of three surfaces."""
_WAY_CALLS = 2
"""The call itself; and, at the same time as each other, who signed and which other hosts answer."""


def closed(seconds: float) -> float:
    """What has a deadline of its own, with its connections closed and its children ended."""
    return seconds + _CLEAN_UP


def probe(pace: Pace) -> float:
    """The way and what is known where it fails, the clock beside the signed calls, those in a row, a detection."""
    calls = _WAY_CALLS + _CLOCK_CALLS + PASSES_IN_A_ROW
    return 2 * OPERATION + calls * pace.call + PASSES_IN_A_ROW * pace.between_passes + closed(pace.egress)


def call(pace: Pace) -> float:
    """The keyring, and one question to the exchange."""
    return OPERATION + pace.call


def poll(pace: Pace) -> float:
    """Both keys out of the keyring, one question after the other, and a detection before and after."""
    return OPERATION + _POLL_CALLS * pace.call + 2 * closed(pace.egress)


def purge(pace: Pace) -> float:
    """To ask once more, as often as a row takes, then purge."""
    return PURGE + POLLS_IN_A_ROW * (pause(pace) + poll(pace))


def pause(pace: Pace) -> float:
    """The time between two polls, with room for a busy machine."""
    return pace.between_polls + _CLEAN_UP
