"""Every call of an unattended rotation, lost in every way: the next run finishes, and no key is forgotten.

A dry run finds the calls. Each is then met by each loss, in a rotation of its own. What reads has no effect, so that
before it and after it are the same.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.rotation.conftest import ELSEWHERE, HERE
from tests.rotation.sub_account_lab import POLICY, Call, Lab, lab
from tests.tiers import slow, whole
from wizard.core.errors import Exit
from wizard.core.unattended import RotationPolicy
from wizard.exchange import sub_accounts
from wizard.rotation.context import Pace

SLOW_DOWN = {"code": -1003, "msg": "Too much request weight used"}
LOSSES: dict[str, dict[str, object]] = {
    "lost before": {"sends": "nothing"},
    "lost after": {"carried_out": 1, "sends": "nothing"},
    "duplicated": {"carried_out": 2, "sends": "result"},
    "duplicated, lost": {"carried_out": 2, "sends": "nothing"},
    "429": {"status": 429, "body": SLOW_DOWN, "headers": {"Retry-After": "7"}},
    "503 before": {"status": 503},
    "503 after": {"carried_out": 1, "status": 503},
    "silence before": {"sends": "silence"},
    "silence after": {"carried_out": 1, "sends": "silence"},
}
OF_READS = ("lost before", "429", "503 before", "silence before")
SILENCE = 2.0
"""Seconds until the program gives a silent call up."""
AT_ONCE = 6
"""Rotations in one process: while one waits for a silent exchange, others go on."""
MOST_RUNS = 4
"""The run that the loss meets, and three more."""


@dataclass(frozen=True)
class Job:
    """What is to be done when the loss is met."""

    name: str
    policy: RotationPolicy
    moves: bool = False
    """Whether this host has another address by then."""
    switches: Mapping[str, object] = field(default_factory=dict)

    @asynccontextmanager
    async def lab(self, path: Path, loss: str = "") -> AsyncIterator[Lab]:
        pace = Pace(call=SILENCE if "silence" in loss else 20, egress=20)
        async with lab(path, policy=self.policy, pace=pace) as one:
            await one.begin(master=f"{HERE},{ELSEWHERE}")
            if self.moves:
                await one.run()  # the address at which the key worked is known from now on
                await one.move(ELSEWHERE)
            await one.fault(sub_accounts=self.switches)
            yield one

    async def wrong(self, one: Lab) -> list[str]:
        found = await one.wrong()
        wanted, lists = ELSEWHERE if self.moves else HERE, [key.whitelist for key in one.keys]
        return found if lists == [(IPv4Network(wanted),)] else [*found, f"the list is {lists}"]

    async def calls(self, path: Path) -> list[Call]:
        """Return the calls of the job in which nothing is lost."""
        async with self.lab(path / f"dry-{self.name}") as one:
            (ran,) = await one.finish(1)
            calls = await one.calls()
            assert (ran.exit, await self.wrong(one)) == (Exit.FINE, []), ran
            assert one.looks > 2 * len(calls)
            return calls

    async def points(self, path: Path) -> list[Point]:
        calls = await self.calls(path)
        return [Point(self, call, loss) for call in calls for loss in (OF_READS if call.method == "GET" else LOSSES)]


class Point(NamedTuple):
    """A call of a job, and how it is lost."""

    job: Job
    call: Call
    loss: str

    async def meet(self, path: Path) -> tuple[int, list[str]]:
        """Return how many runs the job took, and what is wrong then."""
        async with self.job.lab(path, self.loss) as one:
            await one.fault(answers=[self.call.fault(**LOSSES[self.loss])], sub_accounts=self.job.switches)
            ran = await one.finish(MOST_RUNS)
            wrong = ["the call was not made"] * bool(one.exchange.state.faults.answers)
            await one.fault()
            wrong += await self.job.wrong(one)
        if ran[-1].exit is not Exit.FINE:
            wrong.append(f"the last run says {ran[-1].verdict}")
        return len(ran), wrong


ROTATION = Job("rotation", POLICY)
"""Two calls of it change something: one makes the new key, one deletes the old one."""
CHANGED_ADDRESS = Job("address", replace(POLICY, every=None), moves=True, switches={"restriction_adds": True})
"""So do two of this: the new address goes on the list, and after the grace time the former one goes off."""


async def meet_all(path: Path, chosen: Sequence[Point]) -> Counter[int]:
    """Meet each in a job of its own, and return how many jobs took how many runs; fail with what went wrong."""
    slots, lost, runs = asyncio.Semaphore(AT_ONCE), list[str](), Counter[int]()

    async def meet(number: int, point: Point) -> None:
        async with slots:
            took, wrong = await point.meet(path / str(number))
        runs[took] += 1
        lost.extend(f"{point.job.name}: {' '.join(map(str, point.call))}, {point.loss}: {one}" for one in wrong)

    await asyncio.gather(*itertools.starmap(meet, enumerate(chosen)))
    print(f"{len(chosen)} points, {len(lost)} losses, runs {dict(sorted(runs.items()))}")
    assert not lost, "\n".join(lost)
    return runs


@pytest.fixture(autouse=True)
def silent_calls_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sub_accounts, "CHANGE_DEADLINE", SILENCE)
    # httpcore looks for it on the disk at each of many thousand calls.
    monkeypatch.setitem(sys.modules, "sniffio", None)


@pytest.mark.parametrize("share", [*slow(0), *whole(*range(1, 8))])
async def test_every_call_is_lost_in_every_way(tmp_path: Path, share: int) -> None:
    every = [*await ROTATION.points(tmp_path), *await CHANGED_ADDRESS.points(tmp_path)]
    await meet_all(tmp_path, every[share::8])


@pytest.mark.slow
async def test_calls_that_change_something_are_lost_in_each_way(tmp_path: Path) -> None:
    every = [*await ROTATION.points(tmp_path), *await CHANGED_ADDRESS.points(tmp_path)]
    changes = [point for point in every if point.call.method != "GET" and "silence" not in point.loss]
    await meet_all(tmp_path, changes[::2])
