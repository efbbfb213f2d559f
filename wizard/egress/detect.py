"""All echo services asked at once, until their answers settle the matter or time is up."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wizard.egress.answers import Sample
from wizard.egress.providers import Provider
from wizard.egress.quorum import EgressState, EgressVerdict, judge
from wizard.egress.route import Route, public_roots
from wizard.egress.sampling import ask
from wizard.rules import Rules
from wizard.text import printable

DEADLINE = 6.0
"""Seconds that the user waits at most."""

_ASK_FOR = 0.9
"""Share of the deadline that one question may take: so the dead ones can still say what was waited for."""

_SHOWN = 300
_CLEAN_UP = 1.0
"""Seconds that cancelled questions get to close their connections."""


@dataclass(frozen=True, slots=True)
class EgressReport:
    """What a detection found, and over which route."""

    verdict: EgressVerdict
    samples: tuple[Sample, ...]
    """In the order in which they came in."""
    route: Route
    unfinished: tuple[Provider, ...]
    """Services that had not answered when the matter was settled or time was up."""

    def sentence(self) -> str:
        """Return the verdict for people, with the reason when every service failed for the same one."""
        reasons = {sample.refusal for sample in self.samples}
        if self.verdict.state is EgressState.UNKNOWN and len(reasons) == 1:
            return f"{self.verdict.sentence()} Every service failed alike: {reasons.pop()}."
        return self.verdict.sentence()

    def details(self) -> Iterator[str]:
        """Yield the route, then of each service its URL, its answer or why that was refused, and its note."""
        yield self.route.sentence()
        for sample in self.samples:
            yield from _details(sample.provider, _answer(sample))
        for provider in self.unfinished:
            yield from _details(provider, "not waited for: the others had settled the matter, or time was up")


def _details(provider: Provider, answer: str) -> Iterator[str]:
    yield ""
    yield f"{printable(provider.name)} ({printable(provider.operator)}): {answer}."
    note = f"  {printable(provider.note, _SHOWN)}" if provider.note else ""
    yield f"  {printable(provider.url, _SHOWN)}, read as {provider.parser}.{note}"


def _answer(sample: Sample) -> str:
    if sample.address is None:
        return f"no address after {sample.milliseconds:.0f} ms: {printable(sample.refusal, _SHOWN)}"
    return f"saw {sample.address}, after {sample.milliseconds:.0f} ms"


def _ignore(_: Sample) -> None:
    pass


async def detect(
    providers: Sequence[Provider],
    route: Route,
    *,
    rules: Rules,
    deadline: float = DEADLINE,
    on_sample: Callable[[Sample], object] = _ignore,
    verify: ssl.SSLContext | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask every provider over `route` and return what they agree on.

    Args:
        providers: The echo services; all are asked at once, each on a fresh connection.
        route: The way out, the same for all.
        rules: Special ranges that are accepted as addresses.
        deadline: Seconds until the report is made of what there is.
        on_sample: Called with each sample as it comes in, for a live display.
        verify: What certificates are checked against; None for the public authorities.
        timer: A monotonic clock in seconds, for the samples' milliseconds.

    Raises:
        wizard.egress.proxy.ProxyUnusable: the route's proxy cannot be used at all.
    """
    context = verify or public_roots()
    questions = [
        ask(provider, route, rules=rules, timeout=deadline * _ASK_FOR, timer=timer, verify=context)
        for provider in providers
    ]
    samples: list[Sample] = []
    unfinished = list(providers)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline), _running(questions) as tasks:
            for answer in asyncio.as_completed(tasks):
                sample = await answer
                samples.append(sample)
                unfinished.remove(sample.provider)
                on_sample(sample)
                if judge(samples, pending=unfinished).is_settled:
                    break
    return EgressReport(judge(samples), tuple(samples), route, tuple(unfinished))


@contextlib.asynccontextmanager
async def _running(questions: Iterable[Coroutine[Any, Any, Sample]]) -> AsyncIterator[list[asyncio.Task[Sample]]]:
    """The questions as tasks that do not outlive the block."""
    tasks = [asyncio.create_task(question) for question in questions]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await _ended(tasks)


async def _ended(tasks: Sequence[asyncio.Task[Sample]]) -> None:
    if not tasks:
        return
    done, _ = await asyncio.wait(tasks, timeout=_CLEAN_UP)
    for task in done:
        if not task.cancelled():
            task.exception()
