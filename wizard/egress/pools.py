"""How many answers it takes to call a pool of addresses complete, and what they prove. Pure.

A host behind a pool leaves by another address from connection to connection. Sampling finds addresses
that are used about equally; it cannot find one that is rarely used, kept for a failover, or chosen by the
destination (docs/egress.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from wizard.egress.answers import Sample

MISSED = 0.01
"""How likely another, equally used address may be overlooked."""
_NUMBERS = {1: "another", 2: "a third", 3: "a fourth"}


def answers_needed(addresses: int) -> int:
    """Return how many answers show all of so many equally used addresses, but with a chance of `MISSED`.

    The exact inclusion-exclusion of the coupon collector: 8 for two addresses, 15 for three, 21 for four.
    """
    answers = addresses
    while _overlooks(addresses, answers) >= MISSED:
        answers += 1
    return answers


def answers_missing(samples: Sequence[Sample]) -> int:
    """Return how many more answers it takes until another, equally used address would have shown."""
    seen = [sample.address for sample in samples if sample.address is not None]
    return max(0, answers_needed(len(set(seen)) + 1) - len(seen))


def tell_sampling(samples: Sequence[Sample]) -> str:
    """Return what the answers prove about the number of addresses, and what they do not."""
    seen = [sample.address for sample in samples if sample.address is not None]
    distinct = len(set(seen))
    if not seen:
        return "Nobody answered: nothing is known about a pool."
    counted = f"{distinct} address{'' if distinct == 1 else 'es'} in {len(seen)} answer{'' if len(seen) == 1 else 's'}"
    counted = f"At least {distinct}: seen {counted}." if distinct > 1 else f"Seen {counted}."
    another = _NUMBERS.get(distinct, "one more")
    if missing := answers_missing(samples):
        return f"{counted} {missing} more would be needed to tell whether there is {another}, equally used one."
    return (
        f"{counted} {another.capitalize()}, equally used one would have been missed with less than {MISSED:.0%}."
        " One that is rarely used, or used for other destinations, is not found this way."
    )


def _overlooks(addresses: int, answers: int) -> float:
    """The chance that at least one of so many equally used addresses is in none of the answers."""
    return -math.fsum(
        (-1) ** left_out * math.comb(addresses, left_out) * (1 - left_out / addresses) ** answers
        for left_out in range(1, addresses + 1)
    )
