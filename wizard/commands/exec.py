"""`key-wizard exec ENV -- CMD…`: a command with the current credentials in its environment, and nowhere else."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

from wizard.commands.console import ArgumentParser, non_negative, print_message
from wizard.core.bot_variables import API_KEY, API_SECRET, OWN, PRIVATE_KEY, PROGRAMS, Names, parse_names, rivals
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Paths, Settings
from wizard.custody.records import KeyRecord, Slot
from wizard.rotation.current_credentials import known_keys, open_unasked, read_current, watch_current

if TYPE_CHECKING:
    import subprocess

    from wizard.custody.store import Store

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""Both as shells have them (POSIX, Shell Command Language, 2.8.2)."""
CHANGE_SAID_FOR = 7 * 86_400
"""Seconds after the storing of a key of another kind, in which each start says what changes for the bot."""
STOP_WITHIN = 10.0
_FIRST_DESCRIPTOR = 100
"""Shell scripts use the low ones for themselves."""

ABOUT = f"""\
Your command replaces key-wizard. It sees your environment variables, and these:
  {API_KEY:<20} the API key
  {API_SECRET:<20} the secret of an HMAC key
  {PRIVATE_KEY:<20} the private key of an Ed25519 or RSA key, as PKCS#8 PEM
Only one of the last two is set. Variables that may hold another key are left out, and named.

With --watch key-wizard stays, passes signals on, and ends with your command. When the current key changes,
it ends your command with SIGTERM and starts it with the new key.

Exit codes: those of your command. If it does not start:
1 no current key, 2 usage, 5 the storage cannot be used, 126 not executable, 127 not found."""

SUMMARY = "run your bot with the current key in its environment variables"
EXAMPLES = """\
key-wizard exec production -- python bot.py
key-wizard exec production --as freqtrade -- freqtrade trade
key-wizard exec production --as KEY=MY_KEY,SECRET=MY_SECRET -- ./run-bot
key-wizard exec production --watch -- python bot.py
key-wizard exec staging --key-file -- ./run-bot --dry-run"""
HAS_JSON = False


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.usage = "key-wizard exec ENV [--as NAMES] [--key-file] [--watch] -- CMD [ARG ...]"
    parser.add_argument("environment", metavar="ENV", help="whose current key")
    parser.add_argument("stray", metavar="-- CMD [ARG ...]", nargs="*", help="your command, always after --")
    parser.add_argument(
        "--as",
        dest="names",
        metavar="NAMES",
        type=_names,
        default=OWN,
        help=f"the names that your bot reads: {', '.join(PROGRAMS)} or KEY=NAME,SECRET=NAME",
    )
    parser.add_argument(
        "--key-file",
        action="store_true",
        help="a private key comes as the path of a file that exists in memory only",
    )
    parser.add_argument("--watch", action="store_true", help="start your command again when the current key changes")
    parser.add_argument(
        "--signal",
        metavar="NAME",
        type=_signal,
        help="with --watch: only send this signal, as HUP. Your command reads the new key itself",
    )
    parser.add_argument(
        "--stop-within",
        metavar="SECONDS",
        type=non_negative,
        default=STOP_WITHIN,
        help=f"with --watch: SIGKILL follows SIGTERM after this time ({STOP_WITHIN:g})",
    )


def _signal(name: str) -> int:
    number = getattr(signal, f"SIG{name.upper().removeprefix('SIG')}", None)
    if not isinstance(number, signal.Signals):
        raise argparse.ArgumentTypeError("it is not the name of a signal, as HUP or USR1")
    return number


def _names(text: str) -> Names:
    try:
        return parse_names(text)
    except ValueError:  # what was typed is not repeated: it may be a key
        wanted = f"choose {', '.join(PROGRAMS)} or KEY=NAME,SECRET=NAME with two names of variables"
        raise argparse.ArgumentTypeError(wanted) from None


def run(options: argparse.Namespace) -> int:
    """Read the credentials, then become the command."""
    if options.stray or not options.words:
        print_message("key-wizard: There is no command to run. Write:", "  key-wizard exec ENV -- CMD")
        return Exit.USAGE
    if options.watch or options.signal is not None:
        return _stay(options)
    with read_current(options.environment, _open_place) as credentials:
        environ, _ = _environ(options, credentials, known_keys(options.environment))
    options.inherited.restore()
    options.shutdown.restore_handlers()
    return _become(options.words, environ)


def _stay(options: argparse.Namespace) -> int:
    """Run the command as a child, and start it again or signal it when the current key changes."""
    if sys.platform == "win32":
        raise UsageError("--watch works on Linux and macOS only", advice="Restart your bot after each replacement.")
    from wizard.commands.supervisor import Plan, start, supervise  # noqa: PLC0415 - only `--watch` needs it

    def begin(credentials: Credentials) -> subprocess.Popen[bytes]:
        environ, descriptor = _environ(options, credentials, *known)
        try:
            return start(options.words, environ, options.inherited.restore)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def read_again() -> Credentials:
        known[:] = [known_keys(options.environment)]  # here, where a failure stops nothing
        return read_current(options.environment, open_unasked)  # the terminal is the command's

    def complain(error: WizardError) -> None:
        if error.what not in said:
            said.add(error.what)
            _say(f"{error.what.rstrip('.')}. Your bot runs on with the key that it has.")

    said: set[str] = set()
    known = [known_keys(options.environment)]
    credentials = read_current(options.environment, _open_place)
    changes = watch_current(options.environment, read_again, credentials.name, stop=Event(), on_error=complain)
    options.shutdown.restore_handlers()
    try:
        return supervise(Plan(begin, options.signal, options.stop_within, _say), credentials, changes)
    except OSError as error:
        return _not_started(options.words, error)


def _say(text: str) -> None:
    print_message(f"key-wizard: {text}")


def _open_place(paths: Paths, known: Settings) -> Awaitable[Store]:
    from wizard.commands.prompts import place_opener  # noqa: PLC0415 - a keyring that can be used needs none of it

    return place_opener(paths, known)()


def _environ(
    options: argparse.Namespace, credentials: Credentials, records: Sequence[KeyRecord]
) -> tuple[dict[str, str], int | None]:
    """Return the environment of the command, with the descriptor of its key file, if any.

    What is left out is said, once, and what is new to the bot.
    """
    names: Names = options.names
    given, descriptor = names.variables(credentials), None
    if options.key_file and credentials.kind is not KeyKind.HMAC:
        descriptor = memory_file(credentials.signing)
        given[names.private_key] = f"/proc/self/fd/{descriptor}"
    name = credentials.name
    others = [record.name.fingerprint for record in records if record.name != name]
    inherited: Mapping[str, str] = options.inherited.environ
    left_out = rivals(inherited, given, others)
    if left_out:
        shown = ", ".join(left_out)
        _say(f"Your bot does not see your own {shown}. It may be another key.")
        inherited = {each: value for each, value in inherited.items() if each not in left_out}
        options.inherited = replace(options.inherited, environ=inherited)
    for line in changes(records, credentials, names, time.time()):
        _say(line)
    return {**inherited, **given}, descriptor


def changes(records: Sequence[KeyRecord], credentials: Credentials, names: Names, now: float) -> Iterator[str]:
    """Yield what a bot that worked with the key before may not be able to do with this one."""
    name, kind = credentials.name, credentials.kind
    before = next((each for each in reversed(records) if each.slot in (Slot.LEGACY, Slot.RETIRED)), None)
    stored = max((each.stored_at for each in records if each.name == name), default=0.0)
    if before is None or now - stored > CHANGE_SAID_FOR or (before.kind is KeyKind.HMAC) is (kind is KeyKind.HMAC):
        return
    was, now_in = names.signing(before.kind), names.signing(kind)
    what = f"and no {was}" if was != now_in else f"not the {_signing(before.kind)} of {before.name}"
    yield f"{name} is {kind.label}, {before.name} is {before.kind.label}."
    yield f"Your bot gets the {_signing(kind)} in {now_in}, {what}."


def _signing(kind: KeyKind) -> str:
    return "HMAC secret" if kind is KeyKind.HMAC else "private key"


def memory_file(text: Secret) -> int:
    """Return the descriptor of a new file in memory alone. It is read-only, and children inherit it.

    It has no name in any directory. The kernel frees it with the last process that has it open, however that ends
    (memfd_create(2)), so nothing is left to delete. As all memory it may be swapped out.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        opened = os.memfd_create("key", os.MFD_ALLOW_SEALING)
    except (ImportError, AttributeError, OSError):
        raise UsageError(
            "A private key can be handed over as a file on Linux only",
            why="This system has no file that exists in memory only. A key is never written to a disk.",
            advice="Leave --key-file out. Your bot then gets the private key in a variable.",
            code="exec.no-memory-file",
        ) from None
    with os.fdopen(opened, "wb") as file:
        os.fchmod(opened, 0o600)
        file.write(text.reveal().encode())
        file.flush()
        fcntl.fcntl(opened, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
        return fcntl.fcntl(opened, fcntl.F_DUPFD, _FIRST_DESCRIPTOR)


def _become(command: list[str], environ: Mapping[str, str]) -> int:
    """Replace this process; return an exit code only where that fails."""
    # Python ignores these two, and what is ignored stays so across exec: `yes | head` would not end quietly.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        return _not_started(command, error)


def _not_started(command: Sequence[str], error: OSError) -> int:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        print_message(f"key-wizard: {command[0]}: command not found")
        return NOT_FOUND
    print_message(f"key-wizard: {command[0]}: {error.strerror}")
    return NOT_EXECUTABLE
