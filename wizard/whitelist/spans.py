"""Which addresses a list lets in, asked in logarithmic time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network


class Spans:
    """The addresses of some networks, as sorted spans of numbers that neither touch nor overlap."""

    def __init__(self, networks: Iterable[IPv4Network]) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted((int(each.network_address), int(each.broadcast_address)) for each in networks):
            if self._last and first <= self._last[-1] + 1:
                self._last[-1] = max(self._last[-1], last)
            else:
                self._first.append(first)
                self._last.append(last)

    def covers(self, block: IPv4Network | IPv4Address) -> bool:
        """Return whether every address of `block` is among these."""
        first, last = _ends(block)
        index = bisect_right(self._first, first) - 1
        return index >= 0 and last <= self._last[index]

    def touches(self, block: IPv4Network | IPv4Address) -> bool:
        """Return whether any address of `block` is among these."""
        first, last = _ends(block)
        index = bisect_right(self._first, last) - 1
        return index >= 0 and first <= self._last[index]


def _ends(block: IPv4Network | IPv4Address) -> tuple[int, int]:
    if isinstance(block, IPv4Address):
        return int(block), int(block)
    first = int(block.network_address)
    return first, first + block.num_addresses - 1
