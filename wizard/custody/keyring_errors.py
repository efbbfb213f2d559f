"""What can be wrong with the system's keyring: for each state, code and backend one error with its remedy."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wizard.core.text import printable
from wizard.custody.backends import Judgement
from wizard.custody.errors import CommandList, CustodyError, ItemUnreadableError, KeptElsewhereError, Remedy
from wizard.custody.keyring_worker.protocol import (
    BACKEND_VARIABLE,
    BUS_VARIABLE,
    COLLECTION_VARIABLE,
    PATIENCE,
    SECRET_SERVICE,
    Code,
    Op,
    Origin,
    ServiceState,
)

GNOME: Final = "GNOME Keyring"
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
    '(read -rs P && printf %s "$P" | gnome-keyring-daemon --replace --unlock --components=secrets >/dev/null)'
)
"""Asks for the keyring's password and unlocks it, or makes a first one. `echo` in place of `printf`
would add a line break to the password; the exit status is 0 for a wrong one too. It knows no collection but `login`."""
BUS_COMMAND: Final = "dbus-run-session -- sh -c 'key-wizard >/dev/tty 2>&1' >/dev/null 2>&1"
"""Opens the wizard on a session bus that ends with it. What the bus starts prints to nowhere, not over the screens."""

_INSTALL: Final = CommandList(
    "Install GNOME Keyring, here on Debian or Ubuntu", ("sudo apt-get install gnome-keyring dbus",)
)
_UNLOCK: Final = CommandList(
    "Type the keyring's password. The command unlocks the keyring, or creates the first one", (UNLOCK_COMMAND,)
)
_NEW_BUS: Final = (
    _INSTALL,
    CommandList("Close the wizard, and open it again with a session bus", (BUS_COMMAND,)),
    CommandList(
        "Start your bot with a session bus too. Replace ENV and BOT",
        ("dbus-run-session -- key-wizard exec ENV -- BOT",),
    ),
)
_INSTRUCTIONS: Final = {
    ServiceState.NO_BUS_ADDRESS: _NEW_BUS,
    ServiceState.BUS_UNREACHABLE: (
        CommandList("Unset the address, then open the wizard again", (f"unset {BUS_VARIABLE}", "key-wizard")),
    ),
    ServiceState.NO_SERVICE: (_INSTALL, _UNLOCK),
    ServiceState.SERVICE_FAILS: (
        CommandList("Start it by hand to see its message", ("gnome-keyring-daemon --foreground --components=secrets",)),
    ),
    ServiceState.MEMORY_ONLY: (
        CommandList("Use the default collection, then open the wizard again", (f"unset {COLLECTION_VARIABLE}",)),
    ),
}


@dataclass(frozen=True, slots=True)
class Service:
    """The Secret Service as it was found."""

    state: ServiceState
    provider: str = ""
    collection: str = ""
    detail: str = ""
    bus: str = ""
    """The bus address that was asked; empty where there is none."""


_STATES: Final = {
    ServiceState.NO_BUS_ADDRESS: (
        "This login has no session bus, so it cannot reach a keyring",
        f"{BUS_VARIABLE} is {{bus}}, and there is no bus socket in the user's runtime directory.",
        "Log in as the user directly, because `sudo`, `su` and cron have no session bus."
        " Or choose the encrypted file in the wizard.",
    ),
    ServiceState.BUS_UNREACHABLE: (
        "The session bus does not answer",
        f"{BUS_VARIABLE} is {{bus}}. The attempt ended with {{detail}}.",
        f"The address may come from another login or another user. Log out and in again, or unset {BUS_VARIABLE}.",
    ),
    ServiceState.NO_SERVICE: (
        "No keyring program is on the session bus",
        "org.freedesktop.secrets does not run, and the bus cannot start it.",
        f"Install {GNOME}, switch on the Secret Service in KeePassXC, or use the encrypted file.",
    ),
    ServiceState.SERVICE_FAILS: (
        "The keyring program does not start",
        "The session bus tried to start it, and answered {detail}.",
        "Start it by hand to see its message, or use the encrypted file.",
    ),
    ServiceState.SERVICE_HUNG: (
        "The keyring program does not answer",
        f"{{provider}} owns org.freedesktop.secrets and gave no answer within {PATIENCE:g} s.",
        "Answer its password dialog on the desktop, or end the program and start it again.",
    ),
    ServiceState.NO_COLLECTION: (
        "The keyring has no collection to store into",
        "{provider} answers, and has no default collection{named}.",
        "Create a default collection in {provider}, then try again.",
    ),
    ServiceState.MEMORY_ONLY: (
        "The keyring keeps its collection in memory only",
        "{provider} would store into collection {collection}, which is lost when the program ends.",
        f"Unset {COLLECTION_VARIABLE}, or make another collection the default one.",
    ),
    ServiceState.LOCKED: (
        "The keyring is locked",
        "Only the password opens collection {collection} of {provider}.",
        "Unlock it in {provider}, then try again.",
    ),
    ServiceState.UNENCRYPTED: (
        "The keyring is not encrypted, because its password is empty",
        "{provider} keeps collection {collection} as plain text. Whoever has the disk or a backup has your secrets.",
        "Choose a password for it in the program Passwords and Keys (seahorse), or use the encrypted file.",
    ),
}
"""What, why and advice of each state."""
_IN_WIZARD: Final = {
    ServiceState.LOCKED: (Remedy.UNLOCK, "Unlock it in the wizard or on the desktop."),
    ServiceState.NO_COLLECTION: (Remedy.CREATE, "Create one in the wizard."),
}
"""What the wizard itself can do where the service is GNOME Keyring's, and the advice that says so."""


def provider_name(comm: str) -> str:
    """Return what people call the program; the program's own name where it is not known."""
    return _NAMES.get(comm, printable(comm, 40)) or "Secret Service"


def collection_name(path: str) -> str:
    """Return the last part of a collection's D-Bus path, `_20` and its like decoded."""
    return printable(_ESCAPED.sub(lambda hit: chr(int(hit[1], 16)), path.rpartition("/")[2]), 40)


def unusable_service(service: Service) -> CustodyError:
    """Return the error for a Secret Service that is not ready, with its remedy."""
    provider, collection = provider_name(service.provider), collection_name(service.collection)
    what, why, advice = _STATES[service.state]
    instructions, remedy = _INSTRUCTIONS.get(service.state, ()), Remedy.NONE
    if service.state is ServiceState.NO_COLLECTION and service.collection:
        # The environment names one that there is not: one made here would have another name.
        advice = f"Unset {COLLECTION_VARIABLE}, or set it to a collection that exists."
    elif provider == GNOME and service.state in _IN_WIZARD:
        remedy, advice = _IN_WIZARD[service.state]
        instructions = (_UNLOCK,) if collection in {"", "login"} else ()  # `UNLOCK_COMMAND` knows no other
    words = {
        "provider": provider,
        "collection": collection or "login",
        "named": f" called {collection}" if service.collection else "",
        "detail": printable(service.detail) or "no error name",
        "bus": printable(service.bus) or "not set",
    }
    return CustodyError(
        what,
        why=why.format(**words),
        advice=advice.format(**words),
        code=service.state,
        remedy=remedy,
        instructions=instructions,
    )


_FAILED: Final = {
    Op.STATE: "The wizard could not ask for the state of the Secret Service",
    Op.CHOICE: "The wizard could not find out which keyring to use",
    Op.WRITE: "The wizard could not store into the keyring",
    Op.READ: "The wizard could not read from the keyring",
    Op.DELETE: "The wizard could not delete from the keyring",
    Op.LIST: "The wizard could not list what the keyring holds",
    Op.UNLOCK: "The wizard could not unlock the keyring",
    Op.CREATE: "The wizard could not create a collection in the keyring",
}
# macOS: OSStatus (Security/SecBase.h); Windows: winerror.h.
_SYSTEM: Final = {
    -25308: (
        "locked",
        "macOS answered -25308. The keychain is locked, and this login cannot show its dialog, as over SSH.",
        "Run `security unlock-keychain` in this session, then try again.",
    ),
    -25293: (
        "denied",
        "macOS answered -25293. The keychain refuses this Python.",
        "Allow the access in Keychain Access, or use a Python whose signature is intact.",
    ),
    -128: ("declined", "macOS answered -128. Somebody declined the request.", "Try again, and allow the access."),
    1312: (
        "network-login",
        "Windows answered 1312. This is a network login, as over OpenSSH, and has no Credential Manager.",
        "Open the wizard in a console or Remote Desktop session.",
    ),
}
_SYSTEM_STORES: Final = {
    "darwin": "keyring.backends.macOS.Keyring",
    "win32": "keyring.backends.Windows.WinVaultKeyring",
}
_CODES: Final = {
    Code.NO_BACKEND: (
        "The keyring backend does not work here ({kind}).",
        "Run `key-wizard doctor` to see what changed.",
    ),
    Code.LOST: (
        "The keyring program or the session bus ended during the call ({kind}).",
        "Start the keyring again, then repeat this step. Only what was read back counts as done.",
    ),
    Code.BAD_CONFIG: (
        "The keyring library cannot read its configuration file keyringrc.cfg ({kind}).",
        "Correct the file or move it away. `python -m keyring diagnose` prints where it is.",
    ),
}
_OTHER: Final = (
    "The keyring library raised {kind}.",
    "Try again. If it stays so, try `python -m keyring` by hand with a value that is no secret.",
)


def late(operation: Op, deadline: float) -> CustodyError:
    """Return the error for a worker that was ended at its deadline."""
    return CustodyError(
        f"{_FAILED[operation]} within {deadline:g} s",
        why="It may hang, or ask for a password on a screen that nobody sees.",
        advice="Answer its password dialog on the desktop, or restart the keyring program. Then try again.",
        code="timeout",
    )


def no_answer(operation: Op, what: str) -> CustodyError:
    """Return the error for a worker that did not start, or ended by itself."""
    return CustodyError(
        _FAILED[operation],
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
            why=f"Nobody unlocked it when it asked ({kind}).",
            advice="Unlock it in the keyring program, then try again.",
            code=ServiceState.LOCKED,
        )
    if code == Code.ELSEWHERE:
        path = str(answer["collection"])
        return KeptElsewhereError(
            "The item lies in another collection of the keyring than the one in use",
            why=f"Collection {collection_name(path)} holds an item of this name. The default collection and"
            f" {COLLECTION_VARIABLE} decide which one is in use.",
            advice="Make that collection the default one again, or start the wizard with"
            f" {COLLECTION_VARIABLE}={printable(path)}. Until then nothing counts as deleted.",
        )
    if code == Code.WRONG_PASSWORD:
        return CustodyError(
            "This password does not open the keyring",
            why=f"{GNOME} refused it, and stays locked.",
            advice="Type it again. It is often your login password, or the one that you had before.",
            code=code,
        )
    if code == Code.NOT_TEXT:
        return ItemUnreadableError(
            "The keyring's item of this name is not text",
            why="Another program wrote it.",
            advice="Look at it in the keyring program. Delete it there if nothing needs it.",
        )
    why, advice = _CODES.get(code, _OTHER)
    if number in _SYSTEM:
        code, why, advice = _SYSTEM[number]
    elif code == Code.SYSTEM:
        why = f"The system answered {number} ({{kind}})."
    return CustodyError(_FAILED[operation], why=why.replace("{kind}", kind), advice=advice, code=code)


def found_service(facts: Mapping[str, Any]) -> Service:
    """Return the Secret Service as the worker described it."""
    return Service(ServiceState(facts["state"]), *(facts[name] for name in ("provider", "collection", "detail", "bus")))


def refused_backend(judgement: Judgement, origin: Origin, place: str) -> CustodyError:
    """Return the error for a backend that may not hold a secret, with the line to change."""
    if judgement.refusal == "fail" and origin is Origin.PRIORITY:
        return CustodyError(
            "No keyring on this system is safe for secrets",
            why="The keyring library found no backend that works here.",
            advice="Use the encrypted file. `python -m keyring diagnose` shows what is missing.",
            code="backend-fail",
            instructions=_NEW_BUS if sys.platform not in _SYSTEM_STORES else (),
        )
    by_whom = "The keyring library prefers it here" if origin is Origin.PRIORITY else f"{printable(place)} names it"
    wanted = _SYSTEM_STORES.get(sys.platform, SECRET_SERVICE)
    unset = ", or unset it" if origin is Origin.ENVIRONMENT else ""
    advice = f"Set {BACKEND_VARIABLE}={wanted}{unset}."
    if origin is Origin.CONFIG:
        advice = f"In {printable(place)} write the line `default-keyring={wanted}`, or remove the line that is there."
    return CustodyError(
        f"The wizard does not use the keyring backend {judgement.backend or '(no name)'}",
        why=f"{judgement.reason}. {by_whom}.",
        advice=advice,
        code=f"backend-{judgement.refusal}",
    )
