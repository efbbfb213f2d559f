"""Which observed addresses go to the whitelist. What was chosen is in the journal, so it outlives the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address

from wizard.core.errors import WizardError
from wizard.egress.selection import THIS_HOST, Candidate, ExchangeObservation, Selection
from wizard.rotation import rows
from wizard.rotation.context import Context

CHOSEN = "egress.chosen"
"""The event: each address that was decided about with whose it is; with nothing, it does not go to the whitelist."""
NAMES_BETWEEN = ", "
"""Parts the names of the hosts that share an address, in its label."""


class AddressSelection:
    """The user's selection, beside the evidence of the newest detection; without an open rotation nothing is kept."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def now(self) -> Selection:
        """What was chosen so far, beside what was seen in the open rotation over the route that is taken now."""
        journal, environment = self._context.journal, self._context.environment.name
        rotation = journal.open_rotation(environment)
        since = rotation.started_at if rotation else 0.0
        verdict = journal.last_verdict(environment, route=self._route, since=since)
        events = journal.events(rotation, CHOSEN) if rotation else ()
        if not events:
            return Selection(verdict)
        route, owners, exchange = rows.choice(events[-1].detail)
        if route not in ("", self._route):
            owners, exchange = {each: owner for each, owner in owners.items() if owner not in {"", THIS_HOST}}, None
        ticked = {address: owner for address, owner in owners.items() if owner}
        return Selection(verdict, ticked, frozenset(owners.keys() - ticked.keys()), exchange)

    def seen_at(self, addresses: Iterable[IPv4Address], *, is_own: bool) -> dict[IPv4Address, float]:
        """Return when addresses were seen last: of this host over the route that is taken now, or of others."""
        seen = self._context.journal.last_seen(self._context.environment.name, self._route if is_own else None)
        return {address: seen[str(address)] for address in addresses if str(address) in seen}

    def toggle(self, candidate: Candidate) -> None:
        """Untick what is ticked, and the other way round."""
        address, selection = candidate.address, self.now
        self._keep(selection.untick(address) if candidate.is_wanted else selection.tick(address, candidate.owner))

    def add_hosts(self, found: Mapping[IPv4Address, str]) -> None:
        """Tick the addresses of other hosts, each with its label; what only these hosts had before is left out."""
        selection = self.now
        for address in _left_by(found, selection.ticked):
            selection = selection.untick(address)
            if selection.verdict and address in selection.verdict.proposed:
                selection = selection.tick(address, THIS_HOST)
        for address, label in found.items():
            selection = selection.tick(address, label)
        self._keep(selection)

    def follow(self, observation: ExchangeObservation) -> None:
        """Take the exchange's own word before that of the echo services."""
        selection = self.now
        followed = selection.follow(observation)
        if followed != selection:
            self._keep(followed)

    @property
    def _route(self) -> str:
        """The way out for people; another word where there is none, so that nothing was seen over it."""
        try:
            return self._context.route().shown
        except WizardError:
            return "none"

    def _keep(self, selection: Selection) -> None:
        left_out = dict.fromkeys(sorted(selection.unticked), "")
        owners = {str(address): owner for address, owner in (dict(selection.ticked) | left_out).items()}
        # What was decided about this host's addresses counts for that way out only.
        detail: dict[str, object] = {**owners, "route": self._route}
        if told := selection.exchange:
            beside, seen = ([str(address) for address in sorted(those)] for those in (told.beside, told.seen))
            named = {"address": str(told.address), "beside": beside, "instead": told.is_instead, "seen": seen}
            detail["exchange"] = named  # what the exchange said of this host, over that way
        rotation = self._context.journal.open_rotation(self._context.environment.name)
        if rotation is not None:
            self._context.journal.record(rotation, CHOSEN, detail)


def _left_by(found: Mapping[IPv4Address, str], ticked: Mapping[IPv4Address, str]) -> list[IPv4Address]:
    """Return the addresses all of whose owners have another one now. A label that was cut names not all of them."""
    moved = {name for label in found.values() for name in label.split(NAMES_BETWEEN)}
    return [
        each for each, owner in ticked.items() if each not in found and moved.issuperset(owner.split(NAMES_BETWEEN))
    ]
