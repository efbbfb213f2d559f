"""`key-wizard exec ENV -- CMD…`: a command with the current credentials in its environment, and nowhere else."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING

from wizard.commands.console import ArgumentParser, print_message
from wizard.core.errors import Exit
from wizard.core.settings import Paths, Settings
from wizard.core.text import printable
from wizard.rotation.current_credentials import API_KEY, API_SECRET, PRIVATE_KEY, VARIABLES, as_variables, read_current

if TYPE_CHECKING:
    from wizard.custody.store import Store

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""Both as shells have them (POSIX, Shell Command Language, 2.8.2)."""

ABOUT = f"""\
Your command replaces key-wizard. It sees your environment variables, and these:
  {API_KEY:<20} the API key
  {API_SECRET:<20} the secret of an HMAC key
  {PRIVATE_KEY:<20} the private key of an Ed25519 or RSA key, as PKCS#8 PEM
Only one of the last two is set.

Exit codes: those of your command. If it does not start:
1 no current key, 2 usage, 5 the storage cannot be used, 126 not executable, 127 not found."""

SUMMARY = "run your bot with the current key in its environment variables"
EXAMPLES = """\
key-wizard exec production -- python bot.py
key-wizard exec staging -- ./run-bot --dry-run"""
HAS_JSON = False


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.usage = "key-wizard exec ENV -- CMD [ARG ...]"
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument("words", metavar="CMD [ARG ...]", nargs=argparse.REMAINDER, help="your command")


def run(options: argparse.Namespace) -> int:
    """Read the credentials, then become the command."""
    command = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not command:
        print_message("key-wizard: There is no command to run. Write:\n  key-wizard exec ENV -- CMD")
        return Exit.USAGE
    given = as_variables(read_current(options.environment, _open_place))
    inherited = {name: value for name, value in options.inherited.environ.items() if name not in VARIABLES}
    options.inherited.restore()
    options.shutdown.restore_handlers()
    return _become(command, {**inherited, **given})


def _open_place(paths: Paths, known: Settings) -> Awaitable[Store]:
    from wizard.commands.prompts import place_opener  # noqa: PLC0415 - a keyring that can be used needs none of it

    return place_opener(paths, known)()


def _become(command: list[str], environ: Mapping[str, str]) -> int:
    """Replace this process; return an exit code only where that fails."""
    _restore_signals()
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - no shell is wanted
    except (FileNotFoundError, NotADirectoryError):
        print_message(f"key-wizard: {printable(command[0])}: command not found")
        return NOT_FOUND
    except OSError as error:
        print_message(f"key-wizard: {printable(command[0])}: {error.strerror}")
        return NOT_EXECUTABLE


def _restore_signals() -> None:
    # Python ignores these two, and what is ignored stays so across exec: `yes | head` would not end quietly.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
