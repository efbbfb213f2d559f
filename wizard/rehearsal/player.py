"""Plays the user of a rehearsal through the same flow, with the simulated page in the role of the exchange's page."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.custody.records import KeyRecord
from wizard.rehearsal.scenarios import Correction, Scenario
from wizard.rehearsal.simulated_page import ListedKey, SimulatedPage
from wizard.rotation.exchange_calls import ask
from wizard.rotation.findings import CONTROL, FindingWriter
from wizard.rotation.flow import Flow
from wizard.rotation.json_records import describe_finding, describe_key
from wizard.rotation.model import Finding, Grade, Mode, Outcome, Step
from wizard.rotation.retirement import POLLS_IN_A_ROW
from wizard.rotation.sub_account_keys import SubAccountKeys
from wizard.whitelist.entries import parse

MOST_POLLS = 20
MOST_CORRECTIONS = 5
"""How often the user does something about what the probe shows."""

Played = tuple[Outcome, Sequence[Finding]]
"""What a step came to: passed, failed or inconclusive, and what it showed."""


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """One step with what it showed."""

    step: Step
    outcome: Outcome
    evidence: tuple[Finding, ...]
    seconds: float
    correction: str = ""
    """What the user did about what the step showed; empty where nothing."""

    @property
    def sentence(self) -> str:
        """The finding that says most, in one line."""
        for outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WARNING):
            for finding in self.evidence:
                if finding.outcome is outcome:
                    return finding.observed
        return self.evidence[-1].observed

    def as_json(self) -> dict[str, Any]:
        """Return the step as JSON shapes."""
        return {
            "step": self.step,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "mending": self.correction,
            "evidence": [describe_finding(finding) for finding in self.evidence],
        }


@dataclass(slots=True)
class Player:
    """Walks one rotation as a user would."""

    flow: Flow
    simulated_page: SimulatedPage
    kind: KeyKind
    """Of the new key."""
    scenario: Scenario
    """The drill, whose way out is taken."""
    passes_after: float = 0.0
    """Seconds until a fault that passes by itself is over."""
    on_step: Callable[[PlayedStep], object] = lambda _: None
    """Takes each step when it has ended."""
    on_correction: Callable[[str], object] = lambda _: None
    """Takes what the user did about a step that did not pass, as a sentence."""
    _steps: list[PlayedStep] = field(default_factory=list, init=False)
    _grade: Grade = field(default=Grade.INCONCLUSIVE, init=False)
    _is_done: bool = field(default=False, init=False)
    _by_hand: str = field(default="", init=False)
    """What is done on the page in this step, as the API refused it."""

    async def play(self) -> bool:
        """Play from wherever the job stands; return whether the legacy key was proven dead and purged.

        In a drill of the whitelist: whether the key in use works from here again, with the list recorded.
        """
        if self.flow.rotation is None:
            if self.scenario.moves_host_later:
                await self._look_at_current()
            other = Mode.LEAKED if self.scenario.has_leaked else Mode.ROTATE
            await self.flow.begin(Mode.WHITELIST if self.scenario.moves_host_later else other)
        while (step := self.flow.step) is not None:
            if not (await self._act(step) or await self._try_to_correct(step)):
                return False
        return self._is_done

    def as_json(self) -> dict[str, Any]:
        """Return the whole rehearsal as JSON shapes: steps, grade, where the credentials ended."""
        context, now = self.flow.context, self.flow.context.clock()
        return {
            "scenario": self.scenario.name,
            "steps": [step.as_json() for step in self._steps],
            **({} if self.scenario.moves_host_later else {"grade": self._grade}),
            "credentials": [
                {**(describe_key(key, now) or {}), "slot": key.slot, "holding": key.holding, "store": key.store}
                for key in context.journal.keys(context.environment.name)
            ],
        }

    async def _act(self, step: Step) -> bool:
        begun, self._by_hand = time.perf_counter(), ""
        try:
            match step:
                case Step.DELETE:
                    outcome, evidence = await self._delete()
                case Step.EGRESS:
                    outcome, evidence = await self._egress()
                case Step.WHITELIST:
                    outcome, evidence = await self._whitelist()
                case Step.APPLY:
                    outcome, evidence = await self._apply()
                case Step.CREDENTIALS:
                    outcome, evidence = await self._credentials()
                case Step.PROBE:
                    outcome, evidence = await self._probe()
                case Step.RETIRE:
                    outcome, evidence = await self._retire()
        except WizardError as error:
            outcome, evidence = Outcome.FAILED, [self._finding(step, Outcome.FAILED, " ".join(error.sentences()))]
        played = PlayedStep(step, outcome, tuple(evidence), time.perf_counter() - begun, self._by_hand)
        self._steps.append(played)
        self.on_step(played)
        return outcome is Outcome.PASSED

    async def _by_api(self, work: Callable[[SubAccountKeys], Awaitable[Finding]]) -> Finding | None:
        """Do it as the page offers it, by API; None where that is not offered, or the other way has to be taken."""
        if (api := self.flow.sub_account) is None:
            return None
        try:
            for sentence in await api.settle():
                self.on_correction(sentence)
            return await work(api)
        except WizardError as error:
            if self.scenario.correction is not Correction.BY_HAND:
                raise
            self._by_hand = "Used the simulated Binance page."
            self.on_correction(" ".join((*error.sentences(), self._by_hand)))
            return None

    async def _delete(self) -> Played:
        """Delete the leaked key, which is asked about before and after."""
        delete, leaked = self.flow.delete, self.flow.delete.leaked
        await delete.ask()
        if not await self._by_api(lambda api: api.delete_leaked()) and (listed := await self._find_key(leaked)):
            await self.simulated_page.delete(listed.api_key)
        await delete.ask()
        if delete.refused_since is None:
            said = str(delete.answers()[-1].detail["said"])
            return Outcome.FAILED, [self._finding("Leaked key", Outcome.FAILED, said)]
        observed = f"Binance refuses {leaked.name if leaked else 'the key'}. The proof follows with the new key."
        self.flow.advance(Step.DELETE)
        return Outcome.PASSED, [self._finding("Leaked key", Outcome.PASSED, observed)]

    async def _egress(self) -> Played:
        finding = self.flow.egress.finding(await self.flow.egress.detect())
        if finding.passed:
            self.flow.advance(Step.EGRESS)
        return finding.outcome, [finding]

    async def _whitelist(self) -> Played:
        finding = self.flow.whitelist.settle(self.flow.whitelist.proposal())
        self.flow.advance(Step.WHITELIST)
        return Outcome.PASSED, [finding]

    async def _look_at_current(self) -> None:
        """See that the key in use is refused, as `check` sees it, and decide for the job that helps."""
        begun, context, current = time.perf_counter(), self.flow.context, self.flow.current
        async with context.credentials(current) as credentials, context.exchange() as client:
            if current is None or credentials is None:
                return
            answer = await ask(client, credentials, context.circumstances(current))
        seen = FindingWriter(context.clock, context.egress).diagnosis(CONTROL, answer.diagnose())
        seconds, done = time.perf_counter() - begun, f"Began to change the whitelist of {current.name}."
        self._steps.append(PlayedStep(Step.PROBE, seen.outcome, (seen,), seconds, done))
        self.on_step(self._steps[-1])
        self.on_correction(done)

    async def _apply(self) -> Played:
        current, finding = self.flow.current, await self._by_api(lambda api: api.apply())
        if finding:
            self.flow.advance(Step.APPLY)
            return Outcome.PASSED, [finding]
        if key := await self._find_key(current):
            await self.simulated_page.set_whitelist(key.api_key, self._list())
        done = f"The list of {current.name if current else 'the key'} on the simulated Binance page is {self._list()}."
        self.flow.advance(Step.APPLY)
        return Outcome.PASSED, [self._finding("Apply", Outcome.PASSED, done)]

    async def _credentials(self) -> Played:
        if finding := await self._by_api(lambda api: api.create()):
            self.flow.advance(Step.CREDENTIALS)
            return Outcome.PASSED, [finding]
        step, is_pair = self.flow.credentials, self.kind is KeyKind.ED25519
        public_key = await step.public_key() if is_pair else ""
        made = await self.simulated_page.create(
            "new", self.kind, self._list(), public_key=public_key, enableSpotAndMarginTrading=True
        )
        store = step.store_pair(made.api_key, public_key) if is_pair else step.store_hmac(made.api_key, made.secret)
        finding = await store
        self.flow.advance(Step.CREDENTIALS)
        return Outcome.PASSED, [finding]

    async def _probe(self) -> Played:
        report = await self.flow.probe.run()
        if report.is_proven:
            self._is_done = await self.flow.complete(report) is not None
        return report.outcome, report.findings

    async def _retire(self) -> Played:
        record = self.flow.retire.legacy
        if record and not await self._by_api(lambda api: api.delete(record)) and (key := await self._find_key(record)):
            await self.simulated_page.delete(key.api_key)
        seen_alive = 0
        for _ in range(MOST_POLLS):
            death = await self.flow.retire.poll()
            seen_alive += death.grade is Grade.ALIVE
            if POLLS_IN_A_ROW in (death.in_a_row, seen_alive):
                break
            await self.flow.retire.wait()
        if death.grade is not Grade.PROVEN:
            self._grade = death.grade
            finding = self._finding("Death", Outcome.INCONCLUSIVE, death.sentence)
            outcome = Outcome.FAILED if death.grade is Grade.ALIVE else Outcome.INCONCLUSIVE
            return outcome, [replace(finding, does_not_prove=death.does_not_prove)]
        report = await self.flow.purge()
        # What was proven is said of a report that was kept, not before.
        self._grade = report.grade or Grade.INCONCLUSIVE
        self._is_done = self._grade is Grade.PROVEN
        proof = self._finding("Death", Outcome.PASSED, report.proof)
        deleted = f"The secret of {report.legacy} is deleted."
        return Outcome.PASSED, [
            replace(proof, from_address=report.egress, does_not_prove=report.does_not_prove),
            self._finding("Legacy secret", Outcome.PASSED, deleted),
        ]

    async def _try_to_correct(self, step: Step) -> bool:
        """Do what a user does who has seen in the probe what is wrong; return whether the probe is to run again."""
        corrected = sum(bool(played.correction) for played in self._steps)
        if step is not Step.PROBE or corrected >= MOST_CORRECTIONS:
            return False
        try:
            done = await self.correct()
        except WizardError as error:
            self.on_correction(" ".join(error.sentences()))
            return False
        if done:
            self._steps[-1] = replace(self._steps[-1], correction=done)
            self.on_correction(done)
        return bool(done)

    async def correct(self) -> str:
        """Take the way out and return what was done; nothing where there is none. Raise WizardError if it is closed."""
        match self.scenario.correction:
            case Correction.NONE | Correction.BY_HAND:
                return ""
            case Correction.WAIT:
                await self.flow.context.pause(self.passes_after)
                return f"Waited {self.passes_after:g} s."
            case Correction.LIST:
                return await self._correct_list()
            case Correction.PERMISSION:
                new, name = await self._new_key(), self.scenario.loses_permission
                await self.simulated_page.set_permissions(new.api_key, **{**new.permissions, name: True})
                return f"Switched {name} on, on the simulated Binance page."
            case Correction.NEW_KEY:
                await self.simulated_page.delete((await self._new_key()).api_key)
                self.flow.back()
                return "Deleted the new key on the simulated Binance page, and went back to make another."

    async def _correct_list(self) -> str:
        listed = filter(None, self._list().split(","))
        seen = (await self.flow.egress.detect()).verdict.addresses
        entries = dict.fromkeys((*listed, *map(str, seen)))
        self.flow.back()
        if self.flow.back() is not Step.WHITELIST:
            raise WizardError(
                "This job has no whitelist to correct",
                advice="Begin the drill again, with a replacement of the key.",
                code="rehearsal.no-correction",
            )
        self.flow.whitelist.settle(parse("\n".join(entries)))
        self.flow.advance(Step.WHITELIST)
        self.flow.advance(Step.CREDENTIALS)
        # Both keys: from an address that is not on its list the legacy key cannot be seen to die.
        for key in await self.simulated_page.keys():
            await self.simulated_page.set_whitelist(key.api_key, self._list())
        return f"Saved {self._list()} as the whitelist of every key on the simulated Binance page."

    async def _new_key(self) -> ListedKey:
        if found := await self._find_key(self.flow.credentials.pending):
            return found
        raise WizardError(
            "The new key is not on the simulated Binance page",
            advice="Make another key there and enter that one.",
            code="rehearsal.no-correction",
        )

    async def _find_key(self, record: KeyRecord | None) -> ListedKey | None:
        keys = await self.simulated_page.keys() if record else ()
        return next((key for key in keys if record and key.api_key.fingerprint() == record.name.fingerprint), None)

    def _finding(self, subject: str, outcome: Outcome, observed: str) -> Finding:
        return Finding(subject, outcome, observed, self.flow.context.clock())

    def _list(self) -> str:
        return self.flow.context.journal.whitelist_of(self.flow.context.rotation)
