"""What a key, a secret or a private key looks like within other text. Pure.

Told by shape alone, for the places where none belongs: there it is not drawn, not repeated and not handed on.
"""

from __future__ import annotations

import re
from typing import Final

FRAME: Final = "-----"
_RUN = re.compile(r"[A-Za-z0-9]{40,}")
"""Also of hexadecimal digits alone: the futures testnet gives such keys. A digest of a file looks the same."""
_BETWEEN = re.compile(r"[\s,;:=\"'#-]+")
"""What stands between two words, and between an option or a name and its value."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{44,}={0,2}")
_ENOUGH = {"0-9": 2, "A-Z": 10, "a-z": 10}
"""How many of each the base64 of random bytes has at least; the names in a path do not."""

_BEGUN: Final = 14
"""Characters after which a key is told from words while it is typed."""
_PIECE = re.compile(r"[A-Z]*[a-z]+|[A-Z]+|[0-9]+")
"""What words are made of. In a key a new piece begins about every two characters."""
_PIECES: Final = 6
"""In so many characters; tests/test_key_shape.py measures what that finds, and how seldom it errs."""


def holds_key(text: str) -> bool:
    """Return whether a key, a secret, or a part of a private key stands somewhere in `text`.

    The one rule for what was pasted or given as an argument where all is shown: such a text is refused as a whole.
    """
    is_framed = f"{FRAME}BEGIN" in text or f"{FRAME}END" in text
    return is_framed or bool(_RUN.search(text)) or any(map(is_base64, _BETWEEN.split(text)))


def looks_secret(text: str) -> bool:
    """Return whether `text` is better not shown: it holds a key, or what a key looks like while it is typed."""
    return holds_key(text) or any(map(_is_begun, re.findall(f"[A-Za-z0-9]{{{_BEGUN},}}", text)))


def _is_begun(run: str) -> bool:
    if not _is_mixed(run):
        return False
    parts = (run[start : start + _BEGUN] for start in range(len(run) - _BEGUN + 1))
    return any(len(_PIECE.findall(part)) >= _PIECES and _is_mixed(part) for part in parts)


def _is_mixed(text: str) -> bool:
    return not (text.isupper() or text.islower() or text.isalpha())


def is_base64(text: str) -> bool:
    """Return whether `text` is the base64 of random bytes, as a line of a private key is."""
    return bool(_BASE64.fullmatch(text)) and all(
        len(re.findall(f"[{kind}]", text)) >= number for kind, number in _ENOUGH.items()
    )
