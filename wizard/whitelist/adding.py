"""Addresses that were chosen elsewhere, written into the text that the user edits, or taken out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network

from wizard.whitelist.characters import BLANKS, LINE_ENDS, SEPARATORS
from wizard.whitelist.editing import label_entry
from wizard.whitelist.parsing import parse
from wizard.whitelist.rewriting import Change, rewrite


def add_labelled(text: str, found: Mapping[IPv4Address, str]) -> str:
    """Return `text` with each address on it, its label behind it where it has one.

    An address within a block of the list is there already, and a label that was typed stays.
    """
    for address, label in found.items():
        text = _add(text, address, label)
    return text


def remove_addresses(text: str, addresses: Collection[IPv4Address]) -> str:
    """Return `text` without the entries that are just one of these addresses; blocks stay."""
    alone = {IPv4Network(address) for address in addresses}
    return rewrite(text, {entry.position: Change("") for entry in parse(text).entries if entry.network in alone})


def _add(text: str, address: IPv4Address, label: str) -> str:
    networks = [(entry, entry.network) for entry in parse(text).entries if entry.network and address in entry.network]
    for entry, network in networks:
        if network == IPv4Network(address):
            return label_entry(text, entry, label) if label and entry.label is None else text
    if networks:
        return text
    # A line of its own: a comment is the label of every entry on its line.
    body = text.rstrip(BLANKS + SEPARATORS + LINE_ENDS)
    line = f"{address}  # {label}" if label else str(address)
    return f"{body}\n{line}" if body else line
