"""From pasted text to entries, each with its place in the text and its label.

Whatever the text, parsing succeeds: what is not an address becomes an entry without a network,
and judging says what is wrong with it. An entry never allows more than its text names.

Separators, quotes, brackets and comments are the marks of a list: they are read and left out of
the text to paste. Everything else belongs to an entry and is never repaired unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from wizard.text import printable
from wizard.whitelist.characters import BLANKS, CLOSING, COMMENT_MARKS, DASHES, DECORATION, LINE_ENDS, SEPARATORS

LONGEST_LABEL = 40
"""Characters. A longer comment is only a comment."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_NETWORK = re.compile(rf"(?P<octets>{_OCTET}(?:\.{_OCTET}){{3}})(?:/(?P<prefix>[12]?[0-9]|3[0-2]))?")
_BLANK = rf"[{''.join(blank for blank in BLANKS if blank not in LINE_ENDS)}]"
_OPEN = _CLOSE = rf"[{re.escape(DECORATION)}]*"
_ENDS = rf"{_CLOSE}(?![^{COMMENT_MARKS}{SEPARATORS}{BLANKS}])"
_TOKEN = re.compile(
    rf"(?P<comment>[{COMMENT_MARKS}][^{LINE_ENDS}]*)"
    rf"|(?P<line_end>[{LINE_ENDS}])"
    rf"|(?P<separator>[{SEPARATORS}])"
    # Blanks inside: `1.2.3.4 - 1.2.3.9` is one range, not two addresses.
    rf"|(?P<entry>{_OPEN}[0-9.]+{_BLANK}+[{DASHES}]{_BLANK}+[0-9.]+{_ENDS}"
    rf"|{_OPEN}[0-9.]+(?:{_BLANK}*/{_BLANK}+|{_BLANK}+/)[0-9][0-9.]*{_ENDS}"
    rf"|[^{COMMENT_MARKS}{SEPARATORS}{BLANKS}]+)"
)
_LINE_MARK = re.compile(
    rf"(?:\A|[{LINE_ENDS}]){_BLANK}*(?P<mark>[{DASHES}])(?={_BLANK}+[^{LINE_ENDS}{COMMENT_MARKS}{BLANKS}])"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the list. An empty text is an empty field: two separators with nothing between."""

    text: str
    """As typed, without the quotes and brackets around it."""
    position: int
    """Where the text begins: the number of characters before it in the whole list."""
    network: IPv4Network | None
    """What the entry allows; None when it is not written as an IPv4 address or block."""
    label: str | None = None
    """Whose it is: the comment on its line. Empty after an empty comment, None where there is none."""

    @property
    def end(self) -> int:
        """Where the text ends, counted like `position`."""
        return self.position + len(self.text)


@dataclass(frozen=True, slots=True)
class Comment:
    """What stands behind a comment mark, up to the end of its line: none of it is on the list."""

    text: str
    """As typed, the mark included."""
    position: int
    """Where the mark stands: the number of characters before it in the whole list."""

    @property
    def end(self) -> int:
        """Where the text ends, counted like `position`."""
        return self.position + len(self.text)


@dataclass(frozen=True, slots=True)
class ParsedList:
    """The entries of a text in the order in which they were typed, and what of the text is none."""

    text: str
    entries: tuple[Entry, ...]
    comments: tuple[Comment, ...] = ()
    is_decorated: bool = False
    """Whether quotes or brackets stand around entries: they are left out of the text to paste."""

    @property
    def filled(self) -> tuple[Entry, ...]:
        """The entries that are not empty fields: what the exchange counts."""
        return tuple(entry for entry in self.entries if entry.text)


def parse(text: str) -> ParsedList:
    """Split `text` at commas, semicolons, blanks and line ends. Never raises."""
    tokens = list(_TOKEN.finditer(text))
    entries = tuple(_entries(tokens))
    comments = tuple(Comment(token[0], token.start()) for token in tokens if token.lastgroup == "comment")
    typed = sum(len(token[0]) for token in tokens if token.lastgroup == "entry")
    return ParsedList(text, entries, comments, typed > sum(len(entry.text) for entry in entries))


def line_marks(text: str) -> frozenset[int]:
    """Return the positions of the dashes that begin a line and have something behind them on it."""
    return frozenset(match.start("mark") for match in _LINE_MARK.finditer(text))


def read_network(text: str) -> IPv4Network | None:
    """Return the address or block that `text` spells strictly, else None.

    `ipaddress` alone would read `/024`, netmasks and hostmasks as prefixes.
    """
    match = _NETWORK.fullmatch(text)
    if match is None:
        return None
    first, second, third, fourth = match["octets"].split(".")
    number = int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth)
    prefix = int(match["prefix"] or 32)
    has_host_bits = number & (0xFFFFFFFF >> prefix)
    return None if has_host_bits else IPv4Network((number, prefix))


def _entries(tokens: Iterable[re.Match[str]]) -> Iterator[Entry]:
    line: list[Entry] = []
    field_is_filled, after_separator = False, 0
    for token in tokens:
        kind = token.lastgroup
        if kind == "comment":
            label = read_label(token["comment"])
            line = [Entry(entry.text, entry.position, entry.network, label) for entry in line]
        elif kind == "line_end":
            yield from line
            line = []
        elif kind == "separator":
            if not field_is_filled:
                line.append(Entry("", token.start(), None))
            field_is_filled, after_separator = False, token.end()
        elif entry := _entry(token):
            field_is_filled = True
            line.append(entry)
    if after_separator and not field_is_filled:
        line.append(Entry("", after_separator, None))
    yield from line


def read_label(comment: str) -> str | None:
    """Return the label that a comment spells; None where it is too long to be one."""
    label = printable(comment.strip(COMMENT_MARKS + BLANKS), LONGEST_LABEL + 1)
    return label if len(label) <= LONGEST_LABEL else None


def _entry(token: re.Match[str]) -> Entry | None:
    """The entry inside a token's quotes and brackets; None when there is nothing inside."""
    typed = token["entry"]
    inside = typed.lstrip(DECORATION)
    start = len(typed) - len(inside)
    end = start + len(inside.rstrip(DECORATION))
    # A bracket that is closed inside the entry is part of it: `[2001:db8::1]:443`.
    if start and (closing := CLOSING.get(typed[start - 1])) and closing in typed[start:end]:
        start -= 1
    inside = typed[start:end]
    return Entry(inside, token.start() + start, read_network(inside)) if inside else None
