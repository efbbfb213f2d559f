"""What each character of a pasted list means.

The tables are explicit on purpose. Unicode's NFKC would turn `²` into `2`, which silently names
another address, and would leave `。` and the zero-width space alone. A character that stands in
no table makes its entry malformed.
"""

from __future__ import annotations

import unicodedata

SEPARATORS = ",;|，、；｜﹐﹔"
"""Characters with an entry on each side: nothing between two of them is an empty field."""

LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Those of `str.splitlines`: a text area ends its lines there too, and with them a comment."""
BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000" + LINE_ENDS
)
"""Characters that separate entries, any number of them as one."""

COMMENT_MARKS = "#＃"
"""The rest of the line after one of these is a comment."""

QUOTES = "\"'`“”„‘’«»"
_BRACKETS = "<>()[]{}「」『』【】〈〉《》（）［］｛｝"
CLOSING = dict(zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True))
"""From each opening bracket to the one that closes it."""
DECORATION = QUOTES + _BRACKETS
"""Characters that lists wear around their entries: quotes and brackets of every kind."""

INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)
"""Characters that show nothing and move no digit. The overrides U+202D and U+202E are not among
them: under an override a reader sees the digits in another order than a program does."""

DASHES = "-－‐‑‒–—−"
"""Between two addresses they make a range; before the first of a line they are its mark."""

_LOOKALIKES = {
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **dict.fromkeys("．。｡", "."),
    **dict.fromkeys("／⁄∕", "/"),
    **dict.fromkeys("：﹕", ":"),
    **dict.fromkeys(DASHES, "-"),
    **dict.fromkeys("＊∗", "*"),
}
_TO_PLAIN = str.maketrans({**_LOOKALIKES, **dict.fromkeys(INVISIBLE)})


def plain(text: str) -> str:
    """Return `text` without invisible characters, full-width digits and punctuation as ASCII."""
    return text.translate(_TO_PLAIN)


def foreign(text: str) -> str | None:
    """Name the first character of `text` that no address has: `SUPERSCRIPT TWO (U+00B2)`, or None."""
    for character in text:
        if not "!" <= character <= "~":
            return f"{unicodedata.name(character, 'a character without a name')} (U+{ord(character):04X})"
    return None
