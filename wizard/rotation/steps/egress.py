"""Step 1: which address does the exchange see?"""

from __future__ import annotations

from collections.abc import Callable

from wizard.custody.records import Slot
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.egress.detection import EgressReport, detect, sample_more
from wizard.egress.history import describe_history
from wizard.egress.ipv6 import Ipv6Route
from wizard.egress.selection import ExchangeObservation
from wizard.egress.services import Sample
from wizard.net.route import Route
from wizard.rotation.context import Context
from wizard.rotation.exchange_calls import ipv6_route_to_exchange, observe_address
from wizard.rotation.journal import THE_EXCHANGE, Journal
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.steps.address_selection import AddressSelection

_OUTCOMES = {
    EgressState.AGREED: Outcome.PASSED,
    EgressState.AGREED_WITH_DISSENT: Outcome.PASSED,
    EgressState.UNKNOWN: Outcome.FAILED,
}


def keep_exchange_observation(
    observation: ExchangeObservation, route: Route, journal: Journal, environment: str
) -> None:
    """Note in the journal which address the exchange itself named; nothing where it named none."""
    if (told := observation.address(None)) is not None:
        seen = EgressVerdict(EgressState.SINGLE, {told: (observation.site,)})
        journal.note_egress(environment, seen, route.shown, asked_by=THE_EXCHANGE)


class EgressStep:
    """Asks several operators over the decided route and keeps what they said."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.observation: ExchangeObservation | None = None
        """What the exchange said since the last detection."""

    async def detect(self, on_sample: Callable[[Sample], object] = lambda _: None) -> EgressReport:
        """Ask, note the addresses in the journal, and return who said what; a `WizardError` without a route."""
        context = self._context
        self.observation = None
        report = await detect(
            context.services,
            context.route(),
            rules=context.environment.rules,
            deadline=context.pace.egress,
            on_sample=on_sample,
            timer=context.stopwatch,
        )
        context.journal.note_egress(context.environment.name, report.verdict, report.route.shown)
        return report

    async def sample_more(
        self, report: EgressReport, on_sample: Callable[[Sample], object] = lambda _: None
    ) -> EgressReport:
        """Ask more over the report's route until a pool would have shown itself, and keep what was seen."""
        context = self._context
        more = await sample_more(
            report,
            context.services,
            rules=context.environment.rules,
            deadline=context.pace.sampling,
            on_sample=on_sample,
            timer=context.stopwatch,
        )
        context.journal.note_egress(context.environment.name, more.verdict, more.route.shown)
        return more

    async def ask_exchange(self) -> ExchangeObservation | None:
        """Make two signed calls with the key in use, None where there is none; keep and tick an address they name."""
        context = self._context
        async with context.credentials(context.key(Slot.CURRENT)) as credentials:
            if credentials is None:
                return None
            listed = context.journal.list_in_use(context.environment.name)
            async with context.exchange() as client:
                self.observation = await observe_address(client, credentials, context.environment.site, listed)
        keep_exchange_observation(self.observation, context.route(), context.journal, context.environment.name)
        AddressSelection(context).follow(self.observation)
        return self.observation

    async def ipv6_route(self) -> Ipv6Route | None:
        """Return how other software here could call Binance over IPv6. It takes 3 s at most."""
        return await ipv6_route_to_exchange(self._context.environment, self._context.route())

    def history(self, report: EgressReport) -> str:
        """Return what this and all earlier detections over the same route show, for people."""
        return describe_history(
            self._context.journal.egress_history(self._context.environment.name, report.route.shown)
        )

    def finding(self, report: EgressReport, observation: ExchangeObservation | None = None) -> Finding:
        """Return what a detection shows, and what it does not; the exchange's own word goes before it."""
        outcome = _OUTCOMES.get(report.verdict.state, Outcome.INCONCLUSIVE)
        confirmed = observation.confirms(report.verdict) if observation else None
        if confirmed is not None:
            outcome = Outcome.PASSED if confirmed and not report.verdict.is_shared else Outcome.INCONCLUSIVE
        return Finding(
            subject="Egress address",
            outcome=outcome,
            observed=f"{report.sentence()} {observation.sentence(report.verdict) if observation else ''}".rstrip(),
            at=self._context.clock(),
            from_address=", ".join(map(str, report.verdict.addresses)),
            advice=report.verdict.advice,
            does_not_prove="that the address will stay the same"
            + ("" if confirmed else ", or that Binance sees the same address"),
        )
