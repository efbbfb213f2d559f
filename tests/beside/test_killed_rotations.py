"""Rotations that are each killed once, at a random place, beside `status`, `check` and `exec` in a loop.

All is real but the exchange: a GNOME keyring, the line mode on a terminal, SIGKILL. KEY_WIZARD_KILLED_ROTATIONS says
how many there are; the long form is 100. KEY_WIZARD_KILL_SEED chooses the same places again, as far as the machine
keeps the same time.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle
from pathlib import Path

import pytest
from jeepney.io.blocking import open_dbus_connection
from secretstorage import Collection

from tests.beside.host import EXEC, Host, Ran, torn_files
from tests.beside.line_user import LineUser, Rotation, line_mode
from tests.terminal.harness import Terminal
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret

# Read now: each test starts with a scrubbed environment.
ROTATIONS = int(os.environ.get("KEY_WIZARD_KILLED_ROTATIONS", "3"))
SEED = int(os.environ.get("KEY_WIZARD_KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
pytestmark = [pytest.mark.slow, pytest.mark.terminal, pytest.mark.keyring, pytest.mark.timeout(300 * ROTATIONS)]
STATUS, CHECK = ("status", "--json"), ("check", "bench", "--json")
QUESTIONS = {KeyKind.HMAC: 10, KeyKind.ED25519: 9}
DELAYS = (0.5, 4.0)
"""Up to so many seconds from an answer to the kill: what most answers start takes less than the one or the other."""
PAUSE = 1.0
"""Seconds between two commands of the loop."""
PATIENCE = 10.0
"""Seconds for a worker to be there."""
FINE, ALIVE, INCONCLUSIVE = 0, 4, 6


class Killed(Exception):
    """The wizard is."""


class Victim(StrEnum):
    WIZARD = "wizard"
    """Alone: what it has started goes on."""
    ALL = "all"
    """The wizard with what it has started."""
    WORKER = "worker"
    """What calls the keyring for it; the wizard goes on."""


@dataclass
class Killer:
    """Kills once: `delay` seconds after the answer to question `after`, counted from 0, or after the start for -1."""

    victim: Victim
    after: int
    delay: float
    due: float | None = None
    place: str = ""
    """Where it has struck: the step that asked last."""

    def look(self, user: LineUser) -> None:
        """Strike if it is time.

        Raises:
            Killed: the wizard is dead.
        """
        now = time.monotonic()
        if self.due is None and user.rotation.questions > self.after:
            self.due = now + self.delay
        if self.place or self.due is None or now < self.due:
            return
        if self.victim is not Victim.WORKER or now > self.due + PATIENCE:
            self.strike(user.terminal, user.rotation.reached or "home")
        for worker in children(user.terminal.pid):
            kill(worker)
            self.place = user.rotation.reached or "home"

    def strike(self, terminal: Terminal, place: str) -> None:
        """Kill the wizard.

        Raises:
            Killed: always.
        """
        self.place = place
        workers = children(terminal.pid)
        kill(terminal.pid)
        for worker in workers if self.victim is Victim.ALL else ():
            kill(worker)
        terminal.wait()
        raise Killed


def children(process: int) -> list[int]:
    with suppress(FileNotFoundError):
        return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
    return []


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@dataclass
class Beside:
    """Runs `status`, `check` and `exec` in a loop beside the wizard of `session`, and keeps what they said."""

    host: Host
    session: int = 0
    ran: list[Ran] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    @contextmanager
    def looping(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._loop, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _loop(self, ended: threading.Event) -> None:
        for command in cycle((STATUS, CHECK, EXEC)):
            self.ran.append(self.host.run(*command))
            self.torn += torn_files(self.session) if self.session else []
            if ended.wait(PAUSE):
                return


def wrong(ran: Ran, rotation: Rotation) -> str:
    """Return what is wrong with what a command said, at the time at which it ran; nothing where all is well."""
    switched, deleted = rotation.is_switched, rotation.is_deleted
    may_be_old = switched is None or ran.begun < switched
    may_be_new = rotation.may_be_switched is not None and ran.ended > rotation.may_be_switched
    allowed = {key for key, may_be in ((rotation.old, may_be_old), (rotation.new, may_be_new)) if may_be}
    if ran.arguments == EXEC:
        return "" if ran.code == FINE and ran.out.strip() in allowed else "exec gave a wrong key, a dead one or none"
    names = {Secret(key).fingerprint() for key in allowed}
    if ran.arguments == STATUS:
        (seen,) = ran.json["environments"]
        return "" if seen["current"]["fingerprint"] in names else "status told a wrong key"
    read_before = may_be_old and deleted is not None and ran.ended > deleted
    if ran.json["current"]["fingerprint"] not in names:
        return "check looked at a wrong key"
    codes = (FINE, INCONCLUSIVE, *([ALIVE] if may_be_new else []))
    return "" if ran.code in codes or read_before else "check cried wolf"


@dataclass
class Series:
    """Rotations of one environment, one after another."""

    host: Host
    key: str
    """The API key in use."""
    kills: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def rotate(self, kind: KeyKind, killer: Killer) -> None:
        """Replace the key, killed on the way; look at all that was promised."""
        rotation, beside = Rotation(self.host, self.key, kind), Beside(self.host)
        with beside.looping():
            while self._is_killed(rotation, killer, beside):
                self._look_at_the_dead(rotation)
        self.kills[f"{killer.place}, {killer.victim}"] += 1
        for file in beside.torn:
            self._lose(f"torn: {file}")
        self._judge(beside.ran, rotation)
        self.key = rotation.new
        told = [self.host.run(*command) for command in (EXEC, CHECK, STATUS)]
        self._judge(told, rotation)
        (seen,) = told[-1].json["environments"]
        if (self._stored(), seen["legacy"]) != ([seen["current"]["item"]], None):
            self._lose(f"in the keyring: {self._stored()}; {seen}")

    def _is_killed(self, rotation: Rotation, killer: Killer, beside: Beside) -> bool:
        """Go on with the rotation in a new wizard; return whether that was killed."""
        with line_mode(self.host) as terminal:
            beside.session = terminal.pid
            user = LineUser(terminal, rotation)
            user.on_look = lambda: killer.look(user)
            try:
                user.play()
                if not killer.place:
                    killer.strike(terminal, "over")
            except Killed:
                return True
            assert user.leave() == 0
        return False

    def _look_at_the_dead(self, rotation: Rotation) -> None:
        """What a program is given while no wizard runs is right, and the exchange accepts it."""
        rotation.note_status()
        given, checked = self.host.run(*EXEC), self.host.run(*CHECK)
        self._judge([given, checked], rotation)
        if given.out.strip() not in self.host.living_keys():
            self._lose(f"no key that works: {given}")

    def _judge(self, ran: Sequence[Ran], rotation: Rotation) -> None:
        for one in ran:
            self.said[f"{one.arguments[0]} {one.code}"] += 1
            if problem := wrong(one, rotation):
                self._lose(f"{problem}: {one}; {rotation}")

    def _lose(self, what: str) -> None:
        print(f"LOST {what}", flush=True)
        self.lost.append(what)

    def _stored(self) -> list[str]:
        """Return the items of the keyring, but for those that tried it: they are worth nothing to anybody."""
        with open_dbus_connection(self.host.login["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            items = [item.get_attributes()["service"] for item in Collection(connection).get_all_items()]
        return [item for item in items if ":trial:" not in item]


def test_no_rotation_that_is_killed_once_loses_anything(host: tuple[Host, str]) -> None:
    chance = random.Random(SEED)
    series = Series(*host)
    print(f"KEY_WIZARD_KILL_SEED={SEED}")
    for number in range(1, ROTATIONS + 1):
        kind = chance.choice(list(QUESTIONS))
        after, delay = chance.randrange(-1, QUESTIONS[kind]), chance.uniform(0, chance.choice(DELAYS))
        killer = Killer(chance.choice(list(Victim)), after, delay)
        begun = time.monotonic()
        series.rotate(kind, killer)
        print(
            f"{number:3} {kind:7} {killer.victim} after answer {killer.after:2} and {killer.delay:.2f} s:"
            f" at {killer.place}; {time.monotonic() - begun:.0f} s; lost so far: {len(series.lost)}",
            flush=True,
        )
    print(f"kills: {dict(sorted(series.kills.items()))}")
    print(f"beside them: {dict(sorted(series.said.items()))}")
    assert series.lost == []
    doctor, history = series.host.run("doctor", "--only", "files"), series.host.run("history", "bench", "--json")
    assert doctor.code == FINE, doctor
    assert len(history.json["rotations"]) == ROTATIONS
