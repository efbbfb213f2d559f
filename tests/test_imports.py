"""What is not needed is not loaded, and the core knows no screens: seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BELOW_THE_SCREENS = [
    "wizard.rotation.flow",
    "wizard.rehearsal.player",
    "wizard.egress.detection",
    "wizard.whitelist",
    "wizard.exchange.client",
    "wizard.custody.keyring",
    "wizard.rehearsal.session",
    "wizard.rehearsal.simulator",
    "wizard.cli",
]


def loaded_by(module: str, then: str = "pass") -> set[str]:
    code = f"import json, sys, {module}; {then}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("module", BELOW_THE_SCREENS)
def test_the_core_is_free_of_its_interface(module: str) -> None:
    # Not asked for rich: httpx loads it for its own command line where it is installed.
    assert "textual" not in loaded_by(module)


@pytest.mark.parametrize(
    "module", ["wizard.cli", "wizard.whitelist", "wizard.exchange.diagnosis", "wizard.rotation.retirement"]
)
def test_judgements_load_neither_network_nor_keyring(module: str) -> None:
    assert not loaded_by(module) & {"httpx", "keyring", "cryptography", "uvicorn"}


def test_status_loads_no_network_and_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_WIZARD_HOME", str(tmp_path))
    run = "from wizard.core.safety import Inherited; wizard.cli.run(['status', '--json'], Inherited({}, 0o022, 0))"
    loaded = loaded_by("wizard.cli", run)
    assert "sqlite3" in loaded, "it ran"
    assert not loaded & {"httpx", "httpcore", "websockets", "keyring", "cryptography", "textual", "asyncio"}


def test_exec_loads_only_what_one_item_of_the_keyring_needs() -> None:
    loaded = loaded_by("wizard.commands.exec")
    assert "sqlite3" in loaded, "the journal is read"
    assert not loaded & {"asyncio", "filelock", "cryptography", "keyring", "httpx", "ssl", "textual"}


def test_the_home_screen_loads_nothing_that_only_an_open_environment_needs() -> None:
    loaded = loaded_by("wizard.tui.app")
    assert "textual" in loaded
    assert not loaded & {"httpx", "httpcore", "websockets", "cryptography", "keyring", "filelock", "starlette"}
