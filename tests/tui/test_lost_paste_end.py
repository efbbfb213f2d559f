from __future__ import annotations

import pytest

from wizard.tui.driver import END, PAUSE, START, PasteWatch


class StoppedClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watch_after(*pieces: str, pause: float) -> PasteWatch:
    clock = StoppedClock()
    watch = PasteWatch(clock)
    for piece in pieces:
        watch.note(piece)
    clock.now += pause
    return watch


@pytest.mark.parametrize("key", ["\x11", "a", "\x1b", "\x1b[113;5u", "\x1bOP"])
def test_a_key_after_a_pause_ends_a_paste_without_end(key: str) -> None:
    assert watch_after(START + "half", pause=PAUSE).is_key_after_lost_end(key)


def test_a_key_at_once_is_part_of_the_paste() -> None:
    assert not watch_after(START + "half", pause=PAUSE - 0.01).is_key_after_lost_end("a")


def test_a_paste_that_goes_on_after_a_pause_is_not_cut() -> None:
    assert not watch_after(START + "half", pause=60).is_key_after_lost_end("x" * 17)


@pytest.mark.parametrize("rest", [END, "xy" + END, END + "\r"])
def test_the_end_after_a_pause_is_an_end(rest: str) -> None:
    assert not watch_after(START + "half", pause=60).is_key_after_lost_end(rest)


@pytest.mark.parametrize("cut", range(1, len(END)))
def test_markers_cut_by_packets_are_seen(cut: int) -> None:
    assert watch_after(START[:cut], START[cut:], pause=60).is_key_after_lost_end("a")
    assert not watch_after(START + "whole" + END[:cut], END[cut:], pause=60).is_key_after_lost_end("a")
    assert not watch_after(START + "whole" + END[:cut], pause=60).is_key_after_lost_end(END[cut:])


def test_outside_a_paste_a_key_is_a_key() -> None:
    assert not watch_after(START + "whole" + END, pause=60).is_key_after_lost_end("a")
    assert not watch_after(pause=60).is_key_after_lost_end("a")
