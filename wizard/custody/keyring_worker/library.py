"""The keyring library, called: which backend it would use, and one item written, read or deleted with a pinned one.

Invariant: a backend that is named in the environment or in the configuration file is not loaded unless it is one of
keyring's own, so asking runs no code of a stranger's choice.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keyring import core
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from keyring.util import platform_

from wizard.custody.keyring_worker import protocol
from wizard.custody.keyring_worker.protocol import Code, Origin, WorkerError, class_path, kind

_RENAMING: Final = ("KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_APPID")
"""Variables that change under which attributes keyring stores in a Secret Service: with another value, nothing is found
again. KWallet takes the second one for the program that the user let in."""


def choice(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return who chose the backend that keyring would use, where that is written, and the backends behind it."""
    origin, place, name = _named(environ)
    if name == protocol.CHAINER:  # names no store: the library's own order decides
        origin, place = Origin.PRIORITY, ""
    return {"origin": origin, "place": place, "leaves": _leaves(name), "fault": _fault(name)}


def write(backend: str, name: str, user: str, value: str) -> None:
    """Set the value."""
    _pinned(backend).set_password(name, user, value)


def read(backend: str, name: str, user: str) -> str | None:
    """Return the value, or None where there is none."""
    value = _pinned(backend).get_password(name, user)
    if value is not None:
        value.encode("utf-8")  # a lone surrogate fails here, where its text stays inside
    return value


def delete(backend: str, name: str, user: str) -> None:
    """Delete the item, if there is one."""
    ring = _pinned(backend)
    try:
        ring.delete_password(name, user)
    except PasswordDeleteError:
        # Some backends say this for "absent", some for "not allowed".
        if ring.get_password(name, user) is not None:
            raise


def _pinned(backend: str) -> KeyringBackend:
    for name in _RENAMING if backend in protocol.SECRET_SERVICE_BACKENDS else ():
        os.environ.pop(name, None)
    try:
        return core.load_keyring(backend)
    except Exception as error:
        raise WorkerError(Code.NO_BACKEND, kind=kind(error)) from None


def _named(environ: Mapping[str, str]) -> tuple[Origin, str, str | None]:
    """Return what was named and where, in keyring's own order (keyring.core._detect_backend)."""
    if protocol.BACKEND_VARIABLE in environ:
        return Origin.ENVIRONMENT, protocol.BACKEND_VARIABLE, environ[protocol.BACKEND_VARIABLE]
    file = Path(os.fspath(platform_.config_root())) / "keyringrc.cfg"
    parser = configparser.RawConfigParser()
    parser.read(file, encoding="utf-8")
    name = parser.get("backend", "default-keyring", fallback=None)
    return (Origin.CONFIG, str(file), name.strip()) if name is not None else (Origin.PRIORITY, "", None)


def _leaves(name: str | None) -> list[str]:
    """Return the class paths of the backends, in order of use."""
    if name is not None and name != protocol.CHAINER:
        return [name]
    ring = core.get_keyring() if name is None else core.load_keyring(name)
    is_chain = class_path(type(ring)) == protocol.CHAINER
    return [class_path(type(leaf)) for leaf in (ring.backends if is_chain else (ring,))]  # type: ignore[attr-defined]


def _fault(name: str | None) -> str:
    """Return the error with which a named backend of keyring's own does not load here, else nothing."""
    if name and name.startswith("keyring.backends."):
        try:
            core.load_keyring(name)
        except Exception as error:
            return kind(error)
    return ""
