"""Stores that misbehave as real ones were seen to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from wizard.core.secret import Secret
from wizard.core.settings import Custody, Place
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring import KeyringStore
from wizard.custody.keyring_errors import GNOME, Service, unusable_service
from wizard.custody.keyring_worker.protocol import ServiceState
from wizard.custody.store import MemoryStore, Store

PASSWORD = "correct horse"


def gone(operation: str) -> CustodyError:
    doing = {"write": "Storing into", "read": "Reading from", "delete": "Deleting from"}[operation]
    return CustodyError(
        f"{doing} the keyring failed", why="The daemon was killed.", advice="Start it again.", code="lost"
    )


class FakeStoringNothing(MemoryStore):
    """Reports success, as the null backend does."""

    async def write(self, name: str, value: Secret) -> None:
        pass


class FakeRaisingAfterWrite(MemoryStore):
    """Stores, then raises: a daemon killed before its answer."""

    async def write(self, name: str, value: Secret) -> None:
        await super().write(name, value)
        raise gone("write")


class FakeRaisingBeforeWrite(MemoryStore):
    async def write(self, name: str, value: Secret) -> None:
        raise gone("write")


class FakeLeavingItEmpty(MemoryStore):
    """Creates the item and is killed before its value is set."""

    async def write(self, name: str, value: Secret) -> None:
        await super().write(name, Secret())
        raise gone("write")


class FakeKeepingFirstLine(MemoryStore):
    """Reports success and keeps half of it."""

    async def write(self, name: str, value: Secret) -> None:
        text = value.reveal()
        await super().write(name, Secret(text[: len(text) // 2]))


class FakeUnreadable(MemoryStore):
    """Can be read until something was written or deleted."""

    is_lost = False

    async def write(self, name: str, value: Secret) -> None:
        await super().write(name, value)
        self.is_lost = True

    async def read(self, name: str) -> Secret | None:
        if self.is_lost:
            raise gone("read")
        return await super().read(name)

    async def delete(self, name: str) -> None:
        await super().delete(name)
        self.is_lost = True


class FakeDeletingNothing(MemoryStore):
    """Reports success; so does libsecret for a locked item."""

    async def delete(self, name: str) -> None:
        pass


class FakeRaisingAfterDelete(MemoryStore):
    async def delete(self, name: str) -> None:
        await super().delete(name)
        raise gone("delete")


class FakeRaisingBeforeDelete(MemoryStore):
    async def delete(self, name: str) -> None:
        raise gone("delete")


class FakeLocked(Custodian):
    """A locked GNOME keyring that opens with one password; a password `slow` is tried for ever."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Custody(), directory / "credentials.vault", directory / "config.toml", {})
        self.store: Store = MemoryStore()
        self.is_open = False

    async def open(self) -> Store:
        if self.custody.place is Place.ENCRYPTED_FILE:
            return await super().open()
        if not self.is_open:
            raise CustodyError("The keyring is locked", advice="Unlock it.", code="locked", remedy=Remedy.UNLOCK)
        return self.store

    async def help(self, remedy: Remedy, password: Secret) -> None:
        if remedy is not Remedy.UNLOCK:
            return await super().help(remedy, password)
        if password.reveal() == "slow":
            await asyncio.Event().wait()
        if password.reveal() != PASSWORD:
            raise CustodyError(
                "This password does not open the keyring", advice="Type it again.", code="wrong-password"
            )
        self.is_open = True
        return None


class FakeLockable(MemoryStore):
    """A GNOME keyring that is locked and unlocked while the wizard is open."""

    place = KeyringStore.place
    durable = True
    remark = doubt = ""
    is_locked = False

    async def read(self, name: str) -> Secret | None:
        self._expect_unlocked()
        return await super().read(name)

    async def write(self, name: str, value: Secret) -> None:
        self._expect_unlocked()
        await super().write(name, value)

    def _expect_unlocked(self) -> None:
        if self.is_locked:
            raise unusable_service(Service(ServiceState.LOCKED, GNOME, "login"))


class FakeLockingCustodian(FakeLocked):
    """Opens such a keyring, and unlocks it with the password."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.store: FakeLockable = FakeLockable()
        self.is_open = True

    async def help(self, remedy: Remedy, password: Secret) -> None:
        await super().help(remedy, password)
        self.store.is_locked = False


class FakeWithoutBus(FakeLocked):
    """A login without a session bus."""

    async def open(self) -> Store:
        if self.custody.place is Place.KEYRING:
            raise unusable_service(Service(ServiceState.NO_BUS_ADDRESS))
        return await super().open()
