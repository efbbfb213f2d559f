"""Does the place of the credentials hold what the journal says, and nothing else? Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wizard.custody.vault import Vault
from wizard.rotation.model import Holding, KeyRecord, Slot


async def missing(records: Iterable[KeyRecord], vault: Vault) -> tuple[KeyRecord, ...]:
    """Return the keys that the journal calls stored in this very store, and that it does not hold.

    A legacy key is left to the retirement, which knows what that means.

    Raises:
        wizard.custody.errors.CustodyError: the store cannot be read.
    """
    expected = [
        record
        for record in records
        if record.holding is Holding.STORED
        and record.slot in (Slot.CURRENT, Slot.PENDING, Slot.DRAFT)
        and record.backend == vault.store.backend
    ]
    held = await asyncio.gather(*(vault.holds(one.name.fingerprint, one.version) for one in expected))
    return tuple(record for record, is_held in zip(expected, held, strict=True) if not is_held)


async def strays(records: Iterable[KeyRecord], vault: Vault) -> tuple[str, ...]:
    """Return the names of items that the journal does not know, as far as the store can tell what it holds.

    Raises:
        wizard.custody.errors.CustodyError: the store cannot be asked.
    """
    known = {record.item for record in records if record.holding is not Holding.PURGED}
    return tuple(name for name in await vault.item_names() if name not in known)
