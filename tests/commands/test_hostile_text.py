"""Hostile text from every source reaches standard output and standard error of the commands, and does nothing there.

Source × sink is printed. The ordinary run gives each source two of the texts, `-m whole` gives it all of them.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.conftest import HERE, Bench, Command
from tests.hostile import MARK, TEXTS, Table
from tests.tiers import whole
from wizard.cli import COMMANDS
from wizard.core.secret import Secret
from wizard.custody.store import MemoryStore
from wizard.rotation.model import Mode

WIZARD = Path(__file__).parents[2] / "wizard"
KEY = f"BINANCE_API_KEY={'aB3d' * 16}\nBINANCE_API_SECRET={'cD4e' * 16}\n"
Calls = Iterator[tuple[str, ...]]


@contextmanager
def server(head: str, body: str = "") -> Iterator[str]:
    """Answer every connection with this; a `|` parts the status from a header."""
    head = re.sub("[\r\n]", " ", head).replace("|", "\r\n", 1)
    answer = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n{body}"

    def serve() -> None:
        with suppress(OSError):
            while True:
                with listening.accept()[0] as taken:
                    taken.recv(65536)
                    taken.sendall(answer.encode("utf-8", "surrogateescape"))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        (thread := threading.Thread(target=serve)).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def plain(text: str) -> str:
    """Return a text without half pairs."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: str) -> str:
    """Return a text as a string of TOML."""
    return json.dumps(plain(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def as_name(text: str) -> str:
    """Return a text as a file or a variable can have it."""
    return text.replace("/", "|").replace("\0", "")[:60]


@dataclass(frozen=True)
class World:
    """Where sources are planted: each method is one, given the text, and yields the commands that read it."""

    bench: Bench
    store: MemoryStore
    directory: Path
    patch: pytest.MonkeyPatch

    def file(self, name: str, text: str) -> str:
        """Write what is half a pair as the byte that it stands for."""
        (self.directory / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        return str(self.directory / name)

    def answer(self, body: str, status: int = 200) -> None:
        """Let the exchange say this of a key, as it is."""
        path = "/sapi/v1/account/apiRestrictions"
        self.bench.fault(answers=[{"path": path, "times": 9, "status": status, "body": body}])

    def type(self, text: str) -> None:
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode("utf-8", "replace"))))

    def echo_services(self, text: str) -> Calls:
        for shape, body in (("plain", plain(text)), ("json", json.dumps({"ip": text})), ("trace", f"ip={plain(text)}")):
            self.bench.echo(shape, body)
        yield ("egress",)
        file = self.bench.paths.services_file
        with server(f"302 Found|Location: http://x/{text[:2000]}") as url:
            file.write_text(file.read_text().replace(self.bench.base_url, url))
            yield ("egress",)

    def services_file(self, text: str) -> Calls:
        whole_one = "[e]\noperator = {}\nurl = 'http://127.0.0.1:9/'\nparser = 'plain'"
        for place in ("[{}]\nurl = 1", whole_one, "[e]\nparser = {}", "[e]\nurl = {}", "{} = ["):
            self.bench.paths.services_file.write_text(place.format(quoted(text)))
            yield ("egress",)

    def exchange_messages(self, text: str) -> Calls:
        for status, code in ((400, -1100), (401, -2015)):
            self.answer(json.dumps({"code": code, "msg": text}), status)
            yield ("check", "bench")

    def exchange_fields(self, text: str) -> Calls:
        fields = {"ipRestrict": True, "enableReading": True, "enableWithdrawals": True}
        for body in ({**fields, "createTime": text}, {**fields, text: True}, {text: text}, [text]):
            self.answer(json.dumps(body))
            yield ("check", "bench")
        self.answer(f"<html>{plain(text)}", 403)
        yield ("check", "bench")

    def proxies(self, text: str) -> Calls:
        with server(f"407 {text[:500]}") as url:
            self.bench.configure(f'proxy = "{url}"\n')
            yield ("egress",)
            yield ("doctor", "--only", "network")
        self.bench.configure()
        for name in ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
            self.patch.setenv(name, as_name(f"http://{text}"))
            yield ("check", "bench")
            self.patch.delenv(name)

    def ssh_hosts(self, text: str) -> Calls:
        said = self.file("said", f"banner {text}\n{text}")
        Path(self.file("ssh", f"#!/bin/sh\ncat {said}; cat {said} >&2; exit 255\n")).chmod(0o755)
        self.patch.setenv("PATH", f"{self.directory}{os.pathsep}{os.environ['PATH']}")
        yield ("egress", "--hosts", "bot-1")
        yield ("egress", "--hosts", as_name(text))
        yield ("check", "bench", "--hosts")

    def settings(self, text: str) -> Calls:
        lines = [
            "hosts = [{0}]",
            "proxy = {0}",
            "source_address = {0}",
            "{0} = 1",
            "whitelist.'8.8.8.8' = {0}",
            "{0} =",
        ]
        lines += ["whitelist.{0} = 'x'", "bots.{0}.restart = ['x']", "bots.x.restart = [{0}]", "[rules]\n{0} = 1"]
        lines += ["deliver.x.command = [{0}]", "[custody]\nplace = {0}", "[environments.{0}]\nsite = {0}"]
        for line in (*lines, "sub_account = {{ email = {0}, managed_by = {0} }}"):
            self.bench.configure(line.format(quoted(text)))
            yield ("status",)
            yield ("deliver", "bench")

    def team_file(self, text: str) -> Calls:
        for line in ("", "[environments.{}]", "[environments.bench]\nwhitelist = {{ '8.8.8.8' = {} }}"):
            yield ("team", "check", self.file(as_name(text), line.format(quoted(text))))
        self.bench.configure(f"hosts = [{quoted(text)}]")
        yield ("team", "export")

    def journal(self, text: str) -> Calls:
        file = self.bench.paths.journal
        with self.bench.journal() as kept:
            for name in ("bench", "other"):
                kept.open_rotation(name) or kept.begin_rotation(name, Mode.ROTATE)
        before = file.read_bytes()
        with closing(sqlite3.connect(file)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            columns = [(table, row[1]) for table in tables for row in database.execute(f"PRAGMA table_info({table})")]
        for table, column in columns:
            value = json.dumps({"environment": "bench", text: text}) if column == "detail" else plain(text)
            with closing(sqlite3.connect(file)) as database, database, suppress(sqlite3.Error):
                database.execute("DROP TRIGGER IF EXISTS events_are_not_changed")
                database.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (value,))
            yield ("status",)
            yield ("history",)
            for each in file.parent.glob("journal*"):
                each.unlink()
            file.write_bytes(before)

    def files_of_keys(self, text: str) -> Calls:
        named = self.file(as_name(f"{text}.env"), KEY)
        body = json.dumps({text: {"key": "aB3d" * 16, "secret": text}})
        for name, file in (("bench", named), ("other", named), ("other", self.file("x.json", body))):
            yield ("import", name, file, "--dry-run")
        yield ("import", "other", self.file(".env", f"{text}={text}\n{text}_{KEY}{text}"), "--dry-run")

    def logs(self, text: str) -> Calls:
        for line in (f'{text} {{"code":-1102,"msg":{json.dumps(text)}}} {text}', f"{text}: (-1102, '{text}')", text):
            self.type(line)
            yield ("explain", "bench")

    def lists(self, text: str) -> Calls:
        for body in (f"{HERE} # {text}", f"office {text}: {HERE}\n{text}", f"{HERE},{text}"):
            self.type(body)
            yield ("whitelist", "-")

    def unknown_items(self, text: str) -> Calls:
        asyncio.run(self.store.write(f"key-wizard:bench:{text}", Secret(text)))
        yield ("storage", "bench")
        yield ("storage", "bench", "--delete", f"x{text}")
        yield ("doctor", "--only", "keyring")

    def openbao(self, text: str) -> Calls:
        (self.directory / ".vault-token").touch(0o600)
        self.file(".vault-token", "token")
        self.patch.setenv("HOME", str(self.directory))
        for status in ("200 x", "403 x", "500 x"):
            with server(status, json.dumps({"errors": [text], "data": {text: text}, "warnings": [text]})) as url:
                self.bench.configure(f'[custody]\nplace = "openbao"\nopenbao = {{ url = "{url}", path = "x" }}')
                yield ("storage",)

    def programs(self, text: str) -> Calls:
        said = self.file("said", f"{text}\n{text}")
        words = f"cat >/dev/null; cat {said}; cat {said} >&2; exit 3"
        self.answer("{}", 500)
        yield ("check", "bench", "--notify", f"sh -c {shlex.quote(words)}")
        self.bench.configure(f'deliver.x = {{ command = ["sh", "-c", {quoted(words)}] }}')
        yield ("deliver", "bench")
        yield ("status",)
        yield ("exec", "bench", "--", as_name(text))

    def arguments(self, text: str) -> Calls:
        for name in COMMANDS:
            yield (name, as_name(text))
            yield (name, f"--{as_name(text)}")

    def variables(self, text: str) -> Calls:
        said = {"KEY_WIZARD_CHECK_MAX_AGE": "check bench", "KEY_WIZARD_WHITELIST_FORMAT": f"whitelist {HERE}"}
        said |= {"KEY_WIZARD_ENV": "egress", "TERM": "doctor --only terminal", "LANG": "doctor --only terminal"}
        for name, words in (said | {"DBUS_SESSION_BUS_ADDRESS": "doctor --only keyring", "HOME": "storage"}).items():
            self.patch.setenv(name, as_name(text))
            yield (*words.split(),)
            self.patch.delenv(name)
        (home := self.directory / as_name(text) / "config").mkdir(parents=True)
        self.patch.setenv("KEY_WIZARD_HOME", str(home.parent))
        for body, words in (
            ("[environments.bench]\nsite = 'testnet'", "rotate bench --print-systemd"),
            ("x", "status"),
        ):
            (home / "config.toml").write_text(body)
            yield (*words.split(),)


SOURCES = [name for name, each in vars(World).items() if getattr(each, "__annotations__", {}).get("return") == "Calls"]
SILENT = {"exchange_fields", "openbao"}
"""Of these nothing is repeated."""
PRINTS = {"commands.console", "core.safety", "custody.keyring_worker.main", "plain.walk", "tui.app", "tui.safe_app"}
"""Those beside the console print a report of a crash, which has no text of others, or what is harmless already."""
_PRINTS = r"(?<![\w.])print\(|sys\.std(?:out|err)\.(?:write|buffer)"
_MARKUP = r"from_markup\(|markup="
NAMES = list(TEXTS)
LINE_ENDS = [name for name in NAMES if name.startswith("line end")]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("names", [[], *whole(*(NAMES[at::3] for at in range(3)))])
def test_hostile_text_reaches_no_terminal(
    source: str,
    names: list[str],
    bench: Bench,
    fake_keyring: MemoryStore,
    command: Command,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    table, services, place = Table(), bench.paths.services_file.read_text(), SOURCES.index(source)
    bench.put_in_use(fake_keyring)
    for name in names or [NAMES[place * 5 % len(NAMES)], LINE_ENDS[place % len(LINE_ENDS)]]:
        bench.configure()
        bench.fault()
        bench.paths.services_file.write_text(services)
        (directory := tmp_path / str(NAMES.index(name))).mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            for words in getattr(World(bench, fake_keyring, directory, patch), source)(f"{MARK}{TEXTS[name]}"):
                for form in ([], [] if words[0] in {"exec", "completion"} else ["--json"]):
                    said = command(words[0], *form, *words[1:])
                    sink = f"{words[0]}{' --json' if form else ''}"
                    table.note(source, sink, said.out, name, is_json=bool(form))
                    table.note(source, f"{sink} stderr", said.err, name)
                    assert "Internal error" not in said.err, (words, said.err)
    with capfd.disabled():
        table.check(*{source} - SILENT)


def test_what_is_said_goes_through_the_sinks_that_make_it_harmless() -> None:
    found: dict[str, set[str]] = {_PRINTS: set(), _MARKUP: set()}
    for file in WIZARD.rglob("*.py"):
        for pattern, names in found.items():
            if re.search(pattern, file.read_text()):
                names.add(".".join(file.relative_to(WIZARD).with_suffix("").parts))
    assert found == {_PRINTS: PRINTS, _MARKUP: {"tui.content"}}
