"""The life of two keys in the real program: no secret is anywhere but where docs/security.md says.

All is real but the exchange: the terminal, the encrypted file, the targets, every command. `pytest -s` prints a row for
each act.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from tests.canaries import Canaries, Watch
from tests.commands.conftest import HERE, Bench, bench, loop_elsewhere
from tests.small_disk import fill_up, small_disk
from tests.terminal.harness import Terminal
from tests.terminal.keys import DOWN, END, ENTER, TAB, ctrl, paste
from tests.terminal.walk import Walk
from tests.tiers import whole
from tests.tui.test_leaks import PASSPHRASE, PEM, SECRETS
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.custody.custodian import CREDENTIAL
from wizard.exchange.signing import public_pem
from wizard.rehearsal.simulator import Addresses, EmbeddedExchange, serve

__all__ = ["bench", "loop_elsewhere"]
pytestmark = pytest.mark.terminal
REPOSITORY = Path(__file__).parents[2]
WIZARD = (sys.executable, "-m", "wizard")
BOT = ("/bin/sh", "-c", ": bot; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo ${#BINANCE_PRIVATE_KEY}")
"""Itself alone: no process of it inherits its variables."""
CONTROL = "vK3-control-7Qz"
PROXY_PASSWORD, TOKEN = "Tz5vQ8mLw2Xd", "s.pU7xkE2nQbV9aLcJ4rWmYd8T"
SETTINGS = """\
futures_url = "{url}"
websocket_api_url = "{sockets}/ws-api/v3"
stream_url = "{sockets}/ws"
[custody]
place = "encrypted-file"
[environments.bench.deliver.here]
file = "{home}/bot/binance.json"
[environments.proxied]
site = "custom"
base_url = "https://exchange.invalid"
proxy = "http://me:{password}@127.0.0.1:9"
"""


class Recorder(EmbeddedExchange):
    """An exchange that keeps what it is sent but the headers for keys. As OpenBao it repeats what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.urls, self.rest = bytearray(), bytearray()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def read() -> Message:
            message = await receive()
            self.rest += message.get("body") or str(message.get("text")).encode()
            return message

        path, headers = scope.get("path", ""), scope.get("headers", ())
        if path.startswith("/desk") or scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        self.urls += b"\n" + path.encode() + b"?" + scope["query_string"]
        self.rest += b"\n".join(value for name, value in headers if name not in (b"x-mbx-apikey", b"x-vault-token"))
        if path.startswith("/v1/"):
            await JSONResponse({"errors": [str(headers)], "data": str(headers)}, 400)(scope, receive, send)
        else:
            await super().__call__(scope, read, send)


@pytest.fixture
def exchange() -> Recorder:
    return Recorder()


@pytest.fixture
def addresses(exchange: Recorder, loop_elsewhere: asyncio.AbstractEventLoop) -> Iterator[Addresses]:
    serving = serve(exchange)
    yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop_elsewhere).result(20)
    asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop_elsewhere).result(20)


@dataclass
class Life:
    """One home, the secrets that its wizard is given, and where these are looked for."""

    bench: Bench
    exchange: Recorder
    home: Path
    secrets: dict[str, str] = field(default_factory=lambda: {"passphrase": PASSPHRASE, "PEM": PEM, **SECRETS})
    given: set[Path] = field(default_factory=set)
    """Files that hold a secret rightly: those of the user, and the target."""
    places: list[Path] = field(default_factory=list)
    begun: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.places.append(self.home)
        for name in ("tmp", "bot", "cwd", "credentials"):
            (self.home / name).mkdir(mode=0o700)
        self.given |= {self.home / "bot" / "binance.json", self.bench.paths.config_file}
        url, sockets = self.bench.base_url, "ws" + self.bench.base_url.removeprefix("http")
        self.bench.configure(SETTINGS.format(url=url, sockets=sockets, home=self.home, password=PROXY_PASSWORD))
        self.secrets |= {"proxy password": PROXY_PASSWORD, "token": TOKEN}

    @property
    def environ(self) -> dict[str, str]:
        more = {"TMPDIR": str(self.home / "tmp"), "PYTHONPATH": str(REPOSITORY), "PYTHONFAULTHANDLER": "1"}
        return {**os.environ, **more}

    def make(self, kind: KeyKind) -> tuple[str, str]:
        """Make a key on the page, with the public half of the private key where there is one."""
        page, public = self.bench.simulated_page, public_pem(Secret(PEM)) if kind is KeyKind.ED25519 else ""
        made = asyncio.run(page.create("new", kind, HERE, public_key=public, enableSpotAndMarginTrading=True))
        key, secret = made.api_key.reveal(), made.secret.reveal()
        self.secrets |= {f"API key {kind}": key} | ({f"secret {kind}": secret} if secret else {})
        return key, secret

    def found(self, what: str, seen: bytes = b"") -> None:
        """Look for all secrets in what was seen, in every file, and in what the exchange was sent."""
        canaries = Canaries(self.secrets)
        no_keys = Canaries({name: text for name, text in self.secrets.items() if not name.startswith("API key ")})
        hits = {"seen": canaries.found(seen), "URLs": canaries.found(bytes(self.exchange.urls))}
        hits["requests"] = no_keys.found(bytes(self.exchange.rest))
        hits["files"] = [*canaries.in_files(*self.places, *self._elsewhere(), but=self.given).items()]
        print(f"{what:<44} {len(seen):>9} bytes, {len(self.secrets)} secrets, found {sum(map(len, hits.values()))}")
        assert not any(hits.values()), (what, hits)

    def _elsewhere(self) -> list[Path]:
        """Files that anybody has written since then where all may write."""
        shared = (each for place in ("/tmp", "/var/tmp", "/dev/shm") for each in Path(place).glob("*"))
        found = []
        for each in (below for one in shared for below in (one, *one.glob("*"))):
            with suppress(OSError):
                if each.is_file() and each.stat().st_mtime > self.begun and each.stat().st_size < 1 << 24:
                    found.append(each)
        return found

    # --- what the user does -----------------------------------------------------------------------

    def make_file(self, walk: Walk) -> None:
        walk.see("The same once more")
        for wanted in (1, 2):
            walk.terminal.settle()
            walk.press(paste(PASSPHRASE))
            walk.terminal.wait_until(partial(filled, "14", wanted), "the passphrase")
            walk.press(ENTER)
        walk.see("Do you already have a key")

    def to_credentials(self, walk: Walk, begin: str) -> None:
        for key, text in ((begin, "enter Continue"), (ENTER, "ready to paste"), (ENTER, "END PUBLIC KEY")):
            walk.press(paste(SECRETS["secret"]))
            walk.see("looks like a key")
            walk.press(key)
            walk.see(text)

    def choose_type(self, walk: Walk, keys: str, text: str) -> None:
        walk.press(ctrl("t"))
        walk.see("Use it")
        walk.press(keys + ENTER)
        walk.see(text)
        walk.terminal.settle()

    def enter_pair(self, walk: Walk) -> None:
        """Without marks, as a terminal pastes that has none, and each value in the wrong field before."""
        key, secret = self.make(KeyKind.HMAC)
        walk.press(paste(PEM) + paste(secret) + ctrl("u"))
        walk.see("Nothing was taken")
        walk.press(f"{key}{ENTER}{secret}")
        walk.terminal.wait_until(partial(filled, "64", 2), "both fields")

    def first_key(self, walk: Walk) -> None:
        self.to_credentials(walk, "a")
        self.choose_type(walk, DOWN, "Secret")
        self.enter_pair(walk)
        walk.press(ENTER)
        walk.see("works from here", "enter Use")
        walk.press(ENTER)
        walk.see("is stored and works", "enter Home")
        walk.press(ENTER)
        walk.see("enter Replace")

    def second_key(self, walk: Walk) -> None:
        self.to_credentials(walk, "a")
        self.choose_type(walk, END, "Or the key itself")
        walk.press(TAB + paste(SECRETS["encrypted PEM"]))
        walk.see("characters")
        walk.press(ENTER)
        walk.see("The private key is encrypted")
        walk.press("wrong" + ENTER)
        walk.see("The passphrase")
        walk.press(PASSPHRASE + ENTER)
        walk.see("The private key is stored.")
        walk.press(self.make(KeyKind.ED25519)[0])
        walk.see("64 characters")
        walk.press(ENTER)
        walk.see("enter Switch to")
        walk.press(ENTER)
        walk.see("is now the key in use")


def filled(length: str, fields: int, screen: str) -> bool:
    return screen.count(f"{length} characters") == fields


@pytest.fixture
def life(bench: Bench, exchange: Recorder, clean_environment: Path) -> Life:
    return Life(bench, exchange, clean_environment)


def in_tmux(home: Path, argv: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[..., bytes]]:
    """Return what runs `argv` in a tmux of its own, and what asks that one."""
    program = shutil.which("tmux") or pytest.skip("there is no tmux")
    (home / "tmux.conf").write_text("set -g status off\nset -g set-clipboard on\nset -g history-limit 9999\n")
    base = [program, "-u", "-S", str(home / "tmux"), "-f", str(home / "tmux.conf")]

    def ask(*words: str) -> bytes:
        return subprocess.run([*base, *words], capture_output=True, check=False).stdout

    return (*base, "new-session", f"{' '.join(argv)}; exec sh -i"), ask


SHORT = (
    *("storage bench in OpenBao", "egress --env proxied", "deliver bench --again"),
    *("import proxied {home}/.env", "exec bench --key-file --"),
)
COMMANDS = (
    *("status", "status --json", "check bench", "egress", "check proxied", "history --json", "doctor"),
    *("storage bench", "storage proxied", "rotate bench", "team export", "import proxied {home}/.env --dry-run"),
    *("explain bench {home}/bot.log", "whitelist 8.8.8.8", "team check {home}/.env", "exec proxied -- true"),
    *("exec bench --", "exec bench --watch --", "check bench in OpenBao", *SHORT),
)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("form", whole("short", "whole", "tmux"))
def test_two_keys_live_in_a_terminal_and_under_every_command(life: Life, form: str) -> None:
    argv: tuple[str, ...] = (*WIZARD, "--env", "bench")
    argv, ask = in_tmux(life.home, argv) if form == "tmux" else (argv, lambda *_: b"")
    with Watch(b"/bin/sh\0-c\0: bot") as watch:
        try:
            with Terminal(argv, env=life.environ, cwd=life.home / "cwd") as terminal:
                walk = Walk(terminal)
                life.make_file(walk)
                life.first_key(walk)
                life.second_key(walk)
                walk.press(paste(SECRETS["API key"]) + ctrl("q"))
                walk.see("Quit Key Wizard?")
                seen = ask("capture-pane", "-p", "-S", "-")
                walk.press(ENTER)
                if form == "tmux":
                    walk.see("Finished", "key-wizard --env bench")
                    walk.press(f"{CONTROL}{ENTER}")
                    walk.see(f"{CONTROL}: not found")
                else:
                    assert terminal.wait() == 4
                    terminal.scribble(CONTROL)
                for words in (
                    "capture-pane -p -e -S -",
                    "list-buffers",
                    "show-buffer",
                    "display-message -p #{pane_title}",
                ):
                    seen += ask(*words.split())
                life.found("a terminal", seen + terminal.drawn)
                # The control: what stands there is found.
                for each in (terminal.drawn, seen) if form == "tmux" else (terminal.drawn,):
                    assert Canaries({"control": CONTROL}).found(each)
        finally:
            ask("kill-server")
        commands(life, SHORT if form == "short" else COMMANDS)
    assert BOT[-1].encode() in watch.seen
    life.found("processes: arguments, variables, names, maps", watch.seen)
    target = life.home / "bot" / "binance.json"
    assert [*Canaries({"in use": PEM}).in_files(life.home, but=life.given - {target})] == [str(target)]


def commands(life: Life, lines: Sequence[str]) -> None:
    """Run commands, and give them the secrets where they belong and where they do not."""
    pair = f"BINANCE_API_KEY={life.secrets['API key hmac']}\nBINANCE_API_SECRET={life.secrets['secret hmac']}\n"
    log = f'{pair} {PEM} {{"code":-2015,"msg":"Invalid API-key {life.secrets["API key hmac"]}"}}\n'
    config = life.bench.paths.config_file.read_text()
    own = f'place = "openbao"\n[custody.openbao]\nurl = "{life.bench.base_url}"\n'
    kept = {f"credentials/{CREDENTIAL}": PASSPHRASE, ".env": pair, "bot.log": log, ".vault-token": TOKEN}
    for name, text in {**kept, "kw/config/config.toml": config.replace('place = "encrypted-file"\n', own)}.items():
        life.given.add(file := life.home / name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    environ = {**life.environ, "CREDENTIALS_DIRECTORY": str(life.home / "credentials")}
    for line in lines:
        words, _, other = line.format(home=life.home).partition(" in ")
        argv = [*WIZARD, *words.split(), *(BOT if line.endswith("--") else ())]
        home = {"KEY_WIZARD_HOME": str(life.home / "kw")} if other else {}
        done = subprocess.run(
            argv, env=environ | home, cwd=life.home / "cwd", stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert done.returncode != 70, done
        life.found(f"key-wizard {line}", done.stdout + done.stderr)
        if line.endswith("--"):
            assert done.stdout.split() == [str(17 if "file" in line else len(PEM)).encode()], done


@pytest.mark.timeout(300)
@pytest.mark.parametrize("end", whole("SIGKILL", "SIGSEGV", "SIGABRT", "SIGQUIT", "SIGTSTP", "full disk"))
def test_however_it_ends_nothing_is_left_of_what_was_entered(life: Life, end: str) -> None:
    """Core files are allowed, and a program that has not forbidden them leaves one where the system names it `core`."""
    dumping, cwd = ("/bin/sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh"), life.home / "cwd"
    with small_disk(8) as disk, Watch() as watch:
        shutil.copytree(life.home / "key-wizard", disk / "kw")
        life.places.append(disk)
        life.given.add(disk / "kw" / "config" / "config.toml")
        environ = {**life.environ, "KEY_WIZARD_HOME": str(disk / "kw")}
        with Terminal([*dumping, *WIZARD, "--env", "bench"], env=environ, cwd=cwd) as terminal:
            walk = Walk(terminal)
            life.make_file(walk)
            life.to_credentials(walk, "a")
            life.choose_type(walk, DOWN, "Secret")
            life.enter_pair(walk)
            if end == "full disk":
                fill_up(disk)
                walk.press(ENTER)
                walk.see("is full")
            terminal.kill(getattr(signal, end, signal.SIGTERM))
            if end == "SIGTSTP":
                terminal.settle()
                life.found("suspended", terminal.drawn + watch.seen)
                terminal.kill(signal.SIGCONT)
                terminal.kill(signal.SIGTERM)
            code = terminal.wait()
        life.found(f"ended by {end}, exit {code}", terminal.drawn + watch.seen)
        assert not list(cwd.iterdir())
    if Path("/proc/sys/kernel/core_pattern").read_text() == "core\n":
        unsafe = "import os, sys; kept = sys.stdin.read(); os.abort()"
        subprocess.run([*dumping, sys.executable, "-c", unsafe], cwd=cwd, input=PEM, text=True, check=False)
        assert Canaries({"PEM": PEM}).in_files(cwd)


FAULT = """
import gc, sys
from pathlib import Path
name = sys.argv.pop(1)
def fail(frame, event, _):
    if event == "call" and frame.f_code.co_qualname == name and Path("armed").exists():
        held = [bytes(one._typed) for one in gc.get_objects() if type(one).__name__ == "SecretField"]
        raise RuntimeError(f"{held} {frame.f_locals}")
sys.setprofile(fail)
from wizard.__main__ import main
sys.exit(main())
"""
CRASHES = {
    "SecretField.on_key": "x",
    "CredentialsScreen.save": ENTER,
    "CredentialsPresenter._store": ENTER,
    "CredentialsPresenter.change_type": ctrl("t"),
    "LeaveScreen.compose": ctrl("q"),
    "WizardApp.on_unmount": ctrl("q") + ENTER,
}
"""Functions, and what has them called."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", whole(*CRASHES))
def test_a_crash_with_both_fields_filled_shows_and_leaves_nothing(life: Life, name: str) -> None:
    argv = [sys.executable, "-c", FAULT, name, "--env", "bench"]
    with Watch() as watch, Terminal(argv, env=life.environ, cwd=life.home / "cwd") as terminal:
        walk = Walk(terminal)
        life.make_file(walk)
        life.to_credentials(walk, "a")
        life.choose_type(walk, DOWN, "Secret")
        life.enter_pair(walk)
        (life.home / "cwd" / "armed").touch()
        walk.press(CRASHES[name])
        assert terminal.wait() == 70
        assert "Internal error" in terminal.screen()
        assert f"in {name.rsplit('.', maxsplit=1)[-1]}" in terminal.screen()
    life.found(f"a crash in {name}", terminal.drawn + watch.seen)
