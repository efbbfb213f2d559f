from __future__ import annotations

import asyncio

import pytest

from tests.custody import fakes
from wizard.custody.canary import canary
from wizard.custody.errors import CustodyError, NotDeleted, ReadBackDiffers
from wizard.custody.store import MemoryStore
from wizard.secret import Secret


class FakeWatched(MemoryStore):
    """Remembers what it was asked, and holds its second read until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, str] = {}
        self.was_read = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, service: str, user: str, value: Secret) -> None:
        self.written[service] = value.reveal()
        await super().write(service, user, value)

    async def read(self, service: str, user: str) -> Secret | None:
        self.was_read.set()
        await self.go_on.wait()
        return await super().read(service, user)

    def left(self) -> int:
        return len(self._items)


async def test_a_healthy_store_passes_and_keeps_nothing() -> None:
    store = FakeWatched()
    store.go_on.set()
    result = await canary(store)
    assert (result.label, result.durable) == (store.label, False)
    assert len(store.written) == 1
    assert store.left() == 0


async def test_every_canary_is_another_value_under_another_name() -> None:
    store = FakeWatched()
    store.go_on.set()
    await canary(store)
    await canary(store)
    assert len(set(store.written)) == len(set(store.written.values())) == 2
    assert all(service.startswith("key-wizard:canary:") for service in store.written)


@pytest.mark.parametrize(
    ("store", "error"),
    [
        (fakes.FakeStoringNothing(), ReadBackDiffers),
        (fakes.FakeKeepingFirstLine(), ReadBackDiffers),
        (fakes.FakeLeavingItEmpty(), ReadBackDiffers),
        (fakes.FakeDeletingNothing(), NotDeleted),
    ],
)
async def test_a_store_that_does_not_keep_its_word_fails(store: MemoryStore, error: type[CustodyError]) -> None:
    with pytest.raises(error):
        await canary(store)


@pytest.mark.parametrize("store", [fakes.FakeKeepingFirstLine(), fakes.FakeLeavingItEmpty(), fakes.FakeUnreadable()])
async def test_a_failed_canary_leaves_nothing_behind(store: MemoryStore) -> None:
    with pytest.raises(CustodyError):
        await canary(store)
    assert store._items == {}


async def test_a_cancelled_canary_leaves_nothing_behind() -> None:
    store = FakeWatched()
    task = asyncio.create_task(canary(store))
    await store.was_read.wait()
    assert store.left() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.left() == 0
