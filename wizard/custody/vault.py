"""The credentials of one environment, one item for each version of the key.

Invariant: nothing is overwritten, also not by two processes at once. A new key is a new item, so that the one in
use stays whole until its replacement is proven.
"""

from __future__ import annotations

import re
import time

from wizard.clock import Clock
from wizard.credentials import Credentials
from wizard.custody import confirmed, item
from wizard.custody.capacity import expect_to_fit
from wizard.custody.errors import ItemOccupied, ItemUnreadable, KeptElsewhere
from wizard.custody.store import Store
from wizard.secret import FINGERPRINT_DIGITS, Secret
from wizard.text import capitalised

_FINGERPRINT = re.compile(f"[0-9a-f]{{{FINGERPRINT_DIGITS}}}")


class Vault:
    """Credentials by the fingerprint of their API key.

    Args:
        store: Where they are kept.
        environment: The name of the environment, as in the settings.
        clock: Stamps an item with the time at which it is made.
        owner: Whose items these are: two journals on one store do not touch each other's.
    """

    def __init__(self, store: Store, environment: str, clock: Clock = time.time, owner: str = "") -> None:
        self.store = store
        self._environment = environment
        self._clock = clock
        self._owner = owner

    def service(self, fingerprint: str, version: int = 1) -> str:
        """Return the item's name. It is no secret: stores keep names in clear or nearly so.

        Args:
            fingerprint: Of the API key.
            version: Counts up from 1 when an API key is stored again with another secret.

        Raises:
            ValueError: `fingerprint` or `version` is none, which is a mistake of the caller's.
        """
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(f"a fingerprint is {FINGERPRINT_DIGITS} lower-case hex digits")
        if version < 1:
            raise ValueError("versions count from 1")
        return f"{self._prefix}{fingerprint}" + (f".{version}" if version > 1 else "")

    async def put(self, credentials: Credentials, version: int = 1) -> None:
        """Store credentials (as one `version` of them, see `service`); return once the store has given them back.

        The same ones stored already are fine. An item with an empty value is what a write leaves
        that was cut short; it holds nothing and is replaced.

        Raises:
            ItemOccupied: other credentials are stored under the name.
            CustodyError: it failed, or it is not known whether it did; nothing counts as stored.
        """
        service = self.service(credentials.name.fingerprint, version)
        async with self.store.turn():
            found = await self.store.read(service, item.USER)
            if found:
                self._expect_same(found, credentials, service)
                return
            value = item.encode(credentials, self._clock(), self._owner)
            try:
                await confirmed.write(self.store, service, item.USER, value)
            finally:
                value.wipe()

    def expect_to_hold(self, credentials: Credentials) -> None:
        """Return if the store can hold these credentials at all; nothing is written.

        Raises:
            ItemTooLong: it cannot.
        """
        value = item.encode(credentials, self._clock(), self._owner)
        try:
            expect_to_fit(self.store.backend, value)
        finally:
            value.wipe()

    async def get(self, fingerprint: str, version: int = 1) -> Credentials | None:
        """Return the credentials of a key, or None where none are stored.

        Raises:
            ItemUnreadable: what is stored is not complete, or belongs to another key.
            CustodyError: it cannot be read.
        """
        service = self.service(fingerprint, version)
        found = await self.store.read(service, item.USER)
        if found is None:
            return None
        credentials = item.decode(found)
        if credentials.name.fingerprint != fingerprint:
            raise ItemUnreadable(
                f"{capitalised(self.store.place)} holds the credentials of another key under this name",
                why=f"Under {service} there are those of {credentials.name}.",
                advice="Somebody moved or renamed items. It cannot be used: put the credentials of this key in again.",
            )
        return credentials

    async def item_names(self) -> tuple[str, ...]:
        """Return the names of this environment's items, as far as the store can tell.

        Raises:
            CustodyError: it cannot be asked.
        """
        return await self.store.names(self._prefix)

    async def holds(self, fingerprint: str, version: int = 1) -> bool:
        """Return whether anything is stored under the name, whoever stored it and whether or not it is complete.

        What lies in another collection is not held here: it may be locked for good, and must not stop everything else.

        Raises:
            CustodyError: it cannot be read.
        """
        found = await self._read_here(fingerprint, version)
        if found is not None:
            found.wipe()
        return found is not None

    async def owns(self, fingerprint: str, version: int = 1) -> bool:
        """Return whether a complete item of that name is there (see `holds`) and was stored by this owner.

        Raises:
            CustodyError: it cannot be read.
        """
        found = await self._read_here(fingerprint, version)
        return found is not None and self._is_own(found)

    async def remove(self, fingerprint: str, version: int = 1) -> None:
        """Delete the credentials of a key; return once the store holds none. None stored is removed already.

        Raises:
            ItemOccupied: what is stored under the name is somebody else's; it is left alone.
            NotDeleted: they are still there.
            CustodyError: it failed, or it is not known whether it did.
        """
        service = self.service(fingerprint, version)
        async with self.store.turn():
            found = await self.store.read(service, item.USER)
            if found and not self._is_own(found):
                raise ItemOccupied(
                    f"What {self.store.place} holds under this name was not stored by this wizard",
                    why=f"Another journal, a newer version or another program wrote {service}.",
                    advice=f"Nothing was deleted. If it is not needed, delete it {self.store.by_hand}.",
                )
            await confirmed.delete(self.store, service, item.USER)

    async def read_item(self, name: str) -> Secret | None:
        """Return what an item of this environment holds, whoever stored it; None where there is none.

        Args:
            name: As `item_names` tells it.

        Raises:
            CustodyError: it cannot be read.
        """
        return await self.store.read(self._own_name(name), item.USER)

    async def discard(self, name: str) -> None:
        """Delete an item of this environment, whoever stored it: for what the user wants gone by name.

        Raises:
            NotDeleted: it is still there.
            CustodyError: it failed, or it is not known whether it did.
        """
        async with self.store.turn():
            await confirmed.delete(self.store, self._own_name(name), item.USER)

    async def _read_here(self, fingerprint: str, version: int) -> Secret | None:
        try:
            return await self.store.read(self.service(fingerprint, version), item.USER)
        except KeptElsewhere:
            return None

    def _own_name(self, name: str) -> str:
        if not name.startswith(self._prefix):
            raise ValueError("the item is another environment's")
        return name

    @property
    def _prefix(self) -> str:
        return f"key-wizard:{self._environment}:"

    def _is_own(self, found: Secret) -> bool:
        try:
            item.decode(found).wipe()
        except ItemUnreadable:
            return False
        return item.owner_of(found) == self._owner

    def _expect_same(self, found: Secret, credentials: Credentials, service: str) -> None:
        if self._is_own(found) and item.decode(found) == credentials:
            return
        raise ItemOccupied(
            "Other credentials are stored under this key's name already",
            why=f"{service} in {self.store.place} is another journal's item, or another secret of the same API key.",
            advice="Nothing was changed. If the stored one is wrong, remove it first, then put this one in.",
        )
