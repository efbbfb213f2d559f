"""The Egress IP step: which address do services see, and which addresses go on the whitelist."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, ClassVar

from wizard.core.clock import utc
from wizard.core.errors import WizardError
from wizard.egress.agreement import describe_sampling
from wizard.egress.detection import EgressReport
from wizard.egress.ipv6 import Ipv6Route
from wizard.egress.selection import ExchangeObservation
from wizard.egress.services import EchoService, Sample
from wizard.rotation.model import Step
from wizard.steps import deadlines
from wizard.steps.hosts import HostsPresenter
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, TOGGLE, Action, Row, State, View, lines, split_verdict

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow

NOTHING_TICKED = "No address is ticked for the whitelist. Tick one, or press Continue again to go on without."
UNASKED = "No service was asked."
UNFINISHED = "The services were not asked to the end."


class EgressPresenter(StepPresenter):
    """Asks at once: nothing is sent but a request for one's own address."""

    STEP = Step.EGRESS
    TITLE = "Which address does Binance see?"
    ABOUT: ClassVar[str] = (
        "Binance compares the address that your calls come from with the whitelist of the key."
        " Public services are asked for that address, over the same route and over IPv4."
        " An address counts when services of two providers see it."
        " If this host calls from several addresses, all of them belong on the list."
    )

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._report: EgressReport | None = None
        self._samples: list[Sample] = []
        self._observation: ExchangeObservation | None = None
        self._sampling = ""
        """What the answers prove about several addresses."""
        self._ipv6: Ipv6Route | None = None
        self._is_warned = False
        """Whether it was said that nothing is ticked."""

    async def begin(self) -> None:
        """Ask all services."""
        self._report, self._samples, self._observation, self._sampling = None, [], None, ""
        count, pace = len(self.flow.context.services), self.flow.context.pace
        self._report = await self.face.attempt(self._detect, f"Asking {count} services", deadlines.closed(pace.egress))

    async def _detect(self) -> EgressReport:
        report, _ = await asyncio.gather(self.flow.egress.detect(self._take), self._look_for_ipv6())
        return report

    async def _look_for_ipv6(self) -> None:
        with suppress(WizardError):  # the detection says the same
            self._ipv6 = await self.flow.egress.ipv6_route()

    def _take(self, sample: Sample) -> None:
        self._samples.append(sample)
        name = sample.service.operator
        saw = f"saw {sample.address}" if sample.address else f"gave no address: {sample.refusal}"
        self.face.say(f"{name} {saw}, after {sample.milliseconds:.0f} ms.")
        self.face.show()

    async def sample_more(self) -> None:
        """Ask again and again on fresh connections, until another address would have shown itself."""
        if (report := self._report) is None:
            return
        more = await self.face.attempt(
            lambda: self.flow.egress.sample_more(report, self._take),
            "Asking on fresh connections",
            deadlines.closed(self.flow.context.pace.sampling),
        )
        if more is not None:
            self._report, self._sampling = more, describe_sampling(more.samples)

    async def ask_binance(self) -> None:
        """Ask Binance, by signed calls of the current key."""
        at_most = deadlines.call(self.flow.context.pace)
        seen = await self.face.attempt(self.flow.egress.ask_exchange, "Asking Binance with the current key", at_most)
        self._observation = seen or self._observation

    async def toggle(self, address: str) -> None:
        """Tick an address for the whitelist, or untick it."""
        for candidate in self.flow.candidates():
            if candidate.address == IPv4Address(address):
                self.flow.selection.toggle(candidate)

    async def show_details(self) -> None:
        """Show each question in full."""
        if self._report is not None:
            await self.face.read("Who saw which address", *self._report.details())

    async def show_hosts(self) -> None:
        """Ask other hosts that use the key."""
        await self.face.visit(partial(HostsPresenter, self.flow))

    async def advance(self) -> None:
        """Go on to the whitelist. Where nothing is ticked, that is said once."""
        if self.flow.has_nothing_ticked and not self._is_warned:
            self._is_warned = True
            self.face.note(NOTHING_TICKED, State.LOOK)
            return
        await super().advance()

    def view(self) -> View:
        """Return the verdict, the addresses for the whitelist, and who saw what."""
        candidates = self.flow.candidates()
        rows = tuple(
            Row((str(each.address), each.witnesses), is_ticked=each.is_wanted, item=str(each.address))
            for each in candidates
        )
        report = self._report
        title, actions = "Put on the whitelist" if rows else "", self._actions()
        if report is None:
            fix, answers = ("Check the network, then retry.",), self._answers(())
            said = UNFINISHED if self._samples else UNASKED
            return View(State.STOP, said, fix=fix, list_title=title, rows=rows, evidence=answers, actions=actions)
        finding = self.flow.egress.finding(report, self._observation)
        verdict, because = split_verdict(finding.observed)
        history = self.flow.egress.history(report)
        return View(
            State.of(finding.outcome),
            verdict,
            because=(*because, *filter(None, (self._sampling, history))),
            fix=(finding.advice,) if finding.advice else (),
            list_title=title,
            rows=rows,
            evidence=(
                *self._answers(report.unfinished),
                *lines(f"Asked at {utc(finding.at)[11:]}.", report.route.sentence()),
                *([Row((self._ipv6.sentence(),), State.LOOK)] if self._ipv6 else []),
            ),
            not_proven=finding.does_not_prove if rows else "",
            actions=actions,
        )

    def _answers(self, unfinished: tuple[EchoService, ...]) -> tuple[Row, ...]:
        answered = (
            Row(
                (sample.service.operator, str(sample.address), f"{sample.milliseconds:.0f} ms")
                if sample.address
                else (sample.service.operator, sample.refusal),
                State.GOOD if sample.address else State.UNSURE,
            )
            for sample in self._samples
        )
        return (*answered, *(Row((service.operator, "skipped, already confirmed")) for service in unfinished))

    def _actions(self) -> tuple[Action, ...]:
        hosts = Action("hosts", "o", "Other hosts", "Asks other hosts that use the key, over OpenSSH.", self.show_hosts)
        about = "Ticks an address for the whitelist, or unticks it."
        tick = Action("tick", TOGGLE, "Tick", about, self.toggle, is_about_row=True)
        ticks = [tick] if self.flow.candidates() else []
        ask = Action("ask", "b", "Ask Binance", "Asks Binance itself, with the current key.", self.ask_binance)
        asks = [ask] if self._report and self.flow.current else []
        more = Action("more", "m", "Find more", "Asks again and again, to find further addresses.", self.sample_more)
        details = Action("details", "v", "Details", "Shows each question in full.", self.show_details)
        others = (more, details) if self._report else ()
        is_settled = self._is_settled
        retry = Action("retry", "r", "Retry", "Asks all services again.", self.begin)
        go_on = Action("continue", PRIMARY, "Continue", "Goes on to the whitelist.", self.advance)
        about = "Goes on without an address. You type it in the next step."
        skip = Action("skip", "e", "Enter it yourself", about, self.advance)
        return (
            go_on if is_settled else replace(retry, key=PRIMARY),
            *ticks,
            *asks,
            hosts,
            *([retry] if is_settled else []),
            *others,
            *([] if is_settled else [skip]),
            *self.page_actions(),
            self.back_action(),
        )

    @property
    def _is_settled(self) -> bool:
        """Whether services agree on an address, or the user ticked one."""
        finding = self.flow.egress.finding(self._report, self._observation) if self._report else None
        return bool(finding and (finding.passed or any(each.is_wanted for each in self.flow.candidates())))
