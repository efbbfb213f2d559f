"""The journal's file: SQLite, mode 0600, durable at every commit; its schema is brought up to date step by step."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from wizard.core.errors import WizardError

BUSY_SECONDS = 5.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PRIMARY = 0xFF
"""The bits of an extended result code that name its kind (https://www.sqlite.org/rescode.html)."""
MIGRATIONS = tuple(script.read_text("utf-8") for script in sorted(Path(__file__).with_name("migrations").glob("*.sql")))
"""The steps of the schema in SQL. `0002_egress.sql` brings a journal of number 1 to number 2.

A step that has been released is never edited: journals in use have taken it already.
"""
SCHEMA_VERSION = len(MIGRATIONS)
"""The schema that this version writes: what `PRAGMA user_version` is."""
MOST_KEPT = 200
"""Answers to queries that are kept until the next write."""
Result = TypeVar("Result")


class Database:
    """One open journal file."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file
        self._state: tuple[object, object] | None = None
        self._kept: dict[object, list[Any]] = {}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def select(self, parse: Callable[[sqlite3.Row], Result], query: str, *values: object) -> list[Result]:
        """Return what `parse` makes of all rows of a query; a `WizardError` where it cannot be read.

        `parse` raises ValueError, LookupError, TypeError or RecursionError for a row that makes no sense: damaged.
        """
        # A page that watches draws each second what thousands of rows may say: they are read anew after a write alone.
        ((version,),), key = self._rows("PRAGMA data_version"), (parse, query, values)
        state = (version, self._connection.total_changes)
        if state != self._state or len(self._kept) > MOST_KEPT:
            self._state, self._kept = state, {}
        if key in (kept := self._kept):
            return [*kept[key]]
        try:
            found = [*map(parse, self._rows(query, values))]
        except (ValueError, LookupError, TypeError, RecursionError) as error:  # IndexError: it has no such column
            raise _damaged(self._file, f"The system says: {error}") from None
        kept[key] = found
        return [*found]

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with _explaining(self._file, "read"), closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    def check(self, *tables: str) -> None:
        """Look whether SQLite finds the file in order; a `WizardError` where not.

        With `tables` no others are compared with their indexes, which takes most of the time.
        """
        looks = ("quick_check(1)", *(f"integrity_check({table})" for table in tables))
        for look in looks if tables else ("integrity_check(1)",):
            found = [str(problem) for row in self._rows(f"PRAGMA {look}") for problem in row]
            if found != ["ok"]:
                raise _damaged(self._file, f"SQLite says: {' '.join(found)}")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run what is inside as one durable transaction, or not at all."""
        with _explaining(self._file, "written"), _all_or_nothing(self._connection):
            yield Transaction(self._connection)


class Transaction:
    """What is written together. Names of tables and columns come from the code, never from outside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute

    def insert(self, table: str, **values: object) -> int:
        """Add a row; return its number."""
        marks = ", ".join("?" for _ in values)
        query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608
        return self.execute(query, [*values.values()]).lastrowid or 0

    def update(self, table: str, key: tuple[str, object], **values: object) -> None:
        """Change the columns of the rows whose column `key[0]` holds `key[1]`."""
        columns = ", ".join(f"{name} = ?" for name in values)
        self.execute(f"UPDATE {table} SET {columns} WHERE {key[0]} = ?", [*values.values(), key[1]])  # noqa: S608


@contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _explaining(file: Path, done: str) -> Iterator[None]:
    """Say in words what SQLite and the system say when the journal cannot be `done`."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # UnicodeDecodeError: a column's name
        raise WizardError(
            f"The wizard's records {file} cannot be {done}",
            why=f"The system says: {error}.",
            advice=_advice(error, file),
            code="journal.unusable",
        ) from None


def _damaged(file: Path, why: str) -> WizardError:
    advice = _MOVE_AWAY.format(file=file)
    return WizardError(f"The wizard's records {file} are damaged", why=f"{why}.", advice=advice, code="journal.damaged")


_MOVE_AWAY = (
    "Nothing was changed, and your keys are still stored. Move {file}* to another directory, and keep them. Then"
    " restore a backup. Without one, start Key Wizard again: it names the stored keys that it does not know."
)
_TRY_AGAIN = "Nothing was lost. Check the disk and the permissions of {file}, then try again."
_ADVICE = {
    sqlite3.SQLITE_BUSY: "Another Key Wizard is writing to it. Try again in a minute.",
    sqlite3.SQLITE_FULL: "Nothing was lost. Free some space on the disk, then try again.",
    sqlite3.SQLITE_IOERR: "Nothing was lost. Free some space on the disk, or check it for faults. Then try again.",
    **dict.fromkeys((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR), _MOVE_AWAY),
    **dict.fromkeys((sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG), _MOVE_AWAY),
    **dict.fromkeys(
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
        "Nothing was changed. Make this file and its directory readable and writable for you: {file}",
    ),
}
"""What to do, by the kind of SQLite's result code."""


def _advice(error: Exception, file: Path) -> str:
    if isinstance(error, OSError):
        return _ADVICE[sqlite3.SQLITE_FULL if error.errno in _NO_ROOM else sqlite3.SQLITE_PERM].format(file=file)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none: what is no text is where one belongs
    return _ADVICE.get(code & _PRIMARY, _TRY_AGAIN).format(file=file)


def open_database(file: Path) -> Database:
    """Open the journal to write to it, or make it; a `WizardError` where it is none, is newer, or cannot be opened."""
    with _explaining(file, "opened"):
        if not _exists(file):
            _make(file)
        # SQLite gives the files beside it the same mode.
        file.chmod(0o600)
        return Database(_connect_to_write(file), file)


def read_database(file: Path) -> Database:
    """Read the journal as it is now, in this version's schema, changing nothing; a `WizardError` as `open_database`.

    What others write from now on is not seen. One of an older schema is copied into memory, and brought up to date
    there.
    """
    with _explaining(file, "read"):
        source = _connect_to_read(file) if _exists(file) else sqlite3.connect(":memory:")
        with _closed_on_failure(source):
            if source.in_transaction and _version(source) == SCHEMA_VERSION:
                return Database(source, file)
        copy = sqlite3.connect(":memory:", isolation_level=None)
        with _closed_on_failure(copy), closing(source):
            copy.row_factory = sqlite3.Row
            source.backup(copy)
            _migrate(copy, file)
            copy.execute("PRAGMA query_only = ON")
        return Database(copy, file)


def _exists(file: Path) -> bool:
    """Whether there is a journal. A link is not followed: what it points to is not the wizard's to write."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        if _has_log(file):
            raise _damaged(file, "The main file is missing, and its log is there") from None
        return False
    if not stat.S_ISREG(found.st_mode):
        raise WizardError(
            f"The wizard's records {file} cannot be used",
            why="It is a symbolic link." if stat.S_ISLNK(found.st_mode) else "It is not an ordinary file.",
            advice="Nothing was changed. Put the file itself there, or move what is there away.",
            code="journal.unusable",
        )
    if found.st_size == 0:
        raise _damaged(file, "It is empty")
    return True


def _make(file: Path) -> None:
    """Put a journal without entries there, whole and only for its owner to read, unless another wizard just did.

    SQLite alone opens one that is there. Closing any other descriptor of it would drop the locks that SQLite holds
    for this process (https://www.sqlite.org/howtocorrupt.html, 2.2): the next process that ends would then delete the
    write-ahead log under it.
    """
    scratch = file.with_name(f"{file.name}.new-{os.urandom(6).hex()}")
    os.close(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _connect_to_write(scratch).close()
        with suppress(FileExistsError):
            os.link(scratch, file)
    finally:
        scratch.unlink()


def _connect_to_write(file: Path) -> sqlite3.Connection:
    connection = _connect(file, "mode=rw")
    with _closed_on_failure(connection):
        connection.execute("PRAGMA foreign_keys = ON")
        # FULL: a commit has reached the disk before the keyring is touched.
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, file)
        # WAL: others read while a wizard writes. After the schema, which is then in the file itself.
        connection.execute("PRAGMA journal_mode = WAL")
    return connection


def _connect(file: Path, options: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?{options}"
    connection = sqlite3.connect(address, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _connect_to_read(file: Path) -> sqlite3.Connection:
    """Connect to a journal that is there, within a transaction: what it reads is of one moment.

    To read it, SQLite puts two files beside it. Where it cannot, and there is no log yet, nobody writes to the
    journal either: the file alone is all of it. It is not locked then, so no transaction is begun.
    """
    connection = _connect(file, "mode=ro")
    with _closed_on_failure(connection):
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY or _has_log(file):
                raise
        else:
            connection.execute("BEGIN")
            return connection
    connection.close()
    return _connect(file, "mode=ro&immutable=1")


def _has_log(file: Path) -> bool:
    """Whether something was written that is not in the file itself yet, or was begun and not ended."""
    logs = (file.with_name(f"{file.name}-{name}") for name in ("wal", "journal"))
    return any(log.exists() and log.stat().st_size for log in logs)


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    """Bring the schema up to date, unless another wizard just did; all of it or nothing."""
    if (version := _version(connection)) > SCHEMA_VERSION:
        raise WizardError(
            f"The wizard's records {file} were written by a newer version",
            why=f"Their schema is number {version}. This version knows {SCHEMA_VERSION}.",
            advice="Use the newer version of Key Wizard. Nothing was changed.",
            code="journal.newer",
        )
    if version == SCHEMA_VERSION:
        return
    with _all_or_nothing(connection):
        for number, script in enumerate(MIGRATIONS, 1):
            if number > _version(connection):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Yield the statements one by one: sqlite3's `executescript` would end the transaction around them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
