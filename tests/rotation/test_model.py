"""A state machine: whatever user, exchange, network, clock and crashes do in any order, the promises hold.

Each step is an act of a user on the page that is shown, of a user on Binance's page, of another program, or of the
world. Then exchange, place and journal are asked whether the promises of docs/design.md still hold. Nothing waits and
no thread runs, so that an example is the same whenever it is tried.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.commands.conftest import SHAPES, Bench
from tests.examples import FACTOR, examples
from tests.steps.face import FakeFace
from wizard.cli import run
from wizard.core import settings as wizard_settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.safety import Inherited
from wizard.core.secret import Secret
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError, ItemUnreadableError
from wizard.custody.records import Holding, KeyRecord, Slot, decode_item
from wizard.custody.store import MemoryStore
from wizard.egress import detection
from wizard.environments import RealEnvironments
from wizard.exchange.diagnosis import DEATH_CODES
from wizard.exchange.signing import generate_ed25519, sign
from wizard.rehearsal.simulator import EmbeddedExchange
from wizard.rehearsal.simulator.keys import ApiKey, PageKeyKind, hmac_verifier, public_key_verifier
from wizard.rehearsal.simulator.page import read_page_text
from wizard.rotation import exchange_calls
from wizard.rotation.context import Pace
from wizard.rotation.current_credentials import current_key, fetch
from wizard.rotation.database import Database
from wizard.rotation.findings import ACCOUNT, CONTROL, IN_A_ROW, NEW_KEY, SAME_ACCOUNT
from wizard.rotation.flow import CERTIFIED, Flow
from wizard.rotation.journal import Journal, open_journal
from wizard.rotation.model import Grade, Mode, Outcome, Step
from wizard.rotation.opening import open_flow
from wizard.rotation.report import restore_report
from wizard.rotation.state_machine import JOBS
from wizard.steps.credentials import CredentialsPresenter, ImportPresenter
from wizard.steps.form import Form
from wizard.steps.home import HomePresenter
from wizard.steps.pages import PAGES
from wizard.steps.presenter import Face, Presenter, StepPresenter
from wizard.steps.session import EnvironmentSession
from wizard.steps.summary import SummaryPresenter
from wizard.steps.view import PRIMARY, Action, Consent, State

Result = TypeVar("Result")
Stand = tuple[int, Mode, Step] | None
BASE, NAME, ANY, PACE = "http://127.0.0.1:9", "bench", "any address", Pace(patience=60.0)
ADDRESSES = ("203.0.113.42", "203.0.113.92", "198.51.100.7")
CLOCKS = (0.0, 0.0, -1e8, -86400.0, -90.0, 90.0, 86400.0, 1e8)
FAULTS = ("down", "lost", "silent", "limited", "broken", "refused")
EVENTS = ("kill", "kill", "close", "stop", "move", "jump", "place", "delete", "fault", "fault")
"""What may happen in the middle of an act: `stop` is the user's, `place` a place that fails."""
FATES = (*[""] * 15, "kill before", "kill after", "lose")
"""What becomes of a change of the place; most go well."""
TROUBLE = st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(EVENTS), st.integers(1, 40)))
ACTS = [*["go_right"] * 11, *["enter"] * 3, *["press"] * 4, "wait", "use_binance", "change_world", "change_world"]
ACTS += ["leave", "open_another", "run_beside"]
BEGUN = {"replace": 3, "whitelist": 1, "leaked": 2, "import": 1, "create": 1, "retire": 9, "resume": 9, "give-up": 1}
"""What Enter begins at Home, and how likely."""
TEXTS = ("", "203.0.113.42", "198.51.100.7, 203.0.113.92", "203.0.113.42/24", "0.0.0.0/0", "office", "x" * 70)
OWN_PAIR, DEATHS, REACHED = generate_ed25519(), (Grade.PROVEN, Grade.STRONG), Counter[str]()


class Killed(BaseException):
    """As `kill -9`: nothing catches it, and nothing is written after it."""


class InlineLoop(asyncio.SelectorEventLoop):
    """Does at once what would be done in a thread."""

    def run_in_executor(self, _: Any, func: Callable[..., Any], *args: Any) -> Any:
        return self.create_task(self._call(func, *args))

    async def _call(self, func: Callable[..., Any], *args: Any) -> Any:
        return func(*args)


@dataclass
class Call:
    """A signed call as the exchange saw it; `is_seen` where the program saw the answer."""

    at: float
    key: str
    address: str
    path: str = ""
    code: int = -1
    is_seen: bool = False


class Line(httpx.AsyncBaseTransport):
    """The way to the exchange and to the echo services, with what may go wrong on it."""

    def __init__(self, *_: object, **__: object) -> None:
        self._world = Machine.here

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world, key = self._world, request.headers.get("X-MBX-APIKEY", "")
        await world.touch("call")
        is_met = world.faults and (world.faults[-1] == "down" or not request.url.path.startswith("/echo"))
        fault, call = world.faults.pop() if is_met else "", Call(world.now, key, world.address, request.url.path)
        if fault == "down":
            raise httpx.ConnectError("no way", request=request)
        answer = httpx.Response(401, json={"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
        if fault == "limited":
            answer = httpx.Response(429, headers={"Retry-After": "7"}, json={"code": -1003, "msg": "Too many."})
        elif fault == "broken":
            answer = httpx.Response(503, json={})
        elif world.hidden.get(key, 0.0) > world.now:
            answer = httpx.Response(400, json={"code": -2008 if "/sapi" in request.url.path else -2015, "msg": ""})
        elif fault != "refused" or not key:
            answer = await httpx.ASGITransport(world.exchange, client=("127.0.0.1", 1)).handle_async_request(request)
            await answer.aread()
        if key:
            call.code = 0 if answer.is_success else answer.json().get("code", -1)
            world.calls.append(call)
        if fault in ("lost", "silent"):
            raise (httpx.ReadError if fault == "lost" else httpx.ReadTimeout)("no answer", request=request)
        await world.touch("answer")
        call.is_seen = True
        world.worked |= {key} if call.code == 0 and not world.is_quiet else set()
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))


class World(MemoryStore):
    """What outlives a program: the exchange, this place, the journal, what the user knows, and what is true."""

    durable = True

    def __init__(self, home: Path, *, has_sapi: bool) -> None:
        super().__init__()
        self.now, self.ahead, self.home, self.has_sapi = 1.79e9, 0.0, home, has_sapi
        self.exchange = EmbeddedExchange(clock=lambda: self.now, seed=7)
        self.state, self.keys = self.exchange.state, self.exchange.state.keys
        self.move(ADDRESSES[0])
        home.mkdir(mode=0o700)
        os.environ["KEY_WIZARD_HOME"] = str(home)
        self.paths = wizard_settings.paths()
        self.paths.create()
        bench = Bench(BASE, f"{BASE}/desk", self.paths)
        bench.configure(f"has_sapi = {str(has_sapi).lower()}\n")
        bench.use(*SHAPES)
        self.environments = environments(self)
        self.environment = self.environments.overviews()[0].environment
        self.reader: Journal = open_journal(self.paths, self.clock)
        self.made: dict[str, tuple[str, str]] = {}  # API key, and its secret or the public key that was given
        self.ever: dict[str, ApiKey] = {}
        self.calls: list[Call] = []
        self.mark = self.touches = self.seen_events = 0  # the mark is the number of calls before this step
        self.consents: list[tuple[str, str, str]] = []  # what ends a key: question, text, word
        self.hidden: dict[str, float] = {}  # until when a new key is not known yet: its delay is UNKNOWN
        self.jobs: dict[int, int] = {}  # the number of calls before each job
        self.worked: set[str] = set()  # keys that the wizard itself saw accepted: what a command sees is not kept
        self.entered, self.imported, self.edited = set[str](), set[str](), set[str]()
        self.event: tuple[str, int] | None = None
        self.task: asyncio.Future[Any] | None = None
        self.attempt: asyncio.Future[Any] | None = None
        self.random, self.is_dead, self.is_quiet, self.has_moved = Random(0), False, True, False
        self.is_blurred = False  # whether the address ever changed while calls were under way
        self.faults, self.current, self.wrong, self.trail = list[str](), "", list[str](), list[str]()

    def note(self, what: str, more: object = "") -> None:
        self.trail.append(f"{what} {more}")
        REACHED[what] += 1

    def clock(self) -> float:
        return self.now + self.ahead

    async def pause(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        await self.touch("pause")

    def move(self, address: str) -> None:
        self.state.nat, self.address, self.has_moved = {"127.0.0.1": address}, address, True

    def create(self, public: str = "", whitelist: str = "") -> tuple[str, str]:
        """Create a key on Binance's page, and note what it shows."""
        kind, signing = (PageKeyKind.ED25519, public) if public else (PageKeyKind.HMAC, self.state.generator.text())
        verifier = public_key_verifier(kind, public) if public else hmac_verifier(signing)
        may = frozenset({"enableReading", "enableSpotAndMarginTrading"})
        listed = None if whitelist == ANY else read_page_text(whitelist or self.address)
        made = self.state.create_key("bot", kind, verifier, may, listed).api_key
        if not self.is_quiet and self.random.random() < 0.3:
            self.hidden[made] = self.now + 40.0
        return self.made.setdefault(made, (made, signing))

    async def write(self, name: str, value: Secret) -> None:
        await self.change("write", super().write, name, value)

    async def change(self, what: str, work: Callable[..., Awaitable[None]], *given: Any) -> None:
        is_key = not self.is_quiet and f":{NAME}:" in given[0]  # not a trial of the place
        fate = self.random.choice(FATES) if is_key else ""
        await self.touch(what)
        if fate:
            self.note(f"place {fate}", what)
        if fate == "kill before":
            self.happen("kill")
        if fate != "lose":
            await work(*given)
        if fate == "kill after":
            self.happen("kill")
        await self.touch(f"{what} done")

    async def read(self, name: str) -> Secret | None:
        await self.touch("read")
        return await super().read(name)

    async def delete(self, name: str) -> None:
        self.judge_deletion(self.held(name))
        await self.change("delete", super().delete, name)

    async def touch(self, where: str) -> None:
        self.seam(where)
        await asyncio.sleep(0)

    def seam(self, where: str) -> None:
        """A moment at which something may happen, and after a change one to look at the key in use."""
        if self.is_dead:
            raise Killed
        self.touches += not self.is_quiet
        may_fail = where in ("write", "write done", "read", "delete")
        if self.event and self.touches >= self.event[1] and (may_fail or self.event[0] != "place"):
            (kind, _), self.event = self.event, None
            self.note(f"event {kind}", where)
            self.happen(kind, where)
        if where in ("journaled", "write done", "delete done") and not self.is_quiet:
            self.look(where)

    def happen(self, kind: str, where: str = "") -> None:
        if kind == "kill":
            self.is_dead = True
            raise Killed
        if kind == "place":
            raise CustodyError("The place does not answer", advice="Try again.", code="test")
        if cut := {"close": self.task, "stop": self.attempt}.get(kind):
            cut.get_loop().call_soon(cut.cancel)  # as a key or a signal: between two turns of the loop
        elif kind == "move":
            self.move(self.random.choice(ADDRESSES))
            self.is_blurred = self.is_blurred or where != ""
        elif kind == "jump":
            self.ahead = self.random.choice(CLOCKS)
        elif kind == "fault":
            self.faults += [self.random.choice(FAULTS)] * self.random.randint(1, 4)
        elif kind == "delete" and self.keys:
            del self.keys[self.random.choice(list(self.keys))]

    def stand(self) -> Stand:
        """Where the open job stands, by the journal alone."""
        job = self.reader.open_rotation(NAME)
        if job:
            self.jobs.setdefault(job.number, self.mark)
        return (job.number, job.mode, job.step) if job else None

    def held(self, name: str) -> Credentials | None:
        with suppress(ItemUnreadableError, KeyError):
            return decode_item(self._items[name])
        return None

    def key_of(self, record: KeyRecord | None) -> str:
        held = self.held(record.item) if record else None
        return held.api_key.reveal() if held else ""

    def key_by(self, fingerprint: object) -> str:
        return next((key for key in self.ever if Secret(key).fingerprint() == fingerprint), "")

    def is_alive(self, key: str) -> bool:
        return key in self.keys and self.keys[key].enabled

    def signs(self, held: Credentials) -> bool:
        """Whether this is what signs for a key that the exchange has or had."""
        with suppress(WizardError, KeyError):
            return self.ever[held.api_key.reveal()].verifier(b"x", sign(held, "x"))
        return False

    def accepted(self, key: str, since: int = 0, address: str = "", times: int = 1, path: str = "") -> bool:
        """Whether a program saw the exchange accept a key so often, from an address or on a path where one is given."""
        seen = (call for call in self.calls[since:] if call.key == key and call.is_seen and call.code == 0)
        return sum(address in ("", call.address) and call.path.endswith(path) for call in seen) >= times

    def refusals(self, key: str, control: str = "") -> int:
        """Count what was seen since a key was accepted last: refusals between two accepted calls, with time between."""
        seen, count, free_at = [call for call in self.calls if call.is_seen and call.key in (key, control)], 0, 0.0

        def newest(calls: Iterable[Call]) -> list[int]:
            return [*accumulate(calls, lambda code, call: call.code if call.key == control else code, initial=0)][1:]

        for call, *around in zip(seen, newest(seen), reversed(newest(reversed(seen))), strict=True):
            if call.key == key and call.code == 0:
                count, free_at = 0, 0.0
            elif call.key == key and call.code in DEATH_CODES and call.at >= free_at and around == [0, 0]:
                count, free_at = count + 1, call.at + PACE.between_polls - 0.01
        return count

    def look(self, where: str) -> None:
        """Promise 1: what `exec` hands out at this moment is a key that worked."""
        self.ever |= self.keys
        record = self.reader.key_in(NAME, Slot.CURRENT)
        held, key = self.held(record.item) if record else None, self.key_of(record)
        if held is None and (record or self.current):
            self.wrong.append(f"no current key is handed out at {where}")
        if held and not self.signs(held):
            self.wrong.append(f"what is handed out at {where} is no key")
        is_back = self.reader.key_in(NAME, Slot.LEGACY) is None and self.refusals(self.current)
        is_proven = self.accepted(key, self.mark) and self.accepted(key, times=4)  # the probe, and once more
        job, seen = self.reader.open_rotation(NAME), self.keys.get(key)
        if self.reader.key_in(NAME, Slot.LEGACY) and not (job and job.step in (Step.RETIRE, Step.DONE)):
            self.wrong.append(f"a key was replaced at {where}, and its job does not stand at Retire")
        is_proven = is_proven and bool(
            seen and (seen.whitelist or not self.has_sapi or (job and job.mode is Mode.ADOPT))
        )
        if key != self.current and not (is_proven or is_back):
            self.wrong.append(f"…{key[-4:]} became the current key at {where}, and was not accepted just before")
        self.current = key or self.current

    def judge_deletion(self, held: Credentials | None) -> None:
        """Promises 1 and 7: what worked or lives is not deleted unless the user consented, and not as dead."""
        key = held.api_key.reveal() if held else ""
        lives = held is not None and self.is_alive(key) and self.signs(held)
        is_twice = sum(self.held(name) == held for name in self._items) > 1
        if is_twice or key in self.imported or not (lives or key in self.worked):
            return
        typed = next((word for *asked, word in self.consents[::-1] if key[-4:] in " ".join(asked)), "")
        if not typed:
            self.wrong.append(f"…{key[-4:]} was deleted without a consent")
        elif lives and typed != key[-4:] and key not in self.edited:
            self.wrong.append(f"…{key[-4:]} was deleted as dead, and lives")


def environments(world: World) -> RealEnvironments:
    """Return the user's environment, by the world's clock and in the world's place."""
    found = RealEnvironments(world.paths, wizard_settings.load(world.paths.config_file))
    timing = {"clock": world.clock, "pause": world.pause, "stopwatch": lambda: world.now, "pace": PACE}
    own = {"environ": {"PWD": str(world.home), "HOME": str(world.home)}, **timing}
    found.clock, found.flow = world.clock, lambda one: open_flow(one, world.paths, found.custodian.open, **own)
    return found


class User(FakeFace):
    """Whoever sits before the wizard: now careful, now careless."""

    def __init__(self, world: World, *, is_live: bool) -> None:
        super().__init__(is_live=is_live)
        self.world, self.is_careful, self.session = world, True, EnvironmentSession(world.environments, "key-wizard")
        self.shown: Presenter = HomePresenter(self.session, self)

    def pick(self, *choices: Result) -> Result:
        """Choose; the careful one takes the first."""
        return choices[0] if self.is_careful else self.world.random.choice(choices)

    async def attempt(self, work: Callable[[], Awaitable[Result]], doing: str, at_most: float) -> Result | None:
        self.world.attempt = task = asyncio.ensure_future(super().attempt(work, doing, at_most))
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if (this := asyncio.current_task()) and this.cancelling():
                raise
            return None
        finally:
            self.world.attempt = None

    async def confirm(self, consent: Consent) -> str:
        typed = consent.word if self.world.random.random() < 0.7 else ""  # no face hands on any other word
        is_about_end = consent.title.startswith(("Delete", "Keep", "Give up …", "Finish"))
        self.world.consents += [(consent.title, consent.text, typed)] if typed and is_about_end else []
        self.world.note("consent", f"{consent.title} {typed}")
        return typed

    async def fill(self, form: Form) -> bool:
        kept, names = {name: value.reveal() for name, value in form.kept.items()}, {each.name for each in form.fields}
        tries = [{**kept, **({} if kept and self.pick(True, False) else self.typed_into(names))} for _ in range(3)]
        if isinstance(self.shown, ImportPresenter):
            self.world.imported |= {each.get("api_key", "") for each in tries}
        self.typed[form.title], failed = tries[: self.pick(1, 2, 3)], len(self.errors)
        is_done = await super().fill(form)
        taken = tries[len(self.errors) - failed].get("api_key", "") if is_done else ""
        held = filter(None, map(self.world.held, list(self.world._items)))
        if any(each.api_key.reveal() == taken and self.world.signs(each) for each in held):
            self.world.entered.add(taken)
        return is_done

    def typed_into(self, names: set[str]) -> dict[str, str]:
        world = self.world
        old = world.random.choice([*world.made.values()] or [("a" * 64, "b" * 64)])
        if "api_key" not in names:  # a file, or a private key
            old = self.pick(self.key_waited_for(), old) if isinstance(self.shown, ImportPresenter) else old
            (file := world.home / "bot.env").write_text("BINANCE_API_KEY={}\nBINANCE_API_SECRET={}\n".format(*old))
            return {"place": str(file), "pem": self.pick(OWN_PAIR.private_pem.reveal(), "no key")}
        right = self.key_waited_for()
        pairs = {"right": right, "old": old, "swapped": right[::-1], "mixed": (right[0], old[1])}
        pairs |= {"unknown": ("k" * 64, right[1]), "empty": ("", "")}
        kind = self.pick("right", "right", *pairs)
        world.note(f"enter {kind}", f"…{pairs[kind][0][-4:]}")
        return dict(zip(("api_key", "secret"), pairs[kind], strict=True))

    def key_waited_for(self) -> tuple[str, str]:
        """Return the key that the page waits for, created as the page says."""
        page, made = self.shown, [*self.world.made.values()]
        if isinstance(page, ImportPresenter) or not isinstance(page, CredentialsPresenter):
            return made[-1] if made else self.world.create()
        exact = [each.exact for each in page.view().instructions if "public key" in each.text]
        public = "\n".join((*exact[0], "")) if exact else ""
        known = [each for each in made if (each[1] == public if public else each[0] in self.world.entered)]
        is_forgotten = self.world.random.random() < 0.1
        is_enough = known and self.world.random.random() < (0.7 if public else 0.2)
        return known[-1] if is_enough else self.world.create(public, ANY if is_forgotten else page.whitelist_to_paste)

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        below, self.left, page = self.left, "", make(self)
        await page.begin()
        for _ in range(3):
            if not self.left:
                await self.take(page)
        self.left = below

    async def take(self, page: Presenter, action: Action | None = None) -> None:
        """Do an action of a page, or any."""
        view, world = page.view(), self.world
        action = action or world.random.choice(view.actions)
        world.note(f"{type(page).__name__} {action.word}")
        items = [row.item for row in view.rows if row.item and row.item != KeyKind.RSA]  # takes seconds to make
        given = [world.random.choice(items)] if action.is_about_row and items else []
        texts = {"": [], "File": [str(world.home / "report.md")], "Host, as [user@]host": [""]}
        given += texts.get(action.asks_for, [world.random.choice(TEXTS)])
        if items or not action.is_about_row:
            await action.run(*given)

    async def go_on(self, action: Action | None) -> None:
        """Do an action of the page, and begin those pages that follow from it."""
        await self.take(self.shown, action)
        while self.left:
            self.shown.forget()
            flow = self.session.flow
            if self.left == "finish" and self.report:
                page: Presenter = SummaryPresenter(self.report, self, flow.begin if flow else None)
            else:
                is_step = self.left == "leave" and flow and flow.step in PAGES
                page = PAGES[flow.step](flow, self) if flow and is_step else HomePresenter(self.session, self)
            self.shown, self.left = page, ""
            await page.begin()

    async def open(self) -> None:
        self.session = EnvironmentSession(self.world.environments, "key-wizard")
        self.shown, self.left = HomePresenter(self.session, self), ""
        await self.shown.begin()


class Machine(RuleBasedStateMachine):
    """One environment, and all that can happen to it."""

    homes: Path
    here: World
    judged: object = None

    @initialize(has_sapi=st.sampled_from([True] * 3 + [False]), is_live=st.booleans(), keys=st.sampled_from((0, 1, 2)))
    def begin(self, has_sapi: bool, is_live: bool, keys: int) -> None:
        self.loop = InlineLoop()
        home = self.homes / str(len(list(self.homes.iterdir())))
        self.world = Machine.here = World(home, has_sapi=has_sapi)
        self.face = User(self.world, is_live=is_live)
        if keys:
            self.do(self._put_in_use(",".join(ADDRESSES) if is_live else self.world.address, has_unused=keys > 1))
        self.world.is_quiet = False
        self.do(self.face.open())

    async def _put_in_use(self, whitelist: str, *, has_unused: bool) -> None:
        world, flow = self.world, await self.face.session.open(self.world.environment)
        made, client = world.create(whitelist=whitelist), flow.context.exchange()
        await flow.context.vault.put(Credentials(KeyKind.HMAC, *map(Secret, made)), Slot.CURRENT, whitelist=whitelist)
        async with client:
            await client.account(Credentials(KeyKind.HMAC, *map(Secret, made)))
        world.current, world.worked = made[0], {made[0]}
        if has_unused:
            await flow.begin(Mode.ROTATE)
            made = world.create()
            await flow.credentials.store_hmac(*map(Secret, made))
            world.entered.add(made[0])
            await flow.abandon()
        await self.face.session.close()

    def do(self, work: Coroutine[Any, Any, object], trouble: tuple[str, int] | None = None) -> None:
        """Do one act to its end, or until it is cut short; then the wizard is opened again."""
        world = self.world
        world.event, world.touches, before = trouble, 0, world.stand()
        world.task, is_over = self.loop.create_task(work), False
        try:
            self.loop.run_until_complete(world.task)
        except WizardError as error:
            world.note("refused", error.code)
        except (Killed, asyncio.CancelledError):
            is_over = True
        except BaseExceptionGroup:
            if not world.is_dead:
                raise
        world.event = None
        if is_over or world.is_dead:
            self.end(before)
        else:
            self.expect_near(before, world.stand())

    def end(self, before: Stand) -> None:
        """Promise 6: end the program where it is, and open it again: it is there where it was left."""
        world, left = self.world, asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.wait([*left, self.loop.create_task(asyncio.sleep(0))]))
        self.close()
        world.is_dead, stood = False, world.stand()
        self.expect_near(before, stood)
        self.do(self.face.open())
        is_finished = stood is not None and stood[2] in (Step.RETIRE, Step.DONE) and world.stand() is None
        if world.stand() != stood and not is_finished:
            world.wrong.append(f"left at {stood}, resumed at {world.stand()}")
        world.note("reopened")

    def close(self) -> None:
        self.face.shown.forget()
        with suppress(Killed, WizardError):
            self.loop.run_until_complete(self.face.session.close())

    def expect_near(self, before: Stand, after: Stand) -> None:
        """Promise 6: one act leads to the same step, the next one or the one before, or begins or ends a job."""
        steps = JOBS[after[1]].steps if after else ()
        begun = steps.index(before[2]) if before and after and before[0] == after[0] else 0
        if after and abs(steps.index(after[2]) - begun) > 1:
            self.world.wrong.append(f"{before} became {after}")

    @rule(act=st.sampled_from(ACTS), pick=st.integers(0, 2**20), trouble=TROUBLE)
    def step(self, act: str, pick: int, trouble: tuple[str, int] | None) -> None:
        """Do one of the acts below; what is chosen within it follows from `pick`."""
        self.world.random, self.face.is_careful = Random(pick), act in ("go_right", "enter", "wait")
        self.world.mark, self.world.has_moved = len(self.world.calls), False
        self.world.note(f"step {act}", (trouble, self.world.stand()))
        if act == "press":  # any key that the page has, and anything typed
            self.do(self.face.go_on(None), trouble)
        elif act != "enter":
            getattr(self, act)()
        if act in ("go_right", "enter"):
            view, is_home = self.face.shown.view(), isinstance(self.face.shown, HomePresenter)
            jobs = [each for each in view.actions for _ in range(BEGUN.get(each.word, 0) * is_home)]
            self.do(self.face.go_on(self.world.random.choice(jobs) if jobs else view.action(PRIMARY)), trouble)

    def go_right(self) -> None:
        """Do on Binance's page what the wizard's page waits for, with network and clock in order."""
        world, page, flow = self.world, self.face.shown, self.face.session.flow
        world.faults.clear()
        world.ahead, step = 0.0, flow.step if flow else None
        if flow and step in (Step.RETIRE, Step.DELETE) and world.random.random() < 0.7:
            doomed = [flow.retire.legacy, *flow.retire.unused] if step is Step.RETIRE else [flow.current]
            for key in filter(world.is_alive, map(world.key_of, doomed)):
                (world.state.disable if world.random.random() < 0.2 else world.state.delete)(world.keys[key])
        if flow and step in (Step.APPLY, Step.PROBE) and isinstance(page, StepPresenter):
            listed = ",".join(dict.fromkeys(filter(None, (world.address, *page.whitelist_to_paste.split(",")))))
            needy = [flow.credentials.pending, flow.current][: world.random.choice((1, 2))]
            needy = [flow.current] if step is Step.APPLY or flow.credentials.pending is None else needy
            for key in {world.key_of(record) for record in needy} & set(world.keys):
                world.state.change_whitelist(world.keys[key], read_page_text(listed))

    def wait(self) -> None:
        """Look at a page while it asks by itself, until that is cut short."""
        cut = self.world.random.choice(("stop", "kill", "close")), self.world.random.randint(1, 60)
        if self.face.is_live:
            self.do(self.face.attempt(self.face.shown.watch, "", 0.0), cut)

    def use_binance(self) -> None:
        """Do the right or the wrong thing on Binance's page, unasked."""
        world, state = self.world, self.world.state
        listed = world.random.choice((*ADDRESSES, ",".join(ADDRESSES)))
        act = world.random.choice(["create", "delete", "disable", "list", "permissions"])
        if act == "create" or not world.keys:
            world.create(whitelist=listed)
            return
        key = world.keys[world.random.choice(list(world.keys))]
        world.note(f"Binance {act}", f"…{key.api_key[-4:]}")
        world.edited |= {key.api_key} if act != "delete" else set()  # the wizard cannot know
        {
            "delete": partial(state.delete, key),
            "disable": partial(state.disable, key),
            "list": partial(state.change_whitelist, key, read_page_text(listed)),
            "permissions": partial(state.put, replace(key, permissions=frozenset({"enableReading"}))),
        }[act]()

    def change_world(self) -> None:
        """Have network, exchange or clock be otherwise from now on."""
        world = self.world
        what = world.random.choice(("move", "fault", "fault", "jump", "time", "delay"))
        if what == "time":
            world.now += world.random.choice((60.0, 86400.0, 4e7))
        elif what == "delay":
            world.state.faults = replace(world.state.faults, whitelist_delay=30.0)
        else:
            world.happen(what)
        world.note(f"world {what}", (world.address, world.ahead, world.faults))

    def leave(self) -> None:
        """Close or kill the wizard between two acts."""
        self.world.is_dead = self.world.random.choice((True, False))
        self.end(self.world.stand())

    def open_another(self) -> None:
        """Open a second wizard: it is refused while the first one has the environment."""
        other, self.world.is_quiet = EnvironmentSession(self.world.environments, "key-wizard"), True
        opening = self.loop.create_task(other.open(self.world.environment))
        self.loop.run_until_complete(asyncio.wait([opening]))
        self.loop.run_until_complete(other.close())
        self.world.is_quiet = False
        is_refused = getattr(opening.exception(), "code", "") == "environment.busy"
        assert is_refused is (self.face.session.flow is not None), "two wizards have one environment, or none has it"

    def run_beside(self) -> None:
        """Run a command beside the wizard: it says what is true."""
        world, mark, told = self.world, len(self.world.calls), io.StringIO()
        command, world.is_quiet = world.random.choice(("status", "check", "check", "exec")), True
        world.note(f"beside {command}")
        if command == "exec":
            assert self.loop.run_until_complete(self._handed_out()) == world.current
        else:
            with pytest.MonkeyPatch.context() as patched, redirect_stdout(told):
                patched.setattr(time, "time", world.clock)
                words = [command, *([NAME] if command == "check" else []), "--json"]
                run(words, Inherited(dict(os.environ), umask=0o022, core_limit=0))
        world.is_quiet, said = False, json.loads(told.getvalue() or "{}")
        if command == "status":
            (one,) = said["environments"]
            named = {key["fingerprint"] for key in [one["current"], one["legacy"], *one["unused"]] if key}
            self.expect_named(named, has_job=one["open_rotation"] is not None)
        elif said.get("current"):
            is_passed = any(each["subject"] == "Accepted" and each["outcome"] == "passed" for each in said["checks"])
            assert world.accepted(world.current, mark) if is_passed else not said["fine"], said

    async def _handed_out(self) -> str:
        with suppress(WizardError):
            found = await fetch(current_key(NAME, self.world.paths), self.world)
            return found.api_key.reveal()
        return ""

    @invariant()
    def the_promises_hold(self) -> None:
        world, flow = self.world, self.face.session.flow
        world.look("the end of a step")
        for each in world.reader.events()[world.seen_events :]:
            world.seen_events += 1
            self.judge_event(each.kind, each.detail)
        if flow and flow.rotation:
            self.judge_probe(flow)
            for record in filter(None, [flow.retire.legacy, *flow.retire.unused]):
                self.judge_death(world.key_of(record), flow.retire.death(record).grade, flow.rotation.number)
        (one,) = world.environments.overviews()
        named = {key.name.fingerprint for key in [one.current, one.legacy, *one.unused] if key}
        self.expect_named(named, has_job=one.open_rotation is not None)
        kept = [key for key in world.reader.keys(NAME) if key.holding is Holding.STORED]
        world.wrong += [f"{key.name} is called stored, and is not" for key in kept if not world.held(key.item)]
        named = {key.item for key in world.reader.kept_keys(NAME)}
        strange = [item for item in world._items if item not in named and f":{NAME}:" in item]  # the others are trials
        world.wrong += [f"the place holds what the records do not name: {strange}"] if strange else []
        is_home = isinstance(self.face.shown, HomePresenter)
        is_ticked = is_home and any(row.state is State.GOOD for row in self.face.shown.view().rows)
        if is_ticked and not (one.current and world.accepted(world.current)):
            world.wrong.append("Home ticks a key that was not accepted")
        assert not world.wrong, "\n".join([*world.wrong, *world.trail[-40:]])

    def judge_event(self, kind: str, said: Mapping[str, Any]) -> None:
        """Promise 3: what journal and report hold as seen was seen by the exchange, from that address."""
        world, key = self.world, self.world.key_by(said.get("fingerprint"))
        if kind == CERTIFIED and (report := restore_report(said)):
            world.note(f"finished {report.job}")
            address = "" if world.is_blurred else report.egress
            if not world.accepted(current := world.key_by(report.current.fingerprint), 0, address):
                world.wrong.append(f"the report says that …{current[-4:]} is proven from {report.egress}")
            ends = {report.legacy: report.grade, **{unused.name: unused.end for unused in report.unused}}
            for name, grade in ends.items():
                self.judge_death(world.key_by(name and name.fingerprint), grade, report.rotation)
        is_accepted = kind == "key.accepted" or (kind == "key.answered" and said["accepted"])
        if is_accepted and not world.accepted(key, world.mark, "" if world.has_moved else said["address"]):
            world.wrong.append(f"{kind} without a call that was accepted: {said}")

    def judge_probe(self, flow: Flow) -> None:
        """Promise 3: no check passed without its accepted call in this very run."""
        world, report = self.world, flow.probe.report
        if report is None or report is self.judged:
            return
        self.judged, held = report, world.held(report.item)
        key = held.api_key.reveal() if held else ""
        needs = {NEW_KEY: [key], ACCOUNT: [key], IN_A_ROW: [key], CONTROL: [world.current]}
        needs[SAME_ACCOUNT] = [key, world.current]
        is_accepted = world.accepted(key, world.mark, path="/account") and world.accepted(key, world.mark, times=4)
        if report.is_proven and not is_accepted:
            world.wrong.append(
                f"…{key[-4:]} is proven, and its account was not read, or not enough calls were accepted"
            )
        for finding in (finding for finding in report.findings if finding.outcome is Outcome.PASSED):
            address = "" if world.has_moved else finding.from_address
            if not all(world.accepted(one, world.mark, address) for one in needs.get(finding.subject, ())):
                world.wrong.append(f"a tick without a call that was accepted: {finding}")

    def judge_death(self, key: str, grade: str | None, job: int) -> None:
        """Promise 3: a key that lives is never called dead, and death takes three refusals with time between."""
        world = self.world
        if not key or grade not in DEATHS:
            return
        world.note(f"death {grade}")
        if world.is_alive(key) and not (grade == Grade.STRONG and key in world.edited):
            world.wrong.append(f"…{key[-4:]} lives, and is called dead: {grade}")
        if (count := world.refusals(key, world.current)) < 3:
            world.wrong.append(f"…{key[-4:]} is called dead after {count} refusals: {grade}")
        seen = [call for call in world.calls[world.jobs.get(job, 0) :] if call.key == key and call.is_seen]
        worked = [call.address for call in seen if call.code == 0][-1:]
        refused = {call.address for call in seen if call.code in DEATH_CODES}
        if grade == Grade.STRONG and not world.is_blurred and not refused.intersection(worked):
            world.wrong.append(f"…{key[-4:]} is called dead at {refused}, and worked at {worked}")

    def expect_named(self, named: set[str], *, has_job: bool) -> None:
        """Promise 8: every key that was entered and lives is named, until the user says that it stays."""
        world, keys = self.world, self.world.reader.keys(NAME)
        named |= {key.name.fingerprint for key in keys if key.slot is Slot.PENDING and has_job}  # the job stands for it
        for key in filter(world.is_alive, world.entered - world.imported):
            if Secret(key).fingerprint() not in named and not any(key[-4:] in asked for asked, *_ in world.consents):
                world.wrong.append(f"…{key[-4:]} lives, and is not named")

    def teardown(self) -> None:
        self.close()
        self.world.reader.close()
        shutil.rmtree(self.world.home)
        self.loop.close()


def patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the program reach the world at hand: its exchange, its place, and the moments of its journal."""
    transaction, select = Database.transaction, Database.select

    @contextmanager
    def watched(database: Database) -> Iterator[object]:
        Machine.here.seam("journal")
        with transaction(database) as write:
            yield write
        Machine.here.seam("journaled")

    def remembered(database: Database, *asked: Any) -> list[Any]:
        """Parse rows once for as long as nothing was written: pages read the whole job many times over."""
        connection, known = database._connection, database.__dict__.setdefault("known", {})
        written = connection.total_changes, connection.execute("PRAGMA data_version").fetchone()[0]
        if known.get("written") != written:
            known.clear()
        known["written"] = written
        return list(known[asked] if asked in known else known.setdefault(asked, select(database, *asked)))

    async def open_place(_: Custodian) -> World:
        return Machine.here

    for module in (detection, exchange_calls):
        monkeypatch.setattr(module, "open_transport", Line)
    monkeypatch.setattr(Database, "transaction", watched)
    monkeypatch.setattr(Database, "select", remembered)
    monkeypatch.setattr(Custodian, "open", open_place)


@pytest.mark.hypothesis
@pytest.mark.timeout(7200 if FACTOR else 600)
def test_the_promises_hold_whatever_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """KEY_WIZARD_RANDOM_EXAMPLES=20 tries 2,000 random examples of 50 steps, and -s prints what was reached."""
    monkeypatch.setenv("KEY_WIZARD_HOME", str(tmp_path))
    patch(monkeypatch)
    Machine.homes = tmp_path
    REACHED.clear()
    run_state_machine_as_test(Machine, settings=settings(max_examples=examples(100), report_multiple_bugs=False))
    print("\n".join(f"{count:8} {what}" for what, count in sorted(REACHED.items())))
    missing = {f"finished {mode}" for mode in Mode} - set(REACHED)
    assert len(missing) <= (0 if examples(100) >= 100 else 1), f"never finished, so nothing is proven: {missing}"
