"""From the worker's codes to errors with advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wizard.custody.child import Answer
from wizard.custody.errors import (
    CustodyError,
    ItemUnreadable,
    KeptElsewhere,
    KeyringFailed,
    KeyringUnusable,
    WrongPassword,
)
from wizard.custody.providers import collection_name
from wizard.custody.remedies import Service, unusable_service
from wizard.custody.worker.protocol import COLLECTION_VARIABLE, Code, State
from wizard.text import printable

# macOS: OSStatus (Security/SecBase.h); Windows: winerror.h.
_SYSTEM: Final = {
    -25308: (
        "macOS answered -25308: the keychain is locked and this login may not show its dialog, as over SSH.",
        "Run `security unlock-keychain` in this same session, then try again.",
    ),
    -25293: (
        "macOS answered -25293: the keychain refuses this Python.",
        "Allow the access in Keychain Access, or use a Python whose signature is intact.",
    ),
    -128: ("macOS answered -128: the request was declined.", "Try again and allow the access."),
    1312: (
        "Windows answered 1312: this is a network login, as OpenSSH makes it, and has no Credential Manager.",
        "Run the wizard in a console or Remote Desktop session.",
    ),
    1783: (
        "Windows answered 1783: the value is longer than the 1280 characters that Credential Manager takes.",
        "Use an Ed25519 key: it fits. A 4096-bit RSA key does not.",
    ),
}

_STATES: Final = {-25308: "locked", -25293: "denied", -128: "declined", 1312: "network-login", 1783: "too-long"}

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


def service(facts: Mapping[str, Any], bus: str = "") -> Service:
    """Return the Secret Service as the worker described it."""
    return Service(State(facts["state"]), facts["provider"], facts["collection"], facts["detail"], bus)


def _in_another_collection(path: str) -> KeptElsewhere:
    return KeptElsewhere(
        "What is looked for lies in another collection of the keyring than the one that is used",
        why=f"Collection {collection_name(path)} holds an item of this name. Which collection is used changes with the"
        f" default one and with {COLLECTION_VARIABLE}.",
        advice=f"Make that collection the default one again, or start the wizard with {COLLECTION_VARIABLE}="
        f"{printable(path)}. Nothing counts as gone until then.",
    )


def failure(operation: str, answer: Answer) -> CustodyError:
    """Return the error for an answer that is not `ok`."""
    kind = printable(str(answer.facts.get("kind", "")), 100)
    if answer.code == Code.NOT_READY:
        return unusable_service(service(answer.facts))
    if answer.code == Code.LOCKED:
        return KeyringUnusable(
            State.LOCKED,
            "The keyring is locked",
            why=f"It was not unlocked when it was asked for ({kind}).",
            advice="Unlock it in its own program, then try again.",
        )
    if answer.code == Code.ELSEWHERE:
        return _in_another_collection(str(answer.facts["collection"]))
    if answer.code == Code.WRONG_PASSWORD:
        return WrongPassword(
            "This password does not open the keyring",
            why="GNOME keyring refused it; the collection is locked as before.",
            advice="Type it again: it is often the login password, or the one from before it was changed.",
        )
    if answer.code == Code.NOT_TEXT:
        return ItemUnreadable(
            "What the keyring holds under this name is not text",
            why="Another program wrote it.",
            advice="Look at it in the keyring's own program, and remove it there if nothing needs it.",
        )
    state = _STATES.get(answer.facts.get("number", 0), "")
    if answer.code == Code.SYSTEM and (words := _SYSTEM.get(int(answer.facts["number"]))):
        why, advice = words
    elif answer.code == Code.SYSTEM:
        why, advice = f"The system answered {int(answer.facts['number'])} ({kind}).", _OTHER[1]
    else:
        why, advice = _CODES.get(Code(answer.code), _OTHER)
    return KeyringFailed(operation, answer.code, why=why.replace("{kind}", kind), advice=advice, state=state)
