"""The printed commands, run as they are: `key-wizard`, `sudo` and `systemd-creds` are stand-ins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from wizard.custody.custodian import explain_services

STAND_INS = {
    "sudo": 'exec "$@"',
    "systemd-creds": 'cat >"$4"',
    "key-wizard": 'shift 3; [ -z "$FAILS" ] || exit 5; unset FAILS; exec "$@"',
}


def run(directory: Path, **environ: str) -> tuple[int, str]:
    """Run the command for the secret where an older one is stored; return how it ended and what is stored then."""
    for name, text in STAND_INS.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o700)
    stored = directory / "binance-api-secret"
    stored.write_text("older")
    (command,) = (one for one in explain_services("bench") if "sh -c" in one and "BINANCE_API_SECRET" in one)
    found = {**environ, "PATH": f"{directory}:{os.environ['PATH']}"}
    printed = command.replace("/etc/credstore.encrypted", str(directory))
    ended = subprocess.run(["sh", "-c", printed], env=found, check=False, capture_output=True, timeout=10)
    return ended.returncode, stored.read_text()


def test_the_command_for_a_service_hands_the_secret_over(tmp_path: Path) -> None:
    assert run(tmp_path, BINANCE_API_SECRET='a "secret" $x') == (0, 'a "secret" $x')


@pytest.mark.parametrize("environ", [{"FAILS": "1"}, {"BINANCE_PRIVATE_KEY": "pem"}])
def test_what_a_service_has_is_not_replaced_by_nothing(tmp_path: Path, environ: dict[str, str]) -> None:
    code, stored = run(tmp_path, **environ)
    assert (code != 0, stored) == (True, "older")
