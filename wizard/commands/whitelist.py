"""`key-wizard whitelist`: check an address list, and write it as Binance's page wants it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from ipaddress import IPv4Address

from wizard.commands.console import ArgumentParser, print_json, print_message, standard_input, write_output
from wizard.core import settings
from wizard.core.addresses import read_ipv4
from wizard.core.errors import Exit, UsageError
from wizard.core.key_shape import holds_key
from wizard.core.text import printable
from wizard.whitelist.entries import COMMENT_MARKS, LONGEST_LABEL, Entries, parse
from wizard.whitelist.findings import ListContext, ListFinding
from wizard.whitelist.fixes import fix_all
from wizard.whitelist.rendering import Separator, diff, render
from wizard.whitelist.validation import CheckedEntry, Validation, validate

FORMS = {form.name.lower(): form for form in Separator}

SUMMARY = "check an address list and print it ready to paste"
EXAMPLES = """\
key-wizard whitelist 203.0.113.42 198.51.100.0/24
key-wizard whitelist - --format lines < addresses.txt
key-wizard whitelist - --env production --egress 203.0.113.42 < addresses.txt"""
ABOUT = """\
Standard output has the list to paste, and nothing if the list has errors.
What is wrong goes to standard error. Exit codes: 0 no errors, 1 errors."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("text", metavar="TEXT", nargs="+", help="addresses and CIDR blocks, - reads standard input")
    # SUPPRESS: a default would overwrite an --env that stands before the command.
    parser.add_argument(
        "--env",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="use the rules of this environment, and compare with the other lists",
    )
    parser.add_argument("--format", choices=FORMS, default="commas", help="what separates two entries")
    parser.add_argument(
        "--egress",
        metavar="ADDRESS",
        type=_address,
        action="append",
        default=[],
        help="an address that the list must cover (repeatable)",
    )
    parser.interleaved = "text"


def run(options: argparse.Namespace) -> int:
    """Check, then print the text to paste."""
    context = _context(options)
    entries = _entries(options.text)
    validation = validate(entries, context)
    form = FORMS[options.format]
    output = render(validation.networks, form) if validation.is_valid else None
    if options.json:
        repaired = validate(fix_all(entries, lambda each: validate(each, context)), context)
        print_json(
            {
                **as_json(validation, output),
                "repaired": render(repaired.networks, form) if repaired.is_valid else None,
                "difference": _difference_json(validation, context),
            }
        )
    else:
        _print(validation)
        if output is not None:
            write_output(output)
    return Exit.FINE if validation.is_valid else Exit.SAYS_NO


def as_json(validation: Validation, output: str | None) -> dict[str, object]:
    """Return a validation as JSON shapes; `output` is the text to paste, null where there are errors."""
    return {
        "valid": validation.is_valid,
        "sentence": validation.sentence(),
        "entries": [_entry_json(each) for each in validation.entries if not each.is_commented],
        "findings": [
            *map(_finding_json, validation.findings),
            # What stands in a comment is not on the list, so it is no entry.
            *(
                {**_finding_json(finding), "position": each.entry.position}
                for each in validation.entries
                if each.is_commented
                for finding in each.findings
            ),
        ],
        "output": output,
    }


def _difference_json(validation: Validation, context: ListContext) -> dict[str, list[str]] | None:
    """What changes against the list in use; null where none is known, and where there is no list to use."""
    if not context.previous or not validation.is_valid:
        return None
    difference = diff(context.previous, validation.networks)
    return {name: list(map(str, getattr(difference, name))) for name in ("added", "removed", "kept")}


def _entry_json(checked: CheckedEntry) -> dict[str, object]:
    return {
        "text": checked.entry.text,
        "position": checked.entry.position,
        "network": str(checked.entry.network) if checked.entry.network else None,
        "label": printable(checked.label, LONGEST_LABEL) or None,
        "findings": [_finding_json(finding) for finding in checked.findings],
    }


def _finding_json(finding: ListFinding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "suggestion": finding.suggestion,
        "alternative": finding.alternative,
        "safe": finding.is_safe,
    }


def _print(validation: Validation) -> None:
    listed = [checked for checked in validation.entries if not checked.is_commented]
    for number, checked in enumerate(listed, start=1):
        for finding in checked.findings:
            print_message(f"{finding.severity:<8} entry {number:<4} {finding.message}{_instead(finding)}")
    commented = [finding for checked in validation.entries if checked.is_commented for finding in checked.findings]
    for finding in (*validation.findings, *commented):
        print_message(f"{finding.severity:<8} list       {finding.message}")
    print_message(validation.sentence())


def _instead(finding: ListFinding) -> str:
    texts = [text for text in (finding.suggestion, finding.alternative) if text]
    return f" Instead: {' or '.join(texts)}" if texts else ""


def _entries(words: Sequence[str]) -> Entries:
    """Return the list as given; a dash at either end is what standard input holds, one between two is a range."""
    if words[0] == "-":
        return (*_parsed(standard_input()), *(_entries(words[1:]) if words[1:] else ()))
    if words[-1] == "-":
        return (*_entries(words[:-1]), *_parsed(standard_input()))
    # A comment ends with its argument; else it would swallow the arguments behind it.
    between = "\n" if any(mark in word for word in words for mark in COMMENT_MARKS) else " "
    return _parsed(between.join(words).encode("utf-8", "replace").decode("utf-8"))


def _parsed(text: str) -> Entries:
    for number, line in enumerate(text.splitlines(), start=1):
        if holds_key(line):
            raise UsageError(
                f"Line {number} of the list looks like a key",
                why="It has 40 or more letters and digits in a row, or is part of a private key.",
                advice="Delete it from the list. If it is a real key, replace it.",
                code="argument.key",
            )
    return parse(text)


def _context(options: argparse.Namespace) -> ListContext:
    """What to check against: with an environment named, also what the journal knows of it."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.env) if options.env else known.default
    required = dict.fromkeys(options.egress, "named by --egress")
    if not options.env:
        return ListContext(environment.rules, required)
    # Loaded where the journal is read: the list alone is checked at once.
    from wizard.rotation.journal import read_journal  # noqa: PLC0415
    from wizard.rotation.steps.whitelist import list_context  # noqa: PLC0415

    with read_journal(paths) as journal:
        return list_context(journal, environment, required)


def _address(text: str) -> IPv4Address:
    address = read_ipv4(text)
    if address is None:
        raise argparse.ArgumentTypeError(f"{printable(text, limit=40)!r} is not an IPv4 address")
    return address
