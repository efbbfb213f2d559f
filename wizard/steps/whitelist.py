"""The Whitelist step: one list, checked entry by entry, with what fixes each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, ClassVar

from wizard.core.errors import UsageError
from wizard.core.key_shape import holds_key
from wizard.core.text import counted, printable
from wizard.rotation.model import Mode, Step
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, Action, Row, State, View, lines, split_verdict
from wizard.whitelist.entries import LONGEST_LABEL, Entries, parse
from wizard.whitelist.extract import Extract, text_within
from wizard.whitelist.findings import ListFinding, Severity
from wizard.whitelist.fixes import (
    Fix,
    apply_alternative,
    apply_fix,
    collapse,
    expand,
    fix_all,
    label_entry,
    replace_entry,
)
from wizard.whitelist.rendering import Difference, Separator, render, written
from wizard.whitelist.validation import CheckedEntry, Validation

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow

_STATES = {Severity.ERROR: State.STOP, Severity.WARNING: State.LOOK, Severity.NOTE: State.GOOD}
STATUS = {
    "access-lost": "removed",
    "address-in-comment": "only in a comment",
    "bad-prefix": "prefix length",
    "blanks": "spaces inside",
    "block": "a block",
    "bullet": "mark of a line",
    "covered": "inside another block",
    "dash": "a dash alone",
    "documentation": "an example",
    "duplicate": "on the list twice",
    "egress-not-covered": "missing",
    "empty-field": "empty field",
    "host-bits": "address or block?",
    "host-name": "a name",
    "invisible": "invisible characters",
    "ipv4-mapped": "written as IPv6",
    "ipv6": "IPv6",
    "leading-zero": "leading zero",
    "lookalike": "lookalike characters",
    "malformed": "not an address",
    "netmask": "netmask",
    "port": "has a port",
    "range": "a range",
    "several": "several in one",
    "shared": "on another list too",
    "too-wide": "too wide",
    "trailing-dot": "dot at the end",
    "unobserved": "never seen",
    "url": "more than an address",
    "wildcard": "allows everybody",
    **dict.fromkeys(
        ("benchmarking", "cgnat", "link-local", "loopback", "multicast", "private", "reserved", "this-network"),
        "not public",
    ),
}
"""What is found about a row, in a few words; what is said of it at length is its detail."""
NEW = "not on the current key's list"
_FORMS = {Separator.COMMAS: "commas", Separator.SPACES: "spaces", Separator.LINES: "line ends"}
_ABSENT = "+"
"""Begins the item of an address that is not on the list; the item of an entry is its place."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A list, and what follows from it."""

    entries: Entries
    validation: Validation
    rows: tuple[Row, ...]
    change: str
    """What it changes of the current key's list, as a sentence."""
    changes: Mapping[str, Entries]
    """What it becomes by each change of the whole list that makes another one of it."""


class WhitelistPresenter(StepPresenter):
    """The list is kept in the flow with each change, so that it outlives the page."""

    STEP = Step.WHITELIST
    TITLE = "Which addresses may use the key?"
    ABOUT: ClassVar[str] = (
        "Binance accepts the key from these addresses only."
        " Type addresses and blocks, or paste a whole list: commas, spaces and lines separate them."
        " Paste any other text too, as a configuration or a mail: its addresses are found."
        " What stands after # says whose an address is. It is kept here and never pasted."
        " The address of this host has to be on the list, or the key does not work from here."
    )

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._checked: _Checked | None = None
        self._form = Separator.COMMAS
        """How `copy` writes the list next."""
        self.offer: Extract | None = None
        """What a pasted text holds that is no list, until the user takes it or leaves it."""
        self._is_reviewed = False
        flow.whitelist.proposal()

    @property
    def entries(self) -> Entries:
        """The list as it is now."""
        return self.flow.whitelist.draft or ()

    # --- what can be done -----------------------------------------------------------------------

    async def advance(self) -> None:
        """Keep the list and go on; where it has errors, say what is left."""
        validation = self._check().validation
        if not validation.is_valid:
            self.face.note(f"Not yet. {self.view().verdict}", State.LOOK)
            return
        self.flow.whitelist.settle(self.entries)
        await super().advance()

    async def add(self, typed: str) -> None:
        """Add what a text holds, be it one address or a whole list; of a text that is no list, offer it."""
        _refuse_key(typed)
        if self.offer is not None:
            self.face.note("Nothing was taken of the text before.", State.LOOK)
        self.offer, self._is_reviewed = text_within(typed, self.flow.context.environment.rules), False
        if self.offer is None:
            self._change((*self.entries, *parse(typed)))

    async def take(self) -> None:
        """Add what the offered text lists and the list lacks."""
        offer, self.offer = self.offer, None
        listed = {each.network for each in self.entries}
        if offer is not None:
            self._change((*self.entries, *(each for each in offer.entries if each.network not in listed)))

    async def review(self) -> None:
        """Show also what was left out of the offered text."""
        self._is_reviewed = True

    async def back(self) -> None:
        """Leave the offered text, or go back one step."""
        if self.offer is None:
            await super().back()
            return
        self.offer = None
        self.face.note("Nothing of the text was taken.", State.LOOK)

    async def edit(self, item: str, typed: str) -> None:
        """Put what a text holds in the place of an entry."""
        place = self._place(item)
        _refuse_key(typed)
        if typed.strip():
            self._change(replace_entry(self.entries, place, typed))

    async def name(self, item: str, typed: str) -> None:
        """Say whose an entry is; an empty text says that nobody knows."""
        place = self._place(item)
        if typed != self.name_of(item):
            # Cut, and not marked as cut: a key has to be known as one.
            self._change(label_entry(self.entries, place, printable(typed.strip())[:LONGEST_LABEL]))

    async def delete(self, item: str) -> None:
        """Remove an entry."""
        place = self._place(item)
        self._change(self.entries[:place] + self.entries[place + 1 :])

    async def undo(self) -> None:
        """Bring back the list before the last change."""
        while self.flow.whitelist.past:
            if (before := self.flow.whitelist.past.pop()) != self.entries:
                self.flow.whitelist.keep(before)
                return

    async def fix(self, item: str) -> None:
        """Do what is suggested for a row."""
        if fix := self._fix(item):
            self._change(apply_fix(self._check().validation, fix))
        else:
            self.face.note(f"There is no fix for {self.text_of(item)}. Edit it, or delete it.", State.LOOK)

    async def other_fix(self, item: str) -> None:
        """Do the other thing that is suggested for a row."""
        fix = self._fix(item)
        if fix and (changed := apply_alternative(self._check().validation, fix)):
            self._change(changed)
        else:
            self.face.note("There is no other fix for this row.", State.LOOK)

    async def fix_all(self) -> None:
        """Do all that is suggested and needs no look."""
        self._change(self._check().changes["fix-all"])

    async def expand(self) -> None:
        """Write blocks as their addresses, where they fit."""
        self._change(self._check().changes["expand"])

    async def join(self) -> None:
        """Write neighbours as blocks."""
        self._change(self._check().changes["join"])

    async def copy(self) -> None:
        """Copy the text to paste, each time in another form."""
        forms, form = list(_FORMS), self._form
        self._form = forms[(forms.index(form) + 1) % len(forms)]
        self.face.say(f"The list with {_FORMS[form]}. Copy again for {_FORMS[self._form]}.")
        await self.face.copy(render(self._check().validation.networks, form), f"the whitelist with {_FORMS[form]}")

    @property
    def whitelist_to_paste(self) -> str:
        """The list as it stands on the page, whether it is kept yet or not."""
        return render(self._check().validation.networks)

    def text_of(self, item: str) -> str:
        """Return an entry as it was typed."""
        return self.entries[self._place(item)].text

    def name_of(self, item: str) -> str:
        """Return whose an entry is, as far as that is known."""
        return self._check().validation.entries[self._place(item)].label

    def _place(self, item: str) -> int:
        if item.startswith(_ABSENT):
            raise UsageError(f"{item.removeprefix(_ABSENT)} is not on the list", advice="Fix puts it there.")
        return int(item)

    def _change(self, entries: Entries) -> None:
        if entries != self.entries:
            self.flow.whitelist.past.append(self.entries)
            self.flow.whitelist.keep(entries)
            self._form = Separator.COMMAS

    def _fix(self, item: str) -> Fix | None:
        validation = self._check().validation
        if item.startswith(_ABSENT):
            absent = (each for each in validation.findings if each.suggestion == item.removeprefix(_ABSENT))
            return next((Fix(each, None) for each in absent), None)
        place = self._place(item)
        finding = validation.entries[place].fix
        return Fix(finding, place) if finding else None

    def _check(self) -> _Checked:
        entries = self.entries
        if self._checked is None or self._checked.entries is not entries:
            step = self.flow.whitelist
            validation = step.validate(entries)
            changed = {
                "fix-all": fix_all(entries, step.validate),
                "expand": expand(validation, self.flow.context.environment.rules.max_entries),
                "join": collapse(validation),
            }
            changes = {word: other for word, other in changed.items() if other is not None and other != entries}
            difference = step.difference(validation)
            rows = tuple(self._rows(validation, difference))
            self._checked = _Checked(entries, validation, rows, _change(difference), changes)
        return self._checked

    # --- what it says ---------------------------------------------------------------------------

    def view(self) -> View:
        """Return the list and what is to be said of it, or what a pasted text holds."""
        if self.offer is not None:
            return self._offered(self.offer)
        checked = self._check()
        validation, rows = checked.validation, checked.rows
        state, verdict = _verdict(validation, rows, "ready" if self.flow.sub_account else "ready to paste")
        unknown = self._unknown_list()
        state = State.LOOK if unknown and state is State.GOOD else state
        used = sum(entry.is_counted for entry in checked.entries)
        about_all = (each for each in validation.findings if not each.suggestion)
        return View(
            state,
            verdict,
            because=(*unknown, *filter(None, (each.message.removeprefix(verdict).lstrip() for each in about_all))),
            corner=f"{used} of {self.flow.context.environment.rules.max_entries} used",
            columns=("Address", "Whose", "Status") if rows else (),
            rows=rows,
            cursor=_first_to_fix(rows),
            evidence_title="Against the current key's list" if checked.change else "Evidence",
            evidence=lines(checked.change),
            not_proven="that Binance has this list" if validation.is_valid else "",
            actions=self._actions(checked),
        )

    def _unknown_list(self) -> tuple[str, ...]:
        """Say that the list takes the place of one that nobody here knows."""
        current = self.flow.current
        if self.flow.context.rotation.mode is not Mode.WHITELIST or current is None or current.whitelist:
            return ()
        return (
            f"The wizard does not know which list {current.name} has on Binance. It may have none yet.",
            "Add what the page shows there, so that no address is lost. You can paste it as it is.",
        )

    def _offered(self, offer: Extract) -> View:
        left_out = [
            Row(
                (each.reason.split(" was not ")[0], f"line {each.line}", "left out"),
                State.UNSURE,
                2,
                item=f"-{place}",
                detail=(each.reason, each.text),
            )
            for place, each in enumerate(offer.left_out)
        ]
        found = [
            Row(
                (written(each.network), each.label or f"line {each.line}", STATUS.get(each.remark, each.remark)),
                State.LOOK if each.remark else State.GOOD,
                2,
                item=str(place),
            )
            for place, each in enumerate(offer.found)
        ]
        take = Action("take", PRIMARY, "Take them", "Puts what was found on the list.", self.take)
        review = Action("review", "r", "Review", "Shows also what was left out, and why.", self.review)
        may_review = left_out and not self._is_reviewed
        return View(
            State.LOOK,
            offer.sentence(),
            because=("Nothing of it is on the list yet.",),
            columns=("Address", "Whose", "Status"),
            rows=(*found, *(left_out if self._is_reviewed else ())),
            cursor="-0" if self._is_reviewed and left_out else "0",
            actions=(take, *((review,) if may_review else ()), self.back_action()),
        )

    def _rows(self, validation: Validation, difference: Difference) -> Iterator[Row]:
        """Yield what is missing, the entries, and what was removed."""
        by_address: dict[str, ListFinding] = {}
        for each in validation.findings:
            if each.suggestion:
                by_address.setdefault(each.suggestion, each)  # what is missing may have been removed too
        absent = by_address.values()
        owners = {IPv4Network(address): owner for address, owner in self.flow.selection.now.wanted().items()}
        owners |= self.flow.context.journal.labels(self.flow.context.environment.name) if absent else {}
        yield from (_absent(each, owners) for each in absent if each.severity is Severity.ERROR)
        new = frozenset(difference.added if difference.kept or difference.removed else ())
        is_asked = self.flow.context.rotation.mode is Mode.WHITELIST
        for place, checked in enumerate(validation.entries):
            yield _entry(place, checked, is_new=checked.entry.network in new, is_asked=is_asked)
        yield from (_absent(each, owners) for each in absent if each.severity is not Severity.ERROR)

    def _actions(self, checked: _Checked) -> tuple[Action, ...]:
        offers = {word for row in checked.rows for word, _ in row.offers}
        offered = {
            **dict.fromkeys(("edit", "delete", "name"), bool(checked.entries)),
            **{word: word in offers for word in ("fix", "other")},
            "undo": bool(self.flow.whitelist.past),
            "copy": checked.validation.is_valid,
            **{word: word in checked.changes for word in ("fix-all", "expand", "join")},
        }
        whose, other, add = (
            "Whose it is",
            "Does the other thing suggested.",
            "Adds addresses and blocks, or a whole list.",
        )
        actions = (
            Action("continue", PRIMARY, "Continue", "Keeps the list and goes on.", self.advance),
            Action("edit", "e", "Edit", "Changes an entry.", self.edit, is_about_row=True, asks_for="Address or block"),
            Action("fix", "f", "Fix", "Does what is suggested for a row.", self.fix, is_about_row=True),
            Action("other", "o", "Other fix", other, self.other_fix, is_about_row=True, is_in_footer=False),
            Action("fix-all", "F", "Fix all", "Does all that is suggested and needs no look.", self.fix_all),
            Action("add", "a", "Add", add, self.add, asks_for="Addresses and blocks", takes_lines=True),
            Action("delete", "d", "Delete", "Removes an entry.", self.delete, is_about_row=True),
            Action("name", "n", "Name", "Says whose an entry is.", self.name, is_about_row=True, asks_for=whose),
            Action("undo", "u", "Undo", "Brings back the list before the last change.", self.undo),
            Action("copy", "c", "Copy", "Copies the list. Each time another form: commas, spaces, lines.", self.copy),
            Action("expand", "m", "Expand", "Writes blocks as their addresses, where they fit.", self.expand),
            Action("join", "j", "Join", "Writes neighbours as blocks. No new address gets in.", self.join),
        )
        possible = (action for action in actions if offered.get(action.word, True))
        return (*possible, *self.page_actions(), self.back_action())


def _refuse_key(typed: str) -> None:
    """Raise `UsageError` for what looks like a key: a terminal that does not mark pastes has typed one."""
    if holds_key(typed):
        raise UsageError(
            "This looks like a key, and the list shows what you type",
            why="Nothing was taken.",
            advice="Enter keys only into the hidden fields of the Credentials step.",
            code="whitelist.holds-key",
        )


def _verdict(validation: Validation, rows: tuple[Row, ...], ready: str) -> tuple[State, str]:
    """Return what the list comes to; `ready` is said of one without errors."""
    wrong = sum(checked.has_error for checked in validation.entries)
    absent = [each.suggestion for each in validation.findings if each.code == "egress-not-covered"]
    missing = f"{absent[0]} is missing." if len(absent) == 1 else f"{len(absent)} addresses are missing."
    if not any(checked.entry.is_counted for checked in validation.entries):
        return State.STOP, "The list is empty."
    if wrong:
        also = f" {missing}" if absent else ""
        return State.STOP, f"{wrong} of {len(validation.entries)} entries to fix.{also}"
    if absent:
        return State.STOP, missing
    if not validation.is_valid:
        return State.STOP, split_verdict(validation.errors[0].message)[0]
    networks, at_all = validation.networks, sum(not each.suggestion for each in validation.findings)
    addresses = sum(network.num_addresses for network in networks)
    what = counted(addresses, "address")
    if addresses > len(networks):
        what = f"{len(networks)} entries with {addresses:,} addresses"
    doubtful = at_all + sum(row.state is State.LOOK for row in rows)
    look = f" {doubtful} {'needs' if doubtful == 1 else 'need'} a look." if doubtful else ""
    return State.LOOK if doubtful else State.GOOD, f"{what}, {ready}.{look}"


def _first_to_fix(rows: tuple[Row, ...]) -> str:
    """Return the item to begin at: what fixes an entry may put a missing address in its place."""
    wrong = sorted((row.item for row in rows if row.state is State.STOP), key=lambda item: item.startswith(_ABSENT))
    return next(iter(wrong), rows[0].item if rows else "")


def _change(difference: Difference) -> str:
    added, removed, kept = map(len, (difference.added, difference.removed, difference.kept))
    if not kept and not removed:
        return ""
    return f"{added} new, {removed} removed, {kept} kept." if added or removed else "Nothing changes."


def _absent(finding: ListFinding, owners: Mapping[IPv4Network, str]) -> Row:
    address = finding.suggestion or ""
    return Row(
        (address, owners.get(IPv4Network(address), ""), STATUS[finding.code]),
        _STATES[finding.severity],
        sign_before=2,
        item=_ABSENT + address,
        detail=(finding.message,),
        offers=(("fix", f"add {address}"),),
    )


def _entry(place: int, checked: CheckedEntry, *, is_new: bool, is_asked: bool) -> Row:
    worst = min(checked.findings, key=lambda finding: list(Severity).index(finding.severity), default=None)
    state, status = (_STATES[worst.severity], STATUS.get(worst.code, worst.code)) if worst else (State.GOOD, "")
    detail = tuple(finding.message for finding in checked.findings)
    if is_new and state is State.GOOD:
        state, status = (State.GOOD, "new") if is_asked else (State.LOOK, NEW)
    return Row(
        (checked.entry.text or "(empty field)", checked.label, status),
        state,
        sign_before=2,
        item=str(place),
        detail=detail,
        offers=tuple(_offers(checked.fix)) if checked.fix else (),
    )


def _offers(finding: ListFinding) -> Iterator[tuple[str, str]]:
    suggestion, several = printable(finding.suggestion or "", 40), (finding.suggestion or "").count(",")
    if several:
        yield "fix", f"write it as {several + 1} entries"
    elif finding.code == "address-in-comment" and suggestion:
        yield "fix", "put it on the list"
    else:
        yield "fix", f"change it to {suggestion}" if suggestion else "remove it"
    if finding.alternative:
        yield "other", f"change it to {finding.alternative}"
