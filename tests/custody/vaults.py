"""Vaults over any store, each with a journal of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wizard.custody.store import Store
from wizard.custody.vault import Vault
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal


@pytest.fixture
def vaults(tmp_path: Path) -> Iterator[Callable[..., Vault]]:
    """Makes vaults over a store, each with a journal that is named, and made where there is none."""
    journals: dict[str, Journal] = {}

    def vault(store: Store, environment: str = "production", journal: str = "journal") -> Vault:
        if journal not in journals:
            journals[journal] = Journal(open_database(tmp_path / journal), time.time)
        return Vault(environment, journals[journal], store)

    yield vault
    for journal in journals.values():
        journal.close()
