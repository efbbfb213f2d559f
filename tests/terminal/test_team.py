"""A new member's way: an empty home, the team's file, the README's commands, and at its end a proven key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.canaries import leaked
from tests.secret_service import secret_service
from tests.terminal.harness import Terminal
from tests.terminal.keys import ENTER
from wizard.egress.services import load_services

pytestmark = [pytest.mark.terminal, pytest.mark.keyring]
PROGRAM = str(Path(sys.executable).with_name("key-wizard"))
HERE = "203.0.113.42"
TEAM = """\
[policy]
required = ["ipRestrict", "enableSpotAndMarginTrading"]
forbidden = ["enableWithdrawals"]
max_age = "90 days"

[environments.production]
site = "custom"
base_url = "{base_url}"
tolerated_ranges = ["documentation"]

[environments.production.whitelist]
"203.0.113.42" = "office"
"""


@pytest.fixture
def exchange() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "wizard", "exchange", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def only_here(home: Path, base_url: str) -> None:
    """Have the echo services of the embedded exchange asked, and none outside."""
    file = home / "config" / "key-wizard" / "services.toml"
    file.parent.mkdir(mode=0o700, parents=True)
    shipped = "".join(f"[{service.name}]\nenabled = false\n" for service in load_services(None))
    own = (
        f'[echo-{shape}]\noperator = "operator {shape}"\nurl = "{base_url}/echo/{shape}"\nparser = "{shape}"\n'
        for shape in ("plain", "json", "trace")
    )
    file.write_text(shipped + "".join(own))


def made(exchange: Mapping[str, Any], *permissions: str) -> dict[str, str]:
    body = {"label": "bot", "kind": "hmac", "permissions": ["enableReading", *permissions], "whitelist": HERE}
    answer = httpx.post(f"{exchange['desk_url']}/keys", json=body, trust_env=False)
    found: dict[str, str] = answer.raise_for_status().json()
    return found


@pytest.mark.slow
def test_from_an_empty_home_to_a_proven_key(tmp_path: Path, exchange: dict[str, Any]) -> None:
    key = made(exchange, "enableSpotAndMarginTrading")
    with secret_service() as login:
        home = Path(login["HOME"])
        only_here(home, exchange["base_url"])
        (tmp_path / "team.toml").write_text(TEAM.format(base_url=exchange["base_url"]))
        env = {**os.environ, **login}
        env.pop("KEY_WIZARD_HOME", None)

        def said(*arguments: str) -> tuple[int, str]:
            done = subprocess.run(
                [PROGRAM, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            return done.returncode, done.stdout + done.stderr

        with Terminal([PROGRAM, "--team", "team.toml", "--plain"], env=env, cwd=tmp_path, size=(120, 60)) as terminal:
            terminal.wait_for(f'production.base_url = "{exchange["base_url"]}"', "Type trust to go on")
            terminal.send("trust" + ENTER)
            terminal.wait_for("not set up", "[import]")
            terminal.send("import" + ENTER)
            terminal.wait_for("[save]")
            terminal.send("save" + ENTER)
            terminal.wait_for("API key, typing is not shown")
            terminal.send(key["api_key"] + ENTER)
            terminal.wait_for("ecret, typing is not shown")
            terminal.send(key["secret"] + ENTER)
            terminal.wait_for("The key keeps to your policy", "[use]")
            terminal.send("use" + ENTER)
            terminal.wait_for("key-wizard exec production")
            terminal.wait_for("[home]")
            terminal.send("quit" + ENTER)
            assert terminal.wait() == 0
            assert "All is as team.toml says." in terminal.screen()
            drawn = terminal.drawn
        assert leaked(key["secret"], drawn) + leaked(key["api_key"], drawn) == []
        assert said("check", "production")[0] == 0
        assert said("team", "check", "team.toml") == (0, "All is as team.toml says.\n")
        code, exported = said("team", "export")
        assert (code, tomllib.loads(exported)) == (0, tomllib.loads((tmp_path / "team.toml").read_text()))
        assert key["api_key"][:12] not in exported
