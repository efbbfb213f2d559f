"""Plays the user through the flow."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.flow import Flow
from wizard.rotation.model import Finding, Grade, Mode, Outcome, Step
from wizard.rotation.retirement import POLLS_IN_A_ROW
from wizard.unattended.mending import Mender
from wizard.unattended.played import PlayedStep, Shortfall

SCHEMA = 1
MOST_POLLS = 20
MOST_MENDINGS = 5

OnStep = Callable[[PlayedStep], object]
OnMending = Callable[[str], object]


class Player:
    """Walks one rotation as a user would, with the simulated page in the role of the exchange's page."""

    def __init__(
        self,
        flow: Flow,
        simulated_page: SimulatedPage,
        kind: KeyKind,
        on_step: OnStep,
        *,
        mender: Mender,
        on_mending: OnMending = lambda _: None,
    ) -> None:
        self._flow = flow
        self._simulated_page = simulated_page
        self._kind = kind
        self._on_step = on_step
        self._mender = mender
        self._on_mending = on_mending
        self._steps: list[PlayedStep] = []
        self._grade: Grade = Grade.INCONCLUSIVE

    async def play(self) -> bool:
        """Play from wherever the rotation stands; return whether the legacy key was proven dead and purged.

        Only a proven death is enough: for less, a person has to give the key up.
        """
        if self._flow.rotation is None:
            await self._flow.begin(Mode.ROTATE)
        acts: dict[str, Callable[[], Awaitable[Sequence[Finding]]]] = {
            "egress": self._egress,
            "whitelist": self._whitelist,
            "credentials": self._credentials,
            "probe": self._probe,
            "retire": self._retire,
        }
        while self._flow.step is not None:
            step = self._flow.step
            if not (await self._act(step, acts[step]) or await self._mend(step)):
                return False
        return self._grade is Grade.PROVEN

    def as_json(self) -> dict[str, Any]:
        """Return the whole rehearsal as JSON shapes: steps, grade, where the credentials ended."""
        return {
            "schema": SCHEMA,
            "scenario": self._mender.scenario.name,
            "steps": [step.as_json() for step in self._steps],
            "grade": self._grade,
            "credentials": [
                {
                    "fingerprint": key.name.fingerprint,
                    "last_four": key.name.last_four,
                    "kind": key.kind,
                    "slot": key.slot,
                    "holding": key.holding,
                    "item": key.item,
                    "store": key.store,
                }
                for key in self._flow.context.journal.keys(self._flow.context.environment.name)
            ],
        }

    async def _act(self, name: str, act: Callable[[], Awaitable[Sequence[Finding]]]) -> bool:
        begun = time.perf_counter()
        try:
            evidence = tuple(await act())
            outcome = Outcome.PASSED
        except Shortfall as error:
            evidence, outcome = error.evidence, error.outcome
        except WizardError as error:
            evidence = (Finding(name, Outcome.FAILED, " ".join(error.sentences()), self._flow.context.clock()),)
            outcome = Outcome.FAILED
        played = PlayedStep(name, outcome, evidence, time.perf_counter() - begun)
        self._steps.append(played)
        self._on_step(played)
        return outcome is Outcome.PASSED

    async def _mend(self, step: Step) -> bool:
        mended = sum(bool(played.mending) for played in self._steps)
        if step is not Step.PROBE or mended >= MOST_MENDINGS:
            return False
        try:
            mending = await self._mender.mend()
        except WizardError as error:
            self._on_mending(" ".join(error.sentences()))
            return False
        if mending:
            self._steps[-1] = replace(self._steps[-1], mending=mending)
            self._on_mending(mending)
        return bool(mending)

    async def _egress(self) -> Sequence[Finding]:
        finding = self._flow.egress.finding(await self._flow.egress.detect())
        if not finding.passed:
            raise Shortfall([finding], finding.outcome)
        self._flow.advance(Step.EGRESS)
        return [finding]

    async def _whitelist(self) -> Sequence[Finding]:
        finding = self._flow.whitelist.settle(self._flow.whitelist.proposal())
        self._flow.advance(Step.WHITELIST)
        return [finding]

    async def _credentials(self) -> Sequence[Finding]:
        finding = await (self._store_ed25519() if self._kind is KeyKind.ED25519 else self._store_hmac())
        self._flow.advance(Step.CREDENTIALS)
        return [finding]

    async def _store_hmac(self) -> Finding:
        made = await self._simulated_page.create("new", KeyKind.HMAC, self._list(), enableSpotAndMarginTrading=True)
        return await self._flow.credentials.store_hmac(made.api_key, made.secret)

    async def _store_ed25519(self) -> Finding:
        public_key = await self._flow.credentials.public_key()
        made = await self._simulated_page.create(
            "new", KeyKind.ED25519, self._list(), public_key=public_key, enableSpotAndMarginTrading=True
        )
        return await self._flow.credentials.store_ed25519(made.api_key)

    async def _probe(self) -> Sequence[Finding]:
        report = await self._flow.probe.run()
        if not report.is_proven:
            failed = any(finding.outcome is Outcome.FAILED for finding in report.findings)
            raise Shortfall(report.findings, Outcome.FAILED if failed else Outcome.INCONCLUSIVE)
        await self._flow.complete(report)
        return report.findings

    async def _retire(self) -> Sequence[Finding]:
        await self._delete_legacy()
        seen_alive = 0
        for _ in range(MOST_POLLS):
            death = await self._flow.retire.poll()
            seen_alive += death.grade is Grade.ALIVE
            if POLLS_IN_A_ROW in (death.in_a_row, seen_alive):
                break
            await self._flow.retire.wait()
        if death.grade is not Grade.PROVEN:
            self._grade = death.grade
            finding = Finding(
                "Death",
                Outcome.INCONCLUSIVE,
                death.sentence,
                self._flow.context.clock(),
                does_not_prove=death.does_not_prove,
            )
            raise Shortfall([finding], Outcome.FAILED if death.grade is Grade.ALIVE else Outcome.INCONCLUSIVE)
        certificate = await self._flow.purge()
        # What was proven is told of a certificate that was kept, not before.
        self._grade = certificate.grade or Grade.INCONCLUSIVE
        now = self._flow.context.clock()
        return [
            Finding(
                "Death",
                Outcome.PASSED,
                certificate.proof,
                now,
                from_address=certificate.egress,
                does_not_prove=certificate.does_not_prove,
            ),
            Finding(
                "Purge",
                Outcome.PASSED,
                f"The secret of {certificate.legacy} is gone from {certificate.current_store}.",
                now,
            ),
        ]

    async def _delete_legacy(self) -> None:
        legacy = self._flow.retire.legacy
        for key in await self._simulated_page.keys():
            if legacy and key.api_key.fingerprint() == legacy.name.fingerprint:
                await self._simulated_page.delete(key.api_key)

    def _list(self) -> str:
        return self._flow.context.journal.whitelist_of(self._flow.context.rotation)
