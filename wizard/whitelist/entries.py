"""A whitelist is a tuple of entries, from the first parse to the text that is pasted.

Parsing always succeeds: what is not an address becomes an entry without a network. An entry never allows more than its
text names. Separators, quotes, brackets and comments are read and left out; nothing else is repaired unasked. An
address that only a comment holds becomes an entry that is left out: the reader may take it for listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network

from wizard.core.addresses import read_ipv4
from wizard.core.rules import Rules
from wizard.core.text import printable
from wizard.whitelist.scope import AddressSet, is_usable

# The tables are explicit on purpose. Unicode's NFKC would turn `²` into `2`, which silently names another address,
# and would leave `。` and the zero-width space alone. A character that stands in no table makes its entry malformed.
SEPARATORS = ",;|，、；｜﹐﹔"
"""Characters with an entry on each side: nothing between two of them is an empty field."""
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Those of `str.splitlines`: a text area ends its lines there too, and with them a comment."""
BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000" + LINE_ENDS
)
"""Characters that separate entries, any number of them as one."""
COMMENT_MARKS = "#＃"
"""The rest of the line after one of these is a comment."""
QUOTES = "\"'`“”„‘’«»"
_BRACKETS = "<>()[]{}「」『』【】〈〉《》（）［］｛｝"
CLOSING = dict(zip(_BRACKETS[::2], _BRACKETS[1::2], strict=True))
"""From each opening bracket to the one that closes it."""
DECORATION = QUOTES + _BRACKETS
"""Characters that lists wear around their entries: quotes and brackets of every kind."""

INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)
"""Characters that show nothing and move no digit. The overrides U+202D and U+202E are not among
them: under an override a reader sees the digits in another order than a program does."""

DASHES = "-－‐‑‒–—−"
"""Between two addresses they make a range; before the first of a line they are its mark."""

_LOOKALIKES = {
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **dict.fromkeys("．。｡", "."),
    **dict.fromkeys("／⁄∕", "/"),
    **dict.fromkeys("：﹕", ":"),
    **dict.fromkeys(DASHES, "-"),
    **dict.fromkeys("＊∗", "*"),
}
_TO_PLAIN = str.maketrans({**_LOOKALIKES, **dict.fromkeys(INVISIBLE)})
LONGEST_LABEL = 40
"""Characters. A longer comment is only a comment."""
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_NETWORK = re.compile(rf"(?P<octets>{OCTET}(?:\.{OCTET}){{3}})(?:/(?P<prefix>[12]?[0-9]|3[0-2]))?")
_BLANK = rf"[{''.join(blank for blank in BLANKS if blank not in LINE_ENDS)}]"
MASKS = {str(IPv4Network((0, length)).netmask): length for length in range(1, 33)} | {
    str(IPv4Network((0, length)).hostmask): length for length in range(1, 32)
}
"""Netmasks, and the wildcard masks of routers, each with the length of its prefix."""
ADDRESS = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
TO = rf"(?:[{DASHES}]+>|=>|[{DASHES}→⇒~～〜…]|\.{{2,3}}|:(?={ADDRESS}))"
"""What stands between the ends of a range, beside words."""
TO_WORDS = "(?:to|through|thru|until|till|bis|до|至|到)"
_LAST = rf"(?:{ADDRESS}|\.?{OCTET})(?![0-9.]*[0-9])"
COMPOUND = (
    rf"{ADDRESS}(?:{_BLANK}*{TO}{_BLANK}*|{_BLANK}+{TO_WORDS}{_BLANK}+){_LAST}"
    rf"|{ADDRESS}{_BLANK}+(?:(?:net)?mask:?{_BLANK}+)?(?:{'|'.join(map(re.escape, MASKS))})(?![0-9.]*[0-9])"
    rf"|{ADDRESS}(?:{_BLANK}*[,;]{_BLANK}*\.?{OCTET}(?![0-9./:\-]*[0-9]))+"
    rf"|{ADDRESS}(?:/{OCTET}){{2,}}(?![0-9./:\-]*[0-9])"
    rf"|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{2}}\.[\[{{(]{_BLANK}*{OCTET}(?:{_BLANK}*(?:{TO}|,){_BLANK}*{OCTET})+{_BLANK}*[\]}})]"
)
"""Several addresses written as one, and a block with its mask behind a blank."""
_OPEN = _CLOSE = rf"[{re.escape(DECORATION)}]*"
_ENDS = rf"{_CLOSE}(?![^{COMMENT_MARKS}{SEPARATORS}{BLANKS}])"
_TOKEN = re.compile(
    rf"(?P<comment>[{COMMENT_MARKS}][^{LINE_ENDS}]*)"
    rf"|(?P<line_end>[{LINE_ENDS}])"
    rf"|(?P<separator>[{SEPARATORS}])"
    # Blanks inside: `1.2.3.4 - 1.2.3.9` is one range, not two addresses.
    rf"|(?P<entry>{_OPEN}(?:{COMPOUND}){_ENDS}"
    rf"|{_OPEN}[0-9.]+{_BLANK}+[{DASHES}]{_BLANK}+[0-9.]+{_ENDS}"
    rf"|{_OPEN}[0-9.]+(?:{_BLANK}*/{_BLANK}+|{_BLANK}+/)[0-9][0-9.]*{_ENDS}"
    rf"|[^{COMMENT_MARKS}{SEPARATORS}{BLANKS}]+)"
)
_COMPOUND = re.compile(COMPOUND)
_LINE_MARK = re.compile(
    rf"(?:\A|[{LINE_ENDS}]){_BLANK}*(?P<mark>[{DASHES}])(?={_BLANK}+[^{LINE_ENDS}{COMMENT_MARKS}{BLANKS}])"
)
_COMMENTED = re.compile(r"(?<![\w.])(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?P<prefix>/[0-9]{1,2})?(?!\w|\.[0-9])")
_ONLY_AN_ADDRESS = re.compile(r"[0-9./:\- \t]+")
_MARKS_AS_BLANKS = str.maketrans(dict.fromkeys(COMMENT_MARKS, " "))


class EntryKind(StrEnum):
    """What an entry is in the text that it was parsed from."""

    LISTED = "listed"
    COMMENTED = "commented"
    """An address that only a comment holds: it is not on the list."""
    BULLET = "bullet"
    """A dash that begins a line of more: the mark of a line, not of a range."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the list. An empty text is an empty field: two separators with nothing between."""

    text: str
    """As typed, without the quotes and brackets around it."""
    network: IPv4Network | None = None
    """What the entry allows; None when it is not written as an IPv4 address or block, or stands in a comment."""
    label: str | None = None
    """Whose it is: the comment on its line. Empty after an empty comment, None where there is none."""
    position: int = 0
    """Where the text begins: the number of characters before it in the text that was parsed."""
    kind: EntryKind = EntryKind.LISTED

    @property
    def is_counted(self) -> bool:
        """Whether the exchange would count it: it is neither an empty field nor in a comment."""
        return bool(self.text) and self.kind is not EntryKind.COMMENTED


Entries = tuple[Entry, ...]


def parse(text: str) -> Entries:
    """Split `text` at commas, semicolons, blanks and line ends. Never raises."""
    tokens = list(_TOKEN.finditer(text))
    typed = (_entry(token) for token in tokens if token.lastgroup == "entry")
    listed = AddressSet(each.network for each in typed if each and each.network)
    marks = {match.start("mark") for match in _LINE_MARK.finditer(text)}
    return tuple(
        replace(each, kind=EntryKind.BULLET) if each.position in marks else each for each in _entries(tokens, listed)
    )


def read_network(text: str) -> IPv4Network | None:
    """Return what `text` spells strictly, else None: `ipaddress` alone would read `/024`, netmasks and hostmasks."""
    match = _NETWORK.fullmatch(text)
    if match is None:
        return None
    first, second, third, fourth = match["octets"].split(".")
    number = int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth)
    prefix = int(match["prefix"] or 32)
    has_host_bits = number & (0xFFFFFFFF >> prefix)
    return None if has_host_bits else IPv4Network((number, prefix))


def _entries(tokens: Iterable[re.Match[str]], listed: AddressSet) -> Iterator[Entry]:
    line: list[Entry] = []
    field_is_filled, after_separator = False, 0
    for token in tokens:
        kind = token.lastgroup
        if kind == "comment":
            label, commented = _read_comment(token, listed)
            yield from (replace(entry, label=label) for entry in line)
            yield from commented if line else (replace(entry, label=label) for entry in commented)
            line = []
        elif kind == "line_end":
            yield from line
            line = []
        elif kind == "separator":
            if not field_is_filled:
                line.append(Entry("", position=token.start()))
            field_is_filled, after_separator = False, token.end()
        elif entry := _entry(token):
            field_is_filled = True
            line.append(entry)
    if after_separator and not field_is_filled:
        line.append(Entry("", position=after_separator))
    yield from line


def _read_comment(token: re.Match[str], listed: AddressSet) -> tuple[str | None, list[Entry]]:
    """Return the label that a comment spells, and as entries the addresses in it that a list lacks and may hold."""
    comment = token["comment"]
    if "." not in plain(comment):
        return read_label(comment), []
    body = comment.translate(_MARKS_AS_BLANKS)
    commented, rest, end = list[Entry](), list[str](), 0
    for match in _TOKEN.finditer(body):
        word = _entry(match) if match.lastgroup == "entry" else None
        if word and (address := _commented_address(word.text, listed)):
            if all(each.text != address for each in commented):
                commented.append(Entry(address, position=token.start() + word.position, kind=EntryKind.COMMENTED))
            rest.append(body[end : word.position])
            end = word.position + len(word.text)
    if not commented:
        return read_label(comment), []
    kept = [each.strip(BLANKS + SEPARATORS + DECORATION) for each in (*rest, body[end:])]
    return read_label(", ".join(filter(None, kept))) or None, commented


def _commented_address(word: str, listed: AddressSet) -> str | None:
    spelled = plain(word)
    match = _COMMENTED.search(spelled)
    if match is None or (address := read_ipv4(match["address"])) is None:
        return None
    network = read_network(match[0]) or IPv4Network(address)
    if listed.covers(network) or not is_usable(network, Rules()):
        return None
    return spelled if _ONLY_AN_ADDRESS.fullmatch(spelled) else match[0]


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
    if whole := _COMPOUND.match(typed, start):
        end = max(end, whole.end())
    inside = typed[start:end]
    return Entry(inside, read_network(inside), position=token.start() + start) if inside else None


def plain(text: str) -> str:
    """Return `text` without invisible characters, full-width digits and punctuation as ASCII."""
    return text.translate(_TO_PLAIN)


def foreign(text: str) -> str | None:
    """Name the first character of `text` that no address has: `SUPERSCRIPT TWO (U+00B2)`, or None."""
    for character in text:
        if not "!" <= character <= "~":
            return f"{unicodedata.name(character, 'a character without a name')} (U+{ord(character):04X})"
    return None
