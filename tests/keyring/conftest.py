"""A real Secret Service, once for all tests that only use it and do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.custody.vaults import vaults  # noqa: F401 - a fixture
from tests.secret_service import PrivateBus, private_bus, secret_service


@pytest.fixture(scope="session")
def unlocked() -> Iterator[dict[str, str]]:
    """The environment of a login with an unlocked keyring."""
    with secret_service("unlocked") as environ:
        yield environ


@pytest.fixture
def own_bus() -> Iterator[PrivateBus]:
    """A bus for one test, without a keyring until the test starts it."""
    with private_bus() as bus:
        yield bus
