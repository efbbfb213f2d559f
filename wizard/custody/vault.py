"""The credentials of one environment: each moves into and out of its place together with what the journal says of it.

Invariants: every change is announced in the journal first, and confirmed once it was read back: whatever kills this
process, the journal says which items may be there. Nothing is overwritten, also not by two processes at once: a new key
is a new item, so that the one in use stays whole until its replacement is proven. No item is deleted that was not
announced as superseded, with the reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final, Protocol

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.secret import Secret
from wizard.custody.backends import expect_to_fit
from wizard.custody.errors import CustodyError, ItemOccupiedError, ItemUnreadableError, KeptElsewhereError
from wizard.custody.records import Holding, KeyRecord, Slot, credentials_of, decode_item, encode_item, owner_of
from wizard.custody.store import Store, delete_confirmed, write_confirmed

HIGHEST_VERSION: Final = 100


class KeyJournal(Protocol):
    """Where each change of an item is announced and confirmed; what it writes is durable when it returns."""

    @property
    def id(self) -> str:
        """Tells this journal's items from another journal's."""

    def keys(self, environment: str, fingerprint: str = "") -> tuple[KeyRecord, ...]:
        """Return all keys of an environment, or each version of one."""

    def kept_keys(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return the keys whose items are or may be in the place of the credentials."""

    def announce_key(self, record: KeyRecord) -> None:
        """Note that an item is about to be written."""

    def confirm_key(self, record: KeyRecord) -> None:
        """Note that the item was read back."""

    def forget_key(self, record: KeyRecord, reason: str) -> None:
        """Strike off a key that was announced and did not come to be stored."""

    def announce_purge(self, record: KeyRecord, reason: str) -> None:
        """Note that an item is about to be deleted."""

    def confirm_purge(self, record: KeyRecord) -> None:
        """Note that the item was read back as gone."""


@dataclass(frozen=True, slots=True)
class Vault:
    """The store and the journal of one environment, moved together.

    Its methods raise what `Store` raises, and `KeptElsewhereError` for a key that lies in another place. The journal
    also says whose items these are: two journals on one store do not touch each other's.
    """

    environment: str
    journal: KeyJournal
    store: Store
    clock: Clock = time.time
    """Stamps an item with the time at which it is made."""

    async def put(self, credentials: Credentials, slot: Slot, *, whitelist: str = "") -> KeyRecord:
        """Write, read back, compare; then the journal calls the key stored. Else `recover` settles it."""
        stored_at = self.clock()
        with encode_item(credentials, stored_at, self.journal.id) as value:
            expect_to_fit(self.store.backend, value)
            for version in range(self._unused_version(credentials), HIGHEST_VERSION):
                record = KeyRecord(
                    environment=self.environment,
                    name=credentials.name,
                    kind=credentials.kind,
                    slot=slot,
                    holding=Holding.ANNOUNCED,
                    item=item_name(self.environment, credentials, version),
                    store=self.store.label,
                    backend=self.store.backend,
                    stored_at=stored_at,
                    version=version,
                    whitelist=whitelist,
                )
                self.journal.announce_key(record)
                if await self._is_written(record.item, value):
                    self.journal.confirm_key(record)
                    return replace(record, holding=Holding.STORED)
                # Another journal on the same store has an item of this name: leave it alone.
                self.journal.forget_key(record, "somebody else uses this name")
        raise CustodyError(
            f"No name is free for this key in {self.store.place}",
            why=f"Other items have all {HIGHEST_VERSION - 1} names.",
            advice=f"Delete items that nothing needs, {self.store.by_hand}.",
        )

    async def fetch(self, record: KeyRecord) -> Credentials | None:
        """Return the credentials of a key, or None where the place no longer has them."""
        self._expect_here(record)
        return credentials_of(record, await self.store.read(record.item), self.store.place)

    async def purge(self, record: KeyRecord, reason: str) -> None:
        """Delete the item, see that it is gone, retire the key; ValueError for the current one, which stays."""
        self._expect_here(record)
        if record.slot is Slot.CURRENT:
            raise ValueError("the secret of the current key is never deleted")
        self.journal.announce_purge(record, reason)
        await remove_item(self.store, record.item, self.journal.id)
        self.journal.confirm_purge(record)

    async def recover(self) -> tuple[str, ...]:
        """Settle what an interrupted run left in between; return what was done, as sentences."""
        done: list[str] = []
        for record in self.journal.kept_keys(self.environment):
            if record.holding not in (Holding.ANNOUNCED, Holding.PURGING):
                continue
            if record.backend != self.store.backend:
                done.append(f"{record.name} is not finished in {record.store}. Open that place to finish it.")
            elif record.holding is Holding.ANNOUNCED:
                done.append(await self._settle_announced(record))
            else:
                done.append(await self._complete_purge(record))
        return tuple(done)

    async def missing(self) -> tuple[KeyRecord, ...]:
        """Return the keys that the journal calls stored in this very store, and that it does not hold any more.

        A legacy key is left to the retirement, which knows what that means.
        """
        expected = [
            record
            for record in self.journal.kept_keys(self.environment)
            if record.holding is Holding.STORED
            and record.slot in (Slot.CURRENT, Slot.PENDING, Slot.DRAFT)
            and record.backend == self.store.backend
        ]
        return tuple([record for record in expected if not await _is_held(self.store, record.item)])

    async def unknown_items(self) -> tuple[str, ...]:
        """Return the names of items of this environment that the journal does not know, as far as they can be told."""
        known = {record.item for record in self.journal.kept_keys(self.environment)}
        return tuple(name for name in await self.store.names(_prefix(self.environment)) if name not in known)

    def forget(self, record: KeyRecord) -> None:
        """Strike a key off whose item is not there any more; call it for what `missing` returned."""
        self.journal.announce_purge(record, "the store no longer had its item, and the user gave it up")
        self.journal.confirm_purge(record)

    async def _is_written(self, name: str, value: Secret) -> bool:
        """Store an item, unless the name is taken by more than the empty value of a write that was cut short."""
        async with self.store.turn():
            if await self.store.read(name):
                return False
            try:
                await write_confirmed(self.store, name, value)
            except ItemOccupiedError:  # where the server itself compares, another host may have been faster
                return False
            return True

    def _expect_here(self, record: KeyRecord) -> None:
        if record.backend and record.backend != self.store.backend:
            raise KeptElsewhereError(
                f"{record.name} is stored in another place than the one that is open",
                why=f"It was stored in {record.store}.",
                advice="Choose that place again in config.toml (place, below [custody]). Then go on.",
            )

    async def _settle_announced(self, record: KeyRecord) -> str:
        found = await _read_here(self.store, record.item)
        if found is not None and _is_own(found, self.journal.id):
            self.journal.confirm_key(record)
            return f"The wizard was interrupted, but {record.name} is safe in {self.store.place}."
        # Whatever else is under that name was not written by this journal, or is empty: it is left alone.
        self.journal.forget_key(record, f"it did not reach {self.store.place} whole")
        return f"The wizard was interrupted before {record.name} was in {self.store.place}. Enter it again."

    async def _complete_purge(self, record: KeyRecord) -> str:
        try:
            await remove_item(self.store, record.item, self.journal.id)
        except ItemOccupiedError:
            # Ours is gone: somebody else has put an item of that name since.
            self.journal.confirm_purge(record)
            return f"Another program replaced the item of {record.name}. The wizard leaves it alone."
        except KeptElsewhereError as error:
            return f"The secret of {record.name} is not deleted yet. {' '.join(error.sentences())}"
        self.journal.confirm_purge(record)
        return f"The secret of {record.name} is now deleted. The wizard had been interrupted."

    def _unused_version(self, credentials: Credentials) -> int:
        """One new item per version: nothing is overwritten."""
        keys = self.journal.keys(self.environment, credentials.name.fingerprint)
        return 1 + max((key.version for key in keys), default=0)


def item_name(environment: str, credentials: Credentials, version: int = 1) -> str:
    """Return the name of an item. It is no secret: stores keep names in clear or nearly so."""
    return f"{_prefix(environment)}{credentials.name.fingerprint}" + (f".{version}" if version > 1 else "")


async def remove_item(store: Store, name: str, owner: str) -> None:
    """Delete an item that the journal `owner` stored; return once the store holds none. None is removed already.

    ItemOccupiedError: it is somebody else's and was left alone. CustodyError: it failed, or nobody knows.
    """
    async with store.turn():
        found = await store.read(name)
        if found and not _is_own(found, owner):
            raise ItemOccupiedError(
                f"This wizard did not store item {name} in {store.place}",
                why="Another Key Wizard, a newer version or another program wrote it.",
                advice=f"Nothing was deleted. If nothing needs it, delete it {store.by_hand}.",
            )
        await delete_confirmed(store, name)


async def _read_here(store: Store, name: str) -> Secret | None:
    """Return an item; what lies in another collection may be locked for good, and must not stop everything else."""
    try:
        return await store.read(name)
    except KeptElsewhereError:
        return None


async def _is_held(store: Store, name: str) -> bool:
    if found := await _read_here(store, name):
        found.wipe()
        return True
    return found is not None


def _is_own(found: Secret, owner: str) -> bool:
    """Return whether an item is complete and was stored by the journal `owner`."""
    try:
        decode_item(found).wipe()
    except ItemUnreadableError:
        return False
    return owner_of(found) == owner


def _prefix(environment: str) -> str:
    return f"key-wizard:{environment}:"
