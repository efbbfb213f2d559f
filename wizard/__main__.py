"""Make the process safe for secrets and for signals, then hand over to the command line."""

from __future__ import annotations

import io
import os
import sys

from wizard.core.safety import make_process_safe
from wizard.core.shutdown import Shutdown


def main() -> int:
    """Run `key-wizard` and return its exit code."""
    inherited = make_process_safe(os.environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # An encoding without ✓, and a name that is not UTF-8, show a question mark; they end no command.
        sys.stdout.reconfigure(errors="replace")
    with Shutdown() as shutdown:
        # Imported after the environment is scrubbed: textual reads it at import.
        from wizard.cli import run  # noqa: PLC0415

        return run(sys.argv[1:], inherited, shutdown)


if __name__ == "__main__":
    sys.exit(main())
