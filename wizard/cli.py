"""The command line: commands, options, exit codes. Secrets are never taken as arguments."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

from wizard import __version__
from wizard.commands.console import fail
from wizard.errors import WizardError
from wizard.exit_codes import Exit
from wizard.safety import Inherited

COMMANDS = ("rehearse", "status", "egress", "whitelist", "exec", "doctor", "history", "exchange")


def run(arguments: Sequence[str], inherited: Inherited) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: Without the program's name.
        inherited: What the process was given, for `exec`.
    """
    options = _parser(arguments).parse_args(arguments)
    options.inherited = inherited
    try:
        return int(options.run(options))
    except WizardError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="key-wizard",
        description="Replaces a Binance API key safely and stays until the old key is proven dead.",
        epilog="Without a command the wizard opens; an open rotation is resumed.",
    )
    parser.add_argument("--version", action="version", version=f"key-wizard {__version__}")
    parser.add_argument("--env", metavar="NAME", help="open this environment at once")
    parser.set_defaults(run=_open_wizard)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in _needed(arguments):
        importlib.import_module(f"wizard.commands.{name}").add(commands)
    return parser


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """Import one command's module only, where it is plain which one: the start is what users wait for."""
    return [arguments[0]] if arguments and arguments[0] in COMMANDS else COMMANDS


def _open_wizard(options: argparse.Namespace) -> int:
    from wizard import settings  # noqa: PLC0415
    from wizard.tui.launch import open_wizard  # noqa: PLC0415 - loads textual

    return open_wizard(settings.paths(), options.env)


__all__ = ["Exit", "run"]
