"""The Whitelist step: a list that one edits in place or as free text, its verdict, and the text to paste."""

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
from wizard.rotation.steps.host_warnings import CODES as ABOUT_HOSTS
from wizard.text import printable
from wizard.tui.screens.step_screen import Body, StepScreen
from wizard.tui.widgets.entry_list import EntryList
from wizard.tui.widgets.list_area import ListArea
from wizard.tui.widgets.live_text import LiveText
from wizard.whitelist import (
    Finding,
    Fix,
    Form,
    Judgement,
    Severity,
    collapse,
    expand,
    first_fix,
    mend,
    mend_all,
    mend_otherwise,
    render,
)

_FORMS = {Form.COMMAS: "commas", Form.SPACES: "spaces", Form.LINES: "lines"}
_LIST_KEYS = "a add, e edit, d delete, l label, u undo, x expand, c join"
_TEXT_KEYS = "Free text; a label stands behind #. F5 shows the list."
MOST_NAMED = 6
"""Entries of a copied text that are repeated; the rest is counted."""
MOST_FINDINGS = 3
"""Shown at once; the rest is counted."""


class WhitelistScreen(StepScreen):
    """The list to paste, judged while it is typed."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "whitelist.tcss"]
    STEP = Step.WHITELIST
    HELP = (
        "Edit the list in place, or with F5 as free text: commas, blanks and lines all part entries, and what stands"
        " behind # is whose they are. A paste adds its entries. Each problem is named at its entry; F6 applies the"
        " first suggestion, b or Shift+F6 its alternative, F9 all those that need no look. Keys of the list: a adds,"
        " e or Enter edits, d deletes, l or # labels, u brings back what was before, x spells blocks out, c joins"
        " neighbours. This host's egress address must be covered, or the new key would not work from here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: a text area takes F6 and F7 for selections.
        Binding("f6", "fix", "Fix", key_display="F6", priority=True, tooltip="Apply the first suggestion"),
        # Terminals send Shift+F6 as F18.
        Binding(
            "f18,shift+f6",
            "fix_otherwise",
            "Other fix",
            key_display="Shift+F6",
            priority=True,
            show=False,
            tooltip="Apply the other suggestion, where there are two",
        ),
        Binding(
            "f9",
            "fix_all",
            "Fix all",
            key_display="F9",
            priority=True,
            show=False,
            tooltip="Apply all that is safe",
        ),
        Binding("f5", "text", "Text", key_display="F5", priority=True, tooltip="Edit as free text, or as a list"),
        Binding("f2", "form", "Form", key_display="F2", show=False, tooltip="Commas, spaces or lines"),
        Binding("f3", "copy", "Copy", key_display="F3", show=False, tooltip="Copy the text to paste"),
        Binding("b", "fix_otherwise", "Block", show=False, tooltip="Make it the block, where F6 makes it an address"),
        Binding("x", "expand", "Expand", show=False, tooltip="Write blocks as their addresses where they fit"),
        Binding("c", "collapse", "Collapse", show=False, tooltip="Join neighbours; no new address gets in"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._form = Form.COMMAS
        self._judgement: Judgement | None = None
        self._text_before = ""

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the list, its verdict, the text to paste and the findings."""
        text = self.flow.whitelist.proposal()
        yield Static("Which addresses may use the new key?", classes="lede")
        yield EntryList(text, self.flow.whitelist.past, self.wizard.glyphs, id="list")
        area = ListArea(text, mask=self.wizard.glyphs.mask)
        area.cursor_blink = False
        area.display = False
        yield area
        yield Static(_LIST_KEYS, id="keys", classes="hint", markup=False)
        yield LiveText(id="verdict", classes="verdict")
        yield LiveText(id="caption")
        yield LiveText(grows=True, breaks_after=Form.COMMAS, id="paste", classes="paste")
        yield LiveText(id="findings", classes="hint")

    def on_mount(self) -> None:
        """Judge the proposal."""
        super().on_mount()
        self.query_one(EntryList).focus()
        self.judge()

    @property
    def _is_text(self) -> bool:
        return bool(self.query_one(TextArea).display)

    @on(EntryList.Changed)
    def judge(self) -> None:
        """Judge what is typed now, and keep it for when the user comes back."""
        rows = self.query_one(EntryList)
        self.flow.whitelist.draft = rows.text
        self._judgement = judgement = self.flow.whitelist.judge(rows.text)
        self.notice.clear()
        difference = self.flow.whitelist.difference(judgement)
        rows.show(judgement, frozenset(difference.added if difference.kept or difference.removed else ()))
        glyphs = self.wizard.glyphs
        glyph, colour = (glyphs.passed, "$text-success") if judgement.is_valid else (glyphs.failed, "$text-error")
        # What F6 does to one is said at its problem.
        fixes = " F6 mends one, F9 all that is safe." if len(judgement.errors) > 1 and first_fix(judgement) else ""
        not_ready = f"Not ready: {len(judgement.errors)} to mend.{fixes}"
        sentence = judgement.sentence() if judgement.is_valid else not_ready
        self._show("#verdict", Content.from_markup(f"[{colour}]$glyph[/] $text", glyph=glyph, text=sentence))
        self._show_paste(judgement)
        self._show("#findings", self._findings(judgement))

    @on(TextArea.Changed)
    def judge_text(self) -> None:
        """Judge the free text."""
        area, rows = self.query_one(TextArea), self.query_one(EntryList)
        if area.text != rows.text:
            rows.adopt(area.text, undo_to=self._text_before)
            self.judge()

    def action_next(self) -> None:
        """Keep the list and go on; a list with errors is not kept."""
        try:
            self.flow.whitelist.settle(self._settled_text())
        except WizardError as error:
            self.notice.error(error)
            return
        super().action_next()

    def action_back(self) -> None:
        """Keep what is typed for when the user comes back."""
        self.flow.whitelist.draft = self._settled_text()
        super().action_back()

    def action_text(self) -> None:
        """Show the list as free text, or the free text as a list."""
        area, rows = self.query_one(TextArea), self.query_one(EntryList)
        text = self._settled_text()
        if not self._is_text:
            self._text_before = area.text = text
            area.move_cursor(area.document.end)
        area.display, rows.display = not area.display, not rows.display
        (area if self._is_text else rows).focus()
        self.query_one("#keys", Static).update(_TEXT_KEYS if self._is_text else _LIST_KEYS)
        self.judge()

    def action_fix(self) -> None:
        """Put the first suggestion into the text."""
        text = self._settled_text()
        self._change(mend(text, self.flow.whitelist.judge(text)), "There is nothing that one key can mend.")

    def action_fix_otherwise(self) -> None:
        """Put the alternative of the first suggestion into the text."""
        text = self._settled_text()
        mended = mend_otherwise(text, self.flow.whitelist.judge(text))
        self._change(mended, "The first suggestion is the only one for its entry.")

    def action_fix_all(self) -> None:
        """Put all suggestions into the text that mean just what was typed."""
        text = self._settled_text()
        mended = mend_all(text, self.flow.whitelist.judge)
        self._change(None if mended == text else mended, "No suggestion is safe unread. F6 applies them one by one.")

    def action_expand(self) -> None:
        """Write blocks as their addresses."""
        text = self._settled_text()
        limit = self.flow.context.environment.rules.max_entries
        self._change(expand(text, self.flow.whitelist.judge(text), limit), f"No block fits into {limit} entries.")

    def action_collapse(self) -> None:
        """Join neighbouring entries."""
        text = self._settled_text()
        self._change(collapse(text, self.flow.whitelist.judge(text)), "No entries make up a block exactly.")

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
        self.notice.good(f"Asked the terminal to copy: {self._named(self._judgement)}", breaks_after=self._form.strip())

    def _named(self, judgement: Judgement) -> str:
        """What is copied, in its form, whole addresses only; the rest is counted."""
        networks = judgement.networks
        shown = render(networks[:MOST_NAMED], self._form).replace("\n", " ")
        return shown + (f" and {len(networks) - MOST_NAMED} more" if len(networks) > MOST_NAMED else "")

    def _settled_text(self) -> str:
        """The text as it is now, an edit that is still open ended."""
        area, rows = self.query_one(TextArea), self.query_one(EntryList)
        rows.finish()
        if self._is_text and area.text != rows.text:
            rows.adopt(area.text, undo_to=self._text_before)
        return rows.text

    def _change(self, text: str | None, otherwise: str) -> None:
        """Put another text in the place of the list's, so that it can be undone where the user edits."""
        area = self.query_one(TextArea)
        if text is None:
            self.notice.note(otherwise)
        elif self._is_text:
            area.replace(text, area.document.start, area.document.end)
        else:
            self.query_one(EntryList).change(text)

    def _findings(self, judgement: Judgement) -> Content:
        found = sorted(
            [*(finding for judged in judgement.entries for finding in judged.findings), *judgement.findings],
            # No row is marked for what is said of hosts: it must not fall behind "and 5 more".
            key=lambda each: (list(Severity).index(each.severity), each.code not in ABOUT_HOSTS),
        )
        # F6 applies one suggestion at a time: it is named where it will be.
        fix = first_fix(judgement)
        lines = [
            self._finding(each, _fix(fix) if fix and each is fix.finding else "") for each in found[:MOST_FINDINGS]
        ]
        if len(found) > MOST_FINDINGS:
            lines.append(Content(f"  {self.wizard.glyphs.working} and {len(found) - MOST_FINDINGS} more"))
        # Always first: a line that stays in its place costs only what changes in it.
        return Content("\n").join([*self._changes(judgement), *lines])

    def _changes(self, judgement: Judgement) -> list[Content]:
        """How much is added and removed against the list in use; + marks rows, findings name who would lose access."""
        difference = self.flow.whitelist.difference(judgement)
        if not difference.kept and not difference.removed:
            return []
        added, removed, kept = len(difference.added), len(difference.removed), len(difference.kept)
        return [Content(f"Against the list in use: {added} added (+), {removed} removed, {kept} kept.")]

    def _finding(self, finding: Finding, fix: str) -> Content:
        glyphs = self.wizard.glyphs
        glyph, colour = {
            Severity.ERROR: (glyphs.failed, "$text-error"),
            Severity.WARNING: (glyphs.caution, "$text-warning"),
        }.get(finding.severity, (glyphs.pending, "$text-muted"))
        return Content.from_markup(
            f"[{colour}]$glyph[/] [$text-accent]$fix[/]$message",
            glyph=glyph,
            message=finding.message,
            fix=fix,
        )

    def _show_paste(self, judgement: Judgement) -> None:
        text = render(judgement.networks, self._form) if judgement.is_valid else "(nothing yet)"
        self._show("#paste", Content(text))
        self._show_caption()
        self.call_after_refresh(self._show_caption)

    def on_resize(self) -> None:
        """Say it again when less or more of the text is in sight."""
        self.call_after_refresh(self._show_caption)

    def _show_caption(self) -> None:
        """Name the keys; who selects the text with the mouse must know that some of it is out of sight."""
        if self not in self.app.screen_stack:
            return  # it was left before it was drawn again
        is_cut = self.query_one("#paste").virtual_region.bottom > self.query_one(Body).size.height
        whole = f"Text to paste, {_FORMS[self._form]} between (F2 changes, F3 copies)"
        self._show("#caption", Content("Text to paste (F2 form, F3 copies, Ctrl+Down shows more)" if is_cut else whole))

    def _show(self, selector: str, content: Content) -> None:
        self.query_one(selector, LiveText).show(content)


def _fix(fix: Fix) -> str:
    finding = fix.finding
    if not finding.suggestion:
        return "F6 removes it. "
    if finding.position is not None:
        return f"F6 takes {printable(finding.suggestion, limit=40)} out. "
    other = f", Shift+F6 {finding.alternative}" if finding.alternative else ""
    return f"F6 {'makes it' if fix.judged else 'adds'} {printable(finding.suggestion, limit=40)}{other}. "
