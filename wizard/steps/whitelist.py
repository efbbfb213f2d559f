"""The Whitelist step: what one key or word can make of a list."""

from __future__ import annotations

from wizard.rotation.flow import Flow
from wizard.whitelist.entries import Entries
from wizard.whitelist.fixes import apply_alternative, apply_fix, collapse, expand, first_fix, fix_all

CHANGES = {
    "fix": "apply the first suggestion.",
    "block": "apply the other suggestion: the block instead of the one address.",
    "fix-all": "apply all suggestions that need no look.",
    "expand": "write blocks as their addresses, where they fit.",
    "collapse": "join neighbours; no new address gets in.",
}
"""Each change, and what it does."""


def changes(flow: Flow, entries: Entries) -> dict[str, Entries]:
    """Return what the list becomes by each change that makes another list of it."""
    validation = flow.whitelist.validate(entries)
    fix = first_fix(validation)
    changed = {
        "fix": apply_fix(validation, fix) if fix else None,
        "block": apply_alternative(validation, fix) if fix else None,
        "fix-all": fix_all(entries, flow.whitelist.validate),
        "expand": expand(validation, flow.context.environment.rules.max_entries),
        "collapse": collapse(validation),
    }
    return {word: other for word, other in changed.items() if other is not None and other != entries}
