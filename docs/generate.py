"""Write the command reference and the man pages from the command line's parser: `python -m docs.generate`."""

from __future__ import annotations

import argparse
import itertools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wizard import __version__, cli
from wizard.commands.console import ArgumentParser

DOCS = Path(__file__).parent
_INTRODUCTION = """\
# Command reference

`key-wizard --help`, `man key-wizard` and this page say the same. `python -m docs.generate` writes this page and the man
pages. [Commands](commands.md) says how to use the commands.

Each option has a variable that can stand for it ([how](commands.md#variables)).
"""
_CODE = re.compile(r", (?=\d+(?:\+n)? )")


@dataclass(frozen=True)
class Argument:
    """One line of the list of options."""

    written: str
    """As it is typed: `--max-age DAYS`."""
    help: str
    variable: str
    """That can stand for it; empty where none can."""


@dataclass(frozen=True)
class Command:
    """What a page says of a command; `key-wizard` is the first."""

    name: str
    """With the program's: `key-wizard check`."""
    usage: str
    """Without the name, on one line."""
    summary: str
    examples: str
    about: str
    """Lines; those that are indented stand alone."""
    codes_of: str
    """What comes before its exit codes: `Exit codes`."""
    codes: tuple[tuple[str, str], ...]
    """Its exit codes with their meanings."""
    arguments: tuple[Argument, ...]

    @property
    def page(self) -> str:
        """The name of the man page."""
        return self.name.replace(" ", "-")


def commands() -> list[Command]:
    """Return every command, in the order of the help."""
    options = argparse.Namespace()
    cli.parse(["completion", "bash"], options)  # which is about all of them
    main: ArgumentParser = options.parser
    parsers = next(each.choices for each in main._actions if isinstance(each, argparse._SubParsersAction))
    return [_command(each, main) for each in (main, *parsers.values())]


def _command(parser: ArgumentParser, main: ArgumentParser) -> Command:
    before, _, after = (parser.description or "").partition("examples:\n")
    examples, _, about = after.partition("\n\n")
    about, _, codes = (about or parser.epilog or "").partition("Exit codes")
    codes_of, _, listed = codes.rstrip(".").replace("\n", " ").rpartition(": ")
    summary = " ".join(before.split()) or about.partition("\n")[0]  # a command that help does not list has none
    return Command(
        parser.prog,
        _usage(parser),
        summary,
        textwrap.dedent(examples),
        about.removeprefix(summary).strip(),
        f"Exit codes{codes_of}",
        tuple((code, meaning) for code, _, meaning in (one.partition(" ") for one in _CODE.split(listed) if one)),
        tuple(_arguments(parser, main)),
    )


def _usage(parser: ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(parser.prog, width=100_000)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return " ".join(formatter.format_help().split()).removeprefix(f"{parser.prog} ").replace("[-h] ", "")


def _arguments(parser: ArgumentParser, main: ArgumentParser) -> Iterator[Argument]:
    formatter = parser._get_formatter()
    of_all = {each.option_strings[-1]: name for name, each in main.variables().items()}
    variables = {id(each): name for name, each in parser.variables().items()}
    for action in sorted(parser._actions, key=lambda each: bool(each.option_strings)):
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
        value = "" if action.nargs == 0 else str(action.metavar or choices)
        written = ", ".join(filter(None, [*action.option_strings, ""]))
        name = variables.get(id(action)) or (of_all.get(action.option_strings[-1], "") if written else "")
        yield Argument(f"{written} {value}".strip(), formatter._expand_help(action), name)


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Yield paragraphs as one line, and runs of indented lines as they are, marked as such."""
    for paragraph in text.split("\n\n"):
        for stands_alone, lines in itertools.groupby(paragraph.splitlines(), key=lambda line: line.startswith("  ")):
            yield stands_alone, ("\n" if stands_alone else " ").join(lines)


def reference(known: list[Command]) -> str:
    """Return the page of all commands, as Markdown."""
    rows = "".join(f"| [`{each.name}`](#{each.page}) | {each.summary} |\n" for each in known)
    return f"{_INTRODUCTION}\n| command | does |\n|---|---|\n{rows}" + "".join(map(_section, known))


def _section(command: Command) -> str:
    usage = textwrap.fill(
        f"{command.name} {command.usage}", 100, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
    parts = [f"## {command.name}", command.summary, f"```text\n{usage}\n```", f"```text\n{command.examples}\n```"]
    for stands_alone, block in _blocks(command.about):
        parts.append(f"```text\n{textwrap.dedent(block)}\n```" if stands_alone else textwrap.fill(block, 120))
    if command.codes:
        parts.append("\n".join([f"{command.codes_of}:", "", *(f"- `{code}` {means}" for code, means in command.codes)]))
    if command.arguments:
        parts.append("\n".join(["| argument | does | variable |", "|---|---|---|", *map(_row, command.arguments)]))
    return "".join(f"\n{part}\n" for part in parts if part)


def _row(one: Argument) -> str:
    cells = (f"`{one.written}`", one.help, f"`{one.variable}`" if one.variable else "")
    return f"| {' | '.join(cells)} |"


def man_page(command: Command, known: list[Command]) -> str:
    """Return the page for `man`, in roff's macros."""
    lines = [
        f'.TH {command.page.upper()} 1 "" "key-wizard {__version__}" "Key Wizard"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{_roff(command.page)} \\- {_roff(command.summary.removesuffix('.'))}",
        ".SH SYNOPSIS",
        f".B {_roff(command.name)}",
        _roff(command.usage),
        *([".SH DESCRIPTION", *_roff_blocks(command.about)] if command.about else ()),
        *([".SH OPTIONS"] if command.arguments else ()),
    ]
    for each in command.arguments:
        lines += [".TP", f".B {_roff(each.written)}", _roff(each.help)]
    if len(known) > 1:
        lines.append(".SH COMMANDS")
        for each in known[1:]:
            lines += [".TP", f".BR {_roff(each.page)} (1)", _roff(each.summary)]
    lines += [".SH EXAMPLES", ".nf", *map(_roff, command.examples.splitlines()), ".fi"]
    if variables := [each for each in command.arguments if each.variable]:
        lines += [".SH ENVIRONMENT", "The command line goes before a variable."]
        for each in variables:
            lines += [".TP", f".B {each.variable}", f"stands for {_roff(each.written.split()[0])}"]
    if command.codes:
        lines += [".SH EXIT STATUS", _roff(f"{command.codes_of}:")]
        for code, means in command.codes:
            lines += [".TP", f".B {code}", _roff(means)]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^(?=\.)", r"\\&", escaped)


def _roff_blocks(text: str) -> Iterator[str]:
    for stands_alone, block in _blocks(text.strip()):
        body = [_roff(line) for line in block.splitlines()]
        yield from (".PP", ".nf", *body, ".fi") if stands_alone else (".PP", *body)


def pages() -> dict[Path, str]:
    """Return what each generated file holds."""
    known = commands()
    found = {DOCS / "reference.md": reference(known)}
    for each in known:
        found[DOCS / "man" / f"{each.page}.1"] = man_page(each, known if each is known[0] else [each])
    return found


if __name__ == "__main__":
    (DOCS / "man").mkdir(exist_ok=True)
    for file, text in pages().items():
        file.write_text(text, "utf-8")
