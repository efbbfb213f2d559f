"""The journal's file: SQLite, mode 0600, durable at every commit, with a chained log of events."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path

from wizard.errors import WizardError
from wizard.rotation.migrations import MIGRATIONS, SCHEMA_VERSION, Migration
from wizard.rotation.model import Event

BUSY_SECONDS = 5.0

Write = Callable[..., sqlite3.Cursor]


class JournalUnusable(WizardError):
    """The journal's file cannot be opened, or is not one that this version understands."""


class Database:
    """One open journal file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def select(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with _told(), closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Write]:
        """Run what is inside as one durable transaction, or not at all."""
        with _told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def append(self, at: float, rotation: int | None, kind: str, detail: Mapping[str, object]) -> None:
        """Append one event, inside a transaction of the caller."""
        last = self.select("SELECT hash FROM events ORDER BY number DESC LIMIT 1")
        previous = last[0]["hash"] if last else ""
        text = json.dumps(detail, sort_keys=True)
        self._connection.execute(
            "INSERT INTO events (at, rotation, kind, detail, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (at, rotation, kind, text, previous, _chain(previous, at, rotation, kind, text)),
        )

    def events(self, rotation: int | None = None) -> Iterator[Event]:
        """Return the events of one rotation, or all of them, the oldest first."""
        query = "SELECT * FROM events WHERE ? IS NULL OR rotation = ? ORDER BY number"
        yield from map(_event, self.select(query, rotation, rotation))

    def newest_event(self, rotation: int, kind: str) -> Event | None:
        """Return the newest event of a kind in one rotation."""
        query = "SELECT * FROM events WHERE rotation = ? AND kind = ? ORDER BY number DESC LIMIT 1"
        return next(map(_event, self.select(query, rotation, kind)), None)

    def first_altered_event(self) -> int | None:
        """Return the number of the first event that does not follow from the one before it, if any."""
        previous = ""
        for row in self.select("SELECT * FROM events ORDER BY number"):
            expected = _chain(previous, row["at"], row["rotation"], row["kind"], row["detail"])
            if (row["previous"], row["hash"]) != (previous, expected):
                return int(row["number"])
            previous = expected
        return None


@contextmanager
def _told() -> Iterator[None]:
    """Say in words what SQLite says when the disk is full, or the file is locked or gone."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalUnusable(
            "The journal cannot be read or written",
            why=f"The system said: {error}.",
            advice="Check the disk. What was written before is safe; try again, or close and come back.",
        ) from None


def open_database(file: Path) -> Database:
    """Open the journal, or make it.

    Raises:
        JournalUnusable: the file is not a journal, is newer than this version, or cannot be opened.
    """
    try:
        # SQLite gives its own side files the mode of the database.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        file.chmod(0o600)
        connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
        with ExitStack() as on_failure:
            on_failure.callback(connection.close)
            _prepare(connection, file)
            on_failure.pop_all()
    except (sqlite3.Error, OSError) as error:
        raise JournalUnusable(
            f"The journal {file} cannot be opened",
            why=f"The system said: {error}.",
            advice="Nothing was changed. Check the disk and the file's owner; move a damaged file away, keep it.",
        ) from None
    return Database(connection)


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL: a commit has reached the disk before the keyring is touched.
    connection.execute("PRAGMA synchronous = FULL")
    _migrate(connection, file)
    _let_others_read(connection)


def _let_others_read(connection: sqlite3.Connection) -> None:
    """Switch to WAL: `status` and `exec` read while a wizard writes.

    Where another wizard opens the same journal at this moment SQLite refuses at once, whatever its time-out is: 7 of
    2,400 openings, eight at a time.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise JournalUnusable(
            f"The journal {file} was written by a newer version",
            why=f"Its schema is number {version}; this version knows {SCHEMA_VERSION}.",
            advice="Use the newer version of Key Wizard. Nothing was changed.",
        )
    for migration in MIGRATIONS:
        if migration.number > version:
            _apply(migration, connection)


def _apply(migration: Migration, connection: sqlite3.Connection) -> None:
    """Bring the schema to the migration's number, unless another wizard just did; all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < migration.number:
            for statement in migration.statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _event(row: sqlite3.Row) -> Event:
    return Event(row["number"], row["at"], row["rotation"], row["kind"], json.loads(row["detail"]))


def _chain(previous: str, at: float, rotation: int | None, kind: str, detail: str) -> str:
    link = json.dumps([previous, at, rotation, kind, detail])
    return sha256(link.encode()).hexdigest()
