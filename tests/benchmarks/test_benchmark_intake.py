"""How the time to find the key in a file grows with the file, up to 2.5 MB."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from wizard.intake.candidates import find_candidates

pytestmark = pytest.mark.benchmark
PAIR = {"BINANCE_API_KEY": "aB3dE5gH" * 8, "BINANCE_API_SECRET": "Zy9wV7uS" * 8}
SMALL, LARGE = 250_000, 2_500_000
"""Characters."""


def an_env(size: int) -> str:
    line = "SETTING_{:06}=a value that is forty characters long, {:06}\n"
    settings = "".join(line.format(number, number) for number in range(size // len(line)))
    return settings + "".join(f"{name}={value}\n" for name, value in PAIR.items())


def a_document(size: int) -> str:
    rows = [{"name": f"setting {number}", "value": f"value {number}"} for number in range(size // 46)]
    return json.dumps({"rows": rows, **PAIR})


@pytest.mark.parametrize("text", [an_env, a_document])
def test_the_time_for_a_file_grows_with_its_size(text: Callable[[int], str]) -> None:
    taken = {}
    for size in (SMALL, LARGE):
        whole = text(size)
        begun = time.process_time()  # what else runs on the machine is not the file's
        found = find_candidates(whole)
        taken[size] = time.process_time() - begun
        assert [(one.key_name, one.secret_name) for one in found.found] == [tuple(PAIR)]
    growth = taken[LARGE] / taken[SMALL]
    print(f"{text.__name__}: 0.25 MB {taken[SMALL]:.2f} s, 2.5 MB {taken[LARGE]:.2f} s, x{growth:.1f} (linear: x10)")
    # Ten times the file cost a hundred times as much where it is quadratic.
    assert growth < 20
