"""What clings to a value that was copied: quotes, blanks, `KEY=`, hidden characters. Pure.

Taken off from the outside inwards until nothing more comes off. The middle is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_HIDDEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_QUOTES = "\"'`“”„‘’‚«»‹›"
_NAME = re.compile(r"""(?:export\s+|set\s+)?["']?[A-Za-z][A-Za-z0-9_. -]{0,40}["']?\s*[:=]\s*""")
_PASTE_MARK = re.compile(r"\A(?:\x1b?\[200~)+|(?:\x1b?\[201~)+\Z")


def unwrap(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the bare value and one sentence for each sort of thing that was taken off.

    The line break that ends a copied line is taken off without a word.
    """
    bare = text
    taken: set[str] = set()
    while True:
        before = bare
        for sentence, peel in _LAYERS:
            peeled = peel(bare)
            if peeled != bare and not (sentence == _BLANKS and bare.rstrip("\r\n") == peeled):
                taken.add(sentence)
            bare = peeled
        if bare == before:
            return bare, tuple(sentence for sentence, _ in _LAYERS if sentence in taken)


def _without_name(text: str) -> str:
    found = _NAME.match(text)
    return text[found.end() :] if found else text


_BLANKS = "Removed blanks or line breaks around it."
_LAYERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Removed the terminal's paste marks around it.", lambda text: _PASTE_MARK.sub("", text)),
    (_BLANKS, str.strip),
    ("Removed hidden characters around it.", lambda text: text.strip(_HIDDEN)),
    ("Removed quotes around it.", lambda text: text.strip(_QUOTES)),
    ("Removed a comma or semicolon after it.", lambda text: text.rstrip(",;")),
    ("Removed the name in front of it.", _without_name),
)
