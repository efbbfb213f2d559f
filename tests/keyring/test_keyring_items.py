"""Credentials in a real keyring: seen by others while they are there, seen by nobody after."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.custody.contract import StoreContract
from tests.custody.hung_bus import children
from tests.custody.keys import ed25519_pair, hmac, rsa_4096_pair
from tests.keyring.fake_asking_service import SECRET
from tests.secret_service import PrivateBus, fake_service
from wizard.core.credentials import Credentials
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError, ItemUnreadableError, KeptElsewhereError
from wizard.custody.keyring import KeyringStore, open_keyring
from wizard.custody.records import KeyRecord, Slot, decode_item
from wizard.custody.vault import Vault, item_name

pytestmark = pytest.mark.keyring
KILLED_WRITES = int(os.environ.get("KEY_WIZARD_KILLED_WRITES", "8"))
"""How many writes the keyring is killed in; the long form is 200."""
STORING = 0.1
"""Seconds that it takes."""
Vaults = Callable[..., Vault]
BACKEND = "keyring.backends.SecretService.Keyring"


class TestKeyringStore(StoreContract):
    @pytest.fixture
    async def store(self, unlocked: dict[str, str]) -> KeyringStore:
        return await open_keyring(environ=unlocked)


async def keyring_command(environ: dict[str, str], *arguments: str, text: str = "") -> tuple[int | None, str]:
    """Run the keyring library's own command line, as a consumer of the credentials might."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyring", "-b", BACKEND, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environ,
    )
    output, _ = await process.communicate(text.encode())
    return process.returncode, output.decode().removesuffix("\n")


@pytest.mark.parametrize("credentials", [hmac(), ed25519_pair(), rsa_4096_pair()], ids=["hmac", "ed25519", "rsa-4096"])
async def test_another_program_reads_the_item_until_it_is_removed(
    unlocked: dict[str, str], vaults: Vaults, credentials: Credentials
) -> None:
    vault = vaults(await open_keyring(environ=unlocked), "commandline")
    record = await vault.put(credentials, Slot.PENDING)
    status, text = await keyring_command(unlocked, "get", record.item, "credentials")
    assert status == 0
    assert decode_item(Secret(text)) == credentials
    assert await vault.fetch(record) == credentials
    await vault.purge(record, "a test")
    assert await keyring_command(unlocked, "get", record.item, "credentials") == (1, "")
    assert await vault.fetch(record) is None


async def test_an_item_that_another_program_wrote_is_neither_used_nor_overwritten(
    unlocked: dict[str, str], vaults: Vaults
) -> None:
    vault = vaults(await open_keyring(environ=unlocked), "foreign")
    taken = item_name("foreign", hmac())
    await keyring_command(unlocked, "set", taken, "credentials", text="hunter2")
    record = await vault.put(hmac(), Slot.PENDING)
    assert record.item == f"{taken}.2"
    with pytest.raises(ItemUnreadableError):
        await vault.fetch(replace(record, item=taken))
    assert await keyring_command(unlocked, "get", taken, "credentials") == (0, "hunter2")


async def test_a_call_to_a_hung_keyring_can_be_cancelled(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    store = await open_keyring(environ=own_bus.environ)
    own_bus.stop_keyring()
    before = children()
    call = asyncio.create_task(store.read("s"))
    done, _ = await asyncio.wait({call}, timeout=0.5)
    assert not done
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(before - children()) == 1, "the worker that hung"
    assert children() < before


@pytest.mark.slow
async def test_after_a_crash_of_the_keyring_nothing_is_believed_that_is_not_there(
    own_bus: PrivateBus, vaults: Vaults
) -> None:
    own_bus.start_keyring(unlock=True)
    vault = vaults(await open_keyring(environ=own_bus.environ), "crash")
    current = await vault.put(hmac(api_key="c" * 64), Slot.CURRENT)
    for attempt in range(KILLED_WRITES):
        new = hmac(api_key=f"{attempt:064}", signing="s" * 64)
        storing = asyncio.create_task(vault.put(new, Slot.PENDING))
        await asyncio.sleep(attempt * STORING / KILLED_WRITES)
        own_bus.kill_keyring()
        record = await ended(storing)
        own_bus.start_keyring(unlock=True)
        await vault.recover()
        assert await vault.missing() == ()
        assert await vault.fetch(current) == hmac(api_key="c" * 64)
        record = record or await vault.put(new, Slot.PENDING)
        assert await vault.fetch(record) == new


async def ended(storing: asyncio.Task[KeyRecord]) -> KeyRecord | None:
    try:
        return await storing
    except CustodyError:
        return None


async def test_what_lies_in_another_collection_is_neither_missing_nor_gone(own_bus: PrivateBus, vaults: Vaults) -> None:
    own_bus.start_keyring(unlock=True)
    record = await vaults(await open_keyring(environ=own_bus.environ), "collections").put(hmac(), Slot.PENDING)
    own_bus.make_default_collection("second")
    moved = vaults(await open_keyring(environ=own_bus.environ), "collections")
    assert "collection second" in moved.store.label
    for attempt in (moved.fetch(record), moved.purge(record, "a test")):
        with pytest.raises(KeptElsewhereError, match="another collection") as error:
            await attempt
        assert "/org/freedesktop/secrets/collection/login" in error.value.advice
    assert await moved.store.names("key-wizard:collections:") == (record.item,)
    back = {**own_bus.environ, "KEYRING_PROPERTY_PREFERRED_COLLECTION": "/org/freedesktop/secrets/collection/login"}
    assert await vaults(await open_keyring(environ=back), "collections").fetch(record) == hmac()


@pytest.mark.parametrize("variable", ["KEYRING_PROPERTY_SCHEME=KeePassXC", "KEYRING_PROPERTY_APPID=other"])
async def test_an_item_is_found_again_whatever_keyring_is_told_to_call_it(
    unlocked: dict[str, str], vaults: Vaults, variable: str
) -> None:
    name, _, value = variable.partition("=")
    told = vaults(await open_keyring(environ={**unlocked, name: value}), "renamed")
    record = await told.put(hmac(), Slot.PENDING)
    plain = vaults(await open_keyring(environ=unlocked), "renamed")
    assert await plain.fetch(record) == hmac()
    assert await told.store.names("key-wizard:renamed:") == (record.item,)
    await plain.purge(record, "a test")
    assert await told.fetch(record) is None


async def test_an_item_that_keepassxc_asks_its_user_about_is_read_once_he_has_agreed(own_bus: PrivateBus) -> None:
    async with fake_service(own_bus, "fake_asking_service.py"):
        found = await (await open_keyring(environ=own_bus.environ)).read("key-wizard:test:0")
        assert found == Secret(SECRET)
