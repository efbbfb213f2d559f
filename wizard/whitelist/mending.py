"""Suggestions put into the text: one, the other one, or all that need no look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from wizard.text import printable
from wizard.whitelist.comments import take_out
from wizard.whitelist.editing import append_entry
from wizard.whitelist.findings import Finding, Severity
from wizard.whitelist.judging import JudgedEntry, Judgement
from wizard.whitelist.parsing import LONGEST_LABEL
from wizard.whitelist.rewriting import Change, rewrite
from wizard.whitelist.spans import Blocks

_MOST_PASSES = 10
"""A repair can bring another one to light: a range repaired gives duplicates. It never takes many."""
_SAYS_IT_AGAIN = frozenset({"duplicate", "covered"})
"""Findings whose entry goes because another one lets in the same."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One suggestion that can be applied now."""

    finding: Finding
    judged: JudgedEntry | None
    """The entry that it is about; None adds an entry to the list, or takes it out of a comment."""


def first_fix(judgement: Judgement) -> Fix | None:
    """Return the first suggestion, those of errors before those of warnings and notes."""
    fixes = [Fix(judged.repair, judged) for judged in judgement.entries if judged.repair]
    fixes += [Fix(finding, None) for finding in judgement.findings if finding.suggestion]
    fixes.sort(key=lambda fix: fix.finding.severity is not Severity.ERROR)
    return next(iter(fixes), None)


def mend(text: str, judgement: Judgement) -> str | None:
    """Return `text` with the first suggestion of its judgement applied, or None where there is none."""
    fix = first_fix(judgement)
    if fix is None:
        return None
    if fix.judged:
        return rewrite(text, _changes([fix.judged], judgement))
    if fix.finding.position is not None:
        return take_out(text, fix.finding)
    return append_entry(text, fix.finding.suggestion or "")


def mend_otherwise(text: str, judgement: Judgement) -> str | None:
    """Return `text` with the alternative of the first suggestion in its place, or None where it has none."""
    fix = first_fix(judgement)
    if fix is None or fix.judged is None or fix.finding.alternative is None:
        return None
    return rewrite(text, {fix.judged.entry.position: Change(fix.finding.alternative)})


def mend_all(text: str, judge: Callable[[str], Judgement]) -> str:
    """Return `text` with all safe suggestions applied; the others need a look each."""
    for _ in range(_MOST_PASSES):
        judgement = judge(text)
        safe = [judged for judged in judgement.entries if judged.repair and judged.repair.is_safe]
        if not safe:
            break
        text = rewrite(text, _changes(safe, judgement), [judged.entry for judged in judgement.entries])
    return text


def apply_suggestion(text: str, judged: JudgedEntry) -> str:
    """Return `text` with the entry's suggestion in its place.

    An empty suggestion removes the entry together with one separator. Without a suggestion, or
    when the entry no longer stands in `text` where it was judged, the text is returned unchanged.
    """
    entry, suggestion = judged.entry, judged.suggestion
    if suggestion is None or text[entry.position : entry.end] != entry.text:
        return text
    return rewrite(text, {entry.position: Change(suggestion)})


def joined_labels(labels: Iterable[str]) -> str:
    """Return several labels as one; what is too long for a label is cut."""
    return printable(", ".join(dict.fromkeys(filter(None, labels))), LONGEST_LABEL)


def _changes(mended: Iterable[JudgedEntry], judgement: Judgement) -> Mapping[int, Change]:
    """Each entry's suggestion in its place; the label of one that goes is kept by the one that stays."""
    first: dict[IPv4Network, JudgedEntry] = {}
    for judged in judgement.entries:
        if judged.entry.network and not judged.has_error:
            first.setdefault(judged.entry.network, judged)
    blocks = Blocks(first)
    changes = {judged.entry.position: Change(judged.suggestion) for judged in mended}
    kept: dict[int, list[str]] = {}
    for judged in judgement.entries:
        stays = _stays(judged, first, blocks) if judged.entry.position in changes and judged.entry.label else None
        if stays and (label := judged.entry.label):
            kept.setdefault(stays.entry.position, [stays.entry.label or ""]).append(label)
    for position, labels in kept.items():
        if (label := joined_labels(labels)) != labels[0]:
            changes[position] = replace(changes.get(position, Change()), label=label)
    return changes


def _stays(judged: JudgedEntry, first: Mapping[IPv4Network, JudgedEntry], blocks: Blocks) -> JudgedEntry | None:
    """Return the entry that lets in what `judged`, which goes, let in."""
    network = judged.entry.network
    if network is None or judged.repair is None or judged.repair.code not in _SAYS_IT_AGAIN:
        return None
    return first.get(blocks.widest_around(network) or network)
