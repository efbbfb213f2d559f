"""The words that both ends of the pipe use, and how an exception becomes one of them.

Invariants: it imports the standard library alone. No exception's text or argument leaves the worker, but for system
error numbers: a UnicodeEncodeError, for one, carries the whole secret.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

PATIENCE: Final = 2.0
"""Seconds for all D-Bus calls that find the state together; a healthy service answers them in 5 ms."""

BUS_VARIABLE: Final = "DBUS_SESSION_BUS_ADDRESS"
COLLECTION_VARIABLE: Final = "KEYRING_PROPERTY_PREFERRED_COLLECTION"
BACKEND_VARIABLE: Final = "PYTHON_KEYRING_BACKEND"

CHAINER: Final = "keyring.backends.chainer.ChainerBackend"
SECRET_SERVICE: Final = "keyring.backends.SecretService.Keyring"  # noqa: S105 - a class
SECRET_SERVICE_BACKENDS: Final = frozenset({SECRET_SERVICE, "keyring.backends.libsecret.Keyring"})
"""The backends whose state can be read over D-Bus before they are called."""


class Op(StrEnum):
    """What the worker is asked to do."""

    STATE = "state"
    CHOICE = "choice"
    WRITE = "write"
    READ = "read"
    DELETE = "delete"
    LIST = "list"
    UNLOCK = "unlock"
    CREATE = "create"


class Code(StrEnum):
    """How it went. A failure is a code and the name of an error class, never an error's text."""

    OK = "ok"
    NOT_READY = "not-ready"
    """The Secret Service is not ready; the answer carries its `ServiceState`. keyring was not called."""
    LOCKED = "locked"
    NO_BACKEND = "no-backend"
    """The pinned backend cannot work here."""
    ELSEWHERE = "elsewhere"
    """The item is not in the collection that is used, but in another one of the same Secret Service."""
    LOST = "lost"
    """The service or the bus went away in the middle: whether it happened is unknown."""
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a code
    """The password of the collection is another one; it is locked as before."""
    NOT_TEXT = "not-text"
    """The stored value is not text."""
    SYSTEM = "system"
    """The operating system's store refused, with a number: an OSStatus or a Windows error."""
    BAD_CONFIG = "bad-config"
    """keyring's configuration file cannot be read."""
    FAILED = "failed"


class ServiceState(StrEnum):
    """What the Secret Service was found to be, without prompting."""

    NO_BUS_ADDRESS = "no-bus-address"
    BUS_UNREACHABLE = "bus-unreachable"
    NO_SERVICE = "no-service"
    SERVICE_FAILS = "service-fails"
    SERVICE_HUNG = "service-hung"
    NO_COLLECTION = "no-collection"
    MEMORY_ONLY = "memory-only"
    """The collection is the service's `session` collection, which is lost when the service ends."""
    LOCKED = "locked"
    UNENCRYPTED = "unencrypted"
    """The collection's password is empty, and its file plain text."""
    READY = "ready"


class Origin(StrEnum):
    """Why keyring would use the backend that it would use."""

    ENVIRONMENT = "environment"
    CONFIG = "config"
    PRIORITY = "priority"


_CODES: Final = {
    **{"NoKeyringError": Code.NO_BACKEND, "UnicodeError": Code.NOT_TEXT},
    **dict.fromkeys(("KeyringLocked", "LockedException", "IsLocked"), Code.LOCKED),
    **dict.fromkeys(("OSError", "InitError", "SecretServiceNotAvailableException"), Code.LOST),
    **dict.fromkeys(("ItemNotFoundException", "NoReply", "ServiceUnknown"), Code.LOST),
}
"""By the last word of a D-Bus error, or a class's name: keyring's, SecretStorage's and Python's own."""
_DBUS_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,200}")


class WorkerError(Exception):
    """What the worker itself found to stand in the way: a code, and facts that are fit to be shown."""

    def __init__(self, code: Code, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def answer_to(error: Exception) -> dict[str, Any]:
    """Return the answer that stands for `error`: a code, the error's class, perhaps a number."""
    if isinstance(error, WorkerError):
        return {**error.facts, "code": error.code}
    if (number := _system_number(error)) is not None:
        return {"code": Code.SYSTEM, "kind": class_path(type(error)), "number": number}
    names = (kind(error).rpartition(".")[2], *(each.__name__ for each in type(error).__mro__))
    if type(error).__module__ == "configparser":
        return {"code": Code.BAD_CONFIG, "kind": kind(error)}
    return {"code": next((_CODES[name] for name in names if name in _CODES), Code.FAILED), "kind": kind(error)}


def kind(error: Exception) -> str:
    """Return the D-Bus name of `error` or of its cause, else its class: safe to show, never its text."""
    for link in (error, error.__cause__):
        name = getattr(link, "name", None)
        is_from_bus = class_path(type(link)) == "jeepney.wrappers.DBusErrorResponse"
        if is_from_bus and isinstance(name, str) and _DBUS_NAME.fullmatch(name):
            return name
    return class_path(type(error))


def class_path(cls: type) -> str:
    """Return the name under which `cls` can be imported."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _system_number(error: Exception) -> int | None:
    """Return the OSStatus (keyring.backends.macOS.api.Error) or Windows error behind `error`, if any."""
    for link in (error, error.__cause__):
        module = type(link).__module__
        is_system = module.startswith("keyring.backends.macOS") or module.rpartition(".")[2] == "pywintypes"
        if link is not None and is_system and link.args and isinstance(link.args[0], int):
            return link.args[0]
    return None
