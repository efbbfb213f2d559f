"""What commands read and write: arguments and standard input; results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from wizard.core.errors import Exit, UsageError, WizardError, sentences
from wizard.core.key_shape import holds_key
from wizard.core.shutdown import Shutdown, discard_output
from wizard.core.terminal import inspect_terminal
from wizard.core.text import REPLACEMENT, capitalised, did_you_mean, printable
from wizard.rotation.model import Finding, Mode, Outcome

if TYPE_CHECKING:
    from wizard.environments import Environments

SCHEMA = 1
_LONGEST_LINE = 10_000
"""Hundreds of hosts are named in one line."""
LONGEST_INPUT = 2**17
"""Bytes; about 8,000 addresses, where the exchange takes some twenty."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNWRITABLE = "output.unwritable"


def open_wizard(
    environments: Environments,
    shutdown: Shutdown,
    command: str = "key-wizard",
    *,
    environment: str | None = None,
    job: Mode | None = None,
    is_plain: bool = False,
) -> int:
    """Open the wizard on screens or by lines, and return its exit code; `command` brings the user back.

    Once the environment is open, `job` is begun, or resumed where it is the open one.
    """
    terminal = inspect_terminal(os.environ, sys.__stdin__, sys.__stderr__)
    # Also unasked, where the terminal cannot move its cursor.
    is_plain = is_plain or terminal.term == "dumb" or (terminal.stdin_is_tty and not terminal.term)
    if is_plain:
        gc.enable()
        from wizard.plain.walk import open_wizard as open_face  # noqa: PLC0415
    else:
        gc.disable()  # until the first paint: what is loaded stays, and would be looked through again and again
        from wizard.tui.app import open_wizard as open_face  # noqa: PLC0415 - loads textual
    named = f" --env {environment}" if environment else ""
    return open_face(environments, environment, command + named + " --plain" * is_plain, shutdown, job)


def print_message(*lines: str) -> None:
    """Write progress or a warning to standard error, where there is one, cleaned."""
    if sys.stderr is None:  # print would take standard output instead
        return
    with suppress(OSError):  # it is full, or nobody reads it: the exit code says how it ended
        print(cleaned(*lines), file=sys.stderr, flush=True)


def cleaned(*lines: str) -> str:
    """Return harmless text: what looks like a line is one of ours, as a line end within one becomes a space."""
    return "\n".join(printable(line, limit=_LONGEST_LINE) for line in lines)


def print_result(*lines: str) -> None:
    """Write a result to standard output, cleaned, or raise UsageError; BrokenPipeError where nobody reads."""
    write_output(cleaned(*lines))


def write_output(text: str) -> None:
    """Write a text for programs to standard output as it is (see `print_result`)."""
    if sys.stdout is None:
        raise _unwritable("It is closed.")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise _unwritable(f"{error.strerror}.") from error


def _unwritable(why: str) -> UsageError:
    advice = "Free some space, or send the output elsewhere, and run the command again."
    return UsageError("Standard output cannot be written", why=why, advice=advice, code=_UNWRITABLE)


def print_json(body: Mapping[str, object]) -> None:
    """Write the one JSON object of a command, in ASCII: it survives every locale and writes no control character."""
    text = json.dumps({"schema": SCHEMA, **body}, ensure_ascii=False)
    # Many readers refuse half a surrogate pair, which a file name can hold.
    write_output(json.dumps(json.loads(_SURROGATES.sub(REPLACEMENT, text))))


def print_error(error: WizardError, *, as_json: bool = False) -> Exit:
    """Say what happened, why, and what to do, and with `as_json` print it too; return the exit code that fits."""
    what, *why = sentences(error.what, error.why)
    advice = (row for sentence in sentences(error.advice) for row in sentence.split("\n"))
    rows = (f"  {row}" for row in (*why, *advice))
    print_message(f"key-wizard: {what}", *rows, *instruction_lines(error))
    if as_json and error.code != _UNWRITABLE:
        with suppress(UsageError):  # the words have been said
            print_json({"error": {name: getattr(error, name) for name in ("code", "what", "why", "advice")}})
    return error.exit_code


def print_finding(finding: Finding) -> None:
    """Say one finding on one line, and what to do about it on the next."""
    print_result(f"{finding.outcome:<14} {finding.subject:<20} {finding.observed}")
    if finding.advice:
        print_result(f"{'':<14} {'':<20} {finding.advice}")


def instruction_lines(source: object) -> Iterator[str]:
    """Return what an error or a finding wants done at a shell, if anything: each command alone on its line."""
    for instruction in getattr(source, "instructions", ()):
        yield from ("", f"{instruction.title}.", *instruction.commands)


def add_command(commands: argparse._SubParsersAction[Any], name: str, module: ModuleType) -> None:
    """Describe a command as its module does, by examples first. One without a summary is not listed."""
    says = vars(module)
    summary, shown = says.get("SUMMARY", ""), f"examples:\n{textwrap.indent(module.EXAMPLES, '  ')}"
    parser = commands.add_parser(
        name,
        description="\n\n".join(filter(None, (*sentences(capitalised(summary)), shown, says.get("ABOUT")))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        **({"help": summary} if summary else {}),
    )
    if says.get("HAS_JSON", True):
        parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=module.run)
    if "add_arguments" in says:
        module.add_arguments(parser)


def exit_code(findings: Iterable[Finding]) -> Exit:
    """Return the code for all findings together: a failure speaks louder than a question that is open."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Exit.SAYS_NO
    return Exit.INCONCLUSIVE if outcomes & {Outcome.INCONCLUSIVE, Outcome.NOT_RUN} else Exit.FINE


def refuse_keys(arguments: Sequence[str]) -> None:
    """Raise UsageError where an argument looks like a key, before anything can repeat it."""
    if any(map(holds_key, arguments)):
        raise UsageError(
            "An argument looks like a key, and no command takes one",
            why="It has 40 or more letters and digits in a row, or is part of a private key. Your shell may have saved"
            " it, and other programs can read it.",
            advice="Delete it from your shell's history. If it is a real key, replace it. Only the wizard takes keys.",
            code="argument.key",
        )


def non_negative(text: str) -> float:
    """Return a number that is neither negative nor infinite, as the type of an argument."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError("it is not a number of 0 or more")
    return value


class ArgumentParser(argparse.ArgumentParser):
    """An `argparse` parser for text from outside. A variable of the environment can stand for each option."""

    interleaved: str | None = None
    """The positional argument that may also stand behind and between options: `8.8.8.8 --json 9.9.9.9`."""

    def variables(self) -> dict[str, argparse.Action]:
        """Return the options by their variables: that of `check --max-age` is `KEY_WIZARD_CHECK_MAX_AGE`.

        An option without a default stands before the command too, and has its variable there.
        """
        options = [each for each in self._actions if each.option_strings and each.default is not argparse.SUPPRESS]
        words = {f"{self.prog} {each.option_strings[-1].lstrip('-')}": each for each in options}
        return {re.sub("[ -]", "_", name).upper(): each for name, each in words.items()}

    def _from_variables(self) -> Iterator[str]:
        for name, option in self.variables().items():
            value = os.environ.get(name, "")
            if holds_key(value):
                why, advice = "No option takes one.", f"Unset it: unset {name}"
                raise UsageError(f"{name} looks like a key", why=why, advice=advice, code="argument.key")
            if option.nargs == 0 and value.lower() not in ("", "0", "false", "no", "off"):
                yield option.option_strings[-1]
            elif option.nargs != 0 and value:
                yield f"{option.option_strings[-1]}={value}"

    def _print_message(self, message: str, file: Any = None) -> None:
        # Help and version are results. Python 3.11.2 ends with a traceback where they cannot be written.
        if file is sys.stdout:
            write_output(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)

    def format_help(self) -> str:
        """Return the help; at its end it names the variables."""
        variables = textwrap.fill(f"Variables: {', '.join(self.variables())}", 100)
        return f"{super().format_help()}\n{variables}\n"

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """Take what variables say before `args`, and words between options for the argument that is interleaved."""
        options, rest = super().parse_known_args([*self._from_variables(), *(args or ())], namespace)
        if self.interleaved is not None:
            words = [each for each in rest if each == "-" or not each.startswith("-")]
            setattr(options, self.interleaved, [*getattr(options, self.interleaved), *words])
            rest = [each for each in rest if each not in words]
        if rest:  # said here, where the options of the command are known
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return options, rest

    def error(self, message: str) -> NoReturn:
        """Raise UsageError: what is wrong with the arguments, what was probably meant, and how they are written."""
        wrong = re.search(r"invalid choice: '(.+?)' \(choose from (.*)|unrecognized arguments: (-[^\s=]+)", message)
        chosen, choices, option = wrong.groups() if wrong else ("", "", "")
        known = self._option_string_actions if option else re.findall(r"[\w.-]+", choices or "")
        advice = f"{self.format_usage()}See {self.prog} --help"
        given = ", ".join(name for name in self.variables() if os.environ.get(name))
        why = [did_you_mean(option or chosen, known), f"Your environment sets {given}." if given else ""]
        what = printable(capitalised(message), 500)
        raise UsageError(what, why=" ".join(filter(None, why)), advice=advice, code="usage")


def standard_input(largest: int = LONGEST_INPUT) -> str:
    """Read all of it, `largest` bytes at most, also UTF-16, as PowerShell writes it; or raise UsageError.

    Bytes that are no text become characters that no address has.
    """
    try:
        given = sys.stdin.buffer.read(largest + 1)
    except (AttributeError, OSError, ValueError) as error:
        raise UsageError(
            "Standard input cannot be read",
            why="It is closed, or cannot be read.",
            advice="Pipe a text into the command.",
            code="input.unreadable",
        ) from error
    if len(given) > largest:
        raise UsageError(
            "Standard input is too long",
            why=f"It has more than {largest // 1024} KiB. The rest was not read.",
            advice="Pipe only the lines that matter into the command.",
            code="input.unreadable",
        )
    from wizard.intake.sources import decode  # noqa: PLC0415 - arguments alone need none of it

    return decode(given, "replace")
