"""Step 2: the list to paste, judged before anyone pastes it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from wizard.egress.selection import THIS_HOST
from wizard.errors import WizardError
from wizard.key_shape import holds_key
from wizard.rotation.context import Context
from wizard.rotation.model import Finding, Outcome
from wizard.rotation.steps.address_selection import AddressSelection
from wizard.rotation.steps.host_warnings import warnings_about_hosts
from wizard.rotation.surroundings import labels_of, list_in_use, networks_of, surroundings
from wizard.whitelist import (
    Difference,
    Form,
    Judgement,
    RequiredAddress,
    add_labelled,
    diff,
    judge,
    parse,
    remove_addresses,
    render,
    written,
)


class WhitelistInvalid(WizardError):
    """The list has errors; pasting it could lock the user out."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(
            "This list cannot be used yet",
            why=judgement.sentence(),
            advice="Mend the entries that are marked; what you typed is kept.",
        )
        self.judgement = judgement


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
        self.draft: str | None = None
        """What was typed last, also when it has errors. In memory only: it may hold anything."""
        self.past: list[str] = []
        """What the draft was before each change, the last one last: what `undo` goes back to, also after a return."""
        self._proposed: Set[IPv4Address] = frozenset()
        self._left_out: Set[IPv4Address] = frozenset()
        self._put_in: Set[IPv4Address] = frozenset()
        """What stands in the draft for the sake of a detection alone."""

    def proposal(self) -> str:
        """Return the text to start from; what was ticked or unticked since last time is put in or taken out, once."""
        wanted, left_out = self._selection.wanted(), self._selection.left_out()
        text = self._start()
        if self.draft is not None or not self._kept:  # what was settled already was seen by the user
            text = remove_addresses(text, left_out - self._left_out)
        text = remove_addresses(text, self._selection.outdated() & self._put_in)
        new = {address: owner for address, owner in wanted.items() if address not in self._proposed}
        self._put_in |= new.keys() - {each.network_address for each in networks_of(text)}
        text = add_labelled(text, {address: "" if owner == THIS_HOST else owner for address, owner in new.items()})
        self._proposed, self._left_out = set(wanted), left_out
        self.draft = text
        return text

    def _start(self) -> str:
        """What was typed, else this rotation's list, else the current key's."""
        if self.draft is not None:
            return self.draft
        return self._labelled(networks_of(self._kept) or self._in_use())

    @property
    def _kept(self) -> str:
        """The list that was settled last in this rotation."""
        return self._context.journal.whitelist_of(self._context.rotation)

    def judge(self, text: str) -> Judgement:
        """Judge what was typed, entry by entry; the addresses that were ticked must be covered.

        Where none of this host's is ticked, or one was detected long ago, that is told: the list may lock it out.
        """
        required = [RequiredAddress(address, owner) for address, owner in self._selection.wanted().items()]
        judgement = judge(parse(text), surroundings(self._context.journal, self._context.environment, required))
        warnings = warnings_about_hosts(self._selection, judgement, self._put_in, self._context.clock())
        return replace(judgement, findings=(*judgement.findings, *warnings))

    def difference(self, judgement: Judgement) -> Difference:
        """Compare with the list in use: the last one that was proven."""
        return diff(self._in_use(), judgement.networks)

    def settle(self, text: str) -> Finding:
        """Keep a valid list in the journal.

        Raises:
            WhitelistInvalid: it has errors.
            LabelHoldsKey: a key stands where a label belongs.
        """
        judgement = self.judge(text)
        if not judgement.is_valid:
            raise WhitelistInvalid(judgement)
        pasted = render(judgement.networks, Form.COMMAS)
        typed = {
            str(each.entry.network): each.entry.label for each in judgement.entries if each.entry.label is not None
        }
        for network, label in typed.items():
            if holds_key(label):
                raise LabelHoldsKey(network)
        self._context.journal.note_whitelist(self._context.rotation, pasted, typed)
        self.draft = text
        return Finding(
            subject="Whitelist",
            outcome=Outcome.PASSED,
            observed=judgement.sentence(),
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

    def _labelled(self, networks: Sequence[IPv4Network]) -> str:
        """The list as lines, with the labels that were typed behind their entries."""
        labels = labels_of(self._context.journal, self._context.environment.name)
        return "\n".join(
            f"{written(each)}  # {label}" if (label := labels.get(each)) else written(each) for each in networks
        )
