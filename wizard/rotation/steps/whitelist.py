"""Step 2: the list to paste, judged before anyone pastes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.settings import Environment
from wizard.egress.selection import THIS_HOST
from wizard.rotation.context import Context
from wizard.rotation.journal import Journal, networks_of
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.steps.address_selection import AddressSelection
from wizard.whitelist.entries import Entries, Entry
from wizard.whitelist.findings import ListContext, ListFinding, Severity
from wizard.whitelist.fixes import add_labelled, remove_addresses
from wizard.whitelist.rendering import Difference, diff, render, written
from wizard.whitelist.validation import Validation, validate

FRESH = 3600.0
"""Seconds for which a detection is not called old: addresses change when a line, a VPN or a lease is renewed."""
_SET_BACK = 60.0
"""Seconds by which a clock is set back at times; a detection from further on has no age that could be told."""
_NAMED = 3
_warning = partial(ListFinding, severity=Severity.WARNING)


class WhitelistStep:
    """Proposes, judges and keeps the whitelist of the new key."""

    def __init__(self, context: Context, selection: AddressSelection) -> None:
        self._context = context
        self._selection = selection
        self.draft: Entries | None = None
        """What was typed last, also when it has errors."""
        self.past: list[Entries] = []
        """What the draft was before each change, the last one last: what `undo` goes back to, also after a return."""
        self._proposed: Set[IPv4Address] = frozenset()
        self._left_out: Set[IPv4Address] = frozenset()
        self._put_in: Set[IPv4Address] = frozenset()
        """What stands in the draft for the sake of a detection alone."""

    def proposal(self) -> Entries:
        """Return what was typed, else this rotation's list, else the current key's, and what was ticked since."""
        selection = self._selection.now
        wanted, left_out = selection.wanted(), selection.left_out()
        listed = networks_of(self._kept) or self._in_use() or tuple(self._context.environment.whitelist)
        entries = self._labelled(listed) if self.draft is None else self.draft
        if self.draft is not None or not self._kept:  # what was settled already was seen by the user
            entries = remove_addresses(entries, left_out - self._left_out)
        entries = remove_addresses(entries, selection.outdated() & self._put_in)
        new = {address: owner for address, owner in wanted.items() if address not in self._proposed}
        self._put_in |= new.keys() - {each.network.network_address for each in entries if each.network}
        found = {address: "" if owner == THIS_HOST else owner for address, owner in new.items()}
        self.draft = add_labelled(entries, found)
        self._proposed, self._left_out = set(wanted), left_out
        return self.draft

    @property
    def _kept(self) -> str:
        """The list that was settled last in this rotation."""
        return self._context.journal.whitelist_of(self._context.rotation)

    def validate(self, entries: Entries) -> Validation:
        """Check what was typed, entry by entry, and whether it covers what was ticked and seen not long ago."""
        context = list_context(self._context.journal, self._context.environment, self._selection.now.wanted())
        validation = validate(entries, context)
        warnings = _warn_about_hosts(self._selection, validation, self._put_in, self._context.clock())
        return replace(validation, findings=(*validation.findings, *warnings))

    def difference(self, validation: Validation) -> Difference:
        """Compare with the list in use: the last one that was proven."""
        return diff(self._in_use(), validation.networks)

    def keep(self, entries: Entries) -> None:
        """Keep what was typed. With errors it stays in memory, as it may hold anything; else it outlives the wizard."""
        self.draft = entries
        with suppress(WizardError):  # said where the user goes on
            self.settle(entries)

    def settle(self, entries: Entries) -> Finding:
        """Keep a valid list in the journal; a `WizardError` where it has errors, or a key for a label."""
        validation = self.validate(entries)
        if not validation.is_valid:
            why = validation.sentence()
            advice = "Fix the entries that are marked. What you typed is kept."
            raise WizardError("This list cannot be used yet", why=why, advice=advice, code="whitelist.invalid")
        pasted = render(validation.networks)
        typed = {
            str(each.entry.network): each.entry.label
            for each in validation.entries
            if each.entry.network and each.entry.label is not None
        }
        for network, label in typed.items():
            if holds_key(label):
                raise WizardError(
                    f"The label of {network} looks like a key",
                    why="Labels are stored in plain text.",
                    advice="Write another label. Nothing was stored.",
                    code="whitelist.label-holds-key",
                )
        self._context.journal.note_whitelist(self._context.rotation, pasted, typed)
        self.draft = entries
        return Finding(
            subject="Whitelist",
            outcome=Outcome.PASSED,
            observed=validation.sentence(),
            at=self._context.clock(),
            from_address=self._context.egress,
            does_not_prove="that Binance has this list, which the probe finds out",
        )

    def _in_use(self) -> tuple[IPv4Network, ...]:
        return self._context.journal.list_in_use(self._context.environment.name)

    def _labelled(self, networks: Sequence[IPv4Network]) -> Entries:
        """The list with the labels that were typed for its entries, or that the settings have."""
        environment = self._context.environment
        labels = {**environment.whitelist, **self._context.journal.labels(environment.name)}
        return tuple(Entry(written(each), each, labels.get(each) or None) for each in networks)


def list_context(journal: Journal, environment: Environment, must_cover: Mapping[IPv4Address, str]) -> ListContext:
    """Gather what a list of `environment` is checked against; `must_cover` also says whose those addresses are."""
    owners = {IPv4Network(address): owner for address, owner in must_cover.items()}
    others = journal.other_lists(environment.name)
    if environment.sub_account:  # this host calls with the master account's key too
        others.pop(environment.sub_account.master.name, None)
    return ListContext(
        environment.rules,
        must_cover,
        others=others,
        previous=journal.list_in_use(environment.name),
        observed=tuple(map(IPv4Network, journal.observed_addresses())) or None,
        labels={**owners, **journal.labels(environment.name)},
    )


def _warn_about_hosts(
    selection: AddressSelection, validation: Validation, put_in: Set[IPv4Address], now: float
) -> Iterator[ListFinding]:
    """Return what a list may lock out or let in; `put_in` is on it for the sake of this rotation's detections."""
    own, others = selection.now.by_owner()
    if not own:
        yield _warning(
            "this-host-unknown",
            message="No address of this host is ticked in the Egress step, so the list may lock it out.",
        )
    else:
        newest = min((now - at for at in selection.seen_at(own, is_own=True).values()), key=abs, default=0.0)
        if _is_old(newest):
            yield _warning(
                "this-host-outdated",
                message=f"This host's address was detected {_ago(newest)} and may have changed."
                " Detect it again in the Egress step.",
            )
        # It is not taken out unasked: this host may have both by turns.
        unwanted = put_in - own.keys() - others.keys()
        gone = sorted(unwanted & {each.network_address for each in validation.networks})
        if gone:
            yield _warning(
                "no-longer-seen",
                message=f"The newest detection sees another address of this host than {', '.join(map(str, gone))}."
                " Delete what it no longer has.",
            )
    ages = {others[each]: now - at for each, at in selection.seen_at(others, is_own=False).items()}
    old = {host: age for host, age in ages.items() if _is_old(age)}
    if old:
        more = f" and {len(old) - _NAMED} more" if len(old) > _NAMED else ""
        when = f"{'up to ' if len(old) > 1 else ''}{_ago(max(old.values(), key=abs))}"
        yield _warning(
            "other-hosts-outdated",
            message=f"The address of {', '.join(list(old)[:_NAMED])}{more} was detected {when} and may have changed."
            " Ask again in the Egress step.",
        )


def _is_old(age: float) -> bool:
    return age >= FRESH or age < -_SET_BACK


def _ago(age: float) -> str:
    return f"{duration(age)} ago" if age > 0 else "at a time in the future"
