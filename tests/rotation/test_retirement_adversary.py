"""A key that lives is never taken for dead, whatever the addresses, lists, clocks and restarts do.

It is the legacy key, and beside it one that was entered and is not in use.

The adversary chooses what echo services see, what the exchange sees, and when either changes, also in the middle of a
poll. The exchange is a model of a page of rules; the retirement, its journal and its judgement are the real ones.

What is claimed: a key that exists is never `proven`, a key that exists and is enabled is never `strong`, and the polls
that a grade rests on lie apart. It is claimed of lists that stand on the exchange's page as they are known here, or
that are not known here, and of calls whose source changes at most once within a poll.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Paths
from wizard.core.sites import Site
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.egress.agreement import judge
from wizard.egress.detection import EgressReport
from wizard.egress.services import EchoService, Parser, Sample
from wizard.exchange import errors
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ExchangeError, server_fault, slow_down, unreachable
from wizard.exchange.responses import Account, ApiRestrictions
from wizard.net.route import Route
from wizard.net.trace import Phase
from wizard.rotation import state_machine
from wizard.rotation.context import Context
from wizard.rotation.journal import Journal, open_journal
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.steps import egress as egress_step
from wizard.rotation.steps.egress import EgressStep
from wizard.rotation.steps.retire import RetireStep

EXAMPLES = int(os.environ.get("KEY_WIZARD_RETIREMENTS", "0")) or examples(150)
A, B, C = map(IPv4Address, ("203.0.113.1", "203.0.113.2", "203.0.113.3"))
LEGACY, CURRENT, UNUSED = "l" * 64, "c" * 64, "u" * 64
GONE, NO = -2008, -2015
SERVICES = tuple(EchoService(name, name, "", Parser.PLAIN) for name in ("one", "two", "three"))

View = tuple[IPv4Address | None, ...]
"""What the three echo services see."""


@dataclass(frozen=True)
class Source:
    """The address that the exchange sees: another one from the n-th call on, until the poll ends."""

    first: IPv4Address
    then: IPv4Address
    calls: int


@dataclass(frozen=True)
class Move:
    """What happens, and then how many polls."""

    event: str
    view: View
    source: Source
    polls: int


@dataclass(frozen=True)
class Case:
    legacy_list: frozenset[IPv4Address]
    current_list: frozenset[IPv4Address]
    """Empty: not restricted."""
    is_legacy_known: bool
    is_current_known: bool
    has_sapi: bool
    names_futures: bool
    at_probe: tuple[View, Source]
    moves: tuple[Move, ...]
    worked_before: bool = False
    """Whether an earlier rotation saw the legacy key accepted."""
    unused_list: frozenset[IPv4Address] | None = None
    """Of the key that was never used; None where there is none."""
    is_unused_probed: bool = True


@dataclass
class Exchange:
    """It accepts a key that exists, is enabled, and has the caller on its list."""

    case: Case
    source: Source
    now: float = 1_000_000.0
    exists: bool = True
    enabled: bool = True
    unused_exists: bool = True
    unused_enabled: bool = True
    fault: Exception | None = None
    calls: int = 0
    accepted: dict[str, bool] = field(default_factory=dict)

    def answer(self, credentials: Credentials, surface: str) -> None:
        self.now += 0.05
        self.calls += 1
        caller = self.source.first if self.calls <= self.source.calls else self.source.then
        if self.fault is not None:
            raise self.fault
        key = credentials.api_key.reveal()
        if not {LEGACY: self.exists, UNUSED: self.unused_exists}.get(key, True):
            raise self.refused(GONE if surface == "sapi" else NO, caller, surface)
        listed, is_enabled = self.listed(key), {LEGACY: self.enabled, UNUSED: self.unused_enabled}.get(key, True)
        if not is_enabled or (listed and caller not in listed) or surface == "fapi":
            raise self.refused(NO, caller, surface)

    def listed(self, key: str) -> frozenset[IPv4Address]:
        lists = {LEGACY: self.case.legacy_list, UNUSED: self.case.unused_list or frozenset()}
        return lists.get(key, self.case.current_list)

    def refused(self, code: int, caller: IPv4Address, surface: str) -> ExchangeError:
        return errors.refused(code, "no", 400, caller if surface == "fapi" and self.case.names_futures else None)

    async def api_restrictions(self, credentials: Credentials) -> ApiRestrictions:
        self.answer(credentials, "sapi")
        return ApiRestrictions(bool(self.listed(credentials.api_key.reveal())), None, {"enableReading": True})

    async def account(self, credentials: Credentials) -> Account:
        self.answer(credentials, "api")
        return Account(1, True)

    async def futures_balances(self, credentials: Credentials) -> int:
        self.answer(credentials, "fapi")
        return 0


@dataclass
class Keeping:
    exchange: Exchange
    place = "memory"

    async def fetch(self, record: KeyRecord) -> Credentials:
        return Credentials(KeyKind.HMAC, Secret(record.name.last_four[0] * 64), Secret("s"))

    async def purge(self, record: KeyRecord, _reason: str) -> None:
        assert record.slot is Slot.UNUSED
        assert not self.exchange.unused_exists, "the secret of a key that exists is dropped"


@dataclass(frozen=True)
class Bench(Context):
    answering: Exchange | None = None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Exchange | None]:
        yield self.answering

    def exchange(self, site: Site | None = None) -> ExchangeClient:
        return cast(ExchangeClient, self._open())


VIEWS = st.one_of(
    st.sampled_from([(A, A, A), (A, A, A), (B, B, B)]),
    st.tuples(*[st.sampled_from([A, B, C, None])] * 3),
)
ADDRESSES = st.sampled_from([A, A, B, B, C])
SOURCES = st.one_of(
    st.builds(lambda one: Source(one, one, 0), ADDRESSES),
    st.builds(Source, ADDRESSES, ADDRESSES, st.integers(0, 8)),
)
OF_UNUSED = ["delete unused", "disable unused", "enable unused"]
FAULTS = ["server fault", "slow down", "cut"]
EVENTS = st.sampled_from(
    [*[""] * 8, "delete", "disable", "enable", "restart", "clock back", "clock on", *FAULTS, *OF_UNUSED]
)
MOVES = st.builds(Move, EVENTS, VIEWS, SOURCES, st.integers(1, 4))
LISTS = st.sampled_from([frozenset({A}), frozenset({A}), frozenset({A, B}), frozenset({B}), frozenset({A, B, C})])
CASES = st.builds(
    Case,
    LISTS,
    st.one_of(LISTS, LISTS, st.just(frozenset())),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True, True, False]),
    st.booleans(),
    st.tuples(VIEWS, SOURCES),
    st.lists(MOVES, min_size=1, max_size=8).map(tuple),
    st.booleans(),
    st.one_of(LISTS, LISTS, st.just(frozenset()), st.none()),
    st.booleans(),
)


@dataclass
class Play:
    """One case on a rotation of its own."""

    case: Case
    journal: Journal
    name: str
    seen: list[tuple[Grade, bool, bool]] = field(default_factory=list)
    """After each poll: the grade, whether the key exists, whether it is enabled."""
    seen_unused: list[Grade] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    """When the current key was first asked in each poll, in true time."""
    clock_off: float = 0.0

    async def run(self) -> None:
        case = self.case
        exchange = Exchange(case, case.at_probe[1])
        context = self._context(exchange)
        self._begin(context)
        self.view = case.at_probe[0]
        with patch.object(egress_step, "detect", self._detect):
            await self._probe(context, exchange)
            retire = RetireStep(context)
            for move in case.moves:
                self.view, exchange.source, exchange.fault = move.view, move.source, None
                retire = self._happen(move.event, exchange, retire, context)
                for _ in range(move.polls):
                    exchange.calls = 0
                    self.asked.append(exchange.now)
                    death = await retire.poll()
                    if exchange.calls:
                        self.asked[-1] = exchange.now - 0.05 * exchange.calls
                    self.seen.append((death.grade, exchange.exists, exchange.enabled))
                    self._judge(death.grade, exists=exchange.exists, enabled=exchange.enabled)
                    for record in retire.unused:
                        self.seen_unused.append(grade := retire.death(record).grade)
                        self._judge(grade, exists=exchange.unused_exists, enabled=exchange.unused_enabled)

    def _judge(self, grade: Grade, *, exists: bool, enabled: bool) -> None:
        assert not (exists and grade is Grade.PROVEN), "a key that exists is proven dead"
        assert not (exists and enabled and grade is Grade.STRONG), "a living key is strongly dead"
        if grade in (Grade.PROVEN, Grade.STRONG):
            first, second, third = self.asked[-3:]
            assert second - first > 4.9, "two polls of a row are a moment apart"
            assert third - second > 4.9, "two polls of a row are a moment apart"

    def _happen(self, event: str, exchange: Exchange, retire: RetireStep, context: Context) -> RetireStep:
        faults = {
            "server fault": server_fault(503),
            "slow down": slow_down(1.0, 429),
            "cut": unreachable(Phase.READ, "api.binance.com"),
        }
        exchange.fault = faults.get(event)
        exchange.exists = exchange.exists and event != "delete"
        exchange.enabled = event == "enable" or (exchange.enabled and event != "disable")
        exchange.unused_exists = exchange.unused_exists and event != "delete unused"
        is_on = event == "enable unused" or (exchange.unused_enabled and event != "disable unused")
        exchange.unused_enabled = is_on
        self.clock_off += {"clock back": -7200.0, "clock on": 30.0}.get(event, 0.0)
        return RetireStep(context) if event == "restart" else retire

    async def _detect(self, *_: object, **__: object) -> EgressReport:
        samples = tuple(
            Sample(service, seen, "" if seen else "gave none", 1.0)
            for service, seen in zip(SERVICES, self.view, strict=True)
        )
        return EgressReport(judge(samples), samples, cast(Route, _ROUTE), ())

    def _context(self, exchange: Exchange) -> Bench:
        async def pause(seconds: float) -> None:
            exchange.now += seconds

        site = Site(
            "bench", "https://bench.invalid", key_page="", futures_url="https://f.invalid", has_sapi=self.case.has_sapi
        )
        return Bench(
            environment=Environment(name=self.name, site=site),
            journal=self.journal,
            vault=cast(Any, Keeping(exchange)),
            services=SERVICES,
            environ={},
            clock=lambda: exchange.now + self.clock_off,
            pause=pause,
            stopwatch=lambda: exchange.now,
            answering=exchange,
        )

    def _begin(self, context: Context) -> None:
        case, journal = self.case, self.journal
        for key, slot, listed, is_known in (
            (LEGACY, Slot.CURRENT, case.legacy_list, case.is_legacy_known),
            *([] if case.unused_list is None else [(UNUSED, Slot.PENDING, case.unused_list, True)]),
            (CURRENT, Slot.PENDING, case.current_list, case.is_current_known),
        ):
            record = KeyRecord(
                environment=self.name,
                name=replace(
                    Credentials(KeyKind.HMAC, Secret(key), Secret("s")).name, fingerprint=f"{key[0]} {self.name}."
                ),
                kind=KeyKind.HMAC,
                slot=slot,
                holding=Holding.ANNOUNCED,
                item=f"{self.name} {key[0]}",
                store="memory",
                backend="memory",
                stored_at=0.0,
                whitelist=text(listed) if is_known else "",
            )
            journal.announce_key(record)
            journal.confirm_key(record)
            if key == LEGACY and case.worked_before:
                journal.mark_proven(record, str(A), site="bench")
        journal.begin_rotation(self.name, Mode.ROTATE)
        if case.is_current_known and case.current_list:
            journal.note_whitelist(context.rotation, text(case.current_list))

    async def _probe(self, context: Context, exchange: Exchange) -> None:
        """What the probe leaves in the journal: who was accepted, and where we were then."""
        await EgressStep(context).detect()
        in_use = self.journal.key_in(self.name, Slot.CURRENT)
        assert in_use is not None
        if exchange.source.then in self.case.legacy_list:
            self.journal.mark_proven(in_use, context.egress, site="bench")
        switch = state_machine.Transition(context.rotation, state_machine.Move.SWITCH, Step.RETIRE)
        unused = [key for key in self.journal.keys(self.name) if key.name.last_four == "uuuu"]
        if unused and self.case.is_unused_probed:
            is_listed = not self.case.unused_list or exchange.source.then in self.case.unused_list
            site, code = context.environment.site, None if is_listed else NO
            self.journal.note_answer(unused[0], site, context.egress, accepted=is_listed, code=code)
        self.journal.promote(switch, f"{self.name} c", [key.item for key in unused])


class _Shown:
    shown = "direct"


_ROUTE = _Shown()
_NUMBERS = count()


def text(listed: frozenset[IPv4Address]) -> str:
    return ",".join(map(str, sorted(listed)))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = open_journal(Paths(tmp_path / "config", tmp_path / "state"))
    yield opened
    opened.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=CASES)
def test_no_living_key_is_taken_for_dead(tmp_path: Path, case: Case) -> None:
    name = f"bench-{next(_NUMBERS)}"
    with closing(open_journal(Paths(tmp_path / name / "config", tmp_path / name / "state"))) as journal:
        asyncio.run(Play(case, journal, name).run())


STILL: Source = Source(A, A, 0)
SMOOTH = Case(
    legacy_list=frozenset({A}),
    current_list=frozenset({A}),
    is_legacy_known=True,
    is_current_known=True,
    has_sapi=True,
    names_futures=True,
    at_probe=((A, A, A), STILL),
    moves=(),
)


def flow_of(*moves: Move, **changes: Any) -> Callable[[Journal], Awaitable[list[Grade]]]:
    async def run(journal: Journal) -> list[Grade]:
        play = Play(replace(SMOOTH, moves=moves, **changes), journal, f"bench-{next(_NUMBERS)}")
        await play.run()
        return [grade for grade, *_ in play.seen]

    return run


AGREED: View = (A, A, A)
TO_A, TO_B = STILL, Source(B, B, 0)
ONLY_A, BOTH = frozenset({A}), frozenset({A, B})


@pytest.mark.parametrize(
    ("run", "last"),
    [
        pytest.param(
            flow_of(*[Move("", (A, B, None), TO_B, 1)] * 6, legacy_list=ONLY_A, current_list=BOTH),
            Grade.WEAK,
            id="the services disagree while the exchange sees the other address",
        ),
        pytest.param(
            flow_of(
                *[Move("", AGREED, source, 1) for source in (TO_B, TO_B, TO_A, TO_B, TO_B, TO_B)],
                legacy_list=ONLY_A,
                current_list=BOTH,
            ),
            Grade.WEAK,
            id="the services agree on one address and the exchange sees another, with a sign of life in between",
        ),
        pytest.param(
            flow_of(*[Move("", AGREED, TO_B, 1)] * 6, legacy_list=ONLY_A, current_list=BOTH),
            Grade.WEAK,
            id="the services agree on one address and the exchange sees another all the time",
        ),
        pytest.param(
            flow_of(*[Move("", AGREED, Source(B, A, calls), 1) for calls in (1, 2, 3, 1, 2, 3)]),
            Grade.INCONCLUSIVE,
            id="the source changes within each poll",
        ),
        pytest.param(
            flow_of(Move("", AGREED, Source(A, B, 1), 3), names_futures=False),
            Grade.INCONCLUSIVE,
            id="the source changes after the current key was accepted, and nobody names the new one",
        ),
        pytest.param(
            flow_of(Move("disable", AGREED, TO_A, 3)), Grade.STRONG, id="a disabled key is refused where it worked"
        ),
        pytest.param(flow_of(Move("delete", AGREED, TO_A, 3)), Grade.PROVEN, id="a deleted key is not known any more"),
        pytest.param(
            flow_of(Move("delete", AGREED, TO_A, 2), Move("restart", AGREED, TO_A, 1)),
            Grade.INCONCLUSIVE,
            id="a row does not go on after a restart",
        ),
        pytest.param(
            flow_of(
                Move("disable", AGREED, TO_A, 3), Move("enable", AGREED, TO_A, 1), Move("disable", AGREED, TO_A, 4)
            ),
            Grade.WEAK,
            id="a key that was refused and came back may come back again",
        ),
        pytest.param(
            flow_of(
                *[Move(event, (B, B, B), TO_B, 3) for event in ("", "delete")],
                current_list=frozenset({B}),
                at_probe=((B, B, B), TO_B),
                worked_before=True,
            ),
            Grade.PROVEN,
            id="the address changed before the rotation, so only an earlier one saw the legacy key work",
        ),
        pytest.param(
            flow_of(Move("disable", AGREED, TO_A, 3), has_sapi=False),
            Grade.STRONG,
            id="without /sapi, the exchange has to name the address",
        ),
        pytest.param(
            flow_of(Move("disable", AGREED, TO_A, 3), has_sapi=False, names_futures=False),
            Grade.WEAK,
            id="without /sapi and without the exchange's own word",
        ),
        pytest.param(
            flow_of(Move("disable", AGREED, TO_A, 3), is_legacy_known=False),
            Grade.WEAK,
            id="the legacy key's list is not known",
        ),
    ],
)
async def test_the_grade_that_each_story_ends_with(
    journal: Journal, run: Callable[[Journal], Awaitable[list[Grade]]], last: Grade
) -> None:
    assert (await run(journal))[-1] is last


@pytest.mark.parametrize(
    ("moves", "changes", "last"),
    [
        ([Move("delete unused", AGREED, TO_A, 3)], {}, Grade.PROVEN),
        ([Move("disable unused", AGREED, TO_A, 3)], {}, Grade.STRONG),
        ([Move("disable unused", AGREED, TO_A, 3)], {"is_unused_probed": False}, Grade.WEAK),
        ([Move("", AGREED, TO_A, 3)], {}, Grade.ALIVE),
        ([Move("", AGREED, TO_A, 3)], {"unused_list": frozenset({B})}, Grade.WEAK),
        (
            [Move("", AGREED, TO_A, 3), Move("delete unused", AGREED, TO_A, 3)],
            {"unused_list": frozenset({B})},
            Grade.PROVEN,
        ),
        ([Move("delete", AGREED, TO_A, 3)], {}, Grade.ALIVE),
        ([Move("", AGREED, Source(A, B, 1), 3)], {"names_futures": False}, Grade.INCONCLUSIVE),
        ([Move("", AGREED, TO_A, 3)], {"unused_list": frozenset({B}), "has_sapi": False}, Grade.WEAK),
    ],
)
async def test_the_grade_of_a_key_that_was_never_used(
    journal: Journal, moves: list[Move], changes: dict[str, Any], last: Grade
) -> None:
    case = replace(SMOOTH, **{"unused_list": ONLY_A, "moves": tuple(moves), **changes})
    play = Play(case, journal, f"bench-{next(_NUMBERS)}")
    await play.run()
    assert play.seen_unused[-1] is last
