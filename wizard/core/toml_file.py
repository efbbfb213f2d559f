"""A TOML file of the user's: each value is read with its type, each complaint names the line.

No complaint repeats a value: a key may have been pasted into the wrong place. Reading takes the standard library alone;
tomlkit, which keeps a file as the user wrote it, is loaded where a value is written or a line is looked for.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from wizard.core import files
from wizard.core.errors import FileError, WizardError
from wizard.core.key_shape import holds_key
from wizard.core.text import did_you_mean, printable

LARGEST: Final = 2**20
"""Bytes; a hundred environments have about 20,000."""
_KINDS: Final[Mapping[type, str]] = {
    **{bool: "true or false", int: "a whole number", float: "a number with a point"},
    **{str: "a text", list: "a list", dict: "a table"},
}

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a file. Its repr shows no value: some hold passwords. Its methods raise WizardError."""

    file: Path
    text: str = field(default="", repr=False)
    """The whole file."""
    name: tuple[str, ...] = ()
    """Empty for the file itself."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def expect_only(self, known: Collection[str]) -> None:
        """Refuse the first setting that is not among the known ones."""
        unknown = next((key for key in self.values if key not in known), None)
        if unknown is not None:
            advice = did_you_mean(unknown, known) or f"Choose from {', '.join(sorted(known))}."
            raise self.refusal(unknown, "There is no such setting here.", advice)

    def section(self, key: str) -> Section:
        """Return a table of this one; an empty one where it is left out."""
        advice = f"Write the line [{'.'.join((*self.name, key))}], and its values below it."
        return Section(self.file, self.text, (*self.name, key), self._value(key, {}, (dict,), "a table", advice))

    def string(self, key: str, example: str, default: str = "") -> str:
        """Return a text."""
        return self._value(key, default, (str,), "a text in quotes", f'Write {key} = "{example}".')

    def strings(self, key: str, example: Sequence[str], default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        listed = ", ".join(f'"{each}"' for each in example)
        advice = f"Write {key} = [{listed}]."
        value = self._value(key, list(default), (list,), "a list of texts in quotes", advice)
        if not all(isinstance(each, str) for each in value):
            raise self.refusal(key, "Some entry of the list is not a text in quotes.", advice)
        return tuple(value)

    def command(self, key: str, example: Sequence[str], *, is_needed: bool = False) -> tuple[str, ...]:
        """Return a program and its arguments, which no shell reads; nothing where it may be left out, and is."""
        command = self.strings(key, example)
        advice = "Write {} = [{}].".format(key, ", ".join(f'"{each}"' for each in example))
        if any(map(holds_key, command)):
            raise self.refusal(key, "It holds what looks like a key.", "Take the key out of the command.")
        if (is_needed or key in self.values) and not "".join(command[:1]):
            raise self.refusal(key, "It names no program.", advice)
        if "\0" in "".join(command):
            raise self.refusal(key, "It holds a character that no argument can have.", advice)
        return command

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        advice = f"Write {key} = true or {key} = false."
        return self._value(key, default, (bool,), "true or false, without quotes", advice)

    def number(self, key: str, default: Number, least: Number, most: Number) -> Number:
        """Return a number within bounds; a whole one where the default is one."""
        kind, types = {int: ("whole number", (int,)), float: ("number", (int, float))}[type(default)]
        advice = f"Write {key} = {default:g}, or another {kind} from {least:g} to {most:g}."
        value = self._value(key, default, types, f"a {kind}, without quotes", advice)
        if not least <= value <= most:  # what is no number compares false with all of them
            raise self.refusal(key, f"It is not between {least:g} and {most:g}.", advice)
        return type(default)(value)

    def _value(self, key: str, default: Value, types: Collection[type], right: str, advice: str) -> Value:
        if key not in self.values:
            return default
        value: Value = self.values[key]
        if type(value) not in types:
            kind = _KINDS.get(type(value), "a date or a time")
            raise self.refusal(key, f"It is {kind}. It has to be {right}.", advice)
        return value

    def refusal(self, key: str, why: str, advice: str) -> WizardError:
        """Return the error for a setting that makes no sense. A name that looks like a key is not repeated."""
        path = (*self.name, key)
        shown = "what looks like a key" if any(map(holds_key, path)) else printable(".".join(path), 100)
        line = _line_of(self.text, path)
        what = f"The wizard cannot use {shown} in {self.file}, line {line}"
        return WizardError(what, why=why, advice=advice, code="settings.invalid")


def read_toml(file: Path) -> Section:
    """Return what a file says, or raise WizardError; a missing one says nothing."""
    try:
        data, _ = files.read(file, LARGEST)
        text = data.decode("utf-8")
        return Section(file, text, (), tomllib.loads(text))
    except FileError as error:
        if error.code == "file.missing":
            return Section(file)
        why = error.why or f"It has more than {LARGEST} bytes."
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        why = f"Line {line} is not text in UTF-8."
    except tomllib.TOMLDecodeError as error:
        why = f"It is not TOML. The reader says “{printable(str(error))}”."
    except RecursionError:
        deepest = max(enumerate(text.splitlines(), 1), key=lambda line: line[1].count("[") + line[1].count("{"))
        why = f"Line {deepest[0]} has too many tables or lists inside each other."
    except ValueError:
        long = re.search(r"[0-9_]{4000}", text)
        why = f"Line {1 + text.count(chr(10), 0, long.start() if long else 0)} has a number with too many digits."
    advice = "Correct the file, or move it away."
    raise WizardError(f"The wizard cannot read {file}", why=why, advice=advice, code="settings.unreadable") from None


def write_values(file: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Set values of tables, and leave the rest as the user wrote it: comments, order and spaces.

    The file is as it was after a FileError (it cannot be read), an OSError (it cannot be written) and a ValueError (it
    is no TOML, or would mean something else after the change).
    """
    import tomlkit  # noqa: PLC0415

    before = files.read(file, LARGEST)[0].decode("utf-8") if file.exists() else ""
    meaning = tomllib.loads(before)
    if not all(isinstance(meaning.get(table, {}), dict) for table in tables):
        raise ValueError("it has a value in the place of a table")
    try:
        document = tomlkit.parse(before)
        for table, values in tables.items():
            document.setdefault(table, tomlkit.table()).update(values)
        after = tomlkit.dumps(document)
    except tomlkit.exceptions.TOMLKitError as error:
        raise ValueError("it is laid out in a way that tomlkit does not read") from error
    if tomllib.loads(after) != meaning | {table: meaning.get(table, {}) | values for table, values in tables.items()}:
        raise ValueError("the change would change more")
    real = file.resolve()  # people keep their settings elsewhere and link to them
    files.replace(real, after.encode(), stat.S_IMODE(real.stat().st_mode) if real.exists() else files.PRIVATE)


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the first line that changes with a value or a table; that of its table where it is missing."""
    import tomlkit  # noqa: PLC0415

    *tables, key = path
    try:
        document = tomlkit.parse(text)
        inner: Any = document
        for name in tables:
            inner = inner[name]
        if isinstance(inner[key], dict):
            del inner[key]
        else:
            inner[key] = "no file has this value"
    except (KeyError, tomlkit.exceptions.TOMLKitError, RecursionError):
        return _line_of(text, path[:-1]) if tables else 1
    after = tomlkit.dumps(document).splitlines()
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if after[number - 1 : number] != [line]), 1)
