"""Stores that misbehave as real ones were seen to."""

from __future__ import annotations

from wizard.custody.errors import KeyringFailed
from wizard.custody.store import MemoryStore
from wizard.secret import Secret


def gone(operation: str) -> KeyringFailed:
    return KeyringFailed(operation, "lost", why="The daemon was killed.", advice="Start it again.")


class FakeStoringNothing(MemoryStore):
    """Reports success, as the null backend does."""

    async def write(self, service: str, user: str, value: Secret) -> None:
        pass


class FakeRaisingAfterWrite(MemoryStore):
    """Stores, then raises: a daemon killed before its answer."""

    async def write(self, service: str, user: str, value: Secret) -> None:
        await super().write(service, user, value)
        raise gone("write")


class FakeRaisingBeforeWrite(MemoryStore):
    async def write(self, service: str, user: str, value: Secret) -> None:
        raise gone("write")


class FakeLeavingItEmpty(MemoryStore):
    """Creates the item and is killed before its value is set."""

    async def write(self, service: str, user: str, value: Secret) -> None:
        await super().write(service, user, Secret())
        raise gone("write")


class FakeKeepingFirstLine(MemoryStore):
    """Reports success and keeps half of it."""

    async def write(self, service: str, user: str, value: Secret) -> None:
        text = value.reveal()
        await super().write(service, user, Secret(text[: len(text) // 2]))


class FakeUnreadable(MemoryStore):
    """Can be read until something was written or deleted."""

    is_lost = False

    async def write(self, service: str, user: str, value: Secret) -> None:
        await super().write(service, user, value)
        self.is_lost = True

    async def read(self, service: str, user: str) -> Secret | None:
        if self.is_lost:
            raise gone("read")
        return await super().read(service, user)

    async def delete(self, service: str, user: str) -> None:
        await super().delete(service, user)
        self.is_lost = True


class FakeDeletingNothing(MemoryStore):
    """Reports success; so does libsecret for a locked item."""

    async def delete(self, service: str, user: str) -> None:
        pass


class FakeRaisingAfterDelete(MemoryStore):
    async def delete(self, service: str, user: str) -> None:
        await super().delete(service, user)
        raise gone("delete")


class FakeRaisingBeforeDelete(MemoryStore):
    async def delete(self, service: str, user: str) -> None:
        raise gone("delete")
