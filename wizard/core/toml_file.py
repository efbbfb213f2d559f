"""A TOML file of the user's: each value is read with its type, each complaint names the line.

No complaint repeats a value: a key may have been pasted into the wrong place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wizard.core import bounded_file
from wizard.core.errors import FileError, SettingsError
from wizard.core.text import printable

LARGEST: Final = 2**20
"""Bytes; a hundred environments have about 20,000."""
_KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    str: "a text",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a file. Its repr shows no value: some hold passwords."""

    file: Path
    text: str = field(default="", repr=False)
    """The whole file."""
    name: tuple[str, ...] = ()
    """Empty for the file itself."""
    values: Mapping[str, object] = field(default_factory=dict, repr=False)

    def section(self, key: str) -> Section:
        """Return a table of this one; an empty one where it is left out.

        Raises:
            SettingsError: it is no table.
        """
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table", f"Write a line [{'.'.join((*self.name, key))}], and its values below it.")
        return Section(self.file, self.text, (*self.name, key), value)

    def string(self, key: str, example: str, default: str = "") -> str:
        """Return a text.

        Raises:
            SettingsError: it is none.
        """
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a text in quotes", f'Write {key} = "{example}".')
        return value

    def strings(self, key: str, example: Sequence[str], default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of texts.

        Raises:
            SettingsError: it is none.
        """
        value = self.values.get(key, list(default))
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        listed = ", ".join(f'"{each}"' for each in example)
        advice = f"Write {key} = [{listed}]."
        if isinstance(value, list):
            raise self.refusal(key, "Not every entry of the list is a text in quotes.", advice)
        raise self.wrong(key, "a list of texts in quotes", advice)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false.

        Raises:
            SettingsError: it is neither.
        """
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false, without quotes", f"Write {key} = true or {key} = false.")
        return value

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number within bounds.

        Raises:
            SettingsError: it is none, or lies outside.
        """
        value = self.values.get(key, default)
        advice = f"Write {key} = {default}, or another whole number from {least} to {most}."
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "a whole number, without quotes", advice)
        if not least <= value <= most:
            raise self.refusal(key, f"It is not between {least} and {most}.", advice)
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """Return a number within bounds.

        Raises:
            SettingsError: it is none, or lies outside.
        """
        value = self.values.get(key, default)
        advice = f"Write {key} = {default:g}, or another number from {least:g} to {most:g}."
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise self.wrong(key, "a number, without quotes", advice)
        if not least <= value <= most:  # what is no number compares false with all of them
            raise self.refusal(key, f"It is not between {least:g} and {most:g}.", advice)
        return float(value)

    def wrong(self, key: str, right: str, advice: str) -> SettingsError:
        """Return the error for a value of another type than the `right` one."""
        kind = _KINDS.get(type(self.values.get(key)), "a date or a time")
        return self.refusal(key, f"It is {kind}. It has to be {right}.", advice)

    def refusal(self, key: str, why: str, advice: str) -> SettingsError:
        """Return the error for a value that makes no sense."""
        path = (*self.name, key)
        shown = printable(".".join(path), 100)
        return SettingsError(
            f"{shown} in {self.file}, line {_line_of(self.text, path)}, cannot be used", why=why, advice=advice
        )


def read_toml(file: Path) -> Section:
    """Return what a file says; a missing one says nothing.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    try:
        data, _ = bounded_file.read(file, LARGEST)
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
        why = f"It is not TOML: {printable(str(error))}."
    except RecursionError:
        why = f"Line {_line_of_trouble(text)} has too many tables or lists within each other."
    except ValueError:
        why = f"Line {_line_of_trouble(text)} has a number with too many digits."
    raise SettingsError(f"{file} cannot be read", why=why, advice="Correct the file, or move it away.") from None


_Said = dict[str, Any] | None


def _statements(text: str) -> Iterator[tuple[int, tuple[str, ...], _Said]]:
    """Yield each statement's first line, the table that it stands in, and what it says; None is too much to read.

    A statement is the fewest lines that are TOML by themselves: so no second parser is needed.
    """
    table: tuple[str, ...] = ()
    statement, begun = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            said: _Said = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        except (ValueError, RecursionError):
            said = None
        if said and statement.lstrip().startswith("["):
            table = _named(said)
            said = {}
        yield begun, table, said
        statement, begun = "", number + 1


def _named(header: object) -> tuple[str, ...]:
    """Return the name of the one table that `[a.b]` or `[[a.b]]` makes."""
    if isinstance(header, list):
        return _named(header[0])
    if not isinstance(header, dict) or not header:
        return ()
    ((name, inner),) = header.items()
    return (name, *_named(inner))


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Return the line in which a value, or the first part of a table, begins; that of its table where it is missing."""
    for line, table, said in _statements(text):
        if table[: len(path)] == path or (table == path[: len(table)] and _holds(said, path[len(table) :])):
            return line
    return _line_of(text, path[:-1]) if path else 1


def _holds(said: object, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    return isinstance(said, dict) and path[0] in said and _holds(said[path[0]], path[1:])


def _line_of_trouble(text: str) -> int:
    return next((line for line, _, said in _statements(text) if said is None), 1)
