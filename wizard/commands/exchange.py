"""`key-wizard exchange`: the embedded exchange alone, for tests and other people's clients."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import asdict

from wizard.commands.console import non_negative, print_result
from wizard.core.errors import Exit
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("exchange", help="run the embedded exchange alone, for tests and other clients")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="loopback port; 0 takes a free one")
    parser.add_argument("--json", action="store_true", help="print the addresses as JSON")
    parser.add_argument(
        "--idle-limit", type=non_negative, metavar="SECONDS", help="end after so long without a request"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="make the same keys and secrets in every run: tests only")
    parser.add_argument(
        "--scenario", choices=SCENARIOS, default=SMOOTH.name, help="what goes wrong when the second key is made"
    )
    parser.add_argument(
        "--passes-after",
        type=non_negative,
        default=PASSES_AFTER,
        metavar="SECONDS",
        help="with --scenario: when a fault that passes by itself is over (%(default)g)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM, Ctrl+C or idleness."""
    options.shutdown.restore_handlers()  # asyncio handles SIGINT; SIGTERM is the usual end of a server, no failure
    asyncio.run(_serve(options))
    return Exit.FINE


async def _serve(options: argparse.Namespace) -> None:
    from wizard.rehearsal import simulator  # noqa: PLC0415 - the extra `rehearsal` may not be installed

    scenario = SCENARIOS[options.scenario]
    exchange = simulator.EmbeddedExchange(seed=options.seed, scenario=scenario, passes_after=options.passes_after)
    loop, is_stopped = asyncio.get_running_loop(), asyncio.Event()
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(is_stopped.set))
    async with simulator.serve(exchange, options.port) as addresses:
        served = f"The embedded exchange serves at {addresses.base_url} and {addresses.ws_url}"
        words = f"{served}, its desk at {addresses.desk_url}. Ctrl+C ends it."
        print_result(json.dumps(asdict(addresses)) if options.json else words)
        if options.idle_limit is None:
            await is_stopped.wait()
        while not is_stopped.is_set() and (rest := options.idle_limit - exchange.idle_seconds()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(is_stopped.wait(), rest)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already
