"""What keys send: xterm's sequences, as plain text for `Terminal.send`."""

from __future__ import annotations

ENTER = "\r"
TAB = "\t"
SHIFT_TAB = "\x1b[Z"
ESCAPE = "\x1b"
BACKSPACE = "\x7f"
DELETE = "\x1b[3~"
UP, DOWN, RIGHT, LEFT = (f"\x1b[{letter}" for letter in "ABCD")
HOME, END = "\x1b[H", "\x1b[F"
PAGE_UP, PAGE_DOWN = "\x1b[5~", "\x1b[6~"
F1, F2, F3, F4 = (f"\x1bO{letter}" for letter in "PQRS")
F5, F6, F7, F8, F9, F10, F11, F12 = (f"\x1b[{number}~" for number in (15, 17, 18, 19, 20, 21, 23, 24))
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"


def ctrl(letter: str) -> str:
    return chr(ord(letter.lower()) & 0x1F)


def alt(key: str) -> str:
    return ESCAPE + key


def paste(text: str) -> str:
    """What a terminal sends for a paste of `text` when the program asked for bracketed paste."""
    return f"{PASTE_START}{text}{PASTE_END}"
