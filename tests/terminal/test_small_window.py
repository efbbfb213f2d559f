"""A window that is too small for the screens: they wait, and one line says what they need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.terminal.harness import ENDS_WITHIN, Terminal
from tests.terminal.keys import ENTER, F1, ctrl
from tests.terminal.walk import BEGINS, Walk, rehearsing

pytestmark = pytest.mark.terminal
SIZES = [(59, 24), (80, 19), (40, 12), (11, 12), (3, 5), (1, 1), (12, 3)]


@pytest.fixture
def walk() -> Iterator[Walk]:
    with rehearsing({}) as walk:
        walk.see(BEGINS)
        yield walk


def shrink(terminal: Terminal, size: tuple[int, int]) -> str:
    """Give the window another size, wait until nothing more is drawn, and return what stands there."""
    is_small = size[0] < 60 or size[1] < 20
    terminal.resize(*size)
    terminal.wait_until(lambda screen: screen.startswith("Needs"[: size[0]]) == is_small, f"the screen of {size}")
    assert any(terminal.listen(0.3) == b"" for _ in range(20)), f"at {size} it never comes to rest"
    return terminal.screen().replace("\n", "").replace(" ", "")


def test_every_small_window_says_what_is_needed_and_the_screen_comes_back(walk: Walk) -> None:
    for size in SIZES:
        columns, lines = size
        said = shrink(walk.terminal, size)
        assert said
        assert f"Needs60x20.Thiswindowhas{columns}x{lines}.ctrl+qquits.".startswith(said)
        assert len(said) > min(columns * lines, 30) // 3
    walk.terminal.resize(80, 24)
    walk.see(BEGINS, "Environment")


@pytest.mark.slow
def test_help_and_the_least_window_come_to_rest(walk: Walk) -> None:
    walk.press(F1)
    walk.see("esc Close")
    for size in [(3, 24), (60, 20), (11, 12), (40, 12), (4, 3), (61, 21)]:
        assert shrink(walk.terminal, size)
    walk.terminal.resize(80, 24)
    walk.see("esc Close")


def test_a_small_window_closes_by_its_key_and_no_other_key_does_anything_unseen(walk: Walk) -> None:
    shrink(walk.terminal, (5, 3))
    walk.press(ENTER)  # where it can be seen, it begins
    walk.terminal.settle()
    walk.press(ctrl("q"))
    assert walk.terminal.wait() == 0
    assert b"This rehearsal ends now" not in walk.terminal.raw
    assert walk.terminal.is_restored()


def test_a_small_window_ends_by_a_signal(walk: Walk) -> None:
    shrink(walk.terminal, (3, 3))
    walk.terminal.kill()
    assert walk.terminal.wait(ENDS_WITHIN) == 143
    assert walk.terminal.is_restored()
