"""Step 2: the list to paste, judged before anyone pastes it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.egress.selection import THIS_HOST
from wizard.rotation.context import Context
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.steps.address_selection import AddressSelection
from wizard.rotation.steps.host_warnings import warnings_about_hosts
from wizard.rotation.surroundings import labels_of, list_context, list_in_use, networks_of
from wizard.whitelist import (
    Difference,
    Entries,
    Entry,
    RequiredAddress,
    Validation,
    add_labelled,
    diff,
    remove_addresses,
    render,
    validate,
    written,
)


class WhitelistInvalid(WizardError):
    """The list has errors; pasting it could lock the user out."""

    def __init__(self, validation: Validation) -> None:
        super().__init__(
            "This list cannot be used yet",
            why=validation.sentence(),
            advice="Mend the entries that are marked; what you typed is kept.",
        )
        self.validation = validation


class LabelHoldsKey(WizardError):
    """A label is kept in the journal, where no key belongs."""

    def __init__(self, network: str) -> None:
        super().__init__(
            f"The label of {network} looks like a key",
            why="Labels are kept in the journal, in the clear.",
            advice="Label it in other words. Nothing was kept.",
        )


class WhitelistStep:
    """Proposes, judges and keeps the whitelist of the new key."""

    def __init__(self, context: Context, selection: AddressSelection) -> None:
        self._context = context
        self._selection = selection
        self.draft: Entries | None = None
        """What was typed last, also when it has errors. In memory only: it may hold anything."""
        self.past: list[Entries] = []
        """What the draft was before each change, the last one last: what `undo` goes back to, also after a return."""
        self._proposed: Set[IPv4Address] = frozenset()
        self._left_out: Set[IPv4Address] = frozenset()
        self._put_in: Set[IPv4Address] = frozenset()
        """What stands in the draft for the sake of a detection alone."""

    def proposal(self) -> Entries:
        """Return the list to start from; what was ticked or unticked since last time is put in or taken out, once."""
        wanted, left_out = self._selection.wanted(), self._selection.left_out()
        entries = self._start()
        if self.draft is not None or not self._kept:  # what was settled already was seen by the user
            entries = remove_addresses(entries, left_out - self._left_out)
        entries = remove_addresses(entries, self._selection.outdated() & self._put_in)
        new = {address: owner for address, owner in wanted.items() if address not in self._proposed}
        self._put_in |= new.keys() - {each.network.network_address for each in entries if each.network}
        found = {address: "" if owner == THIS_HOST else owner for address, owner in new.items()}
        self.draft = add_labelled(entries, found)
        self._proposed, self._left_out = set(wanted), left_out
        return self.draft

    def _start(self) -> Entries:
        """What was typed, else this rotation's list, else the current key's."""
        if self.draft is not None:
            return self.draft
        return self._labelled(networks_of(self._kept) or self._in_use())

    @property
    def _kept(self) -> str:
        """The list that was settled last in this rotation."""
        return self._context.journal.whitelist_of(self._context.rotation)

    def validate(self, entries: Entries) -> Validation:
        """Check what was typed, entry by entry; the addresses that were ticked must be covered.

        Where none of this host's is ticked, or one was detected long ago, that is told: the list may lock it out.
        """
        required = [RequiredAddress(address, owner) for address, owner in self._selection.wanted().items()]
        context = list_context(self._context.journal, self._context.environment, required)
        validation = validate(entries, context)
        warnings = warnings_about_hosts(self._selection, validation, self._put_in, self._context.clock())
        return replace(validation, findings=(*validation.findings, *warnings))

    def difference(self, validation: Validation) -> Difference:
        """Compare with the list in use: the last one that was proven."""
        return diff(self._in_use(), validation.networks)

    def settle(self, entries: Entries) -> Finding:
        """Keep a valid list in the journal.

        Raises:
            WhitelistInvalid: it has errors.
            LabelHoldsKey: a key stands where a label belongs.
        """
        validation = self.validate(entries)
        if not validation.is_valid:
            raise WhitelistInvalid(validation)
        pasted = render(validation.networks)
        typed = {
            str(each.entry.network): each.entry.label
            for each in validation.entries
            if each.entry.network and each.entry.label is not None
        }
        for network, label in typed.items():
            if holds_key(label):
                raise LabelHoldsKey(network)
        self._context.journal.note_whitelist(self._context.rotation, pasted, typed)
        self.draft = entries
        return Finding(
            subject="Whitelist",
            outcome=Outcome.PASSED,
            observed=validation.sentence(),
            at=self._context.clock(),
            from_address=self._context.egress,
            does_not_prove="that the exchange's page was given this list; the probe finds out",
        )

    def forget(self) -> None:
        """Begin anew: what was typed or chosen for another rotation is not for this one."""
        self.draft = None
        self.past = []
        self._proposed = self._left_out = self._put_in = frozenset()

    def _in_use(self) -> tuple[IPv4Network, ...]:
        return list_in_use(self._context.journal, self._context.environment.name)

    def _labelled(self, networks: Sequence[IPv4Network]) -> Entries:
        """The list with the labels that were typed for its entries."""
        labels = labels_of(self._context.journal, self._context.environment.name)
        return tuple(Entry(written(each), each, labels.get(each) or None) for each in networks)
