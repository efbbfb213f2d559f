"""The Probe step: each check with its evidence, and one sentence on top."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.core.errors import WizardError
from wizard.core.text import Glyphs, printable
from wizard.exchange.diagnosis import Diagnosis
from wizard.rotation.findings import NEW_KEY, ORDER
from wizard.rotation.model import Finding, Outcome, Step
from wizard.rotation.report import Report
from wizard.rotation.steps.probe import ProbeReport, Wait
from wizard.steps.consents import SWAP
from wizard.steps.guide import STEPS
from wizard.steps.home import seen
from wizard.steps.probe import SWAPPED, offers, to_look_at, verdict
from wizard.tui.screens.step_screen import StepScreen
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


class ProbeScreen(StepScreen):
    """Do the new credentials work from here?"""

    STEP = Step.PROBE
    HELP = STEPS[STEP].about
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: the list of findings has the focus and would take Enter for itself.
        Binding(
            "enter", "next", "Promote", key_display="Enter", priority=True, tooltip="Make the new key the current one"
        ),
        Binding("ctrl+n,f8", "next", show=False),
        # Where there is nothing to promote, the keys say why, and the footer does not offer it.
        Binding("enter,ctrl+n,f8", "refuse_next", show=False, priority=True),
        Binding("r", "again", "Again", tooltip="Run all checks once more"),
        Binding("w", "wait", "Wait", tooltip="Ask slowly until the key is accepted: a new list may need minutes"),
        Binding("escape", "stop_waiting", "Stop", key_display="Esc", tooltip="Stop asking; nothing is lost"),
        Binding("s", "swap", "Swap", tooltip="Exchange API key and secret, store again, probe again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._report: ProbeReport | None = None
        self._stored: Finding | None = None
        self._pause: tuple[Wait, float] | None = None
        """What is waited for, and since when."""

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the sentence and the checks."""
        yield Static("", id="verdict", classes="verdict")
        yield FindingList(self.glyphs)

    def on_mount(self) -> None:
        """Probe at once: the calls only read."""
        super().on_mount()
        self._stored, self.session.announced = self.session.announced, None
        self.set_interval(1.0, self._show_countdown)
        self.action_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the swap only where it helps, and no promotion of a key that is not proven."""
        if action in {"next", "refuse_next"}:
            is_refuted = self._report is not None and not self._report.is_proven
            return is_refuted is (action == "refuse_next")
        if action in {"swap", "wait"}:
            return action in offers(self._report) and self._pause is None
        if action == "stop_waiting":
            return self._pause is not None
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        """Run all checks."""
        if not self.is_at_work("custody"):
            self.begin()

    def action_wait(self) -> None:
        """Ask about the new key, slowly, until it is accepted."""
        if not self.is_at_work("custody"):
            self.start(
                partial(self.flow.probe.wait_until_accepted, partial(self.show_later, self.count_down)),
                self.waited,
                doing="wait until the new key is accepted",
                group="probe",
            )

    def action_stop_waiting(self) -> None:
        """Stop asking; what the last probe saw stays on the screen."""
        self.stop("probe")
        self._pause = None
        self._show_result()

    def begin(self) -> None:
        """Forget the last report and ask anew."""
        self._report = None
        self._pause = None
        findings = self.query_one(FindingList)
        findings.clear()
        if self._stored is not None:
            findings.add(self._stored)
        self.say("working", "Asking the exchange…")
        self.refresh_bindings()
        self.start(
            partial(self.flow.probe.run, partial(self.show_later, findings.add)),
            self.show_report,
            doing="probe the new key",
            group="probe",
        )

    def action_swap(self) -> None:
        """Ask before API key and secret change places: the swapped call shows one of them to the exchange."""
        self.confirm(SWAP, self._swap)

    def _swap(self, typed: str) -> None:
        self.notice.clear()
        swap = partial(self.flow.credentials.swap, typed)
        self.start(swap, lambda _: self._probe_swapped(), doing="swap API key and secret")

    def action_next(self) -> None:
        """Promote the proven key."""
        if self.is_at_work("custody"):
            return
        if self._report is None:
            self.notice.note("There is no result yet. R probes again.")
            return
        self.notice.clear()
        self.start(partial(self.flow.complete, self._report), self.go_on, doing="promote the new key")

    def action_refuse_next(self) -> None:
        """Say why the key is not promoted."""
        self.action_next()

    def count_down(self, wait: Wait) -> None:
        """Begin the countdown to the next question."""
        self._pause = (wait, self.flow.context.clock())
        self._show_countdown()
        self.refresh_bindings()

    def waited(self, diagnosis: Diagnosis) -> None:
        """Probe in full where the key is accepted now; else say what the last question came to."""
        self._pause = None
        if diagnosis.is_accepted:
            self.begin()
            return
        self.notice.note(f"Waiting has ended. {diagnosis.what}. {diagnosis.advice}")
        self._show_result()

    def _show_countdown(self) -> None:
        if self._pause is not None:
            wait, since = self._pause
            text = wait.sentence(self.flow.context.clock() - since)
            self.say("working", f"{text} Esc stops.")

    def go_on(self, report: Report | None) -> None:
        """Show the next step, or the report where there is nothing to retire."""
        if report is None:
            self.session.show_step()
        else:
            self.session.show_summary(report)

    def show_error(self, error: WizardError) -> None:
        """Show the error, and that nothing is under way any more."""
        super().show_error(error)
        if self._report is None:
            self.say("failed", "The probe did not end. R probes again.")

    def _probe_swapped(self) -> None:
        self.notice.good(SWAPPED)
        self.begin()

    def show_report(self, report: ProbeReport) -> None:
        """Say what it comes to."""
        self._report = report
        self._show_result()
        self.query_one(OptionList).focus()

    def _show_result(self) -> None:
        report = self._report
        if report is None:
            return
        sign, sentence = verdict(report)
        keys = f"Enter promotes it.{to_look_at(report)}"
        if not report.is_proven:
            wait = " W waits until it is accepted." if report.may_change else ""
            swap = " S, if key and secret may be swapped." if report.may_be_swapped else ""
            keys = f"R probes again, F7 goes back.{wait}{swap}"
        self.say(sign, f"{sentence} {keys}")
        self.refresh_bindings()

    def say(self, sign: str, text: str) -> None:
        """Say what it comes to, with a line of air above the checks."""
        super().say(sign, f"{text}\n")


def _place(finding: Finding) -> int:
    return ORDER.index(finding.subject) if finding.subject in ORDER else len(ORDER)
