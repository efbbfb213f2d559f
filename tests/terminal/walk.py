"""The keyboard walk through a rehearsal, step by step, as a user at a terminal does it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.terminal.harness import TIMEOUT, Terminal
from tests.terminal.keys import DOWN, ENTER, ESCAPE, F4, ctrl
from wizard.rehearsal.process import recall
from wizard.rotation.model import TITLES, Step

BEGINS = "enter Replace"
RAIL = 17
"""Columns."""
RESUMES = "enter Resume"


class Walk:
    """One wizard on one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def see(self, *texts: str, timeout: float = TIMEOUT) -> str:
        """Wait until all of `texts` stand on the screen, however they are wrapped."""

        def stands(screen: str) -> bool:
            flat = _unwrapped(screen)
            return all(text in screen or text in flat for text in texts)

        self.terminal.wait_until(stands, repr(texts), timeout)
        return self.terminal.screen()

    def press(self, keys: str) -> None:
        self.terminal.send(keys)

    def begin(self) -> None:
        """From home to the Egress step."""
        self.see(BEGINS)
        self.press(ENTER)
        self.see("The address is 203.0.113.42")

    def resume(self, step: str) -> None:
        """From home to the step at which an open rotation stands."""
        self.see(RESUMES, f"Resume at {[*TITLES].index(Step(step)) + 1} {TITLES[Step(step)]}")
        self.press(ENTER)

    def egress(self) -> None:
        self.see("The address is 203.0.113.42")
        self.press(ENTER)
        self.see("Ready to paste: 1 entry.")

    def whitelist(self) -> None:
        self.see("Ready to paste")
        self.press(ctrl("n"))
        self.see("Ed25519, recommended", "HMAC")

    def choose(self, kind: str) -> None:
        """Choose the kind of key and wait for its form."""
        self.see("Ed25519, recommended", "HMAC")
        self.press(ENTER if kind == "ed25519" else DOWN + ENTER)
        self.see("-----END PUBLIC KEY-----" if kind == "ed25519" else "Paste here what the page shows once")

    def take_from_page(self) -> None:
        """Create the key at the desk and take it over."""
        self.press(F4)
        self.see("HMAC", "active")
        self.press("n")
        self.see("The key was created")
        self.press("t")
        self.see("64 characters", "taken over")

    def store(self) -> None:
        self.press(ENTER)
        self.see("Connection")

    def promote(self) -> None:
        self.see("The new key works from here")
        self.press(ENTER)
        self.see("is now the key in use")

    def delete_legacy(self) -> None:
        """Delete the first key of the desk, which is the one in use, by pressing D twice."""
        self.press(F4)
        self.see("HMAC", "active")
        self.press("d")
        self.see("Press D again")
        self.press("d")
        self.see("deleted")
        self.press(ESCAPE)

    def purge(self) -> None:
        self.see("Binance no longer knows the legacy key")
        self.press(ENTER)
        self.see("Purge the legacy secret?")
        self.press("purge" + ENTER)
        self.see("The key is replaced, and the legacy key is dead.")

    def leave(self) -> int:
        self.press(ctrl("q"))
        self.see("Close Key Wizard?")
        self.press(ENTER)
        return self.terminal.wait()


def _unwrapped(screen: str) -> str:
    """Join the lines of the body: what stands beside the rail and behind the bar of a notice."""
    lines = screen.splitlines()
    has_rail = any("1 Egress" in line[:RAIL] for line in lines)
    return " ".join(" ".join(line[RAIL if has_rail else 0 :].strip(" ▌") for line in lines).split())


@contextmanager
def rehearsing(environ: Mapping[str, str], *arguments: str, size: tuple[int, int] = (80, 24)) -> Iterator[Walk]:
    """Open `key-wizard rehearse` on a terminal; the embedded exchange is ended afterwards, by its id."""
    env = {**os.environ, **environ}
    argv = [sys.executable, "-m", "wizard", "rehearse", *arguments]
    try:
        with Terminal(argv, env=env, size=size, cwd=Path(__file__).parents[2]) as terminal:
            yield Walk(terminal)
    finally:
        end_exchange(Path(env["KEY_WIZARD_HOME"]))


def end_exchange(home: Path) -> None:
    """End what a killed wizard left running."""
    if known := recall(home / "state" / "rehearsal" / "exchange.json"):
        with suppress(ProcessLookupError):
            os.kill(known.pid, signal.SIGTERM)
