"""Rotations without a person, on the embedded exchange, by a clock that waits for nobody."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE, OpenStore, World
from tests.rotation.test_sub_account_keys import EMAIL, Account
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Paths
from wizard.core.sites import known_sites
from wizard.core.unattended import RotationPolicy
from wizard.custody.errors import CustodyError
from wizard.egress.agreement import EgressState, EgressVerdict
from wizard.exchange.errors import ExchangeError, refused, unreachable
from wizard.net.trace import Phase
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rehearsal.simulator import EmbeddedExchange, serve
from wizard.rotation.context import Pace
from wizard.rotation.exchange_calls import SignedAnswer, circumstances
from wizard.rotation.flow import Flow
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.unattended import (
    Evidence,
    HaltError,
    RunResult,
    RunStep,
    UnattendedRun,
    exit_of,
    judge_address,
)

BLOCK = (IPv4Network("203.0.113.0/24"),)
ADDED = "203.0.113.99"
"""Put on the list by a person."""
POLICY = RotationPolicy(every=30 * 86400.0, grace=600.0, allowed=BLOCK, permissions=("enableSpotAndMarginTrading",))


@dataclass
class FakeClock:
    """Goes with the time, and jumps over every pause."""

    ahead: float = 0.0
    pauses: list[float] = field(default_factory=list)
    on_pause: Callable[[float], Any] = lambda _: None

    def __call__(self) -> float:
        return time.time() + self.ahead

    def stopwatch(self) -> float:
        return time.perf_counter() + self.ahead

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.ahead += max(0.0, seconds)
        if (work := self.on_pause(seconds)) is not None:
            await work


class Killed(BaseException):
    """The program ends here."""


@dataclass
class Host:
    """A host whose settings name a sub-account."""

    world: World
    account: Account
    clock: FakeClock
    policy: RotationPolicy = POLICY
    steps: list[RunStep] = field(default_factory=list)

    @asynccontextmanager
    async def flow(self) -> AsyncIterator[Flow]:
        async with self.world.flow(
            email=EMAIL,
            pace=Pace(call=20, egress=20),
            policy=self.policy,
            clock=self.clock,
            pause=self.clock.pause,
            stopwatch=self.clock.stopwatch,
        ) as flow:
            yield flow

    async def open(self, whitelist: str = HERE, master: str = f"{HERE},{ELSEWHERE}") -> None:
        """Make the sub-account, the master's key, and the key in use where it has a list."""
        async with self.flow() as flow:
            await self.account.request("POST", "/desk/sub-accounts", email=EMAIL)
            await self.account.store(flow, "master", await self.account.make("master", master, account=None))
            if whitelist:
                await self.account.store(flow, "bench", await self.account.make("in use", whitelist), whitelist)

    async def run(
        self, *, die_at: int = 0, is_forced: bool = False, list_only: bool = False, may_wait: bool = True
    ) -> RunResult:
        """Run once; with `die_at` the program ends after so many steps."""
        self.steps = []

        def say(step: RunStep) -> None:
            self.steps.append(step)
            if len(self.steps) == die_at:
                raise Killed

        async with self.flow() as flow:
            return await UnattendedRun(flow, is_forced, list_only, may_wait, say).run()

    async def move(self, public: str = ELSEWHERE) -> None:
        """Let the exchange and the services see another address of this host."""
        await self.account.request("PUT", "/desk/nat", **{"127.0.0.1": public})

    async def names(self) -> list[str]:
        """Return the last four characters of the keys that live."""
        return [row["api_key"][-4:] for row in await self.account.keys()]

    async def made(self) -> list[Any]:
        """Return the calls that made a key."""
        log = await self.account.request("GET", "/desk/log")
        return [row for row in log if (row["method"], row["path"].rsplit("/")[-1]) == ("POST", "subAccountApi")]

    async def list_of(self, name: str) -> str:
        (row,) = [row for row in await self.account.keys() if row["api_key"].endswith(name)]
        return ",".join(sorted(row["whitelist"]))


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    clock = FakeClock()
    async with serve(EmbeddedExchange(clock=clock)) as addresses:
        paths = Paths(tmp_path / "config", tmp_path / "state")
        world = World(addresses.base_url, SimulatedPage(addresses.desk_url), paths, OpenStore())
        yield Host(world, Account(world), clock)


def last_four(result: RunResult) -> str:
    assert result.key is not None
    return result.key.name.last_four


REFUSED = refused(-2015, "Invalid API-key, IP, or permissions for action", 401)
NAMED = refused(-2015, "", 401, IPv4Address(ELSEWHERE))
LATE = unreachable(Phase.TIMEOUT, "fapi.binance.com")


@pytest.mark.parametrize(
    ("state", "futures", "listed", "expected"),
    [
        (EgressState.AGREED, NAMED, HERE, IPv4Address(ELSEWHERE)),
        (EgressState.AGREED, REFUSED, HERE, Exit.SAYS_NO),
        (EgressState.AGREED, LATE, HERE, Exit.INCONCLUSIVE),
        (EgressState.AGREED, None, HERE, Exit.SAYS_NO),
        (EgressState.AGREED, NAMED, ELSEWHERE, Exit.SAYS_NO),
        (EgressState.AGREED, NAMED, "198.51.100.9", Exit.SAYS_NO),
        (EgressState.SHARED, NAMED, HERE, Exit.SAYS_NO),
        (EgressState.SINGLE, NAMED, HERE, Exit.INCONCLUSIVE),
        (EgressState.UNKNOWN, NAMED, HERE, Exit.INCONCLUSIVE),
    ],
)
def test_an_address_is_added_only_where_all_agree(
    state: EgressState, futures: ExchangeError | None, listed: str, expected: IPv4Address | Exit
) -> None:
    known = circumstances(known_sites()["binance.com"])
    asked = None if futures is None else SignedAnswer(known, futures)
    verdict = EgressVerdict(state, {IPv4Address(ELSEWHERE): ("one", "another")})
    seen = Evidence(verdict, SignedAnswer(known, REFUSED), (IPv4Address(listed),), asked)
    if isinstance(expected, Exit):
        with pytest.raises(HaltError) as raised:
            judge_address(seen, POLICY)
        assert raised.value.exit_code is expected
    else:
        assert judge_address(seen, POLICY) == expected


@pytest.mark.parametrize(
    ("error", "step", "code"),
    [
        (CustodyError("no"), Step.RETIRE, Exit.KEYRING_UNUSABLE),
        (LATE, Step.RETIRE, Exit.LEGACY_ALIVE),
        (LATE, Step.CREDENTIALS, Exit.INCONCLUSIVE),
        (WizardError("no"), Step.CREDENTIALS, Exit.ROTATION_OPEN),
        (WizardError("no"), None, Exit.SAYS_NO),
        (WizardError("no", code="environment.busy"), None, Exit.ROTATION_OPEN),
        (HaltError(Exit.SAYS_NO, "no"), Step.PROBE, Exit.SAYS_NO),
    ],
)
def test_the_exit_code_says_where_a_run_stopped(error: WizardError, step: Step | None, code: Exit) -> None:
    assert exit_of(error, step) is code


async def test_the_first_key_is_made_for_this_address_alone(host: Host) -> None:
    await host.open("")
    result = await host.run()
    assert (result.exit, result.outcome, result.due) == (Exit.FINE, "done", ["first key"]), result
    assert await host.names() == [last_four(result)]
    assert await host.list_of(last_four(result)) == HERE


async def test_nothing_happens_before_a_key_is_too_old(host: Host) -> None:
    await host.open()
    (before,) = await host.names()
    result = await host.run()
    assert (result.exit, result.outcome, result.due) == (Exit.FINE, "not due", []), result
    assert result.next_due == pytest.approx(host.clock() + 30 * 86400, abs=60)
    assert await host.names() == [before]


async def test_a_key_that_is_too_old_is_replaced_and_proven_dead(host: Host) -> None:
    await host.open()
    (before,) = await host.names()
    host.clock.ahead += 31 * 86400
    result = await host.run()
    assert (result.exit, result.outcome, result.due) == (Exit.FINE, "done", ["age"]), result
    assert result.report is not None and result.report.grade is Grade.PROVEN
    assert await host.names() == [last_four(result)] != [before]
    assert max(host.clock.pauses) > 500
    assert (await host.run()).outcome == "not due"


async def test_a_key_is_replaced_when_that_is_asked_for(host: Host) -> None:
    await host.open()
    result = await host.run(is_forced=True)
    assert (result.exit, result.due) == (Exit.FINE, ["asked for"]), result


@pytest.mark.parametrize("die_at", range(1, 11))
async def test_a_run_that_ends_anywhere_is_finished_by_the_next_one(host: Host, die_at: int) -> None:
    await host.open()
    with pytest.raises(Killed):
        await host.run(is_forced=True, die_at=die_at)
    result = await host.run(is_forced=True)
    assert result.exit is Exit.FINE, result
    assert await host.names() == [last_four(result)]
    assert len(await host.made()) == 1 + (die_at == 10)  # by then the first run had done what it was asked for
    async with host.flow() as flow:
        assert flow.rotation is None


# --- the address ---


async def test_the_list_follows_an_address_that_services_and_binance_agree_on(host: Host) -> None:
    await host.open()
    await host.run()  # proves the key from its first address
    (name,) = await host.names()
    await host.move()
    seen: list[str] = []

    async def look(seconds: float) -> None:
        if seconds > 500:
            seen.append(await host.list_of(name))

    host.clock.on_pause = look
    result = await host.run(list_only=True)
    assert (result.exit, result.due) == (Exit.FINE, ["changed address", "former address"]), result
    assert seen == [f"{HERE},{ELSEWHERE}"]
    assert await host.list_of(name) == ELSEWHERE
    assert result.report is not None
    assert "Not proven" not in dict(result.report.rows()), "Binance showed the list"
    assert await host.names() == [name]


async def test_a_former_address_stays_until_a_later_run_where_a_run_may_not_wait(host: Host) -> None:
    await host.open()
    await host.run()
    (name,) = await host.names()
    await host.move()
    result = await host.run(may_wait=False)
    assert (result.exit, result.outcome) == (Exit.ROTATION_OPEN, "waiting"), result
    assert await host.list_of(name) == f"{HERE},{ELSEWHERE}"
    host.clock.ahead += 601
    assert (await host.run(may_wait=False)).exit is Exit.FINE
    assert await host.list_of(name) == ELSEWHERE


async def test_a_former_address_that_another_host_has_stays(host: Host) -> None:
    await host.open()
    await host.run()
    (name,) = await host.names()
    await host.move()
    host.world.hosts = ("bot-2",)
    result = await host.run()
    assert result.exit is Exit.FINE, result
    assert any("bot-2 may have it" in step.observed for step in result.steps)
    assert await host.list_of(name) == f"{HERE},{ELSEWHERE}"


async def test_a_host_that_is_back_at_its_former_address_keeps_it(host: Host) -> None:
    await host.open()
    await host.run()
    (name,) = await host.names()
    await host.move()
    await host.run(may_wait=False)
    await host.move(HERE)
    host.clock.ahead += 601
    assert (await host.run()).exit is Exit.FINE
    assert await host.list_of(name) == f"{HERE},{ELSEWHERE}"


async def ended_after_a_move(host: Host, die_at: int) -> str:
    """Let a run end in the middle of a change of address; return the name of the key."""
    await host.open()
    await host.run()
    (name,) = await host.names()
    await host.move()
    with pytest.raises(Killed):
        await host.run(die_at=die_at)
    return name


@pytest.mark.parametrize("die_at", range(1, 13))
async def test_a_change_of_address_that_ends_anywhere_is_finished_by_the_next_run(host: Host, die_at: int) -> None:
    name = await ended_after_a_move(host, die_at)
    result = await host.run()
    assert result.exit is Exit.FINE, result
    assert await host.list_of(name) == ELSEWHERE
    assert await host.names() == [name]


@pytest.mark.parametrize("die_at", range(4, 13, 2))
async def test_what_somebody_adds_to_the_list_after_a_run_has_ended_stays_on_it(host: Host, die_at: int) -> None:
    name = await ended_after_a_move(host, die_at)
    (row,) = await host.account.keys()
    text = ",".join((*row["whitelist"], ADDED))
    await host.account.request("PUT", f"/desk/keys/{row['api_key']}/whitelist", text=text)
    for _ in range(2):
        result = await host.run()
    assert result.exit is Exit.FINE, result
    assert ADDED in (await host.list_of(name)).split(",")
    assert ELSEWHERE in (await host.list_of(name)).split(",")


async def lists_of_echo(host: Host, address: str) -> None:
    """Let every service say this address; the exchange sees another one."""
    bodies: dict[str, Any] = {"plain": address, "json": {"ip": address}, "trace": f"ip={address}\nwarp=off\n"}
    answers = [{"path": f"/echo/{shape}", "times": 50, "status": 200, "body": body} for shape, body in bodies.items()]
    await host.world.fault(answers=answers)


async def refused_unchanged(host: Host, code: Exit, says: str, **options: Any) -> None:
    before = await host.account.keys()
    result = await host.run(is_forced=True, **options)
    assert (result.exit, result.outcome) == (code, "failed"), result
    assert says in " ".join(result.verdict)
    assert await host.account.keys() == before
    async with host.flow() as flow:
        assert flow.rotation is None


async def test_an_address_outside_the_allowed_ones_changes_nothing(host: Host) -> None:
    await host.open(master=f"{HERE},198.51.100.9")
    await host.move("198.51.100.9")
    await refused_unchanged(host, Exit.SAYS_NO, "Your settings do not allow 198.51.100.9")


async def test_a_foreign_address_on_the_list_changes_nothing(host: Host) -> None:
    await host.open(f"{HERE},198.51.100.9")
    await refused_unchanged(host, Exit.SAYS_NO, "Your settings do not allow 198.51.100.9")


async def test_services_that_agree_on_a_lie_change_nothing(host: Host) -> None:
    await host.open()
    await lists_of_echo(host, ELSEWHERE)
    await refused_unchanged(host, Exit.SAYS_NO, "disagree about your address")


async def test_services_that_agree_on_another_address_than_binance_names_change_nothing(host: Host) -> None:
    await host.open("203.0.113.9")  # so Binance refuses the key from here, and names this address
    await lists_of_echo(host, ELSEWHERE)
    await refused_unchanged(host, Exit.SAYS_NO, f"Binance names {HERE}")


async def test_an_address_that_binance_does_not_name_changes_nothing(host: Host) -> None:
    await host.open()
    await host.move()
    refusal = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action"}
    paths = ("/fapi/v2/balance", "/fapi/v3/balance")
    await host.world.fault(answers=[{"path": path, "times": 9, "status": 401, "body": refusal} for path in paths])
    await refused_unchanged(host, Exit.SAYS_NO, "Binance names no address")


async def test_a_key_that_is_refused_from_its_list_is_left_to_a_person(host: Host) -> None:
    await host.open()
    async with host.flow() as flow:
        assert flow.current is not None
        (row,) = await host.account.keys()
    await host.account.request("POST", f"/desk/keys/{row['api_key']}/disable")
    await refused_unchanged(host, Exit.SAYS_NO, f"Its list has your address {HERE}")


async def test_services_that_do_not_agree_leave_the_list_as_it_is(host: Host) -> None:
    await host.open()
    answers = [{"path": f"/echo/{shape}", "times": 50, "status": 503, "body": ""} for shape in ("plain", "json")]
    await host.world.fault(answers=answers)
    result = await host.run(is_forced=True)
    assert result.exit is Exit.FINE, result
    assert await host.list_of(last_four(result)) == HERE


async def test_a_master_key_that_may_withdraw_changes_nothing(host: Host) -> None:
    await host.open()
    keys = await host.account.request("GET", "/desk/keys")
    (master,) = [row for row in keys if row["account"] is None]
    permissions = ["enableReading", "enableSpotAndMarginTrading", "enableWithdrawals"]
    await host.account.request("PUT", f"/desk/keys/{master['api_key']}/permissions", permissions=permissions)
    await refused_unchanged(host, Exit.SAYS_NO, "may do too much")


# --- what a person, a bot or Binance does beside it ---


async def test_a_job_that_only_a_person_finishes_is_left_alone(host: Host) -> None:
    await host.open()
    async with host.flow() as flow:
        await flow.begin(Mode.LEAKED)
    result = await host.run(is_forced=True)
    assert result.exit is Exit.ROTATION_OPEN
    assert "Only a person finishes it" in " ".join(result.verdict)
    assert len(await host.names()) == 1


async def test_a_bot_that_does_not_take_the_key_keeps_the_legacy_key_alive(host: Host, tmp_path: Path) -> None:
    await host.open()
    (before,) = await host.names()
    flag, log = tmp_path / "ready", tmp_path / "log"
    script = f"import os, sys; open({str(log)!r}, 'a').write('x'); sys.exit(not os.path.exists({str(flag)!r}))"
    host.policy = replace(POLICY, on_switch=(sys.executable, "-c", script))
    result = await host.run(is_forced=True)
    assert (result.exit, result.legacy and result.legacy.name.last_four) == (Exit.LEGACY_ALIVE, before), result
    assert len(await host.names()) == 2
    assert (await host.run()).exit is Exit.LEGACY_ALIVE
    flag.touch()
    result = await host.run()
    assert result.exit is Exit.FINE, result
    assert await host.names() == [last_four(result)] != [before]
    assert (await host.run()).outcome == "not due"
    assert log.read_text() == "xxx"


async def test_a_new_key_that_fails_after_the_switch_leaves_the_legacy_key_alive(host: Host) -> None:
    await host.open()
    (before,) = await host.names()

    async def break_new(seconds: float) -> None:
        if seconds > 500:
            (row,) = [row for row in await host.account.keys() if not row["api_key"].endswith(before)]
            await host.account.request("PUT", f"/desk/keys/{row['api_key']}/whitelist", text="203.0.113.9")

    host.clock.on_pause = break_new
    result = await host.run(is_forced=True)
    assert result.exit is Exit.LEGACY_ALIVE, result
    assert "does not accept the current key" in result.verdict[0]
    assert before in await host.names()


async def test_a_key_that_counts_late_is_waited_for(host: Host) -> None:
    await host.open()
    await host.world.fault(whitelist_delay_s=40)
    result = await host.run(is_forced=True)
    assert result.exit is Exit.FINE, result
    assert await host.names() == [last_four(result)]


async def test_a_new_key_that_is_refused_in_two_runs_is_deleted(host: Host) -> None:
    await host.open()
    (before,) = await host.names()
    await host.world.fault(whitelist_delay_s=86400)
    result = await host.run(is_forced=True)
    assert result.exit is Exit.ROTATION_OPEN, result
    assert len(await host.names()) == 2
    result = await host.run()
    assert result.exit is Exit.SAYS_NO, result
    assert await host.names() == [before]
    assert last_four(result) == before


async def test_a_key_without_the_permissions_of_the_policy_is_not_made(host: Host) -> None:
    await host.open(HERE)
    (row,) = await host.account.keys()
    permissions = ["enableReading", "enableWithdrawals"]
    await host.account.request("PUT", f"/desk/keys/{row['api_key']}/permissions", permissions=permissions)
    await refused_unchanged(host, Exit.SAYS_NO, "cannot grant")


async def test_no_key_and_only_the_whitelist_is_nothing_to_do(host: Host) -> None:
    await host.open("")
    assert (await host.run(list_only=True)).outcome == "not due"
    assert await host.names() == []


@pytest.mark.parametrize(
    "unknown",
    [
        {"key_after_s": 40, "row_after_s": 20},
        {"restriction_adds": True},
        {"restriction_after_s": 20},
        {"masks_rows": True},
        {"delete_after_s": 30},
        {"hides_unknown": True},
        {"rows_named_list": True, "unknown_fields": True},
    ],
    ids="+".join,
)
async def test_what_binance_leaves_open_changes_nothing_of_the_end(host: Host, unknown: dict[str, Any]) -> None:
    await host.open()
    await host.run()
    (before,) = await host.names()
    await host.move()
    await host.world.fault(sub_accounts=unknown)
    result = await host.run(is_forced=True)
    assert (result.exit, result.due) == (Exit.FINE, ["changed address", "former address", "asked for"]), result
    assert await host.names() == [last_four(result)] != [before]
    assert await host.list_of(last_four(result)) == ELSEWHERE
