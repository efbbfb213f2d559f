"""The same addresses with other entries: blocks spelled out, or neighbours joined."""

from __future__ import annotations

from collections.abc import Container
from ipaddress import IPv4Network, collapse_addresses

from wizard.whitelist.judging import JudgedEntry, Judgement
from wizard.whitelist.mending import joined_labels
from wizard.whitelist.rendering import written
from wizard.whitelist.rewriting import Change, rewrite
from wizard.whitelist.scope import NARROWEST_TOO_WIDE


def expand(text: str, judgement: Judgement, max_entries: int) -> str | None:
    """Return `text` with blocks written as their addresses, the smallest first, as far as the limit allows.

    None where no block fits. Labels stay: a comment speaks for the whole line, and a label that is
    known of the block is written behind its addresses.
    """
    room = max_entries - sum(bool(judged.entry.text) for judged in judgement.entries)
    chosen = []
    blocks = [judged for judged in _usable(judgement) if judged.entry.network.prefixlen < 32]  # type: ignore[union-attr]
    for judged in sorted(blocks, key=_size):
        if (added := _size(judged) - 1) <= room:
            chosen.append(judged)
            room -= added
    changes = {
        judged.entry.position: Change(",".join(map(str, judged.entry.network or ())), _not_yet_typed(judged))
        for judged in chosen
    }
    return rewrite(text, changes) if changes else None


def collapse(text: str, judgement: Judgement) -> str | None:
    """Return `text` with neighbouring entries joined into blocks that open no address that was not there.

    None where nothing can be joined. No block becomes wider than a list may hold. Whose the joined
    entries were is written behind the block.
    """
    changes: dict[int, Change] = {}
    for network, inside in _groups(judgement).items():
        if len(inside) > 1:
            changes |= _join(network, sorted(inside, key=lambda judged: judged.entry.position))
    return rewrite(text, changes) if changes else None


def _join(network: IPv4Network, inside: list[JudgedEntry]) -> dict[int, Change]:
    first, *others = inside
    label = joined_labels(judged.label for judged in inside)
    joined = Change(written(network), label if label and label != first.entry.label else None)
    return {first.entry.position: joined, **{judged.entry.position: Change("") for judged in others}}


def _not_yet_typed(judged: JudgedEntry) -> str | None:
    return judged.label if judged.label and judged.entry.label is None else None


def _groups(judgement: Judgement) -> dict[IPv4Network, list[JudgedEntry]]:
    """Return the joined networks with the entries that each of them takes in."""
    usable = _usable(judgement)
    merged = list(collapse_addresses(judged.entry.network for judged in usable if judged.entry.network))
    parts = [part for network in merged for part in _not_too_wide(network)]
    by_network: dict[IPv4Network, list[JudgedEntry]] = {part: [] for part in parts}
    for judged in usable:
        if judged.entry.network:
            by_network[_holder(judged.entry.network, by_network)].append(judged)
    return by_network


def _holder(network: IPv4Network, parts: Container[IPv4Network]) -> IPv4Network:
    wider = (network.supernet(new_prefix=length) for length in range(network.prefixlen, -1, -1))
    return next(part for part in wider if part in parts)


def _not_too_wide(network: IPv4Network) -> list[IPv4Network]:
    widest = NARROWEST_TOO_WIDE + 1
    return [network] if network.prefixlen >= widest else list(network.subnets(new_prefix=widest))


def _usable(judgement: Judgement) -> list[JudgedEntry]:
    return [judged for judged in judgement.entries if judged.entry.network and not judged.has_error]


def _size(judged: JudgedEntry) -> int:
    return judged.entry.network.num_addresses if judged.entry.network else 0
