"""What people are told about the keyring that they have, each time by a real one."""

from __future__ import annotations

import asyncio

import pytest
from jeepney.io.blocking import open_dbus_connection
from secretstorage import Collection

from tests.custody.configuration import configure, install_plugin
from tests.custody.refusals import refused
from tests.secret_service import NAME, PASSWORD, Mode, PrivateBus, fake_service, private_bus, secret_service
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.custody.keyring import KeyringStore, open_keyring
from wizard.custody.keyring_errors import UNLOCK_COMMAND
from wizard.custody.keyring_process import KeyringProcess
from wizard.custody.keyring_worker.protocol import Op
from wizard.custody.store import try_out

pytestmark = pytest.mark.keyring
BACKEND = "keyring.backends.SecretService.Keyring"
BUS = "DBUS_SESSION_BUS_ADDRESS"


def labels(environ: dict[str, str]) -> list[str]:
    """Return the labels of all items in the default collection."""
    with open_dbus_connection(environ[BUS]) as connection:
        return [found.get_label() for found in Collection(connection).get_all_items()]


async def state_of(environ: dict[str, str]) -> str:
    try:
        await open_keyring(environ=environ)
    except CustodyError as error:
        return error.code
    return "ready"


async def test_an_unlocked_keyring_is_opened_and_named(unlocked: dict[str, str]) -> None:
    store = await open_keyring(environ=unlocked)
    assert store.label == "GNOME Keyring, collection login, unlocked"
    assert store.backend == BACKEND
    assert store.durable


async def test_the_canary_survives_a_real_keyring_and_is_gone_after(unlocked: dict[str, str]) -> None:
    store = await open_keyring(environ=unlocked)
    await store.write("key-wizard:test:trial-bird", Secret("x"))
    assert "Password for 'credentials' on 'key-wizard:test:trial-bird'" in labels(unlocked)
    await try_out(store)
    assert not [label for label in labels(unlocked) if ":trial:" in label]


@pytest.mark.parametrize(
    ("mode", "state", "what", "advice"),
    [
        ("locked", "locked", "The keyring is locked", UNLOCK_COMMAND),
        ("empty", "no-collection", "The keyring has no collection to store into", UNLOCK_COMMAND),
        ("hung", "service-hung", "The keyring program does not answer", "dialog"),
        ("none", "no-service", "No keyring program is on the session bus", "sudo apt-get install gnome-keyring dbus"),
    ],
)
async def test_a_keyring_that_cannot_be_used_is_refused_with_its_remedy(
    mode: Mode, state: str, what: str, advice: str
) -> None:
    with secret_service(mode) as environ:
        refusals = await asyncio.gather(
            open_keyring(environ=environ),
            KeyringStore(BACKEND, "a keyring", KeyringProcess(environ)).read("s"),
            KeyringStore(BACKEND, "a keyring", KeyringProcess(environ)).write("s", Secret("x")),
            return_exceptions=True,
        )
    for refusal in refusals:
        assert isinstance(refusal, CustodyError)
        assert (refusal.code, refusal.what) == (state, what)
        commands = [command for instruction in refusal.instructions for command in instruction.commands]
        assert advice in commands or advice in refusal.advice


async def test_a_keyring_that_hangs_in_the_middle_ends_at_the_deadline(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    store = await open_keyring(environ=own_bus.environ)
    own_bus.stop_keyring()
    with refused("timeout", match="could not store into the keyring within"):
        hurried = KeyringProcess(own_bus.environ, deadline=0.8)
        await KeyringStore(store.backend, store.label, hurried).write("s", Secret("x"))


@pytest.mark.parametrize("command", ["/bin/false", "/no/such/program"])
async def test_a_keyring_that_the_bus_cannot_start_is_told_from_one_that_is_missing(command: str) -> None:
    with private_bus({NAME: command}) as bus, refused("service-fails") as caught:
        await open_keyring(environ=bus.environ)
    assert "org.freedesktop.DBus.Error.Spawn" in caught.value.why


async def test_a_keyring_without_a_default_collection_for_an_instant_is_asked_again(own_bus: PrivateBus) -> None:
    async with fake_service(own_bus, "fake_secret_service.py", "some-keyring", "later"):
        assert await state_of(own_bus.environ) == "locked"


async def test_a_collection_in_memory_is_refused(unlocked: dict[str, str]) -> None:
    preferred = "KEYRING_PROPERTY_PREFERRED_COLLECTION"
    session = "/org/freedesktop/secrets/collection/session"
    assert await state_of({**unlocked, preferred: session}) == "memory-only"
    assert await state_of({**unlocked, preferred: session.replace("session", "no_such")}) == "no-collection"
    assert await state_of({**unlocked, preferred: session.replace("session", "login")}) == "ready"
    aliases = "/org/freedesktop/secrets/aliases/"
    assert await state_of({**unlocked, preferred: f"{aliases}session"}) == "memory-only"
    assert await state_of({**unlocked, preferred: f"{aliases}no_such"}) == "no-collection"
    named = await open_keyring(environ={**unlocked, preferred: f"{aliases}default"})
    assert named.label == "GNOME Keyring, collection login, unlocked"


async def test_a_user_bus_that_the_login_was_not_told_about_is_used_and_mentioned(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    untold = {name: value for name, value in own_bus.environ.items() if name != BUS}
    known_place = own_bus.directory / "run" / "bus"
    known_place.symlink_to(own_bus.socket)
    store = await open_keyring(environ=untold)
    assert store.label.endswith(f"unlocked, over the bus at {known_place}")
    await try_out(store)


async def test_the_null_backend_is_refused_beside_a_sound_keyring(unlocked: dict[str, str]) -> None:
    with pytest.raises(CustodyError, match=r"does not use the keyring backend .*null\.Keyring"):
        await open_keyring(environ={**unlocked, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})


async def test_a_sound_backend_named_by_its_class_is_opened(unlocked: dict[str, str]) -> None:
    store = await open_keyring(environ={**unlocked, "PYTHON_KEYRING_BACKEND": BACKEND})
    assert store.backend == BACKEND


async def test_a_strangers_backend_that_the_library_prefers_is_refused(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    install_plugin(own_bus.environ, priority=20)
    with pytest.raises(CustodyError, match=r"does not use the keyring backend stranger\.Keyring") as caught:
        await open_keyring(environ=own_bus.environ)
    assert caught.value.code == "backend-unknown"
    assert f"PYTHON_KEYRING_BACKEND={BACKEND}" in caught.value.advice


async def test_a_chain_is_expanded_and_its_secure_leaf_used_alone(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    traces = install_plugin(own_bus.environ, priority=6)
    choice = await KeyringProcess(own_bus.environ).call(Op.CHOICE)
    assert choice["leaves"][:2] == ["stranger.Keyring", BACKEND]
    await try_out(await open_keyring(environ=own_bus.environ))
    assert [file.name for file in traces.glob("written")] == []


async def test_a_broken_configuration_file_is_told(own_bus: PrivateBus) -> None:
    own_bus.start_keyring(unlock=True)
    configure(own_bus.environ, "default-keyring=keyring.backends.null.Keyring")
    with pytest.raises(CustodyError) as caught:
        await open_keyring(environ=own_bus.environ)
    assert "keyringrc.cfg" in caught.value.why


@pytest.mark.parametrize("mode", ["locked", "empty"])
async def test_the_command_that_is_advised_opens_the_keyring(own_bus: PrivateBus, mode: str) -> None:
    own_bus.start_keyring(unlock=mode == "locked")
    if mode == "locked":
        own_bus.kill_keyring()
        own_bus.start_keyring(unlock=False)
    assert await state_of(own_bus.environ) == {"locked": "locked", "empty": "no-collection"}[mode]
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", UNLOCK_COMMAND, stdin=asyncio.subprocess.PIPE, env=own_bus.environ
    )
    await shell.communicate(f"{PASSWORD}\n".encode())
    own_bus.adopt_keyring()
    assert await state_of(own_bus.environ) == "ready"
