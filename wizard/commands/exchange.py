"""`key-wizard exchange`: the embedded exchange alone."""

from __future__ import annotations

import argparse

from wizard.commands.console import non_negative, print_result
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
    """Serve until a signal ends it."""
    from wizard.rehearsal import simulator  # noqa: PLC0415 - the extra `rehearsal` may not be installed

    options.shutdown.restore_handlers()  # the server handles them
    served = simulator.EmbeddedExchange(
        seed=options.seed, scenario=SCENARIOS[options.scenario], passes_after=options.passes_after
    )
    return simulator.run(options.port, options.json, served, options.idle_limit, print_result)
