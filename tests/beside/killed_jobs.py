"""Hosts on which one job is killed once, at a place with a name, and what must hold then and at the end."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jeepney import HeaderFields, message_bus
from jeepney.bus_messages import Monitoring
from jeepney.io.blocking import Proxy, open_dbus_connection
from starlette.types import Receive, Scope, Send

from tests.beside.forks import QUICK_PROGRAM, REPOSITORY, Forks
from tests.beside.host import EXEC, LONGEST_COMMAND, Host, Ran, torn_files
from tests.beside.line_user import LineUser, Rotation, Stuck, line_mode
from tests.commands.conftest import HERE, SHAPES, Bench
from tests.kill_points import Moment, Point, commits, killed_at, read, source
from tests.secret_service import NAME, PrivateBus, private_bus
from tests.terminal.harness import Terminal
from wizard.core.bot_variables import OWN
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import Paths, Place
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import EncryptedFileStore, make_file
from wizard.custody.keyring import open_keyring
from wizard.custody.keyring_worker.protocol import BUS_VARIABLE
from wizard.custody.records import Holding, Slot
from wizard.custody.vault import Vault
from wizard.exchange.signing import generate_ed25519
from wizard.rehearsal.simulated_page import NewKey
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.model import JOB_NAMES, Mode

JOBS = (Mode.ROTATE, Mode.ADOPT, Mode.SET_UP, Mode.WHITELIST, Mode.LEAKED)
PASSPHRASE = "correct horse battery staple"
TARGET = "bot/key.json"
"""A file of this machine that bots read their key from, below the home."""
BOT = "bot.env"
"""A file that holds the key that is to be imported."""
STATUS, CHECK, HISTORY = ("status", "--json"), ("check", "bench", "--json"), ("history", "bench", "--json")
DOCTOR = ("doctor", "--only", "files")
COMMANDS = (EXEC, CHECK, STATUS, HISTORY, DOCTOR)
FINE, SAYS_NO, IS_OPEN, ALIVE, INCONCLUSIVE = 0, 1, 3, 4, 6
MOST_WIZARDS = 4
PAUSE = 2.0
"""Seconds between two commands of the loop."""


@dataclass(frozen=True)
class Case:
    """One job with one kind of key."""

    mode: Mode
    kind: KeyKind

    def __str__(self) -> str:
        return f"{JOB_NAMES[self.mode]} {self.kind}"


@dataclass(frozen=True)
class KillHost(Host):
    """A host whose commands are forked, and whose environment `bench` has one job."""

    forks: Forks
    home: Path
    store: Any
    exchange: Exchange
    is_forked: bool = True
    """Else wizards and commands are processes of their own from their first lines on."""

    @property
    def environ(self) -> dict[str, str]:
        mine = {"HOME": str(self.home), "KEY_WIZARD_HOME": str(self.home / "kw"), "NO_PROXY": "*", "LANG": "C.UTF-8"}
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **mine, **self.login}

    def open_terminal(self, arguments: Sequence[str], **recording: Any) -> Terminal:
        environ = {**self.environ, "TERM": "dumb"}
        if self.is_forked:
            popen: Any = partial(self.forks.popen, **recording)
            return Terminal(arguments, env=environ, controlling=False, popen=popen)
        program = (source(**recording) if recording else "") + QUICK_PROGRAM
        return Terminal([sys.executable, "-c", program, *arguments], env=environ, cwd=REPOSITORY)

    def _run(self, argv: Sequence[str], arguments: tuple[str, ...]) -> Ran:
        if not self.is_forked:
            return super()._run(argv, arguments)
        out, err = (self.home / f"{name}-{threading.get_ident()}" for name in ("out", "err"))
        begun = time.monotonic()
        code = self.forks.start(arguments, self.environ, "/dev/null", str(out), str(err)).wait(LONGEST_COMMAND)
        said = [file.read_text() for file in (out, err)]
        out.unlink()
        err.unlink()
        return Ran(arguments, begun, time.monotonic(), code, *said)

    def put_in_use(self, case: Case) -> NewKey:
        """Make a key that is stored as the one in use, or that a bot's file holds. Its list may be what is missing."""
        whitelist, pair = None if case.mode is Mode.WHITELIST else HERE, generate_ed25519()
        public = {"public_key": pair.public_pem} if case.kind is KeyKind.ED25519 else {}
        create: Any = self.bench.simulated_page.create
        made = asyncio.run(create("in use", case.kind, whitelist, enableSpotAndMarginTrading=True, **public))
        credentials = Credentials(case.kind, Secret(made.api_key.reveal()), pair.private_pem if public else made.secret)
        if case.mode is Mode.ADOPT:
            lines = [f'{name}="{value}"\n' for name, value in OWN.variables(credentials).items()]
            (self.home / BOT).write_text("".join(lines).replace("\n-", "\\n-"))
            return made
        with self.bench.journal() as journal:
            vault = Vault("bench", journal, self.store)
            asyncio.run(vault.put(credentials, Slot.CURRENT, whitelist=whitelist or ""))
        return made

    def stored_keys(self) -> set[str]:
        """Return the API keys in the place whose records say that they are stored there."""
        with self.bench.journal() as journal:
            records = [one for one in journal.keys("bench") if one.holding is Holding.STORED]
            vault = Vault("bench", journal, self.store)
            found = [asyncio.run(vault.fetch(one)) for one in records]
        return {one.api_key.reveal() for one in found if one and one.api_key}


@dataclass
class Yard:
    """One place of credentials, and what the cases need that use it one after the other."""

    kind: Place
    path: Path
    forks: Forks
    environ: dict[str, str]
    store: Any
    settings: str = ""
    template: bytes = b""
    """Of the encrypted file, without items."""
    changes: Callable[[], int] = lambda: 0
    """How many items the place itself has seen made or deleted so far."""
    bus: PrivateBus | None = None
    """On which the keyring is."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    commands: Iterator[tuple[str, ...]] = field(default_factory=lambda: itertools.cycle(COMMANDS))

    def empty(self, paths: Paths) -> Any:
        """Return the store of a new home, with nothing in it."""
        if self.kind is Place.ENCRYPTED_FILE:
            paths.encrypted_file.write_bytes(self.template)
            paths.encrypted_file.chmod(0o600)
            return EncryptedFileStore(paths.encrypted_file, self.store._key, 60)
        for name in items(self.store):
            asyncio.run(self.store.delete(name))
        return self.store

    def revive(self) -> str:
        """Start a keyring that has ended, and return what it wrote; nothing where none has."""
        if self.bus is None or self.bus.keyring.poll() is None:
            return ""
        self.bus.start_keyring(unlock=True)
        return self.bus._log.read_text()[-500:]

    @contextmanager
    def host(self, case: Case, *, is_forked: bool = True) -> Iterator[tuple[KillHost, Rotation]]:
        """Yield a new home on a new exchange, and what its user is to do."""
        home = self.path / str(next(self.numbers))
        paths = Paths(home / "kw" / "config", home / "kw" / "state")
        paths.create()
        (home / CREDENTIAL).write_text(PASSPHRASE)
        (home / TARGET).parent.mkdir()
        with served(exchange := Exchange(passes_after=0.0)) as (url, desk, sockets):
            bench = Bench(url, desk, paths)
            own = f'websocket_api_url = "{sockets}/ws-api/v3"\nstream_url = "{sockets}/ws"\n'
            bench.configure(f'{own}[environments.bench.deliver.bot]\nfile = "{home}/{TARGET}"\n')
            bench.use(*SHAPES)
            own = f'[custody]\nplace = "{self.kind}"\ndeadline = 60\n{self.settings}'
            paths.config_file.write_text(own + paths.config_file.read_text())
            login = {"CREDENTIALS_DIRECTORY": str(home), **self.environ}
            host = KillHost(bench, login, self.forks, home, self.empty(paths), exchange, is_forked)
            made = None if case.mode is Mode.SET_UP else host.put_in_use(case)
            if case.mode is Mode.ADOPT:
                yield host, Rotation(host, "", case.kind, case.mode, made, file=str(home / BOT))
            else:
                yield host, Rotation(host, made.api_key.reveal() if made else "", case.kind, case.mode)
        shutil.rmtree(home)

    def names(self, case: Case) -> list[str]:
        """Return every write of a job that nobody kills. Each is one that SQLite, the place or the exchange saw too."""
        with self.host(case) as (host, job), line_mode(host, log=host.home / "log") as terminal, ExitStack() as kept:
            file, readers, changes = host.bench.paths.journal, list[sqlite3.Connection](), self.changes()

            def keep(_: object) -> None:
                if not readers:  # SQLite keeps its log as long as somebody reads it
                    readers.append(kept.enter_context(closing(sqlite3.connect(file))))
                    readers[0].execute("SELECT count(*) FROM events").fetchone()

            user = LineUser(terminal, job, keep)
            user.play()
            assert user.leave() == FINE
            names = read(host.home / "log")
            mine = Counter(name.split()[0] for name in names if "open_database" not in name)
            seen = {"journal": commits(file), "exchange": host.exchange.changes}
            seen["place"] = self.changes() - changes
            assert {kind: mine[kind] for kind in seen} == seen, f"somebody saw other writes than {names}"
            assert not (wrong := wrong_at_end(host, job)), wrong
            return names


@dataclass
class Trial:
    """One job that is killed once."""

    host: KillHost
    job: Rotation
    point: Point
    commands: Iterator[tuple[str, ...]]
    """Run beside it, one after the other."""
    lost: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    wizards: int = 0
    session: int = -1

    def run(self) -> None:
        """Have the job killed, look, and have it finished by further wizards."""
        try:
            with self._commands_beside():
                while self.wizards < MOST_WIZARDS and self._is_killed():
                    self._look_at_the_dead()
            self._look_at_the_end()
        except Exception as error:
            self.lose(f"{type(error).__name__}: {str(error)[-1500:]}")

    @contextmanager
    def _commands_beside(self) -> Iterator[None]:
        """Run the commands in a loop, then judge what they said."""
        ended, ran = threading.Event(), list[Ran]()

        def loop() -> None:
            while not ended.wait(PAUSE):
                command = next(self.commands)
                ran.append(self.host.run(*command))
                self.lost += [f"torn: {file}" for file in torn_files(self.session)]

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.judge(ran)

    def _look_at_the_end(self) -> None:
        if (met := killed_at(self.host.home / "log")) != str(self.point):
            self.lose(f"it was not killed there, but at {met or 'no place'}")
        if (self.wizards > 1) is (self.point.moment is Moment.WORKER):
            self.lose(f"{self.wizards} wizards were needed")
        last = [self.host.run(*command) for command in (EXEC, CHECK, STATUS)]
        self.judge(last)
        if {one.code for one in last} - {FINE, INCONCLUSIVE}:
            self.lose(f"all is done, and the commands say {last}")
        for wrong in wrong_at_end(self.host, self.job):
            self.lose(wrong)

    def _is_killed(self) -> bool:
        """Go on with the job in a new wizard; return whether that was killed."""
        recording = {} if self.wizards else {"log": self.host.home / "log", "point": self.point}
        self.wizards += 1
        with line_mode(self.host, **recording) as terminal:
            self.session, user = terminal.pid, LineUser(terminal, self.job)
            try:
                user.play()
                assert user.leave() == FINE
            except Stuck:
                if terminal.exit_code != -signal.SIGKILL:
                    raise
                return True
        return False

    def _look_at_the_dead(self) -> None:
        """What a program is given while no wizard runs is right, and a key that works is stored."""
        self.job.note_status()
        self.judge([self.host.run(*EXEC), self.host.run(*CHECK)])
        works = self.host.stored_keys() & self.host.living_keys()
        had_one = self.job.old and not (self.job.mode is Mode.LEAKED and self.job.is_deleted)
        if (had_one or self.job.is_switched) and not works:
            self.lose("no key that works is stored")

    def judge(self, ran: Sequence[Ran]) -> None:
        for one in ran:
            self.said[f"{one.arguments[0]} {one.code}"] += 1
            if problem := wrong(one, self.job):
                self.lose(f"{problem}: {one}")

    def lose(self, what: str) -> None:
        job = self.job
        known = f"reached {job.reached}, switched {job.is_switched}, deleted {job.is_deleted}, over {job.is_over}"
        self.lost.append(f"{self.point}: {what}; {known}")


def items(store: Any) -> list[str]:
    prefixes = ("key-wizard:bench:", "key-wizard:trial:")
    return [name for each in prefixes for name in asyncio.run(store.names(each))]


def wrong(ran: Ran, job: Rotation) -> str:
    """Return what is wrong with what a command said, at the time at which it ran; nothing where all is well."""
    switched, deleted, is_list = job.is_switched, job.is_deleted, job.mode is Mode.WHITELIST
    may_be_old = is_list or switched is None or ran.begun < switched
    may_be_new = not is_list and job.may_be_switched is not None and ran.ended > job.may_be_switched
    allowed = {key for key, may_be in ((job.old, may_be_old), (job.new, may_be_new)) if may_be}
    if ran.arguments in (HISTORY, DOCTOR):
        return f"{ran.arguments[0]} failed" * (ran.code != FINE)
    if ran.arguments == EXEC:
        if "" in allowed and (ran.code, ran.out) == (SAYS_NO, ""):
            return ""
        return "" if ran.code == FINE and ran.out.strip() in allowed - {""} else "exec gave a wrong key, or none"
    names = {Secret(key).fingerprint() if key else None for key in allowed}
    current = ran.json["environments"][0]["current"] if ran.arguments == STATUS else ran.json.get("current")
    if (current and current["fingerprint"]) not in names:
        return f"{ran.arguments[0]} named a wrong key"
    if ran.arguments == STATUS:
        return "" if ran.code in (FINE, IS_OPEN, ALIVE) else f"status ended with {ran.code}"
    if "" in allowed and ran.code == SAYS_NO and not current:
        return ""
    told = [(one["subject"], one["outcome"]) for one in ran.json.get("checks", ())]
    failed = {subject for subject, outcome in told if outcome == "failed"}
    is_dead = may_be_old and deleted is not None and ran.ended > deleted
    if is_dead and not may_be_new and ran.begun > deleted and ("Accepted", "passed") in told:
        return "check ticked a key that was deleted before"
    is_leaked = job.mode is Mode.LEAKED and may_be_old
    # A target lacks the key until the job delivers it. A list is to be changed because there is none.
    failed -= {"Target bot", "IP restriction" if is_list else "", "Legacy key" if may_be_new else ""}
    failed -= {"Accepted"} if is_dead or is_leaked else set()
    codes = (FINE, SAYS_NO, INCONCLUSIVE, *([ALIVE] if may_be_new or is_leaked else []))
    return "" if ran.code in codes and not failed else f"check raised a false alarm about {failed}"


def wrong_at_end(host: KillHost, job: Rotation) -> list[str]:
    """Return what is wrong once a job is done: with the place, the keys, the journal, the files and the report."""
    found, paths = list[str](), host.bench.paths
    with closing(sqlite3.connect(paths.journal)) as journal:
        found += [str(row) for row in journal.execute("PRAGMA integrity_check") if row != ("ok",)]
    with host.bench.journal() as records:
        records.check()
        stored = sorted(one.item for one in records.keys("bench") if one.holding is Holding.STORED)
        strange = [one for one in records.keys("bench") if one.holding not in (Holding.STORED, Holding.PURGED)]
        jobs = records.rotations("bench")
    found += [f"the job is open: {one}" for one in jobs if one.is_open]
    found += [f"a record is not settled: {one}" for one in strange]
    if (held := items(host.store)) != stored:
        found.append(f"the place has {held}, and the journal {stored}")
    if host.stored_keys() != {job.last}:
        found.append("the key that is stored is not the one in use")
    if host.living_keys() != {job.last}:
        found.append(f"{len(host.living_keys())} keys are alive")
    (report,) = host.run(*HISTORY).json["rotations"]
    was_replaced = job.mode in (Mode.ROTATE, Mode.LEAKED)
    proof = report["certificate"]
    told = [proof[name] and proof[name]["fingerprint"] for name in ("current", "legacy")]
    wanted = [Secret(job.last).fingerprint(), Secret(job.old).fingerprint() if was_replaced else None]
    if (told, proof["job"], proof["whitelist"], proof["still_held"] != []) != (
        wanted,
        job.mode,
        HERE if job.mode is not Mode.ADOPT else "",
        job.mode is Mode.ADOPT,
    ):
        found.append(f"the report is {report}")
    if json.loads((host.home / TARGET).read_text())["api_key"] != job.last:
        found.append("the target has another key")
    # Of the first journal a scratch stays where its maker was killed: another one may be making it.
    left = [file.name for file in host.home.rglob("*.new-*") if not file.name.startswith("journal.")]
    return found + [f"these files are left: {left}"] * bool(left)


class Exchange(EmbeddedExchange):
    """Counts the calls that change something and that the user did not make on the page."""

    changes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.changes += scope.get("method", "GET") != "GET" and not scope["path"].startswith("/desk")
        await super().__call__(scope, receive, send)


@contextmanager
def served(exchange: EmbeddedExchange) -> Iterator[tuple[str, str, str]]:
    """Serve in a thread with a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = serve(exchange)

    def elsewhere(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    try:
        addresses = elsewhere(serving.__aenter__())
        yield addresses.base_url, addresses.desk_url, addresses.ws_url
        elsewhere(serving.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def yard_of(kind: Place, path: Path, forks: Forks) -> Iterator[Yard]:
    """Yield a place that is real, and empty."""
    if kind is Place.KEYRING:
        with private_bus() as bus:
            bus.start_keyring(unlock=True)
            environ = {BUS_VARIABLE: bus.environ[BUS_VARIABLE]}
            opened = asyncio.run(open_keyring(deadline=60, environ={**os.environ, **environ, "HOME": str(path)}))
            with closing(opened._process), watching(environ[BUS_VARIABLE]) as changes:
                yield Yard(kind, path, forks, environ, opened, changes=changes, bus=bus)
    elif kind is Place.ENCRYPTED_FILE:
        store = asyncio.run(make_file(path / "credentials", Secret(PASSPHRASE), 60))
        forks.ask(passphrase=PASSPHRASE, salt=store._key.salt.hex())
        yield Yard(kind, path, forks, {}, store, template=(path / "credentials").read_bytes())
    else:
        from tests.custody.bao import Bao  # it skips the module where OpenBao is missing

        (path / "bao").mkdir()
        bao = Bao(path / "bao")
        try:
            settings = f'[custody.openbao]\nurl = "{bao.url}"\nca_file = "{bao.ca_file}"\n'
            environ = {"BAO_TOKEN": bao.token()}
            yield Yard(kind, path, forks, environ, bao.store(), settings, changes=partial(audited, bao))
        finally:
            bao.kill()


def audited(bao: Any) -> int:
    """Return how many changes of items are in the server's log."""
    requests = [line["request"] for line in bao.audited() if line["type"] == "request"]
    changes = {"create", "update", "delete", "patch"}
    return sum(one["operation"] in changes and one["path"].startswith("secret/") for one in requests)


@contextmanager
def watching(address: str) -> Iterator[Callable[[], int]]:
    """Yield what counts the changes of items that a Secret Service was asked for on its bus until now."""
    with open_dbus_connection(address) as monitor, open_dbus_connection(address) as connection:
        Proxy(Monitoring(), monitor).BecomeMonitor(["type='method_call'"])
        count = 0

        def changes() -> int:
            nonlocal count
            Proxy(message_bus, connection).NameHasOwner(f"{NAME}.end")
            while (header := (message := monitor.receive()).header.fields)[HeaderFields.member] != "NameHasOwner" or (
                message.body != (f"{NAME}.end",)
            ):
                count += header[HeaderFields.member] in {"CreateItem", "Delete", "SetSecret"}
            return count

        yield changes
