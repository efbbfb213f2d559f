"""A machine without network: a namespace of its own, in which not even loopback is up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wizard.egress.detection import DEADLINE
from wizard.egress.services import load_services

ALONE = ("unshare", "--map-root-user", "--net")
START_UP = 15.0
"""Seconds for a busy machine to start an interpreter."""


def test_without_network_each_service_says_why_within_the_deadline(tmp_path: Path) -> None:
    try:
        subprocess.run([*ALONE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network namespace can be made here")
    environ = {"KEY_WIZARD_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    said = subprocess.run(
        [*ALONE, sys.executable, "-P", "-m", "wizard", "egress", "--json"],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
        timeout=DEADLINE + START_UP,
    )
    assert said.returncode == 6, said.stderr
    told = json.loads(said.stdout)
    assert (told["state"], told["address"]) == ("unknown", None)
    reasons = {sample["provider"]: sample["refusal"] for sample in told["samples"]}
    assert reasons.keys() == {service.name for service in load_services(None)}
    assert all(reasons.values()), reasons
