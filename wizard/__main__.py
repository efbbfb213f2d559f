"""Make the process safe for secrets, then hand over to the command line."""

from __future__ import annotations

import os
import sys

from wizard.safety import make_process_safe


def main() -> int:
    """Run `key-wizard` and return its exit code."""
    inherited = make_process_safe(os.environ)
    # Imported after the environment is scrubbed: textual reads it at import.
    from wizard.cli import run  # noqa: PLC0415

    return run(sys.argv[1:], inherited)


if __name__ == "__main__":
    sys.exit(main())
