"""Text from outside, made safe to show, and the few signs that stand beside words.

Echo services, exchange messages, TLS errors and host names are written by others; Textual and
most terminals pass control characters through, so an answer could write to the clipboard (OSC 52).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
"""Control characters of both sets (C0, C1), those that cannot be seen, that change direction or the look of their
neighbours, whose width differs from terminal to terminal, and surrogates."""
_OTHERS = re.compile("[^\x20-\x7e]+")
_MOST_MARKS = 2
"""Accents on one letter. More of them would reach into the lines above and below."""
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
    """Return `text` on one line, harmless, cut to `limit` characters."""
    clean = harmless(text[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def harmless(text: str) -> str:
    """Return `text` on one line; what steers a terminal, hides or has no certain width is replaced."""
    return _OTHERS.sub(_seen, UNPRINTABLE.sub(_replacement, text))


def _replacement(match: re.Match[str]) -> str:
    if "\ufe00" <= match[0] <= "\ufe0f":  # it only chooses between two looks of the character before it
        return ""
    return " " if match[0] in "\t\n" else REPLACEMENT


def _seen(others: re.Match[str]) -> str:
    shown, marks = "", 0 if others.start() else _MOST_MARKS  # the first one would fall on what stands before the text
    for character in others[0]:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind == "Mn" else 0
        if marks <= _MOST_MARKS:  # what encloses ("Me") would cross out the character before it
            is_shown = character.isprintable() and kind != "Me"
            shown += character if is_shown else " " if kind == "Zs" else REPLACEMENT
    return shown


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
