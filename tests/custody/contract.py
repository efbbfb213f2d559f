"""What every store does. Subclass it with a fixture `store`."""

from __future__ import annotations

import pytest

from wizard.custody.store import Store
from wizard.secret import Secret

SERVICE, USER = "key-wizard:test:0123456789ab", "credentials"


class StoreContract:
    @pytest.fixture(autouse=True)
    async def emptied(self, store: Store) -> None:
        await store.delete(SERVICE, USER)

    async def test_nothing_stored_reads_as_none(self, store: Store) -> None:
        assert await store.read(SERVICE, USER) is None

    @pytest.mark.parametrize(
        "text",
        ["x", "two\nlines\r\nand a tab\t", "  blanks around  ", "ключ 鍵 🔑", '{"a":"\\n"}', "y" * 5000],
        ids=["short", "lines", "blanks", "unicode", "json", "long"],
    )
    async def test_what_is_written_is_read_unchanged(self, store: Store, text: str) -> None:
        await store.write(SERVICE, USER, Secret(text))
        found = await store.read(SERVICE, USER)
        assert found is not None
        assert found.reveal() == text

    async def test_a_second_write_replaces_the_first(self, store: Store) -> None:
        await store.write(SERVICE, USER, Secret("first"))
        await store.write(SERVICE, USER, Secret("second"))
        assert await store.read(SERVICE, USER) == Secret("second")

    async def test_services_do_not_touch_each_other(self, store: Store) -> None:
        other = SERVICE.replace("test", "other")
        await store.write(SERVICE, USER, Secret("mine"))
        await store.write(other, USER, Secret("theirs"))
        await store.delete(other, USER)
        assert await store.read(SERVICE, USER) == Secret("mine")
        assert await store.read(other, USER) is None

    async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(self, store: Store) -> None:
        await store.write(SERVICE, USER, Secret("soon gone"))
        await store.delete(SERVICE, USER)
        await store.delete(SERVICE, USER)
        assert await store.read(SERVICE, USER) is None

    async def test_wiping_a_value_outside_leaves_the_stored_one_whole(self, store: Store) -> None:
        value = Secret("kept")
        await store.write(SERVICE, USER, value)
        value.wipe()
        first = await store.read(SERVICE, USER)
        assert first is not None
        first.wipe()
        assert await store.read(SERVICE, USER) == Secret("kept")

    async def test_the_label_says_whether_it_lasts(self, store: Store) -> None:
        assert store.durable is ("only" not in store.label)
