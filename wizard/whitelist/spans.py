"""Which addresses a list lets in, and through which of its blocks; asked in logarithmic time or better."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network


class Spans:
    """The addresses of some networks, as sorted spans of numbers that neither touch nor overlap."""

    def __init__(self, networks: Iterable[IPv4Network]) -> None:
        self._first: list[int] = []
        self._last: list[int] = []
        for first, last in sorted(map(_ends, networks)):
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


class Blocks:
    """Some blocks, asked which of them is around another one."""

    def __init__(self, networks: Iterable[IPv4Network]) -> None:
        by_length: dict[int, set[int]] = {}
        for each in networks:
            by_length.setdefault(each.prefixlen, set()).add(int(each.network_address))
        self._by_length = sorted(by_length.items())

    def widest_around(self, network: IPv4Network) -> IPv4Network | None:
        """Return the widest block that contains all of `network` and more; None where there is none."""
        number = int(network.network_address)
        for length, begins in self._by_length:
            if length >= network.prefixlen:
                return None
            begin = number >> (32 - length) << (32 - length)
            if begin in begins:
                return IPv4Network((begin, length))
        return None


def _ends(block: IPv4Network | IPv4Address) -> tuple[int, int]:
    if isinstance(block, IPv4Address):
        return int(block), int(block)
    first = int(block.network_address)
    return first, first | 0xFFFFFFFF >> block.prefixlen
