"""The worker that calls the keyring, as a process: resident, and killed when its time is up.

Invariants: a secret passes through pipes only, never through arguments, environment or files. Where a call does not end
well, be it late or given up, the process is dead and reaped before the call is left, and the next call starts another.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from wizard.core.secret import Secret
from wizard.custody.keyring_errors import DIED, failure, late, no_answer
from wizard.custody.keyring_worker.protocol import Code, Op

DEADLINE: Final = 10.0
"""Seconds for one operation. The first one takes 0.1 s, to start the interpreter; a healthy one 0.02 s."""
_GRACE: Final = 1.0
"""Seconds after the deadline at which the worker ends itself, should this process be gone."""

# -I: no current directory, no PYTHONPATH. The directory that holds this package comes last, so that
# nothing beside it can take the place of a module of the standard library.
_BOOTSTRAP: Final = (
    "import sys\nsys.path.append(sys.argv[1])\nfrom wizard.custody.keyring_worker.main import main\nmain()"
)
COMMAND: Final = (sys.executable, "-I", "-c", _BOOTSTRAP, str(Path(__file__).parents[2]))

Facts = dict[str, Any]


class KeyringProcess:
    """The worker, started at the first call, ended with this object; `environ` decides which keyring it uses."""

    def __init__(self, environ: Mapping[str, str], deadline: float = DEADLINE) -> None:
        self.environ = environ
        self.deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None
        self._turn: Any = None

    async def call(self, operation: Op, *, value: Secret | None = None, **names: str) -> Facts:
        """Have the worker do one operation, and return its answer, or raise CustodyError. One call follows the other.

        `value` is to be written; what is read comes back under the same name, as a `Secret`. `names` are the pinned
        backend, the item's name and the user.
        """
        import asyncio  # noqa: PLC0415 - `call_blocking` does without

        from wizard.core.threads import in_daemon_thread  # noqa: PLC0415

        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            exchange, answer = self._exchange(operation, value, names), None
            try:
                answer = await in_daemon_thread(exchange, self.deadline)
            except TimeoutError:
                pass
            except BaseException:  # nobody waits for it any more
                self._end()
                raise
        return self._checked(operation, answer)

    def call_blocking(self, operation: Op, **names: str) -> Facts:
        """Do the same as `call`, for a program that does nothing else meanwhile and has no event loop."""
        answers: list[Facts] = []
        exchange = self._exchange(operation, None, names)
        waiting = Thread(target=lambda: answers.append(exchange()), daemon=True)
        waiting.start()
        try:
            waiting.join(self.deadline)
        except BaseException:  # a signal ends this program
            self._end()
            raise
        return self._checked(operation, answers[0] if answers else None)

    def start(self, operation: Op) -> subprocess.Popen[bytes]:
        """Return the running worker. Called ahead of `operation` it loads what it needs in the meantime."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            try:
                self._process = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    env=dict(self.environ),
                )
            except OSError as error:
                raise no_answer(operation, f"cannot be started ({error.strerror})") from None
            self._end = weakref.finalize(self, _end, self._process)
        return self._process

    def close(self) -> None:
        """End the worker; another call would start a new one."""
        self._end()

    def _exchange(self, operation: Op, value: Secret | None, names: Mapping[str, str]) -> Callable[[], Facts]:
        process, request = self.start(operation), {"op": operation, "deadline": self.deadline + _GRACE, **names}
        return lambda: _exchange(process, request, value)

    def _checked(self, operation: Op, answer: Facts | None) -> Facts:
        # Raised here, not where the answer was read: those frames hold what may be a secret.
        if answer is None:
            self._end()
            raise late(operation, self.deadline)
        if answer["code"] == DIED:
            self._end()
            status = self._process.returncode if self._process else None
            raise no_answer(operation, f"ended without an answer (exit status {status})")
        if answer["code"] != Code.OK:
            raise failure(operation, answer)
        return answer


def _exchange(process: subprocess.Popen[bytes], request: Mapping[str, Any], value: Secret | None) -> Facts:
    """Write the request and read the answer; blocks until the worker answers or ends."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    secret = {} if value is None else {"value": value.reveal()}
    try:
        process.stdin.write(json.dumps({**request, **secret}).encode("ascii") + b"\n")
        process.stdin.flush()
        answer: Facts = json.loads(process.stdout.readline())
    except (OSError, ValueError):  # the worker is gone; ValueError: an answer that was cut short
        return {"code": DIED}
    if answer.get("value") is not None:
        answer["value"] = Secret(answer["value"])
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker and reap it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own; so do helpers it started
        process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent any more
            pipe.close()  # type: ignore[union-attr]
