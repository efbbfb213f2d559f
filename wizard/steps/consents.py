"""What is asked before something is destroyed or cannot be taken back: nothing happens without a typed word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.rotation.model import SWAP_WORD, Grade

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow


@dataclass(frozen=True, slots=True)
class Consent:
    """A question, what will happen and what will not, and the word that has to be typed for it."""

    title: str
    text: str
    word: str


SWAP = Consent(
    "Swap API key and secret?",
    "Swap only if you pasted the API key and the secret into each other's field. The wizard stores them the other way"
    " round and asks the exchange again. If they were in their places, that call shows your secret to the exchange.",
    SWAP_WORD,
)
REVERT = Consent(
    "Undo the switch?",
    "The legacy key becomes the current key again. The new key stays stored. Fix it on Binance and probe it again.",
    "undo",
)


def forgetting(flow: Flow) -> Consent:
    """Ask before the record of a key that is not stored any more is deleted."""
    keys = ", ".join(str(one.name) for one in flow.preflight.missing)
    return Consent(
        f"Delete the record of {keys}?",
        "If it is stored in another login or on another computer, quit and open the wizard there."
        " Nothing changes on Binance. The key works until you delete it there.",
        "delete",
    )


def abandoning(flow: Flow) -> Consent:
    """Ask before the open job is given up."""
    stays = f" {flow.current.name} stays in use." if flow.current else ""
    return Consent(
        "Give up this job?",
        f"The wizard deletes the new credentials from {flow.place}.{stays}"
        " If you created a new key on Binance, delete it there.",
        "give up",
    )


def purging(flow: Flow) -> Consent | None:
    """Ask before the legacy secret is deleted; None while its death does not allow that.

    The word is the key's last four characters in production, and where its death is not proven.
    """
    legacy, death = flow.retire.legacy, flow.retire.death()
    if legacy is None or not (death.allows_purge or death.grade is Grade.WEAK):
        return None
    is_open = death.grade is not Grade.PROVEN
    gap = f" Not proven: {death.does_not_prove}." if is_open else ""
    asks_for_key = is_open or flow.context.environment.is_production
    return Consent(
        f"Delete the secret of {legacy.name}?",
        f"It is deleted from {legacy.store}. You cannot undo this.{gap}",
        legacy.name.last_four if asks_for_key and legacy.name.last_four else "delete",
    )


def deleting(key: str) -> Consent:
    """Ask before a key is deleted at the simulated page."""
    return Consent(f"Delete {key} for good?", "", "delete")
