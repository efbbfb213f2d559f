"""`key-wizard exchange`: the embedded exchange alone, for tests and other people's clients."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from dataclasses import asdict

from wizard.commands.console import ArgumentParser, non_negative, print_json, print_result
from wizard.core.errors import Exit
from wizard.rehearsal.scenarios import PASSES_AFTER, SCENARIOS, SMOOTH

EXAMPLES = """\
key-wizard exchange --port 8080                  serve until Ctrl+C
key-wizard exchange --json                       print the addresses as JSON, then serve"""
ABOUT = """\
Runs the embedded exchange alone, REST and WebSocket, on loopback, for tests of other clients.
It behaves as Binance does where Key Wizard touches it. See docs/commands.md."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="loopback port, 0 takes a free one")
    parser.add_argument("--idle-limit", type=non_negative, metavar="SECONDS", help="end after this long without a call")
    parser.add_argument("--seed", type=int, metavar="N", help="make the same keys and secrets in every run, for tests")
    parser.add_argument(
        "--scenario", metavar="NAME", choices=SCENARIOS, default=SMOOTH.name, help="a fire drill, see rehearse --list"
    )
    parser.add_argument(
        "--passes-after",
        type=non_negative,
        default=PASSES_AFTER,
        metavar="SECONDS",
        help="when a fault of the scenario is over that ends by itself (%(default)g)",
    )


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
        rows = {"REST": addresses.base_url, "WebSocket": addresses.ws_url, "Simulated page": addresses.desk_url}
        words = (*(f"{name:<16}{url}" for name, url in rows.items()), "Ctrl+C ends it.")
        print_json(asdict(addresses)) if options.json else print_result(*words)
        if options.idle_limit is None:
            await is_stopped.wait()
        while not is_stopped.is_set() and (rest := options.idle_limit - exchange.idle_seconds()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(is_stopped.wait(), rest)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already
