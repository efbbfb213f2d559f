"""`key-wizard rehearse`: the wizard against the embedded exchange, by hand or by itself."""

from __future__ import annotations

import argparse
import asyncio

from wizard.commands.console import ArgumentParser, open_wizard, print_json, print_message, print_result
from wizard.core import settings
from wizard.core.addresses import read_ipv4
from wizard.core.credentials import KeyKind
from wizard.core.errors import Exit
from wizard.rehearsal.player import PlayedStep, Player
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH, Correction, Scenario
from wizard.rehearsal.session import rehearse
from wizard.rotation.model import Grade

KINDS = (str(KeyKind.ED25519), str(KeyKind.HMAC))
SHORT_WAIT = 4.0
"""Seconds until a fault passes that the player waits out; long enough to be seen first."""
_KEYS = ("goes_wrong", "shows", "advice")
_RESULTS = {
    Grade.PROVEN: "The new key works. The legacy key is proven dead.",
    Grade.ALIVE: "The legacy key is still alive. Its secret is kept.",
}
_LIST_RESULTS = {
    True: "The key in use works from the new address. No key was replaced.",
    False: "The key in use is not proven to work from the new address.",
}

SUMMARY = "practise on a simulated Binance, no money is touched"
EXAMPLES = """\
key-wizard rehearse                                 practise with the screens
key-wizard rehearse --list                          which fire drills are there?
key-wizard rehearse --scenario address-changed      practise what goes wrong
key-wizard rehearse --auto                          watch a rotation without questions"""
ABOUT = """\
An open rehearsal is resumed with the scenario that it began with. Several can run at once.
Exit codes of --auto: 0 proven dead, or the whitelist proven where the drill is about it,
4 the legacy key is alive, 6 nothing is proven."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--scenario", choices=SCENARIOS, metavar="NAME", help="a fire drill, see --list")
    parser.add_argument("--auto", action="store_true", help="play the user, without questions")
    parser.add_argument("--kind", choices=KINDS, default=KINDS[0], help="kind of the new key, with --auto")
    parser.add_argument(
        "--source-address",
        type=_source_address,
        default=settings.ANY_SOURCE,
        metavar="ADDRESS",
        help="call from this loopback address, as 127.0.0.2, to play another host",
    )
    # Left out, it is what stood before the command: `key-wizard --plain rehearse`.
    parser.add_argument("--plain", action="store_true", default=argparse.SUPPRESS, help="line by line")


def _source_address(text: str) -> str:
    if (address := read_ipv4(text)) is None or not (address.is_loopback or text == settings.ANY_SOURCE):
        raise argparse.ArgumentTypeError("it is not a loopback address such as 127.0.0.2")
    return text


def run(options: argparse.Namespace) -> int:
    """Rehearse, or list the scenarios."""
    if options.list:
        return _list(as_json=options.json)
    scenario = SCENARIOS[options.scenario or SMOOTH.name]
    if options.auto:
        return asyncio.run(_play(options, scenario))
    from wizard.environments import RehearsalEnvironments  # noqa: PLC0415 - with --auto it is not needed

    environments = RehearsalEnvironments(settings.paths(), options.source_address, scenario)
    return open_wizard(environments, options.shutdown, "key-wizard rehearse", is_plain=options.plain)


def _list(*, as_json: bool) -> int:
    if as_json:
        texts = {each.name: dict(zip(_KEYS, each.sentences, strict=True)) for each in SCENARIOS.values()}
        print_json({"scenarios": texts})
        return Exit.FINE
    for each in SCENARIOS.values():
        rows = zip(("what happens", "what you see", "the way out"), each.sentences, strict=True)
        print_result(each.name, *(f"  {label:<14}{text}" for label, text in rows))
    return Exit.FINE


async def _play(options: argparse.Namespace, wanted: Scenario) -> int:
    say = print_message if options.json else print_result

    def say_step(done: PlayedStep) -> None:
        say(f"{done.step:<12} {done.outcome:<12} {done.seconds:5.1f} s  {done.sentence}")

    print_message("This is a rehearsal. Binance is simulated, no money is touched.")
    passes_after = SHORT_WAIT if wanted.correction is Correction.WAIT else PASSES_AFTER
    async with rehearse(
        settings.paths(), source_address=options.source_address, scenario=wanted, passes_after=passes_after
    ) as rehearsal:
        scenario, store = rehearsal.scenario, rehearsal.store
        if rehearsal.store_problem:
            print_message(f"The keys are in {store.label}. {rehearsal.store_problem}")
        if options.scenario and scenario is not wanted:
            print_message(f"The open rehearsal keeps its scenario, {scenario.name}.")
        if scenario is not SMOOTH:
            print_message(" ".join([f"Fire drill {scenario.name}.", *scenario.sentences]))
        async with rehearsal.flow() as flow:
            player = Player(
                flow,
                rehearsal.simulated_page,
                KeyKind(options.kind),
                scenario,
                passes_after=passes_after,
                on_step=say_step,
                on_correction=lambda done: say(f"{'you':<12} {done}"),
            )
            is_done = await player.play()
            result = player.as_json()
    if is_done and store.durable:
        print_message(f"The rehearsal is over. Its keys were removed from {store.place}.")
    if options.json:
        print_json(result)
    grade: Grade | None = result.get("grade")
    if grade is None:
        say(_LIST_RESULTS[is_done])
    else:
        say(_RESULTS.get(grade, f"The death of the legacy key is not proven: {grade}."))
    if is_done:
        return Exit.FINE
    return Exit.LEGACY_ALIVE if grade is Grade.ALIVE else Exit.INCONCLUSIVE
