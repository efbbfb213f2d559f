from __future__ import annotations

import pytest

from tests.custody.contract import StoreContract
from wizard.custody.errors import CustodyError
from wizard.custody.keyring import KeyringStore
from wizard.custody.keyring_process import KeyringProcess
from wizard.custody.store import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring", "unheard.of.Keyring", ""]
)
def test_no_keyring_store_exists_for_a_backend_that_may_not_hold_secrets(backend: str) -> None:
    with pytest.raises(CustodyError, match="does not use"):
        KeyringStore(backend, "a keyring", KeyringProcess({}))
