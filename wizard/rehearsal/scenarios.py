"""Fire drills: what goes wrong in a rehearsal, what the user should see of it, and the way out.

Each begins when the second key is made, the one that is to replace the key in use; a third key is a good
one. What each plants lies here as data; `wizard.rehearsal.simulator.faults` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PASSES_AFTER = 90.0
"""Seconds until a fault that passes by itself is over; time enough to carry the new key to the probe by hand."""


class Correction(StrEnum):
    """What the user does who has seen what is wrong."""

    NONE = "none"
    """Nothing is wrong, or nothing can be done within the drill."""
    WAIT = "wait"
    LIST = "correct the list"
    PERMISSION = "switch the permission on"
    NEW_KEY = "make another key"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill."""

    name: str
    goes_wrong: str
    shows: str
    """What the wizard should show of it."""
    advice: str
    """The way out, as a sentence."""
    correction: Correction = Correction.NONE
    moves_host: bool = False
    """Every host gets another public address."""
    clock_offset_ms: int = 0
    """The exchange's clock is ahead by so much, and with it this host's is behind, until the fault passes."""
    delays_whitelist: bool = False
    """A list that is saved counts only when the fault has passed."""
    loses_whitelist: bool = False
    swaps_secret: bool = False
    loses_permission: str = ""
    keeps_first_key: bool = False
    """Disabling or deleting the first key is confirmed and not carried out."""
    outage: int = 0
    """The HTTP status with which everything is answered until the fault passes; 0 for none."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a user is told before the drill."""
        return (self.goes_wrong, self.shows, self.advice)


SMOOTH = Scenario(
    "smooth",
    "Nothing goes wrong.",
    "Every check passes and the legacy key is proven dead.",
    "Walk through the five steps.",
)
_ALL = (
    SMOOTH,
    Scenario(
        "address-changed",
        "This host gets another public address after the new key was made.",
        "The probe names the new address and says that it is not in the whitelist.",
        "Go back to Egress, add the new address to the list, and save that list for both keys at the desk.",
        Correction.LIST,
        moves_host=True,
    ),
    Scenario(
        "clock-skewed",
        "This host's clock is half a minute behind the exchange's, until the system sets it right a little later.",
        "The probe says that the exchange refused the time of the request, and how far the clock is off.",
        "Wait until the clock is right, then probe again; do not raise recvWindow.",
        Correction.WAIT,
        clock_offset_ms=30_000,
    ),
    Scenario(
        "whitelist-forgotten",
        "The new key is saved without its whitelist.",
        "The probe says ipRestrict: false, the key works from anywhere, and refuses to promote it.",
        "Paste the list into the new key's page at the desk, or make another key, then probe again.",
        Correction.LIST,
        loses_whitelist=True,
    ),
    Scenario(
        "whitelist-slow",
        "The new key's whitelist begins to count only after a while.",
        "The probe says that the new key is refused although its list has this address.",
        "Let the probe wait until the key is accepted; it asks slowly and goes on by itself.",
        Correction.WAIT,
        delays_whitelist=True,
    ),
    Scenario(
        "wrong-secret",
        "The new key does not belong to the secret or the public key that is stored with it.",
        "The probe says that the signature is wrong.",
        "Make another key at the desk, delete the wrong one, and go back to Credentials with the new one.",
        Correction.NEW_KEY,
        swaps_secret=True,
    ),
    Scenario(
        "permission-missing",
        "The new key is saved without the permission to trade.",
        "The probe names the permission that the key in use has and the new one lacks.",
        "Switch it on at the desk, or make another key, then probe again.",
        Correction.PERMISSION,
        loses_permission="enableSpotAndMarginTrading",
    ),
    Scenario(
        "legacy-will-not-die",
        "The desk confirms that the legacy key is deleted, and it goes on working.",
        "The last step says that the legacy key is alive, and keeps its secret.",
        "Look at the desk: the key is still listed. Leave with exit code 4; with a keyring it can be resumed.",
        keeps_first_key=True,
    ),
    Scenario(
        "rate-limited",
        "The exchange answers everything with 429 for a while.",
        "The probe says to slow down and for how long, and judges neither key.",
        "Wait as long as it says, then probe again.",
        Correction.WAIT,
        outage=429,
    ),
    Scenario(
        "exchange-down",
        "The exchange answers everything with 503 for a while.",
        "The probe says that the exchange has a fault of its own, and judges neither key.",
        "Leave with exit code 6, or wait and probe again.",
        outage=503,
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
