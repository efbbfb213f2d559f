"""The whitelist rules that differ between accounts; `config.toml` may change them."""

from __future__ import annotations

from dataclasses import dataclass

MOST_ENTRIES = 1000
"""No whitelist rule may allow more: beyond that a limit is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the exchange accepts, and what this environment really uses."""

    max_entries: int = 20
    """More are "Too many IPs". The figure of the mission; Binance's documents name 30 for related key kinds."""
    tolerated_ranges: frozenset[str] = frozenset()
    """Kinds of special ranges (`wizard.core.addresses`) that this environment really uses."""
