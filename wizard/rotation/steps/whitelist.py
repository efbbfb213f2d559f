"""Step 2: the list to paste, judged before anyone pastes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network

from wizard.errors import WizardError
from wizard.rotation.context import Context
from wizard.rotation.model import Finding, Outcome
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


class WhitelistStep:
    """Proposes, judges and keeps the whitelist of the new key."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.draft: str | None = None
        """What was typed last, also when it has errors. In memory only: it may hold anything."""
        self.past: list[str] = []
        """What the draft was before each change, the last one last: what `undo` goes back to, also after a return."""
        self._offered: dict[IPv4Address, str] = {}

    def offer(self, found: Mapping[IPv4Address, str]) -> None:
        """Have the next proposal include the addresses of other hosts, each with its label."""
        self._offered |= found

    def proposal(self) -> str:
        """Return the text to start from, with what was offered since the last time."""
        text = self._start()
        if self._offered:
            # Once: what the user then deletes does not come back.
            text = self.draft = add_labelled(text, self._offered)
            self._offered = {}
        return text

    def _start(self) -> str:
        """What was typed, else this rotation's list, else the current key's and here."""
        if self.draft is not None:
            return self.draft
        if kept := self._context.journal.whitelist_of(self._context.rotation):
            return self._labelled(networks_of(kept))
        previous = self._in_use()
        seen = [address for address in self._seen() if not any(address in network for network in previous)]
        return "\n".join([*filter(None, [self._labelled(previous)]), *map(str, seen)])

    def judge(self, text: str) -> Judgement:
        """Judge what was typed, entry by entry; this host's egress addresses must be covered."""
        required = [RequiredAddress(address, "this host") for address in self._seen()]
        return judge(parse(text), surroundings(self._context.journal, self._context.environment, required))

    def difference(self, judgement: Judgement) -> Difference:
        """Compare with the list in use: the last one that was proven."""
        return diff(self._in_use(), judgement.networks)

    def settle(self, text: str) -> Finding:
        """Keep a valid list in the journal.

        Raises:
            WhitelistInvalid: it has errors.
        """
        judgement = self.judge(text)
        if not judgement.is_valid:
            raise WhitelistInvalid(judgement)
        pasted = render(judgement.networks, Form.COMMAS)
        typed = {
            str(each.entry.network): each.entry.label for each in judgement.entries if each.entry.label is not None
        }
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
        """Begin anew: what was typed or offered for another rotation is not for this one."""
        self.draft = None
        self.past = []
        self._offered = {}

    def _seen(self) -> list[IPv4Address]:
        return [IPv4Address(text) for text in self._context.journal.last_egress(self._context.environment.name)]

    def _in_use(self) -> tuple[IPv4Network, ...]:
        return list_in_use(self._context.journal, self._context.environment.name)

    def _labelled(self, networks: Sequence[IPv4Network]) -> str:
        """The list as lines, with the labels that were typed behind their entries."""
        labels = labels_of(self._context.journal, self._context.environment.name)
        return "\n".join(
            f"{written(each)}  # {label}" if (label := labels.get(each)) else written(each) for each in networks
        )
