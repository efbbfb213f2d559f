from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.plain.script import PlainWorld
from tests.rotation.conftest import World as Bench
from tests.rotation.conftest import world as bench  # noqa: F401 - a fixture


@pytest.fixture
async def plain(bench: Bench) -> AsyncIterator[PlainWorld]:  # noqa: F811
    """An environment with a key in use."""
    async with bench.flow() as flow:
        await bench.put_key_in_use(flow)
    yield PlainWorld(bench)


@pytest.fixture
def empty(bench: Bench) -> PlainWorld:  # noqa: F811
    """An environment without a key."""
    return PlainWorld(bench)
