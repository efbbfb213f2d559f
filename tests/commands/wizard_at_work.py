"""A wizard without a face, as a process of its own: what is typed on its input is done in the real flow of `bench`.

    begin       begin a rotation, as far as the Credentials step
    store       make a key at the desk and store it
    pair        the same with an Ed25519 key whose pair is made here
    switch      prove it and make it the current key
    look        list the environments, as the home screen does

Each line is answered with the step where the rotation stands.
"""

from __future__ import annotations

import asyncio
import sys

from wizard.core import settings
from wizard.core.credentials import KeyKind
from wizard.environments import RealEnvironments
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.flow import Flow
from wizard.rotation.model import Mode

HERE = "203.0.113.42"


async def work(simulated_page: SimulatedPage) -> None:
    paths = settings.paths()
    known = settings.load(paths.config_file)
    world = RealEnvironments(paths, known)
    world.overviews()
    async with world.flow(known.environment("bench")) as flow:
        print(flow.step, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await obey(line.strip(), flow, simulated_page)
            world.overviews()
            print(flow.step, flush=True)


async def obey(word: str, flow: Flow, simulated_page: SimulatedPage) -> None:
    if word == "begin":
        await flow.begin(Mode.ROTATE)
        await flow.egress.detect()
        flow.advance(flow.context.rotation.step)
        flow.whitelist.settle(flow.whitelist.proposal())
        flow.advance(flow.context.rotation.step)
    elif word == "store":
        made = await simulated_page.create("new", KeyKind.HMAC, HERE, enableSpotAndMarginTrading=True)
        await flow.credentials.store_hmac(made.api_key, made.secret)
        flow.advance(flow.context.rotation.step)
    elif word == "pair":
        public = await flow.credentials.public_key()
        made = await simulated_page.create(
            "new", KeyKind.ED25519, HERE, public_key=public, enableSpotAndMarginTrading=True
        )
        await flow.credentials.store_pair(made.api_key, public)
        flow.advance(flow.context.rotation.step)
    elif word == "switch":
        await flow.complete(await flow.probe.run())
    else:
        assert word == "look", word


if __name__ == "__main__":
    asyncio.run(work(SimulatedPage(sys.argv[1])))
