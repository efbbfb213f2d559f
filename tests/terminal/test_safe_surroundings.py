from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.terminal.conftest import StartTwoFields
from tests.terminal.keys import F5, TAB, ctrl, paste
from tests.terminal.secrets import API_KEY, SECRET

pytestmark = pytest.mark.terminal


def test_variables_that_record_keys_or_load_code_have_no_effect(two_fields: StartTwoFields, tmp_path: Path) -> None:
    terminal = two_fields(
        environ={
            "TEXTUAL": "devtools,debug",
            "TEXTUAL_LOG": str(tmp_path / "log"),
            "TEXTUAL_DEBUG": "1",
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_PRESS": "x,y,z",
            "TEXTUAL_SCREENSHOT": "0",
            "TEXTUAL_SCREENSHOT_LOCATION": str(tmp_path),
        }
    )
    terminal.send(paste(API_KEY) + TAB + paste(SECRET))
    terminal.wait_for("…")
    terminal.kill()
    assert terminal.wait() == 143
    assert list(tmp_path.iterdir()) == []
    assert not Path("keys.log").exists()


def test_hostile_text_in_widgets_sends_no_escape_sequence(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    before = len(terminal.raw)
    terminal.send(F5)
    terminal.wait_for("hostile text shown")
    terminal.settle()
    written = terminal.raw[before:]
    assert b"]52;c;aGFjaw==" in written  # shown as text: the test would see it
    for sequence in (b"\x1b]52", b"\x1b]0;", b"\x1b[31m", b"\x07"):
        assert sequence not in written
    text = written.decode()
    for character in "\x9b\u202e\u2066":
        assert character not in text


def test_hostile_text_does_not_move_the_layout(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(F5)
    screen = terminal.wait_for("hostile text shown").splitlines()
    assert screen[-1].startswith(" f2 Report")
    assert screen[1].startswith("❯ empty")


def test_what_another_program_wrote_on_the_terminal_is_cleared_by_a_key(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.settle()
    screen = terminal.screen()
    terminal.scribble("\r\n\r\nThe system goes down NOW!\r\n")
    terminal.send(ctrl("l"))
    terminal.wait_until(lambda shown: shown == screen, "the screen as it was")


def test_the_mouse_is_left_to_the_terminal(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    assert not terminal.mode(1000)
    assert not terminal.mode(1003)
    assert b"\x1b[?1000h" not in terminal.raw


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "linux"}, {"TERM": "xterm"}, {"TERM": "screen"}])
def test_the_focus_is_marked_without_colours(two_fields: StartTwoFields, environ: dict[str, str]) -> None:
    terminal = two_fields(environ=environ)
    terminal.send(paste(API_KEY) + TAB)
    terminal.wait_for("❯ empty", "  •••••••• 64 characters")
    assert leaked(API_KEY, terminal.drawn) == []


@pytest.mark.parametrize("term", ["xterm", "xterm-256color"])
def test_without_colours_nothing_is_black_on_black(two_fields: StartTwoFields, term: str) -> None:
    terminal = two_fields(environ={"NO_COLOR": "1", "TERM": term})
    terminal.wait_for("❯ empty")
    styles = {part for style in re.findall(rb"\x1b\[([0-9;]*)m", terminal.raw) for part in style.split(b";")}
    assert not styles & {b"30", b"40"}


@pytest.mark.parametrize(("theme", "background"), [("nonsense", b"48;5;233"), ("textual-light", b"48;5;253")])
def test_a_theme_can_be_asked_for_if_there_is_one_of_that_name(
    two_fields: StartTwoFields, theme: str, background: bytes
) -> None:
    assert background in two_fields(environ={"TEXTUAL_THEME": theme}).raw
