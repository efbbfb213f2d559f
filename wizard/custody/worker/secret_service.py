"""The state of the Secret Service on the session bus, found without a prompt and within a deadline.

Invariant: nothing here runs a prompt. `Service.Unlock` alone only returns the path of one
(Secret Service API 0.2, "Prompts"); what it returns is dismissed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jeepney import DBusAddress  # type: ignore[import-untyped]
from jeepney.auth import AuthenticationError  # type: ignore[import-untyped]

from wizard.custody.worker import at_rest
from wizard.custody.worker.bus import Bus
from wizard.custody.worker.failures import Refusal, kind
from wizard.custody.worker.protocol import BUS_VARIABLE, COLLECTION_VARIABLE, PATIENCE, AtRest, Code, State

_NAME: Final = "org.freedesktop.secrets"
_NO_OBJECT: Final = "/"
_GNOME: Final = "gnome-keyring-d"
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
    at_rest: AtRest = AtRest.UNKNOWN
    """How that collection lies on the disk; looked at where it is open and GNOME keyring's."""


def answer(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what `look` finds as the child's answer."""
    found = look(environ)
    return {
        "code": Code.OK,
        "state": found.state,
        "detail": found.detail,
        "provider": found.provider,
        "collection": found.collection,
        "at_rest": found.at_rest,
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
        return _with_file(bus, _ask_bus(bus, environ.get(COLLECTION_VARIABLE, "")), environ)


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


def _with_file(bus: Bus, found: Finding, environ: Mapping[str, str]) -> Finding:
    """Return what was found together with how the collection's file is kept."""
    if found.state is not State.READY or found.provider != _GNOME:
        return found
    seen = at_rest.look(found.collection, _provider_pid(bus), environ)
    return replace(found, state=State.UNENCRYPTED if seen is AtRest.PLAIN else State.READY, at_rest=seen)


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
    try:
        return Path(f"/proc/{_provider_pid(bus)}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _provider_pid(bus: Bus) -> int:
    """Return the process that owns the service's name; 0, which is none, where nobody does."""
    answer = bus.try_call(_BUS, "GetConnectionUnixProcessID", "s", _NAME)
    return int(answer[0]) if answer else 0
