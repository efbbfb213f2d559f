"""Somebody who answers whichever question the line mode asks, until the job is done and a replaced key is dead.

Where a job was interrupted does not matter: each answer follows from what is offered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.beside.host import Host
from tests.terminal.harness import Terminal
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.model import JOB_NAMES, Mode, Step
from wizard.rotation.state_machine import JOBS

PROMPT = re.compile(
    r"(?:Answer\swith\s[^:]*|Its\snumber,\s[^:]*|Path\sof\s[^:]*|[^\n]*typing\sis\snot\sshown[^:]*"
    r"|Type\s(?P<word>\S+)\sto\sdo\sit[^:]*): $"
)
"""However it is wrapped."""
OFFERED = re.compile(r"^ +\d+\. ([a-z0-9-]+): ", re.MULTILINE)
PUBLIC_KEY = re.compile(r"^-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", re.DOTALL | re.MULTILINE)
TYPES = (KeyKind.ED25519, KeyKind.HMAC)
"""In the order of their page."""
PATIENCE = 240.0
"""Seconds for one answer of the wizard on a busy machine; three polls take 15."""
MOST_QUESTIONS = 60


class Stuck(AssertionError):
    """The wizard asked nothing any more, or the same for ever."""


@dataclass(frozen=True)
class Asked:
    """One question, with what was said since the one before."""

    said: str
    offered: tuple[str, ...]
    word: str
    """What is to be typed to confirm; empty where nothing is."""

    @property
    def is_hidden(self) -> bool:
        return "typing is not shown" in self.prompt

    @property
    def step(self) -> Step | None:
        """The step that asks; None for home, and where it cannot be told."""
        by_word = {
            "home": Step.DONE,
            "hosts": Step.EGRESS,
            "edit": Step.WHITELIST,
            "saved": Step.APPLY,
            "skip": Step.DELETE,
            "continue": Step.DELETE,
            "save": Step.CREDENTIALS,
            "ask": Step.RETIRE,
            "details": Step.PROBE,
            "use": Step.CREDENTIALS,
        }
        found = (step for word, step in by_word.items() if word in self.offered)
        is_typed = self.is_hidden or self.prompt.startswith(("Its number", "Path of"))
        return next(found, Step.CREDENTIALS if is_typed else Step.RETIRE if self.word else None)

    @property
    def prompt(self) -> str:
        found = PROMPT.search(self.said)
        return " ".join(found[0].split()) if found else ""


@dataclass
class Rotation:
    """What the user knows of one job, whichever wizard it is seen in."""

    host: Host
    old: str
    """The API key in use; empty where there is none yet."""
    kind: KeyKind
    mode: Mode = Mode.ROTATE
    made: NewKey | None = None
    """What the exchange's page showed for the new key."""
    public_key: str = ""
    """With which it was made."""
    reached: Step | None = None
    """The furthest step that asked something."""
    file: str = ""
    """Of the bot whose key is imported."""
    may_be_switched: float | None = None
    """When the switch was first asked for."""
    is_switched: float | None = None
    """When it was first seen to be done."""
    is_deleted: float | None = None
    """When the old key was deleted at the exchange."""
    is_listed: bool = False
    """Whether the list was saved at the exchange."""
    is_over: bool = False
    questions: int = 0

    @property
    def new(self) -> str:
        return self.made.api_key.reveal() if self.made else ""

    @property
    def last(self) -> str:
        """The key in use when all is done."""
        return self.old if self.mode is Mode.WHITELIST else self.new

    def note(self, step: Step | None) -> None:
        """Note that the rotation is seen to stand at a step; it never goes back."""
        if step is None:
            assert self.reached is None or self.is_over, f"the rotation is lost: it had reached {self.reached}"
            return
        if self.reached is not None:
            order = JOBS[self.mode].steps
            assert order.index(step) >= order.index(self.reached), f"back at {step}: it had reached {self.reached}"
        self.reached = step
        if step in (Step.RETIRE, Step.DONE):
            self.is_switched = self.is_switched or time.monotonic()

    def note_status(self) -> None:
        """Look at it with `status`, as it stands while no wizard is open."""
        (seen,) = self.host.run("status", "--json").json["environments"]
        rotation, current = seen["open_rotation"], seen["current"] and seen["current"]["fingerprint"]
        begun = self.is_listed if self.mode is Mode.WHITELIST else self.may_be_switched is not None
        if rotation is None and begun and current == Secret(self.last).fingerprint():
            self.is_over = True
        self.note(Step(rotation["step"]) if rotation else None)


@dataclass
class LineUser:
    """At one wizard in line mode.

    Args:
        terminal: Where it runs.
        rotation: What is to be done in it.
        on_question: Called while each question stands, before it is answered.
    """

    terminal: Terminal
    rotation: Rotation
    on_question: Callable[[Asked], object] = lambda _: None
    _read: int = 0
    _has_shown: bool = False
    _seen: list[Asked] = field(default_factory=list)

    def play(self) -> None:
        """Answer until the rotation is over and the wizard stands at home again.

        Raises:
            Stuck: it does not come to an end.
        """
        for _ in range(MOST_QUESTIONS):
            asked = self._await_question()
            self._seen.append(asked)
            self._note(asked)
            self.on_question(asked)
            if self.rotation.is_over:
                return
            answer = self._answer(asked)
            self.rotation.questions += 1
            self._read = len(self.terminal.raw)
            self.terminal.send(f"{answer}\r")
        raise Stuck(f"{MOST_QUESTIONS} questions, the last ones:\n{self.terminal.raw[-3000:].decode()}")

    def leave(self) -> int:
        """Quit at the question that stands."""
        self.terminal.send("quit\r")
        return self.terminal.wait()

    def _await_question(self) -> Asked:
        expires = time.monotonic() + PATIENCE
        while True:
            self.terminal.listen(0.02)
            said = self.terminal.raw[self._read :].decode(errors="replace").replace("\r\n", "\n")
            if prompt := PROMPT.search(said):
                return Asked(said, tuple(OFFERED.findall(said)), prompt["word"] or "")
            if self.terminal.exit_code is not None or time.monotonic() > expires:
                raise Stuck(f"exit code {self.terminal.exit_code}, {PATIENCE:g} s: {said[-3000:]}")

    def _note(self, asked: Asked) -> None:
        rotation = self.rotation
        if asked.step is not None:
            rotation.note(asked.step)
        elif "history" in asked.offered and rotation.reached is not None:
            rotation.note_status()

    def _answer(self, asked: Asked) -> str:
        rotation, offered = self.rotation, asked.offered
        if asked.word:
            return asked.word
        if asked.is_hidden:
            return self._secret(asked)
        if asked.prompt.startswith("Path of"):
            self._has_shown = True
            return rotation.file
        if asked.prompt.startswith("Its number"):
            return str(TYPES.index(rotation.kind) + 1)
        if asked.step in (Step.RETIRE, Step.DELETE) and rotation.is_deleted is None and rotation.old:
            rotation.host.delete_key(rotation.old)
            rotation.is_deleted = time.monotonic()
        if asked.step is Step.APPLY and not rotation.is_listed:
            rotation.host.save_list(rotation.old)
            rotation.is_listed = True
        if asked.step is Step.PROBE and offered[0] in {"switch", "use"}:
            rotation.may_be_switched = rotation.may_be_switched or time.monotonic()
        if asked.step is Step.EGRESS and "continue" not in offered:
            return "retry"
        if rotation.mode is Mode.ADOPT and "read" in offered and not self._has_shown:
            return "read"
        if (
            asked.step is Step.CREDENTIALS
            and "save" in offered
            and rotation.mode is not Mode.ADOPT
            and ("key" in offered) is not (rotation.kind is KeyKind.ED25519)
        ):
            return "type"
        if "key" in offered and not self._take_public_key(asked):
            return "key"  # said alone on its lines, to be copied
        ways = ("home", "resume", JOB_NAMES[rotation.mode], "switch", "record", "continue", "save", "use", "saved")
        for way in (*ways, "delete", "ask", "retry"):
            if way in offered:
                return way
        raise Stuck(f"nothing to answer: {asked.said}")

    def _take_public_key(self, asked: Asked) -> bool:
        """Make the key with the public half that is shown; return whether this wizard has shown it."""
        rotation, shown = self.rotation, PUBLIC_KEY.search(asked.said)
        if shown and rotation.made is None:
            rotation.public_key = shown[0]
            rotation.made = rotation.host.make_key(KeyKind.ED25519, shown[0])
        assert shown is None or shown[0] == rotation.public_key, "the private key of the new API key is lost"
        self._has_shown = self._has_shown or shown is not None
        return self._has_shown

    def _secret(self, asked: Asked) -> str:
        rotation = self.rotation
        if "keep what was entered" in asked.prompt or asked.prompt.startswith("Passphrase"):
            return ""
        if rotation.made is None:
            rotation.made = rotation.host.make_key()
        is_secret = asked.prompt.startswith("Secret")
        return (rotation.made.secret if is_secret else rotation.made.api_key).reveal()


@contextmanager
def line_mode(host: Host, **recording: Any) -> Iterator[Terminal]:
    """Open `key-wizard --plain` on a terminal that can do nothing; `recording` is for `Forks.start`."""
    with host.open_terminal(("--plain", "--env", "bench"), **recording) as terminal:
        yield terminal
