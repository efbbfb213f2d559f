"""What a key, a secret or a private key looks like within other text. Pure.

Where none belongs, such a text is not drawn, not repeated and not handed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_FRAME: Final = "-----"
_RUN: Final = re.compile(r"[A-Za-z0-9]{40,}")
"""Also of hexadecimal digits alone: the futures testnet gives such keys. A digest of a file looks the same."""
_BETWEEN: Final = re.compile(r"[\s,;:=\"'#-]+")
"""What stands between two words, and between an option or a name and its value."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{44,}={0,2}")
_ENOUGH: Final = {"0-9": 2, "A-Z": 10, "a-z": 10}
"""How many of each the base64 of random bytes has at least; the names in a path do not."""


def holds_key(text: str) -> bool:
    """Return whether a key, a secret, or a part of a private key stands somewhere in `text`.

    The one rule for what was pasted or given as an argument where all is shown: such a text is refused as a whole.
    """
    is_framed = f"{_FRAME}BEGIN" in text or f"{_FRAME}END" in text
    return is_framed or bool(_RUN.search(text)) or any(map(_is_base64, _BETWEEN.split(text)))


def mask_keys(text: str, mask: str, known: Iterable[str]) -> str:
    """Return `text` with `mask` where a run looks like a key, and where eight characters of a known one stand."""
    hidden: set[int] = set()
    for each in known:  # in the text as it came: a value and its percent-encoded form overlap there
        size = min(8, len(each))
        pieces = {each[at : at + size] for at in range(len(each) - size + 1)} - {""}
        hidden |= {at + more for at in range(len(text)) if text[at : at + size] in pieces for more in range(size)}
    cut = "".join("\0" if at in hidden else character for at, character in enumerate(text))
    return _RUN.sub(mask, re.sub("\0+", mask, cut))


def _is_base64(text: str) -> bool:
    """Return whether `text` is the base64 of random bytes, as a line of a private key is."""
    return bool(_BASE64.fullmatch(text)) and all(
        len(re.findall(f"[{kind}]", text)) >= number for kind, number in _ENOUGH.items()
    )


def without_keys(text: str) -> str:
    """Return `text` with a cut in the place of each word that holds a key, and of what may be a piece of one."""
    return re.sub(r"\S+", lambda word: "…" if holds_key(word[0]) else re.sub("[A-Za-z0-9]{20,}", "…", word[0]), text)
