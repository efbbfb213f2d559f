"""`key-wizard rotate` killed at every call that it makes: the next run finishes, and a working key is always stored.

All is real but the exchange and the length of the waits: the process, SIGKILL, the encrypted file, the passphrase as
systemd hands it over. The exchange kills, so that the place is exact: before it carries a call out, or after that and
before it answers.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.rotation.conftest import ELSEWHERE, HERE, World
from tests.rotation.sub_account_lab import DAY, KEYS, POLICY, REMOVE, RESTRICT, Call, Lab, lab
from tests.tiers import whole
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import EncryptedFileStore, make_file
from wizard.egress.services import load_services
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve

PASSPHRASE = "correct horse battery staple"
REPOSITORY = Path(__file__).parents[2]
PROGRAM = """\
from wizard.rotation import opening
from wizard.rotation.context import Pace
quick = dict(between_passes=0.01, between_questions=0.1, listing=0.3, between_polls=0.05)
opening.Pace = lambda: Pace(call=20, egress=20, **quick)
from wizard.__main__ import main
main()
"""
"""The program, which waits as long as is wanted here."""
AT_ONCE = 6
MOST_RUNS = 4
LONGEST_RUN = 60.0
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


class Point(NamedTuple):
    """Where the program is killed."""

    call: Call
    is_carried_out: bool


@dataclass
class Victim(Lab):
    """A host whose `key-wizard rotate` is killed once."""

    home: Path = Path()
    point: Point | None = None
    process: asyncio.subprocess.Process | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.point is None or not self._is_met(scope):
            await super().__call__(scope, receive, send)
            return
        carried_out, self.point = self.point.is_carried_out, None

        async def lose(_: Message) -> None:
            pass

        if carried_out:
            await super().__call__(scope, receive, lose)
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        await self.look("after the kill")

    def _is_met(self, scope: Scope) -> bool:
        assert self.point is not None
        call = self.point.call
        if (scope["type"], scope.get("method"), scope["path"]) != ("http", call.method, call.path):
            return False
        if call.number:
            self.point = self.point._replace(call=call._replace(number=call.number - 1))
        return not call.number

    async def rotate(self, *words: str, **more: str) -> tuple[int, str]:
        """Run the command to its end, with more variables; return its exit code, and what it said."""
        environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environ |= {"KEY_WIZARD_HOME": str(self.home), "CREDENTIALS_DIRECTORY": str(self.home), "NO_PROXY": "*"}
        environ |= more
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, *(words or ("rotate", "bot-1", "--json"))),
            cwd=REPOSITORY,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(self.process.communicate(), LONGEST_RUN)
        assert self.process.returncode is not None
        return self.process.returncode, (out + err).decode()

    async def finish_by_process(self) -> tuple[list[int], str]:
        codes, said = [], ""
        while len(codes) < MOST_RUNS and 0 not in codes:
            code, said = await self.rotate()
            codes.append(code)
        return codes, said


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
        victim = self.kind(world, exchange, clock, self.one.emails, home=home, point=point)
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

    async def calls(self) -> list[Call]:
        """Return the calls of a rotation that nobody kills."""
        async with self.victim("dry") as one:
            (code,), said = await one.finish_by_process()
            calls = await one.calls()
            assert (code, await one.wrong(made=1)) == (0, []), said
            return calls

    async def kill_at_each(self, points: Sequence[Point]) -> None:
        """Kill a rotation of its own at each; fail with what went wrong."""
        slots, lost, runs = asyncio.Semaphore(AT_ONCE), list[str](), Counter[int]()

        async def kill(number: int, point: Point) -> None:
            async with slots, self.victim(str(number), point) as one:
                codes, said = await one.finish_by_process()
                wrong, wanted = await one.wrong(), (IPv4Network(ELSEWHERE if self.moves else HERE),)
                wrong += [f"the list is {key.whitelist}" for key in one.keys if key.whitelist != wanted]
            if (codes[0], codes[-1]) != (-signal.SIGKILL, 0):
                wrong.append(f"the runs ended with {codes}: {said}")
            runs[len(codes)] += 1
            lost.extend(f"{' '.join(map(str, point.call))}, {point.is_carried_out}: {one}" for one in wrong)

        await asyncio.gather(*itertools.starmap(kill, enumerate(points)))
        print(f"{len(points)} points, {len(lost)} losses, runs {dict(sorted(runs.items()))}")
        assert not lost, "\n".join(lost)


@pytest.fixture(params=[False])
async def template(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Template]:
    path = tmp_path / "template"
    paths(path).create()
    store = await make_file(paths(path).encrypted_file, Secret(PASSPHRASE), 20)
    async with lab(path, begins=time.time() - 80 * DAY, store=store, policy=replace(POLICY, every=None)) as one:
        await one.begin(master=f"{HERE},{ELSEWHERE}")
        await one.run()  # the address at which the key worked is known from now on
        one.close()
        (path / CREDENTIAL).write_text(PASSPHRASE)
        yield Template(tmp_path, one, store._key, request.param)


def points(calls: Sequence[Call]) -> list[Point]:
    """Return every place: before each call, and after those that change something, before the answer."""
    return [Point(call, after) for call in calls for after in (False, True)[: 1 + (call.method != "GET")]]


async def test_a_rotation_is_killed_at_each_call_that_changes_something(template: Template) -> None:
    created, deleted = Call("POST", KEYS, 0), Call("DELETE", KEYS, 0)
    await template.kill_at_each(points([created, deleted]))


@pytest.mark.slow
@pytest.mark.parametrize("template", [True], indirect=True)
async def test_a_change_of_the_list_is_killed_at_each_call_that_changes_something(template: Template) -> None:
    await template.kill_at_each(points([Call("POST", RESTRICT, 0), Call("DELETE", REMOVE, 0)]))


@pytest.mark.parametrize("share", whole(*range(4)))
async def test_a_rotation_is_killed_at_every_call(template: Template, share: int) -> None:
    await template.kill_at_each(points(await template.calls())[share::4])
