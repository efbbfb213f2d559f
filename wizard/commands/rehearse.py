"""`key-wizard rehearse`: the wizard against the embedded exchange, by hand or by itself."""

from __future__ import annotations

import argparse
import asyncio

from wizard.commands.console import open_wizard, print_json, print_message
from wizard.core import settings
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit
from wizard.rehearsal.player import Player
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH, Correction, Scenario
from wizard.rehearsal.session import rehearse
from wizard.rotation.model import Grade

KINDS = (str(KeyKind.ED25519), str(KeyKind.HMAC))
SHORT_WAIT = 4.0
"""Seconds until a fault passes that the player waits out; long enough to be seen first."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("rehearse", help="rehearse a rotation against the embedded exchange")
    parser.add_argument("--auto", action="store_true", help="play the user, step by step, without questions")
    parser.add_argument("--json", action="store_true", help="with --auto: print one JSON object")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0], help="with --auto: kind of key")
    parser.add_argument(
        "--scenario", choices=SCENARIOS, help="a fire drill: what goes wrong; an open rehearsal keeps its own"
    )
    parser.add_argument(
        "--source-address",
        default=settings.ANY_SOURCE,
        metavar="ADDRESS",
        help="call from this loopback address: 127.0.0.2 is another host to the embedded exchange",
    )
    # Left out, it is what stood before the command: `key-wizard --plain rehearse`.
    parser.add_argument("--plain", action="store_true", default=argparse.SUPPRESS, help="line by line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Rehearse."""
    scenario = SCENARIOS[options.scenario or SMOOTH.name]
    if options.auto:
        return asyncio.run(_play(options, scenario))
    from wizard.environments import RehearsalEnvironments  # noqa: PLC0415 - with --auto it is not needed

    environments = RehearsalEnvironments(settings.paths(), options.source_address, scenario)
    return open_wizard(environments, options.shutdown, "key-wizard rehearse", is_plain=options.plain)


async def _play(options: argparse.Namespace, wanted: Scenario) -> int:
    print_message("A rehearsal: the exchange is embedded, no money is touched.")
    passes_after = SHORT_WAIT if wanted.correction is Correction.WAIT else PASSES_AFTER
    async with rehearse(
        settings.paths(), source_address=options.source_address, scenario=wanted, passes_after=passes_after
    ) as rehearsal:
        scenario, store = rehearsal.scenario, rehearsal.store
        if rehearsal.store_problem:
            print_message(f"Credentials are held in {store.label}. {rehearsal.store_problem}")
        if options.scenario and scenario is not wanted:
            print_message(f"An open rehearsal goes on with its own scenario, {scenario.name}.")
        if scenario is not SMOOTH:
            print_message(" ".join([f"Fire drill {scenario.name}.", *scenario.sentences]))
        async with rehearsal.flow() as flow:
            player = Player(
                flow,
                rehearsal.simulated_page,
                KeyKind(options.kind),
                scenario,
                passes_after=passes_after,
                on_step=lambda done: print_message(
                    f"{done.step:<12} {done.outcome:<8} {done.seconds:5.1f} s  {done.sentence}"
                ),
                on_correction=lambda done: print_message(f"{'the user':<12} {done}"),
            )
            is_done = await player.play()
            result = player.as_json()
    if is_done and store.durable:
        print_message(f"The rehearsal is over: its keys were removed from {store.place}.")
    if options.json:
        print_json(result)
    print_message(f"Grade: {result['grade']}.")
    if is_done:
        return Exit.FINE
    return Exit.LEGACY_ALIVE if Grade(result["grade"]) is Grade.ALIVE else Exit.INCONCLUSIVE
