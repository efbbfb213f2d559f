"""Changes of the text, which otherwise stays as the user typed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, DECORATION, LINE_ENDS, QUOTES, SEPARATORS
from wizard.whitelist.findings import Finding, Severity
from wizard.whitelist.judging import JudgedEntry, Judgement
from wizard.whitelist.parsing import Entry, parse

_MOST_PASSES = 10
"""A repair can bring another one to light: a range repaired gives duplicates. It never takes many."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One suggestion that can be applied now."""

    finding: Finding
    judged: JudgedEntry | None
    """The entry that it is about; None adds an entry to the list."""


def first_fix(judgement: Judgement) -> Fix | None:
    """Return the first suggestion, those of errors before those of warnings and notes."""
    fixes = [Fix(judged.repair, judged) for judged in judgement.entries if judged.repair]
    fixes += [Fix(finding, None) for finding in judgement.findings if finding.suggestion]
    fixes.sort(key=lambda fix: fix.finding.severity is not Severity.ERROR)
    return next(iter(fixes), None)


def mend(text: str, judgement: Judgement) -> str | None:
    """Return `text` with the first suggestion of its judgement applied, or None where there is none."""
    fix = first_fix(judgement)
    if fix is None:
        return None
    return apply_suggestion(text, fix.judged) if fix.judged else append_entry(text, fix.finding.suggestion or "")


def mend_all(text: str, judge: Callable[[str], Judgement]) -> str:
    """Return `text` with all safe suggestions applied; the others need a look each."""
    for _ in range(_MOST_PASSES):
        safe = [judged for judged in judge(text).entries if judged.repair and judged.repair.is_safe]
        if not safe:
            break
        for judged in reversed(safe):  # from the end: positions before it stay true
            text = apply_suggestion(text, judged)
    return text


def apply_suggestion(text: str, judged: JudgedEntry) -> str:
    """Return `text` with the entry's suggestion in its place.

    An empty suggestion removes the entry together with one separator. Without a suggestion, or
    when the entry no longer stands in `text` where it was judged, the text is returned unchanged.
    """
    entry, suggestion = judged.entry, judged.suggestion
    if suggestion is None or text[entry.position : entry.end] != entry.text:
        return text
    return replace_entry(text, entry, suggestion)


def replace_entry(text: str, entry: Entry, new: str) -> str:
    """Return `text` with `new` in the place of an entry; nothing new removes it, and a line that it empties."""
    if new:
        return text[: entry.position] + new + text[entry.end :]
    return _without(text, entry.position, entry.end)


def append_entry(text: str, addition: str) -> str:
    """Return `text` with one more entry at its end, on a line of its own if the text has lines."""
    body = text.rstrip(BLANKS + SEPARATORS)
    if not body:
        return addition
    has_lines = any(mark in body for mark in LINE_ENDS + COMMENT_MARKS)
    return f"{body}\n{addition}" if has_lines else f"{body},{addition}"


def label_entry(text: str, entry: Entry, label: str) -> str:
    """Return `text` with `label` behind an entry, which gets a line of its own. No label leaves an empty comment."""
    start, end = _line(text, entry.position)
    line = text[start:end]
    mark = next((place for place, character in enumerate(line) if character in COMMENT_MARKS), len(line))
    fields, comment = line[:mark], line[mark:]
    pieces = _one_per_entry(fields, [each.position for each in parse(fields).entries if each.text])
    chosen = max(0, sum(place <= entry.position - start for place, _ in pieces) - 1)
    lines = [
        f"{piece.rstrip()}  {(f'# {label}' if place == chosen else comment).rstrip()}".rstrip()
        for place, (_, piece) in enumerate(pieces)
    ]
    return text[:start] + "\n".join(lines) + text[end:]


def _one_per_entry(fields: str, positions: list[int]) -> list[tuple[int, str]]:
    """Cut a line before each entry but the first, its quotes and brackets with it; pieces with their places."""
    cuts = [0]
    for position in positions[1:]:
        while position > 0 and fields[position - 1] in DECORATION:
            position -= 1  # noqa: PLW2901 - the cut moves to before the quotes
        cuts.append(position)
    return [(cut, fields[cut:end]) for cut, end in zip(cuts, [*cuts[1:], len(fields)], strict=True)]


def _line(text: str, position: int) -> tuple[int, int]:
    """Return where the line around `position` begins and ends."""
    start = max((text.rfind(mark, 0, position) for mark in LINE_ENDS), default=-1) + 1
    ends = [place for mark in LINE_ENDS if (place := text.find(mark, position)) >= 0]
    return start, min(ends, default=len(text))


def _without(text: str, start: int, end: int) -> str:
    """Cut a field out, with its quotes, and with the separator after it or else the one before it."""
    while start > 0 and end < len(text) and start < end and text[start - 1] in QUOTES and text[end] in QUOTES:
        start, end = start - 1, end + 1
    line_start, line_end = _line(text, start)
    rest = text[line_start:start] + text[end:line_end]
    if start < end and not rest.partition("#")[0].strip(BLANKS):
        before, after = text[:line_start], text[line_end + 1 :]
        return _without_last_separator(before + after if after else before.removesuffix("\n"), text)
    after_it = _skip_blanks(text, end, 1)
    if after_it < len(text) and text[after_it] in SEPARATORS:
        return text[:start] + text[after_it + 1 :].lstrip(" ")
    before_it = _skip_blanks(text, start - 1, -1)
    # Not beyond the line: what stands there may end a comment, which would go on over what follows.
    if before_it >= line_start and text[before_it] in SEPARATORS:
        return text[:before_it] + text[end:]
    return text[:start] + text[end:]


def _without_last_separator(text: str, original: str) -> str:
    """Return `text` without the separator that the removal of the last entry left with nothing behind it."""
    entries = parse(text).entries
    if entries and not entries[-1].text and parse(original).entries[-1].text:
        after_separator = entries[-1].position
        return text[: after_separator - 1] + text[after_separator:]
    return text


def _skip_blanks(text: str, position: int, step: int) -> int:
    while 0 <= position < len(text) and text[position] in BLANKS:
        position += step
    return position
