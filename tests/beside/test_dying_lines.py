"""A job is interrupted at each page and question, in each way in which a line or a terminal ends, and goes on there.

All is real but the exchange: a GNOME keyring, a shell with job control, sshd. Each death prints a row, with `-s`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.beside.host import Host
from tests.beside.line_user import PROMPT, Asked, LineUser, Rotation
from tests.beside.lines_lab import CLEAR, PATIENCE, READY, Proxy, ScreenUser, Seat, children, cpu
from tests.egress.lab import IS_REQUIRED, MISSING, start_lab
from tests.terminal.keys import ENTER, ESCAPE, ctrl
from tests.terminal.walk import Walk
from tests.tiers import whole
from wizard.core.credentials import KeyKind
from wizard.rotation.model import Mode, Step
from wizard.rotation.state_machine import JOBS

pytestmark = [pytest.mark.terminal, pytest.mark.keyring, pytest.mark.sshd, pytest.mark.timeout(580)]
MOST_SECONDS, MOST_CPU = 10.0, 2.0
"""From a death to the end of the wizard. Two seconds and no work are promised, the rest is for a busy machine."""
SIZES = ((100, 30), (80, 24))
OFFICE = "198.51.100.7"
LINES = ("session", "client", "cut")
SIGNALS = (("stop", "INT", "TERM"), ("HUP", "window", "kill"))
SHORT = ("session", "TERM", "cut", "client", "kill")
STEPS = JOBS[Mode.ROTATE].steps[: len(SHORT)]
DIALOGS = {
    "home": {"?": "Choose an environment", "h": "History of bench", "v": "Credentials for a service", "q": "Quit Key"},
    "egress": {"o": "No other host is known", "?": "esc Close"},
    "whitelist": {"a": "enter Keep"},
    "credentials": {ctrl("t"): "Use it"},
    "probe": {"?": "esc Close"},
    "retire": {"?": "esc Close", ctrl("q"): "Quit Key"},
}
"""What else is opened at a page: by which key, and what stands there then."""
TERMINALS = {
    **{name: {"TERM": name} for name in ("dumb", "linux", "screen", "xterm-256color", "vt100")},
    "no-color": {"TERM": "xterm-256color", "NO_COLOR": "1"},
    "narrow": {"TERM": "xterm", "COLUMNS": "7"},
}
DRAWN = [name for name in TERMINALS if name not in ("dumb", "narrow")]


class Died(Exception):
    """The wizard has ended."""


@dataclass(frozen=True)
class Place:
    """Where the user is: what stands there, and how one gets there from the page and back."""

    name: str
    step: Step | None
    stands: Callable[[], object]
    opens: Callable[[], object] = lambda: None
    closes: Callable[[], object] = lambda: None


@dataclass
class Interruptions:
    """One rotation, and what happens to it at each place."""

    seat: Seat
    rotation: Rotation
    ways: tuple[str, ...]
    is_open: bool = False
    """Whether the wizard that goes on stands there already."""
    done: set[tuple[str, str]] = field(default_factory=set)
    row: str = ""
    died_at: Step | None = None
    has_typed: bool = False

    def rotate(self) -> None:
        """Replace the key, and start the wizard anew each time when it has died."""
        while True:
            if not self.is_open:
                self.seat.start()
            self.is_open = False
            try:
                self._play()
            except Died:
                continue
            break
        assert self.seat.code() == 0
        assert self.seat.is_whole()
        assert self.seat.host.key_from_exec() == self.rotation.new
        assert self.seat.host.living_keys() == {self.rotation.new}

    def _play(self) -> None:
        terminal = self.seat.terminal
        if self.seat.is_plain:
            lines = LineUser(terminal, self.rotation, _read=self.seat.begun)
            lines.on_question = self._at_question
            lines.play()
            terminal.send("quit\r")
        else:
            screens = ScreenUser(terminal, self.rotation)
            screens.on_page = partial(self._at_page, screens)
            screens.play()
            screens.page()
            terminal.send(ctrl("q"))
            Walk(terminal).see("Quit Key Wizard?")
            terminal.send(ENTER)

    def _at_page(self, user: ScreenUser, page: str, step: Step | None) -> None:
        self._note(step)
        terminal, walk = self.seat.terminal, Walk(self.seat.terminal)

        def stands() -> None:
            terminal.wait_until(lambda _: user.shown() == page, page, PATIENCE)
            terminal.settle()

        def closes() -> None:
            terminal.send(ESCAPE)
            stands()

        if page == "whitelist":
            if not self.has_typed:
                terminal.send(f"a{OFFICE}{ENTER}")
                walk.see("2 addresses, ready to paste")
                stands()
            self._look_for_typed(terminal.screen())
        self._strike(Place(page, step, stands))
        for key, text in DIALOGS.get(page, {}).items():
            self._strike(Place(f"{page} {text}", step, partial(walk.see, text), partial(terminal.send, key), closes))

    def _at_question(self, asked: Asked) -> None:
        self._note(asked.step)
        if "add" in asked.offered:
            for answer in () if self.has_typed else ("add", OFFICE, ""):
                before = len(self.seat.terminal.raw)
                self.seat.terminal.send(f"{answer}\r")
                self.await_said(": $", before)
            self._look_for_typed(self.seat.terminal.raw[self.seat.begun :].decode())
        stands = partial(self.await_said, PROMPT.pattern)
        words = " ".join(asked.offered[:3]) or asked.prompt.partition(",")[0]
        self._strike(Place(f"{asked.step or 'home'}: {words}", asked.step, stands))

    def _look_for_typed(self, shown: str) -> None:
        self.has_typed = True
        assert OFFICE in shown, "what was typed and kept is lost"

    def await_said(self, pattern: str, since: int | None = None) -> None:
        """Wait until what was said, since the start of the wizard or another place, ends so."""
        terminal, start = self.seat.terminal, self.seat.begun if since is None else since
        terminal.wait_until(
            lambda _: re.search(pattern, terminal.raw[start:].decode(errors="replace")) is not None, pattern, PATIENCE
        )
        terminal.settle()

    def _note(self, step: Step | None) -> None:
        if step is not None and self.died_at is not None:
            assert step is self.died_at, f"{self.row}: it goes on at {step}"
            print(f"{self.row}, resumed at {step}", flush=True)
            self.died_at = None

    def _strike(self, place: Place) -> None:
        """Let what has not happened at this place happen.

        Raises:
            Died: the wizard has ended of it.
        """
        ways = self.ways
        if ways == SHORT:  # one at each step
            struck = {way for _, way in self.done}
            ways = tuple(
                way for step, way in zip(STEPS, SHORT, strict=True) if step is place.step and way not in struck
            )
        for way in ways:
            if (place.name, way) not in self.done:
                self.done.add((place.name, way))
                self._open(place)
                WAYS[way](self, place)
                place.stands()
                place.closes()

    def _open(self, place: Place) -> None:
        """Go to a place as a user does, who presses a key again that the page did not take as it was at work."""
        place.opens()
        try:
            place.stands()
        except AssertionError:
            place.opens()
            place.stands()

    def end(
        self, way: str, place: Place, act: Callable[[], object], code: int | None = None, wizard: int | None = None
    ) -> None:
        """Let the wizard, or an earlier one, end, and look at what is left of it.

        Raises:
            Died: always.
        """
        wizard = wizard or self.seat.wizard
        workers = children(wizard)
        used = before = cpu(wizard)
        assert before is not None, f"{place.name}: no wizard runs"
        begun = time.monotonic()
        act()
        while (now := cpu(wizard)) is not None:
            used = now
            assert time.monotonic() - begun < PATIENCE, f"{way} at {place.name}: the wizard outlives its line"
            self.seat.listen(0.02)
        seconds = time.monotonic() - begun
        while any(cpu(each) is not None for each in workers):
            assert time.monotonic() - begun < PATIENCE, f"{way} at {place.name}: a worker is left"
            self.seat.listen(0.02)
        face, kind, used = "lines" if self.seat.is_plain else "screens", self.rotation.kind, used - before
        self.row = f"{face:7} {kind:7} {way:7} at {place.name}: over after {seconds:.2f} s, {used:.2f} s CPU"
        if code is not None:
            assert self.seat.code() == code, self.row
            assert self.seat.over_ssh or self.seat.is_whole(), self.row
        self.died_at = place.step if place.step is not Step.DONE else None
        if self.died_at is None:
            print(self.row, flush=True)
        assert seconds < MOST_SECONDS, self.row
        assert used < MOST_CPU, self.row
        raise Died


def kill_session(it: Interruptions, place: Place) -> None:
    """The process of sshd that has the login is killed; 255 is what ssh says of a lost connection."""
    it.end("session", place, partial(os.kill, it.seat.login, signal.SIGKILL), 255)


def kill_in_window(it: Interruptions, place: Place, way: str) -> None:
    """The wizard, or ssh, is killed. Nobody gives the terminal its settings back: the user opens another window."""

    def act() -> None:
        os.kill(it.seat.wizard if way == "kill" else children(it.seat.terminal.pid)[0], signal.SIGKILL)
        it.seat.close()

    it.end(way, place, act)


def cut_line(it: Interruptions, place: Place) -> None:
    """Neither end of the connection is told. The next login says who is in the way, and what ends it."""
    wizard = it.seat.wizard
    if wizard != it.seat.holder:
        return  # it waits for another one itself, and is in nobody's way
    it.seat.proxy.cut()
    it.seat.close()
    it.seat.start()
    it.is_open = True
    busy = ("Another wizard is working on bench", f"Process {wizard} ", f"kill {wizard}")
    Walk(it.seat.terminal).see(*busy, timeout=PATIENCE)
    it.end("cut", place, partial(os.kill, wizard, signal.SIGTERM), wizard=wizard)


def close_window(it: Interruptions, place: Place) -> None:
    """The master side of the terminal is closed."""
    it.end("window", place, it.seat.close)


def end_by(number: signal.Signals, it: Interruptions, place: Place) -> None:
    """A signal ends it, but for SIGINT in lines: there it is Ctrl-C, which asks."""
    act = partial(os.kill, it.seat.wizard, number)
    if number is not signal.SIGINT or not it.seat.is_plain:
        it.end(number.name.removeprefix("SIG"), place, act, 128 + number)
    before = len(it.seat.terminal.raw)
    act()
    it.await_said(r"Quit, yes or no\? \[no\]: $", before)
    it.seat.terminal.send("no\r")


def stop_and_go_on(it: Interruptions, place: Place) -> None:
    """The shell gets its terminal back whole; `fg` brings the page back, also where the window has another size."""
    seat, terminal = it.seat, it.seat.terminal
    before = len(terminal.raw)
    os.kill(seat.wizard, signal.SIGTSTP)
    terminal.wait_until(lambda _: terminal.raw[before:].endswith(READY), "the shell", PATIENCE)
    assert seat.is_whole(), f"stopped at {place.name}"
    columns, lines = SIZES[terminal.size == SIZES[0]]
    terminal.resize(columns, lines)
    seat.type("fg")
    if not seat.is_plain:
        fills = lambda screen: max(map(len, screen.splitlines())) >= columns - 2  # noqa: E731
        terminal.wait_until(fills, "the page in its new size", PATIENCE)


def look(it: Interruptions, place: Place) -> None:
    """No text has the colour of its ground, and no sign is a replacement for one."""
    assert "\ufffd" not in it.seat.terminal.screen()
    for cell in it.seat.terminal.cells():
        fore, back = cell.fg.replace("default", "white"), cell.bg.replace("default", "black")
        assert not cell.data.strip() or fore != back, f"{place.name}: {cell}"


WAYS: dict[str, Callable[[Interruptions, Place], None]] = {
    "session": kill_session,
    "cut": cut_line,
    "window": close_window,
    "stop": stop_and_go_on,
    "look": look,
    **{way: partial(kill_in_window, way=way) for way in ("client", "kill")},
    **{name: partial(end_by, signal.Signals[f"SIG{name}"]) for name in ("INT", "TERM", "HUP")},
}


@contextmanager
def seated(
    host: Host, directory: Path, face: str, *, over_ssh: bool = False, terminal: str = "xterm-256color"
) -> Iterator[Seat]:
    if MISSING:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"not installed: {', '.join(MISSING)}")
    lab = start_lab(directory)
    proxy = Proxy(lab.port)
    size = (40, 12) if terminal == "narrow" else SIZES[-1]
    seat = Seat(host, lab, proxy, face == "lines", over_ssh, TERMINALS[terminal], size)
    try:
        yield seat
    finally:
        seat.close()
        proxy.close()
        lab.stop()


@pytest.mark.parametrize(
    ("ways", "face", "kind"),
    [
        *(pytest.param(SHORT, *case, marks=pytest.mark.slow) for case in (("screens", "ed25519"), ("lines", "hmac"))),
        *(
            pytest.param(ways, face, kind, marks=pytest.mark.whole)
            for ways in (LINES, *SIGNALS)
            for face in ("screens", "lines")
            for kind in ("ed25519", "hmac")
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_a_job_that_is_interrupted_anywhere_goes_on_there(
    host: tuple[Host, str], tmp_path: Path, ways: tuple[str, ...], face: str, kind: str
) -> None:
    with seated(host[0], tmp_path, face, over_ssh=ways not in SIGNALS) as seat:
        Interruptions(seat, Rotation(*host, KeyKind(kind)), ways).rotate()


@pytest.mark.parametrize("terminal", whole(*TERMINALS))
def test_a_rotation_in_lines_writes_no_escape_and_breaks_no_word(
    host: tuple[Host, str], tmp_path: Path, terminal: str
) -> None:
    with seated(host[0], tmp_path, "lines", terminal=terminal) as seat:
        Interruptions(seat, Rotation(*host, KeyKind.ED25519), ()).rotate()
        said = seat.terminal.raw[seat.begun :].partition(CLEAR)[2].decode()
    assert {sign for sign in said if sign < " "} <= set("\r\n")
    ends = ".?!:" if terminal == "narrow" else ""  # labels without an end are made for 80 columns
    long = [line.rstrip() for line in said.splitlines() if len(line.rstrip()) >= seat.size[0]]
    assert [line for line in long if " " in line.strip() and line.endswith(tuple(ends) or "")] == []


@pytest.mark.parametrize("terminal", whole(*DRAWN))
def test_the_screens_of_a_rotation_can_be_read(host: tuple[Host, str], tmp_path: Path, terminal: str) -> None:
    with seated(host[0], tmp_path, "screens", terminal=terminal) as seat:
        Interruptions(seat, Rotation(*host, KeyKind.ED25519), ("look",)).rotate()


@pytest.mark.slow
def test_ssh_without_a_terminal_refuses_or_speaks_lines_and_ends_with_its_line(
    host: tuple[Host, str], tmp_path: Path
) -> None:
    with seated(host[0], tmp_path, "screens", over_ssh=True) as seat:
        ssh = [str(seat.lab.wrapper), "server"]
        for words, code, said in (
            ("", 2, b"The screens need a terminal.\n  There is none on stdin and stderr.\n  Over SSH, use `ssh -t`."),
            ("--plain", 0, b"Key Wizard is closed."),
            ("--plain <&-", 0, b"Key Wizard is closed."),
            ("--plain >&-", 2, b"There is nowhere to write to."),
        ):
            argv = [*ssh, f"{seat.program} {words}"]
            ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
            assert ran.returncode == code, ran
            assert said in ran.stdout + ran.stderr, ran
            assert b"\x1b" not in ran.stdout + ran.stderr, ran
        argv = [*ssh, f"{seat.program} --plain"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as line:
            assert line.stdout is not None
            while b"What next?" not in line.stdout.readline():
                assert line.poll() is None
            place = Place("home", None, lambda: None)
            with pytest.raises(Died):
                Interruptions(seat, Rotation(*host, KeyKind.HMAC), ()).end("client", place, line.kill)
