"""A rotation killed at every write: the key in use works at each moment, and the next start goes on to the end."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.rotation.conftest import HERE, World
from tests.rotation.test_unused_keys import with_two_left
from wizard.core.credentials import KeyKind
from wizard.custody.records import Holding, Slot
from wizard.custody.store import MemoryStore
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.current_credentials import current_key, fetch
from wizard.rotation.flow import CERTIFIED, Flow
from wizard.rotation.journal import Journal
from wizard.rotation.model import Grade, Mode, Step
from wizard.rotation.report import Report, restore_report

READERS = {
    "close",
    "open_rotation",
    "rotations",
    "overview",
    "kept_keys",
    "keys",
    "key_in",
    "environments_with",
    "last_seen",
    "last_verdict",
    "whitelist_of",
    "addresses_of_hosts",
    "list_in_use",
    "labels",
    "other_lists",
    "observed_addresses",
}
READERS |= {"egress_history", "events", "check", "unused"}
WRITERS = [name for name, made in vars(Journal).items() if inspect.isfunction(made) and name[0] != "_"]
WRITERS = [name for name in WRITERS if name not in READERS]
"""Whatever the journal learns to write is a place to be killed at."""

HMAC_WRITES = {
    "canary write": 1,
    "canary delete": 1,
    "begin_rotation": 1,
    "note_egress": 3,
    "note_whitelist": 1,
    "move": 3,
    "announce_key": 1,
    "write": 1,
    "confirm_key": 1,
    "note_answer": 1,
    "mark_proven": 2,
    "promote": 1,
    "record": 4,
    "announce_purge": 1,
    "delete": 1,
    "confirm_purge": 1,
    "finish": 1,
}
DRAFT_WRITES = {"announce_key": 2, "write": 2, "confirm_key": 2, "announce_purge": 1, "delete": 1, "confirm_purge": 1}
"""What an Ed25519 key has more than an HMAC key: its draft."""
UNUSED_WRITES = {"set_aside": 1, "announce_purge": 1, "delete": 1, "confirm_purge": 1, "finish": 1}
"""What abandoning a draft and a pending key writes: the second may live."""


class Killed(BaseException):
    """As `kill -9`: nothing catches it."""


@dataclass(frozen=True)
class Seam:
    """A moment just before or just after the n-th write of a kind."""

    side: str
    kind: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.side} {self.kind} {self.nth}"


def after_each(writes: Mapping[str, int]) -> list[Seam]:
    """Return the seams at which something new lasts: before a write is after the one before it."""
    return [Seam("after", kind, nth) for kind, count in writes.items() for nth in range(1, count + 1)]


ACTED = [Seam("before", "begin_rotation"), Seam("before", "announce_key"), Seam("before", "record")]
"""Where the user did something at the exchange since the last write, or where nothing was written yet."""


@dataclass
class Reaper:
    """Counts the writes of a process and ends it at a seam. What is dead writes nothing more."""

    seam: Seam | None = None
    is_dead: bool = False
    seen: Counter[str] = field(default_factory=Counter)

    def wait_at(self, seam: Seam) -> None:
        """Begin a new process, which will be killed at `seam`."""
        self.seam, self.is_dead, self.seen = seam, False, Counter()

    def rest(self) -> None:
        """Begin a new process, which lives."""
        self.seam, self.is_dead, self.seen = None, False, Counter()

    def pass_by(self, side: str, kind: str) -> None:
        if self.is_dead or self.seam == Seam(side, kind, self.seen[kind]):
            self.is_dead = True
            raise Killed

    def over(self, kind: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def watched(journal: Journal, *args: Any, **kwargs: Any) -> Any:
            self.seen[kind] += 1
            self.pass_by("before", kind)
            done = write(journal, *args, **kwargs)
            self.pass_by("after", kind)
            return done

        return watched

    def over_store(self, kind: str, touch: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(store: MemoryStore, service: str, *args: Any) -> Any:
            named = f"canary {kind}" if ":trial:" in service else kind
            self.seen[named] += 1
            self.pass_by("before", named)
            done = await touch(store, service, *args)
            self.pass_by("after", named)
            return done

        return watched


@pytest.fixture
def reaper(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[Reaper]:
    reaper = Reaper()
    for name in WRITERS:
        monkeypatch.setattr(Journal, name, reaper.over(name, getattr(Journal, name)))
    for name in ("write", "read", "delete"):
        monkeypatch.setattr(type(world.store), name, reaper.over_store(name, getattr(type(world.store), name)))
    yield reaper
    reaper.rest()


@dataclass
class User:
    """A person before the screen who does at each step what is left to do, and remembers what the page showed."""

    world: World
    kind: KeyKind
    old: NewKey | None = None
    new: NewKey | None = None
    public_key: str = ""
    has_deleted: bool = False

    async def walk(self, flow: Flow) -> None:
        """Go on to the end from wherever the rotation stands."""
        if not flow.context.journal.rotations("bench"):
            await flow.begin(Mode.ROTATE if self.old else Mode.SET_UP)
        acts = {
            Step.EGRESS: self.egress,
            Step.WHITELIST: self.whitelist,
            Step.CREDENTIALS: self.credentials,
            Step.PROBE: self.probe,
            Step.RETIRE: self.retire,
        }
        while (step := flow.step) is not None:
            await assert_key_in_use_works(self)
            await acts[step](flow)
            assert flow.step is not step

    async def egress(self, flow: Flow) -> None:
        await flow.egress.detect()
        flow.advance(Step.EGRESS)

    async def whitelist(self, flow: Flow) -> None:
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(Step.WHITELIST)

    async def credentials(self, flow: Flow) -> None:
        if flow.credentials.pending is None:
            await (self.enter_hmac(flow) if self.kind is KeyKind.HMAC else self.enter_ed25519(flow))
        flow.advance(Step.CREDENTIALS)

    async def enter_hmac(self, flow: Flow) -> None:
        self.new = self.new or await self.world.make_key()
        await flow.credentials.store_hmac(self.new.api_key, self.new.secret)

    async def enter_ed25519(self, flow: Flow) -> None:
        public_key = await flow.credentials.public_key()
        if self.new is None:
            self.public_key = public_key
            self.new = await self.world.simulated_page.create(
                "new", KeyKind.ED25519, HERE, public_key=public_key, enableSpotAndMarginTrading=True
            )
        assert public_key == self.public_key, "the private key of a key made at the exchange is lost"
        await flow.credentials.store_pair(self.new.api_key, public_key)

    async def probe(self, flow: Flow) -> None:
        await flow.complete(await flow.probe.run())

    async def retire(self, flow: Flow) -> None:
        assert self.old is not None
        if not self.has_deleted:
            await self.world.simulated_page.delete(self.old.api_key)
            self.has_deleted = True
        await self.world.kill(flow)
        await flow.purge()


async def assert_key_in_use_works(user: User) -> None:
    """What a consumer would be given at this moment is accepted by the exchange."""
    if user.old is None:
        return

    async def open_store() -> MemoryStore:
        return user.world.store

    assert await user.world.accepts(await fetch(current_key("bench", user.world.paths), await open_store()))


def assert_settled(world: World, flow: Flow) -> None:
    """The journal knows of each item in the keyring, and nothing is left in between."""
    keys = flow.context.journal.keys("bench")
    assert {key.holding for key in keys} <= {Holding.STORED, Holding.PURGED}
    assert sorted(key.item for key in keys if key.holding is Holding.STORED) == sorted(items(world))


def items(world: World) -> list[str]:
    # A canary whose test was killed is worth nothing to anybody; it is left where it is.
    return [service for service in world.store.services if ":trial:" not in service]


async def until_killed(world: World, act: Callable[[Flow], Awaitable[Any]]) -> None:
    """Run one process to its violent end, together with what it had under way."""
    others = asyncio.all_tasks()
    with pytest.raises(Killed):
        async with world.flow() as flow:
            await act(flow)
    if left := asyncio.all_tasks() - others:
        await asyncio.wait(left)


async def user_with_a_key(world: World, kind: KeyKind = KeyKind.HMAC) -> User:
    async with world.flow() as flow:
        return User(world, kind, await world.put_key_in_use(flow))


def reports(flow: Flow) -> list[Report | None]:
    return [restore_report(event.detail) for event in flow.context.journal.events() if event.kind == CERTIFIED]


async def assert_finished(user: User) -> None:
    """One rotation, one report, one item, and the old key buried."""
    assert user.old is not None
    assert user.new is not None
    await assert_key_in_use_works(user)
    async with user.world.flow() as flow:
        journal = flow.context.journal
        assert_settled(user.world, flow)
        assert [rotation.outcome for rotation in journal.rotations("bench")] == [Grade.PROVEN]
        assert flow.current is not None
        assert flow.current.name.fingerprint == user.new.api_key.fingerprint()
        assert [key.slot for key in journal.keys("bench") if key.holding is Holding.STORED] == [Slot.CURRENT]
        buried = next(key for key in journal.keys("bench") if key.name.fingerprint == user.old.api_key.fingerprint())
        assert (buried.slot, buried.holding) == (Slot.RETIRED, Holding.PURGED)
        (report,) = reports(flow)
        assert report is not None
        assert (report.grade, report.legacy) == (Grade.PROVEN, buried.name)
        journal.check()
    assert len(items(user.world)) == 1


async def kill_and_go_on(user: User, reaper: Reaper, seam: Seam) -> None:
    reaper.wait_at(seam)
    await until_killed(user.world, user.walk)
    reaper.rest()
    await assert_key_in_use_works(user)
    async with user.world.flow() as flow:
        assert_settled(user.world, flow)
        await assert_key_in_use_works(user)
        await user.walk(flow)


async def test_the_seams_are_all_there_are(world: World, reaper: Reaper) -> None:
    user = await user_with_a_key(world)
    reaper.rest()
    async with world.flow() as flow:
        await user.walk(flow)
        assert {kind: count for kind, count in reaper.seen.items() if not kind.endswith("read")} == HMAC_WRITES
    await assert_finished(user)


@pytest.mark.parametrize("seam", [*after_each(HMAC_WRITES), *ACTED], ids=str)
async def test_an_hmac_rotation_survives_a_kill(world: World, reaper: Reaper, seam: Seam) -> None:
    user = await user_with_a_key(world)
    await kill_and_go_on(user, reaper, seam)
    await assert_finished(user)


@pytest.mark.parametrize("seam", [*after_each(DRAFT_WRITES), Seam("before", "announce_key", 2)], ids=str)
async def test_an_ed25519_rotation_survives_a_kill(world: World, reaper: Reaper, seam: Seam) -> None:
    user = await user_with_a_key(world, KeyKind.ED25519)
    await kill_and_go_on(user, reaper, seam)
    await assert_finished(user)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Seam("after", "write"), Seam("after", "confirm_key")),
        (Seam("after", "announce_key"), Seam("after", "forget_key")),
        (Seam("after", "announce_purge"), Seam("after", "delete")),
        (Seam("after", "delete"), Seam("after", "confirm_purge")),
        (Seam("after", "confirm_purge"), Seam("after", "finish")),
    ],
    ids=str,
)
async def test_a_repair_survives_a_kill_too(world: World, reaper: Reaper, first: Seam, second: Seam) -> None:
    user = await user_with_a_key(world)
    reaper.wait_at(first)
    await until_killed(world, user.walk)
    await kill_and_go_on(user, reaper, second)
    await assert_finished(user)


@pytest.mark.parametrize("seam", after_each({"promote": 1, "finish": 1}), ids=str)
async def test_setting_up_survives_a_kill_with_one_report(world: World, reaper: Reaper, seam: Seam) -> None:
    user = User(world, KeyKind.HMAC)
    await kill_and_go_on(user, reaper, seam)
    async with world.flow() as flow:
        assert flow.current is not None
        assert flow.rotation is None
        assert [report.legacy for report in reports(flow) if report] == [None]
    assert len(items(world)) == 1


@pytest.mark.parametrize("seam", after_each(UNUSED_WRITES), ids=str)
async def test_abandoning_survives_a_kill(world: World, reaper: Reaper, seam: Seam) -> None:
    user = await user_with_a_key(world)

    async def begin_and_abandon(flow: Flow) -> None:
        if flow.rotation is None and not flow.context.journal.rotations("bench"):
            await flow.begin(Mode.ROTATE)
            await flow.credentials.public_key()
            made = await world.make_key()
            await flow.credentials.store_hmac(made.api_key, made.secret)
        if flow.rotation is not None:
            await flow.abandon()

    reaper.wait_at(seam)
    await until_killed(world, begin_and_abandon)
    reaper.rest()
    async with world.flow() as flow:
        assert_settled(world, flow)
        await begin_and_abandon(flow)
        assert flow.rotation is None
        assert [key.item for key in flow.retire.unused] == items(world)[1:]
    await assert_key_in_use_works(user)
    assert len(items(world)) == 2, "the key in use, and the one that may live"


@pytest.mark.parametrize("side", ["before", "after"])
async def test_going_back_to_the_legacy_key_survives_a_kill(world: World, reaper: Reaper, side: str) -> None:
    async with world.flow() as flow:
        old = await world.put_key_in_use(flow)
        new = await world.to_probe(flow)
        await flow.complete(await flow.probe.run())
        await world.simulated_page.delete(new.api_key)
        await flow.retire.poll()
    reaper.wait_at(Seam(side, "revert"))

    async def revert(flow: Flow) -> None:
        flow.revert()

    await until_killed(world, revert)
    reaper.rest()
    async with world.flow() as flow:
        if flow.step is Step.RETIRE:
            flow.revert()
    await assert_key_in_use_works(User(world, KeyKind.HMAC, old))
    assert len(items(world)) == 2


@pytest.mark.parametrize("seam", after_each({"announce_purge": 1, "delete": 1, "confirm_purge": 1}), ids=str)
async def test_a_key_given_up_unasked_is_certified_as_weak_after_a_kill(
    world: World, reaper: Reaper, seam: Seam
) -> None:
    async with world.flow() as flow:
        old = await world.to_retire(flow)
        await flow.retire.poll()
        assert flow.retire.legacy is not None
        await world.store.delete(flow.retire.legacy.item)
    reaper.wait_at(seam)

    async def give_up(flow: Flow) -> None:
        await flow.purge(old.api_key.last_four())

    await until_killed(world, give_up)
    reaper.rest()
    async with world.flow() as flow:
        if flow.rotation is not None:
            await give_up(flow)
        (report,) = reports(flow)
    assert report is not None
    assert report.grade is Grade.WEAK
    assert "cannot be asked" in report.proof


PURGED = [Seam("after", kind, nth) for nth in (1, 2, 3) for kind in ("announce_purge", "delete", "confirm_purge")]


@pytest.mark.parametrize("seam", [*PURGED, Seam("after", "record", 10), Seam("after", "record", 11)], ids=str)
async def test_keys_that_were_never_used_are_in_the_report_whenever_their_purge_was_killed(
    world: World, reaper: Reaper, seam: Seam
) -> None:
    async with world.flow() as flow:
        keys = await with_two_left(world, flow)
        for key in keys:
            await world.simulated_page.delete(key.api_key)
        await world.kill(flow)
    reaper.wait_at(seam)
    await until_killed(world, Flow.purge)
    reaper.rest()
    async with world.flow() as flow:
        assert_settled(world, flow)
        if flow.rotation is not None:  # else opening it has finished it
            await world.kill(flow)
            await flow.purge()
        (report,) = reports(flow)
        assert report is not None
        assert {key.name.last_four: key.end for key in report.unused} == {
            key.api_key.last_four(): Grade.PROVEN for key in keys[1:]
        }
    assert len(items(world)) == 1
