"""From pasted text to entries, each with its place in the text.

Whatever the text, parsing succeeds: what is not an address becomes an entry without a network,
and judging says what is wrong with it. An entry never allows more than its text names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from wizard.addresses import read_ipv4
from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, DECORATION, INVISIBLE, LINE_ENDS, SEPARATORS, plain

_TOKEN = re.compile(
    rf"(?P<comment>[{COMMENT_MARKS}][^{LINE_ENDS}]*)"
    rf"|(?P<separator>[{SEPARATORS}])"
    rf"|(?P<entry>[^{COMMENT_MARKS}{SEPARATORS}{BLANKS}]+)"
)
_AROUND = DECORATION + INVISIBLE
PREFIX = re.compile(r"[0-9]|[12][0-9]|3[0-2]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the list. An empty text is an empty field: two separators with nothing between."""

    text: str
    """As typed, without the quotes and brackets around it."""
    position: int
    """Where the text begins: the number of characters before it in the whole list."""
    network: IPv4Network | None
    """What the entry allows; None when it is not written as an IPv4 address or block."""

    @property
    def end(self) -> int:
        """Where the text ends, counted like `position`."""
        return self.position + len(self.text)


@dataclass(frozen=True, slots=True)
class ParsedList:
    """The entries of a text in the order in which they were typed."""

    text: str
    entries: tuple[Entry, ...]

    @property
    def filled(self) -> tuple[Entry, ...]:
        """The entries that are not empty fields: what the exchange counts."""
        return tuple(entry for entry in self.entries if entry.text)


def parse(text: str) -> ParsedList:
    """Split `text` at commas, semicolons, blanks and line ends. Never raises."""
    return ParsedList(text, tuple(_entries(text)))


def read_network(text: str) -> IPv4Network | None:
    """Return the address or block that `text` spells strictly, else None.

    `ipaddress` alone would read `/024`, netmasks and hostmasks as prefixes.
    """
    address, slash, prefix = text.partition("/")
    ip = read_ipv4(address)
    if ip is None or (slash and not PREFIX.fullmatch(prefix)):
        return None
    try:
        return IPv4Network((ip, int(prefix) if slash else 32))
    except ValueError:
        return None


def _entries(text: str) -> Iterator[Entry]:
    field_is_filled = False
    after_separator = 0
    for token in _TOKEN.finditer(text):
        if token["separator"]:
            if not field_is_filled:
                yield Entry("", token.start(), None)
            field_is_filled, after_separator = False, token.end()
        elif token["entry"] and (entry := _entry(token)):
            field_is_filled = True
            yield entry
    if after_separator and not field_is_filled:
        yield Entry("", after_separator, None)


def _entry(token: re.Match[str]) -> Entry | None:
    """The entry inside a token's quotes and brackets; None when there is nothing inside."""
    typed = token["entry"]
    inside = typed.lstrip(_AROUND)
    start = token.start() + len(typed) - len(inside)
    inside = inside.rstrip(_AROUND)
    return Entry(inside, start, read_network(plain(inside))) if inside else None
