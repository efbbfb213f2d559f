"""Runs of the program as children of a process that has imported all of it: each is a process of its own, at once.

A run that imports anew takes a second; this one 0.02 s. What opens an encrypted file may be known before, too. A child
leads a session, has its own terminal or files, and becomes `wizard.__main__.main`. It can be killed like any other.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from tests import kill_points

REPOSITORY = Path(__file__).parents[2]
_SERVER = (sys.executable, "-c", "from tests.beside.forks import serve; serve()")
_APART = ("wizard.__main__", "wizard.tui", "wizard.rehearsal", "wizard.custody.keyring_worker")
"""What a run of the line mode does not load."""
QUICK = {"between_passes": 0.01, "between_questions": 0.1, "between_polls": 0.05, "call": 20.0, "egress": 20.0}
"""Seconds between questions, and for answers on a busy machine."""
QUICK_PROGRAM = f"""\
from wizard.rotation import context, opening
opening.Pace = lambda: context.Pace(**{QUICK})
from wizard.__main__ import main
raise SystemExit(main())
"""
"""The same for a process that imports anew."""


class Fork:
    """One child, with as much of `subprocess.Popen` as its users need."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self._forks, self.pid, self.returncode = forks, pid, None
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.returncode = self._forks.ask(wait=self.pid)
            os.close(self._end)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("key-wizard", timeout or 0)
        return self.poll()

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Forks:
    """The process that forks; ended with the block."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._server = subprocess.Popen(_SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY)

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def ask(self, **request: object) -> Any:
        with self._turn:
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], *files: str, **recording: Any) -> Fork:
        """Run `key-wizard` with its input, output and errors in these files; a terminal is its controlling one.

        With a `log` it is recorded, and dies at the `point`.
        """
        recording = {
            name: value and ((*value,) if name == "point" else str(value)) for name, value in recording.items()
        }
        return Fork(self, self.ask(arguments=arguments, environ={**environ}, files=files, recording=recording))

    def popen(self, argv: Sequence[str], *, stdin: int, env: Mapping[str, str], **more: Any) -> Fork:
        """Do the same with what `subprocess.Popen` takes; `argv` are the arguments of `key-wizard`."""
        recording = {name: more[name] for name in ("log", "point") if name in more}
        return self.start(argv, env, *[os.ttyname(stdin)] * 3, **recording)


def serve() -> None:
    """Import everything, then fork a child for each line of the input."""
    for module in pkgutil.walk_packages([str(REPOSITORY / "wizard")], "wizard."):
        if not module.name.startswith(_APART):
            with suppress(ModuleNotFoundError):  # OpenBao's client is an extra
                importlib.import_module(module.name)
    from wizard.core.secret import Secret
    from wizard.custody import encrypted_file
    from wizard.custody.encryption import derive

    keys: dict[tuple[str, bytes], Any] = {}
    encrypted_file.derive = lambda given, salt: keys.get((given.reveal(), salt)) or derive(given, salt)
    for line in sys.stdin:
        request, answer = json.loads(line), None
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        elif "salt" in request:
            known = request["passphrase"], bytes.fromhex(request["salt"])
            keys[known] = derive(Secret(known[0]), known[1])
        elif not (answer := os.fork()):
            _become(SimpleNamespace(**request))
        print(json.dumps(answer), flush=True)


def _become(run: SimpleNamespace) -> NoReturn:
    os.setsid()
    for number, file in enumerate(run.files):
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    modes = enumerate(("r", "w", "w"))
    sys.stdin, sys.stdout, sys.stderr = [open(at, mode, encoding="utf-8", closefd=False) for at, mode in modes]  # noqa: SIM115
    os.environ.clear()
    os.environ.update(run.environ)
    sys.argv = ["key-wizard", *run.arguments]
    if run.recording:
        name, moment = run.recording.get("point") or ("", "before")
        kill_points.install(Path(run.recording["log"]), kill_points.Point(name, kill_points.Moment(moment)))
    code: object = 70
    try:
        exec(compile(QUICK_PROGRAM, "program", "exec"), {})
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)
