"""A rotation without a person: what may be changed and when, and the walk over the flow.

The decisions are functions of what was seen. An `UnattendedRun` asks, changes and waits. What it leaves is in the
journal, so a later run goes on from there. It never asks a question, and it never lets in an address that the settings
do not allow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from wizard.core.clock import duration, utc
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit, WizardError, sentences
from wizard.core.unattended import RotationPolicy
from wizard.custody.errors import CustodyError
from wizard.custody.records import KeyRecord, Slot
from wizard.egress.agreement import EgressVerdict
from wizard.exchange.diagnosis import REFUSED_KEY
from wizard.exchange.errors import ExchangeError
from wizard.net.route import RouteError
from wizard.rotation.bots import CommandRun, child_environ, run_command
from wizard.rotation.exchange_calls import SignedAnswer, ask, ask_futures
from wizard.rotation.findings import FOR_BOTS, NEW_KEY
from wizard.rotation.flow import Flow
from wizard.rotation.host_proofs import ProofOutcome
from wizard.rotation.journal import REVERTED, networks_of
from wizard.rotation.json_records import describe_key
from wizard.rotation.model import JOB_NAMES, TITLES, Event, Finding, Grade, Mode, Outcome, RotationRecord, Step
from wizard.rotation.permissions import LABELS
from wizard.rotation.report import Report
from wizard.rotation.retirement import Death
from wizard.rotation.steps.retire import PROMOTED
from wizard.rotation.sub_account_keys import CREATED
from wizard.whitelist.entries import parse

HANDED_OVER, FORMER = "rotate.handed-over", "rotate.former-address"
"""The events: the bots have the new key, and the grace time begins; an address that this host had, and `until` when it
stays on the list, null once that is settled."""
WAITING = "waiting"
"""The outcome of a run that left a grace time to a later one."""
_LONGEST_WAIT = 3600.0
"""Seconds. More is left to a later run: this one would keep the environment, and the others of `--all-due`, waiting."""
_OWN = (Mode.SET_UP, Mode.ROTATE, Mode.WHITELIST, Mode.RETIRE)
"""The jobs that a run begins, and goes on with."""
_BEFORE_KEY = (Step.EGRESS, Step.WHITELIST, Step.CREDENTIALS)
"""Where nothing was made yet."""


class HaltError(WizardError):
    """A run stops where it is, with an exit code for this reason."""

    def __init__(self, code: Exit, what: str, why: str = "", advice: str = "") -> None:
        super().__init__(what, why=why, advice=advice, code="rotate.stopped")
        self.exit_code = code


class WaitingError(HaltError):
    """Nothing is wrong: a run that may not wait has come to a time that has to pass."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of this host's address and of the list of the current key, at one moment."""

    verdict: EgressVerdict
    answer: SignedAnswer
    """What Binance says to the current key."""
    listed: tuple[IPv4Address, ...]
    """The list of the current key, as Binance has it."""
    futures: SignedAnswer | None = None
    """What the futures host says; None where it was not asked."""


def judge_address(seen: Evidence, policy: RotationPolicy) -> IPv4Address | None:
    """Return the address that the list lacks, None where the list fits; a `HaltError` where nothing may be changed."""
    refuse_list(seen.listed, policy, seen.listed)
    address, answer = seen.verdict.address, seen.answer
    if answer.accepted:
        if address is not None and address not in seen.listed:
            what, why = "Services and Binance disagree about your address", f"The services see {address}."
            why += " Binance accepts the current key, and its list lacks that address."
            raise HaltError(Exit.SAYS_NO, what, why, "To see each answer, run: key-wizard egress --ask-exchange")
        return None
    if answer.code != REFUSED_KEY:
        said = answer.diagnose()
        code = Exit.INCONCLUSIVE if answer.code is None else Exit.SAYS_NO
        raise HaltError(code, said.what, said.why, said.advice)
    what = "Binance refuses the current key"
    if address is None:
        code = Exit.SAYS_NO if seen.verdict.is_shared else Exit.INCONCLUSIVE
        raise HaltError(code, what, seen.verdict.sentence(), seen.verdict.advice)
    if address in seen.listed:
        raise HaltError(Exit.SAYS_NO, what, f"Its list has your address {address}.", "Look at it on Binance's page.")
    futures = seen.futures
    if (named := answer.named or (futures.named if futures else None)) != address:
        is_open = named is None and futures is not None and futures.code is None
        why = f"The services see {address}. Binance names {named or 'no address'}."
        advice = "Change the whitelist yourself once you know the address."
        raise HaltError(Exit.INCONCLUSIVE if is_open else Exit.SAYS_NO, what, why, advice)
    refuse_list((address,), policy, seen.listed)
    return address


def refuse_list(wanted: Sequence[IPv4Address], policy: RotationPolicy, listed: Sequence[IPv4Address]) -> None:
    """Raise a `HaltError` where an address is outside `allowed`; `listed` is the list in use."""
    in_use = [*map(IPv4Network, listed)]
    if foreign := ", ".join(str(each) for each in wanted if not policy.allows(each, in_use)):
        what, why = f"Your settings do not allow {foreign}", "Nothing was changed."
        raise HaltError(Exit.SAYS_NO, what, why, "If it is yours, add it to allowed in the settings of the rotation.")


def next_due(policy: RotationPolicy, key: KeyRecord, created: float | None) -> float | None:
    """Return when a key is too old, by when it was stored or `created`, in seconds since 1970; None where never."""
    return None if policy.every is None else min(key.stored_at, created or key.stored_at) + policy.every


def exit_of(error: WizardError, step: Step | None) -> Exit:
    """Return the exit code of a run that ended with an error, where the open job stands at `step`."""
    if isinstance(error, CustodyError):
        return Exit.KEYRING_UNUSABLE
    if isinstance(error, WaitingError):
        return error.exit_code
    if step is Step.RETIRE:
        return Exit.LEGACY_ALIVE
    if isinstance(error, HaltError | ExchangeError | RouteError):
        return error.exit_code
    return Exit.ROTATION_OPEN if step is not None or error.code == "environment.busy" else Exit.SAYS_NO


@dataclass(frozen=True, slots=True)
class RunStep:
    """One thing that a run did or asked."""

    name: str
    outcome: Outcome
    observed: str
    seconds: float


@dataclass(slots=True)
class RunResult:
    """What a run came to. It holds no secret."""

    environment: str
    exit: Exit = Exit.FINE
    outcome: str = "not due"
    """That, or `done`, `failed`, or `WAITING`."""
    verdict: tuple[str, ...] = ("Nothing is due.",)
    """What happened, why, and what to do, as sentences."""
    error: str = ""
    """Its code, for programs."""
    due: list[str] = field(default_factory=list)
    """Why something was changed."""
    steps: list[RunStep] = field(default_factory=list)
    key: KeyRecord | None = None
    legacy: KeyRecord | None = None
    next_due: float | None = None
    report: Report | None = None
    """Of the last job that the run finished."""

    def fail(self, error: WizardError, step: Step | None = None) -> RunResult:
        """Say that an error ended the run, where the open job stands at `step`."""
        self.outcome = WAITING if isinstance(error, WaitingError) else "failed"
        look = () if error.advice else (f"Look at it: key-wizard --env {self.environment}",)
        self.exit, self.verdict, self.error = exit_of(error, step), (*error.sentences(), *look), error.code
        self.steps.append(RunStep(TITLES[step] if step else "Run", Outcome.FAILED, error.what, 0.0))
        return self

    def as_json(self, now: float) -> dict[str, Any]:
        """Return it in JSON shapes; `now` is for the ages of the keys."""
        keys = {"key": describe_key(self.key, now), "legacy": describe_key(self.legacy, now)}
        listed = self.key.whitelist.split(",") if self.key and self.key.whitelist else []
        return {**asdict(self), **keys, "whitelist": listed}


class UnattendedRun:
    """One run for one environment with a sub-account. `say` takes each step when it has ended.

    Where it `is_forced` the key is replaced whatever its age, with `list_only` no key is. Without `may_wait` a grace
    time is left to a later run.
    """

    def __init__(
        self, flow: Flow, is_forced: bool, list_only: bool, may_wait: bool, say: Callable[[RunStep], object]
    ) -> None:
        assert flow.sub_account  # noqa: S101 - nobody else makes a run
        self.flow, self.keys, self._context = flow, flow.sub_account, flow.context
        self.is_forced, self.list_only, self.may_wait, self.say = is_forced, list_only, may_wait, say
        self._name, self._policy = flow.context.environment.name, flow.context.environment.rotation
        self.result = RunResult(self._name)
        self._was_probed, self._was_retiring = flow.step is Step.PROBE, flow.step is Step.RETIRE
        self._is_checked = False

    async def run(self) -> RunResult:
        """Go on with what is open, then do what is due. A `WizardError` becomes the result."""
        result = self.result
        try:
            await self._work()
            if result.report:
                result.outcome, result.verdict = "done", (result.report.verdict,)
        except WizardError as error:
            result.fail(error, self.flow.step)
        result.key, result.legacy = self.flow.current, self.flow.retire.legacy
        return result

    async def _work(self) -> None:
        if (rotation := self.flow.rotation) and rotation.mode not in _OWN:
            why = f"It is {JOB_NAMES[rotation.mode]}, at {TITLES[rotation.step]}. Only a person finishes it."
            raise HaltError(Exit.ROTATION_OPEN, "Another job is open", why, f"Run: key-wizard --env {self._name}")
        if rotation and rotation.step is not Step.RETIRE and self._context.journal.events(rotation, REVERTED):
            why = "The new key would take the place of the one that somebody went back to."
            advice = f"Go on, or give the job up: key-wizard --env {self._name}"
            raise HaltError(Exit.ROTATION_OPEN, "The switch was undone", why, advice)
        for said in await self.keys.settle():
            self._done("Settle", Outcome.PASSED, said)
        if rotation:
            await self._resume(rotation)
        await self._hand_over()
        await self._retire_unused()
        await self._check_master()
        if current := self.flow.current:
            seen = await self._follow_address()
            told = seen.answer.restrictions
            self.result.next_due = next_due(self._policy, current, (told.created_ms or 0) / 1000 if told else None)
            is_old = self.result.next_due is not None and self.result.next_due <= self._context.clock()
            if not self.list_only and (is_old or self.is_forced):
                self._expect_delivered()
                await self._replace(Mode.ROTATE, seen.listed, "age" if is_old else "asked for")
        elif not self.list_only:
            if self.flow.preflight.unknown_items:
                why = (
                    "The wizard's records may be an older copy. A first key would take the place of one that may live."
                )
                advice = f"To see it, run: key-wizard storage {self._name}"
                raise HaltError(Exit.SAYS_NO, "A stored key is unknown to the wizard", why, advice)
            await self._replace(Mode.SET_UP, await self._first_list(), "first key")
        self._expect_delivered()

    async def _resume(self, rotation: RotationRecord) -> None:
        """Go on with an open job. Before a key or a list was changed, the address is looked at anew."""
        flow, self.is_forced = self.flow, self.is_forced and rotation.mode not in (Mode.ROTATE, Mode.SET_UP)
        self.result.due.append(f"open job {JOB_NAMES[rotation.mode]}")
        if rotation.step is not Step.RETIRE:
            await self._check_master()
        if rotation.mode is Mode.WHITELIST:
            await self._resume_list()
        elif self.list_only and rotation.step in _BEFORE_KEY and not flow.credentials.pending:
            await flow.abandon()  # nothing was made yet, and this run makes no key
        elif rotation.step not in _BEFORE_KEY or flow.credentials.pending:
            await self._walk()
        else:
            if rotation.step is Step.CREDENTIALS:
                flow.back()
            seen = await self._look() if rotation.mode is Mode.ROTATE else None
            if seen and judge_address(seen, self._policy):
                await flow.abandon()  # the list comes first, and then the key is replaced
                self.is_forced = True
            else:
                await self._walk(seen.listed if seen else await self._first_list())

    async def _resume_list(self) -> None:
        # A composed list is applied where it fits what is seen now. Else the job is given up, and decided anew.
        seen, wanted = await self._look(), [address for block in self._context.whitelist for address in block]
        # Where that lacks what is listed, it would take off what somebody added since.
        if seen.verdict.address in wanted and set(seen.listed) <= set(wanted):
            refuse_list(wanted, self._policy, seen.listed)
            await self._walk(wanted)
        else:
            await self.flow.abandon()
            self._done("Whitelist", Outcome.WARNING, "The open job does not fit what is seen now. It was given up.")

    async def _check_master(self) -> None:
        if not self._is_checked:
            await self._do("Master key", self.keys.check_master())
            self._is_checked = True

    async def _look(self) -> Evidence:
        """Ask services and Binance about this host's address, and Binance for the list of the current key."""
        context, current, begun = self._context, self.flow.current, self._context.stopwatch()
        verdict = (await self.flow.egress.detect()).verdict
        async with context.credentials(current) as credentials, context.exchange() as client:
            if current is None or credentials is None:
                raise CustodyError("The current key is not stored where it was", code="missing")
            known = context.circumstances(current)
            answer = await ask(client, credentials, known)
            futures = None if answer.accepted else await ask_futures(client, credentials, known)
        said = f"{verdict.sentence()} {' '.join(sentences(answer.diagnose().what))}"
        outcome = Outcome.PASSED if answer.accepted and verdict.is_agreed else Outcome.WARNING
        self._done("Egress IP", outcome, said, context.stopwatch() - begun)
        return Evidence(verdict, answer, await self.keys.listed(current), futures)

    async def _first_list(self) -> tuple[IPv4Address, ...]:
        verdict = (await self.flow.egress.detect()).verdict
        if not verdict.is_agreed:
            code = Exit.SAYS_NO if verdict.is_shared else Exit.INCONCLUSIVE
            raise HaltError(code, "Your address is not known", verdict.sentence(), verdict.advice)
        self._done("Egress IP", Outcome.PASSED, verdict.sentence())
        refuse_list(verdict.addresses[:1], self._policy, ())
        return verdict.addresses[:1]

    async def _follow_address(self) -> Evidence:
        """Have the list of the current key follow this host's address; return what is seen then."""
        seen, journal, current = await self._look(), self._context.journal, self.flow.current
        if added := judge_address(seen, self._policy):
            self._note_left(seen)
            seen = await self._change_list((*seen.listed, added), "changed address")
        elif frozenset(map(IPv4Network, seen.listed)) != frozenset(journal.list_in_use(self._name)):
            seen = await self._change_list(seen.listed, "list on Binance")
        elif current and seen.verdict.address and current.proven_from != str(seen.verdict.address):
            journal.mark_proven(current, str(seen.verdict.address), site=self._context.environment.site.name)
        former = journal.events(kind=FORMER, environment=self._name)
        newest = {str(event.detail["address"]): event.detail["until"] for event in former}
        for address, until in newest.items():
            if isinstance(until, int | float):
                seen = await self._drop_former(seen, IPv4Address(address), until)
        return seen

    async def _change_list(self, addresses: Sequence[IPv4Address], due: str) -> Evidence:
        self.result.due.append(due)
        await self.flow.begin(Mode.WHITELIST)
        await self._walk(addresses)
        return await self._look()

    def _note_left(self, seen: Evidence) -> None:
        """Note where this host was proven from last, before the list changes: a crash forgets nothing."""
        current = self.flow.current
        for former in (each for each in seen.listed if current and str(each) == current.proven_from):
            self._note_former(former, self._context.clock() + self._policy.grace)

    def _note_former(self, address: IPv4Address, until: float | None) -> None:
        about = {"environment": self._name, "address": str(address), "until": until}
        self._context.journal.record(None, FORMER, about)

    async def _drop_former(self, seen: Evidence, address: IPv4Address, until: float) -> Evidence:
        """Take a former address off the list after its grace time, where the key is accepted from here without it."""
        if owner := self._other_owner(address):
            self._done("Whitelist", Outcome.WARNING, f"{address} stays on the list. {owner} may have it.")
        if owner or address not in seen.listed or seen.verdict.address == address:
            self._note_former(address, None)
            return seen
        if until - self._context.clock() > _LONGEST_WAIT:  # a key that is due does not wait for it
            return seen
        await self._wait(until, f"{address} stays on the list for the grace time.")
        seen = await self._look()
        is_settled = judge_address(seen, self._policy) is None and seen.answer.accepted
        if is_settled and seen.verdict.address is not None and seen.verdict.address != address:
            seen = await self._change_list([each for each in seen.listed if each != address], "former address")
            self._note_former(address, None)
        return seen

    def _other_owner(self, address: IPv4Address) -> str:
        """Return another host that has an address, or may have it, as nobody knows its address; else nothing."""
        hosts = self._context.journal.addresses_of_hosts(self._name)
        label = self._context.journal.labels(self._name).get(IPv4Network(address))
        names = dict.fromkeys((*hosts, *self._context.environment.hosts))
        return label or next((name for name in names if hosts.get(name, address) == address), "")

    async def _replace(self, mode: Mode, addresses: Sequence[IPv4Address], due: str) -> None:
        self.result.due.append(due)
        for said in (await self.keys.permissions())[1]:
            self._done("Permissions", Outcome.WARNING, said)
        if (legacy := self.flow.current) and legacy.kind is KeyKind.HMAC:
            self._done("Key type", Outcome.WARNING, f"{legacy.name} is HMAC. {FOR_BOTS}")
        await self.flow.begin(mode)
        await self._walk(addresses)
        await self._hand_over()
        if current := self.flow.current:
            self.result.next_due = next_due(self._policy, current, None)

    async def _walk(self, addresses: Sequence[IPv4Address] = ()) -> None:
        """Walk the open job to its end."""
        while (step := self.flow.step) is not None:
            match step:
                case Step.WHITELIST:
                    self._settle_list(addresses)
                case Step.APPLY:
                    await self._do("Apply", self.keys.apply())
                case Step.CREDENTIALS:
                    await self._do("Credentials", self.keys.create())
                case Step.PROBE:
                    await self._probe()
                case Step.RETIRE:
                    await self._retire()
                case Step.DONE:
                    self.result.report = await self.flow.settle() or self.result.report
            if self.flow.step is step:
                self.flow.advance(step)

    def _settle_list(self, addresses: Sequence[IPv4Address]) -> None:
        for candidate in self.flow.candidates():
            if candidate.is_wanted and candidate.address not in addresses:
                self.flow.selection.toggle(candidate)  # the list is decided by what Binance has, and by the settings
        finding = self.flow.whitelist.settle(parse("\n".join(map(str, addresses))))
        self._done("Whitelist", finding.outcome, f"The list is {', '.join(map(str, addresses))}.")

    async def _probe(self) -> None:
        flow, begun = self.flow, self._context.stopwatch()
        report = await flow.probe.run()
        if report.may_change and (await flow.probe.wait_until_accepted()).is_accepted:
            report = await flow.probe.run()
        telling = (one for one in report.findings if one.subject == NEW_KEY or one.outcome is not Outcome.PASSED)
        shown = next((one for one in telling if one.outcome is report.outcome), report.findings[-1])
        self._done("Probe", report.outcome, shown.observed, self._context.stopwatch() - begun)
        for host in (one for one in report.hosts if one.outcome is not ProofOutcome.PROVEN):
            if host.outcome is ProofOutcome.REFUSED:
                what, advice = f"Binance refuses the key from {host.host}", host.advice or "Change the whitelist."
                raise HaltError(Exit.SAYS_NO, what, "It is one of your other hosts, so the job waits.", advice)
            self._done("Probe", Outcome.INCONCLUSIVE, f"{host.sentence()}.")
        if report.is_proven:
            self.result.report = await flow.complete(report) or self.result.report
            return
        code = Exit.ROTATION_OPEN
        if report.outcome is Outcome.INCONCLUSIVE or report.diagnosis is None:
            code = Exit.INCONCLUSIVE
        elif self._was_probed and self._context.rotation.mode is Mode.ROTATE:
            await flow.abandon()  # an earlier run had no success either
            await self._retire_unused()
            code = Exit.SAYS_NO
        raise HaltError(code, "The probe failed, so nothing was switched", shown.observed, shown.advice)

    def _last(self, kind: str) -> tuple[Event, ...]:
        return self._context.journal.events(kind=kind, environment=self._name, last=1)

    def _switched(self) -> Event | None:
        """Return the last switch, or what undid it."""
        return max((*self._last(PROMOTED), *self._last(REVERTED)), key=lambda one: one.number, default=None)

    def _handed_over(self) -> float | None:
        """Return when the bots got the current key; None where that is still to be done."""
        switched, handed = self._switched(), self._last(HANDED_OVER)
        return next((one.at for one in handed if switched is None or one.number > switched.number), None)

    async def _hand_over(self) -> None:
        """Run the commands that give the bots a key, once after each switch to one made by API, or undone one."""
        await self._deliver()
        if self.flow.retire.legacy:
            self._expect_delivered()
        switched = self._switched()
        is_new = switched and (switched.kind == REVERTED or self._made_here(str(switched.detail["fingerprint"])))
        if self._handed_over() is not None or not (is_new or self.flow.step is Step.RETIRE):
            return
        environ, retire, is_open = child_environ(self._context.environ), self.flow.retire, bool(self.flow.rotation)
        for bot in retire.bots_left if is_open else self._context.environment.bots:
            run = (await retire.restart(bot)).run if is_open else await run_command(bot.restart, environ)
            self._expect_good(bot.name, run)
        if self._policy.on_switch:
            self._expect_good("on_switch", await run_command(self._policy.on_switch, environ))
        self._context.journal.record(self.flow.rotation, HANDED_OVER, {"environment": self._name})

    async def _deliver(self) -> None:
        for one in await self.flow.deliveries.run() if self.flow.deliveries.due else ():
            self._done(one.finding.subject, one.finding.outcome, one.finding.observed)

    def _expect_delivered(self) -> None:
        for found in (one.finding for one in self.flow.deliveries.due):
            code = Exit.INCONCLUSIVE if found.outcome is Outcome.INCONCLUSIVE else Exit.SAYS_NO
            code, advice = Exit.LEGACY_ALIVE if self.flow.retire.legacy else code, f"The next run does. {found.advice}"
            raise HaltError(code, "A delivery target does not have the current key", found.observed, advice)

    def _expect_good(self, name: str, run: CommandRun) -> None:
        if not run.is_good:
            why, advice = f"It came to {run.phrase}.", "The next run tries it again. A legacy key works until then."
            raise HaltError(Exit.SAYS_NO, f"The command of {name} failed", " ".join([why, *run.output]), advice)
        self._done("Bots", Outcome.PASSED, f"{name}: {run.phrase}.")

    async def _retire(self) -> None:
        """Hand the new key over, wait, delete what it replaced, and prove its death."""
        retire = self.flow.retire
        if self._was_retiring:
            await self._keep_listed()
        await (self._hand_over() if retire.legacy else self._deliver())
        for key in self._doomed()[:1]:  # a switch that was undone leaves a key that bots may still use
            delivered = (one.at for one in self.flow.deliveries.states if not one.is_due)
            end = max(self._handed_over() or 0.0, *delivered, 0.0) + self._policy.grace
            await self._wait(end, f"{key.name} works on for the grace time.")
        await self._check_master()
        begun, doomed = self._context.stopwatch(), self._doomed()
        death = await self._keep_listed()
        if not retire.current_accepted:
            advice = f"Nothing was deleted. Look at it: key-wizard --env {self._name}"
            raise HaltError(Exit.LEGACY_ALIVE, "Binance does not accept the current key", death.sentence, advice)
        if retire.legacy and retire.accepts_legacy:
            await self._expect_unchanged(retire.legacy)
        if doomed:  # after a switch that was undone, a target that is due still has the key that goes
            self._expect_delivered()
        for key in doomed:
            await self._do("Delete", self.keys.delete(key))
        for _ in range(int(self._context.pace.patience / self._context.pace.between_polls)):
            death = await retire.poll()
            # Where Binance refuses a deleted key as any other, that it was deleted by API says the rest.
            if all(self._is_dead(key) for key in self._doomed()):
                break
            await retire.wait()
        else:
            advice = f"Look for the key on Binance's page. To finish: key-wizard --env {self._name}"
            raise HaltError(Exit.LEGACY_ALIVE, "A key is not proven dead yet", death.sentence, advice)
        self.result.report = await (self.flow.purge() if self._doomed() else self.flow.settle())
        self._done("Retire", Outcome.PASSED, death.sentence, self._context.stopwatch() - begun)

    async def _expect_unchanged(self, legacy: KeyRecord) -> None:
        """Raise a `HaltError` where somebody changed a key since the switch, so that the legacy one would be missed."""
        current, told = self.flow.current, await self.flow.credentials.ask_permissions()
        assert current  # noqa: S101 - Binance just accepted it
        listed = await self.keys.listed(current)
        refuse_list(listed, self._policy, listed)
        missed = [str(block) for block in networks_of(current.whitelist) if block not in {*map(IPv4Network, listed)}]
        now = told.restrictions.permissions if told and told.restrictions else {}
        missed += [
            LABELS.get(name, name) for name, was_on in (current.permissions or {}).items() if was_on > now.get(name, 0)
        ]
        if known := networks_of(legacy.whitelist):
            try:
                added = {*await self.keys.listed(legacy)} - {*listed}
                missed += [str(each) for each in added if not any(each in block for block in known)]
            except ExchangeError:
                raise
            except WizardError:  # it is open to all, or to blocks: that is no list to compare with
                pass
        if missed:
            why = f"Somebody changed it or {legacy.name} since the switch. Nothing was deleted."
            advice = f"Look at it: key-wizard --env {self._name}"
            raise HaltError(Exit.LEGACY_ALIVE, f"{current.name} lacks {', '.join(missed)}", why, advice)

    def _is_dead(self, key: KeyRecord) -> bool:
        death = self.flow.retire.death(key)
        return death.allows_purge if key.slot is Slot.LEGACY else death.grade is Grade.PROVEN

    async def _keep_listed(self) -> Death:
        """Ask about the keys. Where the current one is refused as this host's address changed, add the address."""
        death = await self.flow.retire.poll()
        if self.flow.retire.current_accepted:
            return death
        try:
            seen = await self._look()
        except ExchangeError:  # so it is with the list of a key that is no more
            return death
        current = self.flow.current
        added = judge_address(seen, self._policy) if seen.answer.code == REFUSED_KEY else None
        if added and current and current.proven_from != str(added):  # else somebody took it off the list
            self._note_left(seen)
            listed = ",".join(map(str, (*seen.listed, added)))
            self._context.journal.note_whitelist(self._context.rotation, listed)
            await self._check_master()
            await self._do("Apply", self.keys.apply())
            await self.flow.retire.wait()
            death = await self.flow.retire.poll()
        return death

    def _made_here(self, fingerprint: str) -> bool:
        return bool(self._context.journal.events(kind=CREATED, about=fingerprint, environment=self._name))

    def _doomed(self) -> list[KeyRecord]:
        """Return the legacy key, and the keys that were made by API and never used. What a person entered stays."""
        legacy, unused = self.flow.retire.legacy, self.flow.retire.unused
        return [*([legacy] if legacy else []), *(key for key in unused if self._made_here(key.name.fingerprint))]

    async def _retire_unused(self) -> None:
        if self.flow.rotation is None and self.flow.current and self._doomed():
            self.result.due.append("unused key")
            await self.flow.begin(Mode.RETIRE)
            await self._walk()

    async def _wait(self, end: float, why: str) -> None:
        """Wait until a grace time ends. A clock that was set back lengthens it no further."""
        left = min(end - self._context.clock(), self._policy.grace)
        if left <= 0:
            return
        if not self.may_wait or left > _LONGEST_WAIT:
            raise WaitingError(Exit.ROTATION_OPEN, why, f"It ends at {utc(end)}.", "A later run goes on.")
        self._done("Grace", Outcome.PASSED, f"{why} {duration(left)} are left.")
        await self._context.pause(left)

    async def _do(self, name: str, work: Awaitable[Finding]) -> None:
        begun, finding = self._context.stopwatch(), await work
        self._done(name, finding.outcome, finding.observed, self._context.stopwatch() - begun)

    def _done(self, name: str, outcome: Outcome, observed: str, seconds: float = 0.0) -> None:
        self.result.steps.append(RunStep(name, outcome, observed, seconds))
        self.say(self.result.steps[-1])
