"""Only what a frame changes is sent, and the terminal shows what the frame shows: pyte sees both."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyte.screens import Char
from rich.cells import cell_len

from tests.examples import examples
from wizard.tui.frame_diff import FrameDiff

WIDTH, HEIGHT = 12, 4
SIZE = (WIDTH, HEIGHT)
STYLES = (
    "",
    "1;38;5;253;48;5;234",
    "38;5;247;48;5;234",
    "38;5;247;48;5;233",
    "1;7;38;5;253;48;5;234",
    "4;38;5;210",
    "2;3;9;95;48;2;1;2;3",
    "1;2;31;104",
    "7",
    "38;2;95;175;255;48;2;18;18;18",
    "38;2;238;238;238;48;2;255;0;95",
)
BLANK = Char(" ")


def diff() -> FrameDiff:
    return FrameDiff(lambda: SIZE)


def at(row: int, column: int, text: str, style: str = "") -> str:
    return f"\x1b[{row};{column}H{styled(text, style)}"


def styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


def whole(text: str = " ") -> str:
    return "\n".join(at(row, 1, text * WIDTH, STYLES[1]) for row in range(1, HEIGHT + 1)) + "\x1b[1;1H"


def seen(char: Char) -> Char:
    """What one sees of a cell: of a blank, no letter."""
    if char.data != " " or char.reverse or char.underscore or char.strikethrough:
        return char
    return BLANK._replace(bg=char.bg)


def shown(screen: pyte.Screen) -> list[Char]:
    return [seen(screen.buffer[y][x]) for y in range(HEIGHT) for x in range(WIDTH)]


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Some rows from above to below, of each a part with several looks, and the cursor behind."""
    rows = []
    for row in sorted(draw(st.sets(st.integers(1, HEIGHT), min_size=1))):
        column, line = draw(st.integers(1, WIDTH)), ""
        room = WIDTH + 1 - column
        while room and draw(st.integers(0, 3)):
            text = draw(st.text(" ab✓▶漢", min_size=1, max_size=room))
            text = text if cell_len(text) <= room else "b" * room
            room -= cell_len(text)
            line += styled(text, draw(st.sampled_from(STYLES)))
        rows.append(f"\x1b[{row};{column}H{line}")
    return "\n".join(rows) + f"\x1b[{draw(st.integers(1, HEIGHT))};{draw(st.integers(1, WIDTH))}H"


moving = "\x1b[?25l\x1b[4;4H"
others = st.sampled_from(["\x1b[2J", moving, "\x1b]52;c;YQ==\x07", "\x1b[?2026h", "\x1b[?2026l", whole("b")])


@settings(max_examples=examples(200))
@given(st.lists(st.one_of(frames(), frames(), frames(), others), min_size=1, max_size=12))
def test_the_terminal_shows_what_the_frames_show(sent: list[str]) -> None:
    expected, lean = pyte.Screen(WIDTH + 1, HEIGHT), pyte.Screen(WIDTH + 1, HEIGHT)
    as_sent, as_changed, changes = pyte.Stream(expected), pyte.Stream(lean), diff()
    for data in sent:
        as_sent.feed(data)
        as_changed.feed(changes.changes(data))
        assert shown(lean) == shown(expected)
        assert (lean.cursor.y, lean.cursor.x) == (expected.cursor.y, expected.cursor.x)


def test_a_colour_of_the_palette_is_named_by_its_place() -> None:
    assert diff().changes(at(1, 1, "ab", "38;2;95;175;255;48;2;18;18;18")) == "\x1b[H\x1b[38;5;75;48;5;233mab\x1b[m"


def test_a_cell_that_changes_is_sent_alone_and_one_that_does_not_is_not_sent() -> None:
    changes = diff()
    changes.changes(at(2, 1, "▶ 1 fine    ", STYLES[1]) + "\x1b[1;1H")
    assert changes.changes(at(2, 1, "▶ 2 fine    ", STYLES[1]) + "\x1b[1;1H") == (
        f"\x1b[2;3H\x1b[{STYLES[1]}m2\x1b[m\x1b[H"
    )
    assert changes.changes(at(2, 1, "▶ 2 fine    ", STYLES[1]) + "\x1b[1;1H") == ""


def test_a_whole_screen_is_sent_whole_so_that_it_mends_what_others_wrote() -> None:
    changes = diff()
    changes.changes(whole("a"))
    again = changes.changes(whole("a"))
    assert again.count("a") == WIDTH * HEIGHT
    assert len(again) < len(whole("a"))


OF_DOUBTFUL_WIDTH = ["漢", "⚠\ufe0f", "e\u0301", "का", "\U0001fae9"]


@pytest.mark.parametrize(
    "other",
    ["\x1b[?1049h", "\x1b[2J", "\x1b[1;1Hab\x1b[99m", "\x1b[1;1H\x1b[1mab", "text", *map(whole, OF_DOUBTFUL_WIDTH)],
)
def test_what_is_no_frame_is_sent_as_it_is_and_nothing_is_known_afterwards(other: str) -> None:
    changes, frame = diff(), at(1, 1, "ab", STYLES[1])
    first = changes.changes(frame)
    assert changes.changes(other) == other
    assert changes.changes(frame) == first


def test_a_screen_of_another_size_is_sent_anew() -> None:
    size = [SIZE]
    changes = FrameDiff(lambda: size[0])
    first = changes.changes(at(1, 1, "ab", STYLES[1]))
    size[0] = (WIDTH, HEIGHT + 1)
    assert changes.changes(at(1, 1, "ab", STYLES[1])) == first


@pytest.mark.parametrize(("text", "is_marked"), [("ab", False), ("ab" * 600, True)])
def test_only_a_long_frame_makes_the_terminal_wait_for_its_end(text: str, is_marked: bool) -> None:
    changes = diff()
    out = "".join(map(changes.changes, ["\x1b[?2026h", at(1, 1, text), "\x1b[?2026l"]))
    assert out.startswith("\x1b[?2026h") is is_marked
    assert out.endswith("\x1b[?2026l") is is_marked
