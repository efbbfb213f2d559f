"""Each of the five jobs, killed at every place where it writes: the next wizard finishes it, and nothing is lost.

All is real but the exchange and the length of the waits: a GNOME keyring, an encrypted file or OpenBao, a terminal,
SIGKILL, and `status`, `check` and `exec` in a loop beside it. The places are those of `tests.kill_points`, found by a
run that nobody kills. One trial in twelve starts every program anew; the others are forked from one that has loaded it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.beside.forks import Forks
from tests.beside.killed_jobs import JOBS, Case, Trial, Yard, yard_of
from tests.kill_points import Moment, Point, points
from wizard.core.credentials import KeyKind
from wizard.core.settings import Place
from wizard.rotation.model import JOB_NAMES, Mode

pytestmark = [pytest.mark.terminal, pytest.mark.keyring, pytest.mark.timeout(580)]
KINDS = (KeyKind.HMAC, KeyKind.ED25519)
PLACES = (Place.KEYRING, Place.ENCRYPTED_FILE, Place.OPENBAO)
SHARES = 5
"""Of each job; no multiple of the three moments, so that each share has all of them."""
REAL = 12
MOST_TRIES = 3
"""With one point. GNOME Keyring 42.1 can abort by itself, which is no loss of the wizard's: then it is tried again."""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@pytest.fixture(scope="module")
def yard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[Yard]:
    path = tmp_path_factory.mktemp(str(request.param))
    with yard_of(request.param, path, forks) as yard:
        yield yard


def places_to_kill_at(yard: Yard, case: Case) -> list[Point]:
    """Return every moment of every write; in a keyring, the worker can also die alone."""
    names = yard.names(case)
    alone = [Point(name, Moment.WORKER) for name in names if yard.kind is Place.KEYRING and name[:5] == "place"]
    return [*points(names), *alone]


def kill(yard: Yard, case: Case, chosen: list[tuple[int, Point]]) -> list[str]:
    """Kill a job of its own at each; return what was lost."""
    lost, said, begun = list[str](), Counter[str](), time.monotonic()
    for number, point in chosen:
        for _ in range(MOST_TRIES):
            with yard.host(case, is_forked=number % REAL != REAL - 1) as (host, job):
                trial = Trial(host, job, point, yard.commands)
                trial.run()
            if not (ended := yard.revive()):
                break
            print(f"the keyring itself ended during {case}, {point}: {ended}")
        lost += [f"{case}, {yard.kind}, {one}" for one in trial.lost]
        said += trial.said
    seconds = f"{time.monotonic() - begun:.0f} s"
    print(f"{case}, {yard.kind}: {len(chosen)} points, {len(lost)} losses, {seconds}, beside {dict(said)}")
    return lost


@pytest.mark.slow
@pytest.mark.parametrize("yard", PLACES, indirect=True)
def test_every_job_is_killed_at_some_places(yard: Yard) -> None:
    lost = []
    for number, mode in enumerate(JOBS):
        at = number + PLACES.index(yard.kind)
        case = Case(mode, KINDS[at % 2])
        all_points = places_to_kill_at(yard, case)
        chosen = all_points[(7 * at + 1) % len(all_points) :: len(all_points) // 2 + 1]
        numbers = (REAL - 1 if at == 0 else 0, 0)
        lost += kill(yard, case, list(zip(numbers, chosen, strict=False)))
    assert not lost, "\n".join(lost)


@pytest.mark.whole
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", JOBS, ids=JOB_NAMES.get)
@pytest.mark.parametrize("yard", PLACES, indirect=True)
def test_a_job_is_killed_at_every_place(yard: Yard, mode: Mode, kind: KeyKind, share: int) -> None:
    case = Case(mode, kind)
    lost = kill(yard, case, list(enumerate(places_to_kill_at(yard, case)))[share::SHARES])
    assert not lost, "\n".join(lost)
