"""Text from outside, made safe to show, and the few signs that stand beside words.

Echo services, exchange messages, TLS errors and host names are written by others; Textual and
most terminals pass control characters through, so an answer could write to the clipboard (OSC 52).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters of both sets (C0, C1), characters without width, those that change direction, surrogates."""
REPLACEMENT = "\ufffd"


def capitalised(text: str) -> str:
    """Return a phrase as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: `1 host`, `2 addresses`."""
    return f"{count} {noun if count == 1 else noun + ('es' if noun.endswith('s') else 's')}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the question for a word that is close to a known one; nothing where none is."""
    import difflib  # noqa: PLC0415 - only for a mistake

    near = difflib.get_close_matches(word, list(known), 1)
    return f"Did you mean {near[0]}?" if near else ""


def printable(text: str, limit: int = 200) -> str:
    """Return `text` on one line, control and direction characters replaced, cut to `limit` characters."""
    clean = UNPRINTABLE.sub(REPLACEMENT, text[: limit + 1].replace("\n", " "))
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


ASCII_VARIABLE = "KEY_WIZARD_ASCII"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One sign per meaning. A word always stands beside it: no sign says something alone."""

    passed: str
    failed: str
    caution: str
    pending: str
    """Not begun."""
    waiting: str
    """Its turn has not come."""
    focus: str
    """Before the row or the field with the focus."""
    here: str
    """The step where the user is."""
    unsure: str
    """Inconclusive."""
    rule: str
    """A piece of a horizontal line."""
    working: str
    """Under way; also marks a cut: `…AbC9`."""
    mask: str
    """One hidden character."""


UNICODE = Glyphs("✓", "✗", "!", "○", "·", "❯", "●", "?", "─", "…", "•")
ASCII = Glyphs("+", "x", "!", "o", ".", ">", "@", "?", "-", "...", "*")


def glyphs_for(environ: Mapping[str, str]) -> Glyphs:
    """Return the ASCII set when `KEY_WIZARD_ASCII=1` or on the Linux console, whose font lacks the others."""
    return ASCII if environ.get(ASCII_VARIABLE) == "1" or environ.get("TERM") == "linux" else UNICODE
