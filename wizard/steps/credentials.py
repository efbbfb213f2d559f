"""The Credentials step: which kinds of key there are, what the exchange's page is for, how they are stored."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.core.threads import in_daemon_thread
from wizard.intake.paste import IntakeError
from wizard.intake.sources import Found, read_source
from wizard.rotation.flow import Flow
from wizard.rotation.model import Finding, Mode

READ_WITHIN = 10.0
"""Seconds: a file on a network disk must not hang anything."""
IMPORT = "import"
_KINDS = {
    KeyKind.ED25519: ("Ed25519, recommended", "Made here: the private key never leaves this host."),
    KeyKind.HMAC: ("HMAC", "The page shows an API key and a secret; paste both."),
    KeyKind.RSA: ("RSA, 4096 bits", "Made here too, for software that needs RSA."),
}
_IMPORT = ("Your own private key, Ed25519 or RSA", "From a PEM file or pasted, also encrypted.")


def is_adopting(flow: Flow) -> bool:
    """Whether the key is one that is in use already."""
    return flow.rotation is not None and flow.context.rotation.mode is Mode.ADOPT


def choices(flow: Flow) -> dict[str, tuple[str, str]]:
    """Return the kinds of key to choose from, each with a title and a line about it.

    A pair made here cannot be the one of a key that is in use already.
    """
    kinds = (KeyKind.HMAC,) if is_adopting(flow) else _KINDS
    return {**{str(kind): _KINDS[kind] for kind in kinds}, IMPORT: _IMPORT}


def where_to_create(flow: Flow, desk: str) -> str:
    """Say where the key comes from; `desk` is how the simulated page is opened, where there is one."""
    if is_adopting(flow):
        return "Which key is in use already? Nothing is changed on the exchange."
    if desk:
        return f"Create the new key at the desk ({desk})."
    page = flow.context.environment.site.key_page
    return f"Create the new key on the exchange's page{f': {page}' if page else '.'}"


def instructions(flow: Flow, last: str, copies: str = "") -> list[str]:
    """Return what is to be done there for a new key; `last` is what is entered then, `copies` the key that copies."""
    whitelist = whitelist_to_paste(flow)
    current = "Give it the permissions that the current key has."
    first = "Give it the permissions that your software needs, no more."
    restrict = [f"Restrict it to trusted IPs{copies}: {whitelist}"] if whitelist else []
    return [current if flow.current else first, *restrict, last]


def whitelist_to_paste(flow: Flow) -> str:
    """Return the list that was composed in the open rotation; nothing where there is none."""
    return flow.context.journal.whitelist_of(flow.context.rotation) if flow.rotation else ""


async def read_key(flow: Flow, place: str) -> Found:
    """Read a key that is in use from a file or the environment; the journal keeps which file it was.

    Raises:
        IntakeError: none could be read there.
    """
    try:
        found = await in_daemon_thread(partial(read_source, place, flow.context.environ), READ_WITHIN)
    except TimeoutError:
        raise IntakeError(f"It could not be read within {READ_WITHIN:.0f} seconds") from None
    except IntakeError as error:
        flow.credentials.note_source(error.path)
        raise
    flow.credentials.note_source(found.path)
    return found


def store(flow: Flow, api_key: Secret, secret: Secret | None, public_key: str) -> Awaitable[Finding]:
    """Store a new key with what signs for it.

    Args:
        flow: The open environment.
        api_key: What the page shows.
        secret: Of an HMAC key; None where a key pair signs.
        public_key: The public half of the pair that was made here or imported.
    """
    if secret is not None:
        return flow.credentials.store_hmac(api_key, secret)
    return flow.credentials.store_pair(api_key, public_key)
