"""The worker that calls the keyring library, as a process: resident, and killed when its time is up.

Invariants: a secret passes through pipes only, never through arguments, environment or files. Where a call does not end
well, be it late or given up, the process is dead and reaped before `call` is left, and the next call starts another.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.core.threads import in_abandonable_thread
from wizard.custody.errors import CustodyError, ItemUnreadableError, KeptElsewhereError
from wizard.custody.keyring_worker.protocol import COLLECTION_VARIABLE, Code, State
from wizard.custody.secret_service import Service, collection_name, unusable_service

DEADLINE: Final = 10.0
"""Seconds for one operation. The first one takes 0.2 s, to start the interpreter; a healthy one 0.02 s."""
_DIED: Final = "died"
_GRACE: Final = 1.0
"""Seconds after the deadline at which the worker ends itself, should this process be gone."""

# -I: no current directory, no PYTHONPATH. The directory that holds this package comes last, so that
# nothing beside it can take the place of a module of the standard library.
_BOOTSTRAP: Final = (
    "import sys; sys.path.append(sys.argv[1]); from wizard.custody.keyring_worker.main import main; main()"
)
COMMAND: Final = (sys.executable, "-I", "-c", _BOOTSTRAP, str(Path(__file__).parents[2]))

_DOING: Final = {
    "state": "Asking for the state of the Secret Service",
    "choice": "Asking which keyring would be used",
    "write": "Storing into the keyring",
    "read": "Reading from the keyring",
    "delete": "Deleting from the keyring",
    "list": "Listing what is in the keyring",
    "unlock": "Unlocking the keyring",
    "create": "Creating a collection in the keyring",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker said."""

    code: str
    value: Secret | None = None
    """What was read; None where nothing is stored."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Everything else, all of it fit to be shown."""


class KeyringProcess:
    """The worker, started when it is first called; it ends with this object.

    Args:
        environ: The worker's whole environment: it decides which session bus and which keyring are meant.
        deadline: Seconds for one call.
    """

    def __init__(self, environ: Mapping[str, str], deadline: float = DEADLINE) -> None:
        self.environ = environ
        self.deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None
        self._is_called = asyncio.Lock()

    async def call(self, operation: str, *, value: Secret | None = None, **names: str) -> Answer:
        """Have the worker do one operation, and return its answer. Calls are made one after the other.

        Args:
            operation: One of `wizard.custody.keyring_worker.protocol.Op`.
            value: What is to be written.
            names: The pinned backend, the item's name and the user.

        Raises:
            CustodyError: the worker did not start, did not answer in time, or says that it failed.
        """
        answer = await self.ask(operation, value, names)
        if answer.code != Code.OK:
            raise failure(operation, answer)
        return answer

    async def ask(self, operation: str, value: Secret | None, names: Mapping[str, str]) -> Answer:
        """Return the answer of the worker, whatever its code.

        Raises:
            CustodyError: the worker did not start, or did not answer in time.
        """
        async with self._is_called:
            process = self._running(operation)
            request = {"op": operation, "deadline": self.deadline + _GRACE, **names}
            try:
                answer = await in_abandonable_thread(lambda: _exchange(process, request, value), self.deadline)
            except TimeoutError:
                self._end()
            except BaseException:  # nobody waits for it any more
                self._end()
                raise
            else:
                if answer.code == _DIED:
                    self._end()
                    raise _no_answer(operation, f"ended without an answer (exit status {process.returncode})")
                return answer
        # Raised here, not where the answer was read: those frames hold what may be a secret.
        raise CustodyError(
            f"{_DOING[operation]} took longer than {self.deadline:g} s and was ended",
            why="A keyring that asks for a password on a screen that nobody sees, or a hung one, does this.",
            advice="Look for a password dialog on the desktop, or restart the keyring's program. Then try again.",
            code="timeout",
        )

    def _running(self, operation: str) -> subprocess.Popen[bytes]:
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
                raise _no_answer(operation, f"cannot be started ({error.strerror})") from None
            self._end = weakref.finalize(self, _end, self._process)
        return self._process


def _exchange(process: subprocess.Popen[bytes], request: Mapping[str, Any], value: Secret | None) -> Answer:
    """Write the request and read the answer; blocks until the worker answers or ends."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    secret = {} if value is None else {"value": value.reveal()}
    try:
        process.stdin.write(json.dumps({**request, **secret}).encode("ascii") + b"\n")
        process.stdin.flush()
        facts = json.loads(process.stdout.readline())
    except (OSError, ValueError):  # the worker is gone; ValueError: an answer that was cut short
        return Answer(_DIED)
    code, found = facts.pop("code"), facts.pop("value", None)
    return Answer(code, None if found is None else Secret(found), facts)


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


def _no_answer(operation: str, what: str) -> CustodyError:
    return CustodyError(
        f"{_DOING[operation]} failed",
        why=f"The program that calls the keyring {what}.",
        advice=f"Run `{sys.executable} -m keyring diagnose` to see whether the keyring library itself works.",
        code=_DIED,
    )


# macOS: OSStatus (Security/SecBase.h); Windows: winerror.h.
_SYSTEM: Final = {
    -25308: (
        "locked",
        "macOS answered -25308: the keychain is locked and this login may not show its dialog, as over SSH.",
        "Run `security unlock-keychain` in this same session, then try again.",
    ),
    -25293: (
        "denied",
        "macOS answered -25293: the keychain refuses this Python.",
        "Allow the access in Keychain Access, or use a Python whose signature is intact.",
    ),
    -128: ("declined", "macOS answered -128: the request was declined.", "Try again and allow the access."),
    1312: (
        "network-login",
        "Windows answered 1312: this is a network login, as OpenSSH makes it, and has no Credential Manager.",
        "Run the wizard in a console or Remote Desktop session.",
    ),
    1783: (
        "too-long",
        "Windows answered 1783: the value is longer than the 1280 characters that Credential Manager takes.",
        "Use an Ed25519 key: it fits. A 4096-bit RSA key does not.",
    ),
}
_CODES: Final = {
    Code.NO_BACKEND: ("The keyring backend does not work here ({kind}).", "Run the doctor to see what changed."),
    Code.LOST: (
        "The keyring's program or the session bus went away in the middle ({kind}).",
        "Start the keyring again, then repeat this step: nothing is counted as done until it was read back.",
    ),
    Code.BAD_CONFIG: (
        "keyring's configuration file keyringrc.cfg cannot be read ({kind}).",
        "Correct the file or move it away; `python -m keyring diagnose` prints where it is.",
    ),
}
_OTHER: Final = (
    "The keyring library raised {kind}.",
    "Try again; if it stays so, try `python -m keyring` by hand with a value that is no secret.",
)


def failure(operation: str, answer: Answer) -> CustodyError:
    """Return the error for an answer that is not `ok`."""
    kind, number = printable(str(answer.facts.get("kind", "")), 100), int(answer.facts.get("number", 0))
    if answer.code == Code.NOT_READY:
        return unusable_service(service(answer.facts))
    if answer.code == Code.LOCKED:
        return CustodyError(
            "The keyring is locked",
            why=f"It was not unlocked when it was asked for ({kind}).",
            advice="Unlock it in its own program, then try again.",
            code=State.LOCKED,
        )
    if answer.code == Code.ELSEWHERE:
        return _in_another_collection(str(answer.facts["collection"]))
    if answer.code == Code.WRONG_PASSWORD:
        return CustodyError(
            "This password does not open the keyring",
            why="GNOME keyring refused it; the collection is locked as before.",
            advice="Type it again: it is often the login password, or the one from before it was changed.",
            code=answer.code,
        )
    if answer.code == Code.NOT_TEXT:
        return ItemUnreadableError(
            "What the keyring holds under this name is not text",
            why="Another program wrote it.",
            advice="Look at it in the keyring's own program, and remove it there if nothing needs it.",
        )
    code, (why, advice) = answer.code, _CODES.get(Code(answer.code), _OTHER)
    if number in _SYSTEM:
        code, why, advice = _SYSTEM[number]
    elif answer.code == Code.SYSTEM:
        why = f"The system answered {number} ({{kind}})."
    return CustodyError(f"{_DOING[operation]} failed", why=why.replace("{kind}", kind), advice=advice, code=code)


def service(facts: Mapping[str, Any], bus: str = "") -> Service:
    """Return the Secret Service as the worker described it."""
    return Service(State(facts["state"]), facts["provider"], facts["collection"], facts["detail"], bus)


def _in_another_collection(path: str) -> KeptElsewhereError:
    return KeptElsewhereError(
        "What is looked for lies in another collection of the keyring than the one that is used",
        why=f"Collection {collection_name(path)} holds an item of this name. Which collection is used changes with the"
        f" default one and with {COLLECTION_VARIABLE}.",
        advice=f"Make that collection the default one again, or start the wizard with {COLLECTION_VARIABLE}="
        f"{printable(path)}. Nothing counts as gone until then.",
    )
