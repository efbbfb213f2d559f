"""Many sub-accounts of one master account: each key is replaced and proven dead, within the weight of every minute."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.rotation.sub_account_lab import SimulatedClock, lab, weights
from tests.tiers import slow, whole
from wizard.core.errors import Exit
from wizard.exchange.sub_accounts import WEIGHT_LIMIT, Pacer
from wizard.rotation.model import Grade


@pytest.mark.timeout(400)
@pytest.mark.parametrize("accounts", [1, *slow(10), *whole(100)])
async def test_all_are_replaced_within_the_weight_of_each_minute(tmp_path: Path, accounts: int) -> None:
    begun = time.monotonic()
    async with lab(tmp_path, accounts) as one:
        await one.begin()
        clock: SimulatedClock = one.clock
        one.pacer = Pacer(clock, clock.pause)
        await one.fault()
        at, results = clock(), {}
        # As `--all-due` does: the grace times pass together.
        for may_wait in (False, True):
            for name in one.names:
                results[name] = await one.run(name, may_wait=may_wait)
            await one.look("between the runs")
        took, calls = clock() - at, await one.calls()
        for name, ran in results.items():
            assert ran.exit is Exit.FINE, (name, ran.verdict)
            assert ran.report is not None and ran.report.grade is Grade.PROVEN, name
            assert await one.wrong(name, made=1) == [], name
        rows = (await one.log())[one.first :]
        assert not [row for row in rows if row["status"] == 429]
        weight = weights(rows)
        assert weight <= WEIGHT_LIMIT
    managing = [call for call in calls if "/sub-account/" in call.path]
    print(
        f"{accounts} sub-accounts: {took:.0f} s by the clock of exchange and program, {time.monotonic() - begun:.1f} s"
        f" here; {len(calls) / accounts:.1f} calls for each, {len(managing) / accounts:.1f} of them with the master's"
        f" key; at most {weight} of {WEIGHT_LIMIT} on a path in any 60 s"
    )
