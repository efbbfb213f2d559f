"""`key-wizard exec ENV -- CMD…`: a command with the current credentials in its environment, and nowhere else."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Mapping, Sequence

from wizard.commands.console import tell
from wizard.exit_codes import Exit

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""As shells have it (POSIX, Shell & Utilities 2.8.2)."""

_EPILOG = """\
The command takes the place of key-wizard. Its environment is the one that key-wizard was started with, and:

  BINANCE_API_KEY      the API key
  BINANCE_API_SECRET   the secret of an HMAC key
  BINANCE_PRIVATE_KEY  the private key of an Ed25519 or RSA key, as PKCS#8 PEM

Only one of the last two is set. Exit code: the command's own; before it starts 1 (no current key),
2 (usage), 5 (the keyring cannot be used), 126 (cannot be executed) or 127 (not found).

Example: key-wizard exec production -- python bot.py
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "exec",
        help="run a command with the current credentials in its environment",
        usage="key-wizard exec ENV -- CMD…",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument("words", metavar="CMD…", nargs=argparse.REMAINDER, help="the command and its arguments")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the credentials, then become the command."""
    command = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not command:
        tell("key-wizard: there is no command to run. Write key-wizard exec ENV -- CMD…")
        return Exit.USAGE
    given = _credentials(options.environment)
    from wizard.consumers import VARIABLES  # noqa: PLC0415 - loaded by the line above

    environ = {name: value for name, value in options.inherited.environ.items() if name not in VARIABLES}
    options.inherited.restore()
    return _become(command, {**environ, **given})


def _credentials(environment: str) -> dict[str, str]:
    import asyncio  # noqa: PLC0415 - 50 ms that a usage error need not wait for

    from wizard import settings  # noqa: PLC0415
    from wizard.consumers import as_variables, read_current  # noqa: PLC0415

    paths = settings.paths()
    known = settings.load(paths.config_file).environment(environment)
    return as_variables(asyncio.run(read_current(known.name, paths)))


def _become(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Replace this process; return an exit code only where that fails."""
    _restore_signals()
    try:
        os.execvpe(command[0], command, environ)
    except (FileNotFoundError, NotADirectoryError):
        tell(f"key-wizard: {command[0]}: command not found")
        return NOT_FOUND
    except OSError as error:
        tell(f"key-wizard: {command[0]}: {error.strerror}")
        return NOT_EXECUTABLE


def _restore_signals() -> None:
    # Python ignores these, and what is ignored stays so across exec: `yes | head` would never end.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
