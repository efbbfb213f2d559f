"""The keyboard walk through a rehearsal, step by step, as a user at a terminal does it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.terminal.harness import TIMEOUT, Terminal
from tests.terminal.keys import DOWN, ENTER, ESCAPE, ctrl
from wizard.rehearsal.process import recall
from wizard.rotation.model import TITLES, Mode, Step
from wizard.rotation.state_machine import JOBS

BEGINS = "enter Replace"
RESUMES = "enter Resume"
CONTINUE = "enter Continue"


class Walk:
    """One wizard on one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def see(self, *texts: str, timeout: float = TIMEOUT) -> str:
        """Wait until all of `texts` stand on the screen, however they are wrapped."""

        def stands(screen: str) -> bool:
            flat = unwrapped(screen)
            return all(text in screen or text in flat for text in texts)

        self.terminal.wait_until(stands, repr(texts), timeout)
        return self.terminal.screen()

    def press(self, keys: str) -> None:
        self.terminal.send(keys)

    def begin(self) -> None:
        """From home to the Egress IP page."""
        self.see(BEGINS)
        self.press(ENTER)
        self.see("203.0.113.42", CONTINUE)

    def resume(self, step: str, job: Mode = Mode.ROTATE) -> None:
        """From home to the step at which an open job stands."""
        self.see(RESUMES, f"Resume at {JOBS[job].steps.index(Step(step)) + 1} {TITLES[Step(step)]}")
        self.press(ENTER)

    def egress(self) -> None:
        self.see("203.0.113.42", "Put on the whitelist", CONTINUE)
        self.press(ENTER)
        self.see("1 address, ready")

    def whitelist(self) -> None:
        """To the Credentials page, where a key pair is made at once."""
        self.see("address, ready")
        self.press(ENTER)
        self.see("-----END PUBLIC KEY-----")

    def choose(self, kind: str) -> None:
        """Choose the type of the key and wait for its form."""
        self.see("Save and probe")
        self.press(ctrl("t"))
        self.see("Use it")
        self.press(ENTER if kind == "ed25519" else DOWN + ENTER)
        self.see("Save and probe", "-----END PUBLIC KEY-----" if kind == "ed25519" else "Secret")

    def take_from_page(self) -> None:
        """Create the key on the simulated Binance page, which fills it in."""
        self.press(ctrl("o"))
        self.see("HMAC", "active", "Create key")
        self.press(ENTER)
        self.see("64 characters", "is filled in")

    def store(self) -> None:
        self.press(ENTER)
        self.see("Connection")

    def switch(self) -> None:
        self.see("enter Switch to")
        self.press(ENTER)
        self.see("is now the key in use")

    def delete_legacy(self) -> None:
        """Delete the legacy key on the simulated page, where the cursor begins at it."""
        self.press("p")
        self.see("HMAC", "active", "legacy")
        self.press("d")
        self.see("Type delete")
        self.press("delete" + ENTER)
        self.see("is deleted now")
        self.press(ESCAPE)

    def delete_secret(self) -> None:
        self.see("is dead", "enter Delete its secret")
        self.press(ENTER)
        self.see("Delete the secret of", "Type delete")
        self.press("delete" + ENTER)
        self.see("The legacy key is dead and its secret is deleted.")

    def leave(self) -> int:
        self.press(ctrl("q"))
        self.see("Quit Key Wizard?")
        self.press(ENTER)
        return self.terminal.wait()


def unwrapped(screen: str) -> str:
    """Join the lines, also those behind the bar of a notice."""
    return " ".join(" ".join(line.strip(" ▌") for line in screen.splitlines()).split())


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
