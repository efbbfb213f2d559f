"""Fire drills: what goes wrong in a rehearsal, what the user should see of it, and the way out.

Each begins when the second key is made, the one that is to replace the key in use; a third key is a good
one. Only a drill of the whitelist begins when the key in use has worked. What each plants lies here as data;
`wizard.rehearsal.simulator.faults` applies it.
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
    BY_HAND = "use the page"


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
    moves_host_later: bool = False
    """The same, and no second key is waited for: as soon as a signed call was accepted. It is a drill of the list."""
    is_sub_account: bool = False
    """The key in use is a sub-account's, and the master account's key is there to make and delete keys by API."""
    has_leaked: bool = False
    """Somebody else has the key in use: it is deleted first. No fault is planted."""
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
    loses_answer: bool = False
    """The first key that is made by API is made, and nobody hears of it."""
    refuses_master: bool = False
    """The master account's key may not manage the keys of sub-accounts."""

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
        "sub-account",
        "The key belongs to a sub-account. The key of its master account is stored too.",
        "Credentials, Apply, Delete and Retire do by API what else is done on Binance's page.",
        "Walk through the five steps. Nothing is pasted.",
        is_sub_account=True,
    ),
    Scenario(
        "address-changed",
        "The public address of this host changes after the new key is made.",
        "The probe names the new address. It is not on the whitelist.",
        "Add it to the whitelist, and save that list for both keys on the simulated Binance page.",
        Correction.LIST,
        moves_host=True,
    ),
    Scenario(
        "address-changed-later",
        "The public address of this host has changed. The whitelist of the key in use has the old one.",
        "Binance refuses the key in use. Home says that the address is not on the list.",
        "Choose Whitelist. Add the new address, and save the list on the simulated Binance page.",
        moves_host_later=True,
    ),
    Scenario(
        "key-leaked",
        "Somebody else has the key in use.",
        "Delete watches until Binance refuses it. The new key brings the proof that it is dead.",
        "Choose Leaked. Delete the key on the simulated Binance page, then go on to the new one.",
        has_leaked=True,
    ),
    Scenario(
        "clock-skewed",
        "This host's clock is 30 s slow, until the system corrects it.",
        "Binance refuses the time of the request. The probe says how far the clock is off.",
        "Wait until the clock is right, then probe again. Do not raise recvWindow.",
        Correction.WAIT,
        clock_offset_ms=30_000,
    ),
    Scenario(
        "whitelist-forgotten",
        "The new key is saved without its whitelist.",
        "The probe says ipRestrict: false. The key works from anywhere, so it is not switched to.",
        "Paste the whitelist for the new key on the simulated Binance page. Then probe again.",
        Correction.LIST,
        loses_whitelist=True,
    ),
    Scenario(
        "whitelist-slow",
        "The new key's whitelist counts only after a while.",
        "Binance refuses the new key, although this address is on its whitelist.",
        "Let the probe wait until Binance accepts the key.",
        Correction.WAIT,
        delays_whitelist=True,
    ),
    Scenario(
        "wrong-secret",
        "The new key does not belong to the secret or public key that is stored with it.",
        "The probe says that the signature is wrong.",
        "Delete the wrong key on the simulated Binance page. Go back to Credentials and make another.",
        Correction.NEW_KEY,
        swaps_secret=True,
    ),
    Scenario(
        "permission-missing",
        "The new key is saved without the permission to trade.",
        "The probe names the permission that the new key lacks and the current key has.",
        "Switch it on in the simulated Binance page, then probe again.",
        Correction.PERMISSION,
        loses_permission="enableSpotAndMarginTrading",
    ),
    Scenario(
        "legacy-will-not-die",
        "Binance confirms that the legacy key is deleted, and the key still works.",
        "Retire says that the legacy key is alive, and keeps its secret.",
        "Look at the simulated Binance page, which still lists the key. Quit: the exit code is 4.",
        keeps_first_key=True,
    ),
    Scenario(
        "rate-limited",
        "Binance answers every call with 429 for a while.",
        "The probe says to slow down and for how long. It judges neither key.",
        "Wait as long as it says, then probe again.",
        Correction.WAIT,
        outage=429,
    ),
    Scenario(
        "exchange-down",
        "Binance answers every call with 503 for a while.",
        "The probe says that the fault is at Binance. It judges neither key.",
        "Wait and probe again, or quit: the exit code is 6.",
        outage=503,
    ),
    Scenario(
        "answer-lost",
        "Binance creates the new key of the sub-account, and its answer is lost.",
        "The wizard finds the key by its name in Binance's list, and stores it. No second key is created.",
        "Wait until the list is read.",
        is_sub_account=True,
        loses_answer=True,
    ),
    Scenario(
        "master-refused",
        "Binance refuses the key of the master account for the keys of its sub-accounts.",
        "Credentials and Retire say so. Nothing changes, and the key in use still works.",
        "Create and delete by hand, on the simulated Binance page.",
        Correction.BY_HAND,
        is_sub_account=True,
        refuses_master=True,
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}
