from __future__ import annotations

import pytest

from tests.canaries import leaked
from tests.terminal.conftest import StartTwoFields
from tests.terminal.harness import Terminal
from tests.terminal.keys import BACKSPACE, ENTER, F2, F4, PASTE_START, SHIFT_TAB, TAB, ctrl, paste
from tests.terminal.secrets import API_KEY, SECRET
from wizard.core.secret import Secret

pytestmark = pytest.mark.terminal


def report(terminal: Terminal) -> str:
    """What F2 shows of the fields."""
    terminal.settle()
    terminal.send(F2)
    terminal.wait_for("text=")
    terminal.settle()
    return next(line for line in terminal.screen().splitlines() if "text=" in line)


def shown(key: str, secret: str, text: str = "") -> str:
    fields = (
        f"{name}={len(value)}:{Secret(value).fingerprint()}" for name, value in (("api_key", key), ("secret", secret))
    )
    return f"{' '.join(fields)} text={text}"


@pytest.mark.parametrize("between", [TAB, ENTER, ctrl("j"), ENTER + ctrl("j")])
def test_key_and_secret_in_one_packet_reach_their_fields(two_fields: StartTwoFields, between: str) -> None:
    terminal = two_fields()
    terminal.send(API_KEY + between + SECRET)
    assert report(terminal) == shown(API_KEY, SECRET)
    assert leaked(API_KEY, terminal.drawn) == leaked(SECRET, terminal.drawn) == []


def test_two_pastes_with_enter_between_them_in_one_packet_reach_their_fields(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(paste(API_KEY) + ENTER + paste(SECRET) + ENTER + "visible")
    assert report(terminal) == shown(API_KEY, SECRET, "visible")


def test_shift_tab_in_one_packet_goes_back(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send("a" + TAB + "b" + SHIFT_TAB + "c" + TAB + "d" + TAB + "e")
    assert report(terminal) == shown("ac", "bd", "e")


def test_backspace_in_one_packet_erases_what_stood_before_it(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send("ab" + BACKSPACE + "c" + TAB + "xyz" + ctrl("u") + "w" + TAB + "ab" + BACKSPACE + "c")
    assert report(terminal) == shown("ac", "w", "ac")


def test_a_paste_in_many_packets_is_one_paste(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    packet = paste(API_KEY)
    for start in range(0, len(packet), 5):
        terminal.send(packet[start : start + 5])
        terminal.listen(0.02)
    assert report(terminal) == shown(API_KEY, "")


def test_a_paste_of_two_lines_is_refused_and_said(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(paste(API_KEY))
    terminal.send(paste(f"{API_KEY}\n{SECRET}"))
    terminal.wait_for("The paste holds 2 lines. This field takes one value.", "here is kept.")
    assert report(terminal) == shown(API_KEY, "")


def test_a_pem_typed_by_a_terminal_without_bracketed_paste_keeps_its_lines(two_fields: StartTwoFields) -> None:
    terminal = two_fields("pem")
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----"
    terminal.send(TAB + pem.replace("\n", ENTER))
    assert report(terminal) == shown("", pem)


def test_copying_keys_put_nothing_on_the_clipboard(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    for value in (API_KEY, SECRET):
        terminal.send(paste(value) + ctrl("a") + ctrl("c") + ctrl("x") + TAB)
    terminal.send("plain text" + ctrl("a") + ctrl("c") + ctrl("x") + SHIFT_TAB)
    terminal.settle()
    assert b"\x1b]52" not in terminal.raw


def test_public_text_is_copied_by_osc_52(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(F4)
    terminal.wait_for_bytes(b"\x1b]52;c;MjAzLjAuMTEzLjcsMTk4LjUxLjEwMC40\x07")


@pytest.mark.slow
def test_a_key_after_a_paste_without_end_is_heard_again(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(PASTE_START + API_KEY[:32])
    terminal.listen(2.1)  # the pause after which a key press counts as one
    terminal.send(F2)
    terminal.wait_for("its end is missing", "api_key=0:", "text=")
    terminal.send(paste(API_KEY))
    assert report(terminal) == shown(API_KEY, "")


@pytest.mark.slow
def test_the_signal_to_quit_is_heard_inside_a_paste_without_end(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(PASTE_START + API_KEY[:32])
    terminal.listen(2.1)
    terminal.send(ctrl("q"))
    assert terminal.wait() == 0


def test_a_byte_that_is_not_utf_8_does_not_end_the_program(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(b"ab\xff\xfec")
    terminal.wait_for("A character that no key has was left out.")
    assert report(terminal) == shown("abc", "")


def test_typing_never_spells_the_key_by_its_last_four(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    for count, character in enumerate(API_KEY, 1):
        terminal.send(character)
        terminal.wait_for(f" {count} character")
        assert "…" not in terminal.screen()
    terminal.send(TAB)
    terminal.wait_for(f"…{API_KEY[-4:]}")
    assert API_KEY[-8:-4].encode() not in terminal.drawn


def test_the_secret_field_never_shows_its_last_four(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(TAB + paste(SECRET) + TAB)
    terminal.wait_for("64 characters")
    terminal.settle()
    assert leaked(SECRET, terminal.drawn, window=4) == []


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_one_key_costs_at_most_250_bytes(two_fields: StartTwoFields, size: tuple[int, int]) -> None:
    terminal = two_fields(size=size)
    terminal.send("a")
    terminal.wait_for("1 character")
    terminal.settle()
    before = len(terminal.raw)
    for count in range(2, 42):
        terminal.send("b")
        terminal.wait_for(f" {count} characters")
    terminal.settle()
    assert (len(terminal.raw) - before) / 40 <= 250


def test_nothing_is_written_while_nothing_happens(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.settle()
    assert terminal.listen(1.5) == b""
