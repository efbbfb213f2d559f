"""Asks on, each time on a fresh connection, until a pool of addresses would have shown itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from wizard.egress.answers import Sample
from wizard.egress.detect import EgressReport
from wizard.egress.pools import answers_missing
from wizard.egress.providers import Provider
from wizard.egress.quorum import judge
from wizard.egress.route import public_roots
from wizard.egress.sampling import ask
from wizard.rules import Rules

DEADLINE = 30.0
"""Seconds for all questions together."""
ONE_QUESTION = 5.0
"""Seconds for one question."""
MOST_EACH = 10
"""Questions to one service: IPinfo counts 1,000 calls a day, and nobody is to be burdened."""


async def sample_more(
    report: EgressReport,
    providers: Sequence[Provider],
    *,
    rules: Rules,
    deadline: float = DEADLINE,
    on_sample: Callable[[Sample], object] = lambda _: None,
    verify: ssl.SSLContext | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask in rounds until another, equally used address would have been missed with less than 1 %.

    A service that gave no address is not asked again: it may be limiting this host.

    Args:
        report: What was found so far, and over which route; its samples count.
        providers: Whom to ask.
        rules: Special ranges that are accepted as addresses.
        deadline: Seconds after which the report is made of what there is.
        on_sample: Called with each new sample as it comes in.
        verify: What certificates are checked against; None for the public authorities.
        timer: A monotonic clock in seconds, for the samples' milliseconds.

    Raises:
        wizard.egress.proxy.ProxyUnusable: the route's proxy cannot be used at all.
    """
    context = verify or public_roots()
    samples = list(report.samples)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline):
            while askable := _askable(providers, samples):
                questions = [
                    ask(provider, report.route, rules=rules, timeout=ONE_QUESTION, timer=timer, verify=context)
                    for provider in askable[: answers_missing(samples)]
                ]
                if not questions:
                    break
                async with asyncio.TaskGroup() as group:
                    for question in asyncio.as_completed([group.create_task(question) for question in questions]):
                        samples.append(await question)
                        on_sample(samples[-1])
    return EgressReport(judge(samples), tuple(samples), report.route, ())


def _askable(providers: Iterable[Provider], samples: Sequence[Sample]) -> list[Provider]:
    """Those that never failed, the least asked first."""
    failed = {sample.provider for sample in samples if sample.address is None}
    asked = Counter(sample.provider for sample in samples)
    able = [provider for provider in providers if provider not in failed and asked[provider] < MOST_EACH]
    return sorted(able, key=lambda provider: asked[provider])
