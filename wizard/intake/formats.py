"""What a configuration names: each value with the way to it, read by its real format where one fits. Pure.

JSON (with comments, as freqtrade allows them), XML, TOML and YAML have parsers; all else is read by lines: `.env`, INI,
shells, systemd, Dockerfiles, source code, a copied web page. Nothing is run, no reference is followed, and the time is
linear in the length of the text.
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.resources import files
from xml.etree import ElementTree

Path = tuple[str, ...]
"""Sections, keys and numbers of a list, from the outside in. The last one is the name; empty where there is none."""

LARGEST_PARSED = 512 * 1024
"""Characters. A parser written in Python takes a second for so many; what is larger is read by lines."""
NUMBER = "#"
"""Begins the part of a path that tells two places of one name apart: in a list, or two calls."""
DEEPEST_PATH = 64
DEEPEST = 3
"""Texts within texts: JSON in a ConfigMap in a list."""
_XML_HEAD = re.compile(r"<[?]xml[^>]{0,300}[?]>|<!DOCTYPE[^\[>]{0,300}>")
_XML_OWN = frozenset({"key", "name", "id", "value"})
"""Attributes that say the name and the value of their element."""
_NESTED = re.compile(r"\s*[{\[]|[^\n]*\n|(?:export\s+)?[A-Za-z_][\w.-]*=\S")


def words_of(file: str) -> frozenset[str]:
    """Return the words of a file of this package."""
    return frozenset(files(__package__).joinpath(file).read_text("ascii").split())


SERVICES = words_of("other_services.txt")
"""Exchanges and services whose keys stand beside Binance's."""
WHOSE = SERVICES | {"binance", "testnet", "mainnet", "demo", "sandbox", "production", "prod", "live"}
_ROW_NAMES = ("id", "label", "name", "key", "variable", "variablename", "parameterkey")
"""The later one names a row that has several."""
_ROW_VALUES = frozenset({"value", "val", "parametervalue", "currentvalue", "secretvalue", "initialvalue"})


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A named value."""

    path: Path
    value: str = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path[-1] if self.path else ""


def read_entries(text: str, depth: int = 0) -> list[NamedValue]:
    """Return what a text names, in its order. A text that no format fits is read by lines."""
    start = text.lstrip()[:1]
    for fits, read in _FORMATS:
        if not fits(text, start):
            continue
        try:
            found = list(read(text))
        except (ValueError, RecursionError, ElementTree.ParseError):
            continue
        if any(entry.name for entry in found):
            return list(unfolded(found, depth))
    return list(unfolded(_Lines().read(text), depth))


def decoded(text: str) -> str | None:
    """Return what a base64 text holds where that is text; else None."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None


# --- formats that have a parser ------------------------------------------------------------------

_JSON_REMARK = re.compile(r'"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)')
_JSON_COMMA = re.compile(r'"(?:[^"\\\n]|\\.)*"?|,(?=\s*[}\]])')


def _json(text: str) -> Iterator[NamedValue]:
    def strings_only(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else " "

    plain = _JSON_COMMA.sub(strings_only, _JSON_REMARK.sub(strings_only, text))
    # One name may stand twice: all are kept, for the last one to count.
    yield from _leaves((), json.loads(plain, object_pairs_hook=_JsonObject))


class _JsonObject(list[tuple[str, object]]):
    """A JSON object as it stands."""


def _leaves(path: Path, value: object) -> Iterator[NamedValue]:
    if isinstance(value, dict):
        value = _JsonObject(value.items())
    if isinstance(value, _JsonObject):
        for name, each in value:
            yield from _leaves((*path, str(name)), each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves((*path, f"{NUMBER}{number}"), each)
    else:
        literal = {None: "null", True: "true", False: "false"}
        yield NamedValue(path, value if isinstance(value, str) else literal.get(value, str(value)))  # type: ignore[call-overload]


def _toml(text: str) -> Iterator[NamedValue]:
    return _leaves((), tomllib.loads(text))


def _xml(text: str) -> Iterator[NamedValue]:
    text = _XML_HEAD.sub("", text)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # no entity is expanded
        raise ValueError
    # A part of a document may have several roots.
    root = ElementTree.fromstring(f"<all>{text}</all>")  # noqa: S314 - without a document type
    waiting: list[tuple[Path, ElementTree.Element]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        label = ""
        for number, child in enumerate(node):
            tag, said = child.tag.rpartition("}")[2], (child.text or "").strip()
            if tag == "key" and not child.attrib and not len(child):  # a property list: <key>, then its value
                label = said
                continue
            attributes = {key.lower(): value for key, value in child.attrib.items()}
            named = label or next((attributes[key] for key in ("key", "name", "id") if key in attributes), "")
            label = ""
            if tag == "value":  # of the node around it
                yield NamedValue(path, said)
                continue
            if value := attributes.get("value") or said:
                yield NamedValue((*path, named or tag), value)
            below = (*path, named or f"{tag}{NUMBER}{number}")
            if "secret" in attributes:  # <exchange key="…" secret="…"/>
                below, named = (*path, f"{tag}{NUMBER}{number}"), ""
                yield from (NamedValue((*below, key), each) for key, each in child.attrib.items())
                continue
            yield from (
                NamedValue((*below, key), each) for key, each in child.attrib.items() if key.lower() not in _XML_OWN
            )
            waiting.append((below, child))


def _yaml(text: str) -> Iterator[NamedValue]:
    """Read events one by one: an alias stands for a single value at most, and no depth is too deep."""
    import yaml  # noqa: PLC0415 - most texts are no YAML

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    path: list[str] = []
    counts: list[tuple[bool, int]] = []
    """For each mapping (True) and list that is open, how many nodes it had."""
    anchored: dict[str, str] = {}

    def is_name(text: str) -> bool:
        """Take a node; return whether it is the name of one, and no value."""
        is_mapping, count = counts[-1]
        counts[-1] = (is_mapping, count + 1)
        if not is_mapping:
            path[-1] = f"{NUMBER}{count}" if count or len(path) > 1 else ""
        elif count % 2 == 0:
            path[-1] = text
        return is_mapping and count % 2 == 0

    def begin(*, is_mapping: bool) -> None:
        path.append("")
        counts.append((is_mapping, 0))

    begin(is_mapping=False)  # of documents
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                is_name("")
                if len(path) > DEEPEST_PATH:
                    raise ValueError
                begin(is_mapping=isinstance(event, yaml.MappingStartEvent))
            elif isinstance(event, yaml.CollectionEndEvent):
                path.pop()
                counts.pop()
            elif isinstance(event, yaml.AliasEvent):
                if not is_name(value := anchored.get(event.anchor or "", "")):
                    yield NamedValue(tuple(filter(None, path)), value)
            elif isinstance(event, yaml.ScalarEvent):
                if event.anchor:
                    anchored[event.anchor] = event.value
                if not event.style and re.match(
                    r"[\w&'<>:.]* ?= ", event.value
                ):  # a type of Rust, which looks like an anchor
                    raise ValueError
                tag = event.tag if event.tag and event.tag[:1] == "!" and event.tag[1:] else ""
                if not is_name(event.value):
                    yield NamedValue(tuple(filter(None, path)), f"{tag} {event.value}".lstrip() if tag else event.value)
    except yaml.YAMLError as error:
        raise ValueError from error


def _table(text: str) -> Iterator[NamedValue]:
    """Read CSV, and the tables of Markdown: the first line has the names."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.strip(" \t|:-")]
    rows = csv.reader(lines, delimiter=_TABLE_HEAD.match(text)["sign"], skipinitialspace=True)  # type: ignore[index]
    try:
        head, *rest = ([cell.strip(" \t`*") for cell in row] for row in rows)
    except csv.Error as error:
        raise ValueError from error
    for number, row in enumerate(rest):
        yield from (NamedValue((f"{NUMBER}{number}", name), cell) for name, cell in zip(head, row, strict=False))


_NAMES_KEY = r"[^\n:={}(]{0,200}\b(?:api|access|public)?[ _-]?key\b"
_TABLE_HEAD = re.compile(
    rf"\s*+\|?(?:(?={_NAMES_KEY})(?=[^\n:={{}}(]{{0,200}}secret)|(?=[^\n:={{}}(]{{0,200}}password))"
    r"[\w\"'` *./-]{1,60}(?P<sign>[,;\t|])[^\n:={}(]*\n",
    re.IGNORECASE,
)
_YAML_LINE = re.compile(r"^[ \t]*(?:- +)*[\"']?[\w./@ -]{1,80}[\"']?:(?:[ \t]|$)", re.MULTILINE)
_TOML_LINE = re.compile(r"^[ \t]*[\w.\"'-]{1,80}[ \t]*=[ \t]*[\"'\[{]", re.MULTILINE)
_FORMATS: tuple[tuple[Callable[[str, str], object], Callable[[str], Iterable[NamedValue]]], ...] = (
    (lambda _, start: start in ("{", "["), _json),
    (lambda _, start: start == "<", _xml),
    (lambda text, _: _TABLE_HEAD.match(text), _table),
    (lambda text, _: len(text) <= LARGEST_PARSED and _TOML_LINE.search(text), _toml),
    (lambda text, start: len(text) <= LARGEST_PARSED and (start == "{" or _YAML_LINE.search(text)), _yaml),
)


# --- lines ---------------------------------------------------------------------------------------

_CLOSED_REMARK = re.compile(r"(?:^|(?<=[\s,;{}()]))/\*[^*]*(?:\*(?!/)[^*]*)*\*/|<!--[^-]*(?:-(?!->)[^-]*)*-->")
_REMARK = re.compile(r"\s*(?:#(?!define\s)|//|;|--\s|rem\s|::)", re.IGNORECASE)
_INLINE_REMARK = re.compile(
    r"""(?<!\w)(?:"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$))|(?P<remark>\s(?:\#|//|;\s|--\s).*)"""
)
_TITLE = re.compile(r"((?:#|//|;)[#/; \t=*-]*|)([A-Za-z]+(?: [A-Za-z]+){0,2})[ \t:=*#-]*")
_SECTION = re.compile(r"\s*\[+([^\[\]=\"']+)\]+\s*$")
_PLAIN = re.compile(r"\s*(?:export\s+|set\s+|-\s+)?([A-Za-z_][\w.]*)=([^\s\"'`].*)$")
"""NAME=value without a quote: all of the line is the value, as dotenv has it."""
_HEADING = re.compile(r"(\s*)(?:-\s+)?[\"']?([\w][\w .-]{0,60}?)[\"']?\s*(?:[:：=]\s*)?(?:[|>][-+\d]*)?\s*$")
_COMMAND = re.compile(
    r"""\s*(?:\#define|set|setx|setenv|env|fastcgi_param)(?:\s+-[\w-]+)*\s+([A-Za-z_]\w*)\s+(?![=:])"""
    r"""("[^"]*"|'[^']*'|\S+)""",
    re.IGNORECASE,
)
"""NAME blank VALUE: fish, csh, Windows, Dockerfile, Apache."""
_POWERSHELL = re.compile(r"\$\{?env:(\w+)\}?", re.IGNORECASE)
_CLASS = re.compile(r"(\s*)class\s+(\w+)\b[^:]*:\s*$")
_RUST = re.compile(
    r"&'static\s+|\b(?:Some|String::from)\(\s*(?:String::from\(\s*)?(?P<text>\"[^\"]*\")(?:\.\w+\(\))*\s*\)+"
)
_TUPLE = re.compile(
    r"\s*(?:const|let|var|new|local|my)?\s*[\[(]?\s*([\w.$]+(?:\s*,\s*[\w.$]+)+)\s*[\])]?\s*:?=(?!=)(.*)$"
)
_ROW = re.compile(r"([\w .@-]{0,60}?)[\s,;:|]*\b([A-Za-z0-9]{40,})[ \t]*[,;:|\t][ \t]*([A-Za-z0-9]{40,})[\s,;|]*")
"""A name that may be left out, an API key and its secret."""
_TOKEN = re.compile(
    r"""(?P<string>(?:(?<!\w)|(?<=\b[bruf]))(?:"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|`[^`]*(?:`|$))|[“‘«][^”’»]*[”’»])"""
    r"""|(?P<sign>=>|:=|\?=|\|\||\?\?|[=!]=+|[-+*/<>]=|[=:：])"""
    r"""|(?P<open>[({\[])|(?P<close>[)}\]])|(?P<end>[,;|])|(?P<word>[^\s,;:：=(){}\[\]"'`|“‘«]+)|(?P<other>\S)"""
)
_BARE = re.compile(r"""\s*((?:\$\{\{|\{\{|\$\{|\$\(|<|ENC\[)[^\n]{0,400}?(?:\}\}|[}>\])])|[^\s,;(){}\[\]"'`“‘«]+)""")
_ASSIGNS = frozenset({"=", ":", "：", "=>", ":=", "?="})
_PAIR_IN_TEXT = re.compile(r"([A-Za-z_][\w.-]*)(?:=|: *)([^\s/].*)$")
_LIKE_KEY = re.compile(r"[A-Za-z0-9]{40,}|\ue000\d+\ue000(?:\\n)*")
_FIRST_WORD = re.compile("api|secret|access|private|public", re.IGNORECASE)
"""Begins a name of two words: `API Key`."""
_NEXT_KEY = re.compile(r"\s*,\s*[bruf]?[\"'`][A-Za-z0-9]{40}")
_NOT_IN_NAMES = re.compile(
    r"(?:(?:const|let|var|new|final|static|readonly|string|str|export|set|self|this|local)\s+"
    r"|(?:private|public|protected)\s+(?=(?:\w+\s+)*[a-z]+[A-Z_]))+"
)


class _Lines:
    """Reads line by line: sections, indented blocks and brackets are the way to a name."""

    def __init__(self) -> None:
        self._found: list[NamedValue] = []
        self._section: Path = ()
        self._blocks: list[tuple[int, str]] = []
        """Headings with a colon, with their indentation."""
        self._brackets: list[str] = []
        self._opened = 0
        self._pending: tuple[Path, str, str] | None = None
        """A name that waits for its value, and the beginning of the expression that may hold it."""
        self._words: list[str] = []
        """Since the last value or sign of this line."""
        self._option = ""
        """The name before a comma or a blank: of an argument, or `--api-key`."""
        self._is_remark = False
        """Whether the section is named by a remark: a blank line ends it."""
        self._above = ""
        """The name that stands alone on the line before, as on a web page."""

    def read(self, text: str) -> list[NamedValue]:
        """Return what the lines name, and each text like a key that has no name."""
        for line in _joined(_CLOSED_REMARK.sub(" ", text)):
            self._title(line)
            if line.strip() and not _REMARK.match(line):
                bare = _INLINE_REMARK.sub(lambda found: "" if found["remark"] else found[0], line)
                self._line(_RUST.sub(lambda found: found["text"] or "&", _POWERSHELL.sub(r"\1", bare)))
        return self._found

    def _title(self, line: str) -> None:
        """Take a line of a few words, one of which is an exchange's or a site's, as a section: `# Kraken`."""
        title = _TITLE.fullmatch(line)
        if title and not self._brackets and WHOSE & set(title[2].lower().split()):
            self._section, self._blocks, self._is_remark = (title[2],), [], bool(title[1])
        elif not line.strip() and self._is_remark:
            self._section, self._is_remark = (), False

    def _line(self, line: str) -> None:
        above, self._above = self._above, ""
        if (section := _SECTION.match(line)) and not _LIKE_KEY.search(line):
            self._section, self._blocks, self._brackets = (section[1].strip(),), [], []
            return
        self._unindent(line)
        if of_class := _CLASS.match(line):
            self._blocks.append((len(of_class[1]), of_class[2]))
            return
        if (heading := _HEADING.match(line)) and not _LIKE_KEY.search(line):
            self._above = heading[2]
            if line.rstrip()[-1:] == ":":
                self._blocks.append((len(heading[1]), heading[2]))
            return
        if _is_named(above) and (alone := _LIKE_KEY.fullmatch(line.strip(" \t\"'`,;"))):
            if self._blocks and self._blocks[-1][1] == above:
                self._blocks.pop()
            self._add(self._path, above, alone[0])
        elif row := _ROW.fullmatch(line):
            self._opened += 1
            path = (*self._path, f"{row[1].strip()}{NUMBER}{self._opened}")
            self._found += [NamedValue((*path, ""), value) for value in row.groups()[1:]]
        elif plain := _PLAIN.match(line):
            self._plain(plain[1], plain[2].strip())
        elif command := _COMMAND.match(line):
            self._add(self._path, command[1], _unquoted(command[2]))
        elif (targets := _TUPLE.match(line)) and (given := _LIKE_KEY.findall(targets[2])):
            for name, value in zip(targets[1].split(","), given, strict=False):
                self._add(self._path, name.strip(), value)
        else:
            self._tokens(line)

    @property
    def _path(self) -> Path:
        return (*self._section, *(name for _, name in self._blocks), *self._brackets)

    def _add(self, path: Path, name: str, value: str) -> None:
        if _LIKE_KEY.fullmatch(name):  # KEY:SECRET, the first of which is taken already
            name = ""
        self._found.append(NamedValue((*path, _NOT_IN_NAMES.sub("", name).lstrip("-$")), value))

    def _unindent(self, line: str) -> None:
        indent = len(line) - len(line.lstrip())
        while self._blocks and self._blocks[-1][0] >= indent:
            self._blocks.pop()
        if line.lstrip().startswith("- ") and self._blocks:
            self._opened += 1
            self._blocks.append((indent, f"{NUMBER}{self._opened}"))

    def _plain(self, name: str, value: str) -> None:
        depth = len(self._brackets)
        is_code = bool(re.match(r"[\w.:]+[(\[]|[({\[]|process\.env|import\.meta", value))
        if is_code or _pair_in(value) or re.search(r"\s[\w-]+=|[;,]\s*\w+\s*=", value):
            self._tokens(f"{name}={value}")
            if value[-1] not in "({[":
                del self._brackets[depth:]
        else:
            self._add(self._path, name, value.rstrip(",;") if _LIKE_KEY.match(value) else value)

    def _tokens(self, line: str) -> None:
        """Read names with their values, calls, and default values, wherever they stand in a line."""
        self._pending, self._words, self._option = None, [], ""
        place = 0
        while token := _TOKEN.search(line, place):
            place, kind, text = token.end(), token.lastgroup, token[0]
            if kind == "sign" and text in _ASSIGNS and self._words:
                self._flush()
                count = 3 if text in ":：" else 2 if _FIRST_WORD.fullmatch("".join(self._words[-2:-1])) else 1
                name = " ".join(self._words[-count:])
                self._pending, self._words, self._option = (self._path, name, ""), [], ""
                following = line[place : place + 1024].lstrip()[:1]
                if following and following not in "\"'`“‘«([{" and (bare := _BARE.match(line, place)):
                    place = bare.end()
                    self._bare(*self._pending[:2], bare[1], line[place : place + 1])
            elif kind == "string":
                self._string(_unquoted(text), line[place : place + 64])
            elif kind == "word":
                self._word(text)
            elif kind in ("open", "close", "end"):
                self._punctuation(text)
        self._flush()

    def _string(self, content: str, following: str) -> None:
        pending, is_like = self._pending, _LIKE_KEY.fullmatch(content)
        if inner := _pair_in(content):
            self._add(self._path, inner[1], inner[2])
            self._pending = None
        elif pending and (not pending[2] or _is_default(pending[1], content, following)):
            self._add(pending[0], pending[1], content)
            self._pending = None
        elif self._option and is_like:  # setenv("NAME", "value"): each is a call of its own
            self._add(self._path[: -1 if self._brackets else None], self._option, content)
        elif is_like:
            self._add(self._path, "", content)
            if _NEXT_KEY.match(following) and not _PAIR_IN_TEXT.match(f"{self._pending[2] if self._pending else ''}x"):
                self._pending = None  # the next argument has no name either
        self._option = content if _is_named(content) and len(content) < 40 else ""
        self._words = [] if self._pending else [content]

    def _word(self, text: str) -> None:
        if _LIKE_KEY.fullmatch(text) and not (self._pending and self._pending[2]):
            self._add(self._path, self._option, text)
        elif self._pending and not self._pending[2]:
            self._pending = (*self._pending[:2], text)
        self._words.append(text)
        self._option = text if text.startswith("--") and _is_named(text) else ""

    def _punctuation(self, text: str) -> None:
        if text in "({[":
            self._opened += 1
            called = dict.fromkeys(filter(None, self._pending[1:])) if self._pending else self._words[-1:]
            label = " ".join(called)  # kraken = ccxt.kraken(…)
            if len(self._brackets) < DEEPEST_PATH:
                self._brackets.append(f"{label[:60]}{NUMBER}{self._opened}")
            if self._pending and (text == "{" or not self._pending[2]):
                self._pending = None
        elif text in ")}]":
            del self._brackets[-1:]
        elif text == ";":
            self._flush()
        if text not in ")]":
            self._words = []

    def _bare(self, path: Path, name: str, value: str, following: str) -> None:
        """Take a value without quotes, unless it is the beginning of an expression, which may hold a default."""
        self._pending = None
        if inner := _pair_in(value):
            self._add(path, inner[1], inner[2])
        elif _LIKE_KEY.fullmatch(value) or not (following in tuple("([{") or re.match(r"[A-Za-z_&:]+", value)):
            self._add(path, name, value)
        else:
            self._pending = (path, name, value)

    def _flush(self) -> None:
        """Take a name whose value is an expression."""
        if self._pending and self._pending[2]:
            self._add(*self._pending)
        self._pending = None


def _is_default(name: str, value: str, following: str) -> bool:
    """Return whether a text within an expression is the value of the name: not the first argument of several."""
    return _is_named(name) and bool(_LIKE_KEY.fullmatch(value)) and not _NEXT_KEY.match(following)


def _pair_in(text: str) -> re.Match[str] | None:
    """Return a name and its value, as `-e NAME=value` and `-H 'NAME: value'` have them."""
    found = _PAIR_IN_TEXT.match(text)
    return found if found and _is_named(found[1]) else None


def _is_named(text: str) -> bool:
    return bool(re.search(r"key|secret|api", text, re.IGNORECASE))


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] in "\"'`“‘«" and text[-1] in "\"'`”’»"
    return text[1:-1] if is_quoted else text.strip("\"'`")


def _joined(text: str) -> Iterator[str]:
    """Yield the lines; a backslash at an end continues one."""
    whole: list[str] = []
    for line in text.splitlines():
        if line.endswith("\\"):
            whole.append(line[:-1])
            continue
        yield "".join((*whole, line))
        whole.clear()
    yield "".join(whole)


# --- texts within values -------------------------------------------------------------------------


def unfolded(entries: list[NamedValue], depth: int = 0) -> Iterator[NamedValue]:
    """Yield the entries with rows of a name and a value joined, and with the texts that stand within texts read."""
    for entry in _rows(entries):
        value, is_encoded = entry.value, len(entry.path) > 1 and entry.path[-2] in ("data", "binaryData")
        is_encoded = is_encoded or re.search(r"(?i)b(?:ase)?64", entry.name) is not None
        if is_encoded or value.startswith("LS0tLS1CRUdJTi"):
            value = (decoded(value) or value).strip("\n")
        if (
            depth < DEEPEST
            and not value.startswith(("!", "{{", "{REF:"))
            and _NESTED.match(value)
            and "\ue000" not in value[:1]
        ):
            inner = read_entries(value, depth + 1)
            if any(each.name for each in inner):
                # NAME=value in a list, as in docker compose: its neighbours belong to it.
                is_line = entry.name.startswith(NUMBER) and len(inner) == 1 and value[:1] not in "{["
                path = entry.path[:-1] if is_line else entry.path
                yield from (replace(each, path=(*path, *each.path)) for each in inner)
                continue
        yield replace(entry, value=value)


def _rows(entries: list[NamedValue]) -> Iterator[NamedValue]:
    """Yield the entries; `{"key": "API_KEY", "value": "…"}` becomes one of that name, unless it is switched off."""
    names: dict[Path, tuple[int, str]] = {}
    off: set[Path] = set()
    valued = {entry.path[:-1] for entry in entries if entry.name.lower() in _ROW_VALUES}
    for entry in entries:
        if (parent := entry.path[:-1]) in valued and entry.name.lower() in _ROW_NAMES:
            names[parent] = max(names.get(parent, (0, "")), (_ROW_NAMES.index(entry.name.lower()), entry.value))
        if (entry.name.lower(), entry.value) in (("enabled", "false"), ("disabled", "true")):
            off.add(parent)
    for entry in entries:
        parent = entry.path[:-1]
        if parent not in names:
            around = parent[-1].partition(NUMBER)[0] if parent else ""
            is_inner = entry.name.lower() in ("default", *_ROW_VALUES) and _is_named(
                around
            )  # of a variable of Terraform
            yield replace(entry, path=(*parent[:-1], around)) if is_inner else entry
        elif entry.name.lower() in _ROW_VALUES and parent not in off:
            # The number of the row goes: its neighbours belong together.
            above = parent[:-1] if parent and NUMBER in parent[-1] else parent
            yield replace(entry, path=(*above, names[parent][1]))
