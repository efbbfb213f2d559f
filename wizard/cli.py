"""The command line: commands, options, exit codes. Secrets are never taken as arguments."""

from __future__ import annotations

import argparse
import gc
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wizard import __version__
from wizard.commands.console import ArgumentParser, add_command, open_wizard, print_error, print_message, refuse_keys
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.safety import Inherited, redacted_report
from wizard.core.shutdown import Shutdown, discard_output
from wizard.rotation.model import JOB_NAMES, Mode

if TYPE_CHECKING:
    from wizard.rotation.journal import Overview

COMMANDS = (
    "rehearse",
    "status",
    "egress",
    "whitelist",
    "import",
    "check",
    "explain",
    "rotate",
    "deliver",
    "exec",
    "doctor",
    "storage",
    "history",
    "team",
    "exchange",
    "completion",
)


_Raw = argparse.RawDescriptionHelpFormatter
_ABOUT = """\
Replace a Binance API key safely, and stay until the legacy key is proven dead.

examples:
  key-wizard                                      open the wizard, or resume what is open
  key-wizard rehearse                             practise on a simulated Binance first
  key-wizard import production                    bring in the key that your bot uses now
  key-wizard exec production -- python bot.py     run your bot with the current key
  key-wizard check production                     for cron: does the key still work?
  key-wizard rotate bot-1                         for cron: replace a sub-account's key where it is due
  key-wizard whitelist 203.0.113.42 10.0.0.1      is this list right?"""
_EPILOG = """\
See key-wizard COMMAND --help for each command.
Exit codes: 0 fine, 1 the check says no, 2 usage, 3 a job is open, 4 a legacy key is alive,
5 the storage cannot be used, 6 network or Binance inconclusive, 70 internal error, 128+n signal."""


def run(arguments: Sequence[str], inherited: Inherited, shutdown: Shutdown | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: Without the program's name.
        inherited: What the process was given, for `exec`.
        shutdown: What signals do, for the wizard.
    """
    options = argparse.Namespace(json=False)
    try:
        try:
            parse(arguments, options)
            options.inherited = inherited
            options.shutdown = shutdown or Shutdown()
            return int(options.run(options))
        except WizardError as error:
            return print_error(error, as_json=options.json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        discard_output()
        return 141  # as SIGPIPE would have ended it
    except Exception as error:
        print_message(*redacted_report(error).split("\n"))
        return Exit.INTERNAL_ERROR


def parse(arguments: Sequence[str], options: argparse.Namespace) -> None:
    """Read the arguments into `options`; what `exec` starts into `options.words` as it is."""
    options.json = "--json" in arguments  # also where they cannot be read
    end = arguments.index("--") if _command(arguments) == "exec" and "--" in arguments else len(arguments)
    own, options.words = arguments[:end], [*arguments[end + 1 :]]
    refuse_keys(own)
    _parser(own).parse_args(own, options)


def _command(arguments: Sequence[str]) -> str:
    """Return the first word that is neither an option nor, as far as that is plain, the value of one."""
    before = ""
    for word in arguments:
        takes_word = before.startswith("-") and "=" not in before and before != "--plain"
        if not word.startswith("-") and not takes_word:
            return word
        before = word
    return ""


def _parser(arguments: Sequence[str]) -> ArgumentParser:
    parser = ArgumentParser("key-wizard", description=_ABOUT, epilog=_EPILOG, formatter_class=_Raw, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"key-wizard {__version__}")
    parser.add_argument("--env", metavar="NAME", help="open this environment")
    parser.add_argument("--job", choices=JOB_NAMES.values(), help="begin this job, or resume it")
    parser.add_argument("--plain", action="store_true", help="line by line, for screen readers and serial consoles")
    parser.add_argument("--team", metavar="FILE", help="take over what a team file says, after a typed word")
    parser.set_defaults(run=_open_wizard, parser=parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in _needed(arguments):
        module = "import_key" if name == "import" else name  # a module cannot have a keyword as its name
        add_command(commands, name, importlib.import_module(f"wizard.commands.{module}"))
    return parser


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """Import one command's module only, where it is plain which one: the start is what users wait for."""
    if not arguments or arguments[0] == "--version":
        return ()
    is_plain = arguments[0] in COMMANDS and arguments[0] != "completion"  # which is about all
    return [arguments[0]] if is_plain else COMMANDS


def _open_wizard(options: argparse.Namespace) -> int:
    gc.disable()  # until the first paint: what is loaded stays, and would be looked through again and again
    from wizard.core import settings  # noqa: PLC0415
    from wizard.environments import RealEnvironments  # noqa: PLC0415 - loads much

    if options.team is not None:
        from wizard.commands import team  # noqa: PLC0415 - most starts have none

        if not team.join(options.team):
            return Exit.SAYS_NO
    paths, known = settings.read()
    if options.env is not None:
        known.environment(options.env)
    environments, job = RealEnvironments(paths, known), None
    if options.job is not None:
        job = next(mode for mode, name in JOB_NAMES.items() if name == options.job)
        _refuse_misfit(job, [one for one in environments.overviews() if options.env in (None, one.environment.name)])
    code = open_wizard(environments, options.shutdown, environment=options.env, job=job, is_plain=options.plain)
    if options.team is not None:
        team.print_differences(options.team)
    return code


def _refuse_misfit(job: Mode, overviews: Sequence[Overview]) -> None:
    """Say that a job cannot be begun or resumed before a screen opens."""
    from wizard.rotation.state_machine import refuse_misfit  # noqa: PLC0415 - loaded for a job alone

    if len(overviews) != 1:
        advice = f"Name it: key-wizard --env NAME --job {JOB_NAMES[job]}"
        raise UsageError("You have several environments, and none is named", advice=advice, code="environment.unnamed")
    (one,) = overviews
    if one.open_rotation is None or one.open_rotation.mode is not job:
        refuse_misfit(job, one.current, one.open_rotation)
