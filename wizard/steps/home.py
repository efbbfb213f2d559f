"""Home: the environments, what can be done in each, and what to do where the place of the credentials does not open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from wizard.core.clock import duration, utc
from wizard.core.errors import WizardError
from wizard.core.settings import Place
from wizard.core.text import capitalised
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.questions import CHOICES, CHOOSE, OPENBAO, QUESTIONS, Choice
from wizard.rotation.journal import read_journal
from wizard.rotation.model import JOB_NAMES, TITLES, Mode, Step
from wizard.rotation.state_machine import JOBS
from wizard.steps.presenter import Face, Presenter, job_phrase
from wizard.steps.view import PRIMARY, Action, Consent, Row, State, View, split_verdict

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow
    from wizard.rotation.journal import Journal, Overview
    from wizard.steps.session import EnvironmentSession

Result = TypeVar("Result")

OLD = 90 * 86400.0
"""Seconds. Binance's blog recommends a new key every 30 to 90 days (square posts 276340 and 380736)."""
QUESTION = "Do you already have a key?"
ROOM = 46
"""Columns for the place of the credentials, beside the title on 60."""
COLUMNS = ("Environment", "Site", "Current key", "Age", "Status")
_DOES = {
    Step.EGRESS: "find the address that Binance sees",
    Step.DELETE: "delete the leaked key on Binance",
    Step.WHITELIST: "check the list that you will paste",
    Step.APPLY: "paste it into the key on Binance",
    Step.CREDENTIALS: "create the key and store it here",
    Step.PROBE: "prove that it works, then switch",
    Step.RETIRE: "prove that the legacy key is dead",
}
_HEADS = {
    Mode.ROTATE: "Replace {name} · about 5 minutes",
    Mode.WHITELIST: "Change the whitelist of {name} · about 3 minutes",
    Mode.ADOPT: "Import the key that you already use",
    Mode.RETIRE: "Retire the keys that were never used",
}
"""What the likeliest job is called above its steps."""
_ELSE = {
    (Mode.ADOPT, Step.CREDENTIALS): "read your key from a file, or paste it",
    (Mode.ADOPT, Step.PROBE): "prove that it works from here",
    (Mode.SET_UP, Step.PROBE): "prove that it works from here",
    (Mode.WHITELIST, Step.PROBE): "prove that the key works from here",
    (Mode.RETIRE, Step.RETIRE): "prove that unused keys are dead",
}
"""In the place of `_DOES`."""
_BY_API = {
    Step.DELETE: "delete the leaked key by API",
    Step.WHITELIST: "check the list of the key",
    Step.APPLY: "change it by API, read it back",
    Step.CREDENTIALS: "create the key by API, store it here",
    Step.RETIRE: "delete the legacy key by API",
}
"""The same for a sub-account whose keys its master account manages."""


class HomePresenter(Presenter):
    """Lists the environments and begins their jobs. An environment that there is no choice about is opened at once."""

    TITLE = "Key Wizard"
    ABOUT: ClassVar[str] = (
        "Choose an environment. Enter begins its likeliest job, or resumes the open one."
        " The wizard first tries {place} with a test value, and reads it back. Nothing on Binance changes here."
    )
    TAKES_ENTER_EARLY = True

    def __init__(self, session: EnvironmentSession, face: Face) -> None:
        super().__init__(face)
        self._session = session
        self._environments = session.environments
        self._overviews: tuple[Overview, ...] = ()
        self._at = self._settled = ""
        """The environment that actions are about, and the one that there is no choice about."""
        self._label = ""
        """The place of the credentials, as it names itself."""
        self._session.problem = self._look()

    @property
    def location(self) -> tuple[str, str]:
        """The program, and the place of the credentials."""
        label = self._session.flow.context.vault.store.label if self._session.flow else self._label
        place = label if 0 < len(label) <= ROOM else capitalised(self._session.place)
        return f"{self.TITLE} · rehearsal" if self._environments.about else self.TITLE, place

    def _look(self) -> WizardError | None:
        """Read the environments anew; return why they cannot be read."""
        try:
            self._overviews = self._environments.overviews()
        except WizardError as error:
            return error
        names = [one.environment.name for one in self._overviews]
        if self._at not in names:
            is_open = self._session.flow.context.environment.name if self._session.flow else ""
            wished = is_open or self._session.named or (names[0] if len(names) == 1 else "")
            self._settled = wished if wished in names else ""
            self._at = self._settled or (names[0] if names and self.face.is_live else "")
        return None

    async def begin(self) -> None:
        """Start a rehearsal; open the environment that there is no choice about, or try the place of all."""
        from wizard.steps import deadlines  # noqa: PLC0415 - the home screen is there before

        if not self._overviews and self._session.problem is None:
            await self.face.attempt(self._environments.open, "Opening", deadlines.CUSTODY)
            self._session.problem = self._look()
        if self._session.flow or self._session.problem or not self._overviews:
            return
        if self._settled:
            await self._open()
            await self._begin_named_job()
        elif self._environments.custodian:
            await self._attempt(self._try_place, f"Opening {self._session.place}")

    async def retry(self) -> None:
        """Try again to open what did not open."""
        self._session.problem = self._look()
        await self.begin()

    def point(self, item: str) -> bool:
        """Have the actions be about the environment under the cursor."""
        is_another, self._at = item != self._at, item
        if is_another and not isinstance(self._session.problem, CustodyError):
            self._session.problem = None
        return is_another

    async def choose(self, item: str) -> None:
        """Have the actions be about another environment."""
        self.point(item)

    # --- open an environment --------------------------------------------------------------------

    async def _attempt(self, work: Callable[[], Awaitable[object]], doing: str) -> None:
        """Do it; the page says why it failed."""
        from wizard.steps import deadlines  # noqa: PLC0415

        async def whole() -> WizardError | None:
            try:
                await work()
            except WizardError as error:
                return error
            return None

        problem = await self.face.attempt(whole, doing, deadlines.CUSTODY)
        self._session.problem = self._look() or problem
        if isinstance(problem, CustodyError) and problem.remedy in {Remedy.OPEN_FILE, Remedy.MAKE_FILE}:
            await self.open_place()  # there is nothing else to choose

    async def _open(self) -> None:
        await self._attempt(partial(self._session.open, self._overview.environment), f"Opening {self._at}")

    async def _try_place(self) -> None:
        if custodian := self._environments.custodian:
            self._environments.paths.create()  # the choice of another place is written there
            self._label = (await custodian.open()).label

    async def _is_ready(self) -> bool:
        """Open the environment; return False where there is something to look at first."""
        if self._flow is not None:
            return True
        job = self._overview.open_rotation, self._overview.current
        await self._open()
        return job == (self._overview.open_rotation, self._overview.current) and self._is_as_expected()

    def _is_as_expected(self) -> bool:
        flow = self._flow
        return flow is not None and not (flow.preflight.recovered or flow.preflight.losses())

    @property
    def _overview(self) -> Overview:
        return next(one for one in self._overviews if one.environment.name == self._at)

    @property
    def _flow(self) -> Flow | None:
        """The environment at the cursor, where it is the open one."""
        flow = self._session.flow
        return flow if flow and flow.context.environment.name == self._at else None

    # --- jobs -----------------------------------------------------------------------------------

    async def start(self, mode: Mode) -> None:
        """Begin a job."""
        if (
            await self._is_ready()
            and (flow := self._flow)
            and await self._change(partial(flow.begin, mode), "Starting")
        ):
            self.face.leave()

    async def _begin_named_job(self) -> None:
        """Begin the job that the command line names, or resume it, unless there is something to look at first."""
        if self._flow is None or (mode := self._session.job) is None:
            return
        self._session.job = None
        if self._is_as_expected():
            is_open = self._overview.open_rotation
            await (self.resume() if is_open and is_open.mode is mode else self.start(mode))

    async def resume(self) -> None:
        """Go on where the open job stands, or show its report where only that was left."""
        if not await self._is_ready() or (flow := self._flow) is None:
            return
        if not flow.is_earned:
            self.face.leave()
            return
        done = await self._change(flow.settle, "Finishing the job")
        if done and done[0]:
            self.face.finish(done[0])

    async def give_up(self) -> None:
        """Give the open job up, when that is wanted."""
        if (
            await self._is_ready()
            and (flow := self._flow)
            and await self.face.confirm(_abandoning(flow))
            and await self._change(flow.abandon, "Giving the job up")
        ):
            self.face.note("You gave the job up. The current key did not change.")

    async def delete_record(self) -> None:
        """Delete the record of a key that is not stored any more, when that is wanted."""
        flow = self._session.flow
        if (
            flow
            and await self.face.confirm(_forgetting(flow))
            and await self._change(flow.forget_missing, "Looking for it once more")
        ):
            self.face.note("The record is deleted.")

    async def _change(self, work: Callable[[], Awaitable[Result]], doing: str) -> tuple[Result] | None:
        """Do it; return what it comes to, or None where it failed."""
        from wizard.steps import deadlines  # noqa: PLC0415

        async def whole() -> tuple[Result]:
            return (await work(),)

        done = await self.face.attempt(whole, doing, deadlines.CUSTODY)
        self._session.problem = self._look()
        return done

    # --- the place of the credentials -----------------------------------------------------------

    async def open_place(self) -> None:
        """Ask for the password that opens the place of the credentials, or makes it."""
        from wizard.steps.passwords import remedying  # noqa: PLC0415

        form = remedying(self._environments.custodian, self._session.problem)
        if form and await self.face.fill(form):
            await self.retry()

    async def use_file(self) -> None:
        """Keep credentials in the encrypted file from now on."""
        from wizard.steps.passwords import choosing_file  # noqa: PLC0415

        custodian = self._environments.custodian
        if custodian and await self.face.fill(choosing_file(custodian, is_new=not await custodian.has_file())):
            await self.retry()

    # --- to read --------------------------------------------------------------------------------

    async def show_keyring_help(self) -> None:
        """Say what to do to get a keyring here, each command alone on its line."""
        problem = self._session.problem
        if isinstance(problem, CustodyError):
            steps = [line for each in problem.instructions for line in (f"{each.title}.", *each.commands, "")]
            if steps and self.face.is_live:  # a frame breaks long lines
                steps += ["To copy the commands, let a shell print them.", "key-wizard storage"]
            await self.face.read("How to get a keyring here", *(steps or problem.sentences()))

    async def show_openbao_help(self) -> None:
        """Say how to keep the credentials in OpenBao."""
        custodian = self._environments.custodian
        file = custodian.settings if custodian else "config.toml"
        title = f"{OPENBAO.title}.".replace("config.toml", str(file))
        await self.face.read("How to use OpenBao", title, *OPENBAO.commands)

    async def show_services(self) -> None:
        """Say how a program that runs as a service gets the credentials."""
        from wizard.custody.custodian import explain_services  # noqa: PLC0415

        await self.face.read("Credentials for a service", *explain_services(self._at))

    async def show_history(self) -> None:
        """Show the finished jobs and what they proved, the newest first."""
        with read_journal(self._environments.paths) as journal:
            jobs = [line for job in _finished(journal, self._at) for line in job]
        await self.face.read(f"History of {self._at}", *(jobs or ["No job has finished yet."]))

    # --- the view -------------------------------------------------------------------------------

    def view(self) -> View:
        """Return the environments, or what stands in the way of them."""
        if isinstance(self._session.problem, CustodyError) and (custodian := self._environments.custodian):
            return self._closed(self._session.problem, is_keyring=custodian.custody.place is Place.KEYRING)
        state, (verdict, *because) = self._verdict()
        fix = (self._session.problem.advice,) if self._session.problem else ()
        storage = self._flow.preflight.storage if self._flow else None
        return View(
            state,
            verdict,
            because=(*because, *self._spoken_plan()),
            fix=fix,
            columns=COLUMNS if self._overviews else (),
            rows=tuple(map(self._row, self._overviews)),
            cursor=self._at,
            evidence=(Row((storage.observed,), State.GOOD if storage.passed else State.LOOK),) if storage else (),
            not_proven=storage.does_not_prove if storage else "",
            actions=tuple(self._actions()),
        )

    def _spoken_plan(self) -> Iterator[str]:
        """Say the job of the environment at hand, where there is no row under a cursor to show it."""
        if self._at and not self.face.is_live:
            yield from filter(str.strip, self._plan(self._overview))

    def _verdict(self) -> tuple[State, tuple[str, ...]]:
        problem, flow = self._session.problem, self._flow
        if problem:
            return State.STOP, (f"{problem.what.rstrip('.')}.", *filter(None, (problem.why,)))
        if flow and (losses := flow.preflight.losses()):
            first, others = split_verdict(losses[0])
            return State.LOOK, (first, *others, *losses[1:])
        if flow and flow.preflight.recovered:
            return State.LOOK, ("A run was interrupted. This was done about it.", *flow.preflight.recovered)
        if self._environments.about:
            return State.EMPTY, self._environments.about
        has_none = self._at and not (self._overview.current or self._overview.open_rotation)
        return State.EMPTY, (QUESTION if has_none else "",)

    def _row(self, one: Overview) -> Row:
        now, current = self._environments.clock(), one.current
        state, status = _status(one, now)
        return Row(
            (
                one.environment.name,
                "sub-account" if one.environment.sub_account else one.environment.site.name,
                f"{current.name} {current.kind.label}" if current else "none",
                _age(now - current.stored_at) if current else "–",
                status,
            ),
            state,
            sign_before=4,
            item=one.environment.name,
            detail=tuple(self._plan(one)) if self.face.is_live else (),
        )

    def _plan(self, one: Overview) -> Iterator[str]:
        job = one.open_rotation
        mode = job.mode if job else _likeliest(one)
        name = one.current.name if one.current else ""
        if job:
            yield f"Resume at {_numbered(mode, job.step)} · {job_phrase(mode, one.legacy or one.current)}"
        else:
            yield f"{_HEADS[mode].format(name=name)} · you can quit at any point"
        managed = one.environment.sub_account
        if managed:
            yield f"The key of {managed.master.name} manages {managed.email} on {one.environment.site.name}."
        if one.unlisted:
            yield f"Your calls came from {one.unlisted} when that was looked up last."
        yield " "
        for number, step in enumerate(JOBS[mode].steps[:-1], 1):
            does = _ELSE.get((mode, step), (_DOES | _BY_API if managed and mode is not Mode.ADOPT else _DOES)[step])
            yield f"{number}  {TITLES[step]:<12} {does}"
        if not job and not one.current:
            yield " "
            yield "No key yet? Create the first one, in 4 steps."

    def _closed(self, problem: CustodyError, *, is_keyring: bool) -> View:
        """Return the one menu for a place of credentials that does not open."""
        choices = CHOICES.values() if is_keyring else ()
        return View(
            State.STOP,
            f"{problem.what}.",
            because=tuple(filter(None, (problem.why,))),
            fix=tuple(filter(None, (problem.advice,))),
            evidence_title=CHOOSE,
            evidence=tuple(Row(choice) for choice in choices if self.face.is_live),
            actions=tuple(self._remedies(problem, is_keyring=is_keyring)),
        )

    def _remedies(self, problem: CustodyError, *, is_keyring: bool) -> Iterator[Action]:
        remedies = []
        if problem.remedy:
            label = capitalised(QUESTIONS[problem.remedy].does)
            remedies.append(Action(problem.remedy, "", label, f"{label}. You type its password.", self.open_place))
        if is_keyring:
            title, does = CHOICES[Choice.ENCRYPTED_FILE]
            remedies.append(Action("file", "o", title, f"{title}. {does}", self.use_file))
        retry = Action("retry", "r", "Retry", "Tries again to open it.", self.retry)
        first, *others = [*remedies, retry]
        yield replace(first, key=PRIMARY)
        yield from others
        if is_keyring:
            title, does = CHOICES[Choice.KEYRING_HELP]
            yield Action("keyring", "v", "Get a keyring", f"{title}. {does}", self.show_keyring_help)
            title, does = CHOICES[Choice.OPENBAO]
            yield Action("openbao", "V", "Use OpenBao", f"{title}. {does}", self.show_openbao_help)

    def _actions(self) -> Iterator[Action]:
        if self._session.problem or not self._overviews:
            yield Action("retry", PRIMARY, "Retry", "Tries again to open it.", self.retry)
        elif self._at:
            yield from self._jobs(self._overview)
        if len(self._overviews) > 1:
            does = "Chooses an environment."
            yield Action("choose", "", "Choose", does, self.choose, is_about_row=True, is_in_footer=False)

    def _possible_jobs(self, one: Overview) -> list[Action]:
        """Return what can be begun, the likeliest first."""
        name = one.current.name if one.current else ""
        about_key, about_list = f"Replaces {name}, step by step.", f"Changes the whitelist of {name} on Binance."
        about_import = "Imports the key that you already use."
        about_leak = f"{'Deletes' if one.environment.sub_account else 'Has you delete'} {name} first, then replaces it."
        jobs = {
            Mode.ROTATE: Action("replace", "a", "Replace", about_key, partial(self.start, Mode.ROTATE)),
            Mode.WHITELIST: Action("whitelist", "w", "Whitelist", about_list, partial(self.start, Mode.WHITELIST)),
            Mode.LEAKED: Action("leaked", "l", "Leaked", about_leak, partial(self.start, Mode.LEAKED)),
            Mode.ADOPT: Action("import", "i", "Import it", about_import, partial(self.start, Mode.ADOPT)),
            Mode.SET_UP: Action(
                "create", "a", "No, create one", "Creates the first key.", partial(self.start, Mode.SET_UP)
            ),
        }
        if one.unused:
            about_unused = f"Proves that {_names(one)} is dead, and deletes the stored secret."
            jobs[Mode.RETIRE] = Action("retire", "t", "Retire unused", about_unused, partial(self.start, Mode.RETIRE))
        first = _likeliest(one)
        possible = [mode for mode in jobs if JOBS[mode].has_current is bool(one.current)]
        return [jobs[mode] for mode in sorted(possible, key=lambda mode: mode is not first)]

    def _jobs(self, one: Overview) -> Iterator[Action]:
        if job := one.open_rotation:
            yield Action("resume", PRIMARY, "Resume", f"Resumes at {_numbered(job.mode, job.step)}.", self.resume)
            if job.step not in (Step.RETIRE, Step.DONE) or job.mode is Mode.RETIRE:
                yield Action("give-up", "g", "Give up", "Gives the open job up, after a question.", self.give_up)
        else:
            first, *others = self._possible_jobs(one)
            yield replace(first, key=PRIMARY, also=first.key)
            yield from others
        if self._flow and self._flow.can_forget:
            does = "Deletes the record of the missing key, after a question."
            yield Action("delete", "d", "Delete record", does, self.delete_record)
        yield Action("history", "h", "History", "Shows finished jobs and their reports.", self.show_history)
        if self._environments.custodian and one.current:
            does = "Shows how a program that runs as a service gets the credentials."
            yield Action("service", "v", "For a service", does, self.show_services)


def _likeliest(one: Overview) -> Mode:
    if one.current is None:
        return Mode.ADOPT
    if one.unlisted or not one.current.whitelist:
        return Mode.WHITELIST
    return Mode.RETIRE if one.unused else Mode.ROTATE


def _forgetting(flow: Flow) -> Consent:
    keys = ", ".join(str(one.name) for one in flow.preflight.missing)
    return Consent(
        f"Delete the record of {keys}?",
        "If it is stored in another login or on another computer, quit and open the wizard there."
        " Nothing changes on Binance. The key works until you delete it there.",
        "delete",
    )


def _abandoning(flow: Flow) -> Consent:
    stays = f" {flow.current.name} stays in use." if flow.current else ""
    made = " If you created a new key on Binance, delete it there."
    if new := flow.credentials.pending:
        made += f" The wizard keeps {new.name} to ask, and names it until it is dead."
    if flow.context.rotation.mode is Mode.ADOPT:
        made = " Your key on Binance stays."
    if flow.context.rotation.mode is Mode.LEAKED:
        stays = f" {flow.current.name} stays stored. Delete it on Binance." if flow.current else ""
    drop = f"The wizard deletes what was not finished from {flow.place}."
    text = f"{drop}{stays}{made}"
    if flow.context.rotation.mode is Mode.RETIRE:
        text = f"Nothing changes.{stays} The wizard names each unused key until it is dead."
    if flow.context.rotation.mode is Mode.WHITELIST:
        text = f"Nothing stored changes.{stays} A list that you saved on Binance stays there."
    return Consent("Give up this job?", text, "give up")


def _status(one: Overview, now: float) -> tuple[State, str]:
    if one.open_rotation:
        return State.WORKING, f"paused at {_numbered(one.open_rotation.mode, one.open_rotation.step)}"
    if one.legacy or one.unused:
        return State.LOOK, f"legacy key {one.legacy.name} not retired" if one.legacy else f"{_names(one)} not dead yet"
    if one.current is None:
        return State.EMPTY, "not set up"
    if one.unlisted:
        return State.STOP, "address not on the list" if one.current.whitelist else "address changed"
    limit = one.environment.policy.max_age or OLD
    if now - one.current.stored_at > limit or not one.current.whitelist:
        old = f"older than {limit / 86400:g} days"
        return State.LOOK, old if one.current.whitelist else "whitelist not known"
    proven_at = one.current.proven_at
    return (State.GOOD, f"accepted {_age(now - proven_at)} ago") if proven_at else (State.EMPTY, "")


def _names(one: Overview) -> str:
    return ", ".join(str(key.name) for key in one.unused)


def _age(seconds: float) -> str:
    """Return an age in its largest unit: `41 d`."""
    return " ".join(duration(seconds).split()[:2])


def _numbered(mode: Mode, step: Step) -> str:
    return TITLES[step] if step is Step.DONE else f"{JOBS[mode].steps.index(step) + 1} {TITLES[step]}"


def _finished(journal: Journal, environment: str) -> Iterator[list[str]]:
    from wizard.rotation.flow import CERTIFIED  # noqa: PLC0415
    from wizard.rotation.report import restore_report  # noqa: PLC0415

    reports = {event.rotation: restore_report(event.detail) for event in journal.events(kind=CERTIFIED)}
    for job in reversed(journal.rotations(environment)):
        if job.finished_at is not None:
            report = reports.get(job.number)
            facts = [f"  {label:<12} {text}" for label, text in report.lines()] if report else []
            yield [f"{utc(job.finished_at)}  {JOB_NAMES[job.mode].capitalize()}: {job.outcome}", *facts, ""]
