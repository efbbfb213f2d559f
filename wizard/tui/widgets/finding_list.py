"""Findings one below the other, and the evidence of the one that is highlighted."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.text import Glyphs, printable
from wizard.rotation.findings import NEW_KEY, ORDER
from wizard.rotation.model import Finding, Outcome
from wizard.steps.home import seen
from wizard.tui.widgets.basics import OptionRows

_WORDS = {Outcome.NOT_APPLICABLE: "not asked"}
_COLOURS = {
    Outcome.PASSED: "$text-success",
    Outcome.WARNING: "$text-warning",
    Outcome.FAILED: "$text-error",
    Outcome.INCONCLUSIVE: "$text-warning",
    Outcome.NOT_RUN: "$text-muted",
    Outcome.NOT_APPLICABLE: "$text-muted",
}


class FindingList(Vertical):
    """A line per finding: sign, outcome, subject. Below: what was observed, when, from where, what it leaves open."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._findings: list[Finding] = []

    def compose(self) -> ComposeResult:
        """Lay out list and evidence."""
        yield OptionRows()
        yield Static(classes="evidence")

    def add(self, finding: Finding) -> None:
        """Append a finding; the first one that is not fine is highlighted, else the one that says most."""
        self._findings = sorted([*self._findings, finding], key=_place)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(self._line(each)) for each in self._findings)
        options.highlighted = self._worst()
        # Scrolled forth and back within one frame, the list of Textual 8.2.8 leaves its scrollbar where it was.
        self.call_after_refresh(self._align, options)

    def _align(self, options: OptionList) -> None:
        """What is in sight depends on the findings alone, not on the order in which they came."""
        options.scroll_to(y=0, animate=False, immediate=True)
        options.scroll_to_highlight()
        options.vertical_scrollbar.position = options.scroll_y
        options.vertical_scrollbar.refresh()

    def clear(self) -> None:
        """Remove all findings."""
        self._findings.clear()
        self.query_one(OptionList).clear_options()
        self.query_one(".evidence", Static).update("")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the evidence of the highlighted finding."""
        event.stop()
        if event.option_index < len(self._findings):
            self.query_one(".evidence", Static).update(self._evidence(self._findings[event.option_index]))

    def _worst(self) -> int:
        order = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WARNING)
        for outcome in order:
            for index, finding in enumerate(self._findings):
                if finding.outcome is outcome:
                    return index
        subjects = [finding.subject for finding in self._findings]
        return subjects.index(NEW_KEY) if NEW_KEY in subjects else len(subjects) - 1

    def _glyph(self, outcome: Outcome) -> str:
        return {
            Outcome.PASSED: self._glyphs.passed,
            Outcome.FAILED: self._glyphs.failed,
            Outcome.WARNING: self._glyphs.caution,
            Outcome.INCONCLUSIVE: "?",
        }.get(outcome, self._glyphs.pending)

    def _line(self, finding: Finding) -> Content:
        return Content.from_markup(
            f"[{_COLOURS[finding.outcome]}]$glyph $outcome[/] $subject",
            glyph=self._glyph(finding.outcome),
            outcome=f"{_WORDS.get(finding.outcome, finding.outcome.value):<12}",
            subject=finding.subject,
        )

    def _evidence(self, finding: Finding) -> Content:
        parts = [
            *self._advice(finding),
            Content(printable(finding.observed, limit=600)),
            Content.from_markup("[$text-muted]$seen[/]", seen=seen(finding)),
        ]
        if finding.does_not_prove:
            parts.append(Content.from_markup("[$text-muted]Not proven: $gap.[/]", gap=finding.does_not_prove))
        return Content("\n").join(parts)

    def _advice(self, finding: Finding) -> list[Content]:
        """First what to do: it is what a user who sees a ✗ looks for."""
        if not finding.advice:
            return []
        text = printable(finding.advice, limit=600)
        return [Content.from_markup("[b]$arrow $advice[/]", arrow=self._glyphs.arrow, advice=text)]


def _place(finding: Finding) -> int:
    return ORDER.index(finding.subject) if finding.subject in ORDER else len(ORDER)
