"""The state of the Secret Service on the session bus, found without a prompt and within a deadline.

Invariant: nothing here runs a prompt. `Service.Unlock` alone only returns the path of one
(Secret Service API 0.2, "Prompts"); what it returns is dismissed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jeepney import DBusAddress  # type: ignore[import-untyped]
from jeepney.auth import AuthenticationError  # type: ignore[import-untyped]

from wizard.custody.worker.bus import Bus
from wizard.custody.worker.failures import Refusal, kind
from wizard.custody.worker.protocol import BUS_VARIABLE, COLLECTION_VARIABLE, PATIENCE, Code, State

_NAME: Final = "org.freedesktop.secrets"
_NO_OBJECT: Final = "/"
_GNOME: Final = "gnome-keyring-d"
_PLAIN_TEXT: Final = b"[keyring]"
_ESCAPED: Final = re.compile(rb"_([0-9a-f]{2})")
_ALIASES: Final = "/org/freedesktop/secrets/aliases/"
_SESSION_COLLECTION: Final = "/org/freedesktop/secrets/collection/session"
_BUS: Final = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_SERVICE: Final = DBusAddress("/org/freedesktop/secrets", _NAME, "org.freedesktop.Secret.Service")


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
    found = look(environ)
    return {
        "code": Code.OK,
        "state": found.state,
        "detail": found.detail,
        "provider": found.provider,
        "collection": found.collection,
    }


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
