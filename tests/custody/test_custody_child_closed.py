"""The keyring's child holds secrets: no other program of the same user may look into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ordinary_user import ROOT, as_ordinary, ordinary_python

_LOOK = """
import json, subprocess, sys, time
from wizard.custody.keyring_process import COMMAND

def seen(pid, what):
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return b"HELD=1" in file.read() if what == "environ" else True
    except PermissionError:
        return "refused"

def look(command, is_closed):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"HELD": "1"})
    try:
        expires = time.monotonic() + 20
        while (seen(child.pid, "environ") == "refused") != is_closed and time.monotonic() < expires:
            time.sleep(0.02)
        return {what: seen(child.pid, what) for what in ("environ", "mem")}
    finally:
        child.kill()
        child.communicate()

plain = look([sys.executable, "-c", "input()"], is_closed=False)
print(json.dumps({"plain": plain, "worker": look(COMMAND, is_closed=True)}))
"""


def judge(command: list[str]) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(
        [*command, "-c", _LOOK], cwd=ROOT, env=environ, stdout=subprocess.PIPE, timeout=60, check=True
    )
    said = json.loads(told.stdout)
    if said["plain"] != {"environ": True, "mem": True}:
        pytest.skip(f"this kernel closes every process: {said['plain']}")
    assert said["worker"] == {"environ": "refused", "mem": "refused"}


@pytest.mark.skipif(sys.platform != "linux" or not Path("/proc/self/environ").exists(), reason="Linux's own way")
def test_another_program_of_the_same_user_cannot_read_the_memory_or_the_environment_of_the_keyring_s_child() -> None:
    if os.geteuid():
        judge([sys.executable])
        return
    with ordinary_python() as python:
        judge(as_ordinary(python))
