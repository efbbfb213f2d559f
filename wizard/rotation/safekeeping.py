"""Credentials into the keyring and out of it, each announced in the journal first and confirmed after.

The invariant: whatever kills this process, at every instant the journal says which items may be
in the keyring, and no item is deleted that was not announced as superseded, with the reason.
"""

from __future__ import annotations

from dataclasses import replace

from wizard.clock import Clock
from wizard.credentials import Credentials
from wizard.custody.errors import ItemOccupied, KeptElsewhere
from wizard.custody.vault import Vault
from wizard.rotation.journal import Journal
from wizard.rotation.model import Holding, KeyRecord, Slot
from wizard.rotation.reconciling import missing, strays

HIGHEST_VERSION = 100


class Safekeeping:
    """The journal and the vault of one environment, moved together."""

    def __init__(self, environment: str, journal: Journal, vault: Vault, clock: Clock) -> None:
        self._environment = environment
        self._journal = journal
        self._vault = vault
        self._clock = clock

    @property
    def place(self) -> str:
        """The place of the credentials as a phrase within a sentence."""
        return self._vault.store.place

    @property
    def vault(self) -> Vault:
        """Where the credentials lie."""
        return self._vault

    async def store(self, credentials: Credentials, slot: Slot, *, whitelist: str = "") -> KeyRecord:
        """Write, read back, compare; then the journal calls the key stored.

        Raises:
            wizard.errors.WizardError: the keyring refused, or gave back something else. The key
                stays announced, and `recover` settles it.
        """
        self._vault.expect_to_hold(credentials)
        for version in range(self._unused_version(credentials), HIGHEST_VERSION):
            record = self._record(credentials, slot, whitelist, version)
            self._journal.announce_key(record)
            try:
                await self._vault.put(credentials, version)
            except ItemOccupied:
                # Another journal on the same keyring has an item of this name: leave it alone.
                self._journal.forget_key(record, "the name is taken by somebody else")
                continue
            self._journal.confirm_key(record)
            return replace(record, holding=Holding.STORED)
        raise ItemOccupied(f"No name is free for this key in {self.place}", advice="Delete items that are not needed.")

    async def fetch(self, record: KeyRecord) -> Credentials | None:
        """Return the credentials of a key, or None where the keyring no longer has them.

        Raises:
            KeptElsewhere: they were stored in another place than the one that is open.
        """
        self._expect_here(record)
        return await self._vault.get(record.name.fingerprint, record.version)

    async def purge(self, record: KeyRecord, reason: str) -> None:
        """Delete the item, read back that it is gone, then retire the key.

        Raises:
            ValueError: the key is the current one; the only proven credentials are never deleted.
            KeptElsewhere: they were stored in another place: here is nothing of them to delete.
        """
        self._expect_here(record)
        if record.slot is Slot.CURRENT:
            raise ValueError("the current key is never purged")
        self._journal.announce_purge(record, reason)
        await self._vault.remove(record.name.fingerprint, record.version)
        self._journal.confirm_purge(record)

    def _expect_here(self, record: KeyRecord) -> None:
        if record.backend and record.backend != self._vault.store.backend:
            raise KeptElsewhere(
                f"{record.name} is stored in another place than the one that is open",
                why=f"It was stored in {record.store}.",
                advice="Choose that place again ([custody] place in config.toml), then go on.",
            )

    async def missing(self) -> tuple[KeyRecord, ...]:
        """Return the keys that the journal calls stored in this very store, and that it does not hold any more.

        A legacy key is left to the retirement, which knows what that means.

        Raises:
            wizard.custody.errors.CustodyError: the store cannot be read.
        """
        return await missing(self._journal.keys(self._environment), self._vault)

    async def strays(self) -> tuple[str, ...]:
        """Return the names of items of this environment that the journal does not know, as far as they can be told.

        Raises:
            wizard.custody.errors.CustodyError: the store cannot be asked.
        """
        return await strays(self._journal.keys(self._environment), self._vault)

    def forget(self, record: KeyRecord) -> None:
        """Strike a key off whose item is not there any more; call it for what `missing` returned."""
        self._journal.announce_purge(record, "its item was not in the store any more, and the user let it go")
        self._journal.confirm_purge(record)

    async def recover(self) -> tuple[str, ...]:
        """Settle what an interrupted run left in between; return what was done, as sentences."""
        done: list[str] = []
        for record in self._journal.keys(self._environment):
            if record.holding not in (Holding.ANNOUNCED, Holding.PURGING):
                continue
            if record.backend != self._vault.store.backend:
                done.append(f"{record.name} was left unsettled in {record.store}: open that place to settle it.")
            elif record.holding is Holding.ANNOUNCED:
                done.append(await self._settle_announced(record))
            else:
                done.append(await self._complete_purge(record))
        return tuple(done)

    async def _complete_purge(self, record: KeyRecord) -> str:
        try:
            await self._vault.remove(record.name.fingerprint, record.version)
        except ItemOccupied:
            # Ours is gone: somebody else has put an item of that name since.
            self._journal.confirm_purge(record)
            return f"The item of {record.name} was replaced by another program's, which is left alone."
        except KeptElsewhere as error:
            return f"The purge of {record.name} was interrupted and waits. {' '.join(error.sentences())}"
        self._journal.confirm_purge(record)
        return f"The purge of {record.name} was interrupted and is now complete."

    async def _settle_announced(self, record: KeyRecord) -> str:
        if await self._vault.owns(record.name.fingerprint, record.version):
            self._journal.confirm_key(record)
            return f"Storing {record.name} was interrupted after it was in {self.place}: nothing is lost."
        # Whatever else is under that name was not written by this journal, or is empty: it is left alone.
        self._journal.forget_key(record, f"it did not reach {self.place} whole")
        return f"Storing {record.name} was interrupted before it was in {self.place}: enter it again."

    def _record(self, credentials: Credentials, slot: Slot, whitelist: str, version: int) -> KeyRecord:
        return KeyRecord(
            environment=self._environment,
            name=credentials.name,
            kind=credentials.kind,
            slot=slot,
            holding=Holding.ANNOUNCED,
            item=self._vault.service(credentials.name.fingerprint, version),
            store=self._vault.store.label,
            backend=self._vault.store.backend,
            stored_at=self._clock(),
            version=version,
            whitelist=whitelist,
        )

    def _unused_version(self, credentials: Credentials) -> int:
        """One new item per version: nothing is overwritten."""
        fingerprint = credentials.name.fingerprint
        keys = self._journal.keys(self._environment)
        return 1 + max((key.version for key in keys if key.name.fingerprint == fingerprint), default=0)
