from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.custody import fakes
from tests.custody.keys import API_KEY, SIGNING, hmac
from tests.custody.refusals import refused
from wizard.core.credentials import KeyName
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError, ItemOccupiedError, ItemUnreadableError
from wizard.custody.records import Holding, Slot
from wizard.custody.store import MemoryStore
from wizard.custody.vault import Vault, item_name

ITEM = item_name("production", hmac())
Vaults = Callable[..., Vault]


async def test_what_is_put_is_fetched_where_consumers_look_for_it(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    record = await vault.put(hmac(), Slot.PENDING)
    assert await vault.fetch(record) == hmac()
    assert record.item == f"key-wizard:production:{hmac().name.fingerprint}"
    assert await vault.store.read(record.item) is not None


async def test_environments_do_not_see_each_other(vaults: Vaults) -> None:
    store = MemoryStore()
    kept = await vaults(store).put(hmac(), Slot.PENDING)
    staging = vaults(store, "staging")
    await staging.purge(await staging.put(hmac(), Slot.PENDING), "a test")
    assert await vaults(store).fetch(kept) == hmac()


async def test_another_secret_for_the_same_key_is_a_version_beside_the_first(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    mistyped = await vault.put(hmac(signing="mistyped"), Slot.PENDING)
    right = await vault.put(hmac(), Slot.PENDING)
    assert (mistyped.item, right.item) == (ITEM, f"{ITEM}.2")
    assert await vault.fetch(mistyped) == hmac(signing="mistyped")
    await vault.purge(mistyped, "mistyped")
    assert await vault.fetch(mistyped) is None
    assert await vault.fetch(right) == hmac()


async def test_what_another_journal_stored_is_neither_overwritten_nor_deleted(vaults: Vaults) -> None:
    store = MemoryStore()
    first = await vaults(store, journal="theirs").put(hmac(signing="theirs"), Slot.PENDING)
    ours = vaults(store)
    assert (await ours.put(hmac(), Slot.PENDING)).item == f"{ITEM}.2"
    with pytest.raises(ItemOccupiedError, match="This wizard did not store"):
        await ours.purge(first, "a mistake")
    assert await ours.fetch(first) == hmac(signing="theirs")


async def test_a_foreign_item_is_never_overwritten(vaults: Vaults) -> None:
    store = MemoryStore()
    await store.write(ITEM, Secret("somebody else's"))
    assert (await vaults(store).put(hmac(), Slot.PENDING)).item == f"{ITEM}.2"
    assert await store.read(ITEM) == Secret("somebody else's")


async def test_an_item_left_empty_by_a_crash_is_replaced_and_not_taken_for_credentials(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    await vault.store.write(ITEM, Secret())
    record = await vault.put(hmac(), Slot.PENDING)
    assert await vault.fetch(record) == hmac()
    await vault.store.write(record.item, Secret())
    with pytest.raises(ItemUnreadableError, match="not a complete set"):
        await vault.fetch(record)


async def test_the_credentials_of_another_key_are_not_given_out(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    record = await vault.put(hmac(), Slot.PENDING)
    with pytest.raises(ItemUnreadableError, match="another key"):
        await vault.fetch(replace(record, name=KeyName("0" * 12, "")))


async def test_a_write_that_raised_and_happened_counts_as_stored(vaults: Vaults) -> None:
    vault = vaults(fakes.FakeRaisingAfterWrite())
    assert (await vault.put(hmac(), Slot.PENDING)).holding is Holding.STORED


async def test_a_write_that_raised_and_did_not_happen_raises_its_own_error(vaults: Vaults) -> None:
    with refused("lost", match="Storing into the keyring failed"):
        await vaults(fakes.FakeRaisingBeforeWrite()).put(hmac(), Slot.PENDING)


@pytest.mark.parametrize(
    "store", [fakes.FakeStoringNothing(), fakes.FakeKeepingFirstLine(), fakes.FakeLeavingItEmpty()]
)
async def test_a_store_that_gives_something_else_back_is_found_out(vaults: Vaults, store: MemoryStore) -> None:
    with refused("read-back-differs"):
        await vaults(store).put(hmac(), Slot.PENDING)


async def test_what_cannot_be_read_back_does_not_count_as_stored(vaults: Vaults) -> None:
    vault = vaults(fakes.FakeUnreadable())
    with refused("lost", match="does not know") as caught:
        await vault.put(hmac(), Slot.PENDING)
    assert "Doing it twice does no harm" in caught.value.advice


async def test_what_is_purged_is_gone_and_purging_it_again_is_fine(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    record = await vault.put(hmac(), Slot.PENDING)
    await vault.purge(record, "a test")
    await vault.purge(record, "a test")
    assert await vault.fetch(record) is None


async def test_the_current_key_is_never_purged(vaults: Vaults) -> None:
    vault = vaults(MemoryStore())
    record = await vault.put(hmac(), Slot.CURRENT)
    with pytest.raises(ValueError, match="never deleted"):
        await vault.purge(record, "a mistake")
    assert await vault.fetch(record) == hmac()


async def test_a_purge_that_raised_and_happened_counts(vaults: Vaults) -> None:
    vault = vaults(fakes.FakeRaisingAfterDelete())
    record = await vault.put(hmac(), Slot.PENDING)
    await vault.purge(record, "a test")
    assert await vault.fetch(record) is None


@pytest.mark.parametrize(
    ("store", "code"), [(fakes.FakeDeletingNothing(), "not-deleted"), (fakes.FakeRaisingBeforeDelete(), "lost")]
)
async def test_a_purge_that_did_not_happen_is_found_out(vaults: Vaults, store: MemoryStore, code: str) -> None:
    vault = vaults(store)
    record = await vault.put(hmac(), Slot.PENDING)
    with refused(code):
        await vault.purge(record, "a test")
    assert await vault.fetch(record) == hmac()


async def test_no_error_shows_a_secret(vaults: Vaults) -> None:
    for store in (fakes.FakeStoringNothing(), fakes.FakeKeepingFirstLine(), fakes.FakeUnreadable()):
        with pytest.raises(CustodyError) as caught:
            await vaults(store).put(hmac(), Slot.PENDING)
        shown = " ".join([*caught.value.sentences(), repr(caught.value)])
        assert SIGNING not in shown
        assert API_KEY not in shown
        assert caught.value.advice
