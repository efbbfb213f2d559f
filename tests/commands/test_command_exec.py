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
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.custody.keyring import open_keyring
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


def execute(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `key-wizard exec bench -- COMMAND` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "wizard", "exec", "bench", "--", *command],
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
        done = execute(sys.executable, "-c", SHOW, BINANCE_PRIVATE_KEY="left over")
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


def test_the_names_of_the_variables_are_in_the_help(command: Command) -> None:
    said = command("exec", "--help")
    assert [name for name in NAMES if name not in said.out] == []
