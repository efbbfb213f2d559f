"""`key-wizard exec` as real processes with a real Secret Service: the secret reaches the command, and nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import wizard
from tests.commands.conftest import Bench, Command
from tests.secret_service import private_bus
from wizard.commands.exec import CHANGE_SAID_FOR, changes, memory_file
from wizard.core.bot_variables import OWN
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import UsageError
from wizard.core.secret import Secret
from wizard.custody.keyring import open_keyring
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import MemoryStore, Store
from wizard.custody.vault import item_name
from wizard.exchange.signing import public_pem
from wizard.rotation.current_credentials import NoCurrentKeyError

REPOSITORY = Path(__file__).parents[2]
NAMES = ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY")
SHOW = (
    "import json, os, resource; print(json.dumps({'argv': open('/proc/self/cmdline').read(), "
    "'parent': open(f'/proc/{os.getppid()}/cmdline').read(), "
    f"'given': {{n: os.environ[n] for n in {NAMES} if n in os.environ}}, 'umask': os.umask(0), "
    "'core': resource.getrlimit(resource.RLIMIT_CORE)[0], 'textual': os.environ.get('TEXTUAL_LOG'), "
    "'pid': os.getpid()}))"
)

ENVIRON = "import json, os; print(json.dumps(dict(os.environ)))"
READ_FILE = """
import json, os
path = os.environ['BINANCE_PRIVATE_KEY']
def is_written():
    try:
        return bool(os.write(os.open(path, os.O_WRONLY), b'x'))
    except OSError:
        return False
print(json.dumps({'path': path, 'pid': os.getpid(), 'texts': [open(path).read() for _ in 'ab'],
    'mode': oct(os.stat(path).st_mode), 'written': is_written(), 'link': os.readlink(path)}))
"""


def execute(*command: str, options: tuple[str, ...] = (), **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `key-wizard exec bench OPTIONS -- COMMAND` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "wizard", "exec", "bench", *options, "--", *command],
        cwd=REPOSITORY,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.keyring
class TestWithAKey:
    def test_the_command_gets_the_key_and_its_secret_in_its_environment_alone(
        self, bench: Bench, keyring: Store
    ) -> None:
        credentials = bench.put_in_use(keyring)
        done = execute(sys.executable, "-c", SHOW)
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        api_key, secret = credentials.api_key.reveal(), credentials.signing.reveal()
        assert told["given"] == {"BINANCE_API_KEY": api_key, "BINANCE_API_SECRET": secret}
        assert secret not in told["argv"] + told["parent"]

    def test_a_private_key_comes_as_the_pem_that_was_stored(self, bench: Bench, keyring: Store) -> None:
        credentials = bench.put_in_use(keyring, kind=KeyKind.ED25519)
        given = json.loads(execute(sys.executable, "-c", SHOW, BINANCE_API_SECRET="left over").stdout)["given"]
        assert given.keys() == {"BINANCE_API_KEY", "BINANCE_PRIVATE_KEY"}
        assert public_pem(Secret(given["BINANCE_PRIVATE_KEY"])) == public_pem(credentials.signing)

    @pytest.mark.field(51, "surroundings", "https://github.com/freqtrade/freqtrade/issues/12902")
    @pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
    @pytest.mark.parametrize(
        ("given", "key", "secret"),
        [
            ("freqtrade", "FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET"),
            ("ccxt", "BINANCE_APIKEY", "BINANCE_SECRET"),
            ("KEY=MY_KEY,SECRET=_s3cret", "MY_KEY", "_s3cret"),
        ],
    )
    def test_a_bot_finds_the_key_under_the_names_that_it_reads_and_under_no_other(
        self, bench: Bench, keyring: Store, kind: KeyKind, given: str, key: str, secret: str
    ) -> None:
        credentials = bench.put_in_use(keyring, kind=kind)
        done = execute(sys.executable, "-c", ENVIRON, options=("--as", given))
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        assert {found[key], found[secret]} == {credentials.api_key.reveal(), credentials.signing.reveal()}
        assert [name for name in NAMES if name in found] == []

    def test_what_may_hold_another_key_is_left_out_and_named_without_its_value(
        self, bench: Bench, keyring: Store
    ) -> None:
        legacy, other = bench.put_in_use(keyring), "b" * 64
        current = bench.switch(keyring)
        odd = {"BINANCE_PRIVATE_KEY": "left over", "BINANCE_SECRET": "", "OLD": legacy.api_key.reveal()}
        kept = {"BINANCE_APIKEY": current.api_key.reveal(), "API_KEY": other, "OTHER": other}
        done = execute(sys.executable, "-c", ENVIRON, BINANCE_API_KEY="old", **odd, **kept)
        found = json.loads(done.stdout)
        assert found["BINANCE_API_KEY"] == current.api_key.reveal()
        assert {name: found.get(name) for name in kept} == kept
        assert [name for name in ("BINANCE_PRIVATE_KEY", "OLD") if name in found] == []
        assert [name for name in ("BINANCE_PRIVATE_KEY", "BINANCE_API_KEY", "OLD") if name not in done.stderr] == []
        assert [name for name in (*kept, "BINANCE_SECRET") if name in done.stderr.split()] == []
        assert legacy.api_key.reveal() not in done.stderr
        assert "left over" not in done.stderr

    def test_a_private_key_on_request_is_a_file_that_is_in_memory_only_and_ends_with_the_command(
        self, bench: Bench, keyring: Store
    ) -> None:
        credentials = bench.put_in_use(keyring, kind=KeyKind.ED25519)
        done = execute(sys.executable, "-c", READ_FILE, options=("--key-file",))
        told = json.loads(done.stdout)
        assert told["texts"] == [credentials.signing.reveal()] * 2
        assert (told["mode"], told["written"]) == ("0o100600", False)
        assert told["link"].endswith("(deleted)")  # no directory has it
        assert not Path(told["path"].replace("self", str(told["pid"]))).exists()

    @pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
    def test_programs_of_a_shell_script_read_the_file_too(self, bench: Bench, keyring: Store, kind: KeyKind) -> None:
        credentials = bench.put_in_use(keyring, kind=kind)
        script = 'exec 3<&0; cat "$PRIVATE_KEY" && openssl pkey -in "$PRIVATE_KEY"; printf %s "$API_SECRET"'
        done = execute("sh", "-c", script, options=("--key-file", "--as", "binance"), PRIVATE_KEY="", API_SECRET="")
        assert done.stdout == credentials.signing.reveal() * (1 if kind is KeyKind.HMAC else 2)

    def test_a_new_kind_of_key_is_said_at_the_start_of_a_bot_that_knew_the_other(
        self, bench: Bench, keyring: Store
    ) -> None:
        legacy = bench.put_in_use(keyring)
        current = bench.switch(keyring, kind=KeyKind.ED25519)
        said = execute("true").stderr
        assert f"{current.name} is Ed25519, {legacy.name} is HMAC" in said
        assert "private key in BINANCE_PRIVATE_KEY, and no BINANCE_API_SECRET" in said
        assert "private key in BINANCE_SECRET, not the HMAC secret" in execute("true", options=("--as", "ccxt")).stderr

    def test_the_command_starts_as_it_would_have_started_by_itself(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        before = os.umask(0o022)
        try:
            done = execute(sys.executable, "-c", SHOW, TEXTUAL_LOG="mine")
            (ignored,) = execute("grep", "SigIgn", "/proc/self/status").stdout.splitlines()
        finally:
            os.umask(before)
        assert json.loads(done.stdout)["umask"] == 0o022
        assert json.loads(done.stdout)["textual"] == "mine"
        assert json.loads(done.stdout)["core"] == resource.getrlimit(resource.RLIMIT_CORE)[0]
        assert not int(ignored.split()[1], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)

    def test_the_command_takes_this_process_s_place(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        process = subprocess.Popen(
            [sys.executable, "-m", "wizard", "exec", "bench", "--", sys.executable, "-c", SHOW],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        output, _ = process.communicate(timeout=60)
        assert json.loads(output)["pid"] == process.pid

    @pytest.mark.parametrize(
        ("words", "code"), [(("sh", "-c", "exit 42"), 42), (("no-such-command",), 127), (("/etc/passwd",), 126)]
    )
    def test_the_exit_code_is_the_command_s_own_or_the_shell_s(
        self, bench: Bench, keyring: Store, words: tuple[str, ...], code: int
    ) -> None:
        bench.put_in_use(keyring)
        done = execute(*words)
        assert (done.returncode, done.stdout) == (code, "")
        assert (words[0] in done.stderr) == (code > 42)

    def test_nothing_of_the_keyring_s_worker_is_left_to_the_command(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        done = execute(sys.executable, "-c", "import os; os.waitpid(-1, os.WNOHANG)")
        assert "ChildProcessError" in done.stderr

    def test_the_command_keeps_its_own_dashes(self, bench: Bench, keyring: Store) -> None:
        bench.put_in_use(keyring)
        assert execute("printf", "%s|", "--", "--json", "-x").stdout == "--|--json|-x|"

    def test_a_key_is_read_from_where_it_was_stored_whatever_the_library_would_use_now(
        self, bench: Bench, keyring: Store
    ) -> None:
        bench.put_in_use(keyring)
        done = execute("printenv", "BINANCE_API_KEY", PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
        assert (done.returncode, len(done.stdout.strip())) == (0, 64)

    def test_a_backend_that_does_not_load_here_does_not_hide_a_key_that_another_one_reaches(
        self, bench: Bench, keyring: Store
    ) -> None:
        bench.put_in_use(keyring)
        with closing(sqlite3.connect(bench.paths.journal)) as journal, journal:
            journal.execute("UPDATE keys SET backend = 'keyring.backends.macOS.Keyring'")
        done = execute("printenv", "BINANCE_API_KEY")
        assert (done.returncode, len(done.stdout.strip())) == (0, 64)

    def test_a_key_that_is_nowhere_is_missed_in_the_keyring_that_was_asked(
        self, bench: Bench, keyring: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keyring, "label", "KWallet, collection kdewallet, unlocked")  # as it was when it was stored
        credentials = bench.put_in_use(keyring)
        asyncio.run(keyring.delete(item_name("bench", credentials)))
        done = execute("true")
        assert done.returncode == 1
        assert "was stored in KWallet, collection kdewallet, unlocked. GNOME Keyring, collection login" in done.stderr

    def test_python_programs_read_the_same_credentials(self, bench: Bench, fake_keyring: Store) -> None:
        credentials = bench.put_in_use(fake_keyring)
        assert wizard.current_credentials("bench") == credentials

    async def test_python_programs_may_have_an_event_loop_running(self, bench: Bench, fake_keyring: Store) -> None:
        credentials = await asyncio.to_thread(bench.put_in_use, fake_keyring)
        assert wizard.current_credentials("bench") == credentials

    def test_a_key_that_left_the_keyring_is_no_current_key(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        credentials = bench.put_in_use(fake_keyring)
        asyncio.run(fake_keyring.delete(item_name("bench", credentials)))
        said = command("exec", "bench", "--", "true")
        assert (said.code, said.out) == (1, "")
        assert "is not in the keyring" in said.err


@pytest.mark.keyring
def test_a_locked_keyring_starts_nothing(bench: Bench, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with private_bus() as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.environ["DBUS_SESSION_BUS_ADDRESS"])
        bus.start_keyring(unlock=True)
        bench.put_in_use(asyncio.run(open_keyring(environ=os.environ)))
        bus.kill_keyring()
        bus.start_keyring(unlock=False)
        said = command("exec", "bench", "--", "true")
    assert (said.code, said.out) == (5, "")
    assert "The keyring is locked" in said.err


def test_without_a_keyring_the_exit_code_is_5(bench: Bench, memory: MemoryStore, command: Command) -> None:
    bench.put_in_use(memory)
    said = command("exec", "bench", "--", "true")
    assert (said.code, said.out) == (5, "")
    assert "no session bus" in said.err
    assert "dbus-run-session -- key-wizard exec ENV -- BOT" in said.err.splitlines()


def test_without_a_current_key_the_exit_code_is_1_and_the_remedy_is_named(bench: Bench, command: Command) -> None:
    said = command("exec", "bench", "--", "true")
    assert (said.code, said.out) == (1, "")
    assert "key-wizard --env bench" in said.err
    with pytest.raises(NoCurrentKeyError):
        wizard.current_credentials("bench")


@pytest.mark.parametrize("words", [("exec",), ("exec", "bench"), ("exec", "bench", "--")])
def test_without_a_command_it_is_wrong_usage(bench: Bench, command: Command, words: tuple[str, ...]) -> None:
    assert command(*words).code == 2


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nobot",
        "KEY=A",
        "SECRET=A",
        "KEY=A,SECRET=A",
        "KEY=1A,SECRET=B",
        "KEY=A,SECRET=B=",
        "KEY=A, SECRET=B",
        "KEY=Ä,SECRET=B",
    ],
)
def test_names_that_are_none_are_wrong_usage_and_not_repeated(bench: Bench, command: Command, given: str) -> None:
    said = command("exec", "bench", "--as", given, "--", "true")
    assert said.code == 2
    assert "KEY=NAME,SECRET=NAME" in said.err
    assert not given or f"'{given}'" not in said.err


def test_a_secret_that_is_pasted_as_a_name_is_refused_unseen(bench: Bench, command: Command) -> None:
    said = command("exec", "bench", "--as", f"KEY={'k' * 64},SECRET=B", "--", "true")
    assert said.code == 2
    assert "k" * 12 not in said.err


def test_without_memory_files_no_private_key_is_written_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(UsageError) as refused:
        memory_file(Secret("never written"))
    assert refused.value.code == "exec.no-memory-file"


def test_a_change_of_kind_is_not_said_for_ever() -> None:
    old = record_of(Credentials(KeyKind.HMAC, Secret("o" * 64), Secret("s")), Slot.RETIRED)
    current = Credentials(KeyKind.ED25519, Secret("n" * 64), Secret("s"))
    records = (old, record_of(current, Slot.CURRENT))
    assert len([*changes(records, current, OWN, now=CHANGE_SAID_FOR)]) == 2
    assert [*changes(records, current, OWN, now=CHANGE_SAID_FOR + 1)] == []
    assert [*changes(records[1:], current, OWN, now=0)] == []


def record_of(credentials: Credentials, slot: Slot) -> KeyRecord:
    return KeyRecord("bench", credentials.name, credentials.kind, slot, Holding.STORED, "item", "store", "backend", 0.0)


def test_the_names_of_the_variables_are_in_the_help(command: Command) -> None:
    said = command("exec", "--help")
    assert [name for name in NAMES if name not in said.out] == []
