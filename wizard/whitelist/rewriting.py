"""Changes of the text at many entries in one pass; everything between them stays as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wizard.whitelist.characters import BLANKS, CLOSING, COMMENT_MARKS, DECORATION, LINE_ENDS, QUOTES, SEPARATORS
from wizard.whitelist.parsing import Entry, parse

_LINE = re.compile(
    rf"(?P<body>[^{LINE_ENDS}{COMMENT_MARKS}]*)(?P<comment>[^{LINE_ENDS}]*)(?P<end>\r\n|[{LINE_ENDS}]|\Z)"
)
_LAST_LINE_END = re.compile(rf"(?:\r\n|[{LINE_ENDS}])\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one entry."""

    text: str | None = None
    """What is written in its place; an empty text removes it with one separator, None keeps it."""
    label: str | None = None
    """Whose it is from now on; None keeps the label that it has."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its entries, and the text around them (one gap more than there are entries)."""

    entries: tuple[Entry, ...]
    gaps: tuple[str, ...]
    comment: str
    """With its mark; empty where there is none."""
    end: str
    """The character or two that end it; empty at the end of the text."""

    @property
    def length(self) -> int:
        """In characters, its end included."""
        return sum(map(len, (*self.gaps, *(entry.text for entry in self.entries), self.comment, self.end)))

    def pieces(self) -> list[str]:
        """Cut the line before each filled entry but the first, its quotes and brackets with it."""
        pieces = [""]
        for gap, entry in zip(self.gaps, self.entries, strict=False):
            plain_gap = gap.rstrip(DECORATION)
            is_first = not pieces[-1].strip(BLANKS + SEPARATORS + DECORATION)
            if entry.text and not is_first:
                pieces[-1] += plain_gap
                pieces.append(gap[len(plain_gap) :] + entry.text)
            else:
                pieces[-1] += gap + entry.text
        pieces[-1] += self.gaps[-1]
        return pieces


def lines_of(text: str, entries: Sequence[Entry]) -> Iterator[Line]:
    """Yield the lines of `text`, whose `entries` are those of the parser."""
    place = 0
    for match in _LINE.finditer(text):
        if match.start() == len(text) > 0:
            return  # behind the last line there is an empty match
        inside = []
        while place < len(entries) and entries[place].position <= match.end("body"):
            inside.append(entries[place])
            place += 1
        starts = [match.start(), *(entry.end for entry in inside)]
        ends = [*(entry.position for entry in inside), match.end("body")]
        gaps = tuple(text[start:end] for start, end in zip(starts, ends, strict=True))
        yield Line(tuple(inside), gaps, match["comment"], match["end"])


def rewrite(text: str, changes: Mapping[int, Change], entries: Sequence[Entry] | None = None) -> str:
    """Return `text` with each change made at the entry that begins at its position.

    A line that loses its last entry goes with its comment. An entry that gets a label gets a line
    of its own, and so do its neighbours, each with the label that it had. `entries` are those of
    the parser, where they are known already.
    """
    entries = parse(text).entries if entries is None else entries
    lines = list(lines_of(text, entries))
    rewritten = [_rewritten(line, changes) for line in lines]
    result = "".join(rewritten)
    if lines and not lines[-1].end and not rewritten[-1] and _is_changed(lines[-1], changes):
        result = _LAST_LINE_END.sub("", result)
    return _without_new_empty_fields(result, entries, changes)


def _is_changed(line: Line, changes: Mapping[int, Change]) -> bool:
    return any(entry.position in changes for entry in line.entries)


def _rewritten(line: Line, changes: Mapping[int, Change]) -> str:
    if not _is_changed(line, changes):
        return _joined(line) + line.comment + line.end
    entries, gaps, labels = list[Entry](), [line.gaps[0]], list[str | None]()
    for entry, gap in zip(line.entries, line.gaps[1:], strict=True):
        change = changes.get(entry.position, Change())
        if change.text == "":
            gaps[-1] = _closed(gaps[-1], gap)
            continue
        entries.append(entry if change.text is None else Entry(change.text, entry.position, None))
        gaps.append(gap)
        labels.append(change.label)
    left = Line(tuple(entries), tuple(gaps), line.comment, line.end)
    if not entries:
        rest = gaps[0].strip(BLANKS)
        return rest + line.end if rest else ""
    if all(label is None for label in labels):
        return _joined(left) + left.comment + left.end
    return _labelled(left, labels)


def _joined(line: Line) -> str:
    return line.gaps[0] + "".join(entry.text + gap for entry, gap in zip(line.entries, line.gaps[1:], strict=True))


def _labelled(line: Line, labels: Sequence[str | None]) -> str:
    of_filled = [label for entry, label in zip(line.entries, labels, strict=True) if entry.text]
    comments = [line.comment if label is None else comment_of(label) for label in of_filled]
    lines = [with_comment(piece, comment) for piece, comment in zip(line.pieces(), comments, strict=True)]
    return (line.end or "\n").join(lines) + line.end


def comment_of(label: str) -> str:
    """Return the comment that gives an entry `label`; for no label an empty comment."""
    return f"# {label}".rstrip()


def with_comment(fields: str, comment: str) -> str:
    """Return one line: `fields`, and behind them `comment`, which may be empty."""
    return f"{fields.rstrip(BLANKS)}  {comment}".rstrip(BLANKS)


def _closed(before: str, after: str) -> str:
    """Return the text between two entries whose middle neighbour went, with its quotes and one separator."""
    while before and after and _are_a_pair(before[-1], after[0]):
        before, after = before[:-1], after[1:]
    behind, ahead = after.lstrip(BLANKS), before.rstrip(BLANKS)
    if behind and behind[0] in SEPARATORS:
        return before + behind[1:].lstrip(" ")
    if ahead and ahead[-1] in SEPARATORS:
        return ahead[:-1] + after
    return before + after if behind or ahead else before


def _are_a_pair(first: str, last: str) -> bool:
    return (first in QUOTES and last in QUOTES) or CLOSING.get(first) == last


def _without_new_empty_fields(text: str, before: Sequence[Entry], changes: Mapping[int, Change]) -> str:
    """Remove the separators that stand beside nothing only since an entry between two lines went."""
    if any(not entry.text and entry.position not in changes for entry in before):
        return text
    after = parse(text).entries
    empty = [entry.position for entry in after if not entry.text]
    return rewrite(text, dict.fromkeys(empty, Change("")), after) if empty else text
