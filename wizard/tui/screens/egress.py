"""The Egress step: a table that fills while operators answer, and one sentence that says what it means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.egress.agreement import describe_sampling
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.egress.ipv6 import Ipv6Route
from wizard.egress.selection import Candidate
from wizard.rotation.model import Outcome, Step
from wizard.steps.guide import STEPS
from wizard.tui.screens.dialogs import TextScreen
from wizard.tui.screens.hosts import HostsScreen
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.basics import ItemRows
from wizard.tui.widgets.evidence_table import EvidenceTable

_Answer = TypeVar("_Answer")
_MORE_KEYS = "S asks on for further addresses, E asks the exchange itself, D tells details."
_UNASKED = "No operator was asked."
_CHOOSE = "For the whitelist (Space ticks and unticks):"


class EgressScreen(StepScreen):
    """Which address does the exchange see?"""

    STEP = Step.EGRESS
    HELP = STEPS[STEP].about
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,ctrl+n,f8", "next", "Next", key_display="Enter", priority=True, tooltip="Go on to the whitelist"
        ),
        Binding(
            "space",
            "turn",
            "Tick",
            key_display="Space",
            show=False,
            tooltip="Tick the address for the whitelist, or untick it",
        ),
        Binding("r", "again", "Again", tooltip="Ask all operators once more"),
        # Named below the table: with these two the footer would lose its last keys at 60 columns.
        Binding("s", "sample_more", "More", show=False, tooltip="Ask on, until another address would have shown"),
        Binding("e", "ask_exchange", "Exchange", show=False, tooltip="Ask the exchange itself, with the key in use"),
        Binding("d", "details", "Details", show=False, tooltip="Each question in full"),
        Binding("h", "hosts", "Hosts", tooltip="Ask other hosts for their address, over OpenSSH"),
    ]

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the sentence and the table."""
        yield Static(STEPS[self.STEP].question, classes="lede")
        yield Static("", id="verdict", classes="verdict")
        yield Static(_CHOOSE, id="choose", classes="label")
        yield ItemRows(id="candidates")
        yield EvidenceTable("Source", "Operator", "Address or reason", "ms", id="samples")
        yield Static("", id="ipv6", classes="hint")
        yield Static("", id="route", classes="hint", markup=False)

    def __init__(self) -> None:
        super().__init__()
        self._report: EgressReport | None = None
        self._is_warned = False
        """Whether it was said that nothing is ticked."""

    def on_mount(self) -> None:
        """Ask at once: nothing is sent but a request for one's own address."""
        super().on_mount()
        self._show_candidates()
        self._candidate_rows.focus()
        self.action_again()

    def action_turn(self) -> None:
        """Tick the address under the cursor for the whitelist, or untick it."""
        for candidate in self.flow.candidates():
            if candidate.address == self._candidate_rows.item:
                self.flow.selection.toggle(candidate)
                self.notice.clear()
                self._show_candidates()

    def action_again(self) -> None:
        """Ask all operators."""
        self._report = None
        self.query_one(EvidenceTable).clear()
        self.query_one("#ipv6").display = False
        count = len(self.flow.context.services)
        self.say("working", f"Asking {count} services, at most {self.flow.context.pace.egress:g} s.")
        self._begin(partial(self.flow.egress.detect, self._on_sample), self.show_verdict, self.show_unasked)
        # Its error is the one that the detection tells.
        self.start(
            self.flow.egress.ipv6_route,
            self.show_ipv6,
            doing="look for a route over IPv6",
            group="ipv6",
            failed=lambda _: None,
        )

    def action_sample_more(self) -> None:
        """Ask on, on fresh connections, to find out whether this host has several addresses."""
        if (report := self._settled()) is None:
            return
        self.say("working", f"Asking on, at most {duration(self.flow.context.pace.sampling)}.")
        self._begin(
            partial(self.flow.egress.sample_more, report, self._on_sample),
            lambda more: self.show_verdict(more, describe_sampling(more.samples)),
            partial(self._show_failed, report),
        )

    def action_ask_exchange(self) -> None:
        """Ask the exchange itself, with the key in use."""
        if (report := self._settled()) is None:
            return
        self.say("working", "Asking the exchange with the key in use.")
        self._begin(
            self.flow.egress.ask_exchange,
            lambda seen: self.show_verdict(report, observation=seen),
            partial(self._show_failed, report),
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the question to the exchange where no key is in use."""
        if action == "ask_exchange":
            return self.flow.current is not None
        return super().check_action(action, parameters)

    def action_details(self) -> None:
        """Tell all that is known of each question."""
        if self._report is None:
            self._say_why_not()
            return
        lines = "\n".join(printable(line, 600) for line in self._report.details())
        self.app.push_screen(TextScreen("Who said what of this host", lines))

    def action_hosts(self) -> None:
        """Ask other hosts that use the key."""
        self.app.push_screen(HostsScreen(), self.hosts_closed)

    def hosts_closed(self, taken: str | None) -> None:
        """Say what was taken to the whitelist."""
        self._show_candidates()
        if taken:
            self.notice.good(taken)

    def action_next(self) -> None:
        """Go on, once there is an answer."""
        if self.is_at_work("egress"):
            self._say_why_not()
            return
        if self.flow.has_nothing_ticked and not self._is_warned:
            self._is_warned = True
            self.notice.note("No address is ticked for the whitelist: Space ticks one. Enter again goes on without.")
            return
        super().action_next()

    def _begin(
        self,
        ask: Callable[[], Awaitable[_Answer]],
        show: Callable[[_Answer], object],
        failed: Callable[[WizardError], object],
    ) -> None:
        self.start(ask, show, doing="ask for the egress address", group="egress", failed=failed)

    def _on_sample(self, sample: Sample) -> None:
        self.show_later(self.show_sample, sample)

    def show_ipv6(self, ipv6: Ipv6Route | None) -> None:
        """Warn where the exchange can be called over IPv6 too."""
        if ipv6:
            note = self.query_one("#ipv6", Static)
            note.update(self.signed("caution", ipv6.sentence()))
            note.display = True

    def show_sample(self, sample: Sample) -> None:
        """Add a row."""
        answer = str(sample.address) if sample.address else printable(sample.refusal, limit=60)
        glyph = self.glyphs.passed if sample.address else self.glyphs.failed
        self.query_one(EvidenceTable).add(
            sample.service.name, sample.service.operator, f"{glyph} {answer}", f"{sample.milliseconds:.0f}"
        )

    def show_unasked(self, error: WizardError) -> None:
        """Say that nobody was asked; what was seen before is no evidence for this way out."""
        self._show_candidates()
        self.say("failed", _UNASKED)
        self.show_error(error)

    def _show_failed(self, report: EgressReport, error: WizardError) -> None:
        self.show_verdict(report)
        self.show_error(error)

    def show_verdict(
        self, report: EgressReport, sampling: str = "", observation: ExchangeObservation | None = None
    ) -> None:
        """Say what the answers mean together; `sampling` is what they prove about several addresses."""
        self._report = report
        if self._is_warned:
            self._is_warned = False
            self.notice.clear()
        self._show_candidates()
        finding = self.flow.egress.finding(report, observation)
        signs = {Outcome.PASSED: "passed", Outcome.FAILED: "failed"}
        self.say(signs.get(finding.outcome, "caution"), f"{finding.observed} {sampling}".rstrip())
        table = self.query_one(EvidenceTable)
        shown = table.row_count - len(report.samples)
        for service in report.unfinished[shown:]:
            table.add(service.name, service.operator, f"{self.glyphs.pending} not waited for", "")
        self.query_one("#route", Static).update(
            f"{_MORE_KEYS}\nSeen {utc(finding.at)}. {self.flow.egress.history(report)}\n{report.route.sentence()}\n"
            f"Not proven: {finding.does_not_prove}."
        )

    def _settled(self) -> EgressReport | None:
        """The report to go on with; where there is none yet, it is said why."""
        if self._report is None or self.is_at_work("egress"):
            self._say_why_not()
            return None
        return self._report

    def _say_why_not(self) -> None:
        asking = self.is_at_work("egress")
        self.notice.note("The operators are still being asked." if asking else f"{_UNASKED} R asks again.")

    @property
    def _candidate_rows(self) -> ItemRows:
        return self.query_one("#candidates", ItemRows)

    def _show_candidates(self) -> None:
        candidates = self.flow.candidates()
        width = max((len(str(candidate.address)) for candidate in candidates), default=0)
        self._candidate_rows.show({candidate.address: _row(candidate, width) for candidate in candidates})
        self._candidate_rows.display = self.query_one("#choose").display = bool(candidates)


def _row(candidate: Candidate, width: int) -> Content:
    mark = "x" if candidate.is_wanted else " "
    return Content(f"[{mark}] {candidate.address!s:<{width}}  {printable(candidate.witnesses, 200)}")
