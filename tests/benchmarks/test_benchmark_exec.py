"""What `key-wizard exec` costs a bot at its start, beside the keyring library's own command for the same item."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pytest

from tests.secret_service import secret_service
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.keyring import open_keyring
from wizard.custody.records import Slot
from wizard.custody.vault import Vault
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal

pytestmark = [pytest.mark.benchmark, pytest.mark.keyring]

PAIRS = 15
GOAL = 1.2
ROOT = Path(__file__).parents[2]


async def test_a_key_is_handed_over_about_as_fast_as_the_keyring_gives_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with secret_service("unlocked") as login:
        environ = {**login, "KEY_WIZARD_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        item = await key_in_use(tmp_path, environ)
        hand_over = [sys.executable, "-m", "wizard", "exec", "bench", "--", "printenv", "BINANCE_API_KEY"]
        get = [sys.executable, "-m", "keyring", "get", item, "credentials"]
        seconds(hand_over, environ), seconds(get, environ)
        pairs = [(seconds(hand_over, environ), seconds(get, environ)) for _ in range(PAIRS)]
    ratio = median(one / other for one, other in pairs)
    with capsys.disabled():
        print(
            f"\nexec of a stored key: {median(one for one, _ in pairs) * 1000:.0f} ms, {ratio:.2f} × `keyring get` of"
            f" the same item ({median(other for _, other in pairs) * 1000:.0f} ms; {PAIRS} pairs in turn; goal {GOAL})"
        )
    assert ratio <= GOAL


async def key_in_use(home: Path, environ: Mapping[str, str]) -> str:
    paths = Paths(home / "config", home / "state")
    paths.create()
    paths.config_file.write_text('[environments.bench]\nsite = "testnet"\n')
    journal = Journal(open_database(paths.journal), time.time)
    credentials = Credentials(KeyKind.HMAC, Secret(os.urandom(32).hex()), Secret(os.urandom(32).hex()))
    record = await Vault("bench", journal, await open_keyring(environ=environ)).put(credentials, Slot.CURRENT)
    journal.close()
    return record.item


def seconds(command: list[str], environ: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begun
    assert len(done.stdout) >= 64, done.stderr
    return taken
