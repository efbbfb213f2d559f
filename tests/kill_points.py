"""Every place at which the program writes, by name, found while it runs; and SIGKILL before, during or after one.

    install(log)                          # in the program: writes the names to a file, one by one
    install(log, Point("journal announce_key #1", Moment.DURING))    # the same, and the program dies there
    source(log, point) + "main()"         # the same as the text of a program

A name says what is written, and for the how manieth time:

    journal announce_key #1               a transaction, by the method of the journal that wants it
    file credentials.enc #2               a file that is replaced or made
    place write #1                        an item of a keyring or of OpenBao; `place delete` is its end
    exchange POST /sapi/v1/… #1           a call that is no GET
    target write #1                       what the user's own program, a host or OpenBao is to keep for a bot

`before` is before the first effect: this process alone dies. `after` is after the last one: what it has started dies
with it. `during` is

- in a transaction: after the first statement that changes a row, before COMMIT;
- in a file: when the new file is written and flushed, before it takes the old one's place;
- in a keyring: when the worker has the request. The worker outlives this process, and writes;
- in a call over HTTP: when it is sent, and the answer is not read. At a target: when its program runs.

`worker` is the other half of the keyring's: the worker dies when it has written, this process lives.

What the seams do not see is written as `unseen …`: an audit hook looks at every file that is opened to be written,
renamed, linked or removed outside them. `commits` counts what SQLite's own log has.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import sqlite3
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

_IGNORED = ("/dev/null", "/dev/tty", "/dev/pts/", ".lock", ".turn", "/__pycache__/")
"""Files that hold nothing of the user's."""
_WRITING = os.O_WRONLY | os.O_RDWR
_CHANGING = {"open", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"}
_CHANGES = {"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP"}
_FRAME = struct.Struct(">II8s8s")


class Moment(StrEnum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    WORKER = "worker"


class Point(NamedTuple):
    """Where the program is killed."""

    name: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} {self.name}"


class _Inside(threading.local):
    depth = 0


class _Recorder:
    def __init__(self, log: Path, point: Point | None) -> None:
        self.log = log
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.point, self._counts, self._inside = point, Counter[str](), _Inside()
        self._is_due = False
        """Whether what happens next is the middle of the point."""

    def say(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())

    def reach(self, name: str, moment: Moment) -> None:
        """Die if this is the point."""
        if self.point == (name, moment):
            self.say(f"killed {moment} {name}")
            for task in Path("/proc/self/task").iterdir() if moment is Moment.AFTER else ():
                with suppress(FileNotFoundError, ProcessLookupError):  # a thread or a child has just ended
                    for child in (task / "children").read_text().split():
                        os.kill(int(child), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    def begin(self, name: str) -> str:
        self._counts[name] += 1
        name = f"{name} #{self._counts[name]}"
        self.say(name)
        self.reach(name, Moment.BEFORE)
        return name

    @contextmanager
    def writing(self, what: str) -> Iterator[str]:
        """Name what happens inside; yield its name."""
        name = self.begin(what)
        self._inside.depth += 1
        self._is_due = self.point == (name, Moment.DURING)
        try:
            yield name
        finally:
            self._inside.depth -= 1
            self._is_due = False
        self.reach(name, Moment.AFTER)

    def halfway(self) -> None:
        """Die if the middle of the point is here."""
        if self._is_due and self.point:
            self.reach(*self.point)

    def look(self, event: str, given: tuple[Any, ...]) -> None:
        """Be the audit hook."""
        if event not in _CHANGING or self._inside.depth or (event == "open" and not (given[2] or 0) & _WRITING):
            return
        path = os.fsdecode(given[0]) if isinstance(given[0], str | bytes | os.PathLike) else "/dev/null"
        if not any(each in path for each in _IGNORED):
            self.say(f"unseen {event} {path}")


def install(log: Path, point: Point | None = None) -> None:
    """Record from now on in this process, and die at the point."""
    recorder = _Recorder(log, point)
    for wrap in (_wrap_journal, _wrap_files, _wrap_keyring, _wrap_openbao, _wrap_exchange, _wrap_targets):
        wrap(recorder)
    sys.addaudithook(recorder.look)


def source(log: Path, point: Point | None = None) -> str:
    """Return the lines of a program that do the same, before `wizard.__main__.main` runs."""
    chosen = f", kill_points.Point({point.name!r}, kill_points.Moment({str(point.moment)!r}))" if point else ""
    return f"from pathlib import Path\nfrom tests import kill_points\nkill_points.install(Path({str(log)!r}){chosen})\n"


def read(log: Path) -> list[str]:
    """Return the names in order; AssertionError for a write that no name stands for."""
    lines = log.read_text().splitlines() if log.exists() else []
    unseen = [line for line in lines if line.startswith("unseen ")]
    assert not unseen, f"the recorder has no name for these writes: {unseen}"
    empty = {line.removeprefix("nothing ") for line in lines if line.startswith("nothing ")}
    return [line for line in lines if not line.startswith(("nothing ", "killed ")) and line not in empty]


def killed_at(log: Path) -> str:
    """Return where the program has died by itself; nothing where it has not."""
    return next((line.removeprefix("killed ") for line in log.read_text().splitlines() if line[:7] == "killed "), "")


def commits(journal: Path) -> int:
    """Return how many transactions SQLite's log has (https://www.sqlite.org/fileformat2.html#walformat).

    It keeps them as long as somebody has the journal open, and fewer than 1,000 pages were written.
    """
    data = journal.with_name(f"{journal.name}-wal").read_bytes()
    size, salts = struct.unpack(">I", data[8:12])[0], data[16:24]
    heads = (data[at : at + 24] for at in range(32, len(data), 24 + size))
    found = (_FRAME.unpack(head) for head in heads)
    return sum(bool(last) for _, last, salt, _ in found if salt == salts)


def points(names: list[str]) -> list[Point]:
    """Return every moment of each."""
    usual = (Moment.BEFORE, Moment.DURING, Moment.AFTER)
    return [Point(name, moment) for name in names for moment in usual]


# --- the seams ---------------------------------------------------------------------------------


def _wrap_journal(recorder: _Recorder) -> None:
    class Connection(sqlite3.Connection):
        name = ""
        changes = 0
        is_changed = False

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            word = sql.split(None, 1)[0].upper()
            if sql == "BEGIN IMMEDIATE":  # who only reads begins another one
                self.name, self.changes, self.is_changed = (
                    recorder.begin(f"journal {_wanted()}"),
                    self.total_changes,
                    False,
                )
            elif word in _CHANGES and not self.in_transaction:
                recorder.say(f"unseen statement outside a transaction: {word}")
            done = super().execute(sql, *values)
            if word in _CHANGES and not self.is_changed:
                self.is_changed = self.total_changes > self.changes or word in {"CREATE", "ALTER", "DROP"}
                if self.is_changed:
                    recorder.reach(self.name, Moment.DURING)
            if word == "COMMIT":
                if not self.is_changed:
                    recorder.say(f"nothing {self.name}")
                recorder.reach(self.name, Moment.AFTER)
            return done

    connect = sqlite3.connect

    def connected(database: str, **more: Any) -> sqlite3.Connection:
        is_read = database == ":memory:" or "mode=ro" in database
        return connect(database, **more, **({} if is_read else {"factory": Connection}))

    sqlite3.connect = connected


def _wanted() -> str:
    """Return the public function of the journal that wants a transaction, else of its file."""
    frame, found = sys._getframe(2), "unknown"
    while frame := frame.f_back:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.endswith(("rotation/journal.py", "rotation/database.py")) and name != "transaction":
            found = name
            if not name.startswith(("_", "<")):
                break
    return found


def _wrap_files(recorder: _Recorder) -> None:
    from wizard.core import files
    from wizard.rotation import database

    replace, write, make, link = files.replace, files._write, database._make, os.link

    def replaced(file: Path, *given: Any) -> bool:
        with recorder.writing(f"file {file.name}"):
            return replace(file, *given)

    def written(*given: Any) -> None:
        write(*given)
        recorder.halfway()

    def made(file: Path) -> None:
        with recorder.writing(f"file {file.name}"):
            make(file)

    def linked(*given: Any) -> None:
        recorder.halfway()
        link(*given)

    files.replace, files._write, database._make, os.link = replaced, written, made, linked


def _wrap_keyring(recorder: _Recorder) -> None:
    from wizard.custody import keyring_process
    from wizard.custody.keyring_worker.protocol import Op

    call = keyring_process.KeyringProcess.call
    worker = f"from tests.kill_points import be_worker\nbe_worker()\n{keyring_process._BOOTSTRAP.splitlines()[-1]}"
    command = (*keyring_process.COMMAND[:3], keyring_process._BOOTSTRAP.rsplit("\n", 1)[0] + "\n" + worker)
    keyring_process.COMMAND = (*command, *keyring_process.COMMAND[4:])

    async def called(self: Any, operation: Op, **given: Any) -> Any:
        if operation in {Op.STATE, Op.CHOICE, Op.READ, Op.LIST}:
            return await call(self, operation, **given)
        with recorder.writing(f"place {operation}") as name:
            if recorder.point and recorder.point in [(name, Moment.DURING), (name, Moment.WORKER)]:
                given["kill"] = recorder.point.moment, f"killed {recorder.point}\n", str(recorder.log)
            return await call(self, operation, **given)

    keyring_process.KeyringProcess.call = called


def be_worker() -> None:
    """Die, or let the wizard die, where the request says so; in the worker."""
    from wizard.custody.keyring_worker import main

    respond = main.respond

    def responded(request: dict[str, Any]) -> dict[str, Any]:
        moment, said, log = request.pop("kill", ("", "", ""))

        def kill(process: int) -> None:
            with Path(log).open("a") as file:
                file.write(said)
            os.kill(process, signal.SIGKILL)

        if moment == Moment.DURING:
            kill(os.getppid())
        answer = respond(request)
        if moment == Moment.WORKER:
            kill(os.getpid())
        return answer

    main.respond = responded


def _wrap_openbao(recorder: _Recorder) -> None:
    try:
        from wizard.custody import openbao
    except ImportError:
        return
    ask, answer = openbao.OpenBaoStore._request, http.client.HTTPConnection.getresponse

    def asked(self: Any, path: str, method: str = "get", body: object = None) -> Any:
        if method in {"get", "list"}:
            return ask(self, path, method, body)
        kind = "target" if isinstance(self, openbao.OpenBaoPath) else "place"
        with recorder.writing(
            f"{kind} {'delete' if method == 'delete' else path.partition('/')[0].replace('data', 'write')}"
        ):
            return ask(self, path, method, body)

    def answered(self: Any) -> Any:
        recorder.halfway()
        return answer(self)

    openbao.OpenBaoStore._request = asked
    http.client.HTTPConnection.getresponse = answered


def _wrap_exchange(recorder: _Recorder) -> None:
    import httpcore
    from httpcore._async import http11

    pool, receive = httpcore.AsyncConnectionPool, http11.AsyncHTTP11Connection._receive_response_headers
    handle = pool.handle_async_request

    async def handled(self: Any, request: httpcore.Request) -> httpcore.Response:
        method = request.method.decode()
        if method == "GET":
            return await handle(self, request)
        path = request.url.target.decode().partition("?")[0]
        with recorder.writing(f"exchange {method} {path}"):
            return await handle(self, request)

    async def received(*given: Any, **more: Any) -> Any:
        recorder.halfway()
        return await receive(*given, **more)

    pool.handle_async_request = handled
    http11.AsyncHTTP11Connection._receive_response_headers = received


def _wrap_targets(recorder: _Recorder) -> None:
    from wizard.rotation import delivery

    ask, start = delivery._ask_program, asyncio.create_subprocess_exec

    async def asked(target: Any, environ: Any, action: str, **given: str) -> str:
        if action == "read":
            return await ask(target, environ, action, **given)
        with recorder.writing(f"target {action}"):
            return await ask(target, environ, action, **given)

    async def started(*words: Any, **more: Any) -> Any:
        process = await start(*words, **more)
        recorder.halfway()
        return process

    delivery._ask_program, asyncio.create_subprocess_exec = asked, started
