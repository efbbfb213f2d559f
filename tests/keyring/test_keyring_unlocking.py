"""A locked or empty GNOME Keyring is opened here, with a typed password and without any dialog."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.custody.hung_bus import children
from tests.custody.refusals import refused
from tests.secret_service import PASSWORD, PrivateBus, fake_service
from wizard.core.secret import Secret
from wizard.core.settings import Custody
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring import KeyringStore, open_keyring
from wizard.custody.keyring_process import KeyringProcess
from wizard.custody.store import try_out, write_confirmed

pytestmark = pytest.mark.keyring


def custodian(bus: PrivateBus, deadline: float = 10.0) -> Custodian:
    return Custodian(Custody(deadline=deadline), bus.directory / "vault", bus.directory / "config.toml", bus.environ)


async def remedy_of(asked: Custodian) -> Remedy:
    with pytest.raises(CustodyError) as caught:
        await asked.open()
    return caught.value.remedy


def lock(bus: PrivateBus) -> None:
    bus.start_keyring(unlock=True)
    bus.kill_keyring()
    bus.start_keyring(unlock=False)


async def test_a_locked_keyring_opens_with_its_password_and_no_number_of_wrong_ones_locks_it_up(
    own_bus: PrivateBus,
) -> None:
    lock(own_bus)
    asked = custodian(own_bus)
    assert await remedy_of(asked) is Remedy.UNLOCK
    with refused("wrong-password", match="needs a password"):
        await asked.help(Remedy.UNLOCK, Secret(""))
    for wrong in ("wrong", f"{PASSWORD} ", f"{PASSWORD}\n"):
        with refused("wrong-password", match="This password does not open the keyring"):
            await asked.help(Remedy.UNLOCK, Secret(wrong))
        assert await remedy_of(asked) is Remedy.UNLOCK
    await asked.help(Remedy.UNLOCK, Secret(PASSWORD))
    store = await asked.open()
    assert store.label == "GNOME Keyring, collection login, unlocked"
    await try_out(store)


async def test_a_keyring_locked_while_it_is_in_use_says_its_remedy_and_the_same_store_goes_on_after_it(
    own_bus: PrivateBus,
) -> None:
    own_bus.start_keyring(unlock=True)
    asked = custodian(own_bus)
    store = await asked.open()
    await store.write("s", Secret("kept"))
    own_bus.kill_keyring()
    own_bus.start_keyring(unlock=False)
    with pytest.raises(CustodyError) as caught:
        await write_confirmed(store, "new", Secret("x"))
    assert caught.value.remedy is Remedy.UNLOCK
    await asked.help(caught.value.remedy, Secret(PASSWORD))
    await write_confirmed(store, "new", Secret("x"))
    assert await store.read("s") == Secret("kept")


async def test_an_empty_keyring_gets_a_collection_that_its_password_opens_later(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=False)
    asked = custodian(own_bus)
    assert await remedy_of(asked) is Remedy.CREATE
    with refused("wrong-password", match="needs a password"):
        await asked.help(Remedy.CREATE, Secret(""))
    await asked.help(Remedy.CREATE, Secret("chosen here"))
    store = await asked.open()
    assert store.label == "GNOME Keyring, collection login, unlocked"
    await store.write("s", Secret("kept"))
    own_bus.kill_keyring()
    own_bus.start_keyring(unlock=False)
    assert await remedy_of(asked) is Remedy.UNLOCK
    await asked.help(Remedy.UNLOCK, Secret("chosen here"))
    assert await (await asked.open()).read("s") == Secret("kept")


async def test_a_password_is_not_sent_to_a_service_that_would_have_it_in_plain_text(own_bus: PrivateBus) -> None:
    async with fake_service(own_bus, "fake_secret_service.py", "gnome-keyring-d", "plain") as service:
        asked = custodian(own_bus)
        assert await remedy_of(asked) is Remedy.UNLOCK
        with refused("failed") as caught:
            await asked.help(Remedy.UNLOCK, Secret("x"))
        assert "org.freedesktop.DBus.Error.NotSupported" in caught.value.why
        assert service.returncode is None


async def test_a_keyring_that_prompts_for_ever_is_never_prompted_and_every_wait_can_be_cancelled(
    own_bus: PrivateBus,
) -> None:
    async with fake_service(own_bus, "fake_secret_service.py"):
        asked = custodian(own_bus)
        async with asyncio.timeout(5):
            assert await remedy_of(asked) is Remedy.NONE  # only GNOME Keyring can be unlocked from here
        before = children()
        waiting = asyncio.create_task(asked.help(Remedy.UNLOCK, Secret("x")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert children() == before


@pytest.mark.parametrize("name", ["PlaintextKeyring", "EncryptedKeyring"])
async def test_the_plain_files_of_keyrings_alt_are_refused_where_no_bus_is(
    own_bus: PrivateBus, tmp_path: Path, name: str
) -> None:
    from importlib.util import find_spec

    if find_spec("keyrings.alt") is None:
        pytest.skip("keyrings.alt is not installed")
    bare = {key: value for key, value in own_bus.environ.items() if key != "DBUS_SESSION_BUS_ADDRESS"}
    with pytest.raises(CustodyError) as caught:
        await open_keyring(environ=bare)
    assert caught.value.code == "no-bus-address"
    with pytest.raises(CustodyError, match=f"does not use .*{name}"):
        await open_keyring(environ={**bare, "PYTHON_KEYRING_BACKEND": f"keyrings.alt.file.{name}"})
    assert not list(own_bus.directory.rglob("*keyring_pass.cfg"))


async def test_a_collection_with_an_empty_password_is_a_plain_file_and_gets_no_secret(
    own_bus: PrivateBus,
) -> None:
    file = own_bus.leave_unencrypted_collection()
    own_bus.start_keyring(unlock=False)
    await as_another_program_stores(own_bus, "in clear")
    assert "in clear" in file.read_text()  # what this test is about, as the real keyring does it
    asked = custodian(own_bus)
    with pytest.raises(CustodyError, match="password is empty") as caught:
        await asked.open()
    assert (caught.value.code, caught.value.remedy) == ("unencrypted", Remedy.NONE)
    store = KeyringStore("keyring.backends.SecretService.Keyring", "opened before", KeyringProcess(own_bus.environ))
    with pytest.raises(CustodyError, match="password is empty"):
        await store.write("s", Secret("ours"))
    assert "ours" not in file.read_text()


async def test_no_collection_is_made_with_an_empty_password(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=False)
    asked = custodian(own_bus)
    for nothing in ("", "   ", "\t\u200b"):
        with refused("wrong-password", match="needs a password"):
            await asked.help(Remedy.CREATE, Secret(nothing))
    assert await remedy_of(asked) is Remedy.CREATE


async def as_another_program_stores(bus: PrivateBus, text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyring", "-b", "keyring.backends.SecretService.Keyring", "set", "other", "program"),
        stdin=asyncio.subprocess.PIPE,
        env=bus.environ,
    )
    await process.communicate(text.encode())
    assert process.returncode == 0
