"""Credentials in a real keyring: seen by others while they are there, seen by nobody after."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from tests.custody.contract import StoreContract
from tests.custody.hung_bus import children
from tests.custody.keys import ed25519_pair, hmac, rsa_4096_pair
from tests.secret_service import PrivateBus
from wizard.credentials import Credentials
from wizard.custody import item
from wizard.custody.errors import CustodyError, ItemOccupied, ItemUnreadable, KeptElsewhere
from wizard.custody.opening import open_keyring
from wizard.custody.store import KeyringStore
from wizard.custody.vault import Vault
from wizard.secret import Secret

pytestmark = pytest.mark.keyring
KILLED_WRITES = int(os.environ.get("KEY_WIZARD_KILLED_WRITES", "20"))
"""How many writes the keyring is killed in; the long form is 200."""
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
    unlocked: dict[str, str], credentials: Credentials
) -> None:
    vault = Vault(await open_keyring(environ=unlocked), "commandline")
    fingerprint = credentials.name.fingerprint
    await vault.put(credentials)
    status, text = await keyring_command(unlocked, "get", vault.service(fingerprint), "credentials")
    assert status == 0
    assert item.decode(Secret(text)) == credentials
    assert (await vault.get(fingerprint)) == credentials
    await vault.remove(fingerprint)
    assert await keyring_command(unlocked, "get", vault.service(fingerprint), "credentials") == (1, "")
    assert await vault.get(fingerprint) is None


async def test_an_item_that_another_program_wrote_is_neither_used_nor_overwritten(unlocked: dict[str, str]) -> None:
    vault = Vault(await open_keyring(environ=unlocked), "foreign")
    fingerprint = hmac().name.fingerprint
    await keyring_command(unlocked, "set", vault.service(fingerprint), "credentials", text="hunter2")
    with pytest.raises(ItemUnreadable):
        await vault.get(fingerprint)
    with pytest.raises(ItemOccupied):
        await vault.put(hmac())
    assert await keyring_command(unlocked, "get", vault.service(fingerprint), "credentials") == (0, "hunter2")


async def test_a_call_to_a_hung_keyring_can_be_cancelled(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    store = await open_keyring(environ=own_bus.environ)
    own_bus.stop_keyring()
    before = children()
    call = asyncio.create_task(store.read("s", "u"))
    done, _ = await asyncio.wait({call}, timeout=0.5)
    assert not done
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert children() == before


async def test_after_a_crash_of_the_keyring_nothing_is_believed_that_is_not_there(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    vault = Vault(await open_keyring(environ=own_bus.environ), "crash")
    current = hmac(api_key="c" * 64)
    await vault.put(current)
    for attempt in range(KILLED_WRITES):
        new = hmac(api_key=f"{attempt:064}", signing="s" * 64)
        storing = asyncio.create_task(vault.put(new))
        await asyncio.sleep(attempt % 20 * 0.02)  # spreads the crashes over the 0.4 s that storing takes
        own_bus.kill_keyring()
        was_stored = await succeeds(storing)
        own_bus.start_keyring(unlock=True)
        try:
            found = await vault.get(new.name.fingerprint)
        except ItemUnreadable:
            found = None
        assert found == new if was_stored else found in (new, None)
        assert await vault.get(current.name.fingerprint) == current
        await vault.put(new)
        assert await vault.get(new.name.fingerprint) == new


async def succeeds(storing: asyncio.Task[None]) -> bool:
    try:
        await storing
    except CustodyError:
        return False
    return True


async def test_what_lies_in_another_collection_is_neither_missing_nor_gone(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    vault = Vault(await open_keyring(environ=own_bus.environ), "collections")
    fingerprint = hmac().name.fingerprint
    await vault.put(hmac())
    own_bus.make_default_collection("second")
    store = await open_keyring(environ=own_bus.environ)
    moved = Vault(store, "collections")
    assert "collection second" in store.label
    for ask in (moved.get, moved.remove):
        with pytest.raises(KeptElsewhere, match="another collection") as error:
            await ask(fingerprint)
        assert "/org/freedesktop/secrets/collection/login" in error.value.advice
    assert not await moved.holds(fingerprint)
    assert await vault.item_names() == (vault.service(fingerprint),)
    back = {**own_bus.environ, "KEYRING_PROPERTY_PREFERRED_COLLECTION": "/org/freedesktop/secrets/collection/login"}
    assert await Vault(await open_keyring(environ=back), "collections").get(fingerprint) == hmac()


@pytest.mark.parametrize("variable", ["KEYRING_PROPERTY_SCHEME=KeePassXC", "KEYRING_PROPERTY_APPID=other"])
async def test_an_item_is_found_again_whatever_keyring_is_told_to_call_it(
    unlocked: dict[str, str], variable: str
) -> None:
    name, _, value = variable.partition("=")
    vault, fingerprint = (
        Vault(await open_keyring(environ={**unlocked, name: value}), "renamed"),
        hmac().name.fingerprint,
    )
    await vault.put(hmac())
    plain = Vault(await open_keyring(environ=unlocked), "renamed")
    assert await plain.get(fingerprint) == hmac()
    assert await vault.item_names() == (plain.service(fingerprint),)
    await plain.remove(fingerprint)
    assert not await vault.holds(fingerprint)
