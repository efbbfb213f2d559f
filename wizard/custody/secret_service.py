"""The Secret Service as it was found: its names for people, and one remedy for each state in which it is no use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from wizard.core.text import printable
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring_worker.protocol import BUS_VARIABLE, COLLECTION_VARIABLE, PATIENCE, State

GNOME: Final = "GNOME keyring"
_ESCAPED = re.compile("_([0-9a-f]{2})")

# The first 15 characters of the program's name, which is all that /proc/PID/comm holds.
_NAMES: Final = {
    "gnome-keyring-d": GNOME,
    "keepassxc": "KeePassXC",
    "ksecretd": "KWallet",
    "kwalletd6": "KWallet",
    "kwalletd5": "KWallet",
    "oo7-daemon": "oo7",
}
UNLOCK_COMMAND: Final = (
    'read -rs P; printf %s "$P" | gnome-keyring-daemon --replace --unlock --components=secrets >/dev/null; unset P'
)
"""Asks for the keyring's password and unlocks it, or makes a first one. `echo` in place of `printf`
would add a line break to the password; the exit status is 0 for a wrong one too. It knows no collection but `login`."""

BUS_COMMAND: Final = "dbus-run-session -- sh -c 'key-wizard >/dev/tty 2>&1' >/dev/null 2>&1"
"""Opens the wizard on a session bus that ends with it. What the bus starts prints to nowhere, not over the screens."""


@dataclass(frozen=True, slots=True)
class Service:
    """The Secret Service as it was found."""

    state: State
    provider: str = ""
    collection: str = ""
    detail: str = ""
    bus: str = ""
    """The bus address that was asked; empty where there is none."""


@dataclass(frozen=True, slots=True)
class _Remedy:
    what: str
    why: str
    advice: str
    gnome_advice: str = ""
    """In place of `advice` where the service is GNOME keyring's."""


_REMEDIES: Final = {
    State.NO_BUS_ADDRESS: _Remedy(
        "This login has no session bus, so no keyring can be reached",
        f"{BUS_VARIABLE} is {{bus}}, and there is no bus socket in the user's runtime directory.",
        "Log in with a user session: `sudo`, `su` and cron have none. Or close the wizard and start it with a bus: "
        f"`{BUS_COMMAND}`. Your bot then needs `dbus-run-session` too. Or choose the encrypted file.",
    ),
    State.BUS_UNREACHABLE: _Remedy(
        "The session bus does not answer",
        f"{BUS_VARIABLE} is {{bus}}. The attempt ended with {{detail}}.",
        "The variable may be left over from another login or another user. Log out and in again, or unset it.",
    ),
    State.NO_SERVICE: _Remedy(
        "No keyring program is on the session bus",
        "org.freedesktop.secrets is neither running nor can the bus start it.",
        "Install one (Debian: `apt-get install gnome-keyring`), or switch on the Secret Service in KeePassXC. "
        f"Start GNOME keyring with `{UNLOCK_COMMAND}`.",
    ),
    State.SERVICE_FAILS: _Remedy(
        "The keyring program cannot be started",
        "The session bus tried, and answered {detail}.",
        "Start it by hand to see its message: `gnome-keyring-daemon --foreground --components=secrets`.",
    ),
    State.SERVICE_HUNG: _Remedy(
        "The keyring program does not answer",
        f"{{provider}} owns org.freedesktop.secrets and gave no answer within {PATIENCE:g} s.",
        "Look for a password dialog on the desktop and answer it, or end the program and start it again.",
    ),
    State.NO_COLLECTION: _Remedy(
        "The keyring has no collection to store into",
        "{provider} answers, and names no default collection{named}.",
        "Create a default collection in {provider} itself, then try again.",
        f"Create one in the wizard; or choose a password for it and run `{UNLOCK_COMMAND}`.",
    ),
    State.MEMORY_ONLY: _Remedy(
        "The keyring's collection is kept in memory only",
        "{provider} would store into its collection {collection}, which is lost when the program ends.",
        f"Unset {COLLECTION_VARIABLE}, or make another collection the default one.",
    ),
    State.LOCKED: _Remedy(
        "The keyring is locked",
        "{provider}, collection {collection}, is locked, and opens with its password only.",
        "Unlock it in {provider} itself, then try again.",
        f"Unlock it in the wizard or on the desktop; without them run `{UNLOCK_COMMAND}`.",
    ),
    State.UNENCRYPTED: _Remedy(
        "The keyring is not encrypted: its collection has an empty password",
        "{provider} keeps collection {collection} as a plain text file, so whoever gets at the disk or a backup of it "
        "reads every secret in it.",
        "Choose a password for it in the program Passwords and Keys (seahorse): Change Password. Without a desktop, "
        "choose the encrypted file in the wizard.",
    ),
}


_COMMANDS_COLLECTION: Final = "login"
"""The one collection that `UNLOCK_COMMAND` unlocks or makes."""
_OWN: Final = {State.LOCKED: Remedy.UNLOCK, State.NO_COLLECTION: Remedy.CREATE}
"""What the wizard itself can do where the service is GNOME keyring's."""


def provider_name(comm: str) -> str:
    """Return what people call the program; the program's own name where it is not known."""
    return _NAMES.get(comm, printable(comm, 40)) or "Secret Service"


def collection_name(path: str) -> str:
    """Return the last part of a collection's D-Bus path, `_20` and its like decoded."""
    return printable(_ESCAPED.sub(lambda hit: chr(int(hit[1], 16)), path.rpartition("/")[2]), 40)


def unusable_service(service: Service) -> CustodyError:
    """Return the error for a Secret Service that is not ready, with its remedy."""
    remedy, provider = _REMEDIES[service.state], provider_name(service.provider)
    words = {
        "provider": provider,
        "collection": collection_name(service.collection) or "login",
        "named": f" called {collection_name(service.collection)}" if service.collection else "",
        "detail": printable(service.detail) or "no error name",
        "bus": printable(service.bus) or "not set",
    }
    advice = _gnome_advice(service, remedy) if provider == GNOME else remedy.advice
    own = _OWN.get(service.state, Remedy.NONE) if provider == GNOME and not _is_misnamed(service) else Remedy.NONE
    if _is_misnamed(service):
        advice = f"Unset {COLLECTION_VARIABLE}, or have it name a collection that there is."
    return CustodyError(
        remedy.what, why=remedy.why.format(**words), advice=advice.format(**words), code=service.state, remedy=own
    )


def _gnome_advice(service: Service, remedy: _Remedy) -> str:
    if service.state is State.LOCKED and collection_name(service.collection) not in {"", _COMMANDS_COLLECTION}:
        return "Unlock it in the wizard or on the desktop."
    return remedy.gnome_advice or remedy.advice


def _is_misnamed(service: Service) -> bool:
    """Whether the environment names a collection that there is not: one made here would have another name."""
    return service.state is State.NO_COLLECTION and bool(service.collection)
