"""How the time to validate a list, and to mend it, grows with its entries."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

import pytest

from wizard.core.rules import Rules
from wizard.whitelist.entries import Entries, parse
from wizard.whitelist.extract import Extract, text_within
from wizard.whitelist.findings import ListContext
from wizard.whitelist.fixes import fix_all
from wizard.whitelist.validation import Validation, validate

pytestmark = pytest.mark.benchmark
SIZES = (10, 100, 1_000, 4_000)
KINDS = ("{}", "{}", "{}/32", "{}:443", "{}/24", "0{}", "https://{}/", "{} # office", "10.{}", "2001:db8::{}")
HOSTS = {IPv4Address(0x0B000000 + number * 7919): "a host" for number in range(100)}
ELSEWHERE = tuple(IPv4Network((0x0B000000 + number * 104729, 32)) for number in range(1_000))
CONTEXT = ListContext(Rules(), HOSTS, {"staging": ELSEWHERE}, ELSEWHERE[:20], ELSEWHERE)


def a_list(count: int) -> str:
    addresses = (IPv4Address(0x0B000000 + number * 4099) for number in range(count))
    return "\n".join(KINDS[number % len(KINDS)].format(address) for number, address in enumerate(addresses))


def repeated(count: int) -> str:
    """Every entry twice, in two spellings, the second one with its label."""
    return a_list(count // 2) + "\n" + a_list(count // 2).replace("\n", " # again\n")


def judged(text: str) -> Validation:
    return validate(parse(text), CONTEXT)


def mended(text: str) -> Entries:
    return fix_all(parse(text), lambda entries: validate(entries, CONTEXT))


def a_text(count: int) -> str:
    """A configuration with names, denied addresses and headings."""
    forms = ("allow {}; # bot-{}", "deny {};", "office-{1}: {0}", "{} -- was 9.9.9.9", "hosts-{1}:\n  - {0}")
    return "\n".join(
        forms[number % len(forms)].format(IPv4Address(0x0B000000 + number * 4099), number) for number in range(count)
    )


def a_document(count: int) -> str:
    return json.dumps(
        [{"name": f"bot-{number}", "ip": str(IPv4Address(0x0B000000 + number))} for number in range(count)]
    )


def a_table(count: int) -> str:
    return "\n".join(f"bot-{number};{IPv4Address(0x0B000000 + number)}" for number in range(count))


def found(text: str) -> Extract | None:
    return text_within(text, CONTEXT.rules)


def seconds(work: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(3 if len(text) < 100_000 else 1):  # what takes seconds is steady
        begun = time.process_time()  # what else runs on the machine is not the list's
        work(text)
        times.append(time.process_time() - begun)
    return min(times)


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (judged, a_list),
        (mended, repeated),
        (mended, lambda count: ",".join(["8.8.8.8"] * count)),
        (found, a_text),
        (found, a_document),
        (found, a_table),
    ],
    ids=["judged", "mended", "mended-one-line", "found-in-text", "found-in-json", "found-in-table"],
)
def test_the_time_grows_no_faster_than_n_log_n(work: Callable[[str], object], text: Callable[[int], str]) -> None:
    taken = {size: seconds(work, text(size)) for size in SIZES}
    for small, large in pairwise(SIZES):
        growth = taken[large] / taken[small]
        n_log_n = large * math.log2(large) / (small * math.log2(small))
        took = f"{taken[large] * 1000:8.1f} ms, x{growth:5.1f} (n log n: x{n_log_n:.1f})"
        print(f"{small:>6} to {large:>6} entries: {took}")
    # Four times the entries cost sixteen times as much where it is quadratic.
    assert taken[4_000] / taken[1_000] < 8
