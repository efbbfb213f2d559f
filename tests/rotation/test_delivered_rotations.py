"""Rotations without a person, with three hosts and an OpenBao: every bot has the new key, or the legacy key lives."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.canaries import Canaries, Watch
from tests.custody.bao import Bao
from tests.rotation.bot_hosts import BotHost
from tests.rotation.test_delivery import bao, held, hosts, newest, policy, started
from tests.rotation.test_unattended import Host, host
from wizard.core.errors import Exit
from wizard.core.settings import OpenBao
from wizard.core.targets import Target

__all__ = ["bao", "host", "hosts", "started"]


@pytest.fixture
def fleet(host: Host, hosts: dict[str, BotHost], bao: Bao) -> dict[str, BotHost]:
    lab = hosts["bot-1"].lab
    world = host.world
    world.environ = {
        "PATH": f"{lab.directory}{os.pathsep}{os.environ['PATH']}",
        "BAO_TOKEN": bao.token(policy()),
    }
    world.openbao = OpenBao(bao.url, ca_file=str(bao.ca_file))
    world.targets = (
        *(Target(name, name, str(one.file), restart=one.restart) for name, one in hosts.items()),
        Target("vault", openbao="secret/bots/binance"),
    )
    bao.root.secrets.kv.v2.delete_metadata_and_all_versions("bots/binance", mount_point="secret")
    return hosts


async def test_all_bots_have_the_new_key_and_no_secret_is_elsewhere(
    host: Host, fleet: dict[str, BotHost], bao: Bao, tmp_path: Path
) -> None:
    await host.open()
    keys = await host.world.store.credentials()
    with Watch() as watch:
        result = await host.run(is_forced=True)
    assert (result.exit, result.outcome) == (Exit.FINE, "done"), result
    (name,) = await host.names()
    assert [held(one) for one in fleet.values()] == [name] * 3
    assert newest(bao)["api_key"][-4:] == name
    keys += await host.world.store.credentials()
    secrets = {f"{each.name} {part}": getattr(each, part).reveal() for each in keys for part in ("api_key", "signing")}
    canaries = Canaries(secrets | {"token": host.world.environ["BAO_TOKEN"]})
    assert fleet["bot-1"].file.parent.name.encode() in watch.seen  # it looked
    assert canaries.found(watch.seen) == []
    places, targets = [one.home for one in fleet.values()], {one.file for one in fleet.values()}
    assert canaries.in_files(tmp_path, *places, bao.directory, but=targets) == {}


@pytest.mark.slow
async def test_a_host_that_is_down_keeps_the_legacy_key_until_the_next_delivery(
    host: Host, fleet: dict[str, BotHost], bao: Bao
) -> None:
    await host.open()
    (before,) = await host.names()
    async with host.flow() as flow:
        await flow.deliveries.run()
    fleet["bot-3"].stop()
    result = await host.run(is_forced=True)
    assert result.exit is Exit.LEGACY_ALIVE, result
    assert "bot-3 does not have" in " ".join(result.verdict)
    assert before in await host.names()
    assert [held(one) == before for one in fleet.values()] == [False, False, True]
    assert (await host.run()).exit is Exit.LEGACY_ALIVE
    fleet["bot-3"].start()
    async with host.flow() as flow:
        await flow.deliveries.run()
    result = await host.run()
    assert result.exit is Exit.FINE, result
    (name,) = await host.names()
    assert [held(one) for one in fleet.values()] == [name] * 3


@pytest.mark.slow
async def test_no_key_is_replaced_while_a_target_lacks_the_one_in_use(
    host: Host, fleet: dict[str, BotHost], bao: Bao
) -> None:
    await host.open()
    fleet["bot-2"].stop()
    result = await host.run(is_forced=True)
    assert result.exit is Exit.INCONCLUSIVE, result
    assert await host.made() == []


@pytest.mark.slow
async def test_an_undone_switch_deletes_no_key_that_a_target_still_has(
    host: Host, fleet: dict[str, BotHost], bao: Bao
) -> None:
    await host.open()
    (before,) = await host.names()
    host.policy = replace(host.policy, grace=86400.0)
    assert (await host.run(is_forced=True, may_wait=False)).exit is Exit.ROTATION_OPEN
    async with host.flow() as flow:
        await flow.retire.poll()
        flow.revert()
        await flow.abandon()
    new = held(fleet["bot-2"])
    assert new != before
    fleet["bot-2"].stop()
    assert (await host.run()).exit is Exit.ROTATION_OPEN  # the grace time of what the other bots got
    host.clock.ahead += 2 * 86400
    result = await host.run()
    assert result.exit is Exit.LEGACY_ALIVE, result
    assert {before, new} == set(await host.names())
    assert [held(one) for one in fleet.values()] == [before, new, before]
    fleet["bot-2"].start()
    assert (await host.run()).exit is Exit.ROTATION_OPEN  # that of bot-2
    assert {before, new} == set(await host.names())
    host.clock.ahead += 2 * 86400
    result = await host.run()
    assert result.exit is Exit.FINE, result
    assert [held(one) for one in fleet.values()] == [before] * 3
    assert await host.names() == [before]
