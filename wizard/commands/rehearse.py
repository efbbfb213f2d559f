"""`key-wizard rehearse`: the wizard against the embedded exchange, by hand or by itself."""

from __future__ import annotations

import argparse
import asyncio

from wizard.commands.console import print_json, tell
from wizard.core import settings
from wizard.core.credentials import KeyKind
from wizard.core.exit_codes import Exit
from wizard.rehearsal.player import PlayedStep, Player
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH, Scenario, WayOut
from wizard.rehearsal.session import Rehearsal, rehearse
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
    return asyncio.run(_play(options)) if options.auto else _open_wizard(options)


def _open_wizard(options: argparse.Namespace) -> int:
    if options.plain:
        from wizard.plain.launch import open_rehearsal  # noqa: PLC0415
    else:
        from wizard.tui.app import open_rehearsal  # noqa: PLC0415 - loads textual

    return open_rehearsal(settings.paths(), options.source_address, options.ending, _wanted(options))


def _wanted(options: argparse.Namespace) -> Scenario:
    return SCENARIOS[options.scenario or SMOOTH.name]


async def _play(options: argparse.Namespace) -> int:
    tell("A rehearsal: the exchange is embedded, no money is touched.")
    wanted = _wanted(options)
    passes_after = SHORT_WAIT if wanted.way_out is WayOut.WAIT else PASSES_AFTER
    async with rehearse(
        settings.paths(), source_address=options.source_address, scenario=wanted, passes_after=passes_after
    ) as rehearsal:
        _tell_store(rehearsal)
        if options.scenario and rehearsal.scenario is not wanted:
            tell(f"An open rehearsal goes on with its own scenario, {rehearsal.scenario.name}.")
        _tell_scenario(rehearsal.scenario)
        async with rehearsal.flow() as flow:
            player = Player(
                flow,
                rehearsal.simulated_page,
                KeyKind(options.kind),
                rehearsal.scenario,
                passes_after=passes_after,
                on_step=_tell_step,
                on_mending=_tell_mending,
            )
            is_done = await player.play()
            result = player.as_json()
    if is_done and rehearsal.store.durable:
        tell(f"The rehearsal is over: its keys were removed from {rehearsal.store.place}.")
    if options.json:
        print_json(result)
    tell(f"Grade: {result['grade']}.")
    return Exit.FINE if is_done else _shortfall(Grade(result["grade"]))


def _tell_store(rehearsal: Rehearsal) -> None:
    if rehearsal.store_problem:
        tell(f"Credentials are held in {rehearsal.store.label}. {rehearsal.store_problem}")


def _tell_scenario(scenario: Scenario) -> None:
    if scenario is not SMOOTH:
        tell(" ".join([f"Fire drill {scenario.name}.", *scenario.sentences]))


def _tell_step(step: PlayedStep) -> None:
    tell(f"{step.step:<12} {step.outcome:<8} {step.seconds:5.1f} s  {step.sentence}")


def _tell_mending(done: str) -> None:
    tell(f"{'the user':<12} {done}")


def _shortfall(grade: Grade) -> Exit:
    return Exit.LEGACY_ALIVE if grade is Grade.ALIVE else Exit.INCONCLUSIVE
