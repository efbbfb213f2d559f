"""`check --hosts` over a real sshd: the key is proven from hosts on its list, and a host that Binance refuses fails."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.commands.conftest import HERE, Bench, Command, Said
from tests.egress.bots import Bot, are_possible, section, start_bots
from tests.egress.lab import IS_REQUIRED, MISSING, Lab, start_lab
from wizard.custody.store import Store

LISTED, UNLISTED = "198.51.100.1", "198.51.100.2"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """OpenSSH, its client found first, and sockets in a directory whose path is short."""
    missing = [*MISSING, *([] if are_possible() else ["the right to make network namespaces"])]
    if missing:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"not here: {', '.join(missing)}")
    made = start_lab(tmp_path)
    monkeypatch.setenv("PATH", f"{made.directory}{os.pathsep}{os.environ['PATH']}")
    with TemporaryDirectory(dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield made
    made.stop()


@pytest.fixture
def bots(lab: Lab, bench: Bench, loop_elsewhere: asyncio.AbstractEventLoop) -> Iterator[dict[str, Bot]]:
    started = start_bots(["bot-1", "bot-2"], int(bench.base_url.rpartition(":")[2]))
    enter = asyncio.run_coroutine_threadsafe(started.__aenter__(), loop_elsewhere)
    bots = enter.result(30)
    lab.configure(*(section(lab, bot) for bot in bots.values()))
    nat = {"127.0.0.1": HERE, "127.0.1.1": LISTED, "127.0.1.2": UNLISTED}
    httpx.put(f"{bench.desk_url}/nat", json=nat, trust_env=False).raise_for_status()
    bench.configure('hosts = ["bot-1", "bot-2"]\n')
    yield bots
    asyncio.run_coroutine_threadsafe(started.__aexit__(None, None, None), loop_elsewhere).result(30)


def test_each_host_is_named_with_what_its_call_came_to(
    bench: Bench, bots: dict[str, Bot], fake_keyring: Store, command: Command
) -> None:
    key = bench.put_in_use(fake_keyring, whitelist=f"{HERE},{LISTED}")
    said = command("check", "bench", "--hosts", "--json")
    found = {check["subject"].split()[-1]: check for check in said.json["checks"] if "bot-" in check["subject"]}
    assert (said.code, found["bot-1"]["outcome"], found["bot-2"]["outcome"]) == (1, "passed", "failed")
    assert "has the address of bot-2" in found["bot-2"]["advice"]
    for bot in bots.values():
        assert bot.passed
        assert key.signing.reveal().encode() not in bot.passed
    asyncio.run(bench.simulated_page.set_whitelist(key.api_key, f"{HERE},{LISTED},{UNLISTED}"))
    assert command("check", "bench", "--hosts", "--quiet") == Said(0, "", "")
