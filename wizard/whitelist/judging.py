"""The verdict on a whole list: every problem at its entry, and what the list lacks.

Invariant: a network of `Judgement.networks` was named by an entry without an error.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from wizard.whitelist.comments import hidden_in_comments
from wizard.whitelist.findings import Context, Finding, Severity, Surroundings, error
from wizard.whitelist.neighbours import Neighbours, lost_access
from wizard.whitelist.parsing import Entry, ParsedList, line_marks
from wizard.whitelist.scope import covered, duplicate, is_usable, scope_findings
from wizard.whitelist.spans import Blocks, Spans
from wizard.whitelist.spelling import bullet, is_dash, misspelling


@dataclass(frozen=True, slots=True)
class JudgedEntry:
    """An entry with everything that was found about it."""

    entry: Entry
    findings: tuple[Finding, ...]
    label: str = ""
    """Whose it is: what was typed, else what is known."""

    @property
    def has_error(self) -> bool:
        """Whether this entry keeps the list from being used."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def repair(self) -> Finding | None:
        """The finding whose suggestion is written in the entry's place: the first, errors first."""
        mending = [finding for finding in self.findings if finding.suggestion is not None]
        return next((finding for finding in mending if finding.severity is Severity.ERROR), next(iter(mending), None))

    @property
    def suggestion(self) -> str | None:
        """What to write in the entry's place."""
        return self.repair.suggestion if self.repair else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said about a list."""

    entries: tuple[JudgedEntry, ...]
    findings: tuple[Finding, ...]
    """Of the list as a whole; those of its entries are with them."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Everything that keeps the list from being used: of its entries in order, then of the list."""
        return self._all(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Everything that the user should look at, in the same order."""
        return self._all(Severity.WARNING)

    @property
    def is_valid(self) -> bool:
        """Whether the list can be given to the exchange."""
        return not self.errors

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """What the entries without errors allow, each network once, in the order of the entries."""
        usable = (judged.entry.network for judged in self.entries if not judged.has_error)
        return tuple(dict.fromkeys(network for network in usable if network))

    def sentence(self) -> str:
        """Return the verdict as one line: the counts, of addresses where blocks let in more, or the first error."""
        if not self.is_valid:
            return f"Not ready: {_count(self.errors, 'error')}{self._also_warnings()}. {self.errors[0].message}"
        addresses = sum(network.num_addresses for network in self.networks)
        entries = _counted(len(self.networks), "entry", "entries")
        opened = f", {addresses:,} addresses" if addresses > len(self.networks) else ""
        return f"Ready to paste: {entries}{opened}{self._also_warnings()}."

    def _also_warnings(self) -> str:
        return f", {_count(self.warnings, 'warning')}" if self.warnings else ""

    def _all(self, severity: Severity) -> tuple[Finding, ...]:
        of_entries = (finding for judged in self.entries for finding in judged.findings)
        return tuple(finding for finding in (*of_entries, *self.findings) if finding.severity is severity)


def judge(parsed: ParsedList, surroundings: Surroundings) -> Judgement:
    """Judge a list against the exchange's rules, against who has to get in, and against other lists."""
    rules = surroundings.rules
    usable = {entry.network for entry in parsed.filled if entry.network and is_usable(entry.network, rules)}
    let_in, blocks = Spans(usable), Blocks(usable)
    missing = tuple(required for required in surroundings.must_cover if not let_in.covers(required.address))
    context = Context(
        rules, missing, room=rules.max_entries - len(parsed.filled) + 1, line_marks=line_marks(parsed.text)
    )
    neighbours, ends = Neighbours(surroundings), _ends_of_ranges(parsed.entries, context)
    owners = {required.address: required.owner for required in surroundings.must_cover}
    seen: set[IPv4Network | None] = set()
    judged = []
    for entry in parsed.entries:
        label = _label(entry, surroundings)
        owner = label or (owners.get(entry.network.network_address, "") if entry.network else "")
        again = () if entry.position in ends else _said_again(entry.network, owner, seen, blocks)
        findings = (*again, *_entry_findings(entry, usable, context, neighbours))
        judged.append(JudgedEntry(entry, findings, label))
        seen.add(entry.network)
    found = (*_list_findings(parsed, judged, context), *hidden_in_comments(parsed.comments, let_in, rules))
    return Judgement(tuple(judged), (*found, *lost_access(let_in, surroundings), *_told(parsed)))


def _ends_of_ranges(entries: Sequence[Entry], context: Context) -> frozenset[int]:
    """Return where entries stand beside a dash: as ends of a range they say nothing again."""
    dashes = [
        place for place, entry in enumerate(entries) if is_dash(entry) and entry.position not in context.line_marks
    ]
    beside = {place + step for place in dashes for step in (-1, 1)}
    return frozenset(entries[place].position for place in beside if 0 <= place < len(entries))


def _label(entry: Entry, surroundings: Surroundings) -> str:
    if entry.label is not None:
        return entry.label
    return surroundings.labels.get(entry.network, "") if entry.network else ""


def _said_again(
    network: IPv4Network | None, owner: str, seen: Container[IPv4Network | None], usable: Blocks
) -> Iterator[Finding]:
    if network is not None and (again := duplicate(network) if network in seen else covered(network, usable, owner)):
        yield again


def _entry_findings(
    entry: Entry, usable: Container[IPv4Network], context: Context, neighbours: Neighbours
) -> Iterator[Finding]:
    if not entry.text:
        message = "Empty field: there is nothing between two separators. Remove one of them."
        yield error("empty-field", message, "", is_safe=True)
    elif entry.position in context.line_marks:
        yield bullet(entry.text)
    elif entry.network is None:
        yield misspelling(entry.text, context)
    else:
        yield from scope_findings(entry.network, context)
        if entry.network in usable:
            yield from neighbours.findings(entry.network)


def _list_findings(parsed: ParsedList, judged: Sequence[JudgedEntry], context: Context) -> Iterator[Finding]:
    if not parsed.filled:
        yield error("empty-list", "The list is empty. Add the public IPv4 address of each host that uses the key.")
    if len(parsed.filled) > context.rules.max_entries:
        yield _too_many(len(parsed.filled), judged, context.rules.max_entries)
    for required in context.missing:
        yield error(
            "egress-not-covered",
            f"{required.address} ({required.owner}) is not on the list: it would be locked out. Add it.",
            str(required.address),
        )


def _told(parsed: ParsedList) -> Iterator[Finding]:
    """Yield what the text to paste leaves out unasked."""
    if parsed.is_decorated:
        message = "Quotes and brackets around entries are left out of the text to paste."
        yield Finding("decoration", Severity.NOTE, message)


def _too_many(count: int, judged: Sequence[JudgedEntry], limit: int) -> Finding:
    needless = sum(any(found.code in {"duplicate", "covered"} for found in entry.findings) for entry in judged)
    excess = count - limit
    which = "duplicate or covered ones are enough" if needless >= excess else "choose those that no host needs"
    return error(
        "too-many",
        f"Too many IPs: {count} of at most {limit}. Remove {_counted(excess, 'entry', 'entries')}; {which}.",
    )


def _count(findings: Sequence[Finding], word: str) -> str:
    return _counted(len(findings), word, word + "s")


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
