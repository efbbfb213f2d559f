"""Write, read and delete one item with one pinned backend.

Invariant: with a Secret Service that is not ready, keyring is not called at all: it would open a
dialog on whatever display the service knows of, or block for ever (facts/keyring.md section 1.1).
"""

from __future__ import annotations

import os
from typing import Any, Final

from keyring import core
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from wizard.custody.worker.failures import CannotLoad, InAnotherCollection, NotReady, kind
from wizard.custody.worker.protocol import SECRET_SERVICE_BACKENDS, Code, State

_RENAMING: Final = ("KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_APPID")
"""Variables that change under which attributes keyring stores: with another value, nothing is found again."""


def write(request: dict[str, Any]) -> dict[str, Any]:
    """Set the value. Success means that the backend said so: read it back in another process."""
    _ring(request).set_password(request["service"], request["user"], request["value"])
    return {"code": Code.OK}


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Return the value, or None where there is no such item, also in no other collection."""
    value = _ring(request).get_password(request["service"], request["user"])
    if value is not None:
        value.encode("utf-8")  # a lone surrogate fails here, where its text stays inside
    elif request["backend"] in SECRET_SERVICE_BACKENDS:
        _expect_in_no_collection(request)
    return {"code": Code.OK, "value": value}


def delete(request: dict[str, Any]) -> dict[str, Any]:
    """Delete the item. One that is not there is deleted already."""
    ring = _ring(request)
    try:
        ring.delete_password(request["service"], request["user"])
    except PasswordDeleteError:
        # Some backends say this for "absent", some for "not allowed".
        if ring.get_password(request["service"], request["user"]) is not None:
            raise
    return {"code": Code.OK}


def _ring(request: dict[str, Any]) -> KeyringBackend:
    backend = request["backend"]
    if backend in SECRET_SERVICE_BACKENDS:
        _expect_ready()
        for name in _RENAMING:
            os.environ.pop(name, None)
    try:
        return core.load_keyring(backend)
    except Exception as error:
        raise CannotLoad(kind(error)) from None


def _expect_in_no_collection(request: dict[str, Any]) -> None:
    """keyring looks into one collection alone, and which one that is can change between two runs."""
    from wizard.custody.worker import listing  # noqa: PLC0415 - jeepney is installed on Linux only

    if collections := listing.collections(request["service"], request["user"], request["deadline"]):
        raise InAnotherCollection(collections[0])


def _expect_ready() -> None:
    from wizard.custody.worker import secret_service  # noqa: PLC0415 - jeepney is installed on Linux only

    found = secret_service.answer(os.environ)
    if found["state"] is not State.READY:
        raise NotReady(found)
