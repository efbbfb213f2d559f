"""One line while it is typed: keys in, what the terminal is to draw out. Pure.

A terminal that draws by itself would draw a pasted key before anybody could look at it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from wizard.core.key_shape import holds_key

END_OF_FILE = b"\x04"
_ERASE, _ERASE_WORD, _ERASE_LINE = "\x7f\b", "\x17", "\x15"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
"""What a key without a character sends, and what terminals put around a paste."""
_GROWS = re.compile(r"[A-Za-z0-9+/]{12,}\Z")
"""The end of a paste that may be the first part of a key: more of it may be on its way."""


class TypedLine:
    """Takes keys until the line is whole."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._drawn = 0
        """How many characters are drawn."""
        self.text = ""

    def take(self, data: bytes) -> str:
        """Take what came in one go, without a line end; return what shows it.

        What came as a whole is a paste. It is shown as soon as it cannot become a key any more.
        """
        new = self._decoder.decode(_SEQUENCE.sub(b"", data))
        erased = "".join(map(self._take, new))
        is_typed = len(new) <= 1 and self._drawn >= len(self.text) - 1
        is_shown = is_typed or not (_GROWS.search(self.text) or holds_key(self.text))
        return erased + (self._draw() if is_shown else "")

    def end(self) -> str:
        """Return what shows the rest of the line, which is whole now: nothing where it holds a key."""
        self.text += self._decoder.decode(b"", final=True)
        return "" if holds_key(self.text) else self._draw()

    def _take(self, character: str) -> str:
        if character in _ERASE:
            return self._erase(self.text[:-1])
        if character == _ERASE_WORD:
            return self._erase(re.sub(r"\S*\s*\Z", "", self.text))
        if character == _ERASE_LINE:
            return self._erase("")
        self.text += character
        return ""

    def _erase(self, left: str) -> str:
        gone = self.text[len(left) : self._drawn]
        self.text = left
        self._drawn = min(self._drawn, len(left))
        return "\b \b" * sum(map(_cells, gone))

    def _draw(self) -> str:
        new = self.text[self._drawn :]
        self._drawn = len(self.text)
        return "".join(filter(str.isprintable, new.replace("\t", " ")))


def _cells(character: str) -> int:
    """Return how many cells of a terminal a character takes."""
    if unicodedata.combining(character) or not (character.isprintable() or character == "\t"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
