"""What can be wrong with the system's keyring: for each state, code and backend one error with its remedy."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wizard.core.text import printable
from wizard.custody.backends import Judgement
from wizard.custody.errors import CustodyError, ItemUnreadableError, KeptElsewhereError, Remedy
from wizard.custody.keyring_worker.protocol import (
    BACKEND_VARIABLE,
    BUS_VARIABLE,
    COLLECTION_VARIABLE,
    PATIENCE,
    SECRET_SERVICE,
    Code,
    Op,
    Origin,
    State,
)

GNOME: Final = "GNOME keyring"
DIED: Final = "died"
"""The code of a worker that did not start, or ended without an answer."""
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
    collection = collection_name(service.collection)
    advice, own = remedy.advice, Remedy.NONE
    if service.state is State.NO_COLLECTION and service.collection:
        # The environment names one that there is not: one made here would have another name.
        advice = f"Unset {COLLECTION_VARIABLE}, or have it name a collection that there is."
    elif provider == GNOME and service.state in _OWN:
        advice, own = remedy.gnome_advice, _OWN[service.state]
        if collection not in {"", "login"}:  # `UNLOCK_COMMAND` knows no other
            advice = "Unlock it in the wizard or on the desktop."
    words = {
        "provider": provider,
        "collection": collection or "login",
        "named": f" called {collection}" if service.collection else "",
        "detail": printable(service.detail) or "no error name",
        "bus": printable(service.bus) or "not set",
    }
    return CustodyError(
        remedy.what, why=remedy.why.format(**words), advice=advice.format(**words), code=service.state, remedy=own
    )


_DOING: Final = {
    Op.STATE: "Asking for the state of the Secret Service",
    Op.CHOICE: "Asking which keyring would be used",
    Op.WRITE: "Storing into the keyring",
    Op.READ: "Reading from the keyring",
    Op.DELETE: "Deleting from the keyring",
    Op.LIST: "Listing what is in the keyring",
    Op.UNLOCK: "Unlocking the keyring",
    Op.CREATE: "Creating a collection in the keyring",
}
# macOS: OSStatus (Security/SecBase.h); Windows: winerror.h.
_SYSTEM: Final = {
    -25308: (
        "locked",
        "macOS answered -25308: the keychain is locked and this login may not show its dialog, as over SSH.",
        "Run `security unlock-keychain` in this same session, then try again.",
    ),
    -25293: (
        "denied",
        "macOS answered -25293: the keychain refuses this Python.",
        "Allow the access in Keychain Access, or use a Python whose signature is intact.",
    ),
    -128: ("declined", "macOS answered -128: the request was declined.", "Try again and allow the access."),
    1312: (
        "network-login",
        "Windows answered 1312: this is a network login, as OpenSSH makes it, and has no Credential Manager.",
        "Run the wizard in a console or Remote Desktop session.",
    ),
}
_SYSTEM_STORES: Final = {
    "darwin": "keyring.backends.macOS.Keyring",
    "win32": "keyring.backends.Windows.WinVaultKeyring",
}
_CODES: Final = {
    Code.NO_BACKEND: ("The keyring backend does not work here ({kind}).", "Run the doctor to see what changed."),
    Code.LOST: (
        "The keyring's program or the session bus went away in the middle ({kind}).",
        "Start the keyring again, then repeat this step: nothing is counted as done until it was read back.",
    ),
    Code.BAD_CONFIG: (
        "keyring's configuration file keyringrc.cfg cannot be read ({kind}).",
        "Correct the file or move it away; `python -m keyring diagnose` prints where it is.",
    ),
}
_OTHER: Final = (
    "The keyring library raised {kind}.",
    "Try again; if it stays so, try `python -m keyring` by hand with a value that is no secret.",
)


def late(operation: Op, deadline: float) -> CustodyError:
    """Return the error for a worker that was ended at its deadline."""
    return CustodyError(
        f"{_DOING[operation]} took longer than {deadline:g} s and was ended",
        why="A keyring that asks for a password on a screen that nobody sees, or a hung one, does this.",
        advice="Look for a password dialog on the desktop, or restart the keyring's program. Then try again.",
        code="timeout",
    )


def no_answer(operation: Op, what: str) -> CustodyError:
    """Return the error for a worker that did not start, or ended by itself."""
    return CustodyError(
        f"{_DOING[operation]} failed",
        why=f"The program that calls the keyring {what}.",
        advice=f"Run `{sys.executable} -m keyring diagnose` to see whether the keyring library itself works.",
        code=DIED,
    )


def failure(operation: Op, answer: Mapping[str, Any]) -> CustodyError:
    """Return the error for an answer of the worker that is not `ok`."""
    code, kind, number = answer["code"], printable(str(answer.get("kind", "")), 100), answer.get("number", 0)
    if code == Code.NOT_READY:
        return unusable_service(found_service(answer))
    if code == Code.LOCKED:
        return CustodyError(
            "The keyring is locked",
            why=f"It was not unlocked when it was asked for ({kind}).",
            advice="Unlock it in its own program, then try again.",
            code=State.LOCKED,
        )
    if code == Code.ELSEWHERE:
        path = str(answer["collection"])
        return KeptElsewhereError(
            "What is looked for lies in another collection of the keyring than the one that is used",
            why=f"Collection {collection_name(path)} holds an item of this name. Which collection is used changes with"
            f" the default one and with {COLLECTION_VARIABLE}.",
            advice="Make that collection the default one again, or start the wizard with"
            f" {COLLECTION_VARIABLE}={printable(path)}. Nothing counts as gone until then.",
        )
    if code == Code.WRONG_PASSWORD:
        return CustodyError(
            "This password does not open the keyring",
            why="GNOME keyring refused it; the collection is locked as before.",
            advice="Type it again: it is often the login password, or the one from before it was changed.",
            code=code,
        )
    if code == Code.NOT_TEXT:
        return ItemUnreadableError(
            "What the keyring holds under this name is not text",
            why="Another program wrote it.",
            advice="Look at it in the keyring's own program, and remove it there if nothing needs it.",
        )
    why, advice = _CODES.get(code, _OTHER)
    if number in _SYSTEM:
        code, why, advice = _SYSTEM[number]
    elif code == Code.SYSTEM:
        why = f"The system answered {number} ({{kind}})."
    return CustodyError(f"{_DOING[operation]} failed", why=why.replace("{kind}", kind), advice=advice, code=code)


def found_service(facts: Mapping[str, Any]) -> Service:
    """Return the Secret Service as the worker described it."""
    return Service(State(facts["state"]), *(facts[name] for name in ("provider", "collection", "detail", "bus")))


def refused_backend(judgement: Judgement, origin: Origin, place: str) -> CustodyError:
    """Return the error for a backend that may not hold a secret, with the line to change."""
    if judgement.refusal == "fail" and origin is Origin.PRIORITY:
        return CustodyError(
            "There is no keyring on this system that secrets may be trusted to",
            why="The keyring library found no backend that works here.",
            advice="Run `python -m keyring diagnose` and `python -m keyring --list-backends` to see what is missing.",
            code="backend-fail",
        )
    by_whom = "the keyring library prefers it here" if origin is Origin.PRIORITY else f"{printable(place)} names it"
    wanted = _SYSTEM_STORES.get(sys.platform, SECRET_SERVICE)
    unset = ", or unset it" if origin is Origin.ENVIRONMENT else ""
    advice = f"Set {BACKEND_VARIABLE}={wanted}{unset}."
    if origin is Origin.CONFIG:
        advice = f"In {printable(place)} write the line `default-keyring={wanted}`, or remove the line that is there."
    return CustodyError(
        f"The keyring backend {judgement.backend or '(no name)'} is refused: {judgement.reason}",
        why=f"It would be used because {by_whom}.",
        advice=advice,
        code=f"backend-{judgement.refusal}",
    )
