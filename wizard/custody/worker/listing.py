"""Which items of ours does a Secret Service hold? By their attributes alone, which are no secret.

The keyring library has no such question; its own attributes are those of keyring.backends.SecretService.
"""

from __future__ import annotations

from typing import Any, Final

from jeepney import DBusAddress  # type: ignore[import-untyped]

from wizard.custody.worker.bus import Bus
from wizard.custody.worker.protocol import PATIENCE, Code

_NAME: Final = "org.freedesktop.secrets"
_SERVICE: Final = DBusAddress("/org/freedesktop/secrets", _NAME, "org.freedesktop.Secret.Service")
_OURS: Final = {"application": "Python keyring library", "username": "credentials"}


def services(request: dict[str, Any]) -> dict[str, Any]:
    """Return the services of our unlocked items that begin with the request's `service`."""
    with Bus(PATIENCE) as bus:
        unlocked, _ = bus.call(_SERVICE, "SearchItems", "a{ss}", _OURS)
        found = {_service(bus, path) for path in unlocked}
    return {"code": Code.OK, "services": sorted(name for name in found if name.startswith(request["service"]))}


def collections(service: str, user: str, patience: float) -> list[str]:
    """Return the D-Bus paths of the collections, locked ones too, that hold an item of this name."""
    with Bus(patience) as bus:
        unlocked, locked = bus.call(_SERVICE, "SearchItems", "a{ss}", {"service": service, "username": user})
    return sorted({path.rpartition("/")[0] for path in [*unlocked, *locked]})


def _service(bus: Bus, path: str) -> str:
    item = DBusAddress(path, _NAME, "org.freedesktop.DBus.Properties")
    answer = bus.try_call(item, "Get", "ss", "org.freedesktop.Secret.Item", "Attributes")
    return str(answer[0][1].get("service", "")) if answer else ""  # None: deleted in between
