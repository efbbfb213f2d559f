"""Which observed addresses go to the whitelist. What was chosen is in the journal, so it outlives the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

from wizard.core.errors import WizardError
from wizard.egress.agreement import EgressVerdict
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.egress.selection import THIS_HOST, Candidate, ExchangeAddress, Selection
from wizard.rotation.context import Context

CHOSEN = "egress.chosen"
"""The event: each address that was decided about with whose it is; with nothing, it does not go to the whitelist."""
ROUTE = "route"
"""Beside them: the way out. What was decided about this host's addresses counts for that way only."""
EXCHANGE = "exchange"
"""Beside them: what the exchange said of this host, over that way."""
NO_ROUTE = "none"
NAMES_BETWEEN = ", "
"""Parts the names of the hosts that share an address, in its label."""


class AddressSelection:
    """The user's selection in the open rotation, beside the evidence of the newest detection.

    Without an open rotation nothing is chosen and nothing is kept.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def now(self) -> Selection:
        """What was chosen so far."""
        rotation = self._context.journal.open_rotation(self._context.environment.name)
        events = self._context.journal.events(rotation, CHOSEN) if rotation else ()
        if not events:
            return Selection()
        detail = dict(events[-1].detail)
        is_elsewhere = detail.pop(ROUTE, self._route) != self._route
        exchange = _read_exchange(detail.pop(EXCHANGE, None))
        owners = {
            IPv4Address(address): str(owner)
            for address, owner in detail.items()
            if not (is_elsewhere and owner in {"", THIS_HOST})
        }
        ticked = {address: owner for address, owner in owners.items() if owner}
        return Selection(ticked, frozenset(owners.keys() - ticked.keys()), None if is_elsewhere else exchange)

    @property
    def is_evident(self) -> bool:
        """Whether evidence carries an address of this host: operators agree on it, or the exchange itself named it."""
        verdict, exchange = self.verdict, self.now.exchange
        return bool(verdict and verdict.proposed) or (exchange is not None and exchange.stands(verdict))

    def wanted(self) -> dict[IPv4Address, str]:
        """Return what goes to the whitelist and has to be covered by it, each address with whose it is."""
        return self.now.wanted(self.verdict)

    def left_out(self) -> frozenset[IPv4Address]:
        """Return what was seen and does not go to the whitelist, by the user's will or the exchange's word."""
        return self.now.left_out(self.verdict)

    def outdated(self) -> frozenset[IPv4Address]:
        """Return what does not go to the whitelist any more: a later detection contradicts the exchange's word."""
        return self.now.outdated(self.verdict) - self.wanted().keys()

    def by_owner(self) -> tuple[dict[IPv4Address, str], dict[IPv4Address, str]]:
        """Return what goes to the whitelist, with whose it is: of this host, and of other hosts alone."""
        verdict = self.verdict
        seen = verdict.addresses if verdict else ()
        wanted = self.now.wanted(verdict)
        own = {address: owner for address, owner in wanted.items() if owner == THIS_HOST or address in seen}
        return own, {address: owner for address, owner in wanted.items() if address not in own}

    def seen_at(self, own: Iterable[IPv4Address]) -> list[float]:
        """Return when these addresses of this host were seen, over the route that is taken now."""
        seen = self._context.journal.last_seen(self._context.environment.name, self._route)
        return [seen[str(address)] for address in own if str(address) in seen]

    def others_seen_at(self, others: Mapping[IPv4Address, str]) -> dict[str, float]:
        """Return when these addresses of other hosts were seen, each with its label."""
        seen = self._context.journal.last_seen(self._context.environment.name, None) if others else {}
        return {label: seen[str(address)] for address, label in others.items() if str(address) in seen}

    def toggle(self, candidate: Candidate) -> None:
        """Untick what is ticked, and the other way round."""
        address, selection = candidate.address, self.now
        self._keep(selection.untick(address) if candidate.is_wanted else selection.tick(address, candidate.owner))

    def add_hosts(self, found: Mapping[IPv4Address, str]) -> None:
        """Tick the addresses of other hosts, each with its label; what only these hosts had before is left out."""
        selection = self.now
        for address in _left_by(found, selection.ticked):
            selection = selection.untick(address)
            if self.verdict and address in self.verdict.proposed:
                selection = selection.tick(address, THIS_HOST)
        for address, label in found.items():
            selection = selection.tick(address, label)
        self._keep(selection)

    def follow(self, observation: ExchangeObservation) -> None:
        """Take the exchange's own word before that of the echo services."""
        selection, verdict = self.now, self.verdict
        followed = selection.follow(observation, verdict) if verdict else selection
        if followed != selection:
            self._keep(followed)

    @property
    def verdict(self) -> EgressVerdict | None:
        """What is evidence now: seen in the open rotation, over the route that is taken now."""
        context = self._context
        rotation = context.journal.open_rotation(context.environment.name)
        since = rotation.started_at if rotation else 0.0
        return context.journal.last_verdict(context.environment.name, route=self._route, since=since)

    @property
    def _route(self) -> str:
        """The way out for people; another word where there is none, so that nothing was seen over it."""
        try:
            return self._context.route().shown
        except WizardError:
            return NO_ROUTE

    def _keep(self, selection: Selection) -> None:
        left_out = dict.fromkeys(sorted(selection.unticked), "")
        owners = {str(address): owner for address, owner in (dict(selection.ticked) | left_out).items()}
        detail: dict[str, object] = {**owners, ROUTE: self._route}
        if selection.exchange:
            detail[EXCHANGE] = _write_exchange(selection.exchange)
        rotation = self._context.journal.open_rotation(self._context.environment.name)
        if rotation is not None:
            self._context.journal.record(rotation, CHOSEN, detail)


def _write_exchange(named: ExchangeAddress) -> dict[str, object]:
    beside, seen = ([str(address) for address in sorted(those)] for those in (named.beside, named.seen))
    return {"address": str(named.address), "beside": beside, "instead": named.is_instead, "seen": seen}


def _read_exchange(kept: object) -> ExchangeAddress | None:
    if not isinstance(kept, dict):
        return None
    beside, seen = (frozenset(map(IPv4Address, kept.get(name, ()))) for name in ("beside", "seen"))
    return ExchangeAddress(IPv4Address(kept["address"]), beside, kept["instead"], seen)


def _left_by(found: Mapping[IPv4Address, str], ticked: Mapping[IPv4Address, str]) -> list[IPv4Address]:
    """Return the addresses all of whose owners have another one now. A label that was cut names not all of them."""
    moved = {name for label in found.values() for name in label.split(NAMES_BETWEEN)}
    return [
        each for each, owner in ticked.items() if each not in found and moved.issuperset(owner.split(NAMES_BETWEEN))
    ]
