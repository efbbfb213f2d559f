"""The host's address changes: the bot fails, `check` says why, and the whitelist job mends it without another key.

All is real but the exchange: a GNOME keyring, terminals, a bot under `exec`, and an sshd whose line is cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest

from tests.beside.host import REPOSITORY, Host
from tests.commands.conftest import HERE
from tests.terminal.harness import Terminal
from tests.terminal.keys import ENTER
from tests.terminal.walk import Walk

pytestmark = [pytest.mark.terminal, pytest.mark.keyring]
MOVED = "203.0.113.92"
JOB = [sys.executable, "-m", "wizard", "--env", "bench", "--job", "whitelist"]
LINES = {
    "Step 1 of 4, Egress IP": "continue",
    "Step 2 of 4, Whitelist": "continue",
    "Step 3 of 4, Apply": "saved",
    "Step 4 of 4, Probe": "record",
    "Its new whitelist is recorded": "home",
    "replace: Replaces": "quit",
}
"""What the lines have said at each question, and what is answered."""
BOT = """
import hashlib, hmac, os, sys, time, urllib.request
query = f"timestamp={int(time.time() * 1000)}"
signature = hmac.new(os.environ["BINANCE_API_SECRET"].encode(), query.encode(), hashlib.sha256).hexdigest()
url = f"{sys.argv[1]}/api/v3/account?{query}&signature={signature}"
request = urllib.request.Request(url, headers={"X-MBX-APIKEY": os.environ["BINANCE_API_KEY"]})
sys.exit(0 if urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).status == 200 else 1)
"""
"""One signed call, as a bot makes it; it fails with the refusal."""


@dataclass(frozen=True)
class Case:
    """The host and its key in use."""

    host: Host
    key: str

    def move(self) -> None:
        """Give the host another public address."""
        httpx.put(f"{self.host.bench.desk_url}/nat", json={"127.0.0.1": MOVED}, trust_env=False).raise_for_status()

    def bot(self) -> int:
        """Return the exit code of a bot that makes one signed call with the current key."""
        return self.host.run("exec", "bench", "--", sys.executable, "-c", BOT, self.host.bench.base_url).code

    def check(self) -> tuple[int, str]:
        """Return what the cron job says, and its exit code."""
        ran = self.host.run("check", "bench")
        return ran.code, ran.out + ran.err

    def paste(self, text: str) -> None:
        """Save a list for the one key on the exchange's page."""
        (key,) = asyncio.run(self.host.bench.simulated_page.keys())
        asyncio.run(self.host.bench.simulated_page.set_whitelist(key.api_key, text))

    def breaks(self) -> None:
        """The address changes and the bot fails."""
        assert (self.bot(), self.check()[0]) == (0, 0)
        self.move()
        assert self.bot() != 0
        code, said = self.check()
        assert code == 1
        assert MOVED in said
        assert "--job whitelist" in said

    def is_mended(self) -> None:
        """The bot works, `check` is fine, and the key is the same one."""
        assert self.bot() == 0
        code, said = self.check()
        assert code == 0, said
        assert self.host.key_from_exec() == self.key
        assert self.host.living_keys() == {self.key}
        (job,) = self.host.run("history", "bench", "--json").json["rotations"]
        assert (job["mode"], job["certificate"]["grade"]) == ("whitelist", None)
        assert f"{MOVED} added" in self.host.run("history", "bench").out


@pytest.fixture
def case(host: tuple[Host, str]) -> Case:
    return Case(*host)


@contextmanager
def on_terminal(argv: list[str], environ: dict[str, str]) -> Iterator[Walk]:
    with Terminal(argv, env={**os.environ, **environ}, size=(80, 24), cwd=REPOSITORY) as terminal:
        yield Walk(terminal)


def to_apply(walk: Walk) -> None:
    """By keyboard, from the Egress IP page to what is to be pasted."""
    walk.see(MOVED, "enter Continue")
    walk.press(ENTER)
    walk.see("2 addresses, ready to paste", HERE)
    walk.press(ENTER)
    walk.see("Paste the list into", f"{HERE},{MOVED}", "Restrict access to trusted IPs only")


def to_the_end(walk: Walk) -> None:
    walk.press(ENTER)
    walk.see("The key works from here", "enter Record the list")
    walk.press(ENTER)
    walk.see("Its new whitelist is recorded", f"{MOVED} added")
    assert walk.leave() == 0


@pytest.mark.slow
def test_by_keyboard(case: Case) -> None:
    case.breaks()
    with on_terminal(JOB, case.host.environ) as walk:
        to_apply(walk)
        walk.press(ENTER)
        walk.see("Not accepted yet")
        case.paste(f"{HERE},{MOVED}")
        walk.see("The key works from here", "enter Record the list", timeout=30)
        walk.press(ENTER)
        walk.see("Its new whitelist is recorded", f"{MOVED} added")
        assert walk.leave() == 0
    case.is_mended()


@pytest.mark.slow
def test_in_lines(case: Case) -> None:
    case.breaks()
    with on_lines(case) as terminal:
        for said, answer in LINES.items():
            wait_for_question(terminal, said)
            if answer == "saved":
                case.paste(f"{HERE},{MOVED}")
            reply(terminal, answer)
        assert terminal.wait() == 0
    case.is_mended()


@pytest.mark.slow
def test_killed_at_each_step_it_goes_on_there(case: Case) -> None:
    case.breaks()
    questions = [*LINES]
    for said, following in pairwise(questions[:5]):
        with on_lines(case) as terminal:
            wait_for_question(terminal, said)
            kill(terminal)
        assert case.host.key_from_exec() == case.key
        with on_lines(case) as terminal:
            wait_for_question(terminal, said)
            if LINES[said] == "saved":
                case.paste(f"{HERE},{MOVED}")
            reply(terminal, LINES[said])
            wait_for_question(terminal, following)
            kill(terminal)
    case.is_mended()


@contextmanager
def on_lines(case: Case) -> Iterator[Terminal]:
    with on_terminal([*JOB, "--plain"], {**case.host.environ, "TERM": "dumb"}) as walk:
        yield walk.terminal


def wait_for_question(terminal: Terminal, said: str) -> None:
    """Wait until the lines ask, and have said this. A keyring that ended with its killed caller is tried again."""
    words = (said.encode(), b"retry: Tries again to open it")
    while True:
        terminal.wait_until(lambda _: terminal.raw.endswith(b": ") and any(map(terminal.raw.__contains__, words)), said)
        if words[0] in terminal.raw:
            return
        reply(terminal, "retry")


def reply(terminal: Terminal, answer: str) -> None:
    terminal.raw = b""
    terminal.send(f"{answer}\r")


def kill(terminal: Terminal) -> None:
    terminal.kill(signal.SIGKILL)
    terminal.wait()
