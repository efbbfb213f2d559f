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
from wizard.whitelist.entries import COMMENT_MARKS, LONGEST_LABEL, parse
from wizard.whitelist.extract import Extract, extract, text_within
from wizard.whitelist.findings import ListContext, ListFinding
from wizard.whitelist.fixes import fix_all
from wizard.whitelist.rendering import Separator, diff, render, written
from wizard.whitelist.validation import CheckedEntry, Validation, validate

FORMS = {form.name.lower(): form for form in Separator}

SUMMARY = "check an address list, or find the addresses in any text"
EXAMPLES = """\
key-wizard whitelist 203.0.113.42 198.51.100.0/24
key-wizard whitelist - --format lines < addresses.txt
key-wizard whitelist - --env production --egress 203.0.113.42 < addresses.txt
key-wizard whitelist - < nginx.conf"""
ABOUT = """\
Standard output has the list to paste, and nothing if the list has errors.
What is wrong goes to standard error. In a text that is no list the addresses are
found. Standard error then has them, what was left out and why, and how to take them.
Exit codes: 0 no errors, 1 errors."""


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
    text = _text(options.text)
    entries, within = parse(text), text_within(text, context.rules)
    validation = validate(entries, context)
    form = FORMS[options.format]
    output = render(validation.networks, form) if validation.is_valid else None
    if options.json:
        listed = entries if within is None else tuple(each for each in within.entries if each.network in within.usable)
        repaired = validate(fix_all(listed, lambda each: validate(each, context)), context)
        print_json(
            {
                **as_json(validation, output),
                **_found_json(within or extract(text, context.rules)),
                **({} if within is None else {"sentence": within.sentence()}),
                "repaired": render(repaired.networks, form) if repaired.is_valid else None,
                "difference": _difference_json(validation, context),
            }
        )
    elif within is not None:
        _print_found(within)
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


def _found_json(extracted: Extract) -> dict[str, object]:
    """What stands in the text, also where it is no list. Each label and line is safe to show."""
    return {
        "found": [
            {"network": str(each.network), "label": each.label, "line": each.line, "remark": each.remark or None}
            for each in extracted.found
        ],
        "left_out": [
            {"line": each.line, "text": each.text or None, "reason": each.reason} for each in extracted.left_out
        ],
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
    shown = ("code", "severity", "message", "suggestion", "alternative")
    return {**{name: getattr(finding, name) for name in shown}, "safe": finding.is_safe}


def _print(validation: Validation) -> None:
    listed = [checked for checked in validation.entries if not checked.is_commented]
    for number, checked in enumerate(listed, start=1):
        for finding in checked.findings:
            print_message(f"{finding.severity:<8} entry {number:<4} {finding.message}{_instead(finding)}")
    commented = [finding for checked in validation.entries if checked.is_commented for finding in checked.findings]
    for finding in (*validation.findings, *commented):
        print_message(f"{finding.severity:<8} list       {finding.message}")
    print_message(validation.sentence())


def _print_found(extracted: Extract) -> None:
    """Tell what a text holds. Nothing of it is taken before the user has seen it."""
    for each in extracted.found:
        beside = ", ".join(filter(None, (each.label, each.remark)))
        print_message(f"found    line {each.line:<5} {written(each.network)}{f' ({beside})' if beside else ''}")
    for left in extracted.left_out:
        print_message(f"left out line {left.line:<5} {left.reason}")
    print_message(f"{extracted.sentence()} This is a text and no list.")
    if extracted.usable:
        print_message(f"To take them: key-wizard whitelist {render(extracted.usable)}")


def _instead(finding: ListFinding) -> str:
    texts = [text for text in (finding.suggestion, finding.alternative) if text]
    return f" Instead: {' or '.join(texts)}" if texts else ""


def _text(words: Sequence[str]) -> str:
    """Return what is given; a dash at either end is what standard input holds, one between two is a range."""
    if words[0] == "-":
        return "\n".join([_checked(standard_input()), *([_text(words[1:])] if words[1:] else [])])
    if words[-1] == "-":
        return "\n".join([_text(words[:-1]), _checked(standard_input())])
    # A comment ends with its argument; else it would swallow the arguments behind it.
    between = "\n" if any(mark in word for word in words for mark in COMMENT_MARKS) else " "
    return _checked(between.join(words).encode("utf-8", "replace").decode("utf-8"))


def _checked(text: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if holds_key(line):
            raise UsageError(
                f"Line {number} of the list looks like a key",
                why="It has 40 or more letters and digits in a row, or is part of a private key.",
                advice="Delete it from the list. If it is a real key, replace it.",
                code="argument.key",
            )
    return text


def _context(options: argparse.Namespace) -> ListContext:
    """What to check against: with an environment named, also what the journal knows of it."""
    paths, known = settings.read()
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
