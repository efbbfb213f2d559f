"""No error calls one place by another's name, whoever raises it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wizard
from tests.custody import fakes
from tests.custody.keys import hmac
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import EncryptedFileStore
from wizard.custody.errors import CustodyError
from wizard.custody.keyring import KeyringStore
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import MemoryStore
from wizard.custody.vault import Vault
from wizard.rotation.current_credentials import NoCurrentKeyError, fetch

ROOT = Path(wizard.__file__).parent
OF_THE_KEYRING_ALONE = {
    *(
        f"custody/{name}.py"
        for name in ("backends", "keyring", "keyring_process", "questions", "keyring_errors", "store")
    ),
    "rehearsal/scenarios.py",
    "steps/home.py",
}
"""What only somebody sees whose place is the keyring, or who is asked to choose one."""
NAMES_BOTH = {
    "custody/custodian.py",
    *(f"commands/{name}.py" for name in ("check", "doctor", "exec", "storage")),
}
"""Here the encrypted file stands beside it."""


def in_the_file(store: MemoryStore) -> MemoryStore:
    store.place, store.by_hand = EncryptedFileStore.place, EncryptedFileStore.by_hand
    return store


@pytest.mark.parametrize(
    "store",
    [
        fakes.FakeStoringNothing(),
        fakes.FakeKeepingFirstLine(),
        fakes.FakeLeavingItEmpty(),
        fakes.FakeDeletingNothing(),
    ],
)
async def test_a_store_that_misbehaves_is_called_by_its_own_name(
    vaults: Callable[..., Vault], store: MemoryStore
) -> None:
    vault = vaults(in_the_file(store))
    with pytest.raises(CustodyError) as refused:
        await vault.purge(await vault.put(hmac(), Slot.PENDING), "a test")
    expect_only_the_file(refused.value)


async def test_an_item_of_somebody_else_is_told_to_be_where_it_is(vaults: Callable[..., Vault]) -> None:
    vault = vaults(in_the_file(MemoryStore()))
    record = await vault.put(hmac(), Slot.PENDING)
    await vault.store.write(record.item, Secret("somebody else's"))
    with pytest.raises(CustodyError) as refused:
        await vault.purge(record, "a test")
    expect_only_the_file(refused.value)
    with pytest.raises(CustodyError) as refused:
        await vault.fetch(record)
    assert "keyring" not in " ".join(refused.value.sentences())


async def test_a_program_whose_key_is_not_in_the_file_is_told_so() -> None:
    name = hmac().name
    record = KeyRecord("production", name, hmac().kind, Slot.CURRENT, Holding.STORED, "item", "there", "", 0.0)
    with pytest.raises(NoCurrentKeyError) as refused:
        await fetch(record, in_the_file(MemoryStore()))
    expect_only_the_file(refused.value)


def expect_only_the_file(error: wizard.core.errors.WizardError) -> None:
    told = " ".join(error.sentences())
    assert "the encrypted file" in told.lower()
    assert "keyring" not in told


def test_each_kind_of_place_has_a_name_of_its_own() -> None:
    assert len({KeyringStore.place, EncryptedFileStore.place, MemoryStore.place}) == 3


def test_no_text_outside_of_the_keyring_s_own_modules_says_keyring() -> None:
    """The walks see no error that does not happen: this sees every sentence."""
    assert sorted(speaking_of_a_keyring() - OF_THE_KEYRING_ALONE - NAMES_BOTH) == []


def speaking_of_a_keyring() -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not path.is_relative_to(ROOT / "custody" / "keyring_worker")
        and any("keyring" in text.lower() and " " in text for text in texts(path))
    }


def texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
