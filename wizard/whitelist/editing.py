"""Changes of the text at one place, which otherwise stays as the user typed it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, LINE_ENDS, SEPARATORS
from wizard.whitelist.parsing import Entry, parse
from wizard.whitelist.rewriting import Change, comment_of, lines_of, rewrite, with_comment


def replace_entry(text: str, entry: Entry, new: str) -> str:
    """Return `text` with `new` in the place of an entry; nothing new removes it, and a line that it empties."""
    return rewrite(text, {entry.position: Change(new)})


def append_entry(text: str, addition: str) -> str:
    """Return `text` with more entries at its end: on a line of their own where either has lines or labels."""
    body = text.rstrip(BLANKS + SEPARATORS)
    if not body or not addition.strip(BLANKS):
        return addition if not body else text
    has_lines = any(mark in body or mark in addition for mark in LINE_ENDS + COMMENT_MARKS)
    return f"{body}\n{addition}" if has_lines else f"{body},{addition}"


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A text in which one entry has a line of its own, and its neighbours keep their labels."""

    before: str
    """The lines before it."""
    left: str
    """What stands before the entry on its line: quotes, brackets, blanks."""
    right: str
    """What stands behind it: quotes, brackets, a separator."""
    comment: str
    """Its comment, with the mark; empty where there is none."""
    after: str
    """The rest of the text, its line end included."""


def own_line(text: str, entry: Entry) -> OwnLine:
    """Give `entry`, which is not an empty field, a line of its own. Only line ends and blanks change."""
    lines = list(lines_of(text, parse(text).entries))
    starts = list(accumulate((line.length for line in lines), initial=0))
    place = bisect_right(starts, entry.position, hi=len(lines)) - 1
    line, before, after = lines[place], text[: starts[place]], text[starts[place + 1] :]
    chosen = max(0, sum(each.position <= entry.position for each in line.entries if each.text) - 1)
    pieces = line.pieces()
    others = [with_comment(piece, line.comment) for piece in pieces]
    end = line.end or "\n"
    left, _, right = pieces[chosen].partition(entry.text)
    return OwnLine(
        before + "".join(other + end for other in others[:chosen]),
        left,
        right.rstrip(BLANKS),
        line.comment,
        "".join(end + other for other in others[chosen + 1 :]) + line.end + after,
    )


def around_label(text: str, entry: Entry) -> tuple[str, str]:
    """Return the text before and behind the label of an entry, which gets a line of its own."""
    line = own_line(text, entry)
    return f"{line.before}{line.left}{entry.text}{line.right}  # ", line.after


def label_entry(text: str, entry: Entry, label: str) -> str:
    """Return `text` with `label` behind an entry, which gets a line of its own. No label leaves an empty comment."""
    line = own_line(text, entry)
    return line.before + with_comment(line.left + entry.text + line.right, comment_of(label)) + line.after


def insert_lines(before: str, head: str, lines: str, tail: str, after: str) -> str:
    """Return a text with pasted `lines` in the middle of a row of which `head` and `tail` were typed.

    `before` and `after` are the text around the row. What was typed and what was pasted become
    entries of their own; the row's label stays with what stands first.
    """
    row = Entry(_ROW, len(before), None)
    around = own_line(before + _ROW + after, row)
    first, *rest = [part for part in (head.strip(), *lines.splitlines(), tail.strip()) if part.strip()]
    if not any(mark in first for mark in COMMENT_MARKS):
        first = with_comment(first, around.comment)
    pasted = "\n".join([first, *rest])
    ends_in_comment = any(mark in (rest or [first])[-1] for mark in COMMENT_MARKS)
    right = f"\n{around.right}" if around.right and ends_in_comment else around.right
    return f"{around.before}{around.left}{pasted}{right}{around.after}"


_ROW = "row"
"""Stands for a row that is being typed: neither a separator nor part of an address."""
