"""Suggestions put into the text, which otherwise stays as the user typed it."""

from __future__ import annotations

from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, LINE_ENDS, QUOTES, SEPARATORS
from wizard.whitelist.judging import JudgedEntry, Judgement


def apply_suggestion(text: str, judged: JudgedEntry) -> str:
    """Return `text` with the entry's suggestion in its place.

    An empty suggestion removes the entry together with one separator. Without a suggestion, or
    when the entry no longer stands in `text` where it was judged, the text is returned unchanged.
    """
    entry, suggestion = judged.entry, judged.suggestion
    if suggestion is None or text[entry.position : entry.end] != entry.text:
        return text
    if suggestion:
        return text[: entry.position] + suggestion + text[entry.end :]
    return _without(text, entry.position, entry.end)


def mend(text: str, judgement: Judgement) -> str | None:
    """Return `text` with the first suggestion of its judgement applied, or None where there is none."""
    for judged in judgement.entries:
        if judged.suggestion is not None:
            return apply_suggestion(text, judged)
    additions = (finding.suggestion for finding in judgement.findings if finding.suggestion)
    addition = next(additions, None)
    return None if addition is None else append_entry(text, addition)


def append_entry(text: str, addition: str) -> str:
    """Return `text` with one more entry at its end, on a line of its own if the text has lines."""
    body = text.rstrip(BLANKS + SEPARATORS)
    if not body:
        return addition
    has_lines = any(mark in body for mark in LINE_ENDS + COMMENT_MARKS)
    return f"{body}\n{addition}" if has_lines else f"{body},{addition}"


def _without(text: str, start: int, end: int) -> str:
    """Cut a field out, with its quotes, and with the separator after it or else the one before it."""
    while start > 0 and end < len(text) and start < end and text[start - 1] in QUOTES and text[end] in QUOTES:
        start, end = start - 1, end + 1
    after = _skip_blanks(text, end, 1)
    if after < len(text) and text[after] in SEPARATORS:
        return text[:start] + text[after + 1 :].lstrip(" ")
    before = _skip_blanks(text, start - 1, -1)
    if before >= 0 and text[before] in SEPARATORS:
        return text[:before] + text[end:]
    return text[:start] + text[end:]


def _skip_blanks(text: str, position: int, step: int) -> int:
    while 0 <= position < len(text) and text[position] in BLANKS:
        position += step
    return position
