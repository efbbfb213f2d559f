"""Call the worker: a program that is killed when its time is up or nobody waits for it any more.

Invariants: a secret passes through pipes only, never through arguments, environment or files; when
`call` is left, by whatever way, the child is dead and reaped.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wizard.custody.errors import KeyringFailed, KeyringTimeout
from wizard.secret import Secret

DEADLINE: Final = 10.0
"""Seconds for one operation. A healthy one takes 0.2 s, most of it to start the interpreter."""
_DIED: Final = "died"
_GRACE: Final = 1.0
"""Seconds after the deadline at which a child ends itself, should this process be gone."""

# -I: no current directory, no PYTHONPATH. The directory that holds this package comes last, so that
# nothing beside it can take the place of a module of the standard library.
_BOOTSTRAP: Final = "import sys; sys.path.append(sys.argv[1]); from wizard.custody.worker.main import main; main()"
_COMMAND: Final = (sys.executable, "-I", "-c", _BOOTSTRAP, str(Path(__file__).parents[2]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the child said."""

    code: str
    value: Secret | None = None
    """What was read; None where nothing is stored."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Everything else, all of it fit to be shown."""


@dataclass(frozen=True, slots=True)
class Child:
    """How to call the worker."""

    environ: Mapping[str, str] = field(repr=False)
    """The child's whole environment: it decides which session bus and which keyring are meant."""
    deadline: float = DEADLINE
    """Seconds for one call."""

    async def call(self, operation: str, *, value: Secret | None = None, **names: str) -> Answer:
        """Have the worker do one operation, and return its answer, whatever its code.

        Args:
            operation: One of `wizard.custody.worker.protocol.Op`.
            value: What is to be written.
            names: The pinned backend, the service and the user.

        Raises:
            KeyringTimeout: there was no answer within the deadline.
            KeyringFailed: the child did not start, or ended without an answer.
        """
        process = await _start(operation, self.environ)
        try:
            answer = await _talk(process, {"op": operation, **names}, value, self.deadline)
        finally:
            await _end(process)
        # Raised here, not where the answer was read: those frames hold what may be a secret.
        if answer is None:
            raise KeyringTimeout(operation, self.deadline)
        if answer.code == _DIED:
            raise _no_answer(operation, f"ended without an answer (exit status {process.returncode})")
        return answer


async def _start(operation: str, environ: Mapping[str, str]) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True, env=dict(environ)
        )
    except OSError as error:
        raise _no_answer(operation, f"cannot be started ({error.strerror})") from None


def _no_answer(operation: str, what: str) -> KeyringFailed:
    return KeyringFailed(
        operation,
        _DIED,
        why=f"The program that calls the keyring {what}.",
        advice=f"Run `{sys.executable} -m keyring diagnose` to see whether the keyring library itself works.",
    )


async def _talk(process: Process, request: dict[str, Any], value: Secret | None, deadline: float) -> Answer | None:
    try:
        async with asyncio.timeout(deadline):
            output, _ = await process.communicate(_encoded(request, value, deadline + _GRACE))
    except TimeoutError:
        return None
    return _decoded(output)


def _encoded(request: dict[str, Any], value: Secret | None, deadline: float) -> bytes:
    secret = {} if value is None else {"value": value.reveal()}
    return json.dumps({**request, **secret, "deadline": deadline}).encode("ascii")


def _decoded(output: bytes) -> Answer:
    try:
        facts = json.loads(output)
    except ValueError:
        return Answer(_DIED)
    code, value = facts.pop("code"), facts.pop("value", None)
    return Answer(code, None if value is None else Secret(value), facts)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)  # it leads a session of its own; so do helpers it started
    await process.communicate()
