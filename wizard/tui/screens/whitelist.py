"""The Whitelist step: free text on top, what is wrong with it at its entry, the text to paste below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Static, TextArea

from wizard.errors import WizardError
from wizard.rotation.model import Step
from wizard.text import printable
from wizard.tui.screens.step_screen import StepScreen
from wizard.whitelist import Finding, Fix, Form, Judgement, Severity, first_fix, mend, render

_FORMS = {Form.COMMAS: "commas", Form.SPACES: "spaces", Form.LINES: "lines"}
MOST_FINDINGS = 3
"""Shown at once; the rest is counted, so that the text to paste stays on the screen."""


class WhitelistScreen(StepScreen):
    """The list to paste, judged while it is typed."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "whitelist.tcss"]
    STEP = Step.WHITELIST
    HELP = (
        "Type or paste addresses and blocks in any form: commas, blanks and lines all part them. Each problem is named"
        " at its entry; F6 applies the first suggestion. This host's egress address must be covered, or the new key"
        " would not work from here. Below stands the exact text for the exchange's page."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: a text area takes F6 and F7 for selections.
        Binding("f6", "fix", "Fix", key_display="F6", priority=True, tooltip="Apply the first suggestion"),
        Binding("f2", "form", "Form", key_display="F2", tooltip="Commas, spaces or lines between the entries"),
        Binding("f3", "copy", "Copy", key_display="F3", tooltip="Ask the terminal to copy the text to paste"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._form = Form.COMMAS
        self._judgement: Judgement | None = None

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the text, the findings and the text to paste."""
        yield Static("Which addresses may use the new key?", classes="lede")
        area = TextArea(
            self.flow.whitelist.proposal(), id="entries", soft_wrap=True, compact=True, tab_behavior="focus"
        )
        area.cursor_blink = False
        yield area
        yield Static("", id="verdict", classes="verdict")
        yield Static("", id="findings", classes="hint")
        yield Static("", id="caption", classes="label")
        yield Static("", id="paste", classes="paste", markup=False)

    def on_mount(self) -> None:
        """Judge the proposal."""
        super().on_mount()
        area = self.query_one(TextArea)
        area.focus()
        area.move_cursor(area.document.end)
        self.judge()

    @on(TextArea.Changed)
    def judge(self) -> None:
        """Judge what is typed now, and keep it for when the user comes back."""
        text = self.query_one(TextArea).text
        self.flow.whitelist.draft = text
        self._judgement = judgement = self.flow.whitelist.judge(text)
        self.notice.clear()
        glyphs = self.wizard.glyphs
        glyph, colour = (glyphs.passed, "$text-success") if judgement.is_valid else (glyphs.failed, "$text-error")
        sentence = judgement.sentence() if judgement.is_valid else f"Not ready: {len(judgement.errors)} to mend."
        self._show("#verdict", Content.from_markup(f"[{colour}]$glyph[/] $text", glyph=glyph, text=sentence))
        self._show("#findings", self._findings(judgement))
        self._show_paste(judgement)

    def action_next(self) -> None:
        """Keep the list and go on; a list with errors is not kept."""
        try:
            self.flow.whitelist.settle(self.query_one(TextArea).text)
        except WizardError as error:
            self.notice.error(error)
            return
        super().action_next()

    def action_fix(self) -> None:
        """Put the first suggestion into the text."""
        area = self.query_one(TextArea)
        mended = mend(area.text, self._judgement) if self._judgement else None
        if mended is None:
            self.notice.note("There is nothing that one key can mend.")
        else:
            area.replace(mended, area.document.start, area.document.end)

    def action_form(self) -> None:
        """Show the next of the three forms."""
        forms = list(_FORMS)
        self._form = forms[(forms.index(self._form) + 1) % len(forms)]
        self.judge()

    def action_copy(self) -> None:
        """Ask the terminal to copy; the text is on the screen as well."""
        if self._judgement is None or not self._judgement.is_valid:
            self.notice.note("There is nothing to copy yet: the list has errors.")
            return
        text = render(self._judgement.networks, self._form)
        try:
            self.wizard.copy_public_text(text)
        except WizardError as error:
            self.notice.error(error)
            return
        self.notice.good(f"Asked the terminal to copy: {printable(text, limit=100)}")

    def _findings(self, judgement: Judgement) -> Content:
        found = sorted(
            [*(finding for judged in judgement.entries for finding in judged.findings), *judgement.findings],
            key=lambda finding: list(Severity).index(finding.severity),
        )
        # F6 applies one suggestion at a time: it is named where it will be.
        fix = first_fix(judgement)
        lines = [
            self._finding(each, _fix(fix) if fix and each is fix.finding else "") for each in found[:MOST_FINDINGS]
        ]
        if len(found) > MOST_FINDINGS:
            lines.append(Content(f"  {self.wizard.glyphs.working} and {len(found) - MOST_FINDINGS} more"))
        return Content("\n").join(lines)

    def _finding(self, finding: Finding, fix: str) -> Content:
        glyphs = self.wizard.glyphs
        glyph, colour = {
            Severity.ERROR: (glyphs.failed, "$text-error"),
            Severity.WARNING: (glyphs.caution, "$text-warning"),
        }.get(finding.severity, (glyphs.pending, "$text-muted"))
        return Content.from_markup(
            f"[{colour}]$glyph[/] $message[$text-accent]$fix[/]",
            glyph=glyph,
            message=finding.message,
            fix=fix,
        )

    def _show_paste(self, judgement: Judgement) -> None:
        caption = f"Text to paste, {_FORMS[self._form]} between (F2 changes, F3 copies)" if judgement.is_valid else ""
        self._show("#caption", Content(caption))
        self._show("#paste", Content(render(judgement.networks, self._form) if judgement.is_valid else ""))

    def _show(self, selector: str, content: Content) -> None:
        self.query_one(selector, Static).update(content)


def _fix(fix: Fix) -> str:
    if not fix.finding.suggestion:
        return " F6 removes it."
    return f" F6 {'makes it' if fix.judged else 'adds'} {printable(fix.finding.suggestion, limit=40)}."
