"""Entry of the worker: which backend there is, and one item written, read or deleted with one pinned backend.

Invariants: only this module touches the pipes. Whatever a backend prints, asks or opens meets the null device;
whatever it raises leaves as a code. A backend that is named in the environment or in the configuration file is not
loaded unless it is one of keyring's own, so asking runs no code of a stranger's choice. With a Secret Service that is
not ready keyring is not called at all: it would open a dialog on whatever display the service knows of, or block for
ever.
"""

from __future__ import annotations

import configparser
import ctypes
import faulthandler
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TextIO

from keyring import core
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from keyring.util import platform_

from wizard.custody.keyring_worker import failures
from wizard.custody.keyring_worker.failures import CannotLoad, InAnotherCollection, NotReady, class_path, kind
from wizard.custody.keyring_worker.protocol import (
    BACKEND_VARIABLE,
    CHAINER,
    SECRET_SERVICE_BACKENDS,
    Code,
    Op,
    Origin,
    State,
)

PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h."""
_RENAMING: Final = ("KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_APPID")
"""Variables that change under which attributes keyring stores: with another value, nothing is found again."""

Request = dict[str, Any]
Answer = dict[str, Any]


def main() -> None:
    """Answer the requests on stdin until it is closed."""
    requests, answers = _take_pipes()
    _keep_out_of_core_files()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        for line in requests:
            request = json.loads(line)
            # Should the wizard be killed while a call hangs, nobody is left to kill this process.
            faulthandler.dump_traceback_later(request["deadline"], exit=True, file=nowhere)
            answer = respond(request)
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(answer), file=answers, flush=True)


def respond(request: Request) -> Answer:
    """Return the answer to one request: a code, and what belongs to it."""
    try:
        return _OPERATIONS[request["op"]](request)
    except Exception as error:  # many failures are no KeyringErrors, and their texts may hold the secret
        return failures.answer(error)


def _write(request: Request) -> Answer:
    """Set the value. Success means that the backend said so: read it back."""
    _ring(request).set_password(request["name"], request["user"], request["value"])
    return {"code": Code.OK}


def _read(request: Request) -> Answer:
    """Return the value, or None where there is no such item, also in no other collection."""
    value = _ring(request).get_password(request["name"], request["user"])
    if value is not None:
        value.encode("utf-8")  # a lone surrogate fails here, where its text stays inside
    elif request["backend"] in SECRET_SERVICE_BACKENDS:
        # keyring looks into one collection alone, and which one that is can change between two runs.
        found = _secret_service().collections(request["name"], request["user"], request["deadline"])
        if found:
            raise InAnotherCollection(found[0])
    return {"code": Code.OK, "value": value}


def _delete(request: Request) -> Answer:
    """Delete the item. One that is not there is deleted already."""
    ring = _ring(request)
    try:
        ring.delete_password(request["name"], request["user"])
    except PasswordDeleteError:
        # Some backends say this for "absent", some for "not allowed".
        if ring.get_password(request["name"], request["user"]) is not None:
            raise
    return {"code": Code.OK}


def _ring(request: Request) -> KeyringBackend:
    backend = request["backend"]
    if backend in SECRET_SERVICE_BACKENDS:
        found = _secret_service().answer(os.environ)
        if found["state"] is not State.READY:
            raise NotReady(found)
        for name in _RENAMING:
            os.environ.pop(name, None)
    try:
        return core.load_keyring(backend)
    except Exception as error:
        raise CannotLoad(kind(error)) from None


def _choice(environ: Mapping[str, str]) -> Answer:
    """Return who chose the backend that keyring would use, where that is written, and the backends behind it."""
    origin, place, name = _named(environ)
    if name == CHAINER:  # names no store: the library's own order decides
        origin, place = Origin.PRIORITY, ""
    return {"code": Code.OK, "origin": origin, "place": place, "leaves": _leaves(name), "fault": _fault(name)}


def _named(environ: Mapping[str, str]) -> tuple[Origin, str, str | None]:
    """Return what was named and where, in keyring's own order (keyring.core._detect_backend)."""
    if BACKEND_VARIABLE in environ:
        return Origin.ENVIRONMENT, BACKEND_VARIABLE, environ[BACKEND_VARIABLE]
    file = Path(os.fspath(platform_.config_root())) / "keyringrc.cfg"
    parser = configparser.RawConfigParser()
    parser.read(file, encoding="utf-8")
    name = parser.get("backend", "default-keyring", fallback=None)
    return (Origin.CONFIG, str(file), name.strip()) if name is not None else (Origin.PRIORITY, "", None)


def _leaves(name: str | None) -> list[str]:
    """Return the class paths of the backends, in order of use."""
    if name is not None and name != CHAINER:
        return [name]
    ring = core.get_keyring() if name is None else core.load_keyring(name)
    is_chain = class_path(type(ring)) == CHAINER
    return [class_path(type(leaf)) for leaf in (ring.backends if is_chain else (ring,))]  # type: ignore[attr-defined]


def _fault(name: str | None) -> str:
    """Return the error with which a named backend of keyring's own does not load here, else nothing."""
    if name is None or not name.startswith("keyring.backends."):
        return ""
    try:
        core.load_keyring(name)
    except Exception as error:
        return kind(error)
    return ""


def _secret_service() -> ModuleType:
    from wizard.custody.keyring_worker import secret_service  # noqa: PLC0415 - jeepney is installed on Linux only

    return secret_service


_OPERATIONS: Final[dict[str, Callable[[Request], Answer]]] = {
    Op.STATE: lambda _: _secret_service().answer(os.environ),
    Op.CHOICE: lambda _: _choice(os.environ),
    Op.WRITE: _write,
    Op.READ: _read,
    Op.DELETE: _delete,
    Op.LIST: lambda request: _secret_service().names(request["name"]),
    Op.UNLOCK: lambda request: _secret_service().unlock(request["value"]),
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
