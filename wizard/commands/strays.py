"""`key-wizard strays`: items that the journal does not know, and what to do with them."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from wizard.commands.console import print_json, print_message
from wizard.commands.prompts import place_opener, types_word
from wizard.core import settings
from wizard.core.errors import Exit
from wizard.rotation.flow import Flow
from wizard.rotation.json_records import describe_item
from wizard.rotation.opening import open_flow
from wizard.rotation.unknown_items import UnknownItem

Result = TypeVar("Result")
_DELETE_WORD: Final = "delete"
_DELETE_CONSENT: Final = (
    "Delete this item for good? If another Key Wizard knows it, with another home directory or another login, its key"
    " is lost there too. Nothing on the exchange changes: the key lives on until it is deleted on its page."
)
_ADOPTED: Final = (
    "The key is stored once more, as an item of this journal, and is in use once the probe has proven it. The stray"
    " item stays until you delete it."
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "strays",
        help="stored items that the journal does not know: list, adopt, delete",
        description="Lists the items of an environment that its journal does not know, as after the loss of the"
        " journal. Exit code: 0 there are none, or it was done; 1 there are some, or it was not done.",
    )
    parser.add_argument("environment", metavar="ENV", help="whose items")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--adopt", metavar="ITEM", help="take its key as a new one, to be proven by the probe")
    action.add_argument("--delete", metavar="ITEM", help="delete it for good; asks for a typed word on the terminal")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look, adopt or delete."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment, opener = known.environment(options.environment), place_opener(paths, known)

    async def within(work: Callable[[Flow], Awaitable[Result]]) -> Result:
        async with open_flow(environment, paths, opener) as flow:
            return await work(flow)

    if options.delete:
        # Asked outside of the event loop, where Ctrl+C ends the question at once.
        print_message(_DELETE_CONSENT)
        if not types_word(_DELETE_WORD):
            print_message("Nothing was deleted.")
            return Exit.SAYS_NO
        asyncio.run(within(lambda flow: flow.unknown_items.delete(options.delete)))
        print_message(f"{options.delete} was deleted, and read back as gone.")
    elif options.adopt:
        print_message(asyncio.run(within(lambda flow: flow.adopt_item(options.adopt))).observed)
        print_message(f"{_ADOPTED} Go on with: key-wizard --env {environment.name}")
    else:
        return _list(asyncio.run(within(lambda flow: flow.unknown_items.look())), as_json=options.json)
    return Exit.FINE


def _list(found: tuple[UnknownItem, ...], *, as_json: bool) -> Exit:
    if as_json:
        print_json({"strays": [describe_item(one) for one in found]})
    for one in found if not as_json else ():
        print_message(one.sentence)
    if not found and not as_json:
        print_message("The journal knows every item that the place of the credentials can list.")
    return Exit.SAYS_NO if found else Exit.FINE
