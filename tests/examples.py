"""How Hypothesis chooses its examples: the same ones in every run, or many random ones where that is asked for.

A quarter of them is tried by default, and all with KEY_WIZARD_ALL_EXAMPLES=1.
KEY_WIZARD_RANDOM_EXAMPLES=20 tries twenty times as many, random ones; what fails is printed so that it can be repeated.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Read now: each test starts with a scrubbed environment.
FACTOR = int(os.environ.get("KEY_WIZARD_RANDOM_EXAMPLES", "0"))
SHARE = FACTOR or (1 if os.environ.get("KEY_WIZARD_ALL_EXAMPLES") == "1" else 0.25)
UNTIMED = (HealthCheck.too_slow,)
"""A busy machine is no reason to fail."""


def examples(count: int = 100) -> int:
    """Return how many examples stand for `count` in this run."""
    return round(count * SHARE)


settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=examples(),
    suppress_health_check=UNTIMED,
)
settings.register_profile(
    "random",
    settings.get_profile("repeatable"),
    derandomize=False,
    print_blob=True,
)
settings.load_profile("random" if FACTOR else "repeatable")
