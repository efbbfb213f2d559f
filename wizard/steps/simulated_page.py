"""The simulated page of a rehearsal: what can be done to its keys."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.core.credentials import KeyKind
from wizard.rehearsal.simulated_page import ListedKey, NewKey, SimulatedPage, permissions_of_others

CHANGES = {
    "whitelist": "paste the composed whitelist into a key.",
    "permissions": "switch on for a key what the other keys may do.",
    "disable": "switch a key off.",
    "delete": "delete a key for good; asks once more.",
}
"""What can be done to a key, and what it does."""
NOT_CALLED = "No signed call yet."
LOG_LINES = 8
"""Of the activity log, the newest."""


async def create(page: SimulatedPage, kind: KeyKind, public_key: str, whitelist: str) -> NewKey:
    """Create a key that may trade, with this list and, for a pair, its public half."""
    return await page.create("new", kind, whitelist, public_key=public_key, enableSpotAndMarginTrading=True)


async def change(page: SimulatedPage, change: str, key: ListedKey, keys: Sequence[ListedKey], whitelist: str) -> str:
    """Do one of the changes to a key among all keys, and return what was done, as a sentence."""
    if change == "whitelist":
        await page.set_whitelist(key.api_key, whitelist)
        done = f"the whitelist was saved: {whitelist or 'nobody'}"
    elif change == "permissions":
        await page.set_permissions(key.api_key, **permissions_of_others(key, tuple(keys)))
        done = "it may do now what the other keys may do"
    elif change == "disable":
        await page.disable(key.api_key)
        done = "disabled"
    else:
        await page.delete(key.api_key)
        done = "deleted"
    return f"{name(key)}: {done}."


def name(key: ListedKey) -> str:
    """Return a key's last four characters as its name."""
    return f"…{key.api_key.last_four()}"


def callers(key: ListedKey) -> str:
    """Return from where a key can be used."""
    return "anywhere" if key.whitelist is None else ", ".join(key.whitelist) or "nobody"
