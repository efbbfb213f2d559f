"""The verdict on a whole list: every problem at its entry, and what the list lacks.

Invariant: a network of `Validation.networks` was named by an entry without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizard.whitelist.entries import Entries, Entry, EntryKind, read_network
from wizard.whitelist.findings import EntryContext, ListContext, ListFinding, Severity, error
from wizard.whitelist.rendering import written
from wizard.whitelist.scope import AddressSet, covered, duplicate, is_usable, scope_findings
from wizard.whitelist.spelling import bullet, is_dash, misspelling


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry with everything that was found about it."""

    entry: Entry
    findings: tuple[ListFinding, ...]
    label: str = ""
    """Whose it is: what was typed, else what is known."""

    @property
    def is_commented(self) -> bool:
        """Whether only a comment holds it: it is not on the list."""
        return self.entry.kind is EntryKind.COMMENTED

    @property
    def has_error(self) -> bool:
        """Whether this entry keeps the list from being used."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def fix(self) -> ListFinding | None:
        """The finding whose suggestion is written in the entry's place: the first, errors first."""
        fixable = [finding for finding in self.findings if finding.suggestion is not None]
        return next((finding for finding in fixable if finding.severity is Severity.ERROR), next(iter(fixable), None))


@dataclass(frozen=True, slots=True)
class Validation:
    """What is to be said about a list."""

    entries: tuple[CheckedEntry, ...]
    findings: tuple[ListFinding, ...]
    """Of the list as a whole; those of its entries are with them."""

    @property
    def errors(self) -> tuple[ListFinding, ...]:
        """Everything that keeps the list from being used: of its entries in order, then of the list."""
        return self._all(Severity.ERROR)

    @property
    def warnings(self) -> tuple[ListFinding, ...]:
        """Everything that the user should look at, in the same order."""
        return self._all(Severity.WARNING)

    @property
    def is_valid(self) -> bool:
        """Whether the list can be given to the exchange."""
        return not self.errors

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """What the entries without errors allow, each network once, in the order of the entries."""
        usable = (checked.entry.network for checked in self.entries if not checked.has_error)
        return tuple(dict.fromkeys(network for network in usable if network))

    def sentence(self) -> str:
        """Return the verdict as one line: the counts, of addresses where blocks let in more, or the first error."""
        warnings = f", {_counted(len(self.warnings), 'warning', 'warnings')}" if self.warnings else ""
        if not self.is_valid:
            errors = _counted(len(self.errors), "error", "errors")
            return f"Not ready: {errors}{warnings}. {self.errors[0].message}"
        addresses = sum(network.num_addresses for network in self.networks)
        entries = _counted(len(self.networks), "entry", "entries")
        opened = f", {addresses:,} addresses" if addresses > len(self.networks) else ""
        return f"Ready to paste: {entries}{opened}{warnings}."

    def _all(self, severity: Severity) -> tuple[ListFinding, ...]:
        of_entries = (finding for checked in self.entries for finding in checked.findings)
        return tuple(finding for finding in (*of_entries, *self.findings) if finding.severity is severity)


def validate(entries: Entries, context: ListContext) -> Validation:
    """Check a list against the exchange's rules, against who has to get in, and against other lists."""
    rules = context.rules
    counted = sum(entry.is_counted for entry in entries)
    usable = {entry.network for entry in entries if entry.network and is_usable(entry.network, rules)}
    let_in = AddressSet(usable)
    owners = context.must_cover
    missing = {address: who for address, who in owners.items() if not let_in.covers(IPv4Network(address))}
    addable = {address: who for address, who in missing.items() if is_usable(IPv4Network(address), rules)}
    around = EntryContext(rules, addable, room=rules.max_entries - counted + 1)
    others = {environment: AddressSet(networks) for environment, networks in context.others.items()}
    observed = None if context.observed is None else AddressSet(context.observed)
    ends = _ends_of_ranges(entries)
    seen: set[IPv4Network | None] = set()
    checked = []
    for place, entry in enumerate(entries):
        network, label = entry.network, entry.label
        if label is None:
            label = context.labels.get(network, "") if network else ""
        findings = list[ListFinding]()
        if network and place not in ends:
            owner = label or owners.get(network.network_address, "")
            findings += filter(None, [duplicate(network) if network in seen else covered(network, usable, owner)])
        findings += _entry_findings(entry, let_in, around)
        if network in usable:
            findings += _of_other_lists(network, others, observed)
        checked.append(CheckedEntry(entry, tuple(findings), label))
        seen.add(network)
    found = _list_findings(counted, checked, around, missing)
    return Validation(tuple(checked), (*found, *_lost_access(let_in, context)))


def _of_other_lists(
    network: IPv4Network, others: Mapping[str, AddressSet], observed: AddressSet | None
) -> Iterator[ListFinding]:
    """Yield what other environments' lists and observations say about a usable entry."""
    if shared := [environment for environment, addresses in others.items() if addresses.touches(network)]:
        message = (
            f"{written(network)} is also on the list of {', '.join(shared)}. A host of two environments can mix up "
            "their keys. Use another address where you can."
        )
        yield ListFinding("shared", Severity.WARNING, message)
    if observed is not None and not observed.touches(network):
        yield ListFinding("unobserved", Severity.NOTE, f"{written(network)} was never observed.")


def _lost_access(let_in: AddressSet, context: ListContext) -> Iterator[ListFinding]:
    """Yield who is on the list before and would be locked out by this one."""
    for network in context.previous:
        if not let_in.covers(network):
            label = context.labels.get(network)
            whose = f" ({label})" if label else ""
            message = f"{written(network)}{whose} is on the list in use, but not on this one. It would lose access."
            suggestion = written(network) if is_usable(network, context.rules) else None
            yield ListFinding("access-lost", Severity.WARNING, message, suggestion)


def _ends_of_ranges(entries: Entries) -> frozenset[int]:
    """Return the places of entries beside a dash: as ends of a range they say nothing again."""
    dashes = [place for place, entry in enumerate(entries) if entry.kind is EntryKind.LISTED and is_dash(entry)]
    return frozenset(place + step for place in dashes for step in (-1, 1))


def _entry_findings(entry: Entry, let_in: AddressSet, context: EntryContext) -> Iterator[ListFinding]:
    if entry.kind is EntryKind.COMMENTED:
        yield _commented(entry, let_in, context)
    elif not entry.text:
        message = "This field is empty. Remove one of the two separators."
        yield error("empty-field", message, "", is_safe=True)
    elif entry.kind is EntryKind.BULLET:
        yield bullet(entry.text)
    elif entry.network is None:
        yield misspelling(entry.text, context)
    else:
        yield from scope_findings(entry.network, context)


def _commented(entry: Entry, let_in: AddressSet, context: EntryContext) -> ListFinding:
    network = read_network(entry.text)
    if network and let_in.covers(network):
        message = f"{entry.text} is in a comment, and on the list now."
        return ListFinding("address-in-comment", Severity.NOTE, message, "", is_safe=True)
    message = f"{entry.text} is in a comment, so it is not on the list."
    suggestion = entry.text if network else misspelling(entry.text, context).suggestion
    return ListFinding("address-in-comment", Severity.WARNING, message, suggestion)


def _list_findings(
    counted: int, checked: Sequence[CheckedEntry], context: EntryContext, missing: Mapping[IPv4Address, str]
) -> Iterator[ListFinding]:
    if not counted:
        yield error("empty-list", "The list is empty. Add the public IPv4 address of each host that uses the key.")
    limit = context.rules.max_entries
    if (excess := counted - limit) > 0:
        needless = sum(any(found.code in {"duplicate", "covered"} for found in entry.findings) for entry in checked)
        which = "Duplicate or covered ones are enough" if needless >= excess else "Choose those that no host needs"
        remove = f"Remove {_counted(excess, 'entry', 'entries')}. {which}."
        yield error("too-many", f"Too many IPs: {counted} of at most {limit}. {remove}")
    for address, owner in missing.items():
        message = f"{address} ({owner}) is not on the list and would be locked out. Add it."
        yield error("egress-not-covered", message, str(address) if address in context.missing else None)


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
