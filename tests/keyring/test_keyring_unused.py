"""Keys that were entered and is not in use, in a real keyring: kept as long as they may live, and deleted with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tests.rotation.conftest import World
from tests.rotation.test_unused_keys import ends, last_four, with_two_left
from wizard.core.settings import Paths
from wizard.custody.keyring import open_keyring
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.model import Grade, Mode

pytestmark = pytest.mark.keyring


@pytest.mark.slow
async def test_two_forgotten_keys_leave_the_keyring_when_both_are_proven_dead(
    unlocked: dict[str, str], tmp_path: Path
) -> None:
    paths = Paths(tmp_path / "config", tmp_path / "state")
    async with serve(EmbeddedExchange()) as addresses:
        page = SimulatedPage(addresses.desk_url)

        async def opened() -> World:
            """A run of its own, with a worker of its own."""
            return World(addresses.base_url, page, paths, cast(Any, await open_keyring(environ=unlocked)))

        world = await opened()
        before = set(await world.store.names("key-wizard:bench:"))
        async with world.flow() as flow:
            old, *forgotten = await with_two_left(world, flow)
            await page.delete(old.api_key)
            await world.kill(flow)
            report = await flow.purge()
            assert [left.split()[0] for left in report.left] == [f"…{name}" for name in last_four(*forgotten)]
        world = await opened()
        kept = set(await world.store.names("key-wizard:bench:")) - before
        assert len(kept) == 3, "the key in use, and the two that may live"
        async with world.flow() as flow:
            await flow.begin(Mode.RETIRE)
            for key in forgotten:
                await page.delete(key.api_key)
            await world.kill(flow)
            assert ends(await flow.purge()) == dict.fromkeys(last_four(*forgotten), Grade.PROVEN)
            assert flow.current is not None
            assert set(await world.store.names("key-wizard:bench:")) - before == {flow.current.item}
