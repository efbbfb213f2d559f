"""Parse, judge and write address lists. Pure: no input, no output, no clock."""

from __future__ import annotations

from wizard.whitelist.adding import add_labelled, remove_addresses
from wizard.whitelist.difference import Difference, diff
from wizard.whitelist.editing import append_entry, around_label, insert_lines, label_entry, replace_entry
from wizard.whitelist.findings import Finding, OtherList, RequiredAddress, Severity, Surroundings
from wizard.whitelist.judging import JudgedEntry, Judgement, judge
from wizard.whitelist.mending import Fix, apply_suggestion, first_fix, mend, mend_all, mend_otherwise
from wizard.whitelist.parsing import LONGEST_LABEL, Entry, ParsedList, parse
from wizard.whitelist.rendering import Form, render, written
from wizard.whitelist.resizing import collapse, expand

__all__ = [
    "LONGEST_LABEL",
    "Difference",
    "Entry",
    "Finding",
    "Fix",
    "Form",
    "JudgedEntry",
    "Judgement",
    "OtherList",
    "ParsedList",
    "RequiredAddress",
    "Severity",
    "Surroundings",
    "add_labelled",
    "append_entry",
    "apply_suggestion",
    "around_label",
    "collapse",
    "diff",
    "expand",
    "first_fix",
    "insert_lines",
    "judge",
    "label_entry",
    "mend",
    "mend_all",
    "mend_otherwise",
    "parse",
    "remove_addresses",
    "render",
    "replace_entry",
    "written",
]
