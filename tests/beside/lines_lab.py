"""A user at a terminal whose wizard runs here or over ssh, and a line between the two that can be cut."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event, Thread

from tests.beside.host import REPOSITORY, Host
from tests.beside.line_user import Rotation
from tests.egress.lab import Lab
from tests.terminal.harness import Terminal
from tests.terminal.keys import ENTER, TAB, paste
from tests.terminal.walk import Walk, unwrapped
from wizard.core.credentials import KeyKind
from wizard.rotation.model import Step

SHELL, READY, CLEAR = ["dash", "-i"], b"READY> ", b"\x1b[2J\x1b[H"
"""A shell with job control that leaves the settings of its terminal to the programs."""
PATIENCE = 60.0
"""Seconds for whatever is waited for, on a busy machine."""
REPEAT_AFTER = 5.0
"""Seconds without an effect after which a user presses Enter again."""
PAGES = {
    "confirm": (Step.RETIRE, r"Type (\w+)"),
    "over": (Step.DONE, "its secret is deleted"),
    "dead": (Step.RETIRE, "enter Delete its secret"),
    "retire": (Step.RETIRE, "is now the key in use"),
    "probe": (Step.PROBE, "enter Switch to"),
    "credentials": (Step.CREDENTIALS, "[●@] Credentials .*Save and probe"),
    "whitelist": (Step.WHITELIST, "[●@] Whitelist .*enter Continue"),
    "egress": (Step.EGRESS, "[●@] Egress IP .*enter Continue"),
    "busy": (None, "Another wizard .*enter Retry"),
    "home": (None, "enter (?:Resume|Replace)"),
}
"""The step of each page, and how it is known while it waits for the user. A dialog comes before its page."""
PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----\s+(\S+)\s.*?-----END PUBLIC KEY-----", re.DOTALL)


class Proxy:
    """Between ssh and sshd."""

    def __init__(self, port: int) -> None:
        self._server, self._target = socket.create_server(("127.0.0.1", 0)), port
        self.port: int = self._server.getsockname()[1]
        self._sockets = [self._server]
        self._is_cut = Event()
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on no byte of the connections that there are arrives, and no end of them."""
        self._is_cut.set()
        self._is_cut = Event()

    def close(self) -> None:
        self.cut()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                pair = self._server.accept()[0], socket.create_connection(("127.0.0.1", self._target))
                self._sockets += pair
                for source, target in (pair, pair[::-1]):
                    Thread(target=self._forward, args=(source, target, self._is_cut), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, is_cut: Event) -> None:
        with suppress(OSError):
            while (data := source.recv(65536)) and not is_cut.is_set():
                target.sendall(data)
        if not is_cut.is_set():  # a client that is killed with unread bytes ends the connection by a reset
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)


@dataclass
class Seat:
    """A terminal with a shell, from which the wizard is started."""

    host: Host
    lab: Lab
    proxy: Proxy
    is_plain: bool
    over_ssh: bool
    environ: dict[str, str]
    size: tuple[int, int]
    begun: int = 0
    """How much was written before the last command."""
    _window: Terminal | None = None

    @property
    def terminal(self) -> Terminal:
        if self._window is None:
            environ = {**os.environ, "PS1": READY.decode(), **self.environ}
            self._window = Terminal(SHELL, env=environ, size=self.size, cwd=REPOSITORY)
            self._window.wait_for_bytes(READY)
            self.settings = self._window.settings()
        return self._window

    @cached_property
    def program(self) -> Path:
        """What starts the wizard, at the end of whichever line. TERM=dumb has it speak lines by itself."""
        self.lab.configure(self.lab.host("server", port=self.proxy.port))
        given = {name: os.environ[name] for name in ("HOME", "KEY_WIZARD_HOME", "XDG_RUNTIME_DIR")}
        given |= {**self.host.login, "PYTHONPATH": str(REPOSITORY)}
        words = ["env", *(f"{name}={text}" for name, text in given.items()), sys.executable, "-m", "wizard"]
        words += ["--env", "bench", *(["--plain"] if self.is_plain and self.environ["TERM"] != "dumb" else [])]
        program = self.lab.directory / "wizard"
        program.write_text(f'#!/bin/sh\ncd {REPOSITORY}\nexec {shlex.join(words)} "$@"\n')
        program.chmod(0o755)
        return program

    def start(self) -> None:
        program = str(self.program)
        self.type(f"{self.lab.wrapper} -tt server {program}" if self.over_ssh else program)

    def type(self, command: str) -> None:
        """Let the shell run something on an empty screen, and say how it ended."""
        self.begun = len(self.terminal.raw)
        self.terminal.send(f"printf '\\033[2J\\033[H'; {command}; echo en''ded $?\r")

    def code(self) -> int:
        """Return what it ended with, once the shell says so."""
        ended = re.compile(rb"ended (\d+)\r\n.*" + READY, re.DOTALL)
        found = lambda: ended.search(self.terminal.raw, self.begun)  # noqa: E731
        self.terminal.wait_until(lambda _: found() is not None, "its exit code", PATIENCE)
        return int((found() or [b""] * 2)[1])

    def listen(self, seconds: float) -> None:
        """Let time pass; the terminal takes what comes."""
        (time.sleep if self._window is None else self._window.listen)(seconds)

    def is_whole(self) -> bool:
        """Whether the terminal is as it was before the wizard, to the last of its settings."""
        return self.terminal.is_restored() and self.terminal.settings() == self.settings

    def close(self) -> None:
        """Close the window; the next wizard is started from a new one."""
        if self._window is not None:
            self._window.hang_up()
            self._window.__exit__()
            self._window = None

    @property
    def wizard(self) -> int:
        """The process of the wizard; over ssh the newest one of this sshd."""
        if not self.over_ssh:
            return children(self.terminal.pid)[0]
        below = [self.lab.process.pid]
        for process in below:
            below += children(process)
        return max(filter(_is_wizard, below), key=lambda process: int(_stat(process)[19]))

    @property
    def holder(self) -> int:
        """The process that has the environment, or had it last."""
        note = self.host.bench.paths.lock("bench").with_suffix(".holder")
        return int(json.loads(note.read_text())["pid"])

    @property
    def login(self) -> int:
        """The process of sshd that has the wizard's session."""
        process = self.wizard
        while (parent := int(_stat(process)[1])) != self.lab.process.pid:
            process = parent
        return process


def children(process: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
    return []


def _is_wizard(process: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"\0-m\0wizard\0" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _stat(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def cpu(process: int) -> float | None:
    """Return the seconds of a processor that it has used; None where it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        if (stat := _stat(process))[0] != "Z":
            return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return None


@dataclass
class ScreenUser:
    """At the screens of one wizard: does what the page asks for, until the key is replaced and the old one is dead.

    `on_page` is called while each page waits, before it is answered.
    """

    terminal: Terminal
    rotation: Rotation
    on_page: Callable[[str, Step | None], object] = lambda *_: None

    def play(self) -> None:
        while not self.rotation.is_over:
            page = self.page()
            step = PAGES[page][0]
            if step is not None:
                self.rotation.note(step)
            self.rotation.is_over = page == "over"
            if page == "credentials":
                self._note_public_key()
            self.on_page(page, step)
            if page != "over":
                self._act(page)
                self._leave(page)

    def page(self) -> str:
        """Wait for a page that waits for the user, and return it once it is drawn whole."""
        self.terminal.wait_until(lambda _: bool(self.shown()), "a page", PATIENCE)
        self.terminal.settle()
        return self.shown() or self.page()

    def shown(self) -> str:
        """Return the page that waits for the user, if one does."""
        flat = unwrapped(self.terminal.screen())
        return next((name for name, (_, mark) in PAGES.items() if re.search(mark, flat)), "")

    def _act(self, page: str) -> None:
        if page == "confirm":
            self.terminal.send(re.findall(PAGES[page][1], self.terminal.screen())[0])
        elif page == "credentials":
            self._enter_key()
        elif page == "retire" and self.rotation.is_deleted is None:
            self.rotation.host.delete_key(self.rotation.old)
            self.rotation.is_deleted = time.monotonic()

    def _leave(self, page: str) -> None:
        """Press Enter until another page waits; Retire watches by itself."""
        until, pressed = time.monotonic() + PATIENCE, 0.0
        while (shown := self.shown()) in {page, ""}:
            assert time.monotonic() < until, f"{page} is not left:\n{self.terminal.screen()}"
            if shown == page != "retire" and time.monotonic() > pressed + REPEAT_AFTER:
                self.terminal.send(ENTER)
                pressed = time.monotonic()
            self.terminal.listen(0.05)

    def _enter_key(self) -> None:
        rotation, walk, is_hmac = self.rotation, Walk(self.terminal), self.rotation.kind is KeyKind.HMAC
        if is_hmac:
            walk.choose("hmac")
        rotation.made = rotation.made or rotation.host.make_key(rotation.kind, rotation.public_key)
        self.terminal.send(paste(rotation.made.api_key.reveal()))
        walk.see("64 characters")
        if is_hmac:
            self.terminal.send(TAB)
            self.terminal.send(paste(rotation.made.secret.reveal()))
            self.terminal.wait_until(lambda screen: screen.count("64 characters") == 2, "both", PATIENCE)

    def _note_public_key(self) -> None:
        shown = PUBLIC_KEY.search(self.terminal.screen())
        if shown is not None and self.rotation.kind is KeyKind.ED25519:
            text = f"-----BEGIN PUBLIC KEY-----\n{shown[1]}\n-----END PUBLIC KEY-----\n"
            assert self.rotation.public_key in {"", text}, "the private key of the new API key is lost"
            self.rotation.public_key = text
