"""The Secret Service on the session bus, asked without a prompt and within a deadline, and GNOME keyring's password.

SecretStorage is not asked: none of its calls but `unlock` has a deadline, so a stopped service blocks them for ever,
and its `get_default_collection` makes a collection, with a prompt, where there is none.

Invariants: nothing here runs a prompt. `Service.Unlock` alone only returns the path of one (Secret Service API 0.2,
"Prompts"); what it returns is dismissed. All calls over one connection share one deadline. A password goes over the bus
encrypted, as the Secret Service API has it for secrets.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call  # type: ignore[import-untyped]
from jeepney.auth import AuthenticationError  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
from secretstorage.dhcrypto import Session
from secretstorage.util import format_secret

from wizard.custody.keyring_worker.failures import Refusal, kind
from wizard.custody.keyring_worker.protocol import BUS_VARIABLE, COLLECTION_VARIABLE, PATIENCE, Code, State

_NAME: Final = "org.freedesktop.secrets"
_PATH: Final = "/org/freedesktop/secrets"
_NO_OBJECT: Final = "/"
_ALIASES: Final = f"{_PATH}/aliases/"
_SESSION_COLLECTION: Final = f"{_PATH}/collection/session"
_BUS: Final = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_SERVICE: Final = DBusAddress(_PATH, _NAME, "org.freedesktop.Secret.Service")
_OURS: Final = {"application": "Python keyring library", "username": "credentials"}
"""The attributes of our items, as keyring.backends.SecretService writes them; they are no secret."""

_GNOME: Final = "gnome-keyring-d"
_PLAIN_TEXT: Final = b"[keyring]"
_ESCAPED: Final = re.compile(rb"_([0-9a-f]{2})")
_GNOME_INTERNAL: Final = DBusAddress(_PATH, _NAME, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface")
"""gnome-keyring's own, and named internal by it (daemon/dbus/org.gnome.keyring.InternalUnsupported…xml); no other
provider has it. Its dialog is no way: it may open on a screen that nobody sees."""
_DENIED: Final = "org.gnome.keyring.Error.Denied"
_LABEL: Final = "org.freedesktop.Secret.Collection.Label"
_ALGORITHM: Final = "dh-ietf1024-sha256-aes128-cbc-pkcs7"
_UNLOCKING: Final = 5.0
"""Seconds for all calls together; a healthy keyring takes 35 ms."""


class Bus:
    """A connection to the session bus.

    Args:
        patience: Seconds for all calls together.

    Raises:
        OSError: nobody listens at the address, or nobody answers (`TimeoutError`).
        AuthenticationError: a bus is there and does not let this user in.
        ValueError, RuntimeError: the address is of a kind that jeepney cannot use.
    """

    def __init__(self, patience: float) -> None:
        self._expires = time.monotonic() + patience
        self._connection = open_dbus_connection("SESSION", auth_timeout=min(patience, 1.0))

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(self, address: DBusAddress, method: str, signature: str | None = None, *body: object) -> tuple[Any, ...]:
        """Return the body of the reply.

        Raises:
            Refusal: the reply is an error.
            TimeoutError: the deadline passed.
            OSError: the bus went away.
        """
        message = new_method_call(address, method, signature, body)
        reply = self._connection.send_and_get_reply(message, timeout=max(0.0, self._expires - time.monotonic()))
        if reply.header.message_type is MessageType.error:
            raise Refusal(str(reply.header.fields.get(HeaderFields.error_name, "")))
        return tuple(reply.body)

    def try_call(
        self, address: DBusAddress, method: str, signature: str | None = None, *body: object
    ) -> tuple[Any, ...] | None:
        """Return the body of the reply, or None where there was none in time."""
        try:
            return self.call(address, method, signature, *body)
        except (OSError, Refusal):
            return None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and as far as it was seen, who answers and for which collection."""

    state: State
    detail: str = ""
    """The name of the error behind the state; empty where there was none."""
    provider: str = ""
    """The program that owns the service's name, as /proc/PID/comm has it (at most 15 characters)."""
    collection: str = ""
    """The D-Bus path of the collection that keyring would use."""


def answer(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what `look` finds as the child's answer."""
    return {"code": Code.OK, **asdict(look(environ))}


def look(environ: Mapping[str, str], patience: float = PATIENCE) -> Finding:
    """Return the state of the service, after at most `patience` seconds and one more for the bus."""
    if not environ.get(BUS_VARIABLE):
        return Finding(State.NO_BUS_ADDRESS)
    try:
        bus = Bus(patience)
    except (OSError, AuthenticationError) as error:
        return Finding(State.BUS_UNREACHABLE, kind(error))
    except (ValueError, RuntimeError) as error:  # jeepney's words for an address that it cannot use
        return Finding(State.NO_BUS_ADDRESS, kind(error))
    with bus:
        found = _ask_bus(bus, environ.get(COLLECTION_VARIABLE, ""))
    is_plain = found.state is State.READY and found.provider == _GNOME and _is_plain_text(found.collection, environ)
    return replace(found, state=State.UNENCRYPTED) if is_plain else found


def _ask_bus(bus: Bus, preferred: str) -> Finding:
    try:
        (is_running,) = bus.call(_BUS, "NameHasOwner", "s", _NAME)
        if not is_running and _NAME not in bus.call(_BUS, "ListActivatableNames")[0]:
            return Finding(State.NO_SERVICE)
    except (OSError, Refusal) as error:
        return Finding(State.BUS_UNREACHABLE, kind(error))
    provider = _provider(bus)
    try:
        return _ask_service(bus, provider, preferred)
    except TimeoutError:
        return Finding(State.SERVICE_HUNG, provider=provider)
    except Refusal as refusal:
        return Finding(State.SERVICE_FAILS, kind(refusal), provider)
    except OSError as error:
        return Finding(State.BUS_UNREACHABLE, kind(error))


def _ask_service(bus: Bus, provider: str, preferred: str) -> Finding:
    # This call starts a service that is not running and that the bus can start; it starts locked.
    (default,) = bus.call(_SERVICE, "ReadAlias", "s", "default")
    provider, collection = provider or _provider(bus), _behind_alias(bus, preferred) or default
    if collection == _NO_OBJECT:
        return Finding(State.NO_COLLECTION, provider=provider)
    if collection == _SESSION_COLLECTION:
        return Finding(State.MEMORY_ONLY, provider=provider, collection=collection)
    try:
        is_open = not _is_locked(bus, collection) or _opens_by_itself(bus, collection)
    except Refusal as refusal:
        if not preferred:
            raise
        return Finding(State.NO_COLLECTION, kind(refusal), provider, collection)
    return Finding(State.READY if is_open else State.LOCKED, provider=provider, collection=collection)


def _behind_alias(bus: Bus, preferred: str) -> str:
    """Return the collection that an alias stands for: what is known of a collection is known by its own name."""
    if not preferred.startswith(_ALIASES):
        return preferred
    return str(bus.call(_SERVICE, "ReadAlias", "s", preferred.removeprefix(_ALIASES))[0])


def _is_plain_text(collection: str, environ: Mapping[str, str]) -> bool:
    """Whether the collection's file is plain text, secrets included: with an empty password GNOME keyring writes such.

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


def _is_locked(bus: Bus, collection: str) -> bool:
    properties = DBusAddress(collection, _NAME, "org.freedesktop.DBus.Properties")
    ((_, is_locked),) = bus.call(properties, "Get", "ss", "org.freedesktop.Secret.Collection", "Locked")
    return bool(is_locked)


def _opens_by_itself(bus: Bus, collection: str) -> bool:
    """Whether the service unlocks the collection without asking anybody."""
    _, prompt = bus.call(_SERVICE, "Unlock", "ao", [collection])
    if prompt != _NO_OBJECT:
        bus.try_call(DBusAddress(prompt, _NAME, "org.freedesktop.Secret.Prompt"), "Dismiss")
    return not _is_locked(bus, collection)


def _provider(bus: Bus) -> str:
    owner = bus.try_call(_BUS, "GetConnectionUnixProcessID", "s", _NAME)
    try:
        return Path(f"/proc/{owner[0]}/comm").read_text("utf-8", "replace").strip() if owner else ""
    except OSError:
        return ""


def names(prefix: str) -> dict[str, Any]:
    """Return the names of our unlocked items that begin with `prefix`; the keyring library has no such question."""
    with Bus(PATIENCE) as bus:
        unlocked, _ = bus.call(_SERVICE, "SearchItems", "a{ss}", _OURS)
        found = {_item_name(bus, path) for path in unlocked}
    return {"code": Code.OK, "names": sorted(name for name in found if name.startswith(prefix))}


def collections(name: str, user: str, patience: float) -> list[str]:
    """Return the D-Bus paths of the collections, locked ones too, that hold an item of this name."""
    with Bus(patience) as bus:
        unlocked, locked = bus.call(_SERVICE, "SearchItems", "a{ss}", {"service": name, "username": user})
    return sorted({path.rpartition("/")[0] for path in [*unlocked, *locked]})


def unlock(password: str) -> dict[str, Any]:
    """Unlock the collection of GNOME keyring that the keyring library would use."""
    with Bus(_UNLOCKING) as bus:
        collection = os.environ.get(COLLECTION_VARIABLE) or f"{_ALIASES}default"
        try:
            bus.call(_GNOME_INTERNAL, "UnlockWithMasterPassword", "o(oayays)", collection, _encrypted(bus, password))
        except Refusal as refusal:
            if refusal.name == _DENIED:
                return {"code": Code.WRONG_PASSWORD}
            raise
    return {"code": Code.OK}


def create(password: str) -> dict[str, Any]:
    """Create GNOME keyring's collection `login`, which a password login opens by itself; it is the default one then."""
    with Bus(_UNLOCKING) as bus:
        label = {_LABEL: ("s", "login")}
        (path,) = bus.call(
            _GNOME_INTERNAL, "CreateWithMasterPassword", "a{sv}(oayays)", label, _encrypted(bus, password)
        )
        bus.call(_SERVICE, "SetAlias", "so", "default", path)
    return {"code": Code.OK}


def _encrypted(bus: Bus, password: str) -> tuple[str, bytes, bytes, str]:
    """Return the password as a secret of a session of its own (Secret Service API 0.2, "Transfer of Secrets")."""
    session = Session()
    own = ("ay", session.my_public_key.to_bytes(128, "big"))
    (_, theirs), session.object_path = bus.call(_SERVICE, "OpenSession", "sv", _ALGORITHM, own)
    session.set_server_public_key(int.from_bytes(theirs, "big"))
    return format_secret(session, password.encode(), "text/plain")


def _item_name(bus: Bus, path: str) -> str:
    item = DBusAddress(path, _NAME, "org.freedesktop.DBus.Properties")
    answer = bus.try_call(item, "Get", "ss", "org.freedesktop.Secret.Item", "Attributes")
    return str(answer[0][1].get("service", "")) if answer else ""  # None: deleted in between
