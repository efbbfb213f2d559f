"""The words that both ends of the pipe use. Invariant: no imports but the standard library's."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

PATIENCE: Final = 2.0
"""Seconds for all D-Bus calls that find the state together; a healthy service answers them in 5 ms."""

BUS_VARIABLE: Final = "DBUS_SESSION_BUS_ADDRESS"
COLLECTION_VARIABLE: Final = "KEYRING_PROPERTY_PREFERRED_COLLECTION"
BACKEND_VARIABLE: Final = "PYTHON_KEYRING_BACKEND"

CHAINER: Final = "keyring.backends.chainer.ChainerBackend"
SECRET_SERVICE_BACKENDS: Final = frozenset(
    {"keyring.backends.SecretService.Keyring", "keyring.backends.libsecret.Keyring"}
)
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
    """The Secret Service is not ready; the answer carries its `State`. keyring was not called."""
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


class State(StrEnum):
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
