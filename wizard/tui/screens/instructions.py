"""What the Credentials step tells the user to do on the exchange's page. Texts only."""

from __future__ import annotations

from textual.content import Content

from wizard.core.credentials import KeyKind
from wizard.core.text import capitalised

HELP = (
    "Create the new key on the exchange's page with the whitelist of the step before. With Ed25519 the pair is"
    " made here and kept in {place} before its public half is shown; only the API key comes back. With HMAC"
    " the page shows a secret once: paste both, one by one or in one paste, also as KEY=… lines or JSON; names tell"
    " them apart, else the first is taken as the API key. Enter in the last field writes to {place}, reads"
    " back and compares. A private key of your own is imported from a PEM file or pasted. Fields are masked and"
    " cannot be copied from."
)
CHOICES = {
    KeyKind.ED25519: ("Ed25519, recommended", "Made here: the private key never leaves this host."),
    KeyKind.HMAC: ("HMAC", "The page shows an API key and a secret; paste both."),
    KeyKind.RSA: ("RSA, 4096 bits", "Made here too, for software that needs RSA."),
}
IMPORT = "import"
IMPORT_CHOICE = ("Your own private key, Ed25519 or RSA", "From a PEM file or pasted, also encrypted.")
_LAST = {
    KeyKind.HMAC: "Paste here what the page shows once:",
    KeyKind.ED25519: "Choose “Self-generated” and paste this key (F3 copies):",
    KeyKind.RSA: "Choose “Self-generated” and paste the public key below (F3 copies, Ctrl+Down scrolls); then enter:",
}
WHICH_KIND = "Which kind of key? Arrows choose, Enter takes it."
WHICH_IN_USE = "Which key is in use already? Nothing is changed on the exchange."
IN_USE = "Enter the key that your software uses now, or read it from its file (F9)."


def at_work(place: str) -> str:
    """Say that the place of the credentials is still busy with what was asked before."""
    return f"{capitalised(place)} is still at work."


def choice(texts: tuple[str, str]) -> Content:
    """Return one kind of key as a title with a line below it."""
    title, text = texts
    return Content.from_markup("[b]$title[/]\n  [$text-muted]$text[/]", title=title, text=text)


def where_to_create(key_page: str, *, has_simulated_page: bool) -> str:
    """Say where the new key is created."""
    if has_simulated_page:
        return "Create the new key at the desk (F4)."
    return f"Create the new key on the exchange's page{f': {key_page}' if key_page else '.'}"


def instructions(kind: KeyKind, whitelist: str, *, has_current: bool) -> str:
    """Number what is to be done there for a new key of this kind."""
    permit = (
        "Give it the permissions that the current key has."
        if has_current
        else "Give it the permissions that your software needs, no more."
    )
    restrict = [f"Restrict it to trusted IPs (F2 copies): {whitelist}"] if whitelist else []
    return "\n".join(f"{number} {line}" for number, line in enumerate([permit, *restrict, _LAST[kind]], 1))
