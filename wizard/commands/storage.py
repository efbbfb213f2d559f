"""`key-wizard storage`: where credentials are kept, what is stored there that nobody knows, and the passphrase."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from wizard.commands.console import ArgumentParser, print_json, print_message, print_result
from wizard.commands.prompts import ask, place_opener
from wizard.core import settings
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.custody.custodian import Custodian
from wizard.custody.errors import Remedy
from wizard.custody.questions import PASSPHRASE_CHANGED
from wizard.rotation.flow import Flow
from wizard.rotation.json_records import describe_item
from wizard.rotation.opening import open_flow
from wizard.rotation.unknown_items import UnknownItem

Result = TypeVar("Result")
_DELETE_WORD: Final = "delete"
_DELETE_CONSENT: Final = """\
Delete this stored key for good?
Another Key Wizard may use it, with another home directory or another login. It loses the key too.
Nothing changes on Binance. The key works until you delete it there."""
_IMPORTED: Final = """\
The key is stored once more, as a new key of this wizard. The probe must prove it before it is used.
The unknown stored key stays until you delete it. Go on with:
  key-wizard --env {}"""

SUMMARY = "where credentials are kept, unknown stored keys, the passphrase"
EXAMPLES = """\
key-wizard storage                               can the keyring be used? if not, the fix
key-wizard storage production                    list stored keys that the wizard does not know
key-wizard storage production --import ITEM      use one of them, after a probe
key-wizard storage production --delete ITEM      delete one of them, after a typed word
key-wizard storage --passphrase                  change the passphrase of the encrypted file"""
ABOUT = """\
An unknown stored key is left when the wizard's records are lost. Nothing is deleted by itself.
Exit codes: 0 fine or done, 1 unknown keys found or nothing done, 5 the storage cannot be used."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("environment", metavar="ENV", nargs="?", help="whose stored keys to look at")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--import", dest="adopt", metavar="ITEM", help="store its key as a new one, for the probe")
    action.add_argument("--delete", metavar="ITEM", help="delete it for good")
    action.add_argument("--passphrase", action="store_true", help="change what opens the encrypted file")


def run(options: argparse.Namespace) -> int:
    """Look at the place, look for unknown keys, import or delete one, or change the passphrase."""
    if options.passphrase:
        paths, known = settings.read()
        return _change_passphrase(Custodian(known.custody, paths.encrypted_file, paths.config_file))
    if options.environment is not None:
        return _look_after(options)
    if options.adopt or options.delete:
        raise UsageError("No environment is named", advice="Write: key-wizard storage ENV", code="usage")
    from wizard.commands import doctor  # noqa: PLC0415 - it loads much

    return doctor.run(argparse.Namespace(only=doctor.Area.KEYRING, json=options.json, report=False))


def _look_after(options: argparse.Namespace) -> int:
    paths, known = settings.read()
    environment, opener = known.environment(options.environment), place_opener(paths, known)

    async def within(work: Callable[[Flow], Awaitable[Result]]) -> Result:
        async with open_flow(environment, paths, opener) as flow:
            return await work(flow)

    if options.delete:
        # Asked outside of the event loop, where Ctrl+C ends the question at once.
        print_message(_DELETE_CONSENT)
        typed = ask(f"Typing is not shown. Type {_DELETE_WORD} to go on", "A typed word")
        if typed.reveal().strip() != _DELETE_WORD:
            print_message("Nothing was deleted.")
            return Exit.SAYS_NO
        asyncio.run(within(lambda flow: flow.unknown_items.delete(options.delete)))
        print_result(f"{options.delete} is deleted. It was looked for afterwards and not found.")
    elif options.adopt:
        print_result(asyncio.run(within(lambda flow: flow.adopt_item(options.adopt))).observed)
        print_result(_IMPORTED.format(environment.name))
    else:
        return _list(asyncio.run(within(lambda flow: flow.unknown_items.look())), as_json=options.json)
    return Exit.FINE


def _list(found: tuple[UnknownItem, ...], *, as_json: bool) -> Exit:
    if as_json:
        print_json({"strays": [describe_item(one) for one in found]})
    else:
        sentences = [one.sentence for one in found]
        print_result(*(sentences or ["The wizard knows every stored key that this storage can list."]))
    return Exit.SAYS_NO if found else Exit.FINE


def _change_passphrase(custodian: Custodian) -> int:
    # Outside of any event loop Ctrl+C ends a question at once.
    asyncio.run(custodian.expect_encrypted_file())
    with ask("Passphrase of the encrypted file") as old:
        asyncio.run(custodian.help(Remedy.OPEN_FILE, old))  # a wrong one is refused before a new one is typed
        with ask("New passphrase") as new, ask("The new one once more") as again:
            if new != again:
                raise WizardError(
                    "The two new passphrases are not the same",
                    advice="Nothing was changed. Try again.",
                    code="passphrase.differs",
                )
            asyncio.run(custodian.change_passphrase(old, new))
    print_result(*PASSPHRASE_CHANGED)
    return Exit.FINE
