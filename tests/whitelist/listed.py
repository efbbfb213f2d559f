"""A list as a person would write it down."""

from __future__ import annotations

from wizard.whitelist.entries import Entries


def text_of(entries: Entries) -> str:
    """One line for each entry, its label behind it."""
    return "\n".join(f"{entry.text}  # {entry.label}" if entry.label else entry.text for entry in entries)
