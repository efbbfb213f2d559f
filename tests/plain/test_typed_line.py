"""What is drawn of a line while it is typed or pasted at a question in sight."""

from __future__ import annotations

import random
import string

import pytest

from wizard.exchange.signing import generate_ed25519
from wizard.plain.quiet_terminal import TypedLine

_RANDOM = random.Random(3)
HEXADECIMAL = "".join(_RANDOM.choices("0123456789abcdef", k=64))
MIXED = "".join(_RANDOM.choices(string.ascii_letters + string.digits, k=64))
PEM_LINE = generate_ed25519().private_pem.reveal().splitlines()[1]


def typed(*bursts: str) -> tuple[str, str]:
    """Return what is drawn before Enter and in all."""
    line = TypedLine()
    before = "".join(line.take(burst.encode()) for burst in bursts)
    return before, before + line.end()


def screen(drawn: str) -> str:
    """What a terminal shows of it."""
    cells: list[str] = []
    at = 0
    for character in drawn:
        if character == "\b":
            at -= 1
        else:
            cells[at:] = [character, *cells[at + 1 :]]
            at += 1
    return "".join(cells).rstrip()


@pytest.mark.parametrize(
    "text", ["2", "keep", "/home/eva/.config/bot/config.json", "203.0.113.42, 198.51.100.7 # büro"]
)
def test_typed_or_pasted_text_is_drawn_before_enter(text: str) -> None:
    assert typed(*text) == (text, text)
    assert typed(text) == (text, text)


@pytest.mark.parametrize("key", [HEXADECIMAL, MIXED, PEM_LINE, "-----BEGIN PRIVATE KEY-----", f"key = {HEXADECIMAL}"])
def test_of_a_pasted_key_nothing_is_drawn(key: str) -> None:
    assert typed(key) == ("", "")
    assert typed(f"\x1b[200~{key}\x1b[201~") == ("", "")


@pytest.mark.parametrize("first", [12, 20, 32, 39, 40, 63])
@pytest.mark.parametrize("key", [HEXADECIMAL, MIXED])
def test_of_a_key_that_comes_in_two_parts_nothing_is_drawn(key: str, first: int) -> None:
    assert typed(key[:first], key[first:]) == ("", "")
    assert typed("# ", key[:first], key[first:], "\x7f") == ("# ", "# ")


def test_a_long_name_that_may_be_the_first_part_of_a_key_is_drawn_with_enter() -> None:
    assert typed("productionserver") == ("", "productionserver")
    assert typed("productionserver", ".") == ("productionserver.", "productionserver.")


def test_what_is_left_of_a_key_that_is_erased_again_is_not_drawn() -> None:
    assert typed("# ", MIXED, *["\x7f"] * 30) == ("# ", "# ")
    assert typed("# ", MIXED, "\x17", "office") == ("# office", "# office")


def test_a_line_is_mended_as_a_terminal_does_it() -> None:
    for keys, text in [
        ("cap\x7ft", "cat"),
        ("two words\x17word", "two word"),
        ("wrong\x15right", "right"),
        ("\x7f", ""),
    ]:
        line = TypedLine()
        drawn = "".join(line.take(key.encode()) for key in keys)
        assert (line.text, screen(drawn + line.end())) == (text, text)


def test_a_character_of_two_cells_is_taken_back_whole() -> None:
    assert typed("語", "\x7f")[0] == "語\b \b\b \b"


def test_keys_without_a_character_leave_nothing() -> None:
    assert typed("a", "\x1b[A", "\x1bOB", "\x1b[1;5C", "b") == ("ab", "ab")


def test_a_character_may_come_in_two_parts() -> None:
    line = TypedLine()
    assert line.take("é".encode()[:1]) + line.take("é".encode()[1:]) == "é"


def test_half_a_character_is_told_apart_from_none() -> None:
    line = TypedLine()
    line.take(b"caf" + "é".encode()[:1])
    line.end()
    assert line.text == "caf\ufffd"
