"""Entry of the child process.

Invariant: only this module touches the pipes. Whatever a backend prints, asks or opens meets the
null device; whatever it raises leaves as a code.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from wizard.custody.worker import choice, failures, items
from wizard.custody.worker.protocol import Op

PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h."""

Request = dict[str, Any]
Answer = dict[str, Any]


def _state(_: Request) -> Answer:
    from wizard.custody.worker import secret_service  # noqa: PLC0415 - jeepney is installed on Linux only

    return secret_service.answer(os.environ)


def _unlock(request: Request) -> Answer:
    from wizard.custody.worker import gnome  # noqa: PLC0415 - jeepney is installed on Linux only

    return gnome.unlock(request)


def _list(request: Request) -> Answer:
    from wizard.custody.worker import listing  # noqa: PLC0415 - jeepney is installed on Linux only

    return listing.services(request)


def _create(request: Request) -> Answer:
    from wizard.custody.worker import gnome  # noqa: PLC0415 - jeepney is installed on Linux only

    return gnome.create(request)


_OPERATIONS: Final[dict[str, Callable[[Request], Answer]]] = {
    Op.STATE: _state,
    Op.CHOICE: lambda _: choice.answer(os.environ),
    Op.WRITE: items.write,
    Op.READ: items.read,
    Op.DELETE: items.delete,
    Op.LIST: _list,
    Op.UNLOCK: _unlock,
    Op.CREATE: _create,
}


def main() -> None:
    """Answer the one request on stdin."""
    requests, answers = _take_pipes()
    _keep_out_of_core_files()
    request = json.load(requests)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        # Should the wizard be killed while a call hangs, nobody is left to kill this process.
        faulthandler.dump_traceback_later(request["deadline"], exit=True, file=nowhere)
        answer = _answer(request)
        faulthandler.cancel_dump_traceback_later()
    json.dump(answer, answers)
    answers.close()


def _answer(request: Request) -> Answer:
    try:
        return _OPERATIONS[request["op"]](request)
    except Exception as error:  # many failures are no KeyringErrors, and their texts may hold the secret
        return failures.answer(error)


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
