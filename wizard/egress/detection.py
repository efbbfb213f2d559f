"""All echo services asked at once, until their answers settle the matter or time is up.

Asked on, each time on a fresh connection, they show whether this host leaves by several addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wizard.core.rules import Rules
from wizard.core.text import printable
from wizard.egress.agreement import EgressState, EgressVerdict, judge
from wizard.egress.answers import Sample
from wizard.egress.pools import answers_missing
from wizard.egress.query import ask
from wizard.egress.services import EchoService
from wizard.net.route import Route, public_roots

DEADLINE = 6.0
"""Seconds that the user waits at most."""
SAMPLING_DEADLINE = 30.0
"""Seconds for all further questions together."""
MOST_EACH = 10
"""Questions to one service: IPinfo counts 1,000 calls a day, and nobody is to be burdened."""
_ONE_QUESTION = 5.0
"""Seconds for one further question."""

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
    unfinished: tuple[EchoService, ...]
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
            yield from _details(sample.service, _answer(sample))
        for service in self.unfinished:
            yield from _details(service, "not waited for: the others had settled the matter, or time was up")


def _details(service: EchoService, answer: str) -> Iterator[str]:
    yield ""
    yield f"{printable(service.name)} ({printable(service.operator)}): {answer}."
    note = f"  {printable(service.note, _SHOWN)}" if service.note else ""
    yield f"  {printable(service.url, _SHOWN)}, read as {service.parser}.{note}"


def _answer(sample: Sample) -> str:
    if sample.address is None:
        return f"no address after {sample.milliseconds:.0f} ms: {printable(sample.refusal, _SHOWN)}"
    return f"saw {sample.address}, after {sample.milliseconds:.0f} ms"


def _ignore(_: Sample) -> None:
    pass


async def detect(
    services: Sequence[EchoService],
    route: Route,
    *,
    rules: Rules,
    deadline: float = DEADLINE,
    on_sample: Callable[[Sample], object] = _ignore,
    verify: ssl.SSLContext | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask every service over `route` and return what they agree on.

    Args:
        services: The echo services; all are asked at once, each on a fresh connection.
        route: The way out, the same for all.
        rules: Special ranges that are accepted as addresses.
        deadline: Seconds until the report is made of what there is.
        on_sample: Called with each sample as it comes in, for a live display.
        verify: What certificates are checked against; None for the public authorities.
        timer: A monotonic clock in seconds, for the samples' milliseconds.

    Raises:
        wizard.net.route.RouteError: the route's proxy cannot be used at all.
    """
    context = verify or public_roots()
    questions = [
        ask(service, route, rules=rules, timeout=deadline * _ASK_FOR, timer=timer, verify=context)
        for service in services
    ]
    samples: list[Sample] = []
    unfinished = list(services)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline), _running(questions) as tasks:
            for answer in asyncio.as_completed(tasks):
                sample = await answer
                samples.append(sample)
                unfinished.remove(sample.service)
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


async def sample_more(
    report: EgressReport,
    services: Sequence[EchoService],
    *,
    rules: Rules,
    deadline: float = SAMPLING_DEADLINE,
    on_sample: Callable[[Sample], object] = _ignore,
    verify: ssl.SSLContext | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask in rounds until another, equally used address would have been missed with less than 1 %.

    A service that gave no address is not asked again: it may be limiting this host.

    Args:
        report: What was found so far, and over which route; its samples count.
        services: Whom to ask.
        rules: Special ranges that are accepted as addresses.
        deadline: Seconds after which the report is made of what there is.
        on_sample: Called with each new sample as it comes in.
        verify: What certificates are checked against; None for the public authorities.
        timer: A monotonic clock in seconds, for the samples' milliseconds.

    Raises:
        wizard.net.route.RouteError: the route's proxy cannot be used at all.
    """
    context = verify or public_roots()
    samples = list(report.samples)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline):
            while askable := _askable(services, samples):
                questions = [
                    ask(service, report.route, rules=rules, timeout=_ONE_QUESTION, timer=timer, verify=context)
                    for service in askable[: answers_missing(samples)]
                ]
                if not questions:
                    break
                async with asyncio.TaskGroup() as group:
                    for question in asyncio.as_completed([group.create_task(question) for question in questions]):
                        samples.append(await question)
                        on_sample(samples[-1])
    return EgressReport(judge(samples), tuple(samples), report.route, ())


def _askable(services: Iterable[EchoService], samples: Sequence[Sample]) -> list[EchoService]:
    """Those that never failed, the least asked first."""
    failed = {sample.service for sample in samples if sample.address is None}
    asked = Counter(sample.service for sample in samples)
    able = [service for service in services if service not in failed and asked[service] < MOST_EACH]
    return sorted(able, key=lambda service: asked[service])
