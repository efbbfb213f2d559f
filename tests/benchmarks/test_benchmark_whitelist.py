"""How the time to judge a list grows with its entries."""

from __future__ import annotations

import math
import time
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

import pytest

from wizard.rules import Rules
from wizard.whitelist import OtherList, RequiredAddress, Surroundings, judge, parse

pytestmark = pytest.mark.benchmark
SIZES = (10, 100, 1_000, 10_000)
KINDS = ("{}", "{}", "{}/32", "{}:443", "{}/24", "0{}", "https://{}/", "{} # office", "10.{}", "2001:db8::{}")
HOSTS = tuple(RequiredAddress(IPv4Address(0x0B000000 + number * 7919), "a host") for number in range(100))
ELSEWHERE = tuple(IPv4Network((0x0B000000 + number * 104729, 32)) for number in range(1_000))
SURROUNDINGS = Surroundings(Rules(), HOSTS, (OtherList("staging", ELSEWHERE),), ELSEWHERE[:20], ELSEWHERE)


def a_list(count: int) -> str:
    addresses = (IPv4Address(0x0B000000 + number * 4099) for number in range(count))
    return "\n".join(KINDS[number % len(KINDS)].format(address) for number, address in enumerate(addresses))


def seconds(text: str) -> float:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        judge(parse(text), SURROUNDINGS)
        times.append(time.perf_counter() - begun)
    return min(times)


def test_judging_grows_no_faster_than_n_log_n() -> None:
    taken = {size: seconds(a_list(size)) for size in SIZES}
    for small, large in pairwise(SIZES):
        growth = taken[large] / taken[small]
        n_log_n = large * math.log2(large) / (small * math.log2(small))
        took = f"{taken[large] * 1000:8.1f} ms, x{growth:5.1f} (n log n: x{n_log_n:.1f})"
        print(f"{small:>6} to {large:>6} entries: {took}")
    # Ten times the entries cost a hundred times as much where it is quadratic.
    assert taken[10_000] / taken[1_000] < 30
