"""The Secret Service on the session bus, by SecretStorage: its state, its items, and GNOME Keyring's password.

Invariants: nothing here runs a prompt. SecretStorage runs one to unlock, to write into what is locked and to make a
default collection: of its calls only those are used that do not. `Service.Unlock` alone only returns the path of a
prompt (Secret Service API 0.2, "Prompts"); what it returns is dismissed. All calls over one connection share one
deadline. A password goes over the bus encrypted, as the Secret Service API has it for secrets.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from jeepney import DBusErrorResponse, message_bus  # type: ignore[import-untyped]
from jeepney.auth import AuthenticationError  # type: ignore[import-untyped]
from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]
from secretstorage import Collection, Item, check_service_availability, get_collection_by_alias
from secretstorage.collection import DEFAULT_COLLECTION, SERVICE_IFACE, SESSION_COLLECTION
from secretstorage.defines import DBUS_NOT_SUPPORTED, SS_PATH
from secretstorage.exceptions import ItemNotFoundException, SecretStorageException
from secretstorage.util import BUS_NAME, PROMPT_IFACE, DBusAddressWrapper, format_secret, open_session

from wizard.custody.keyring_worker import protocol
from wizard.custody.keyring_worker.protocol import Code, ServiceState, WorkerError, kind

_ALIASES: Final = DEFAULT_COLLECTION.removesuffix("default")
_OURS: Final = {"application": "Python keyring library", "username": "credentials"}
"""The attributes of our items, as keyring.backends.SecretService writes them; they are no secret."""

_GNOME: Final = "gnome-keyring-d"
_PLAIN_TEXT: Final = b"[keyring]"
_ESCAPED: Final = re.compile(rb"_([0-9a-f]{2})")
_GNOME_INTERNAL: Final = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
"""gnome-keyring's own, and named internal by it (daemon/dbus/org.gnome.keyring.InternalUnsupported…xml); no other
provider has it. Its dialog is no way: it may open on a screen that nobody sees."""
_DENIED: Final = "org.gnome.keyring.Error.Denied"
_LABEL: Final = "org.freedesktop.Secret.Collection.Label"
_REREADING: Final = 0.2
"""Seconds. GNOME Keyring was seen to have no default collection for an instant while another program wrote into it."""
_UNLOCKING: Final = 5.0
"""Seconds for all calls together; a healthy keyring takes 35 ms."""


class Bus:
    """A connection to the session bus, as SecretStorage uses one, whose calls all end within `patience` seconds.

    Making one raises OSError where nobody listens or answers, AuthenticationError where this user is not let in, and
    ValueError or RuntimeError for an address of a kind that jeepney cannot use.
    """

    def __init__(self, patience: float) -> None:
        self._expires = time.monotonic() + patience
        self._connection = open_dbus_connection("SESSION", auth_timeout=min(patience, 1.0))
        self.close = self._connection.close

    def send_and_get_reply(self, message: Any, *, timeout: None = None) -> Any:  # noqa: ARG002 - jeepney's own name
        """Return the reply, or raise TimeoutError once the deadline has passed."""
        return self._connection.send_and_get_reply(message, timeout=max(0.0, self._expires - time.monotonic()))


def look(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the state of the service, after at most `PATIENCE` and one second more for the bus.

    With it goes, as far as it was seen: `detail`, the name of the error behind the state; `provider`, the program that
    owns the service's name, as /proc/PID/comm has it (at most 15 characters); `collection`, the D-Bus path of the
    collection that keyring would use; `bus`, the address that was asked.
    """
    found = _find(environ)
    if (
        found["state"] == ServiceState.READY
        and found["provider"] == _GNOME
        and _is_plain_text(found["collection"], environ)
    ):
        found["state"] = ServiceState.UNENCRYPTED
    return {**found, "bus": environ.get(protocol.BUS_VARIABLE, "")}


def _find(environ: Mapping[str, str]) -> dict[str, str]:
    if not environ.get(protocol.BUS_VARIABLE):
        return _found(ServiceState.NO_BUS_ADDRESS)
    try:
        bus = Bus(protocol.PATIENCE)
    except (OSError, AuthenticationError) as error:
        return _found(ServiceState.BUS_UNREACHABLE, kind(error))
    except (ValueError, RuntimeError) as error:  # jeepney's words for an address that it cannot use
        return _found(ServiceState.NO_BUS_ADDRESS, kind(error))
    with closing(bus):
        return _ask_bus(bus, environ.get(protocol.COLLECTION_VARIABLE, ""))


def _found(state: ServiceState, detail: str = "", provider: str = "", collection: str = "") -> dict[str, str]:
    return {"state": state, "detail": detail, "provider": provider, "collection": collection}


def _ask_bus(bus: Bus, preferred: str) -> dict[str, str]:
    try:
        if not check_service_availability(bus):
            return _found(ServiceState.NO_SERVICE)
    except (OSError, DBusErrorResponse) as error:
        return _found(ServiceState.BUS_UNREACHABLE, kind(error))
    provider = _provider(bus)
    try:
        return _ask_service(bus, provider, preferred)
    except TimeoutError:
        return _found(ServiceState.SERVICE_HUNG, provider=provider)
    except (DBusErrorResponse, SecretStorageException) as error:
        return _found(ServiceState.SERVICE_FAILS, kind(error), provider)
    except OSError as error:
        return _found(ServiceState.BUS_UNREACHABLE, kind(error))


def _ask_service(bus: Bus, provider: str, preferred: str) -> dict[str, str]:
    try:
        # This call starts a service that is not running and that the bus can start; it starts locked.
        collection = _collection(bus, preferred)
    except ItemNotFoundException as error:
        if error.__cause__ is not None and not preferred:  # the service's error, not SecretStorage's own for "none"
            raise
        return _found(
            ServiceState.NO_COLLECTION, kind(error) if preferred else "", provider or _provider(bus), preferred
        )
    path = collection.collection_path
    if path == SESSION_COLLECTION:
        state = ServiceState.MEMORY_ONLY
    else:
        state = (
            ServiceState.READY
            if not collection.is_locked() or _opens_by_itself(bus, collection)
            else ServiceState.LOCKED
        )
    return _found(state, "", provider or _provider(bus), path)


def _collection(bus: Bus, preferred: str) -> Collection:
    """Return the collection that keyring uses; what is known of one is known by its own name, not by an alias."""
    if preferred and not preferred.startswith(_ALIASES):
        return Collection(bus, preferred)
    alias = preferred.removeprefix(_ALIASES) or "default"
    try:
        return get_collection_by_alias(bus, alias)
    except ItemNotFoundException as error:
        if error.__cause__ is not None:
            raise
        time.sleep(_REREADING)
        return get_collection_by_alias(bus, alias)


def _is_plain_text(collection: str, environ: Mapping[str, str]) -> bool:
    """Whether the collection's file is plain text, secrets included: with an empty password GNOME Keyring writes such.

    Such a collection is as open as any other, and no call tells the two apart (gnome-keyring, gkm-secret-textual.c).
    """
    home = environ.get("HOME") or "/nonexistent"
    directory = Path(environ.get("XDG_DATA_HOME") or Path(home, ".local", "share"), "keyrings")
    escaped = os.fsencode(collection.rpartition("/")[2])
    name = os.fsdecode(_ESCAPED.sub(lambda hit: bytes.fromhex(hit[1].decode()), escaped))
    try:
        with (directory / f"{name}.keyring").open("rb") as file:
            return file.read(len(_PLAIN_TEXT)) == _PLAIN_TEXT
    except OSError:
        return False


def _opens_by_itself(bus: Bus, collection: Collection) -> bool:
    _, prompt = _service(bus).call("Unlock", "ao", [collection.collection_path])
    if prompt != "/":
        with suppress(OSError, DBusErrorResponse, SecretStorageException):
            DBusAddressWrapper(prompt, PROMPT_IFACE, bus).call("Dismiss", "")
    return not collection.is_locked()


def _provider(bus: Bus) -> str:
    with suppress(OSError, DBusErrorResponse):
        (process,) = Proxy(message_bus, bus).GetConnectionUnixProcessID(BUS_NAME)
        return Path(f"/proc/{process}/comm").read_text("utf-8", "replace").strip()
    return ""


def _service(bus: Bus, interface: str = SERVICE_IFACE) -> DBusAddressWrapper:
    return DBusAddressWrapper(SS_PATH, interface, bus)


def expect_ready(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what `look` finds where the service is ready; else a call might meet a prompt, or wait for ever."""
    found = look(environ)
    if found["state"] != ServiceState.READY:
        raise WorkerError(Code.NOT_READY, **found)
    return found


def read(name: str, user: str, environ: Mapping[str, str], patience: float) -> str | None:
    """Return what keyring.backends.SecretService reads, by the same attributes; None where nothing is stored.

    Raises LockedException where the service would ask its user first, by a prompt.
    """
    found = expect_ready(environ)
    with closing(Bus(patience)) as bus:
        for item in Collection(bus, found["collection"]).search_items({"service": name, "username": user}):
            return item.get_secret().decode()
    return None


def expect_in_no_collection(name: str, user: str, patience: float) -> None:
    """Return if no collection, locked ones included, holds such an item: which one keyring looks into can change."""
    with closing(Bus(patience)) as bus:
        unlocked, locked = _service(bus).call("SearchItems", "a{ss}", {"service": name, "username": user})
    if collections := sorted({path.rpartition("/")[0] for path in [*unlocked, *locked]}):
        raise WorkerError(Code.ELSEWHERE, collection=collections[0])


def names(prefix: str) -> list[str]:
    """Return the names of our unlocked items that begin with `prefix`; the keyring library has no such question."""
    found = set()
    with closing(Bus(protocol.PATIENCE)) as bus:
        unlocked, _ = _service(bus).call("SearchItems", "a{ss}", _OURS)
        for path in unlocked:
            with suppress(ItemNotFoundException):  # deleted in between
                found.add(Item(bus, path).get_attributes().get("service", ""))
    return sorted(name for name in found if name.startswith(prefix))


def unlock(password: str, environ: Mapping[str, str]) -> None:
    """Unlock the collection of GNOME Keyring that the keyring library would use."""
    collection = environ.get(protocol.COLLECTION_VARIABLE) or DEFAULT_COLLECTION
    with closing(Bus(_UNLOCKING)) as bus:
        try:
            gnome = _service(bus, _GNOME_INTERNAL)
            gnome.call("UnlockWithMasterPassword", "o(oayays)", collection, _encrypted(bus, password))
        except DBusErrorResponse as refusal:
            if refusal.name != _DENIED:
                raise
            raise WorkerError(Code.WRONG_PASSWORD) from None


def create(password: str) -> None:
    """Create GNOME Keyring's collection `login`, which a password login opens by itself; it is the default one then."""
    with closing(Bus(_UNLOCKING)) as bus:
        label = {_LABEL: ("s", "login")}
        gnome = _service(bus, _GNOME_INTERNAL)
        (path,) = gnome.call("CreateWithMasterPassword", "a{sv}(oayays)", label, _encrypted(bus, password))
        _service(bus).call("SetAlias", "so", "default", path)


def _encrypted(bus: Bus, password: str) -> tuple[str, bytes, bytes, str]:
    """Return the password as a secret of a session of its own (Secret Service API 0.2, "Transfer of Secrets")."""
    session = open_session(bus)
    if not session.encrypted:  # SecretStorage would send it in plain text
        raise WorkerError(Code.FAILED, kind=DBUS_NOT_SUPPORTED)  # what the service answered
    return format_secret(session, password.encode(), "text/plain")
