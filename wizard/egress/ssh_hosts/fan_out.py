"""Many hosts asked at once, within bounds: so many at a time, so long each, so long all together."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wizard.core.rules import Rules
from wizard.egress.services import EchoService
from wizard.egress.ssh_hosts.model import Host, HostAnswer, ScriptRun
from wizard.egress.ssh_hosts.protocol import compose_script, end_mark, judge_run
from wizard.egress.ssh_hosts.ssh_errors import not_asked

MOST_OPERATORS = 4
"""A host asks so many at most, one after the other, and stops when two agree."""


class Runner(Protocol):
    """Runs a script on a host. `wizard.egress.ssh_hosts.openssh.OpenSsh` is one."""

    async def run(self, host: Host, script: bytes, end: bytes, deadline: float) -> ScriptRun:
        """Have the host run the script; return what it wrote."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many hosts at a time, and how long, in seconds."""

    at_a_time: int = 10
    """OpenSSH's servers drop logins from the eleventh unfinished one on (MaxStartups 10:30:100): a jump host would."""
    each: float = 25.0
    together: float = 120.0
    question: int = 4
    """For one echo service, on the host."""


def _ignore(_: HostAnswer) -> None:
    pass


async def ask_hosts(
    hosts: Sequence[Host],
    services: Sequence[EchoService],
    runner: Runner,
    *,
    rules: Rules,
    bounds: Bounds | None = None,
    on_answer: Callable[[HostAnswer], object] = _ignore,
    timer: Callable[[], float] = time.perf_counter,
) -> tuple[HostAnswer, ...]:
    """Return what every host said, in the order of `hosts`; one that is named twice is asked once.

    Args:
        hosts: Who is asked.
        services: The echo services; each host is given the first of every operator.
        runner: The way to the hosts.
        rules: Special ranges that are accepted as addresses.
        bounds: How many at a time, and how long.
        on_answer: Called with each answer as it comes in, for a live display.
        timer: A monotonic clock in seconds, for the answers' milliseconds.

    Raises:
        wizard.core.errors.WizardError: ssh cannot be started.
    """
    bounds = bounds or Bounds()
    voices = one_per_operator(services)
    free = asyncio.Semaphore(bounds.at_a_time)
    answers: dict[Host, HostAnswer] = {}

    async def ask(host: Host) -> None:
        async with free:
            answer = await _ask(host, voices, runner, rules=rules, bounds=bounds, timer=timer)
        answers[host] = answer
        on_answer(answer)

    each = dict.fromkeys(hosts)
    await _within(bounds.together, map(ask, each))
    for host in each:
        if host not in answers:
            answers[host] = HostAnswer(host, 0.0, trouble=not_asked(bounds.together))
            on_answer(answers[host])
    return tuple(answers[host] for host in each)


async def _within(seconds: float, questions: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all questions, but no longer; those that are left then are cancelled, and have ended."""
    tasks = [asyncio.create_task(question) for question in questions]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def one_per_operator(services: Sequence[EchoService]) -> tuple[EchoService, ...]:
    """Return the services that a host is given: two of one operator would be one voice."""
    first: dict[str, EchoService] = {}
    for service in services:
        first.setdefault(service.operator, service)
    return tuple(first.values())[:MOST_OPERATORS]


async def _ask(
    host: Host,
    services: Sequence[EchoService],
    runner: Runner,
    *,
    rules: Rules,
    bounds: Bounds,
    timer: Callable[[], float],
) -> HostAnswer:
    nonce = secrets.token_hex(8)
    start = timer()
    run = await runner.run(host, compose_script(nonce, bounds.question, services), end_mark(nonce), bounds.each)
    milliseconds = (timer() - start) * 1000
    return judge_run(host, run, nonce, services, rules=rules, deadline=bounds.each, milliseconds=milliseconds)
