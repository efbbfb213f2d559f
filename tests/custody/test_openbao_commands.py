"""Commands whose place is OpenBao: what they hand out, where nothing is left, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import Canaries
from tests.commands.conftest import Bench, Command, addresses, bench, command, loop_elsewhere  # noqa: F401 - fixtures
from tests.custody.bao import Bao
from wizard.core.settings import OpenBao, load
from wizard.custody.openbao import OpenBaoStore
from wizard.rotation.current_credentials import current_credentials

REPOSITORY = Path(__file__).parents[2]
SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), open('/proc/self/cmdline').read()]))"


@pytest.fixture
def store(bao: Bao, bench: Bench, clean_environment: Path) -> OpenBaoStore:  # noqa: F811
    """What the settings of the bench name from now on; the token is in the file that a login leaves."""
    bench.configure(
        f'[custody]\nplace = "openbao"\n[custody.openbao]\nurl = "{bao.url}"\nca_file = "{bao.ca_file}"\n'
        f'path = "key-wizard/{clean_environment.name}"\n'
    )
    file = clean_environment / ".vault-token"
    file.touch(0o600)
    file.write_text(bao.token())
    chosen = load(bench.paths.config_file).custody.openbao
    assert isinstance(chosen, OpenBao)
    return OpenBaoStore(chosen, 20)


def test_storage_tries_it_and_leaves_nothing(bao: Bao, store: OpenBaoStore, command: Command) -> None:  # noqa: F811
    said = command("storage", "--json")
    assert said.code == 0
    place = said.json["checks"][0]
    assert (place["state"], place["backend"]) == ("ready", store.backend)
    assert store.label in place["observed"]
    assert bao.held(store.backend.removeprefix("openbao:secret/") + "/") == []


def test_a_bot_gets_the_key_and_neither_token_nor_secret_is_anywhere_else(
    bench: Bench,  # noqa: F811
    store: OpenBaoStore,
    clean_environment: Path,
) -> None:
    credentials = bench.put_in_use(store)
    token = (clean_environment / ".vault-token").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "wizard", "exec", "bench", "--", sys.executable, "-c", SHOW],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    environ, argv = json.loads(done.stdout)
    key, secret = credentials.api_key.reveal(), credentials.signing.reveal()
    assert (environ["BINANCE_API_KEY"], environ["BINANCE_API_SECRET"]) == (key, secret)
    assert current_credentials("bench") == credentials
    canaries = Canaries({"API key": key, "secret": secret, "token": token})
    assert canaries.found(f"{argv}{done.stderr}{dict(os.environ)}") == []
    assert [*canaries.in_files(clean_environment)] == [str(clean_environment / ".vault-token")]
    assert token not in str(environ)


def test_a_server_that_is_sealed_ends_each_command_with_5(
    bao: Bao,
    bench: Bench,  # noqa: F811
    store: OpenBaoStore,
    command: Command,  # noqa: F811
) -> None:
    bench.put_in_use(store)
    bao.root.sys.seal()
    try:
        said = command("storage", "--json")
        assert (said.code, said.json["checks"][0]["state"]) == (5, "sealed")
        assert "Unseal it" in command("storage").out
        for line in (("storage", "bench", "--json"), ("check", "bench", "--json"), ("exec", "bench", "--", "true")):
            assert command(*line).code == 5, line
    finally:
        bao.unseal()


def test_the_settings_may_name_it_beside_another_place(bench: Bench) -> None:  # noqa: F811
    bench.configure('[custody]\nplace = "encrypted-file"\n[custody.openbao]\nurl = "https://bao.example"\n')
    assert load(bench.paths.config_file).custody.openbao is not None
