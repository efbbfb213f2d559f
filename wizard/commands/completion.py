"""`key-wizard completion SHELL`: what a shell needs to complete commands and options."""

from __future__ import annotations

import argparse

from wizard.commands.console import ArgumentParser, write_output
from wizard.core.errors import Exit

SUMMARY = "print the completion of commands and options for your shell"
EXAMPLES = """\
key-wizard completion bash > ~/.local/share/bash-completion/completions/key-wizard
key-wizard completion zsh > ~/.zfunc/_key-wizard
key-wizard completion fish > ~/.config/fish/completions/key-wizard.fish"""
ABOUT = """\
Zsh needs ~/.zfunc in fpath before compinit. Print it again after an update."""
HAS_JSON = False


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    """Print it."""
    import shtab  # noqa: PLC0415 - nothing else needs it

    write_output(shtab.complete(options.parser, options.shell))
    return Exit.FINE
