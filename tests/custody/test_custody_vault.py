from __future__ import annotations

import pytest

from tests.custody import fakes
from tests.custody.keys import API_KEY, SIGNING, hmac
from wizard.credentials import Credentials
from wizard.custody.errors import (
    CustodyError,
    ItemOccupied,
    ItemUnreadable,
    KeyringFailed,
    NotDeleted,
    OutcomeUnknown,
    ReadBackDiffers,
)
from wizard.custody.item import USER
from wizard.custody.store import MemoryStore
from wizard.custody.vault import Vault
from wizard.secret import Secret

FINGERPRINT = hmac().name.fingerprint


def vault(store: MemoryStore, environment: str = "production") -> Vault:
    return Vault(store, environment, clock=lambda: 1_795_365_501.0)


async def stored(store: MemoryStore) -> Credentials | None:
    return await vault(store).get(FINGERPRINT)


async def test_what_is_put_is_got() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    assert await stored(store) == hmac()


async def test_the_item_lies_where_consumers_look_for_it() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    assert await store.read(f"key-wizard:production:{FINGERPRINT}", "credentials") is not None


async def test_environments_do_not_see_each_other() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    assert await vault(store, "staging").get(FINGERPRINT) is None
    await vault(store, "staging").remove(FINGERPRINT)
    assert await stored(store) == hmac()


async def test_putting_the_same_credentials_later_is_fine() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    await Vault(store, "production", clock=lambda: 1_900_000_000.0).put(hmac())
    assert await stored(store) == hmac()


async def test_other_credentials_are_never_overwritten() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    with pytest.raises(ItemOccupied, match="already"):
        await vault(store).put(hmac(signing="another secret"))
    assert await stored(store) == hmac()


async def test_another_secret_for_the_same_key_is_a_version_beside_the_first() -> None:
    store, mistyped = MemoryStore(), hmac(signing="mistyped")
    await vault(store).put(mistyped)
    await vault(store).put(hmac(), version=2)
    assert await vault(store).get(FINGERPRINT, version=1) == mistyped
    assert await vault(store).get(FINGERPRINT, version=2) == hmac()
    await vault(store).remove(FINGERPRINT, version=1)
    assert await stored(store) is None
    assert await vault(store).get(FINGERPRINT, version=2) == hmac()


async def test_a_foreign_item_is_never_overwritten() -> None:
    store = MemoryStore()
    await store.write(vault(store).service(FINGERPRINT), USER, Secret("somebody else's"))
    with pytest.raises(ItemOccupied):
        await vault(store).put(hmac())
    assert await store.read(vault(store).service(FINGERPRINT), USER) == Secret("somebody else's")


async def test_an_item_left_empty_by_a_crash_is_replaced() -> None:
    store = MemoryStore()
    await store.write(vault(store).service(FINGERPRINT), USER, Secret())
    await vault(store).put(hmac())
    assert await stored(store) == hmac()


async def test_an_item_left_empty_by_a_crash_is_not_taken_for_credentials() -> None:
    store = MemoryStore()
    await store.write(vault(store).service(FINGERPRINT), USER, Secret())
    with pytest.raises(ItemUnreadable, match="not a complete set"):
        await stored(store)


async def test_the_credentials_of_another_key_are_not_given_out() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    item = await store.read(vault(store).service(FINGERPRINT), USER)
    assert item is not None
    await store.write(vault(store).service("0" * 12), USER, item)
    with pytest.raises(ItemUnreadable, match="another key"):
        await vault(store).get("0" * 12)


async def test_a_write_that_raised_and_happened_counts_as_stored() -> None:
    store = fakes.FakeRaisingAfterWrite()
    await vault(store).put(hmac())
    assert await stored(store) == hmac()


async def test_a_write_that_raised_and_did_not_happen_raises_its_own_error() -> None:
    with pytest.raises(KeyringFailed, match="Storing into the keyring failed"):
        await vault(fakes.FakeRaisingBeforeWrite()).put(hmac())


@pytest.mark.parametrize(
    "store", [fakes.FakeStoringNothing(), fakes.FakeKeepingFirstLine(), fakes.FakeLeavingItEmpty()]
)
async def test_a_store_that_gives_something_else_back_is_found_out(store: MemoryStore) -> None:
    with pytest.raises(ReadBackDiffers):
        await vault(store).put(hmac())


async def test_what_cannot_be_read_back_does_not_count_as_stored() -> None:
    with pytest.raises(OutcomeUnknown, match="not known") as caught:
        await vault(fakes.FakeUnreadable()).put(hmac())
    assert "doing it twice does no harm" in caught.value.advice


async def test_what_is_removed_is_gone_and_removing_it_again_is_fine() -> None:
    store = MemoryStore()
    await vault(store).put(hmac())
    await vault(store).remove(FINGERPRINT)
    await vault(store).remove(FINGERPRINT)
    assert await stored(store) is None


async def test_a_removal_that_raised_and_happened_counts_as_removed() -> None:
    store = fakes.FakeRaisingAfterDelete()
    await vault(store).put(hmac())
    await vault(store).remove(FINGERPRINT)
    assert await stored(store) is None


@pytest.mark.parametrize(
    ("store", "error"),
    [(fakes.FakeDeletingNothing(), NotDeleted), (fakes.FakeRaisingBeforeDelete(), KeyringFailed)],
)
async def test_a_removal_that_did_not_happen_is_found_out(store: MemoryStore, error: type[CustodyError]) -> None:
    await vault(store).put(hmac())
    with pytest.raises(error):
        await vault(store).remove(FINGERPRINT)
    assert await stored(store) == hmac()


async def test_a_removal_that_cannot_be_confirmed_does_not_count() -> None:
    with pytest.raises(OutcomeUnknown):
        await vault(fakes.FakeUnreadable()).remove(FINGERPRINT)


@pytest.mark.parametrize("fingerprint", ["", "0" * 11, "0" * 13, "ABCDEF012345", "../../../etc", API_KEY])
def test_only_a_fingerprint_names_an_item(fingerprint: str) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        vault(MemoryStore()).service(fingerprint)


def test_versions_count_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        vault(MemoryStore()).service(FINGERPRINT, 0)


async def test_no_error_shows_a_secret() -> None:
    for store in (fakes.FakeStoringNothing(), fakes.FakeKeepingFirstLine(), fakes.FakeUnreadable()):
        with pytest.raises(CustodyError) as caught:
            await vault(store).put(hmac())
        shown = " ".join([*caught.value.sentences(), repr(caught.value)])
        assert SIGNING not in shown
        assert API_KEY not in shown
        assert caught.value.advice
