"""Many rotations in a row on one home, and a journal of thousands of jobs: nothing grows that anybody waits for.

All is real but the exchange, which is in this process, and the clock, which only pauses move. KEY_WIZARD_SOAK says how
many rotations the long form has.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.rotation.many_jobs import write_jobs
from tests.rotation.sub_account_lab import DAY, Lab, lab
from tests.tiers import slow, whole
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit
from wizard.core.secret import Secret
from wizard.core.settings import Paths
from wizard.custody.encrypted_file import make_file
from wizard.rehearsal.player import Player
from wizard.rehearsal.scenarios import SMOOTH
from wizard.rotation import journal, opening
from wizard.rotation.database import Database

ROTATIONS = int(os.environ.get("KEY_WIZARD_SOAK", "500"))
FEW = 100
BY_HAND = 10
"""Each so manieth rotation is done by a user, in the same flow."""
BEGUN = 1_800_000_000.0
PASSPHRASE = "correct horse battery staple"


@asynccontextmanager
async def home(path: Path, place: str) -> AsyncIterator[Lab]:
    """Yield a home with a sub-account's key, kept in this place."""
    paths = Paths(path / "config", path / "state")
    paths.create()
    store = await make_file(paths.encrypted_file, Secret(PASSPHRASE), 60) if place == "encrypted file" else None
    async with lab(path, store=store) as one:
        yield one


async def rotate(one: Lab, number: int) -> None:
    """Replace the key once."""
    one.clock.now += 31 * DAY
    one.exchange.state.log.clear()
    if number % BY_HAND:
        result = await one.run()
        assert (result.exit, result.outcome) == (Exit.FINE, "done"), result.verdict
        return
    async with one.flow() as flow:
        assert await Player(flow, one.world.simulated_page, KeyKind.ED25519, SMOOTH).play()


async def sizes(one: Lab) -> dict[str, float]:
    """Return what this process and its host hold."""
    gc.collect()
    resident, file = int(Path("/proc/self/statm").read_text().split()[1]), one.world.paths.encrypted_file
    (pages,) = one.journal._database.select(lambda row: int(row[0]), "PRAGMA page_count")
    return {
        "items": len(await one.world.store.names("key-wizard:")),
        "files open": len([*Path("/proc/self/fd").iterdir()]),
        "threads": threading.active_count(),
        "resident MiB": resident * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "journal KiB": 4.0 * pages,
        "place KiB": file.stat().st_size / 1024 if file.exists() else 0.0,
    }


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("place", "rotations"),
    [
        pytest.param("encrypted file", 20, marks=pytest.mark.slow),
        pytest.param("encrypted file", ROTATIONS, marks=pytest.mark.whole),
    ],
)
async def test_rotations_in_a_row_leave_nothing_but_their_records(tmp_path: Path, place: str, rotations: int) -> None:
    seconds, held = list[float](), list[dict[str, float]]()
    async with home(tmp_path, place) as one:
        await one.begin()
        for number in range(1, rotations + 1):
            begun = time.perf_counter()
            await rotate(one, number)
            seconds.append(time.perf_counter() - begun)
            if number % (rotations // 4) == 0:
                held.append(await sizes(one))
                print(number, {name: round(value, 1) for name, value in held[-1].items()}, flush=True)
        fifth = max(1, rotations // 5)
        print(*(f"{median(part):.2f} s" for part in (seconds[:fifth], seconds[2 * fifth :][:fifth], seconds[-fifth:])))
        assert await one.wrong(made=rotations) == []
        finished = one.journal.events(kind="rotation.certified")
    first, second, _, last = held
    quarter, rest = grown(first, second), grown(first, last)
    assert len(finished) == rotations
    assert last["items"] == 2  # the key in use, and the master's
    assert [name for name in ("files open", "threads") if rest[name] > 3] == []  # some end a moment later
    assert abs(rest["place KiB"]) < 0.1
    assert rest["journal KiB"] / 3 == pytest.approx(quarter["journal KiB"], rel=0.3)
    assert rest["resident MiB"] < 20


class Effort(Counter[str]):
    """What is read of journals: the rows that became records, and the instructions that SQLite took to find them."""

    @contextmanager
    def watched(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        read = Database._rows

        def rows(database: Any, query: str, values: Any = ()) -> Any:
            if query.startswith("PRAGMA"):
                return read(database, query, values)
            database._connection.set_progress_handler(lambda: self.update(instructions=100), 100)
            found = read(database, query, values)
            self["rows"] += len(found)
            return found

        with patch.context() as within:
            within.setattr(Database, "_rows", rows)
            yield


@pytest.mark.timeout(0)
@pytest.mark.parametrize("many", [*slow(1_000), *whole(10_000)])
async def test_a_rotation_reads_as_much_after_thousands_of_jobs(
    tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    efforts = []
    # Of these rows so many are read in any case.
    monkeypatch.setattr(opening, "_CHECKED", FEW // 2)
    monkeypatch.setattr(journal, "MOST_SIGHTINGS", FEW // 2)
    for count in (FEW, many):
        async with lab(tmp_path / str(count)) as one:
            one.world.paths.create()
            write_jobs(one.world.paths.journal, count, "bot-1", BEGUN)
            await one.begin()
            await rotate(one, 1)
            effort, begun = Effort(), time.perf_counter()
            with effort.watched(monkeypatch):
                await rotate(one, 1)
                await rotate(one, BY_HAND)
            print(f"after {count} jobs: {dict(effort)}, {time.perf_counter() - begun:.2f} s for two rotations")
            efforts.append(effort)
            assert await one.wrong(made=3) == []
    assert efforts[1]["rows"] <= 1.05 * efforts[0]["rows"]
