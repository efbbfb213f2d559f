"""Addresses taken out of a text that is no list: a configuration, a table, a mail, what a command printed.

JSON and tables go through parsers, all else is read line by line. What looks like an address and is not taken is told
with its line and the reason: nothing is lost in silence.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

from wizard.core.addresses import special_ranges
from wizard.core.key_shape import holds_key
from wizard.core.rules import Rules
from wizard.core.text import counted, printable
from wizard.whitelist import phrases
from wizard.whitelist.entries import MASKS, Entries, Entry, EntryKind, parse, plain, read_network
from wizard.whitelist.findings import EntryContext
from wizard.whitelist.phrases import DENIED, OLD, Mention, clean_label, given_name, has_mention, is_stale, read_mentions
from wizard.whitelist.rendering import written
from wizard.whitelist.scope import NARROWEST_TOO_WIDE, AddressSet, is_usable
from wizard.whitelist.spelling import misspelling

_SHOWN = 80
"""How many characters of a line that was left out are repeated."""
_TAKEN = frozenset({"private", "cgnat", "loopback", "link-local", "benchmarking"})
"""Special ranges whose addresses are taken, and marked: a host has them. No host has those of the others."""
_LISTED = re.compile(r"[-*/+•·●▪◦‣]|any|all|[^/:]+\.[a-z]{2,}\.?|[0-9a-fx:.%/\[\]]+|[^/]*:[^/]*:.*", re.IGNORECASE)
"""What a list has by mistake and is named as such: a sign, everybody, a host name, other numbers."""
_NOT_MEANT = frozenset({DENIED, OLD, phrases.IN_COMMENT, phrases.STRUCK})


@dataclass(frozen=True, slots=True)
class ListedAddress:
    """One address or block that a text lists."""

    network: IPv4Network
    label: str | None
    """The name that stands beside it."""
    line: int
    """Counted from 1."""
    remark: str = ""
    """Why it needs a look, as a phrase. Empty where it needs none."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What looks like an address and was not taken."""

    line: int
    text: str
    """Its line, safe to show; empty where it may hold a key."""
    reason: str
    """As a sentence, with what is meant."""
    not_meant: tuple[IPv4Network, ...] = ()
    """What the text names, and denies or calls old."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What a text holds, in its order."""

    found: tuple[ListedAddress, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def entries(self) -> Entries:
        """What was found, as a list with its labels."""
        return tuple(Entry(written(each.network), each.network, each.label) for each in self.found)

    @property
    def usable(self) -> tuple[IPv4Network, ...]:
        """What was found and needs no look."""
        return tuple(each.network for each in self.found if not each.remark)

    def sentence(self) -> str:
        """Return the counts: `4 addresses found in this text, 2 lines left out.`"""
        lines = len({each.line for each in self.left_out})
        left_out = f", {counted(lines, 'line')} left out" if lines else ""
        return f"{counted(len(self.found), 'address')} found in this text{left_out}."


def extract(text: str, rules: Rules) -> Extract:
    """Find what a text lists, in time that grows with its length. Never raises."""
    lines = _marked(text).splitlines()
    found: dict[IPv4Network, ListedAddress] = {}
    left_out = list[LeftOut]()
    shown = text.splitlines()
    safe = dict[int, str]()  # A line with thousands of them is read once.
    context = EntryContext(rules, {}, rules.max_entries)
    for number, mention in _mentions(text, lines):
        networks, reason, remark = _read(mention, context)
        for network in networks if not reason else ():
            before = found.get(network)
            label = (before.label if before else None) or mention.label or None
            found[network] = replace(before, label=label) if before else ListedAddress(network, label, number, remark)
        if reason:
            line = shown[number - 1] if number <= len(shown) else ""
            told = (
                f"{printable(mention.text, 40)} was not taken{', as ' if reason.startswith('it ') else '. '}{reason}."
            )
            if number not in safe:
                safe[number] = "" if holds_key(line) else printable(" ".join(line.split()), _SHOWN)
            meant = tuple(networks) if mention.reason in _NOT_MEANT else ()
            left_out.append(LeftOut(number, safe[number], told, meant))
    return _without_denied(found, left_out)


def text_within(typed: str, rules: Rules) -> Extract | None:
    """Return what a text holds that is no list; None where it reads as a list of entries, or lists no address.

    A list may be misspelled. A text has words, or names an address that it does not mean.
    """
    entries = [each for each in parse(typed) if each.kind is EntryKind.LISTED and each.text]
    listed = {each.network for each in entries if each.network}
    has_words = any(plain(each.text) in MASKS or (each.network is None and _is_word(each.text)) for each in entries)
    has_words = has_words or _is_change(typed.splitlines())
    if not has_words and not is_suspicious(typed):
        return None
    extracted = extract(typed, rules)
    is_text = has_words or any(listed.intersection(each.not_meant) for each in extracted.left_out)
    return extracted if extracted.found and is_text else None


def is_suspicious(typed: str) -> bool:
    """Return whether a text that reads as a list may leave an entry out by a comment or a line above it."""
    return any(map(str.isalpha, typed)) or re.search(r"~[^~\n]*~|^[ \t]*;", typed, re.MULTILINE) is not None


def _is_word(text: str) -> bool:
    """Return whether an entry is a word of a text, and not an address, a host name or a sign that a list has."""
    spelled = plain(text)
    if has_mention(spelled):
        return re.search(r"[A-Za-z]\W*=|[A-Za-z]\W*:(?!//)|<", spelled) is not None and "://" not in spelled
    is_sign = not any(map(str.isalnum, spelled))
    return _LISTED.fullmatch(spelled) is None and (is_sign or any(map(str.isalpha, spelled)))


def _without_denied(found: dict[IPv4Network, ListedAddress], left_out: Sequence[LeftOut]) -> Extract:
    """Take back what another line denies, and mark a block with a denied address inside."""
    # Who denies all of them says what holds for the others.
    named = (network for each in left_out if DENIED in each.reason for network in each.not_meant)
    denied = AddressSet(network for network in named if network.prefixlen)
    back = [each for each in found.values() if denied.covers(each.network)]
    gone = {each.network for each in back}
    again = [
        LeftOut(each.line, "", f"{written(each.network)} was not taken, as another line denies it.") for each in back
    ]
    marked = (
        replace(each, remark="lets in an address that is denied here") if denied.touches(each.network) else each
        for each in found.values()
        if each.network not in gone
    )
    return Extract(tuple(marked), tuple(sorted((*left_out, *again), key=lambda each: each.line)))


def _read(mention: Mention, context: EntryContext) -> tuple[Sequence[IPv4Network], str, str]:
    """Return what a mention spells, why it is not taken and why it needs a look; empty where there is no reason."""
    text = mention.text
    if further := re.fullmatch(r"([0-9.]+\.([0-9]+))((?:\s*[,;]\s*\.?[0-9]+)+|(?:/[0-9]+){2,})", text):
        numbers = [int(further[2]), *map(int, re.findall("[0-9]+", further[3]))]
        if any(after != before + 1 for before, after in pairwise(numbers)):
            text = further[1]  # `1.2.3.4,443` is an address and its port
    network = read_network(text)
    if text in MASKS or "." not in text:
        return [network] if network else (), mention.reason or "it is a netmask", ""
    if network:
        reason, remark = _scope(network, context.rules)
        return [network], mention.reason or reason, remark
    finding, alone = misspelling(text, context), read_network(re.split(r"[/\s]", text)[0])
    if alone and (finding.alternative or finding.code in _TAKEN):
        # `1.2.3.4/24` is how a host's own address is shown. The address alone lets in no more.
        reason, remark = _scope(alone, context.rules)
        return [alone], mention.reason or reason, remark or f"perhaps {finding.alternative} is meant"
    networks = [each.network for each in parse(finding.suggestion or "") if each.network]
    if networks and (finding.is_safe or finding.code in {"range", "several", "netmask", "host-bits"}):
        return networks, mention.reason, ""
    return (), mention.reason or finding.message.rstrip("."), ""


def _scope(network: IPv4Network, rules: Rules) -> tuple[str, str]:
    """Return why a network is not taken, and why it needs a look."""
    if int(network.network_address) == 0:
        return "it allows every address", ""
    if is_usable(network, rules):
        return "", ""
    if network.prefixlen <= NARROWEST_TOO_WIDE:
        return f"it is too wide with its {network.num_addresses:,} addresses", ""
    special = next(special_ranges(network))  # there is one, as nothing else is left to make it unusable
    return ("", special.kind) if special.kind in _TAKEN else (f"it is {special.reason}", "")


# --- what kind of text it is -----------------------------------------------------------------------------------------

_HIDDEN = (
    (re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL), phrases.COMMENT, phrases.END_COMMENT),
    (re.compile(r"(?<![^\s;,{}()])/\*(.*?)(?:\*/|\Z)", re.DOTALL), phrases.COMMENT, phrases.END_COMMENT),
    (re.compile(r"~~(?=\S)(.*?)~~"), phrases.STRIKE, phrases.END_STRIKE),
    (re.compile(r"(?<![~\w])~(?=[^~\s])([^~\n]*)~(?![~\w])"), phrases.STRIKE, phrases.END_STRIKE),
    (
        re.compile(r"<(?:s|del|strike)>(.*?)(?:</(?:s|del|strike)>|\Z)", re.DOTALL | re.IGNORECASE),
        phrases.STRIKE,
        phrases.END_STRIKE,
    ),
    (re.compile(r"<\w+\b[^<>]{0,300}line-through[^<>]{0,300}>([^<]*)"), phrases.STRIKE, phrases.END_STRIKE),
)
_BREAK = re.compile(r"<(?:br|/?tr|/?li|/?p|/?div|/?ul|/?ol|/?h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>")
_HEADING = re.compile(r"(?P<indent>\s*)(?:[-*]\s+)?(?P<name>.*?)(?P<opens>(?:[\[{(:=]|(?<==)>)+)\s*\Z")
_SECTION = re.compile(
    r"(?P<indent>\s*)(?:\[+(?P<name>[^\[\]]+)\]+|#+\s*(?P<note>.*)|(?://|--|;)\s*(?P<other>.*)|\**(?P<bold>[^*]+)\*\*)\s*\Z"
)
_FIELD = re.compile(
    r"(?P<before>\s*(?:-\s+)?)[\"']?(?P<name>[A-Za-z][\w-]*)[\"']?(?:\s*(?:=|:(?=\s))|(?<=Host)\s|(?<=HostName)\s)\s*"
    r"(?P<value>\[\Z|\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^\s\[{#\"'][^#]*?)[,;]?\s*(?:#.*)?"
)
"""A field of a record that stands on lines of its own."""
_BRACKET = re.compile(r"[\[({:]\s*\Z|\A\s*[\]})]+[,;]?\s*\Z")
_CHANGE = re.compile(r"\s*([-+])(?![-+])")
_LONGEST_FIELD = 1000
"""Characters of a line that may be a field or a rule."""
_DENIAL = re.compile(
    r"\b(?:den[yi]|blocked|block ?list|black|drop|reject|bann?ed|exclud|except)|^\W*block\W*$", re.IGNORECASE
)
_DENIED_LIST = re.compile("denied|deny|blocked|rejected", re.IGNORECASE)  # protocols
_ACTIONS = frozenset(("action", "access", "effect", "mode", "type", "policy", "verdict", "decision", "status", "state"))
_NAMES = (
    "name",
    "label",
    "title",
    "hostname",
    "host",
    "server",
    "bot",
    "description",
    "comment",
    "comments",
    "note",
    "notes",
    "desc",
    "owner",
)


def _marked(text: str) -> str:
    """Put marks around comments of several lines and what is struck through, on each of their lines."""
    text = re.sub("[\x01-\x04]", " ", plain(text))
    for pattern, opens, closes in _HIDDEN:
        text = pattern.sub(partial(_on_each_line, opens, closes), text)
    return text


def _on_each_line(opens: str, closes: str, span: re.Match[str]) -> str:
    return "\n".join(opens + line + closes for line in span[1].split("\n"))


def _mentions(text: str, lines: Sequence[str]) -> Iterator[tuple[int, Mention]]:
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            document = json.loads(text.lstrip("\ufeff"), object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):
            pass
        else:
            yield from _Json(text).mentions(document)
            return
    if rows := _table(lines):
        yield from _table_mentions(*rows)
    else:
        yield from _line_mentions(lines)


class _Pairs(list[Any]):
    """A JSON object, with names that stand twice in it."""


class _Json:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1

    def mentions(
        self, value: object, key: str = "", reason: str = "", label: str = ""
    ) -> Iterator[tuple[int, Mention]]:
        """Yield what a value mentions; `reason` and `label` come from what is around it."""
        if isinstance(value, _Pairs):
            # {"State": {"Name": "terminated"}}
            plain_ones = (
                (name, dict(each).get("Name", each) if isinstance(each, _Pairs) else each) for name, each in value
            )
            scalars = {_spaced(name).lower(): each for name, each in plain_ones if not isinstance(each, list)}
            protocols = (each for name, each in value if _DENIED_LIST.fullmatch(name) and isinstance(each, list))
            is_denial = any(each and not has_mention(str(each)) for each in protocols)
            inner = reason or (DENIED if is_denial else _reason_of(scalars))
            named = _name_of(value, scalars) or label
            for name, each in value:
                yield from self._named(name, each, inner, named)
        elif isinstance(value, list):
            for each in value:
                yield from self.mentions(each, key, reason, label)
        elif isinstance(value, str) and has_mention(value):
            yield from self._scalar(value, key, reason, label)

    def _named(self, name: str, value: object, reason: str, label: str) -> Iterator[tuple[int, Mention]]:
        words = _spaced(name)
        if has_mention(name):  # {"1.2.3.4": "office"}
            yield from self._scalar(name, "", reason, clean_label(value) if isinstance(value, str) else label)
        inner = reason or (DENIED if _DENIAL.search(words) else OLD if is_stale(words) else "")
        yield from self.mentions(value, words, inner, label or clean_label(words))

    def _scalar(self, value: str, key: str, reason: str, label: str) -> Iterator[tuple[int, Mention]]:
        for mention in read_mentions(f"{key}: {value}" if key else value):
            beginning = re.split("[^0-9A-Fa-f:.]", mention.text, maxsplit=1)[0]
            at = self._text.find(beginning, self._at)
            if at >= 0:
                self._line += self._text.count("\n", self._at, at)
                self._at = at
            yield self._line, replace(mention, reason=mention.reason or reason, label=label or mention.label)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_.-]", " ", name)


def _reason_of(scalars: dict[str, Any]) -> str:
    for name, value in scalars.items():
        is_action = any(name.endswith(action) for action in _ACTIONS) and isinstance(value, str) and is_stale(value)
        is_note = name in _NAMES[7:] and isinstance(value, str) and is_stale(value)
        is_scalar = isinstance(value, str | int) and not has_mention(str(value))
        if is_action or is_note or (is_scalar and _is_switched(name, str(value))):
            return DENIED if is_action else OLD
    return ""


def _name_of(pairs: _Pairs, scalars: dict[str, Any]) -> str:
    names = [scalars.get(name) for name in _NAMES] + [each for name, each in scalars.items() if name.endswith("name")]
    named = next((each for each in names if isinstance(each, str) and each), "")
    tags = next((each for name, each in pairs if name.lower() == "tags" and isinstance(each, list)), [])
    tagged = (dict(each) for each in tags if isinstance(each, _Pairs))
    named = next((each["Value"] for each in tagged if each.get("Key") == "Name" and "Value" in each), named)
    return "" if has_mention(str(named)) else given_name(str(named))


def _table(lines: Sequence[str]) -> tuple[list[tuple[int, list[str]]], bool] | None:
    """Return the rows of a table with their lines, and whether the first one is its head; None where it is none."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip("+|-= \t\r")]
    if len(filled) < 2 or any(
        re.search(r"^\s*[;!%]|(?:^|\s)(?:#|//|--\s)|[\x01-\x04{}]|\.\|--", line) for _, line in filled
    ):
        return None
    if rows := _aligned(filled):
        return rows, True
    for separator in "\t;|,":
        if filled[0][1].count(separator) and filled[-1][1].count(separator):
            try:
                cells = [next(csv.reader([line], delimiter=separator, skipinitialspace=True)) for _, line in filled]
            except csv.Error:
                continue
            width = len(cells[0])
            is_even = all(len(each) == width for each in cells) and any(
                each[-1].strip() or separator in "|\t" for each in cells
            )
            if width > 1 and is_even:
                rows = [(number, row) for (number, _), row in zip(filled, cells, strict=True)]
                has_head = not any(map(has_mention, cells[0])) and any(map(str.isalpha, "".join(cells[0])))
                # `remove: 1.2.3.4, 1.2.3.5` is a sentence: its words count for both.
                is_spoken = any(has_mention(cell) and any(map(str.isalpha, cell)) for row in cells for cell in row)
                return None if is_spoken and not has_head and separator == "," else (rows, has_head)
    return None


def _aligned(filled: Sequence[tuple[int, str]]) -> list[tuple[int, list[str]]] | None:
    """Return the rows of a table whose columns begin below their heads; None where they do not."""
    head = filled[0][1]
    starts = [each.start() for each in re.finditer(r"(?:(?<=\s\s)|^)\S", head)]
    if len(starts) < 3 or has_mention(head) or not re.match(r"(?i)name|host|id\b|server", head):
        return None
    if any(start <= len(line) and not line[start - 1].isspace() for _, line in filled for start in starts[1:]):
        return None
    edges = [*starts[1:], None]
    return [
        (number, [line[start:end].strip() for start, end in zip(starts, edges, strict=True)]) for number, line in filled
    ]


def _table_mentions(rows: list[tuple[int, list[str]]], has_head: bool) -> Iterator[tuple[int, Mention]]:
    head = [cell.strip("\ufeff \t*\"'") for cell in rows[0][1]] if has_head else [""] * len(rows[0][1])
    named = next((place for name in _NAMES for place, each in enumerate(head) if name in each.lower().split()), None)
    for number, row in rows[1:] if has_head else rows:
        cells = [cell.strip("\ufeff \t\"'*") for cell in row]
        notes = [(place, cell) for place, cell in enumerate(cells) if cell and not has_mention(cell)]
        marks = [
            cell for place, cell in notes if is_stale(cell) and not (cell.lower() in _UNSET and is_stale(head[place]))
        ]
        reason = next((DENIED if _DENIAL.search(cell) else OLD for cell in marks if cell != "<none>"), "")
        reason = reason or next((OLD for place, cell in notes if _is_switched(head[place], cell)), "")
        names = [given_name(cells[named])] if named is not None else []
        names += [clean_label(cell) for _, cell in notes]
        label = next(filter(None, names), "")
        for place, cell in enumerate(cells):
            behind = cells[place + 1] if place + 1 < len(cells) else ""
            if cell in MASKS and place and read_network(cells[place - 1]):
                continue
            whole = f"{cell} {behind}" if behind in MASKS and read_network(cell) else cell
            beside = head[place] or next((note for at, note in reversed(notes) if at < place and not has_head), "")
            for mention in read_mentions(f"{beside}: {whole}" if beside else whole):
                yield number, replace(mention, reason=mention.reason or reason, label=label or mention.label)


_UNSET = frozenset(("false", "none", "no", "0"))


def _is_switched(head: str, cell: str) -> bool:
    """Return whether a column says that its row does not count: `Active` with `0`, `Removed` with a date."""
    is_off = re.fullmatch(r"(?i)0|no?|off|false|nein|-|—|–", cell) is not None
    name = _spaced(head).strip().lower()
    is_on = re.fullmatch(
        r"(?:is[ _])?(?:enabled|active|allow(?:ed)?|valid|current|in use|aktiv|whitelisted|gültig)", name
    )
    return is_off if is_on else bool(cell) and is_stale(name) and not is_off and cell.lower() != "none"


def _is_change(lines: Sequence[str]) -> bool:
    """Return whether some lines are taken out and others put in, as in a diff."""
    return {"+", "-"} <= {sign[1] for line in lines if (sign := _CHANGE.match(line)) and has_mention(line)}


@dataclass(slots=True)
class _Heading:
    indent: int
    reason: str
    label: str
    is_used: bool = False


def _line_mentions(lines: Sequence[str]) -> Iterator[tuple[int, Mention]]:
    """Read line by line, under the headings and inside the brackets that say what follows."""
    headings = list[_Heading]()
    records = _records(lines)
    is_change = _is_change(lines)
    role = (0, "")
    for number, line in enumerate(lines, 1):
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            headings = [each for each in headings if not each.is_used or each.indent < 0]
            continue
        while (
            headings
            and (indent < headings[-1].indent or re.match(r"\s*[\]})]", line))
            and headings[-1].indent >= indent
        ):
            headings.pop()
        if not has_mention(line) and (heading := _heading(line, indent)):
            while headings and headings[-1].indent >= heading.indent:
                headings.pop()
            headings.append(heading)
        for part in _BREAK.split(line):
            text = _TAG.sub(_spoken, part)
            above = next((each.reason for each in headings if each.reason), "")
            name = next((each.label for each in reversed(headings) if each.label and each.indent < indent), "")
            said, named, note, is_field = records.get(number, ("", "", "", False))
            if is_change and (sign := _CHANGE.match(line)):
                above = above or (OLD if sign[1] == "-" else "")
                text = text.replace(sign[1], " ", 1)
            mentions = list(read_mentions(text))
            if number > 1 and re.match("Address(?:es)?:", line) and re.match("Server:", lines[number - 2]):
                above = "it is a name server"
            if role[0] and indent > role[0] and not any(map(str.isalpha, line)):
                above = role[1]  # The second name server of `ipconfig` stands alone on its line.
            else:
                role = next(((indent + 1, each.reason) for each in mentions if "name server" in each.reason), (0, ""))
            for mention in mentions:
                for each in headings:
                    each.is_used = True
                label = (named if is_field else mention.label) or mention.label or named or name or note
                yield number, replace(mention, reason=mention.reason or said or above, label=label)


def _records(lines: Sequence[str]) -> dict[int, tuple[str, str, str, bool]]:
    """Return what the fields around each line say of it, as `action: deny` and `name: bot` beside `ip: 1.2.3.4`.

    For each line a reason, a name, a description, and whether it is a field itself: else its own name is nearer.
    """
    records = dict[int, tuple[str, str, str, bool]]()
    acls = {
        each[1]: number
        for number, line in enumerate(lines, 1)
        if (each := re.match(r"\s*(?:acl\s+(?=\S+\s+src\b)|table\s+<)([\w.-]+)", line))
    }
    opened = 0
    for number, line in enumerate(lines, 1):
        if acls and len(line) <= _LONGEST_FIELD and re.search(r"\b(?:deny|reject|block|drop)\b(?!.*\bunless\b)", line):
            records.update(
                (acls[name], (DENIED, "", "", False))
                for name in re.findall(r"(?<![^\s<])[\w.-]+", line)
                if name in acls
            )
        if re.match(r"\s*[\]})]+\s*(?:counter\s+)?(?:drop|reject|deny|block)\b", line):
            records.update((inside, (DENIED, "", "", False)) for inside in range(opened, number))
            opened = number
        opened = number if re.search(r"[\[({]\s*\Z", line) else opened
    record, fields, place = dict[int, bool](), dict[str, str](), -1

    def close() -> None:
        reason = _reason_of(fields)
        label, note = (
            given_name(next((fields[n] for n in of if fields.get(n)), "")) for of in (_NAMES[:7], _NAMES[7:])
        )
        records.update(
            (number, (reason, label, note, is_field)) for number, is_field in record.items() if number not in records
        )
        record.clear()
        fields.clear()

    for number, line in enumerate(lines, 1):
        field = _FIELD.fullmatch(line) if len(line) <= _LONGEST_FIELD else None
        name = _spaced(field["name"]).lower() if field else ""
        indent = len(field["before"]) if field else len(line) - len(line.lstrip())
        is_level = indent == place
        is_within = indent > place or (is_level and (field or _BRACKET.search(line)))
        if not line.strip() or (field and "-" in field["before"]) or not is_within or (is_level and name in fields):
            close()
        if field and (is_level or not record):
            place = indent
            fields[name] = "" if has_mention(field["value"]) else field["value"].strip("\"' ")
        if record or field:
            record[number] = field is not None
    close()
    return records


def _spoken(tag: re.Match[str]) -> str:
    """Return what stands for a tag in its line: an attribute counts, and a name that denies."""
    if has_mention(tag[0]):
        return tag[0]
    return f" | {tag[1]} " if _DENIAL.search(tag[1]) and not tag[0].startswith("</") else " | "


def _heading(line: str, indent: int) -> _Heading | None:
    if opened := _HEADING.fullmatch(line):
        name = re.sub(r"[\"'_]|(?<=[a-z])(?=[A-Z])", " ", opened["name"])
        reason = DENIED if _DENIAL.search(name) else phrases.said_before(name)
        label = clean_label(opened["name"].split("=")[0]) if opened["opens"][-1] in "{:" else ""
        return _Heading(indent, reason, label)
    if section := _SECTION.fullmatch(line):
        note = next(filter(None, (section["name"], section["note"], section["other"], section["bold"])), "")
        level = len(line.strip()) - len(line.strip().lstrip("#"))
        # What is below zero ends with the next of its level, and not at an empty line.
        depth = level - 100 if level > 1 else -50 if section["name"] else indent
        reason = (phrases.said_before(note) if depth < 0 else "") or (OLD if is_stale(note) else "")
        return _Heading(depth, reason, "")
    return None
