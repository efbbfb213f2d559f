from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.beside.host import Host, host_with_a_key


@pytest.fixture
def host(clean_environment: Path) -> Iterator[tuple[Host, str]]:
    """A host with a key in use, and that API key."""
    with host_with_a_key() as made:
        yield made
