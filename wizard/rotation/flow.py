"""The flow of a rotation: pure data in, evidence out. Screens, lines and rehearsals are its clients.

Where a rotation stands is in the journal alone; a `Flow` made after a crash goes on where the one
before it ended.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from wizard.core.errors import Exit, WizardError
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.selection import Candidate, candidates
from wizard.intake.copies import Copies
from wizard.rotation.context import Context
from wizard.rotation.delivery import AT_THE_END, Deliveries
from wizard.rotation.host_proofs import proven_hosts
from wizard.rotation.journal import LIST_CHANGED
from wizard.rotation.model import TITLES, Finding, Mode, RotationRecord, Step, exit_code
from wizard.rotation.probe import IMPORTED, ProbeReport
from wizard.rotation.report import Report
from wizard.rotation.retirement import Death
from wizard.rotation.state_machine import JOBS, Facts, Move, Transition, refuse_misfit, transition
from wizard.rotation.steps.address_selection import AddressSelection
from wizard.rotation.steps.credentials import CredentialsStep
from wizard.rotation.steps.delete import DeleteStep
from wizard.rotation.steps.egress import EgressStep
from wizard.rotation.steps.hosts import HostsStep
from wizard.rotation.steps.probe import ProbeStep
from wizard.rotation.steps.retire import PURGING, RetireStep
from wizard.rotation.steps.whitelist import WhitelistStep
from wizard.rotation.sub_account_keys import RESTRICTED, SubAccountKeys
from wizard.rotation.unknown_items import UnknownItems
from wizard.rotation.unused_keys import UNKNOWN, answers, is_no_key, to_set_aside

CERTIFIED = "rotation.certified"
STORED = "stored"
CHANGED = "whitelist changed"
LOOKED_AFTER = "keys looked after"
"""How a rotation ends that had no legacy key."""
SLOT_WORDS = {
    Slot.CURRENT: "current",
    Slot.PENDING: "new",
    Slot.DRAFT: "unfinished",
    Slot.LEGACY: "legacy",
    Slot.UNUSED: "unused",
}
"""What people call a key in a slot."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was checked before the user touches the exchange."""

    environment: str
    storage: Finding
    recovered: tuple[str, ...] = ()
    """What an interrupted run had left, and what was done about it."""
    missing: tuple[KeyRecord, ...] = ()
    """Keys that the journal calls stored, and that the place of the credentials does not hold."""
    unknown_items: tuple[str, ...] = ()
    """Items of this environment that the journal does not know."""

    def losses(self) -> tuple[str, ...]:
        """Return a sentence for each missing key, and one for all unknown items."""
        missing = tuple(
            f"The {SLOT_WORDS[one.slot]} key {one.name} is missing. It was stored in {one.store},"
            " and the place that is open now does not hold it."
            for one in self.missing
        )
        if not self.unknown_items:
            return missing
        keys = "1 stored key is" if len(self.unknown_items) == 1 else f"{len(self.unknown_items)} stored keys are"
        command = f"key-wizard storage {self.environment}"
        return (*missing, f"{keys} unknown to the wizard. Close the wizard and run this command:\n{command}")


class Flow:
    """One environment under the wizard's hands."""

    def __init__(self, context: Context, preflight: Preflight) -> None:
        self.context = context
        self.preflight = preflight
        self.delete = DeleteStep(context)
        self.egress = EgressStep(context)
        self.hosts = HostsStep(context)
        self.selection = AddressSelection(context)
        self.whitelist = WhitelistStep(context, self.selection)
        self.credentials = CredentialsStep(context)
        self.probe = ProbeStep(context)
        self.retire = RetireStep(context)
        self.deliveries = Deliveries(context)
        self.unknown_items = UnknownItems(context.vault)
        account = context.environment.sub_account
        self.sub_account = SubAccountKeys(context, account, self.credentials) if account else None
        """Its keys can be made and deleted by API; None where a person does so on Binance's page."""

    @property
    def rotation(self) -> RotationRecord | None:
        """The open rotation, or None."""
        return self.context.journal.open_rotation(self.context.environment.name)

    @property
    def step(self) -> Step | None:
        """Where the open rotation stands."""
        return self.rotation.step if self.rotation else None

    @property
    def exit_code(self) -> Exit:
        """What the wizard ends with when it is left now."""
        probed = self.probe.report
        mode = self.rotation.mode if self.rotation else None
        return exit_code(self.step, probed.outcome if probed else None, mode)

    @property
    def current(self) -> KeyRecord | None:
        """The key in use."""
        return self.context.key(Slot.CURRENT)

    @property
    def place(self) -> str:
        """The place of the credentials as a phrase within a sentence."""
        return self.context.vault.store.place

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the open rotation, in order."""
        return JOBS[self.context.rotation.mode].steps

    def is_open(self, step: Step) -> bool:
        """Return whether a step was left without what it is for; only these two can be. Its mark is no tick then."""
        if step is Step.DELETE:
            return self.delete.refused_since is None
        return step is Step.EGRESS and not self.selection.now.evident

    def candidates(self) -> tuple[Candidate, ...]:
        """Return the addresses that can go to the whitelist, and who says so."""
        return candidates(self.selection.now, observation=self.egress.observation, hosts=self.hosts.found())

    @property
    def has_nothing_ticked(self) -> bool:
        """Whether there are addresses for the whitelist and none of them is wanted."""
        candidates = self.candidates()
        return bool(candidates) and not any(candidate.is_wanted for candidate in candidates)

    async def begin(self, mode: Mode) -> RotationRecord:
        """Open a rotation, without what an earlier one left unused; a `WizardError` where the mode does not fit."""
        refuse_misfit(mode, self.current, self.rotation)
        if mode is Mode.RETIRE and not (self.retire.unused or self.retire.legacy):
            raise _out_of_place("No key is left to retire", advice="Choose another job.")
        jobs = self.context.journal.rotations(self.context.environment.name, last=1)
        is_import = bool(jobs) and jobs[-1].mode is Mode.ADOPT
        await self._drop_rest("an earlier rotation left it unused", is_import=is_import)
        # What was typed, asked or chosen for another rotation is not for this one.
        self.egress.observation = None
        self.hosts = HostsStep(self.context)
        self.whitelist = WhitelistStep(self.context, self.selection)
        return self.context.journal.begin_rotation(self.context.environment.name, mode)

    async def settle(self) -> Report | None:
        """Take the step that an interrupted run had earned but not taken; return the report where that was all."""
        if not self.is_earned:
            return None
        if self.step is Step.DONE:
            return await self._finish()
        return await self._finish(self.retire.retired, self.retire.death())

    @property
    def is_earned(self) -> bool:
        """Whether nothing but the report is left of the open job: an interrupted run did the rest."""
        if self.step is not Step.RETIRE:
            return self.step is Step.DONE
        is_about_unused = self.context.rotation.mode is Mode.RETIRE and bool(self.retire.unused)
        return self.retire.legacy is None and not is_about_unused

    def _may(self, move: Move, *, is_proven: bool = False) -> Transition | None:
        """Return a move that the job may take now; None where it may not."""
        if (rotation := self.rotation) is None:
            return None
        now = Facts(
            has_list=bool(self.context.journal.whitelist_of(rotation)),
            has_new_key=self.credentials.pending is not None,
            is_proven=is_proven,
            has_legacy=self.retire.legacy is not None,
            accepts_legacy=rotation.step is Step.RETIRE and self.retire.accepts_legacy,
        )
        return transition(rotation, move, now)

    def _take(self, move: Move, *, is_proven: bool = False) -> Transition:
        """Return a move that the job takes now; a `WizardError` where it may not."""
        if (taken := self._may(move, is_proven=is_proven)) is None:
            where = f"The job stands at {TITLES[self.step]}." if self.step else "No job is open."
            raise _out_of_place("This cannot be done now", why=where, advice="Go on with the step that is shown.")
        return taken

    def advance(self, from_step: Step) -> Step:
        """Move on from `from_step`; only `complete` leads out of the probe, and `purge` out of the retirement.

        Raises `WizardError` where the step has not done what it is for.
        """
        if self.step is not from_step or from_step in (Step.PROBE, Step.RETIRE):
            return self.context.rotation.step
        self.context.journal.move(self._take(Move.NEXT))
        return self.context.rotation.step

    def back(self) -> Step:
        """Move to the step before, and return where we are; after promotion there is no way back."""
        if taken := self._may(Move.BACK):
            self.context.journal.move(taken)
        return self.context.rotation.step

    async def complete(self, report: ProbeReport) -> Report | None:
        """Switch to the proven key, or take the list as proven; then go on to retirement, or finish.

        Raises `WizardError` where the rotation left the probe, the report does not allow it, or the keyring refused to
        drop what is not needed any more; the switch then stands, and calling again finishes.
        """
        mode = self.context.rotation.mode
        if self.step is Step.PROBE:
            await self.probe.confirm(report)
            if mode is Mode.WHITELIST:
                record = self._take(Move.RECORD, is_proven=True)
                self.context.journal.record_whitelist(record, self.probe.subject())
            else:
                unused = self._unused(report.item, is_import=mode is Mode.ADOPT)
                self.context.journal.promote(self._take(Move.SWITCH, is_proven=True), report.item, unused)
        elif self.step not in (Step.RETIRE, Step.DONE):
            raise _out_of_place("The new key is not in use, as the Probe step was left", advice="Probe it again.")
        return None if self.step is Step.RETIRE else await self._finish()

    async def purge(self, last_four: str | None = None) -> Report:
        """Purge the secrets of dead keys and close the rotation with its report; see `RetireStep.purge`."""
        legacy = self.retire.legacy
        still_held = await self.still_held()
        death = await self.retire.purge(last_four)
        return await self._finish(legacy, death, still_held)

    async def drop_unused_key(self, record: KeyRecord, last_four: str, *, stays: bool) -> Report | None:
        """Delete the secret of an unused key, see `RetireStep.drop_unused`; return the report where that was all."""
        await self.retire.drop_unused(record, last_four, stays=stays)
        return await self.settle()

    @property
    def can_be_reverted(self) -> bool:
        """Whether the switch can be undone: Binance accepts the legacy key, whatever it says to the current one."""
        return self._may(Move.UNDO) is not None

    def revert(self) -> None:
        """Make the legacy key the current one again, and stand at the probe, where `can_be_reverted`."""
        if (undo := self._may(Move.UNDO)) is None:
            raise WizardError(
                "The switch cannot be undone now",
                why="Binance did not accept the legacy key when it was asked last.",
                advice="Ask again.",
                code="rotation.not-reverted",
            )
        self.context.journal.revert(undo)

    @property
    def can_forget(self) -> bool:
        """Whether the keys that are missing can be struck off now: a current one only while no rotation is open."""
        missing = self.preflight.missing
        return bool(missing) and (self.rotation is None or all(one.slot is not Slot.CURRENT for one in missing))

    async def forget_missing(self) -> None:
        """Strike the keys that are still missing off the journal, where `can_forget`. Nothing on Binance changes."""
        if not self.can_forget:
            raise _out_of_place("The missing key belongs to an open job", advice="Give that job up first.")
        for record in await self.context.vault.missing():
            self.context.vault.forget(record)
        self.preflight = replace(self.preflight, missing=())

    async def adopt_item(self, item: str) -> Finding:
        """Take the key that an unknown item holds for the new one, as a new item of this journal; stand at the probe.

        A rotation that adopts is begun where none is open. The item itself stays until the user deletes it. Raises
        `WizardError` where a key is in use and no rotation is open, the open one does not wait for credentials, the
        item is gone or holds no whole key, or the place cannot be used.
        """
        with await self.unknown_items.credentials(item) as credentials:
            if self.rotation is None:
                await self.begin(Mode.ADOPT)
            if self.step is not Step.CREDENTIALS:
                raise _out_of_place("The open job does not wait for a key", advice="Go to its Credentials step.")
            finding = await self.credentials.store(credentials)
        self.advance(Step.CREDENTIALS)
        return finding

    async def abandon(self) -> None:
        """Give the rotation up, before the switch: the current key stays, a new one is unused from now on."""
        given_up = self._may(Move.GIVE_UP)
        if given_up is None:
            raise _out_of_place("The new key is in use already", advice="Delete the legacy key on Binance, then go on.")
        await self._drop_rest("the rotation was abandoned", is_import=self.context.rotation.mode is Mode.ADOPT)
        self.context.journal.finish(given_up, "abandoned")

    async def still_held(self) -> Copies:
        """Look for plain-text copies of the legacy key; a `WizardError` where its values cannot be read."""
        legacy = self.retire.legacy
        return await self._copies_of(legacy if legacy and legacy.holding is Holding.STORED else None)

    async def _copies_of(self, key: KeyRecord | None) -> Copies:
        async with self.context.credentials(key) as found:
            return await self.credentials.find_copies(found) if found else Copies()

    async def _finish(
        self, legacy: KeyRecord | None = None, death: Death | None = None, copies: Copies | None = None
    ) -> Report:
        mode = self.context.rotation.mode
        await self._drop_rest("another key took its place", is_import=mode is Mode.ADOPT)
        with suppress(WizardError):  # what is due stays due
            await self.deliveries.run(within=AT_THE_END)
        finished = self._take(Move.FINISH)
        rotation, current = finished.rotation, self.current
        assert current is not None  # noqa: S101 - a rotation is finished only after a promotion
        now, copies = self.context.clock(), copies or await self._copies_of(current if mode is Mode.ADOPT else None)
        changed = self.context.journal.events(rotation, LIST_CHANGED)
        dead_since = death.since if death and death.since is not None else now
        report = Report(
            environment=rotation.environment,
            rotation=rotation.number,
            job=rotation.mode,
            started_at=rotation.started_at,
            finished_at=now,
            current=current.name,
            current_store=current.store,
            whitelist=current.whitelist,
            whitelist_before=next((str(each.detail["before"]) for each in changed), None),
            egress=self.context.egress or current.proven_from,
            legacy=legacy.name if legacy else None,
            grade=death.grade if legacy and death else None,
            proof=death.sentence if legacy and death else "",
            does_not_prove=death.does_not_prove if legacy and death else "",
            overlap_seconds=max(0.0, dead_since - current.stored_at) if legacy else 0.0,
            still_held=copies.found,
            not_looked_at=copies.unknown,
            undelivered=tuple(one.finding.observed for one in self.deliveries.states if one.finding.advice),
            proven_hosts=proven_hosts(self.context.journal, rotation),
            unused=self.retire.unused_keys(),
            never_known=self._never_known,
            accepted_until=self._accepted_until(legacy) if rotation.mode is Mode.LEAKED else None,
            refused_since=self._refused_since(death) if rotation.mode is Mode.LEAKED else None,
            is_open=any(each.detail["is_open"] for each in self.context.journal.events(rotation, IMPORTED)[-1:]),
            was_list_read=bool(self.context.journal.events(rotation, RESTRICTED)),
        )
        ends = {Mode.WHITELIST: CHANGED, Mode.RETIRE: LOOKED_AFTER}
        outcome = death.grade if legacy and death else ends.get(mode, STORED)
        self.context.journal.finish(finished, outcome, CERTIFIED, asdict(report))
        return report

    def _accepted_until(self, leaked: KeyRecord | None) -> float | None:
        polled = [poll.at for poll in self.retire.polls() if poll.legacy_accepted]
        return max(filter(None, (leaked.proven_at if leaked else None, *polled)), default=None)

    def _refused_since(self, death: Death | None) -> float | None:
        lived = any(poll.legacy_accepted for poll in self.retire.polls())
        at_retirement = death.since if death else None
        return at_retirement if lived else self.delete.refused_since or at_retirement

    def _unused(self, item: str = "", *, is_import: bool) -> list[str]:
        return to_set_aside(self.context.journal, self.context.environment.name, item, is_import=is_import)

    async def _drop_rest(self, reason: str, *, is_import: bool) -> None:
        """Purge drafts, and entered keys that do not live; those that may live are unused from now on."""
        unused = self._unused(is_import=is_import)
        idle = (Slot.PENDING, Slot.DRAFT, Slot.UNUSED)
        keys = [key for key in self.context.journal.kept_keys(self.context.environment.name) if key.slot in idle]
        if fresh := [key.item for key in keys if key.slot is Slot.PENDING and key.item in unused]:
            self.context.journal.set_aside(self.context.environment.name, fresh)
        for key in keys:
            if key.item not in unused and key.holding is Holding.STORED:
                is_key = key.slot is not Slot.DRAFT and bool(key.name.last_four)  # not swapped values
                never_known = is_key and is_no_key(answers(self.context.journal, key.name.fingerprint))
                await self.context.vault.purge(key, UNKNOWN if never_known else reason)

    @property
    def _never_known(self) -> int:
        """How many of the API keys that were entered in this job the exchange never knew."""
        purged = [event.detail for event in self.context.journal.events(self.context.rotation, PURGING)]
        return len({str(each["fingerprint"]) for each in purged if each["reason"] == UNKNOWN})


def _out_of_place(what: str, advice: str, why: str = "") -> WizardError:
    """What was asked for does not fit where the rotation stands; nothing was changed."""
    return WizardError(what, why=why, advice=advice, code="rotation.out-of-place")
