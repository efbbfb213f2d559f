"""Open GNOME keyring with a typed password, without its dialog: it may open on a screen that nobody sees.

The interface is gnome-keyring's own and named internal by it (daemon/dbus/org.gnome.keyring.InternalUnsupported…xml);
no other provider has it. Invariant: the password goes over the bus encrypted, as the Secret Service API has it for
secrets, and every call has a deadline.
"""

from __future__ import annotations

import os
from typing import Any, Final

from jeepney import DBusAddress  # type: ignore[import-untyped]
from secretstorage.dhcrypto import Session
from secretstorage.util import format_secret

from wizard.custody.worker.bus import Bus
from wizard.custody.worker.failures import Refusal
from wizard.custody.worker.protocol import COLLECTION_VARIABLE, Code

_NAME: Final = "org.freedesktop.secrets"
_PATH: Final = "/org/freedesktop/secrets"
_SERVICE: Final = DBusAddress(_PATH, _NAME, "org.freedesktop.Secret.Service")
_INTERNAL: Final = DBusAddress(_PATH, _NAME, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface")
_DEFAULT: Final = "/org/freedesktop/secrets/aliases/default"
_LABEL: Final = "org.freedesktop.Secret.Collection.Label"
_DENIED: Final = "org.gnome.keyring.Error.Denied"
_ALGORITHM: Final = "dh-ietf1024-sha256-aes128-cbc-pkcs7"
_PATIENCE: Final = 5.0
"""Seconds for all calls together; a healthy keyring takes 35 ms."""


def unlock(request: dict[str, Any]) -> dict[str, Any]:
    """Unlock the collection that keyring would use."""
    with Bus(_PATIENCE) as bus:
        master = _encrypted(bus, request["value"])
        try:
            bus.call(_INTERNAL, "UnlockWithMasterPassword", "o(oayays)", _collection(), master)
        except Refusal as refusal:
            if refusal.name == _DENIED:
                return {"code": Code.WRONG_PASSWORD}
            raise
    return {"code": Code.OK}


def create(request: dict[str, Any]) -> dict[str, Any]:
    """Create the collection `login`, which a password login opens by itself, and make it the default one."""
    with Bus(_PATIENCE) as bus:
        master = _encrypted(bus, request["value"])
        label = {_LABEL: ("s", "login")}
        (path,) = bus.call(_INTERNAL, "CreateWithMasterPassword", "a{sv}(oayays)", label, master)
        bus.call(_SERVICE, "SetAlias", "so", "default", path)
    return {"code": Code.OK}


def _collection() -> str:
    return os.environ.get(COLLECTION_VARIABLE) or _DEFAULT


def _encrypted(bus: Bus, password: str) -> tuple[str, bytes, bytes, str]:
    """Return the password as a secret of a session of its own (Secret Service API 0.2, "Transfer of Secrets")."""
    session = Session()
    own = ("ay", session.my_public_key.to_bytes(128, "big"))
    (_, theirs), session.object_path = bus.call(_SERVICE, "OpenSession", "sv", _ALGORITHM, own)
    session.set_server_public_key(int.from_bytes(theirs, "big"))
    return format_secret(session, password.encode(), "text/plain")
