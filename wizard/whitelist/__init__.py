"""Parse, judge and write address lists. Pure: no input, no output, no clock."""

from __future__ import annotations

from wizard.whitelist.difference import Difference, diff
from wizard.whitelist.editing import append_entry, apply_suggestion, mend
from wizard.whitelist.findings import Finding, RequiredAddress, Severity
from wizard.whitelist.judging import JudgedEntry, Judgement, judge
from wizard.whitelist.parsing import Entry, ParsedList, parse
from wizard.whitelist.rendering import Form, render

__all__ = [
    "Difference",
    "Entry",
    "Finding",
    "Form",
    "JudgedEntry",
    "Judgement",
    "ParsedList",
    "RequiredAddress",
    "Severity",
    "append_entry",
    "apply_suggestion",
    "diff",
    "judge",
    "mend",
    "parse",
    "render",
]
