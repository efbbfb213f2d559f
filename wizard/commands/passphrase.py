"""`key-wizard passphrase`: change what opens the encrypted file."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from wizard.commands.console import print_message
from wizard.commands.prompts import ask
from wizard.core import settings
from wizard.core.errors import Exit, WizardError
from wizard.core.secret import Secret
from wizard.custody.custodian import Custodian
from wizard.custody.errors import Remedy
from wizard.custody.questions import PASSPHRASE_CHANGED


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "passphrase",
        help="change the passphrase of the encrypted file",
        description="Asks on the terminal for the passphrase so far and twice for the new one. What the file holds"
        " stays; whatever happens meanwhile, the file opens with the old one or with the new one.",
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Ask, change, and say what still opens with the old one."""
    paths = settings.paths()
    custody = settings.load(paths.config_file).custody
    # Outside of any event loop Ctrl+C ends a question at once.
    _change(Custodian(custody, paths.encrypted_file, paths.config_file))
    for line in PASSPHRASE_CHANGED:
        print_message(line)
    return Exit.FINE


def _change(custodian: Custodian) -> None:
    asyncio.run(custodian.expect_encrypted_file())
    with _typed("Passphrase of the encrypted file") as old:
        asyncio.run(custodian.help(Remedy.OPEN_FILE, old))  # a wrong one is told before a new one is typed
        with _typed("New passphrase") as new, _typed("The new one once more") as again:
            if new != again:
                raise WizardError(
                    "The two new passphrases are not the same",
                    advice="Nothing was changed. Try again.",
                    code="passphrase.differs",
                )
            asyncio.run(custodian.change_passphrase(old, new))


@contextmanager
def _typed(prompt: str) -> Iterator[Secret]:
    """Ask, and wipe the answer afterwards."""
    typed = ask(prompt, "A passphrase")
    try:
        yield typed
    finally:
        typed.wipe()
