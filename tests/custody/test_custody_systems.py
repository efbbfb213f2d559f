"""Windows and macOS by keyring's own classes over stand-ins: the contract, the codes, and what does not fit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.custody.contract import StoreContract
from tests.custody.fake_systems import MACOS, WINDOWS, FakeKeychain, FakeWindows, in_process_store
from tests.custody.keys import ed25519_pair, hmac, rsa_4096_pair
from tests.custody.refusals import refused
from wizard.custody.backends import what_does_not_fit
from wizard.custody.errors import CustodyError
from wizard.custody.keyring import KeyringStore
from wizard.custody.keyring_worker import library
from wizard.custody.records import Slot
from wizard.custody.store import MemoryStore, try_out
from wizard.custody.vault import Vault
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    fake = FakeWindows()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def keychain(monkeypatch: pytest.MonkeyPatch) -> FakeKeychain:
    fake = FakeKeychain()
    fake.install(monkeypatch)
    return fake


class TestWindowsCredentialManager(StoreContract):
    can_list = False
    longest = 1280

    @pytest.fixture
    def store(self, windows: FakeWindows) -> KeyringStore:
        return in_process_store(WINDOWS)


class TestMacOSKeychain(StoreContract):
    can_list = False

    @pytest.fixture
    def store(self, keychain: FakeKeychain) -> KeyringStore:
        return in_process_store(MACOS)


@pytest.mark.parametrize(
    ("backend", "seen"),
    [("keyring.backends.kwallet.DBusKeyring", "mine"), ("keyring.backends.libsecret.Keyring", None)],
)
def test_kwallet_knows_this_program_by_the_name_that_the_user_gave_it(
    monkeypatch: pytest.MonkeyPatch, backend: str, seen: str | None
) -> None:
    monkeypatch.setenv("KEYRING_PROPERTY_APPID", "mine")
    names = []

    class Ring:
        def __init__(self, _: str) -> None:
            names.append(os.environ.get("KEYRING_PROPERTY_APPID"))  # as a backend looks when it is made

        def get_password(self, *_: str) -> None: ...

    monkeypatch.setattr("keyring.core.load_keyring", Ring)
    assert library.read(backend, "name", "user") is None
    assert names == [seen]


async def test_windows_over_ssh_is_told_by_its_number(windows: FakeWindows) -> None:
    windows.refusal = 1312
    with pytest.raises(CustodyError) as caught:
        await try_out(in_process_store(WINDOWS))
    assert caught.value.code == "network-login"
    assert "Remote Desktop" in caught.value.advice
    assert "1312" in caught.value.why


@pytest.mark.parametrize(
    ("number", "state", "advice"),
    [(-25308, "locked", "security unlock-keychain"), (-25293, "denied", "signature"), (-128, "declined", "allow")],
)
async def test_a_keychain_that_refuses_is_told_by_its_number(
    keychain: FakeKeychain, number: int, state: str, advice: str
) -> None:
    keychain.refusal = number
    with pytest.raises(CustodyError) as caught:
        await in_process_store(MACOS).read("s")
    assert caught.value.code == state
    assert advice in caught.value.advice
    assert str(number) in caught.value.why
    assert "text of the system" not in " ".join(caught.value.sentences())


async def test_what_windows_cannot_hold_is_refused_before_anything_is_written_or_announced(
    windows: FakeWindows, tmp_path: Path
) -> None:
    journal = Journal(open_database(tmp_path / "journal"), lambda: 0.0)
    vault = Vault("e", journal, in_process_store(WINDOWS), lambda: 0.0)
    with refused("too-long", match="too long for Windows Credential Manager"):
        await vault.put(rsa_4096_pair(), Slot.PENDING)
    assert (windows.items, journal.keys("e")) == ({}, ())
    for number, fits in enumerate((ed25519_pair(), hmac(api_key="k" * 64))):
        record = await vault.put(fits, Slot.PENDING)
        assert await vault.fetch(record) == fits, number
    journal.close()


def test_it_is_said_before_a_key_is_created_what_does_not_fit() -> None:
    assert "RSA" in what_does_not_fit(WINDOWS)
    assert "Ed25519" in what_does_not_fit(WINDOWS)
    assert what_does_not_fit(MACOS) == what_does_not_fit(MemoryStore.backend) == ""
