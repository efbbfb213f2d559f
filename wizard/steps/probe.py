"""The Probe step: what the checks come to, what stands in the way of the new key, and the one key that leads out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, ClassVar

from wizard.core.addresses import read_ipv4
from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError, sentences
from wizard.core.text import capitalised, counted
from wizard.exchange.diagnosis import Cause, Diagnosis
from wizard.rotation.findings import (
    CLOCK,
    CONNECTION,
    CONTROL,
    FUTURES,
    GROUPS,
    IP_RESTRICTION,
    MUST_NOT_FAIL,
    MUST_PASS,
    NEW_KEY,
    OTHER_ENDPOINTS,
    OTHER_HOSTS,
    PERMISSIONS,
    POLICY,
    REACHABLE,
    SAME_ACCOUNT,
    STORAGE,
    in_group,
)
from wizard.rotation.host_proofs import ProofOutcome
from wizard.rotation.journal import networks_of
from wizard.rotation.model import SWAP_WORD, Finding, Mode, Outcome, Step
from wizard.rotation.steps.hosts import label
from wizard.rotation.steps.probe import NOT_PROVEN
from wizard.steps import deadlines
from wizard.steps.apply import ApplyPresenter, ListsToSave
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, Action, Consent, Row, State, View, split_verdict
from wizard.whitelist.fixes import add_labelled
from wizard.whitelist.rendering import render

if TYPE_CHECKING:
    from wizard.custody.records import KeyRecord
    from wizard.rotation.flow import Flow
    from wizard.rotation.probe import ProbeReport
    from wizard.rotation.report import Report

_COUNTED = {
    State.STOP: "failed",
    State.UNSURE: "inconclusive",
    State.LOOK: "to look at",
    State.WAITING: "waiting",
    State.GOOD: "passed",
}
"""The worst first: it is the state of several checks together."""
_WRONG_VALUES = frozenset({Cause.WRONG_SIGNATURE, Cause.MALFORMED_KEY, Cause.KEY_UNKNOWN})
"""What another paste of the key may change."""
_LIST_NOT_SAVED = frozenset({Cause.NOT_YET_VISIBLE, Cause.PERMISSION_OR_KEY})
"""What a list that is saved on Binance may change."""
SWAP = Consent(
    "Swap API key and secret?",
    "Swap only if you pasted the API key and the secret into each other's field. The wizard stores them the other way"
    " round and asks the exchange again. If they were in their places, that call shows your secret to the exchange.",
    SWAP_WORD,
)
_MOST_SENTENCES = 2
"""Above the checks; the row of the check has all."""


class ProbePresenter(StepPresenter):
    """Probes at once, as the calls only read. Only a proven key is offered to be used."""

    STEP = Step.PROBE
    TITLE = "Does the key work from here?"
    ABOUT: ClassVar[str] = (
        "The key signs a few calls from this host. They only read."
        " Where another key is in use, it signs the same calls for comparison."
        " Each check shows what was observed, when, and from which address."
        " Nothing changes until you use the key, and every key stays in {place}."
    )

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self._findings: list[Finding] = []
        self._report: ProbeReport | None = None

    # --- what can be done ----------------------------------------------------------------------

    async def begin(self) -> None:
        """Run all checks. Where the user has just saved a list, ask until it counts."""
        await self.check()
        is_saved = self._is_about_list and self._unlisted is None
        if is_saved and self._report and self._report.may_change:
            await self.keep_trying()

    async def check(self) -> None:
        """Run all checks."""
        self._report = None
        self._report = await self.face.attempt(self._probe, "Asking Binance", deadlines.probe(self.flow.context.pace))

    async def _probe(self) -> ProbeReport:
        self._findings = []
        return await self.flow.probe.run(self._take, [host.name for host in self.flow.hosts.checked()])

    def _take(self, finding: Finding) -> None:
        self._findings.append(finding)
        self.face.show()

    async def keep_trying(self) -> None:
        """Ask slowly until Binance accepts the key, then run all checks again."""
        pace = self.flow.context.pace
        diagnosis = await self.face.attempt(
            lambda: self.flow.probe.wait_until_accepted(self._begin_pause),
            "Asking until Binance accepts the key",
            pace.patience + deadlines.call(pace),
        )
        if diagnosis is not None and diagnosis.is_accepted:
            await self.check()
        elif diagnosis is not None:
            said = sentences("The wizard has stopped asking", diagnosis.what, diagnosis.advice)
            self.face.note(" ".join(said), State.LOOK)

    def _begin_pause(self, seconds: float, questions: int) -> None:
        asked = "once" if questions == 1 else f"{questions} times"
        ends = utc(self.flow.context.clock() + seconds)[11:]
        text = f"Not accepted yet, asked {asked}. The next question is in {duration(seconds)}, at {ends}."
        self.face.say(text)
        self.face.doing(text)

    async def add_address(self) -> None:
        """Put this host's address on the list, and show what to paste where. Raises WizardError without room on it."""
        if address := self._unlisted:
            self.flow.whitelist.settle(add_labelled(self.flow.whitelist.proposal(), {address: ""}))
            await self.show_lists()

    async def show_lists(self) -> None:
        """Show what to paste where. Once the user says that it is saved, ask until the key is accepted."""
        if self._is_about_list:
            self.flow.back()
            self.face.leave()
            return
        refused = self._refused_current
        unknown = refused.name if refused and not refused.whitelist else ""
        asked = ListsToSave(self._lists(), str(unknown))
        await self.face.visit(partial(ApplyPresenter, self.flow, asked=asked))
        if asked.saved.is_set():
            await self.keep_trying()

    def _lists(self) -> dict[str, str]:
        pending, refused, context = self.flow.credentials.pending, self._refused_current, self.flow.context
        lists = {f"{pending.name if pending else ''}, {self._phrase}": render(context.whitelist)}
        if refused is not None:
            address, known = self._address, networks_of(refused.whitelist)
            missing = [IPv4Network(address)] if address and not any(address in block for block in known) else []
            lists[f"{refused.name}, the current key"] = render((*known, *missing))
        return lists

    async def swap(self) -> None:
        """Exchange API key and secret once the word is typed, and run all checks again."""
        if not (typed := await self.face.confirm(SWAP)):
            return
        # A swap that fails or is stopped may have stored either order: only new checks say which.
        self._report, self._findings = None, []
        swap = partial(self.flow.credentials.swap, typed)
        if await self.face.attempt(swap, "Storing API key and secret the other way round", deadlines.CUSTODY):
            self.face.note("API key and secret are swapped and stored.")
            await self.check()

    async def switch(self) -> None:
        """Ask once more, then take the proven key into use, or its list. Where it is proven no more, check again."""
        if (report := self._report) is None:
            return
        is_refuted = False

        async def complete() -> tuple[Report | None]:
            nonlocal is_refuted
            try:
                return (await self.flow.complete(report),)
            except WizardError as error:
                is_refuted = error.code == NOT_PROVEN
                raise

        at_most = deadlines.probe(self.flow.context.pace)
        doing = "Asking once more" if self._is_about_list else "Asking once more, then switching"
        done = await self.face.attempt(complete, doing, at_most)
        if done and done[0]:
            self.face.finish(done[0])
        elif done:
            self.face.leave()
        elif is_refuted:
            await self.check()

    async def show_details(self) -> None:
        """Show every finding in full."""
        await self.face.read("All checks", *self._told(self._all()))

    # --- what is known -------------------------------------------------------------------------

    @property
    def _is_about_list(self) -> bool:
        return self.flow.context.rotation.mode is Mode.WHITELIST

    @property
    def _phrase(self) -> str:
        return "the key" if self.flow.context.rotation.mode in (Mode.ADOPT, Mode.WHITELIST) else "the new key"

    @property
    def _address(self) -> IPv4Address | None:
        """This host's address, where it is the cause."""
        return self._report.diagnosis.unlisted if self._report and self._report.diagnosis else None

    @property
    def _unlisted(self) -> IPv4Address | None:
        """The same, as long as it is not on the list."""
        address = self._address
        return None if address and any(address in block for block in self.flow.context.whitelist) else address

    @property
    def _refused_current(self) -> KeyRecord | None:
        is_refused = any(one.subject == CONTROL and one.outcome is Outcome.FAILED for one in self._findings)
        return self.flow.current if is_refused else None

    def _all(self) -> list[Finding]:
        stored = self.flow.credentials.stored
        return [*([stored] if stored else []), *self._findings]

    # --- the view ------------------------------------------------------------------------------

    def view(self) -> View:
        """Return what the checks come to, its cause, its fix, and one row for each question."""
        report, rows = self._report, self._rows()
        if report is None:
            view = View(State.UNSURE, "The checks did not finish.", fix=("Retry.",))
        else:
            view = self._proven(rows) if report.is_proven else self._in_the_way(report)
        counts = [(sum(row.state is state for row in rows), words) for state, words in _COUNTED.items()]
        return replace(
            view,
            list_title="Checks" if rows else "",
            corner=", ".join(f"{count} {words}" for count, words in (*counts[-1:], *counts[:-1]) if count),
            rows=_without_idle(rows) if report else rows,
            actions=self._actions(report),
        )

    def _proven(self, rows: Sequence[Row]) -> View:
        doubts = [row.cells[0] for row in rows if row.state in (State.LOOK, State.UNSURE)]
        blocks, hosts = self.flow.context.whitelist, self._report.hosts if self._report else ()
        proven = {read_ipv4(each.address) for each in hosts if each.outcome is ProofOutcome.PROVEN}
        elsewhere = proven - {None, read_ipv4(self.flow.context.egress)}
        listed = [each for each in elsewhere if any(each in block for block in blocks)]
        left = sum(each.num_addresses for each in blocks) - len(listed)
        others = ", and that it works from the other addresses" if left > 1 else ""
        leaks = [one for one in self._findings if one.subject == CONTROL and one.outcome is Outcome.WARNING]
        said = f"{refused.name} does not work from here." if (refused := self._refused_current) else ""
        said = leaks[0].observed if leaks else said
        said = " ".join(filter(None, (said, f"{counted(len(doubts), 'check')} to look at: {', '.join(doubts)}.")))
        is_open = any(one.subject == IP_RESTRICTION and one.outcome is Outcome.WARNING for one in self._findings)
        return View(
            State.LOOK if doubts else State.GOOD,
            f"{capitalised(self._phrase)} works from here.",
            because=(said,) if doubts else (),
            fix=tuple(one.advice for one in leaks),
            cursor=doubts[0] if doubts else NEW_KEY,
            not_proven="" if is_open else f"what is on Binance's list{others}",
        )

    def _in_the_way(self, report: ProbeReport) -> View:
        obstacle = _obstacle(report.findings)
        is_refused = obstacle.outcome is Outcome.FAILED
        verdict, because, fix = self._explain(obstacle, report.diagnosis)
        return View(
            State.STOP if is_refused else State.UNSURE,
            verdict,
            because=tuple(filter(None, because)),
            fix=tuple(filter(None, fix)),
            cursor=next(title for title, subjects in GROUPS.items() if obstacle.subject in subjects),
            not_proven="what is on Binance's list, as Binance never shows it"
            if is_refused and (self._address or (report.diagnosis and report.diagnosis.cause in _LIST_NOT_SAVED))
            else obstacle.does_not_prove,
        )

    def _explain(self, obstacle: Finding, diagnosis: Diagnosis | None) -> tuple[str, Sequence[str], Sequence[str]]:
        """Return the verdict on what stands in the way, its cause and its fix."""
        if obstacle.subject == NEW_KEY and self._address and obstacle.outcome is Outcome.FAILED:
            return self._explain_address(self._address)
        verdict, because = split_verdict(obstacle.observed)
        first, others = split_verdict(obstacle.advice)
        fix = " ".join((first, *others[: _MOST_SENTENCES - 1]))
        if obstacle.subject == IP_RESTRICTION and obstacle.outcome is Outcome.FAILED:
            verdict = f"{capitalised(self._phrase)} works from any address."
            fix = "Restrict it on Binance to the list you composed."
            if self._is_about_list:
                fix = "The list is not saved there. Save it on Binance's page."
        elif obstacle.subject == NEW_KEY and diagnosis and diagnosis.cause in _LIST_NOT_SAVED:
            fix = "Check that the list is saved on Binance, then keep trying. That may take a few minutes."
            if self._is_about_list:
                verdict = "Binance still refuses the key, most likely because its list is not saved yet."
        if obstacle.subject == PERMISSIONS:
            because = ()
        return verdict, (" ".join(because[:_MOST_SENTENCES]),), fix.splitlines()

    def _explain_address(self, address: IPv4Address) -> tuple[str, Sequence[str], Sequence[str]]:
        context, refused = self.flow.context, self._refused_current
        when = context.journal.last_seen(context.environment.name, context.route().shown)
        earlier = {
            when[str(block.network_address)]: block.network_address
            for block in context.whitelist
            if str(block.network_address) in when and address not in block
        }
        before = f" ({earlier[max(earlier)]} until {duration(context.clock() - max(earlier))} ago)" if earlier else ""
        cause = "your address changed" if earlier else "your address is not on the list you composed"
        if not (earlier or self._unlisted):
            cause = "Binance's list lacks your address"
        because = [f"Your calls come from {address}{before}."]
        if refused:
            because.append(f"Binance refuses {refused.name} too, so it needs the new address as well.")
        keys = "both keys" if refused else self._phrase
        fix = f"Add {address}, then paste the list into {keys} on Binance."
        if not self._unlisted:
            fix = f"{address} is on the list here. Save that list on Binance for {keys}, then keep trying."
        return f"Binance refuses {self._phrase}, most likely because {cause}.", because, (fix,)

    def _rows(self) -> tuple[Row, ...]:
        known = self._all()
        rows = []
        for title, subjects in GROUPS.items():
            found = [finding for finding in known if in_group(title, finding.subject)]
            found.sort(key=lambda one: subjects.index(one.subject) if subjects else 0)
            missing = {*filter(self._is_asked, subjects)} - {finding.subject for finding in found}
            if found or missing:
                rows.append(self._row(title, found if self._report or not missing else []))
        return tuple(rows) if known else ()

    def _is_asked(self, subject: str) -> bool:
        """Whether a check is made in this environment."""
        if subject in {SAME_ACCOUNT, CONTROL}:
            return self.flow.current is not None and not self._is_about_list
        return subject != STORAGE and (subject != FUTURES or self.flow.context.environment.uses_futures)

    def _row(self, title: str, found: Sequence[Finding]) -> Row:
        name, item = self._name(title), title if self._report else ""
        states = [_state(finding) for finding in found]
        if not found:
            return Row((name, "waiting"), State.WAITING, item=item)
        state = next((state for state in _COUNTED if state in states), State.EMPTY)
        short = self._short(title, state, found[states.index(state)], found)
        return Row((name, short.rstrip(".")), state, item=item, detail=tuple(self._told(found)))

    def _name(self, subject: str) -> str:
        return capitalised(self._phrase.removeprefix("the ")) if subject == NEW_KEY else subject

    def _told(self, findings: Sequence[Finding]) -> Iterable[str]:
        """Say what to do, then what was observed of each check, when, from where, and what it leaves open."""
        yield from dict.fromkeys(finding.advice for finding in findings if finding.advice)
        for finding in findings:
            if finding.outcome is not Outcome.NOT_RUN:
                yield f"{self._name(finding.subject)}, {finding.outcome}. {finding.observed}"
                yield f"  {_seen(finding)}"
            if finding.does_not_prove:
                yield f"  Not proven: {finding.does_not_prove}."

    def _short(self, title: str, state: State, worst: Finding, found: Sequence[Finding]) -> str:
        """Say in a few words what was observed."""
        names = ", ".join(finding.subject for finding in found if finding.passed and finding.subject != REACHABLE)
        good = {
            STORAGE: f"saved in {self.flow.place} and verified",
            CONNECTION: f"{names}, {sum(finding.milliseconds or 0.0 for finding in found):.0f} ms",
            CLOCK: found[-1].observed.partition(" (")[0],
            OTHER_ENDPOINTS: names,
            OTHER_HOSTS: f"proven from {label([finding.subject.partition(' ')[2] for finding in found])}",
            NEW_KEY: split_verdict(found[-1].observed)[0],
        }
        if state is State.GOOD and title in good:
            return good[title]
        diagnosis = self._report.diagnosis if self._report else None
        if worst.subject == NEW_KEY and diagnosis and diagnosis.code:
            whence = f" from {worst.from_address}" if worst.from_address else ""
            return f"{diagnosis.code}{whence} at {utc(worst.at)[11:]}"
        if worst.subject == CONTROL and self._refused_current:
            return f"{self._refused_current.name} does not work from here"
        if state is State.WAITING:
            return "not asked yet"
        text = split_verdict(worst.observed)[0]
        if title == OTHER_HOSTS:  # one that Binance refuses comes first
            left = (one for one in found if not one.passed)
            text = " ".join(one.observed for one in sorted(left, key=lambda each: each.outcome is not Outcome.WARNING))
        return text if title in (worst.subject, OTHER_HOSTS) else f"{worst.subject}: {text}"

    def _actions(self, report: ProbeReport | None) -> tuple[Action, ...]:
        retry = Action("retry", "r", "Retry", "Runs all checks again.", self.check)
        if report is None:
            return self._in_order(retry, ())
        details = Action("details", "v", "Details", "Shows every check in full.", self.show_details)
        if report.is_proven:
            return self._in_order(self._switch_action(), (retry, details))
        about = "Puts it on the list, and shows what to paste where."
        add = Action("add", "a", f"Add {self._unlisted}", about, self.add_address)
        show = Action("list", "w", "Show list", "Shows what to paste where on Binance.", self.show_lists)
        keep = Action("try", "k", "Keep trying", "Asks slowly until Binance accepts the key.", self.keep_trying)
        again = Action("again", "e", "Enter it again", "Goes back, to enter the key again.", self.back)
        swap = Action("swap", "y", "Swap key and secret", "Exchanges them, after a question.", self.swap)
        obstacle, cause = _obstacle(report.findings), report.diagnosis.cause if report.diagnosis else None
        is_open = obstacle.subject == IP_RESTRICTION and obstacle.outcome is Outcome.FAILED
        is_wrong = not self._is_about_list and (obstacle.subject == SAME_ACCOUNT or cause in _WRONG_VALUES)
        is_refused = obstacle.subject == NEW_KEY and (cause in _LIST_NOT_SAVED or self._address)
        likeliest = {
            add: self._unlisted is not None,
            again: is_wrong,
            show: is_open,
            keep: report.may_change or obstacle.subject == REACHABLE,
        }
        others = {
            retry: True,
            keep: report.may_change or report.diagnosis is None,
            show: bool(is_refused and self.flow.context.whitelist and not self._unlisted),
            details: True,
            swap: report.may_be_swapped,
        }
        first = next((action for action, is_likely in likeliest.items() if is_likely), retry)
        return self._in_order(first, [action for action, is_possible in others.items() if is_possible])

    def _in_order(self, first: Action, others: Sequence[Action]) -> tuple[Action, ...]:
        """Return the actions with the primary one first. Its letter works too."""
        rest = (action for action in others if action is not first)
        return (replace(first, key=PRIMARY, also=first.key), *rest, *self.page_actions(), self.back_action())

    def _switch_action(self) -> Action:
        pending, current = self.flow.credentials.pending, self.flow.current
        if self._is_about_list:
            about = "Keeps the list as the one in use, and ends the job."
            return Action("record", PRIMARY, "Record the list", about, self.switch)
        name = str(pending.name) if pending else self._phrase
        if current is None:
            return Action("use", PRIMARY, f"Use {name}", f"Makes {name} the key in use.", self.switch)
        about = f"Makes {name} the key in use. {current.name} becomes the legacy key."
        return Action("switch", PRIMARY, f"Switch to {name}", about, self.switch)


def _obstacle(findings: Sequence[Finding]) -> Finding:
    """Return the finding that explains best why a key is not proven."""

    def weight(finding: Finding) -> int:
        is_needed = finding.subject in MUST_PASS | {PERMISSIONS, POLICY}
        if finding.outcome is Outcome.FAILED:
            return 0 if finding.subject in MUST_NOT_FAIL else 3
        return 1 if is_needed else 2

    return min((one for one in findings if one.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)), key=weight)


def _seen(finding: Finding) -> str:
    """Say when something was seen, from which address, and how long that took."""
    seen_from = f", from {finding.from_address}" if finding.from_address else ""
    took = "" if finding.milliseconds is None else f", in {finding.milliseconds:.0f} ms"
    return f"Seen {utc(finding.at)}{seen_from}{took}."


def _state(finding: Finding) -> State:
    """Return the state of one check: red only where it stands against the new key."""
    if finding.outcome is Outcome.NOT_RUN:
        return State.WAITING
    is_in_the_way = finding.outcome is not Outcome.FAILED or finding.subject in MUST_NOT_FAIL
    return State.of(finding.outcome) if is_in_the_way else State.LOOK


def _without_idle(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows with those in one that were not asked: they have nothing to show."""
    idle = [row.cells[0] for row in rows if row.state is State.WAITING]
    rest = tuple(row for row in rows if row.state is not State.WAITING)
    return (*rest, Row(("Not asked yet", ", ".join(idle)), State.WAITING, item="idle")) if idle else rest
