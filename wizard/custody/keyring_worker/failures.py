"""From an exception to a code.

Invariant: no exception's text or argument leaves the child, but for system error numbers. A
UnicodeEncodeError, for one, carries the whole secret.
"""

from __future__ import annotations

import configparser
import re
from typing import Any

from keyring.errors import InitError, KeyringLocked, NoKeyringError

from wizard.custody.keyring_worker.protocol import Code

_DBUS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,200}")
_LOCKED = {"LockedException", "IsLocked"}
"""secretstorage's class and the Secret Service's D-Bus error."""
_LOST = {"SecretServiceNotAvailableException", "ItemNotFoundException", "NoReply", "ServiceUnknown"}


class NotReady(Exception):
    """The Secret Service is not ready, so keyring was not called."""

    def __init__(self, finding: dict[str, Any]) -> None:
        super().__init__(finding["state"])
        self.finding = finding


class InAnotherCollection(Exception):
    """The item is not in the collection that keyring uses, but in another one."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.collection = collection


class CannotLoad(Exception):
    """The pinned backend does not load here, or is not viable."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Refusal(Exception):
    """Somebody on the bus answered with an error; only its D-Bus name is kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def answer(error: Exception) -> dict[str, Any]:
    """Return the answer that stands for `error`: a code, the error's class, perhaps a number."""
    if isinstance(error, NotReady):
        return {**error.finding, "code": Code.NOT_READY}
    if isinstance(error, InAnotherCollection):
        return {"code": Code.ELSEWHERE, "collection": error.collection}
    if (number := _system_number(error)) is not None:
        return {"code": Code.SYSTEM, "kind": class_path(type(error)), "number": number}
    return {"code": _code(error), "kind": kind(error)}


def kind(error: Exception) -> str:
    """Return the D-Bus name of `error` where it has one, else its class: safe to show, never its text."""
    if isinstance(error, CannotLoad):
        return error.cause
    path = class_path(type(error))
    name = getattr(error, "name", None)
    is_from_bus = isinstance(error, Refusal) or path == "jeepney.wrappers.DBusErrorResponse"
    return name if is_from_bus and isinstance(name, str) and _DBUS_NAME.fullmatch(name) else path


def class_path(cls: type) -> str:
    """Return the name under which `cls` can be imported."""
    return f"{cls.__module__}.{cls.__qualname__}"


def _code(error: Exception) -> Code:
    name = kind(error).rpartition(".")[2]
    if isinstance(error, (NoKeyringError, CannotLoad)):
        return Code.NO_BACKEND
    if isinstance(error, KeyringLocked) or name in _LOCKED:
        return Code.LOCKED
    if isinstance(error, (OSError, InitError)) or name in _LOST:
        return Code.LOST
    if isinstance(error, UnicodeError):
        return Code.NOT_TEXT
    return Code.BAD_CONFIG if isinstance(error, configparser.Error) else Code.FAILED


def _system_number(error: Exception) -> int | None:
    """Return the OSStatus (keyring.backends.macOS.api.Error) or Windows error behind `error`, if any."""
    for link in (error, error.__cause__):
        module = type(link).__module__
        is_system = module.startswith("keyring.backends.macOS") or module.rpartition(".")[2] == "pywintypes"
        if link is not None and is_system and link.args and isinstance(link.args[0], int):
            return link.args[0]
    return None
