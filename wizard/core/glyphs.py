"""The few signs that stand beside words, in Unicode and in ASCII. Chosen once at start and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ASCII_VARIABLE = "KEY_WIZARD_ASCII"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One sign per meaning. A word always stands beside it: no sign says something alone."""

    passed: str
    failed: str
    caution: str
    pending: str
    """Not begun."""
    current: str
    """Where the user is: the step, the row, the field with the focus."""
    working: str
    """Under way; also marks a cut: `…AbC9`."""
    arrow: str
    """From one thing to the next: `current → legacy`."""
    mask: str
    """One hidden character."""


UNICODE = Glyphs("✓", "✗", "!", "·", "▶", "…", "→", "•")
ASCII = Glyphs("+", "x", "!", ".", ">", "...", "->", "*")


def glyphs_for(environ: Mapping[str, str]) -> Glyphs:
    """Return the ASCII set when `KEY_WIZARD_ASCII=1` or on the Linux console, whose font lacks the others."""
    return ASCII if environ.get(ASCII_VARIABLE) == "1" or environ.get("TERM") == "linux" else UNICODE
