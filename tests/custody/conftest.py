"""No test here may reach a user's keyring: each sees a login without a bus, in a directory of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.custody.hung_bus import HungBus
from tests.custody.vaults import vaults  # noqa: F401 - a fixture
from tests.secret_service import bare_environ

if TYPE_CHECKING:
    from tests.custody.bao import Bao


@pytest.fixture
def login() -> Iterator[dict[str, str]]:
    """The environment of a login without a session bus."""
    with tempfile.TemporaryDirectory(prefix="kw-") as home:
        yield bare_environ(Path(home))


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """One OpenBao for all tests that leave it as it was."""
    from tests.custody.bao import Bao

    server = Bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.kill()


@pytest.fixture
async def hung_bus(login: dict[str, str]) -> AsyncIterator[HungBus]:
    """A session bus that lets everybody in and then answers nothing."""
    bus = HungBus()
    path = f"{login['XDG_RUNTIME_DIR']}/hung"
    server = await asyncio.start_unix_server(bus.serve, path)
    bus.environ = {**login, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}
    yield bus
    server.close()
    bus.hang_up()
    await server.wait_closed()
