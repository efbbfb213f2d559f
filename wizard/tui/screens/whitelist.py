"""The Whitelist step: a list that one edits in place, its verdict, and the text to paste."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.rotation.model import Step
from wizard.rotation.steps.whitelist import CODES as ABOUT_HOSTS
from wizard.steps.guide import STEPS
from wizard.steps.whitelist import changes
from wizard.tui.screens.step_screen import Body, StepScreen
from wizard.tui.widgets.entry_list import EntryList
from wizard.whitelist.findings import ListFinding, Severity
from wizard.whitelist.fixes import Fix, first_fix
from wizard.whitelist.rendering import Form, render
from wizard.whitelist.validation import Validation

_FORMS = {Form.COMMAS: "commas", Form.SPACES: "spaces", Form.LINES: "lines"}
_LIST_KEYS = "a add, e edit, d delete, l label, u undo, x expand, c join"
_NOTHING_TO = {
    "fix": "There is nothing that one key can mend.",
    "block": "The first suggestion is the only one for its entry.",
    "fix-all": "No suggestion is safe unread. F6 applies them one by one.",
    "expand": "No block fits into the list.",
    "collapse": "No entries make up a block exactly.",
}
"""What is said where a change makes no other list."""
MOST_NAMED = 6
"""Entries of a copied text that are repeated; the rest is counted."""
MOST_FINDINGS = 3
"""Shown at once; the rest is counted."""


class WhitelistScreen(StepScreen):
    """The list to paste, checked while it is typed."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["step_screen.tcss", "whitelist.tcss"]
    STEP = Step.WHITELIST
    HELP = f"{STEPS[STEP].about} A paste adds its entries. Keys of the list: {_LIST_KEYS}."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "change('fix')", "Fix", key_display="F6", tooltip="Apply the first suggestion"),
        # Terminals send Shift+F6 as F18.
        Binding(
            "f18,shift+f6",
            "change('block')",
            "Other fix",
            key_display="Shift+F6",
            show=False,
            tooltip="Apply the other suggestion, where there are two",
        ),
        Binding("f9", "change('fix-all')", "Fix all", key_display="F9", show=False, tooltip="Apply all that is safe"),
        Binding("f2", "form", "Form", key_display="F2", show=False, tooltip="Commas, spaces or lines"),
        Binding("f3", "copy", "Copy", key_display="F3", show=False, tooltip="Copy the text to paste"),
        Binding("b", "change('block')", "Block", show=False, tooltip="Make it the block, where F6 makes it an address"),
        Binding("x", "change('expand')", "Expand", show=False, tooltip="Write blocks as addresses where they fit"),
        Binding("c", "change('collapse')", "Collapse", show=False, tooltip="Join neighbours; no new address gets in"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._form = Form.COMMAS
        self._validation: Validation | None = None

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the list, its verdict, the text to paste and the findings."""
        entries = self.flow.whitelist.proposal()
        yield Static(STEPS[self.STEP].question, classes="lede")
        yield EntryList(entries, self.flow.whitelist.past, self.glyphs, id="list")
        yield Static(_LIST_KEYS, id="keys", classes="hint", markup=False)
        yield Static(id="verdict", classes="verdict")
        yield Static(id="caption")
        yield Static(id="paste", classes="paste")
        yield Static(id="findings", classes="hint")

    def on_mount(self) -> None:
        """Judge the proposal."""
        super().on_mount()
        self.query_one(EntryList).focus()
        self.validate()

    @on(EntryList.Changed)
    def validate(self) -> None:
        """Check what is typed now, and keep it for when the user comes back."""
        rows = self.query_one(EntryList)
        self.flow.whitelist.draft = rows.entries
        self._validation = validation = self.flow.whitelist.validate(rows.entries)
        self.notice.clear()
        difference = self.flow.whitelist.difference(validation)
        rows.show(validation, frozenset(difference.added if difference.kept or difference.removed else ()))
        # What F6 does to one is said at its problem.
        fixes = " F6 mends one, F9 all that is safe." if len(validation.errors) > 1 and first_fix(validation) else ""
        not_ready = f"Not ready: {len(validation.errors)} to mend.{fixes}"
        sentence = validation.sentence() if validation.is_valid else not_ready
        self.say("passed" if validation.is_valid else "failed", sentence)
        self._show_paste(validation)
        self._show("#findings", self._findings(validation))

    def action_next(self) -> None:
        """Keep the list and go on; a list with errors is not kept."""
        try:
            self.flow.whitelist.settle(self._finished().entries)
        except WizardError as error:
            self.notice.error(error)
            return
        super().action_next()

    def action_back(self) -> None:
        """Keep what is typed for when the user comes back."""
        self.flow.whitelist.draft = self._finished().entries
        super().action_back()

    def action_change(self, change: str) -> None:
        """Put another list in the place of this one, so that it can be undone."""
        rows = self._finished()
        entries = changes(self.flow, rows.entries).get(change)
        if entries is None:
            self.notice.note(_NOTHING_TO[change])
        else:
            rows.change(entries)

    def action_form(self) -> None:
        """Show the next of the three forms."""
        forms = list(_FORMS)
        self._form = forms[(forms.index(self._form) + 1) % len(forms)]
        self.validate()

    def action_copy(self) -> None:
        """Ask the terminal to copy; the text is on the screen as well."""
        if self._validation is None or not self._validation.is_valid:
            self.notice.note("There is nothing to copy yet: the list has errors.")
            return
        text = render(self._validation.networks, self._form)
        self.copy(text, f": {self._named(self._validation)}")

    def _named(self, validation: Validation) -> str:
        """What is copied, in its form, whole addresses only; the rest is counted."""
        networks = validation.networks
        # With blanks behind commas: a line ends there, not within an address.
        shown = render(networks[:MOST_NAMED], self._form).replace("\n", " ").replace(",", ", ")
        return shown + (f" and {len(networks) - MOST_NAMED} more" if len(networks) > MOST_NAMED else "")

    def _finished(self) -> EntryList:
        """The list, an edit that is still open ended."""
        rows = self.query_one(EntryList)
        rows.finish()
        return rows

    def _findings(self, validation: Validation) -> Content:
        found = sorted(
            [*(finding for checked in validation.entries for finding in checked.findings), *validation.findings],
            # No row is marked for what is said of hosts: it must not fall behind "and 5 more".
            key=lambda each: (list(Severity).index(each.severity), each.code not in ABOUT_HOSTS),
        )
        # F6 applies one suggestion at a time: it is named where it will be.
        fix = first_fix(validation)
        lines = [
            self._finding(each, _fix(fix) if fix and each is fix.finding else "") for each in found[:MOST_FINDINGS]
        ]
        if len(found) > MOST_FINDINGS:
            lines.append(Content(f"  {self.glyphs.working} and {len(found) - MOST_FINDINGS} more"))
        return Content("\n").join([*self._changes(validation), *lines])

    def _changes(self, validation: Validation) -> list[Content]:
        """How much is added and removed against the list in use; + marks rows, findings name who would lose access."""
        difference = self.flow.whitelist.difference(validation)
        if not difference.kept and not difference.removed:
            return []
        added, removed, kept = len(difference.added), len(difference.removed), len(difference.kept)
        return [Content(f"Against the list in use: {added} added (+), {removed} removed, {kept} kept.")]

    def _finding(self, finding: ListFinding, fix: str) -> Content:
        text = Content.from_markup("[$text-accent]$fix[/]$message", message=finding.message, fix=fix)
        if finding.severity is Severity.NOTE:
            return self.signed("pending", text, "$text-muted")
        return self.signed("failed" if finding.severity is Severity.ERROR else "caution", text)

    def _show_paste(self, validation: Validation) -> None:
        if self not in self.app.screen_stack:
            return  # it was left before it was drawn again
        text = render(validation.networks, self._form) if validation.is_valid else "(nothing yet)"
        room = self.query_one("#paste").size.width
        self._show("#paste", Content(broken_after(",", text, room) if room and self._form is Form.COMMAS else text))
        self._show_caption()
        self.call_after_refresh(self._show_caption)

    def on_resize(self) -> None:
        """Break the text to paste anew."""
        if self._validation:
            self.call_after_refresh(self._show_paste, self._validation)

    def _show_caption(self) -> None:
        """Name the keys; who selects the text with the mouse must know that some of it is out of sight."""
        if self not in self.app.screen_stack:
            return  # it was left before it was drawn again
        is_cut = self.query_one("#paste").virtual_region.bottom > self.query_one(Body).size.height
        whole = f"Text to paste, {_FORMS[self._form]} between (F2 changes, F3 copies)"
        self._show("#caption", Content("Text to paste (F2 form, F3 copies, Ctrl+Down shows more)" if is_cut else whole))

    def _show(self, selector: str, content: Content) -> None:
        self.query_one(selector, Static).update(content)


def _fix(fix: Fix) -> str:
    finding = fix.finding
    if not finding.suggestion:
        return "F6 removes it. "
    other = f", Shift+F6 {finding.alternative}" if finding.alternative else ""
    return f"F6 {'adds' if fix.place is None else 'makes it'} {printable(finding.suggestion, limit=40)}{other}. "


def broken_after(mark: str, text: str, width: int) -> str:
    """Return `text` with line ends after some of its `mark`s, so that its lines are no longer than `width`."""
    lines = [""]
    for piece in text.split(mark):
        part = piece + mark
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines).removesuffix(mark)
