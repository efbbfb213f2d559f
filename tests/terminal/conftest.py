"""The tiny app of tests/terminal/apps on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.harness import Terminal

REPOSITORY = Path(__file__).parents[2]
StartTwoFields = Callable[..., Terminal]


@pytest.fixture
def two_fields() -> Iterator[StartTwoFields]:
    """Start the app with two SecretFields: `two_fields("crash site", environ={...}, size=(60, 20))`."""
    with ExitStack() as stack:

        def start(site: str = "", environ: dict[str, str] | None = None, **options: Any) -> Terminal:
            argv = [sys.executable, "-m", "tests.terminal.apps.two_fields", site]
            env = {**os.environ, **(environ or {})}
            terminal = stack.enter_context(Terminal(argv, env=env, cwd=REPOSITORY, **options))
            terminal.wait_for("READY", "Report")
            terminal.settle()
            return terminal

        yield start
