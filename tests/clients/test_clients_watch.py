"""Other people's clients under `exec --watch`, on a real keyring: a rotation costs them no failed call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.beside.host import Host, host_with_a_key
from tests.canaries import Canaries
from tests.clients.conftest import Strangers
from tests.clients.surroundings import CLIENTS_PYTHON, PROGRAMS
from tests.commands.test_beside_a_wizard import WizardAtWork
from tests.commands.watched import Watched
from wizard.core.credentials import KeyKind
from wizard.custody.keyring import open_keyring

pytestmark = [pytest.mark.clients, pytest.mark.keyring]
GOES_ON = 8
"""Calls that are accepted before and after the legacy key is deleted."""
NAMES = {
    "ccxt": ("ccxt", "--as", "ccxt"),
    "freqtrade-style": ("ccxt", "--as", "freqtrade"),
    "python-binance": ("python-binance", "--key-file"),
    "binance-sdk-spot": ("binance-sdk-spot", "--as", "binance", "--key-file"),
}
"""For each bot the client that it needs, and the options of `exec`."""


@pytest.fixture
def host(clean_environment: Path) -> Iterator[tuple[Host, str]]:
    with host_with_a_key() as made:
        yield made


@pytest.mark.parametrize(
    ("bot", "kind"),
    [
        ("ccxt", KeyKind.ED25519),
        pytest.param("freqtrade-style", KeyKind.HMAC, marks=pytest.mark.slow),
        pytest.param("python-binance", KeyKind.ED25519, marks=pytest.mark.slow),
        pytest.param("binance-sdk-spot", KeyKind.HMAC, marks=pytest.mark.slow),
        # How each client signs with the other kind is in test_clients_flows.py.
        pytest.param("ccxt", KeyKind.HMAC, marks=pytest.mark.whole),
        pytest.param("freqtrade-style", KeyKind.ED25519, marks=pytest.mark.whole),
        pytest.param("python-binance", KeyKind.HMAC, marks=pytest.mark.whole),
        pytest.param("binance-sdk-spot", KeyKind.ED25519, marks=pytest.mark.whole),
    ],
)
def test_a_bot_works_through_a_rotation_and_the_deletion_of_its_legacy_key(
    bot: str, kind: KeyKind, host: tuple[Host, str], strangers: Strangers
) -> None:
    client, *options = NAMES[bot]
    strangers(client)
    here, old = host
    if kind is KeyKind.ED25519:
        old = here.bench.switch(asyncio.run(open_keyring(environ=here.environ)), kind=kind).api_key.reveal()
    before = here.living_keys()
    program = [CLIENTS_PYTHON, str(PROGRAMS / "bot.py"), bot, here.bench.base_url]
    command = [sys.executable, "-m", "wizard", "exec", "bench", "--watch", *options, "--", *program]
    environ = {name: text for name, text in here.environ.items() if not name.lower().endswith("_proxy")}
    with Watched(command, environ) as watched, closing(_Rotation(here, environ)) as rotation:
        heard = _until(watched, f"{old[-4:]} ok", GOES_ON)
        rotation.do("begin", "store" if kind is KeyKind.HMAC else "pair", "switch")
        (new,) = here.living_keys() - before
        heard += _until(watched, f"{new[-4:]} ok", GOES_ON)
        here.delete_key(old)
        heard += _until(watched, f"{new[-4:]} ok", GOES_ON)
        canaries = Canaries({"new": new})
        assert canaries.found(b"".join(map(_read, Path("/proc").glob("[0-9]*/cmdline")))) == []
        assert canaries.in_files(here.bench.paths.config.parent) == {}
    assert [line for line in heard if not line.endswith(" ok")] == []


class _Rotation(WizardAtWork):
    def __init__(self, host: Host, environ: dict[str, str]) -> None:
        super().__init__(host.bench, environ)
        self.step()

    def do(self, *words: str) -> str:  # type: ignore[override]
        return [super(_Rotation, self).do(word) for word in words][-1]

    def close(self) -> None:
        self.kill()


def _until(watched: Watched, line: str, times: int) -> list[str]:
    """Return what the bot says until it has said a line so often."""
    heard: list[str] = []
    while heard.count(line) < times:
        heard.append(watched.hear())
        assert len(heard) < 1000, heard[-5:]
    return heard


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
