"""Hostile text in every field of a page, and in everything that a page asks of its face, on screens and in lines.

Fields are found by their types: one more field of a `View` is filled too. What the app writes goes through a terminal.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from operator import attrgetter
from types import NoneType, SimpleNamespace, UnionType
from typing import Any
from unicodedata import normalize

import pyte
import pytest
from rich.cells import cell_len
from textual.drivers.headless_driver import HeadlessDriver

from tests.hostile import FORGED, MARK, TEXTS, judge
from tests.plain.script import ScriptedConsole
from tests.tiers import slow, whole
from tests.tui.conftest import Wizard
from wizard.core.errors import WizardError
from wizard.plain.interrupts import Interrupts
from wizard.plain.lines import Lines
from wizard.plain.talk import Talk
from wizard.steps import form, view
from wizard.steps.form import Field, FieldKind, Form
from wizard.steps.presenter import Face, Presenter
from wizard.steps.view import Action, Consent, State, View
from wizard.tui.screens.view_screen import ViewScreen

_WRITTEN = re.compile(r"\x1b\[\d+;\d+H|\x1b\[\?2026[hl]|\x1b\[\?25[hl]|\x1b\[[\d;]*m|\x1b\]22;default\x07|\n")
"""All that Textual writes beside text: positions, updates in one piece, the cursor, the pointer, colours, line ends."""
_FIXED = {"key", "also", "word", "kind", "does", "instead_of", "after", "state", "corner_state", "item", "cursor"}
"""What the program alone decides: keys, words, names of fields."""
_COPIED = re.compile(r"\x1b\]52;c;[\w+/=]*\x07")


async def nothing(*_: object, **__: object) -> None:
    pass


def filled(kind: Any, text: str, name: str = "") -> Any:
    """Return an instance of a type with `text` in each string of it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        return {"key": "k", "word": "word", "item": "item", "cursor": "item", "name": "name"}.get(
            name, "" if name in _FIXED else text
        )
    if origin is tuple:
        return tuple(filled(each, text, name) for each in (inner if inner[-1] is not ... else inner[:1] * 2))
    if origin in (typing.Union, UnionType):
        return None if NoneType in inner else filled(inner[0], text, name)
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind, vars(form) | vars(view) | {"Secret": str, "Outcome": str, "Step": str})
        return kind(**{each.name: filled(hints[each.name], text, each.name) for each in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return State.STOP if kind is State else next(iter(kind))
    return {bool: False, float: 5.0, int: 1}.get(kind, {} if origin is dict else nothing)


class Page(Presenter):
    """A page that shows one view."""

    TITLE, ABOUT = "Hostile", "Help."

    def __init__(self, face: Face, text: str) -> None:
        super().__init__(face)
        self.text = text
        self.shown = replace(filled(View, text), actions=(filled(Action, text), self.back_action()))

    @property
    def location(self) -> tuple[str, str]:
        return self.text, self.text

    def view(self) -> View:
        return self.shown


def asked(face: Face, text: str) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return everything that a page can ask of its face with a text."""

    async def fail() -> None:
        raise WizardError(text, why=text, advice=f"{text}\n{text}")

    hidden = replace(filled(Field, text), name="hidden", kind=FieldKind.KEY)

    async def at_once(method: Callable[..., object], *given: object) -> None:
        method(*given)

    return {
        "show": partial(at_once, face.show),
        "say": partial(at_once, face.say, text, text),
        "doing": partial(at_once, face.doing, text),
        "note": partial(at_once, face.note, text),
        "attempt": partial(face.attempt, fail, text, 5.0),
        "confirm": partial(face.confirm, filled(Consent, text)),
        "fill": partial(face.fill, replace(filled(Form, text), fields=(hidden, filled(Field, text)))),
        "read": partial(face.read, text, text, text),
        "copy": partial(face.copy, text.replace("\n", " "), text),
        "visit": partial(face.visit, lambda other: Page(other, text)),
    }


def test_all_that_a_page_can_ask_of_its_face_is_asked_here() -> None:
    members = {name for name in (*vars(Face), *Face.__annotations__) if name[0] != "_"}
    # `finish` has a report, which is a page again.
    without = {"is_live", "page", "leave", "go_home", "finish"}
    assert members == asked(SimpleNamespace(**dict.fromkeys(members, nothing)), "").keys() | without


class Screen:
    """The wizard's app, and a terminal that is given all that it writes."""

    def __init__(self, wizard: Wizard, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wizard, self.written, self.judged = wizard, "", 0
        self.terminal = pyte.Screen(80, 24)
        self.stream = pyte.Stream(self.terminal)
        monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
        monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: self.write(data))

    def write(self, data: str) -> None:
        self.stream.feed(data)
        self.written += data

    def rows(self) -> tuple[list[str], list[str]]:
        """Return what the app drew, and what stands on the terminal."""
        drawn = [
            "".join(map(attrgetter("text"), strip)) for strip in self.wizard.app.screen._compositor.render_strips()
        ]
        seen = ["".join(self.terminal.buffer[row][at].data for at in range(80)) for row in range(24)]
        return [normalize("NFC", row) for row in drawn], [normalize("NFC", row) for row in seen]

    def is_drawn(self) -> bool:
        drawn, seen = self.rows()
        return drawn == seen and MARK in self.wizard.text("Static, TitledRows, PageHeader")

    async def judge(self, what: str) -> None:
        """Draw all anew, and judge what was written and how it looks."""
        self.wizard.app.action_redraw()
        with suppress(TimeoutError):
            await self.wizard.when(self.is_drawn)
        (drawn, seen), written, self.written = self.rows(), self.written, ""
        assert seen == drawn, what
        assert MARK in "".join(drawn) or "long" in what, what  # a dialog scrolls to its field
        assert judge(_WRITTEN.sub("", _COPIED.sub("", written) if what.startswith("copy") else written)) == [], what
        assert [row for row in drawn if cell_len(row) != 80 or row.strip("│ ").startswith(FORGED)] == [], what
        assert "markup" not in what or not re.search(MARK + r"[^\[…\s│─]", "\n".join(drawn)), what
        styles = [each.style for strip in self.wizard.app.screen._compositor.render_strips() for each in strip]
        assert [style for style in styles if style and (style.link or "@click" in style.meta)] == [], what
        self.judged += 1


SOME = ["CSI", r"line end '\n'", "markup", "without width", "combining towers", "families and flags"]
NAMES = pytest.mark.parametrize("names", [SOME, *whole(*(list(TEXTS)[at::5] for at in range(5)))])


@NAMES
@pytest.mark.parametrize("kind", ["list", "ed25519", "hmac", *slow("any page")])
async def test_hostile_text_on_screens(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch, names: list[str], kind: str
) -> None:
    if kind == "any page":
        await wizard.at_home()
    else:
        await (wizard.to_whitelist() if kind == "list" else wizard.to_credentials(kind))
    screen, page = Screen(wizard, monkeypatch), wizard.app.screen
    for name in names:
        text = f"{MARK}{TEXTS[name]}"
        if isinstance(page, ViewScreen) and kind != "any page":  # it has widgets of its own, and needs its presenter
            view = replace(filled(View, text), actions=page.presenter.view().actions)
            monkeypatch.setattr(page.presenter, "view", lambda view=view: view)
            page._draw()
            await screen.judge(f"{kind}, {name}")
            continue
        await wizard.app.push_screen(shown := ViewScreen(partial(Page, text=text)))
        await screen.judge(f"view, {name}")
        for method, ask in asked(shown, text).items():
            work = shown.run_worker(ask(), exit_on_error=False)
            await wizard.when(lambda work=work, shown=shown: work.is_finished or wizard.app.screen is not shown)
            await screen.judge(f"{method}, {name}")
            while wizard.app.screen is not shown:
                await wizard.press("escape")
            await work.wait()
        monkeypatch.setattr(wizard.app.opened, "closing", lambda text=text: (text, f"  {text}"))
        for key in ("question_mark", "q"):
            await wizard.press(key)
            await screen.judge(f"{key}, {name}")
            wizard.app.pop_screen()
        wizard.app.pop_screen()
    print(f"{screen.judged} screens right")


@NAMES
async def test_hostile_text_in_lines(names: list[str]) -> None:
    for name in names:
        text, interrupts = f"{MARK}{TEXTS[name]}", Interrupts()
        console: Any = ScriptedConsole([("", "help"), *[("", "back")] * 9], interrupts)
        talk = Talk(console, interrupts)
        talk.closing = lambda text=text: (text,)
        about: Any = SimpleNamespace(place=text, environments=SimpleNamespace(simulated_page=None))
        await (lines := Lines(talk, about, partial(Page, text=text))).run()
        for method, ask in asked(lines, text).items():
            before = len(console.lines)
            await ask()
            assert MARK in "".join(console.lines[before:]) or method in {"show", "doing"}, method
        assert [line for line in console.lines if "\n" in line] + judge(console.text) == [], name
