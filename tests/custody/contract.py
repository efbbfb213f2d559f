"""What every store does. Subclass it with a fixture `store`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.custody.keys import ed25519_pair, hmac, rsa_4096_pair
from tests.custody.refusals import refused
from wizard.core.secret import Secret
from wizard.custody.records import Slot
from wizard.custody.store import Store
from wizard.custody.vault import Vault

SERVICE = "key-wizard:test:0123456789ab"


class StoreContract:
    can_list = True
    can_replace = True
    """Else a second write is refused: the place creates items by check-and-set."""
    longest = 5000
    """Characters that one item holds at least."""

    @pytest.fixture(autouse=True)
    async def emptied(self, store: Store) -> None:
        await store.delete(SERVICE)

    async def test_nothing_stored_reads_as_none(self, store: Store) -> None:
        assert await store.read(SERVICE) is None

    @pytest.mark.parametrize(
        "text",
        ["x", "two\nlines\r\nand a tab\t", "  blanks around  ", "ключ 鍵 🔑", '{"a":"\\n"}', "y" * 5000],
        ids=["short", "lines", "blanks", "unicode", "json", "long"],
    )
    async def test_what_is_written_is_read_unchanged(self, store: Store, text: str) -> None:
        text = text[: self.longest]
        await store.write(SERVICE, Secret(text))
        found = await store.read(SERVICE)
        assert found is not None
        assert found.reveal() == text

    @pytest.mark.parametrize("kind", ["hmac", "ed25519", "rsa-4096"])
    async def test_credentials_come_back_byte_for_byte_or_are_refused_before(
        self, store: Store, vaults: Callable[..., Vault], kind: str
    ) -> None:
        credentials = {"hmac": hmac, "ed25519": ed25519_pair, "rsa-4096": rsa_4096_pair}[kind]()
        vault = vaults(store, "test")
        if kind == "rsa-4096" and self.longest < 3000:
            with refused("too-long"):
                await vault.put(credentials, Slot.PENDING)
            return
        record = await vault.put(credentials, Slot.PENDING)
        found = await vault.fetch(record)
        assert found is not None
        assert found.signing.reveal() == credentials.signing.reveal()
        assert found == credentials
        await vault.purge(record, "a test")

    async def test_a_second_write_replaces_the_first_or_is_refused(self, store: Store) -> None:
        await store.write(SERVICE, Secret("first"))
        if not self.can_replace:
            with refused("occupied"):
                await store.write(SERVICE, Secret("second"))
            assert await store.read(SERVICE) == Secret("first")
            return
        await store.write(SERVICE, Secret("second"))
        assert await store.read(SERVICE) == Secret("second")

    async def test_services_do_not_touch_each_other(self, store: Store) -> None:
        other = SERVICE.replace("test", "other")
        await store.write(SERVICE, Secret("mine"))
        await store.write(other, Secret("theirs"))
        await store.delete(other)
        assert await store.read(SERVICE) == Secret("mine")
        assert await store.read(other) is None

    async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(self, store: Store) -> None:
        await store.write(SERVICE, Secret("soon gone"))
        await store.delete(SERVICE)
        await store.delete(SERVICE)
        assert await store.read(SERVICE) is None

    async def test_what_is_held_is_told_by_its_beginning(self, store: Store) -> None:
        for service in (SERVICE, SERVICE.replace("test", "other")):
            await store.write(service, Secret("x"))
        told = await store.names("key-wizard:test:")
        assert told == ((SERVICE,) if self.can_list else ())
        await store.delete(SERVICE.replace("test", "other"))

    async def test_wiping_a_value_outside_leaves_the_stored_one_whole(self, store: Store) -> None:
        value = Secret("kept")
        await store.write(SERVICE, value)
        value.wipe()
        first = await store.read(SERVICE)
        assert first is not None
        first.wipe()
        assert await store.read(SERVICE) == Secret("kept")

    async def test_the_label_says_whether_it_lasts(self, store: Store) -> None:
        assert store.durable is ("only" not in store.label)
