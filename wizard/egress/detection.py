"""All echo services asked at once, until their answers settle the matter or time is up; asked more, they show a pool.

Network trouble becomes one phrase that blames the right party: behind a proxy, the only connection that this host opens
is the one to the proxy. The phrases name no service, so that the same trouble reads the same for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import httpx

from wizard import __version__
from wizard.core.rules import Rules
from wizard.core.text import printable
from wizard.egress.agreement import EgressState, EgressVerdict, answers_missing, judge
from wizard.egress.services import BODY_LIMIT, EchoService, NoAddressError, Parser, Sample, read_answer, refuse_status
from wizard.net.route import Route, answered, open_transport, public_roots
from wizard.net.trace import Phase, Trace, explain

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
_HEADERS = {
    "User-Agent": f"key-wizard/{__version__}",
    "Accept": "text/plain, application/json;q=0.9",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
}
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
            return f"{self.verdict.sentence()} All failed for the same reason: {reasons.pop()}."
        return self.verdict.sentence()

    def details(self) -> Iterator[str]:
        """Yield the route, then of each service its URL, its answer or why that was refused, and its note."""
        yield self.route.sentence()
        for sample in self.samples:
            took = f"after {sample.milliseconds:.0f} ms"
            refusal = f"no address {took}: {printable(sample.refusal, _SHOWN)}"
            yield from _details(sample.service, f"saw {sample.address}, {took}" if sample.address else refusal)
        for service in self.unfinished:
            yield from _details(service, "not waited for, as others agreed or time was up")


def _details(service: EchoService, answer: str) -> Iterator[str]:
    yield ""
    yield f"{printable(service.name)} ({printable(service.operator)}): {answer}."
    note = f"  {printable(service.note, _SHOWN)}" if service.note else ""
    yield f"  {printable(service.url, _SHOWN)}, read as {service.parser}.{note}"


async def detect(
    services: Sequence[EchoService],
    route: Route,
    *,
    rules: Rules,
    deadline: float = DEADLINE,
    on_sample: Callable[[Sample], object] = lambda _: None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask every service over `route`, all at once and on fresh connections, and return what they agree on.

    Whoever can say that WARP is on is always waited for; all others only until two agree.
    After `deadline` seconds the report is made of what there is. `on_sample` takes each sample as it comes in. Raises
    `RouteError` where the proxy, or the authorities that a variable names, cannot be used.
    """
    context = public_roots()
    samples: list[Sample] = []
    unfinished = list(services)
    tasks = [
        asyncio.create_task(ask(service, route, rules=rules, timeout=deadline * _ASK_FOR, timer=timer, verify=context))
        for service in services
    ]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                for answer in asyncio.as_completed(tasks):
                    sample = await answer
                    samples.append(sample)
                    unfinished.remove(sample.service)
                    on_sample(sample)
                    may_be_shared = any(service.parser is Parser.TRACE for service in unfinished)
                    if not may_be_shared and judge(samples).is_settled:
                        break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait([asyncio.gather(*tasks, return_exceptions=True)], timeout=_CLEAN_UP)
    return EgressReport(judge(samples), tuple(samples), route, tuple(unfinished))


async def sample_more(
    report: EgressReport,
    services: Sequence[EchoService],
    *,
    rules: Rules,
    deadline: float = SAMPLING_DEADLINE,
    on_sample: Callable[[Sample], object] = lambda _: None,
    timer: Callable[[], float] = time.perf_counter,
) -> EgressReport:
    """Ask in rounds until another, equally used address would have been missed with less than 1 %.

    A service that gave no address is not asked again: it may be limiting this host. The samples of `report` count, and
    its route is taken. Everything else is as for `detect`.
    """
    context = public_roots()
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


async def ask(
    service: EchoService,
    route: Route,
    *,
    rules: Rules,
    timeout: float,  # noqa: ASYNC109 - becomes asyncio.timeout here, so that every caller has a deadline
    timer: Callable[[], float],
    verify: ssl.SSLContext | None = None,
) -> Sample:
    """Ask `service` which address it sees. Network trouble becomes a refusal, never an exception.

    `timeout` is in seconds, from name resolution to the last byte; `verify` None means the public authorities.
    """
    address, refusal, is_shared = None, "", False
    start = timer()
    try:
        address = read_answer(service, await _fetch(service.url, route, timeout, verify), rules)
    except NoAddressError as refused:
        refusal, is_shared = str(refused), refused.is_shared
    return Sample(service, address, refusal, (timer() - start) * 1000, is_shared)


async def _fetch(url: str, route: Route, seconds: float, verify: ssl.SSLContext | None) -> bytes:
    trace = Trace(proxied=route.is_proxied)
    try:
        request = httpx.Request("GET", url, headers=_HEADERS, extensions={"trace": trace})
        # A transport of its own: a connection that is used again hides address pools.
        transport = open_transport(route, verify=verify)
        async with asyncio.timeout(seconds), transport, answered(transport, request) as response:
            refuse_status(response.status_code, response.headers.get("location", ""))
            body = b""
            async for chunk in response.aiter_raw():  # as sent, never decompressed
                body += chunk
                if len(body) > BODY_LIMIT:
                    break
            return body
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        reason = _failure(error, trace, route, seconds)
    finally:
        await trace.close_half_open()
    raise NoAddressError(reason)


def time_out(trace: Trace, route: Route, seconds: float) -> str:
    """Say what was waited for in vain."""
    whom = f"the {route.shown}" if route.is_proxied else "the server"
    if trace.connected_ms is None:
        return f"no connection to {whom} within {seconds:g} s"
    if trace.phase is Phase.TLS:
        return f"connected, but no TLS handshake within {seconds:g} s, possibly filtered on the way"
    if route.is_proxied:
        return f"connected to {whom}, but no answer came through it within {seconds:g} s"
    return f"connected, but no answer within {seconds:g} s"


def _failure(error: Exception, trace: Trace, route: Route, seconds: float) -> str:
    """Say what went wrong, from the exception that httpx raised and those below it."""
    phase, reason = explain(error, trace.phase)
    if phase is Phase.TIMEOUT:
        return time_out(trace, route, seconds)
    if phase is Phase.TLS:
        return f"no TLS connection ({reason or 'reason not given'}), possibly a captive portal"
    if isinstance(error, httpx.ProxyError):
        return f"the {route.shown} refused: {printable(str(error), 80)}"
    if phase is Phase.READ:
        return "the connection was closed without a valid HTTP answer"
    if reason == os.strerror(errno.EADDRNOTAVAIL):
        reason = f"this host has no address {route.source_address} to call from"
    whom = f"the {route.shown} cannot be reached" if route.is_proxied else "no connection"
    return f"{whom}: {'its name cannot be resolved' if phase is Phase.DNS else reason or 'the system gives no reason'}"
