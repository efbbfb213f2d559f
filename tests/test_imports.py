"""What is not needed is not loaded, and the core knows no screens: seen from a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

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


def loaded_by(module: str) -> set[str]:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("module", BELOW_THE_SCREENS)
def test_the_core_is_free_of_its_interface(module: str) -> None:
    # Not asked for rich: httpx loads it for its own command line where it is installed.
    assert "textual" not in loaded_by(module)


@pytest.mark.parametrize(
    "module", ["wizard.cli", "wizard.whitelist", "wizard.exchange.diagnosis", "wizard.rotation.retirement"]
)
def test_judgements_load_neither_network_nor_keyring(module: str) -> None:
    assert not loaded_by(module) & {"httpx", "keyring", "cryptography", "uvicorn"}
