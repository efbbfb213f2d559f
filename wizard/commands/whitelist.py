"""`key-wizard whitelist`: judge an address list, and write it as the exchange's page wants it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from wizard import settings
from wizard.addresses import read_ipv4
from wizard.commands.console import print_json, tell
from wizard.exit_codes import Exit
from wizard.rules import MOST_ENTRIES, Rules
from wizard.text import printable
from wizard.whitelist import Finding, Form, JudgedEntry, Judgement, RequiredAddress, Surroundings, judge, parse, render

FORMS = {form.name.lower(): form for form in Form}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "whitelist",
        help="judge an address list; exit code 1 if it has errors",
        description="Says what is wrong with an address list. A list without errors is printed, ready to paste.",
    )
    parser.add_argument("text", metavar="TEXT", nargs="+", help="addresses and blocks; - reads standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    # SUPPRESS: a default would overwrite an --env that stands before the command.
    parser.add_argument(
        "--env", metavar="NAME", default=argparse.SUPPRESS, help="by whose rules; production, else the first"
    )
    parser.add_argument("--format", choices=FORMS, default="commas", help="what stands between two entries")
    parser.add_argument(
        "--egress",
        metavar="ADDRESS",
        type=_address,
        action="append",
        default=[],
        help="an address that must be covered; may be repeated",
    )
    parser.add_argument("--max-entries", metavar="N", type=_limit, help="how many entries the exchange accepts")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge, then print the text to paste."""
    required = [RequiredAddress(address, "named by --egress") for address in options.egress]
    judgement = judge(parse(_text(options.text)), Surroundings(_rules(options), tuple(required)))
    output = render(judgement.networks, FORMS[options.format]) if judgement.is_valid else None
    if options.json:
        print_json(as_json(judgement, output))
    else:
        _tell(judgement)
        if output is not None:
            print(output)
    return Exit.FINE if judgement.is_valid else Exit.SAYS_NO


def as_json(judgement: Judgement, output: str | None) -> dict[str, object]:
    """Return a judgement as JSON shapes; `output` is the text to paste, null where there are errors."""
    return {
        "valid": judgement.is_valid,
        "sentence": judgement.sentence(),
        "entries": [_entry_json(judged) for judged in judgement.entries],
        "findings": [_finding_json(finding) for finding in judgement.findings],
        "output": output,
    }


def _entry_json(judged: JudgedEntry) -> dict[str, object]:
    return {
        "text": judged.entry.text,
        "position": judged.entry.position,
        "network": str(judged.entry.network) if judged.entry.network else None,
        "findings": [_finding_json(finding) for finding in judged.findings],
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


def _tell(judgement: Judgement) -> None:
    for number, judged in enumerate(judgement.entries, start=1):
        for finding in judged.findings:
            instead = f" Instead: {finding.suggestion}" if finding.suggestion else ""
            tell(f"{finding.severity:<8} entry {number:<4} {finding.message}{instead}")
    for finding in judgement.findings:
        tell(f"{finding.severity:<8} list       {finding.message}")
    tell(judgement.sentence())


def _text(words: Sequence[str]) -> str:
    """Return the list as given. Bytes that are no UTF-8 become characters that no address has."""
    if list(words) == ["-"]:
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return " ".join(words).encode("utf-8", "replace").decode("utf-8")


def _rules(options: argparse.Namespace) -> Rules:
    known = settings.load(settings.paths().config_file)
    rules = (known.environment(options.env) if options.env else known.default).rules
    return rules if options.max_entries is None else replace(rules, max_entries=options.max_entries)


def _address(text: str) -> IPv4Address:
    address = read_ipv4(text)
    if address is None:
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is not an IPv4 address")
    return address


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ENTRIES:
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is not a whole number from 1 to {MOST_ENTRIES}")
    return int(text)
