"""The Egress step: a table that fills while operators answer, and one sentence that says what it means."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
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
from wizard.tui.screens.hosts import HostsScreen
from wizard.tui.screens.step_screen import StepScreen
from wizard.tui.widgets.evidence_table import EvidenceTable
from wizard.tui.widgets.option_rows import OptionRows

_ASKS_ON = "S asks on for further addresses, E asks the exchange itself, D tells details."
_UNASKED = "No operator was asked."
_CHOOSE = "For the whitelist (Space ticks and unticks):"


class EgressDetailsScreen(ModalScreen[None]):
    """Who was asked, where, and what came of it.

    Args:
        report: What is told.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,d,enter", "dismiss", "Close")]

    def __init__(self, report: EgressReport) -> None:
        super().__init__()
        self._report = report

    def compose(self) -> ComposeResult:
        """Lay the lines out."""
        with VerticalScroll(classes="dialog") as dialog:
            # In the frame: below the lines it would be out of sight at 60x20.
            dialog.border_subtitle = "Arrows scroll, Esc closes this."
            yield Static("Who said what of this host", classes="title")
            lines = "\n".join(printable(line, 600) for line in self._report.details())
            yield Static(lines, classes="lines", markup=False)


class CandidateList(OptionRows):
    """Rows to tick. Which of them are ticked is decided elsewhere; the cursor stays on its address."""

    DEFAULT_CSS = """
    CandidateList {
        height: auto;
        max-height: 5;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        scrollbar-size-vertical: 1;
        display: none;
        &.-filled { display: block; }
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._candidates: tuple[Candidate, ...] = ()

    @property
    def candidate(self) -> Candidate | None:
        """The row with the cursor; None where there are no rows."""
        index = self.highlighted
        return self._candidates[index] if index is not None and index < len(self._candidates) else None

    def show(self, candidates: tuple[Candidate, ...]) -> None:
        """Show these rows in the place of those before."""
        stood_on = self.candidate.address if self.candidate else None
        self._candidates = candidates
        self.clear_options()
        width = max((len(str(candidate.address)) for candidate in candidates), default=0)
        self.add_options(_row(candidate, width) for candidate in candidates)
        self.set_class(bool(candidates), "-filled")
        addresses = [candidate.address for candidate in candidates]
        if addresses:
            self.highlighted = addresses.index(stood_on) if stood_on in addresses else 0


def _row(candidate: Candidate, width: int) -> Content:
    mark = "x" if candidate.is_wanted else " "
    return Content(f"[{mark}] {candidate.address!s:<{width}}  {printable(candidate.witnesses, 200)}")


class EgressScreen(StepScreen):
    """Which address does the exchange see?"""

    STEP = Step.EGRESS
    HELP = (
        "The exchange compares the address that your calls come from with the key's whitelist. Several operators are"
        " asked over the exchange's route, over IPv4; two that see the same address agree. Space ticks what goes to"
        " the whitelist. S asks on until another address, used as often, would have shown: a host behind several needs"
        " all of them on the list. E asks the exchange itself, by signed calls of the key in use. D tells each question"
        " in full. Nothing here proves that an address stays the same."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,ctrl+n,f8", "next", "Next", key_display="Enter", priority=True, tooltip="Go on to the whitelist"
        ),
        Binding("space", "turn", "Tick", show=False, tooltip="Tick the address for the whitelist, or untick it"),
        Binding("r", "again", "Again", tooltip="Ask all operators once more"),
        # Named below the table: with these two the footer would lose its last keys at 60 columns.
        Binding("s", "sample_more", "More", show=False, tooltip="Ask on, until another address would have shown"),
        Binding("e", "ask_exchange", "Exchange", show=False, tooltip="Ask the exchange itself, with the key in use"),
        Binding("d", "details", "Details", show=False, tooltip="Each question in full"),
        Binding("h", "hosts", "Hosts", tooltip="Ask other hosts for their address, over OpenSSH"),
    ]

    class Seen(Message):
        """One operator answered."""

        def __init__(self, sample: Sample) -> None:
            super().__init__()
            self.sample = sample

    class Settled(Message):
        """The detection ended."""

        def __init__(
            self, report: EgressReport, sampling: str = "", observation: ExchangeObservation | None = None
        ) -> None:
            super().__init__()
            self.report = report
            self.observation = observation
            self.sampling = sampling
            """What it proves about a pool, where more was sampled."""

    class Unasked(Message):
        """Nobody could be asked."""

    class Ipv6Found(Message):
        """The exchange can be called over IPv6 too."""

        def __init__(self, way: Ipv6Route) -> None:
            super().__init__()
            self.way = way

    def compose_body(self) -> Iterable[Widget]:
        """Lay out the sentence and the table."""
        yield Static("Which address does the exchange see of this host?", classes="lede")
        yield Static("", id="verdict", classes="verdict")
        yield Static(_CHOOSE, id="choose", classes="label")
        yield CandidateList(id="candidates")
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
        self.query_one(CandidateList).focus()
        self.action_again()

    def action_turn(self) -> None:
        """Tick the address under the cursor for the whitelist, or untick it."""
        if candidate := self.query_one(CandidateList).candidate:
            self.flow.selection.toggle(candidate)
            self.notice.clear()
            self._show_candidates()

    def action_again(self) -> None:
        """Ask all operators."""
        self._report = None
        self.query_one(EvidenceTable).clear()
        self.query_one("#ipv6").display = False
        count = len(self.flow.context.services)
        self._say(
            self.wizard.glyphs.working,
            "$text-primary",
            f"Asking {count} services, at most {self._deadline():g} s.",
        )
        self._detect()
        self._look_for_ipv6()

    def action_sample_more(self) -> None:
        """Ask on, on fresh connections, to find out whether this host has several addresses."""
        if self._report is None or self.is_at_work("egress"):
            self._tell_why_not()
            return
        at_most = duration(self.flow.context.pace.sampling)
        self._say(self.wizard.glyphs.working, "$text-primary", f"Asking on, at most {at_most}.")
        self._sample_more(self._report)

    def action_ask_exchange(self) -> None:
        """Ask the exchange itself, with the key in use."""
        if self._report is None or self.is_at_work("egress"):
            self._tell_why_not()
            return
        self._say(self.wizard.glyphs.working, "$text-primary", "Asking the exchange with the key in use.")
        self._ask_exchange(self._report)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the question to the exchange where no key is in use."""
        if action == "ask_exchange":
            return self.flow.current is not None
        return super().check_action(action, parameters)

    def action_details(self) -> None:
        """Tell all that is known of each question."""
        if self._report is None:
            self._tell_why_not()
            return
        self.app.push_screen(EgressDetailsScreen(self._report))

    def action_hosts(self) -> None:
        """Ask other hosts that use the key."""
        self.app.push_screen(HostsScreen(self.flow, self.wizard.glyphs), self.hosts_closed)

    def hosts_closed(self, taken: str | None) -> None:
        """Say what was taken to the whitelist."""
        self._show_candidates()
        if taken:
            self.notice.good(taken)

    def action_next(self) -> None:
        """Go on, once there is an answer."""
        if self.is_at_work("egress"):
            self._tell_why_not()
            return
        candidates = self.flow.candidates()
        if candidates and not any(candidate.is_wanted for candidate in candidates) and not self._is_warned:
            self._is_warned = True
            self.notice.note("No address is ticked for the whitelist: Space ticks one. Enter again goes on without.")
            return
        super().action_next()

    @work(exclusive=True, group="egress", description="detect the egress address")
    async def _detect(self) -> None:
        try:
            report = await self.flow.egress.detect(lambda sample: self.post_message(self.Seen(sample)))
            self.post_message(self.Settled(report))
        except WizardError as error:
            self.post_message(self.Unasked())
            self.post_message(self.Failed(error))

    @work(exclusive=True, group="egress", description="sample the egress address")
    async def _sample_more(self, report: EgressReport) -> None:
        try:
            more = await self.flow.egress.sample_more(report, lambda sample: self.post_message(self.Seen(sample)))
            self.post_message(self.Settled(more, describe_sampling(more.samples)))
        except WizardError as error:
            self.post_message(self.Settled(report))
            self.post_message(self.Failed(error))

    @work(exclusive=True, group="egress", description="ask the exchange which address it sees")
    async def _ask_exchange(self, report: EgressReport) -> None:
        observation = None
        try:
            observation = await self.flow.egress.ask_exchange()
        except WizardError as error:
            self.post_message(self.Failed(error))
        self.post_message(self.Settled(report, observation=observation))

    @work(exclusive=True, group="ipv6", description="look for a way over IPv6")
    async def _look_for_ipv6(self) -> None:
        # The same WizardError is told by the detection.
        with suppress(WizardError):
            if way := await self.flow.egress.ipv6_route():
                self.post_message(self.Ipv6Found(way))

    @on(Ipv6Found)
    def show_ipv6(self, message: Ipv6Found) -> None:
        """Warn of the other way."""
        content = Content.from_markup(
            "[$text-warning]$glyph[/] $text", glyph=self.wizard.glyphs.caution, text=message.way.sentence()
        )
        note = self.query_one("#ipv6", Static)
        note.update(content)
        note.display = True

    @on(Seen)
    def show_sample(self, message: Seen) -> None:
        """Add a row."""
        sample = message.sample
        answer = str(sample.address) if sample.address else printable(sample.refusal, limit=60)
        glyph = self.wizard.glyphs.passed if sample.address else self.wizard.glyphs.failed
        self.query_one(EvidenceTable).add(
            sample.service.name, sample.service.operator, f"{glyph} {answer}", f"{sample.milliseconds:.0f}"
        )

    @on(Unasked)
    def show_unasked(self) -> None:
        """Say so; what was seen before is no evidence for this way out."""
        self._show_candidates()
        self._say(self.wizard.glyphs.failed, "$text-error", _UNASKED)

    @on(Settled)
    def show_verdict(self, message: Settled) -> None:
        """Say what the answers mean together."""
        self._report = report = message.report
        if self._is_warned:
            self._is_warned = False
            self.notice.clear()
        self._show_candidates()
        finding = self.flow.egress.finding(report, message.observation)
        glyph, colour = {
            Outcome.PASSED: (self.wizard.glyphs.passed, "$text-success"),
            Outcome.FAILED: (self.wizard.glyphs.failed, "$text-error"),
        }.get(finding.outcome, (self.wizard.glyphs.caution, "$text-warning"))
        self._say(glyph, colour, f"{finding.observed} {message.sampling}".rstrip())
        table = self.query_one(EvidenceTable)
        shown = table.row_count - len(report.samples)
        for service in report.unfinished[shown:]:
            table.add(service.name, service.operator, f"{self.wizard.glyphs.pending} not waited for", "")
        self.query_one("#route", Static).update(
            f"{_ASKS_ON}\nSeen {utc(finding.at)}. {self.flow.egress.history(report)}\n{report.route.sentence()}\n"
            f"Not proven: {finding.does_not_prove}."
        )

    def _tell_why_not(self) -> None:
        """Say why there is nothing to work with yet."""
        asking = self.is_at_work("egress")
        self.notice.note("The operators are still being asked." if asking else f"{_UNASKED} R asks again.")

    def _show_candidates(self) -> None:
        candidates = self.flow.candidates()
        self.query_one(CandidateList).show(candidates)
        self.query_one("#choose").display = bool(candidates)

    def _say(self, glyph: str, colour: str, text: str) -> None:
        content = Content.from_markup(f"[{colour}]$glyph[/] $text", glyph=glyph, text=text)
        self.query_one("#verdict", Static).update(content)

    def _deadline(self) -> float:
        return self.flow.context.pace.egress
