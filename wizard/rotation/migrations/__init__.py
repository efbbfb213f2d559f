"""The journal's schema as a row of steps. `0002_egress.sql` brings a journal of number 1 to number 2.

A step that has been released is never edited: journals in use have taken it already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    """What `PRAGMA user_version` is afterwards."""
    script: str
    """Statements in SQL, each of which ends its last line with a semicolon."""

    def statements(self) -> Iterator[str]:
        """Yield the statements one by one: sqlite3's `executescript` would end the transaction around them."""
        statement = ""
        for line in self.script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""


def _shipped() -> tuple[Migration, ...]:
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    return tuple(
        Migration(int(file.name.split("_")[0]), file.read_text("utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    )


MIGRATIONS = _shipped()
"""In the order in which they are applied."""
SCHEMA_VERSION = MIGRATIONS[-1].number
"""The schema that this version writes."""
