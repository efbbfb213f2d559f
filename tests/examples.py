"""How Hypothesis chooses its examples: the same ones in every run, or many random ones where that is asked for.

KEY_WIZARD_RANDOM_EXAMPLES=20 tries twenty times as many, random ones; what fails is printed so that it can be repeated.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Read now: each test starts with a scrubbed environment.
FACTOR = int(os.environ.get("KEY_WIZARD_RANDOM_EXAMPLES", "0"))
UNTIMED = (HealthCheck.too_slow,)
"""A busy machine is no reason to fail."""


def examples(count: int = 100) -> int:
    """Return how many examples stand for `count` in this run."""
    return count * max(1, FACTOR)


settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=UNTIMED)
settings.register_profile(
    "random",
    settings.get_profile("repeatable"),
    derandomize=False,
    max_examples=examples(),
    print_blob=True,
)
settings.load_profile("random" if FACTOR else "repeatable")
