"""Home in lines: the page itself is tested in tests/steps/test_home_page.py; here is what somebody types and reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.custody.fakes import PASSWORD, FakeLocked, FakeLockingCustodian, FakeWithoutBus
from tests.plain.script import PlainWorld, visit
from tests.plain.walks import RETIRE, SWITCH, TO_CREDENTIALS, from_page, typed
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Place, load
from wizard.custody.encrypted_file import make_file
from wizard.rotation.flow import Flow
from wizard.rotation.model import Step


class LockedWorld(PlainWorld):
    """The bench behind a place that has to be opened first."""

    @asynccontextmanager
    async def flow(self, environment: Environment) -> AsyncIterator[Flow]:
        assert self.custodian is not None
        await self.custodian.open()
        async with super().flow(environment) as flow:
            yield flow


async def test_a_locked_keyring_is_unlocked_in_a_line_after_a_wrong_password(plain: PlainWorld, tmp_path: Path) -> None:
    world = LockedWorld(plain.bench, custodian=FakeLocked(tmp_path))
    seen = await visit(
        world,
        ("The keyring is locked", "unlock"),
        ("Unlock the keyring", "wrong horse"),
        ("This password does not open the keyring", PASSWORD),
        ("Replace …", "quit"),
    )
    assert PASSWORD not in seen.text
    assert "wrong horse" not in seen.text


async def test_without_a_keyring_enter_leads_to_the_passphrase_of_an_encrypted_file(
    plain: PlainWorld, tmp_path: Path
) -> None:
    custodian = FakeWithoutBus(tmp_path)
    await visit(
        LockedWorld(plain.bench, custodian=custodian),
        ("no session bus", ""),
        ("only this passphrase opens", "short"),
        ("The same once more", "short"),
        ("12 characters or more", "seven random words"),
        ("The same once more", "seven random words"),
        ("Replace …", "quit"),
    )
    assert custodian.custody.place is Place.ENCRYPTED_FILE
    assert load(tmp_path / "config.toml").custody.place is Place.ENCRYPTED_FILE
    assert (tmp_path / "credentials.vault").exists()


async def test_going_back_uses_nothing_weaker(plain: PlainWorld, tmp_path: Path) -> None:
    seen = await visit(
        LockedWorld(plain.bench, custodian=FakeLocked(tmp_path)),
        ("The keyring is locked", "file"),
        ("only this passphrase opens", "back"),
        ("1. unlock:", "keyring"),
        ("Unlock it.", "quit"),
    )
    assert "value was written" not in seen.text
    assert not (tmp_path / "credentials.vault").exists()
    assert not (tmp_path / "config.toml").exists()


async def test_a_current_key_that_is_not_stored_any_more_is_told_and_struck_off_by_a_typed_word(
    plain: PlainWorld,
) -> None:
    async with plain.bench.flow() as flow:
        current = flow.current
        assert current is not None
        await flow.context.vault.store.delete(current.item)
    await visit(
        plain,
        (f"{current.name} is missing", "delete"),
        ("Nothing changes on Binance", "no"),
        ("You typed something else", "delete"),
        ("The record is deleted.", "quit"),
    )
    seen = await visit(plain, ("Do you already have a key?", "quit"))
    assert "missing" not in seen.text


async def test_an_unknown_stored_key_is_told_and_left_alone(plain: PlainWorld) -> None:
    async with plain.bench.flow() as flow:
        store = flow.context.vault.store
    await store.write("key-wizard:bench:0123456789ab", Secret("another journal's"))
    seen = await visit(plain, ("Replace …", "quit"))
    assert "key-wizard storage bench" in seen.text
    assert await store.read("key-wizard:bench:0123456789ab") == Secret("another journal's")


async def test_a_whole_rotation_never_calls_the_encrypted_file_a_keyring(empty: PlainWorld, tmp_path: Path) -> None:
    store = await make_file(tmp_path / "credentials.vault", Secret("seven random words"), 10)
    empty.bench.store, empty.place = store, store.place  # type: ignore[assignment]
    async with empty.bench.flow() as flow:
        await empty.bench.put_key_in_use(flow)
    walk = [*TO_CREDENTIALS, *from_page("ed25519"), *SWITCH, *RETIRE]
    with_help = [line for said, answer in walk for line in ((said, "help"), ("Help.", answer))]
    ended = await visit(empty, *with_help, ("What is proven?", "quit"))
    assert "encrypted file" in ended.text
    assert [line for line in ended.console.lines if "keyring" in line.lower()] == []


async def test_a_keyring_locked_in_the_middle_of_the_credentials_step_is_unlocked_there_and_nothing_typed_is_lost(
    empty: PlainWorld, tmp_path: Path
) -> None:
    custodian = FakeLockingCustodian(tmp_path)
    empty.bench.store = custodian.store  # type: ignore[assignment]
    async with empty.bench.flow() as flow:
        await empty.bench.put_key_in_use(flow)
    *steps, (asked, secret) = [*TO_CREDENTIALS, *typed(await empty.bench.make_key())]

    async def lock_and_type() -> str:
        custodian.store.is_locked = True
        return str(secret)

    ended = await visit(
        LockedWorld(empty.bench, custodian=custodian),
        *steps,
        (asked, lock_and_type),
        ("The keyring is locked", "wrong horse"),
        ("This password does not open the keyring", PASSWORD),
        *SWITCH,
    )
    assert ended.left_at is Step.RETIRE
    assert PASSWORD not in ended.text
