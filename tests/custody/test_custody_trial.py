from __future__ import annotations

import asyncio

import pytest

from tests.custody import fakes
from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.custody.store import MemoryStore, try_out


class FakeWatched(MemoryStore):
    """Remembers what it was asked, and holds its second read until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, str] = {}
        self.was_read = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, name: str, value: Secret) -> None:
        self.written[name] = value.reveal()
        await super().write(name, value)

    async def read(self, name: str) -> Secret | None:
        self.was_read.set()
        await self.go_on.wait()
        return await super().read(name)

    def left(self) -> int:
        return len(self._items)


async def test_a_healthy_store_passes_and_keeps_nothing() -> None:
    store = FakeWatched()
    store.go_on.set()
    assert await try_out(store) > 0
    assert len(store.written) == 1
    assert store.left() == 0


async def test_every_trial_is_another_value_under_another_name() -> None:
    store = FakeWatched()
    store.go_on.set()
    await try_out(store)
    await try_out(store)
    assert len(set(store.written)) == len(set(store.written.values())) == 2
    assert all(service.startswith("key-wizard:trial:") for service in store.written)


async def test_what_a_killed_trial_left_is_deleted_by_the_next_one_of_the_same_owner() -> None:
    store, value = MemoryStore(), Secret("x")
    for name in ("mine.bot-1.", "mine.bot-1-a.", "theirs.bot-1."):
        await store.write(f"key-wizard:trial:{name}0a", value)
    await try_out(store, "mine.bot-1.")
    await try_out(store)
    assert await store.names("") == ("key-wizard:trial:mine.bot-1-a.0a", "key-wizard:trial:theirs.bot-1.0a")


@pytest.mark.parametrize(
    ("store", "code"),
    [
        (fakes.FakeStoringNothing(), "read-back-differs"),
        (fakes.FakeKeepingFirstLine(), "read-back-differs"),
        (fakes.FakeLeavingItEmpty(), "read-back-differs"),
        (fakes.FakeDeletingNothing(), "not-deleted"),
    ],
)
async def test_a_store_that_does_not_keep_its_word_fails(store: MemoryStore, code: str) -> None:
    with refused(code):
        await try_out(store)


@pytest.mark.parametrize("store", [fakes.FakeKeepingFirstLine(), fakes.FakeLeavingItEmpty(), fakes.FakeUnreadable()])
async def test_a_failed_trial_leaves_nothing_behind(store: MemoryStore) -> None:
    with pytest.raises(CustodyError):
        await try_out(store)
    assert store._items == {}


async def test_a_cancelled_trial_leaves_nothing_behind() -> None:
    store = FakeWatched()
    task = asyncio.create_task(try_out(store))
    await store.was_read.wait()
    assert store.left() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.left() == 0
