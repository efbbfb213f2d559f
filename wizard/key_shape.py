"""What a key, a secret or a private key looks like within other text. Pure.

Told by shape alone, for the places where none belongs: there it is not drawn, not repeated and not handed on.
"""

from __future__ import annotations

import re
from typing import Final

FRAME: Final = "-----"
_RUN = re.compile(r"[A-Za-z0-9]{40,}")
_DIGEST = re.compile(r"[0-9a-f]+")
"""Files and containers are named by such runs, and no API key was seen that has lower-case hexadecimal digits alone."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]{44,}={0,2}")
_ENOUGH = {"0-9": 3, "A-Z": 10, "a-z": 10}
"""How many of each the base64 of random bytes has at least; the names in a path do not."""


def long_runs(text: str) -> list[str]:
    """Return the runs of letters and digits that are as long as a key."""
    return _RUN.findall(text)


def holds_key(text: str) -> bool:
    """Return whether a key, a secret, or a part of a private key stands somewhere in `text`."""
    is_framed = f"{FRAME}BEGIN" in text or f"{FRAME}END" in text
    return is_framed or any(not _DIGEST.fullmatch(run) for run in long_runs(text)) or any(map(is_base64, text.split()))


def is_base64(text: str) -> bool:
    """Return whether `text` is the base64 of random bytes, as a line of a private key is."""
    return bool(_BASE64.fullmatch(text)) and all(
        len(re.findall(f"[{kind}]", text)) >= number for kind, number in _ENOUGH.items()
    )
