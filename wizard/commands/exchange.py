"""`key-wizard exchange`: the embedded exchange alone."""

from __future__ import annotations

import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("exchange", help="run the embedded exchange alone, for tests and other clients")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="loopback port; 0 takes a free one")
    parser.add_argument("--json", action="store_true", help="print the addresses as JSON")
    parser.add_argument("--idle-limit", type=float, metavar="SECONDS", help="end after so long without a request")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    from wizard.rehearsal import exchange  # noqa: PLC0415 - the extra `rehearsal` may not be installed

    return exchange.run(options.port, options.json, idle_limit=options.idle_limit)
