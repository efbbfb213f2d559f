"""Which tests the command of CONTRIBUTING.md leaves out: cases that walk where others walk, more slowly."""

from __future__ import annotations

import pytest


def slow(*values: object) -> list[object]:
    """Return these values of a parameter as cases that only `.ci/run` and `-m` run."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


def whole(*values: object) -> list[object]:
    """Return these values of a parameter as cases that only `-m whole` runs: `.ci/run` has a part of them."""
    return [pytest.param(value, marks=pytest.mark.whole) for value in values]
