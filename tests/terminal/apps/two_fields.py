"""A tiny SafeApp with two SecretFields. F2 shows lengths and fingerprints, F3 crashes where argv[1] says."""

from __future__ import annotations

import os
import sys

from wizard.core.safety import make_process_safe

make_process_safe(os.environ)

import signal  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import ClassVar  # noqa: E402

from textual import on, work  # noqa: E402
from textual.app import ComposeResult  # noqa: E402
from textual.binding import BindingType  # noqa: E402
from textual.content import Content  # noqa: E402
from textual.widgets import Footer, Input, Label, OptionList, Static  # noqa: E402

from wizard.core.secret import Secret  # noqa: E402
from wizard.core.shutdown import Shutdown  # noqa: E402
from wizard.tui.driver import SafeDriver  # noqa: E402
from wizard.tui.safe_app import SafeApp  # noqa: E402
from wizard.tui.widgets.secret_field import SecretField  # noqa: E402

SITE = sys.argv[1] if len(sys.argv) > 1 else ""
HOSTILE = "\x1b]52;c;aGFjaw==\x07\x1b]0;hacked\x07\x1b[31m\x9b31m\u202etxt\u2066"


class Fragile(Static):
    """Fails while it is drawn, with the secret in a local variable."""

    secret = ""

    def render(self) -> str:
        plain = self.secret
        if plain:
            raise RuntimeError("render")
        return "READY"


class TwoFields(SafeApp):
    CSS = """
    Screen { overflow: hidden; }
    OptionList { height: 3; }
    #note { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("f2", "report", "Report"),
        ("f3", "crash", "Crash"),
        ("f4", "copy", "Copy"),
        ("f5", "hostile", "!"),
        ("f6", "flood", "!"),
    ]

    def compose(self) -> ComposeResult:
        yield Fragile(id="fragile")
        from wizard.core.text import UNICODE
        from wizard.steps.form import Field, FieldKind

        kind = FieldKind.PEM if SITE == "pem" else FieldKind.KEY
        yield SecretField(Field("api_key", "", FieldKind.KEY, "empty"), UNICODE)
        yield SecretField(Field("secret", "", kind, "empty"), UNICODE)
        yield Input(id="text", compact=True, select_on_focus=False)
        yield Label("", id="status", markup=False)
        yield Label("", id="note", markup=False)
        yield OptionList(id="options", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.watch(self.query_one("#secret"), "length", self.validator)
        if SITE == "mount":
            raise RuntimeError("mount")

    @on(SecretField.Submitted)
    def go_on(self, event: SecretField.Submitted) -> None:
        self.query_one("#status", Label).update(f"submitted {event.field.id}")
        self.screen.focus_next()

    @on(SecretField.Noted)
    def noted(self, event: SecretField.Noted) -> None:
        self.query_one("#note", Label).update(event.note)

    def validator(self, length: int) -> None:
        if SITE == "changed" and length == 64:
            self.check(self.query_one("#secret", SecretField).peek().reveal())

    def check(self, value: str) -> None:
        raise ValueError("not valid")

    def action_report(self) -> None:
        shown = (f"{field.id}={len(field.peek())}:{field.peek().fingerprint()}" for field in self.query(SecretField))
        self.query_one("#status", Label).update(f"{' '.join(shown)} text={self.query_one(Input).value}")

    def action_copy(self) -> None:
        self.copy_public_text("203.0.113.7,198.51.100.4")

    def action_hostile(self) -> None:
        self.query_one("#note", Label).update(HOSTILE)
        self.query_one(Input).value = HOSTILE
        self.query_one(OptionList).add_option(HOSTILE)
        self.query_one("#fragile", Static).update(Content("link").stylize("link='https://a/\x1b]52;c;aGFjaw==\x07'"))
        self.notify(HOSTILE, markup=False)
        self.query_one("#status", Label).update("hostile text shown")

    def action_flood(self) -> None:
        """Write more than the queue to the terminal holds; blocks while the terminal takes nothing."""
        Path(os.environ["TEST_FLOOD_FILE"]).touch()
        assert self._driver is not None
        for _ in range(100):
            self._driver.write(" ")

    async def action_crash(self) -> None:
        plain = self.query_one("#secret", SecretField).peek().reveal()
        holder = {"secret": [plain]}
        match SITE:
            case "local":
                raise RuntimeError("boom")
            case "message":
                raise ValueError(f"bad {plain}")
            case "cause":
                try:
                    raise ValueError(plain)
                except ValueError as error:
                    raise KeyError(holder["secret"][0]) from error
            case "worker":
                self.in_worker(plain)
            case "thread-worker":
                self.in_thread(plain)
            case "timer":
                self.set_timer(0.01, lambda: self.check(plain))
            case "callback":
                self.call_later(self.check, plain)
            case "render":
                self.query_one(Fragile).secret = plain
                self.query_one(Fragile).refresh()
            case "rich":
                raise Rich(plain)
            case "panic":
                self.panic(plain)
            case "bare-thread":
                threading.Thread(target=self.check, args=(plain,)).start()
            case "control":
                os.write(2, plain.encode())
                self.exit()
            case "stop":
                assert isinstance(self._driver, SafeDriver)
                with self._driver._queueing:  # as in the middle of a write
                    signal.raise_signal(signal.SIGTSTP)
            case "refused":
                Secret(plain).wipe()
                self.exit(return_code=5)

    @work
    async def in_worker(self, value: str) -> None:
        raise RuntimeError(value)

    @work(thread=True)
    def in_thread(self, value: str) -> None:
        raise RuntimeError(value)


class Rich(Exception):
    """Textual prints `__rich__` of an exception."""

    def __rich__(self) -> str:
        return str(self)


if __name__ == "__main__":
    with Shutdown() as shutdown:
        sys.exit(TwoFields().run_safely(shutdown))
