"""What the doctor says of a real keyring in each condition: to this user and, if that is root, to an ordinary one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.secret_service import require_daemons
from wizard.custody.worker.protocol import PATIENCE

pytestmark = pytest.mark.keyring
ROOT = Path(__file__).parents[2]
ORDINARY = 65534
"""Nobody, who owns nothing."""
EXPECTED = {
    "unlocked": "ready",
    "locked": "locked",
    "empty": "no-collection",
    "unencrypted": "unencrypted",
    "hung": "service-hung",
    "none": "no-service",
}


@pytest.fixture
def python() -> Iterator[str]:
    """An interpreter that an ordinary user may run, with the packages of this one."""
    base = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        made = base and not subprocess.run([base, "-m", "venv", "--without-pip", directory], check=False).returncode
        site = Path(directory, "lib", f"python{version}", "site-packages")
        if not made or not site.is_dir():
            pytest.skip(f"the system has no Python {version} that an ordinary user may run")
        (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
        yield f"{directory}/bin/python3"


def can_read(python: str) -> bool:
    """Whether an ordinary user can read this checkout and what it needs."""
    trial = as_ordinary(python, "-c", "import keyring, wizard.custody")
    return not subprocess.run(trial, cwd=ROOT, check=False, capture_output=True).returncode


def as_ordinary(*command: str) -> list[str]:
    return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--", *command]


async def conditions(command: list[str]) -> dict[str, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": "/nonexistent",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return {said["mode"]: said for said in map(json.loads, output.splitlines())}


def judge(said: dict[str, dict[str, Any]]) -> None:
    assert {mode: told["state"] for mode, told in said.items()} == EXPECTED
    assert {mode: told["code"] for mode, told in said.items()} == {mode: 5 * (mode != "unlocked") for mode in EXPECTED}
    assert "GNOME keyring, collection login, unlocked," in said["unlocked"]["observed"]
    assert all(told["observed"] for told in said.values())
    assert all(told["advice"] for mode, told in said.items() if mode != "unlocked")
    assert {mode for mode, told in said.items() if told["opened"]} == {"locked", "empty", "unencrypted"}
    # Interpreters start for it; what is waited for beyond that has its own deadline.
    assert all(told["seconds"] < PATIENCE + 8 for told in said.values())


async def test_each_condition_has_its_sentence_and_its_remedy() -> None:
    require_daemons()
    judge(await conditions([sys.executable, "-m", "tests.keyring.conditions"]))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become an ordinary user")
async def test_an_ordinary_user_is_told_the_same(python: str) -> None:
    require_daemons()
    program = [python, "-m", "tests.keyring.conditions"]
    if not can_read(python):
        pytest.skip("an ordinary user cannot read this checkout")
    judge(await conditions(as_ordinary(*program)))
