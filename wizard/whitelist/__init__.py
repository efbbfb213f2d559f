"""Parse, validate, fix and write address lists. Pure: no input, no output, no clock."""

from __future__ import annotations

from wizard.whitelist.entries import LONGEST_LABEL, Entries, Entry, parse
from wizard.whitelist.findings import ListContext, ListFinding, OtherList, RequiredAddress, Severity
from wizard.whitelist.fixes import (
    Fix,
    add_labelled,
    apply_alternative,
    apply_fix,
    collapse,
    expand,
    first_fix,
    fix_all,
    label_entry,
    remove_addresses,
    replace_entry,
)
from wizard.whitelist.rendering import Difference, Form, diff, render, written
from wizard.whitelist.validation import CheckedEntry, Validation, validate

__all__ = [
    "LONGEST_LABEL",
    "CheckedEntry",
    "Difference",
    "Entries",
    "Entry",
    "Fix",
    "Form",
    "ListContext",
    "ListFinding",
    "OtherList",
    "RequiredAddress",
    "Severity",
    "Validation",
    "add_labelled",
    "apply_alternative",
    "apply_fix",
    "collapse",
    "diff",
    "expand",
    "first_fix",
    "fix_all",
    "label_entry",
    "parse",
    "remove_addresses",
    "render",
    "replace_entry",
    "validate",
    "written",
]
