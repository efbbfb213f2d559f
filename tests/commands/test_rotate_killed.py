"""`key-wizard rotate` killed at every write, before, during and after it: the next runs finish, and nothing is lost.

All is real but the exchange and the length of the waits: the process, SIGKILL, the journal, the place of the
credentials. A dry run names the writes (tests/kill_points.py). `status`, `check` and `exec` run in a loop beside each.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from tests import kill_points
from tests.kill_points import Moment, Point
from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.rotation.sub_account_lab import DAY, KEYS, POLICY, REMOVE, RESTRICT, Lab, lab
from tests.secret_service import PrivateBus, private_bus
from tests.tiers import whole
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import EncryptedFileStore, make_file
from wizard.custody.keyring import open_keyring
from wizard.egress.services import load_services
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve

PASSPHRASE = "correct horse battery staple"
REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
from wizard.rotation import opening
from wizard.rotation.context import Pace
quick = dict(between_passes=0.01, between_questions=0.1, listing=0.3, between_polls=0.05)
opening.Pace = lambda: Pace(call=20, egress=20, **quick)
from wizard.__main__ import main
main()
"""
"""The program, which waits as long as is wanted here."""
BESIDE = (("status", "--json"), ("exec", "bot-1", "--", "printenv", "BINANCE_API_KEY"), ("check", "bot-1", "--json"))
MAY_END = {"status": {0, 3, 4}, "exec": {0}, "check": {0, 1, 4, 6}}
"""How a command beside a rotation may end: a key that is being replaced is more than `check` wants alive."""
AT_ONCE = 3
MOST_RUNS = 4
LONGEST_RUN = 300.0
SETTINGS = """\
[environments.master]
site = "custom"
base_url = "{url}"
futures_url = "{url}"
websocket_api_url = "{sockets}/ws-api/v3"
stream_url = "{sockets}/ws"
tolerated_ranges = ["documentation"]
[environments.bot-1]
site = "custom"
base_url = "{url}"
futures_url = "{url}"
websocket_api_url = "{sockets}/ws-api/v3"
stream_url = "{sockets}/ws"
tolerated_ranges = ["documentation"]
sub_account = {{ email = "bot+1@example.com", managed_by = "master" }}
[environments.bot-1.rotation]
{every}
grace = "1 second"
allowed = ["203.0.113.0/24"]
"""


@dataclass
class Victim(Lab):
    """A host whose `key-wizard rotate` is killed once, beside other commands."""

    home: Path = Path()
    point: Point | None = None
    login: dict[str, str] = field(default_factory=dict)
    beside: Counter[str] = field(default_factory=Counter)
    """How often each command ran beside a rotation, and how it ended."""
    words: tuple[str, ...] = ("rotate", "bot-1", "--json")

    async def run_command(self, program: Sequence[str]) -> tuple[int, str, str]:
        """Run a program in the environment of this host."""
        environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environ |= {"KEY_WIZARD_HOME": str(self.home), "CREDENTIALS_DIRECTORY": str(self.home), "NO_PROXY": "*"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program),
            cwd=REPOSITORY,
            env=environ | self.login,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), LONGEST_RUN)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def rotate(self) -> tuple[int, str]:
        """Run the command to its end; return its exit code, and what it said."""
        program, self.point = kill_points.source(self.log_file, self.point) + PROGRAM, None
        code, *said = await self.run_command(("-c", program, *self.words))
        return code, "".join(said)

    @property
    def log_file(self) -> Path:
        return self.home / "writes"

    async def finish_by_process(self) -> tuple[list[int], str]:
        """Run the command until it ends well; return the exit codes, and what the last run said."""
        codes, said, ended = list[int](), "", asyncio.Event()
        others = asyncio.create_task(self._run_beside(ended)) if self.point else None
        while len(codes) < MOST_RUNS and 0 not in codes:
            code, said = await self.rotate()
            codes.append(code)
            await self.look("after a run")
        ended.set()
        if others:
            await others
        return codes, said

    async def _run_beside(self, ended: asyncio.Event) -> None:
        for words in itertools.cycle(BESIDE):
            alive = {key.api_key for key in self.keys}
            code, out, err = await self.run_command(("-m", "wizard", *words))
            alive |= {key.api_key for key in self.keys}
            self.beside[f"{words[0]} {code}"] += 1
            if code not in MAY_END[words[0]] or (words[0] == "exec" and out.strip() not in alive):
                self.lost.append(f"beside {words[0]}: {code} {out[-300:]} {err[-300:]}")
            if ended.is_set():
                return


def kind_of(point: Point) -> str:
    return point.name.partition(" ")[0]


def paths(home: Path) -> Paths:
    return Paths(home / "config", home / "state")


@dataclass
class Template:
    """A home whose keys are old enough to be replaced; each rotation gets a copy, with an exchange that knows them."""

    path: Path
    one: Lab
    key: Any = None
    moves: bool = False
    """Whether the host has another address by now. Its key is not replaced then."""
    kind: Callable[..., Victim] = Victim
    settings: str = '[custody]\nplace = "encrypted-file"\n'
    """What is written before the environments."""

    def new_exchange(self, home: Path) -> EmbeddedExchange:
        return EmbeddedExchange(passes_after=0.0)

    def open_store(self, home: Path) -> Any:
        # One passphrase opens all copies: it is turned into a key once.
        return EncryptedFileStore(paths(home).encrypted_file, self.key, 20)

    def login(self, home: Path) -> dict[str, str]:
        """Return the variables that the place of the credentials needs."""
        return {}

    @asynccontextmanager
    async def victim(self, name: str, point: Point | None = None) -> AsyncIterator[Victim]:
        home = self.path / name
        shutil.copytree(self.path / "template", home)
        exchange = self.new_exchange(home)
        exchange.state.keys |= self.one.exchange.state.keys
        exchange.state.accounts |= self.one.exchange.state.accounts
        if self.moves:
            exchange.state.nat = {"127.0.0.1": ELSEWHERE}
        clock: Any = exchange.state.clock
        world = World("", SimulatedPage(""), paths(home), self.open_store(home))
        victim = self.kind(world, exchange, clock, self.one.emails, home=home, point=point, login=self.login(home))
        victim.hosts = frozenset({HERE, ELSEWHERE} if self.moves else {HERE})
        victim.ever = {key.api_key: key for key in victim.keys}
        async with serve(victim) as addresses:
            world.base_url, world.simulated_page = addresses.base_url, SimulatedPage(addresses.desk_url)
            url, sockets = addresses.base_url, addresses.ws_url
            every = "" if self.moves else 'every = "30 days"'
            text = (self.settings + SETTINGS).format(url=url, sockets=sockets, every=every, home=home)
            paths(home).config_file.write_text(text)
            shipped = "".join(f"[{service.name}]\nenabled = false\n" for service in load_services(None))
            own = (
                f'[echo-{shape}]\noperator = "operator {shape}"\nurl = "{url}/echo/{shape}"\nparser = "{shape}"\n'
                for shape in ("plain", "json", "trace")
            )
            paths(home).services_file.write_text(shipped + "".join(own))
            try:
                yield victim
            finally:
                victim.close()

    async def points(self) -> list[Point]:
        """Return every moment of every write of a rotation that nobody kills."""
        async with self.victim("dry") as one:
            codes, said = await one.finish_by_process()
            assert (codes[-1], await one.wrong(made=1)) == (0, []), said
            return kill_points.points(kill_points.read(one.log_file))

    async def kill_at_each(self, points: Sequence[Point]) -> None:
        """Kill a rotation of its own at each; fail with what went wrong."""
        slots, lost, runs, beside = asyncio.Semaphore(AT_ONCE), list[str](), Counter[int](), Counter[str]()

        async def kill(number: int, point: Point) -> None:
            async with slots, self.victim(str(number), point) as one:
                codes, said = await one.finish_by_process()
                wrong, wanted = await one.wrong(), (IPv4Network(ELSEWHERE if self.moves else HERE),)
                wrong += [f"the list is {key.whitelist}" for key in one.keys if key.whitelist != wanted]
                if codes[-1] or not kill_points.killed_at(one.log_file):
                    wrong.append(f"the runs ended with {codes}: {said}")
            runs[len(codes)] += 1
            beside.update(one.beside)
            lost.extend(f"{point}: {each}" for each in wrong)

        done = await asyncio.gather(*itertools.starmap(kill, enumerate(points)), return_exceptions=True)
        lost += [f"{point}: {error!r}" for point, error in zip(points, done, strict=True) if error]
        kinds = dict(Counter(map(kind_of, points)))
        print(f"{len(points)} points {kinds}, {len(lost)} losses, runs {dict(sorted(runs.items()))}")
        print(f"beside them {dict(sorted(beside.items()))}", flush=True)
        assert not lost, "\n".join(lost)


@dataclass
class KeyringTemplate(Template):
    """Each copy has a GNOME keyring of its own, which holds what the first one does."""

    bus: PrivateBus = None  # type: ignore[assignment]
    copies: dict[str, tuple[PrivateBus, Any]] = field(default_factory=dict)

    @asynccontextmanager
    async def victim(self, name: str, point: Point | None = None) -> AsyncIterator[Victim]:
        with private_bus() as bus:
            shutil.copytree(*(Path(each.environ["XDG_DATA_HOME"], "keyrings") for each in (self.bus, bus)))
            bus.start_keyring(unlock=True)
            self.copies[name] = bus, await open_keyring(environ=bus.environ)
            async with super().victim(name, point) as one:
                yield one

    def open_store(self, home: Path) -> Any:
        return self.copies[home.name][1]

    def login(self, home: Path) -> dict[str, str]:
        return {name: self.copies[home.name][0].environ[name] for name in ("DBUS_SESSION_BUS_ADDRESS",)}


@asynccontextmanager
async def first_home(path: Path, store: Any) -> AsyncIterator[Lab]:
    """Yield a home whose key is old enough, and at which the address is known from which it worked."""
    async with lab(path, begins=time.time() - 80 * DAY, store=store, policy=replace(POLICY, every=None)) as one:
        await one.begin(master=f"{HERE},{ELSEWHERE}")
        await one.run()
        one.close()
        (path / CREDENTIAL).write_text(PASSPHRASE)
        yield one


@pytest.fixture(params=[False])
async def template(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Template]:
    path = tmp_path / "template"
    paths(path).create()
    store = await make_file(paths(path).encrypted_file, Secret(PASSPHRASE), 20)
    async with first_home(path, store) as one:
        yield Template(tmp_path, one, store._key, request.param)


@pytest.fixture
async def keyring_template(tmp_path: Path) -> AsyncIterator[KeyringTemplate]:
    path = tmp_path / "template"
    with private_bus() as bus:
        bus.start_keyring(unlock=True)
        async with first_home(path, await open_keyring(environ=bus.environ)) as one:
            yield KeyringTemplate(tmp_path, one, settings="", bus=bus)


@pytest.mark.slow
@pytest.mark.timeout(0)
async def test_a_rotation_is_killed_while_a_key_is_made_and_while_one_is_deleted(template: Template) -> None:
    made, deleted = (Point(f"exchange {method} {KEYS} #1", Moment.DURING) for method in ("POST", "DELETE"))
    await template.kill_at_each([made, deleted])


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("template", [True], indirect=True)
async def test_a_change_of_the_list_is_killed_while_an_address_is_added_and_removed(template: Template) -> None:
    calls = (f"exchange POST {RESTRICT} #1", f"exchange DELETE {REMOVE} #1")
    await template.kill_at_each([Point(call, Moment.DURING) for call in calls])


@pytest.mark.timeout(0)
@pytest.mark.parametrize("template", [False, True], indirect=True)
@pytest.mark.parametrize("share", whole(*range(12)))
async def test_a_rotation_is_killed_at_every_write(template: Template, share: int) -> None:
    await template.kill_at_each((await template.points())[share::12])


@pytest.mark.timeout(0)
@pytest.mark.keyring
@pytest.mark.parametrize("share", whole(0, 1))
async def test_a_rotation_is_killed_at_every_write_to_a_keyring(keyring_template: KeyringTemplate, share: int) -> None:
    chosen = [one for one in await keyring_template.points() if kind_of(one) == "place"]
    chosen += [Point(one.name, Moment.WORKER) for one in chosen if one.moment is Moment.DURING]
    await keyring_template.kill_at_each(chosen[share::2])
