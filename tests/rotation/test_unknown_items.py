"""Items that the journal does not know: shown without a secret, adopted through the probe, deleted by name."""

from __future__ import annotations

import shutil

import pytest

from tests.raises import raises_code
from tests.rotation.conftest import World
from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode, Step


def lose_the_journal(world: World) -> None:
    shutil.rmtree(world.paths.state)


async def probed(flow: Flow) -> None:
    await flow.egress.detect()
    report = await flow.probe.run()
    await flow.complete(report)


async def test_a_key_whose_journal_is_gone_is_told_and_comes_back_through_the_probe(world: World) -> None:
    async with world.flow() as flow:
        made = await world.put_key_in_use(flow)
    lose_the_journal(world)
    async with world.flow() as flow:
        (item,) = flow.preflight.unknown_items
        assert "key-wizard storage bench" in "".join(flow.preflight.losses())
        (unknown,) = await flow.unknown_items.look()
        assert unknown.item == item
        assert unknown.name is not None
        assert str(unknown.name) in unknown.sentence
        assert made.secret is not None
        assert made.secret.reveal() not in repr(unknown)
        assert made.api_key.reveal() not in unknown.sentence
        finding = await flow.adopt_item(item)
        assert finding.passed
        assert (flow.step, flow.context.rotation.mode) == (Step.PROBE, Mode.ADOPT)
        assert flow.current is None  # nothing counts before it is proven
        await probed(flow)
        assert flow.current is not None
        assert flow.current.item == f"{item}.2"
        held = await flow.context.vault.fetch(flow.current)
        assert held == Credentials(flow.current.kind, made.api_key, made.secret)
        await flow.unknown_items.delete(item)
    assert world.store.services == [f"{item}.2"]
    async with world.flow() as flow:
        assert flow.preflight.losses() == ()


async def test_what_the_journal_knows_is_never_deleted_as_an_unknown_one(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
        assert flow.current is not None
        for name in (flow.current.item, flow.current.item.replace("bench", "other"), "something else"):
            with pytest.raises(WizardError, match="no unknown stored key"):
                await flow.unknown_items.delete(name)
            with pytest.raises(WizardError, match="no unknown stored key"):
                await flow.adopt_item(name)
        assert await flow.context.vault.fetch(flow.current) is not None


async def test_what_is_no_whole_key_is_told_and_not_adopted(world: World) -> None:
    async with world.flow() as flow:
        await flow.begin(Mode.SET_UP)
        await flow.credentials.public_key()
    lose_the_journal(world)
    foreign = "key-wizard:bench:0123456789ab"
    await world.store.write(foreign, Secret("\x1b[2Jof another program"))
    async with world.flow() as flow:
        unreadable, pair = await flow.unknown_items.look()
        assert unreadable.item == foreign
        assert "nothing that this wizard can read" in unreadable.sentence
        assert "key pair without its API key" in pair.sentence
        assert (unreadable.name, pair.name) == (None, None)
        with pytest.raises(WizardError, match="without an API key"):
            await flow.adopt_item(pair.item)
        with pytest.raises(WizardError, match="not a complete set"):
            await flow.adopt_item(foreign)
        assert flow.rotation is None
        for unknown in (unreadable, pair):
            await flow.unknown_items.delete(unknown.item)
    assert world.store.services == []


async def test_beside_a_key_in_use_an_unknown_key_is_taken_only_where_a_rotation_waits_for_a_key(world: World) -> None:
    async with world.flow() as flow:
        await world.put_key_in_use(flow)
    lose_the_journal(world)
    async with world.flow() as flow:
        (item,) = flow.preflight.unknown_items
        await world.put_key_in_use(flow)
        with raises_code("rotation.out-of-place"):
            await flow.adopt_item(item)
        await flow.begin(Mode.ROTATE)
        with raises_code("rotation.out-of-place", match="does not wait for a key"):
            await flow.adopt_item(item)
        assert flow.credentials.pending is None
        await flow.egress.detect()
        flow.advance(Step.EGRESS)
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(Step.WHITELIST)
        await flow.adopt_item(item)
        assert flow.step is Step.PROBE
        assert flow.credentials.pending is not None


async def test_a_place_that_cannot_list_is_told_as_such_and_does_not_keep_the_environment_shut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(prefix: str) -> tuple[str, ...]:
        raise CustodyError("Listing what is in the keyring took longer than 10 s and was ended", code="timeout")

    monkeypatch.setattr(world.store, "names", fail)
    async with world.flow() as flow:
        assert flow.preflight.unknown_items == ()
        with raises_code("timeout"):  # not: the journal knows every item
            await flow.unknown_items.look()
