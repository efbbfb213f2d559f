"""Changes to a list: suggestions put in place, blocks spelled out, neighbours joined, addresses added.

Every function takes entries and returns entries, so a list can be undone by keeping the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from wizard.core.text import printable
from wizard.whitelist.entries import LONGEST_LABEL, Entries, Entry, parse
from wizard.whitelist.findings import ListFinding
from wizard.whitelist.rendering import written
from wizard.whitelist.scope import NARROWEST_TOO_WIDE, widest_around
from wizard.whitelist.validation import Validation

_MOST_PASSES = 10
"""A fix can bring another problem to light: a range spelled out gives duplicates. It never takes many."""
_SAYS_IT_AGAIN = frozenset({"duplicate", "covered"})
"""Findings whose entry goes because another one lets in the same."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One suggestion that can be applied now."""

    finding: ListFinding
    place: int | None
    """The place of its entry; None where the suggestion is added to the list."""


def apply_fix(validation: Validation, fix: Fix) -> Entries:
    """Return the list with one suggestion in place; a label of an entry that goes stays with the one that is left."""
    if fix.place is None:
        return (*_entries(validation), *parse(fix.finding.suggestion or ""))
    return _replaced(validation, {fix.place: fix.finding.suggestion or ""})


def apply_alternative(validation: Validation, fix: Fix) -> Entries | None:
    """Return the list with the other text that may have been meant, or None where there is none."""
    if fix.place is None or fix.finding.alternative is None:
        return None
    return _replaced(validation, {fix.place: fix.finding.alternative})


def fix_all(entries: Entries, validate: Callable[[Entries], Validation]) -> Entries:
    """Return the list with all safe suggestions applied; the others need a look each."""
    for _ in range(_MOST_PASSES):
        validation = validate(entries)
        fixes = ((place, each.fix) for place, each in enumerate(validation.entries))
        texts = {place: fix.suggestion or "" for place, fix in fixes if fix and fix.is_safe}
        if not texts:
            break
        entries = _replaced(validation, texts)
    return entries


def replace_entry(entries: Entries, place: int, text: str) -> Entries:
    """Return the list with what `text` holds in the place of one entry, whose label goes to those without one."""
    return (*entries[:place], *_labelled(text, entries[place].label), *entries[place + 1 :])


def label_entry(entries: Entries, place: int, label: str) -> Entries:
    """Return the list with the label of one entry changed; an empty one says that it has none."""
    return (*entries[:place], replace(entries[place], label=label), *entries[place + 1 :])


def add_labelled(entries: Entries, found: Mapping[IPv4Address, str]) -> Entries:
    """Return the list with each address that it lacks, and its label; a label that was typed stays."""
    for address, label in found.items():
        alone = IPv4Network(address)
        place = next((place for place, each in enumerate(entries) if each.network == alone), None)
        if place is not None:
            entries = label_entry(entries, place, label) if label and entries[place].label is None else entries
        elif not any(each.network and address in each.network for each in entries):
            entries = (*entries, Entry(str(address), alone, label or None))
    return entries


def remove_addresses(entries: Entries, addresses: Collection[IPv4Address]) -> Entries:
    """Return the list without the entries that are just one of these addresses; blocks stay."""
    alone = {IPv4Network(address) for address in addresses}
    return tuple(each for each in entries if each.network not in alone)


def expand(validation: Validation, max_entries: int) -> Entries | None:
    """Return the list with as many blocks as fit, the smallest first, as labelled addresses; None where none fits."""
    room = max_entries - sum(each.entry.is_counted for each in validation.entries)
    texts = dict[int, str]()
    for place, network in sorted(_usable(validation).items(), key=lambda placed: placed[1].num_addresses):
        if 0 < (added := network.num_addresses - 1) <= room:
            texts[place] = ",".join(map(str, network))
            room -= added
    return _replaced(validation, texts, known_labels=True) if texts else None


def collapse(validation: Validation) -> Entries | None:
    """Return the list with neighbours joined into blocks that let in no more, labels too; None where there are none."""
    changed: dict[int, Entry | None] = {}
    for network, inside in _groups(validation).items():
        if len(inside) > 1:
            label = _joined(validation.entries[place].label for place in inside)
            changed |= dict.fromkeys(inside)
            changed[inside[0]] = Entry(written(network), network, label or None)
    if not changed:
        return None
    return tuple(new for place, old in enumerate(_entries(validation)) if (new := changed.get(place, old)))


def _entries(validation: Validation) -> Entries:
    return tuple(each.entry for each in validation.entries)


def _replaced(validation: Validation, texts: Mapping[int, str], *, known_labels: bool = False) -> Entries:
    """Put texts in the places of entries; an empty text removes one, and its label goes to the one that stays."""
    labels = _inherited_labels(validation, texts)
    result = list[Entry]()
    for place, each in enumerate(validation.entries):
        label = labels.get(place, (each.label or None) if known_labels and place in texts else each.entry.label)
        result += _labelled(texts[place], label) if place in texts else [replace(each.entry, label=label)]
    return tuple(result)


def _labelled(text: str, label: str | None) -> Entries:
    """Return what `text` holds; entries without a label of their own get this one."""
    return tuple(each if each.label is not None else replace(each, label=label) for each in parse(text))


def _inherited_labels(validation: Validation, texts: Mapping[int, str]) -> dict[int, str]:
    """Return the new labels of the entries that stay where entries that said the same again are removed."""
    first: dict[IPv4Network, int] = {}
    for place, network in _usable(validation).items():
        first.setdefault(network, place)
    labels: dict[int, list[str]] = {}
    for place in texts:
        entry, fix = validation.entries[place].entry, validation.entries[place].fix
        if entry.network and entry.label and fix and fix.code in _SAYS_IT_AGAIN:
            stays = first.get(widest_around(entry.network, first) or entry.network)
            if stays is not None:
                labels.setdefault(stays, [validation.entries[stays].entry.label or ""]).append(entry.label)
    return {place: _joined(each) for place, each in labels.items()}


def _joined(labels: Iterable[str]) -> str:
    """Return several labels as one; what is too long for a label is cut."""
    return printable(", ".join(dict.fromkeys(filter(None, labels))), LONGEST_LABEL)


def _groups(validation: Validation) -> dict[IPv4Network, list[int]]:
    """Return the joined networks with the places of the entries that each of them takes in."""
    usable = _usable(validation)
    by_network: dict[IPv4Network, list[int]] = {}
    for network in collapse_addresses(usable.values()):
        narrow = network.subnets(new_prefix=max(network.prefixlen, NARROWEST_TOO_WIDE + 1))
        by_network |= {part: [] for part in narrow}
    for place, network in usable.items():
        by_network[widest_around(network, by_network) or network].append(place)
    return by_network


def _usable(validation: Validation) -> dict[int, IPv4Network]:
    """Return the places of the entries without errors, each with what it allows."""
    return {
        place: each.entry.network
        for place, each in enumerate(validation.entries)
        if each.entry.network and not each.has_error
    }
