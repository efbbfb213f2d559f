"""The Credentials step: what to do on the exchange's page, and where the result goes in.

A typed value is let go only once it was read back unchanged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from contextlib import closing

from wizard.core.credentials import KeyKind
from wizard.intake.paste import Pair
from wizard.plain import deadlines
from wizard.plain.key_entry import KeyEntry
from wizard.plain.outside_keys import find_key, import_key
from wizard.plain.stage import Stage, evidence, numbered
from wizard.plain.talk import Command
from wizard.rotation.model import Finding, Mode, Step

ABOUT = (
    "Create the new key on the exchange's page with the whitelist of the step before. With Ed25519 the pair is made"
    " here and kept in {place} before its public half is shown; only the API key comes back. With HMAC the page"
    " shows a secret once: give both, one by one or in one paste. The values are written to {place}, read back and"
    " compared. A private key of your own can be imported instead. Typing is not shown."
)
_MADE_HERE = {
    "ed25519": "Ed25519, recommended. Made here: the private key never leaves this host.",
    "hmac": "HMAC. The page shows an API key and a secret: give both here.",
    "rsa": "RSA, 4096 bits. Made here like Ed25519, for software that takes only RSA.",
}
_IMPORT = {"import": "a private key of your own, Ed25519 or RSA, from a PEM file or pasted, also encrypted."}
_IN_USE = {
    "hmac": _MADE_HERE["hmac"],
    "read": "from the environment, a .env, freqtrade's, Hummingbot's or another file; nothing is changed there.",
}
"""The private half of an Ed25519 key that is in use already is not one that is made here."""
_NEXT = {"next": "go on with the key that is stored already."}
_AFTER_FAILURE = {"store": "try again to store what was entered.", "enter": "enter the values again."}


async def take(stage: Stage) -> bool:
    """Ask for the kind, then for the values."""
    stage.introduce(Step.CREDENTIALS, _lede(stage))
    while True:
        pending = stage.flow.credentials.pending
        if pending:
            stage.talk.say(f"{pending.name} is stored already. Another one takes its place.")
        menu = {**(_IN_USE if _is_adopted(stage) else _MADE_HERE), **_IMPORT, **(_NEXT if pending else {})}
        answer = await stage.talk.choose("Which kind of key?", menu, "next" if pending else None)
        if answer == Command.BACK:
            return stage.back()
        if answer == "next" or await _take(stage, answer):
            return stage.on()


async def _take(stage: Stage, answer: str) -> bool:
    """Have the pair ready where a pair signs, then take the values in; return whether they were stored."""
    if answer == "import":
        given = await import_key(stage)
        return given is not None and await _enter(stage, given.kind, given.public_pem, is_imported=True)
    if answer == "read":
        found = await find_key(stage)
        return found is not None and await _enter(stage, KeyKind.HMAC, "", found=found)
    kind = KeyKind(answer)
    public_key: str | None = ""
    if kind is not KeyKind.HMAC:
        what = f"Making the pair and storing it in {stage.flow.place}"
        public_key = await stage.talk.attempt(lambda: stage.flow.credentials.public_key(kind), what, deadlines.CUSTODY)
    return public_key is not None and await _enter(stage, kind, public_key)


async def _enter(
    stage: Stage, kind: KeyKind, public_key: str, *, is_imported: bool = False, found: Pair | None = None
) -> bool:
    """Take the values in and store them; return whether that was done."""
    stage.talk.say("", *numbered(_instructions(stage, kind)), *public_key.splitlines())
    with closing(KeyEntry(stage.talk, stage.page, kind, public_key)) as entry:
        if found is not None:
            entry.take(found)
        while found is not None or await entry.fill():
            found = None
            if await _store_or_leave(stage, entry, public_key if is_imported else ""):
                return True
    return False


async def _store_or_leave(stage: Stage, entry: KeyEntry, imported: str) -> bool:
    """Store, as often as the user wants to try; return False to enter the values again."""
    while True:
        finding = await _store(stage, entry, imported)
        if finding is not None:
            stage.talk.say(*evidence(finding))
            return True
        stage.talk.say("Nothing was lost: what was entered is still here.")
        if await stage.talk.choose("What next?", _AFTER_FAILURE, "") != "store":
            return False


async def _store(stage: Stage, entry: KeyEntry, imported: str) -> Finding | None:
    """Store what was entered; `imported` is the public half of an imported key, or nothing."""
    step, api_key, secret = stage.flow.credentials, entry.api_key, entry.secret
    if api_key is None:
        return None

    def store() -> Awaitable[Finding]:
        if secret is not None:
            return step.store_hmac(api_key, secret)
        if imported:
            return step.store_imported(api_key, imported)
        return step.store_made(api_key, entry.kind)

    return await stage.talk.attempt(
        store,
        f"Writing to {stage.flow.place}, reading back, comparing",
        deadlines.CUSTODY,
    )


def _is_adopted(stage: Stage) -> bool:
    return stage.flow.context.rotation.mode is Mode.ADOPT


def _lede(stage: Stage) -> str:
    if _is_adopted(stage):
        return "Which key is in use already? Nothing is changed on the exchange."
    if stage.page is not None:
        return "Create the new key at the desk: desk opens it, once you have chosen the kind of key."
    page = stage.flow.context.environment.site.key_page
    return f"Create the new key on the exchange's page{f': {page}' if page else '.'}"


def _instructions(stage: Stage, kind: KeyKind) -> Iterable[str]:
    if _is_adopted(stage):
        return ["Enter the key that your software uses now."]
    whitelist = stage.flow.context.journal.whitelist_of(stage.flow.context.rotation)
    return [
        "Give it the permissions that the current key has.",
        *([f"Restrict it to trusted IPs: {whitelist}"] if whitelist else []),
        "Enter here what the page shows once."
        if kind is KeyKind.HMAC
        else "Choose “Self-generated”, paste the public key below, and enter the API key that the page shows.",
    ]
