"""Entry of the worker: requests as lines on stdin, answers as lines on stdout.

Invariants: only this module touches the pipes. Whatever a backend prints, asks or opens meets the null device; whatever
it raises leaves as a code. With a Secret Service that is not ready keyring is not called at all: it would open a dialog
on whatever display the service knows of, or block for ever. The keyring library takes longer to load than a whole read
from a Secret Service: such a read is done without it.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, Final, TextIO

from wizard.custody.keyring_worker.protocol import SECRET_SERVICE, SECRET_SERVICE_BACKENDS, Code, Op, answer_to

PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h."""

Facts = dict[str, Any]


def main() -> None:
    """Answer the requests on stdin until it is closed."""
    requests, answers = _take_pipes()
    _keep_out_of_core_files()
    if sys.platform == "linux":
        with suppress(ImportError):  # the request that needs it says so
            _secret_service()  # nearly every first request does; it loads while that one is made
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        for line in requests:
            request = json.loads(line)
            # Should the wizard be killed while a call hangs, nobody is left to kill this process.
            faulthandler.dump_traceback_later(request["deadline"], exit=True, file=nowhere)
            answer = respond(request)
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(answer), file=answers, flush=True)


def respond(request: Facts) -> Facts:
    """Return the answer to one request: a code, and what belongs to it."""
    try:
        return {"code": Code.OK, **(_OPERATIONS[request["op"]](request) or {})}
    except Exception as error:  # many failures are no KeyringErrors, and their texts may hold the secret
        return answer_to(error)


def _write(request: Facts) -> None:
    """Set the value. Success means that the backend said so: read it back."""
    _expect_ready(request)
    _library().write(request["backend"], request["name"], request["user"], request["value"])


def _read(request: Facts) -> Facts:
    """Return the value, or None where there is no such item, also in no other collection."""
    backend, name, user = request["backend"], request["name"], request["user"]
    if backend == SECRET_SERVICE:
        try:
            value = _secret_service().read(name, user, os.environ, request["deadline"])
        except Exception as error:
            if answer_to(error)["code"] != Code.LOCKED:
                raise
            # An item of an open collection: KeePassXC asks its user what a program may read. keyring lets it ask.
            _expect_ready(request)
            value = _library().read(backend, name, user)
    else:
        _expect_ready(request)
        value = _library().read(backend, name, user)
    if value is None and backend in SECRET_SERVICE_BACKENDS:
        _secret_service().expect_in_no_collection(name, user, request["deadline"])
    return {"value": value}


def _delete(request: Facts) -> None:
    _expect_ready(request)
    _library().delete(request["backend"], request["name"], request["user"])


def _expect_ready(request: Facts) -> None:
    if request["backend"] in SECRET_SERVICE_BACKENDS:
        _secret_service().expect_ready(os.environ)


def _secret_service() -> ModuleType:
    from wizard.custody.keyring_worker import secret_service  # noqa: PLC0415 - jeepney is installed on Linux only

    return secret_service


def _library() -> ModuleType:
    from wizard.custody.keyring_worker import library  # noqa: PLC0415 - slow to load

    return library


_OPERATIONS: Final[dict[str, Callable[[Facts], Facts | None]]] = {
    Op.STATE: lambda _: _secret_service().look(os.environ),
    Op.CHOICE: lambda _: _library().choice(os.environ),
    Op.WRITE: _write,
    Op.READ: _read,
    Op.DELETE: _delete,
    Op.LIST: lambda request: {"names": _secret_service().names(request["name"])},
    Op.UNLOCK: lambda request: _secret_service().unlock(request["value"], os.environ),
    Op.CREATE: lambda request: _secret_service().create(request["value"]),
}


def _take_pipes() -> tuple[TextIO, TextIO]:
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    return requests, answers


def _keep_out_of_core_files() -> None:
    """Core files do not get this memory, nor programs that open it from now on; exec has undone what the parent set."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
